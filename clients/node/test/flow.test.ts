import assert from 'node:assert/strict';
import test from 'node:test';

import { Bench, Hands, idsOf, next } from './support.js';

test('with one handler at a time events are handled in the order of arrival', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  bench.handle(hands.handler);
  for (const [index, name] of ['a', 'b', 'c'].entries()) {
    assert.equal((await hands.call(index)).event.callSerialNo, name);
    assert.equal(hands.begun.length, index + 1);
    hands.returns(index);
  }
  await bench.gateway.until(() => bench.settled.length === 3);
  assert.deepEqual(bench.settled, ['ack a', 'ack b', 'ack c']);
});

test('at most as many handlers run at once as were asked for', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  for (const callSerialNo of ['a', 'b', 'c', 'd']) bench.gateway.publish({ callSerialNo });
  bench.handle(hands.handler, { concurrency: 2 });
  await hands.call(1);
  await new Promise(setImmediate);
  assert.equal(hands.begun.length, 2);
  hands.returns(1);
  assert.equal((await hands.call(2)).event.callSerialNo, 'c');
  assert.equal(hands.begun.length, 3);
});

test('a concurrency that is no number of handlers is refused', async (t) => {
  const bench = await Bench.of(t);
  for (const concurrency of [0, -1, 1.5, NaN]) {
    assert.throws(() => bench.handle(() => undefined, { concurrency }), RangeError);
  }
});

test('the gateway is told the limits', async (t) => {
  const bench = await Bench.of(t);
  bench.iterate({
    consumerName: 'pod-1',
    maxOutstandingEvents: 7,
    maxOutstandingBytes: 70_000,
    ackDeadlineMs: 1500,
    createIfMissing: { startPosition: 'latest', maxDeliveryAttempts: 'unlimited', filter: { sources: ['a'] } },
  });
  const { open } = await bench.stream(0);
  assert.deepEqual(
    [open.subscription, open.consumerName, open.maxOutstandingEvents, open.maxOutstandingBytes],
    ['crm', 'pod-1', 7, 70_000n],
  );
  assert.deepEqual([open.ackDeadline?.seconds, open.ackDeadline?.nanos], [1n, 500_000_000]);
  assert.equal(open.createIfMissing?.startPosition, 2);
  assert.equal(open.createIfMissing.deliveryAttempts?.$case, 'unlimitedDeliveryAttempts');
  assert.deepEqual(open.createIfMissing.filter?.sources, ['a']);
});

test('no more is held than the limit, and the next comes when one is settled', async (t) => {
  const bench = await Bench.of(t);
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  const deliveries = bench.iterate({ maxOutstandingEvents: 2 })[Symbol.asyncIterator]();
  const first = await next(deliveries);
  await next(deliveries);
  const third = next(deliveries);
  await first.ack();
  assert.equal((await third).event.callSerialNo, 'c');
});

test('pause and resume stop and restart new deliveries on the same stream', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish({ callSerialNo: 'before' });
  const subscription = bench.iterate();
  const deliveries = subscription[Symbol.asyncIterator]();
  const before = await next(deliveries);
  subscription.pause();
  await before.ack(); // what is here goes on
  bench.gateway.publish({ callSerialNo: 'while' });
  const stream = await bench.stream(0);
  assert.equal(bench.gateway.owed('crm'), 1);
  subscription.resume();
  assert.equal((await next(deliveries)).event.callSerialNo, 'while');
  const flow = stream.requests.flatMap(({ request }) => (request?.$case === 'flow' ? [request.value.paused] : []));
  assert.deepEqual(flow, [true, false]);
  assert.equal(bench.gateway.streams.length, 1);
});

test('a subscription that is paused stays so over a lost stream', async (t) => {
  const bench = await Bench.of(t);
  const subscription = bench.iterate();
  await bench.stream(0);
  subscription.pause();
  bench.gateway.endStreams();
  const second = await bench.stream(1);
  await bench.gateway.until(() => second.requests.length === 2);
  assert.deepEqual(second.requests[1]?.request, { $case: 'flow', value: { ...flow(), paused: true } });
});

function flow() {
  return { maxOutstandingEvents: undefined, maxOutstandingBytes: undefined, _unknownFields: {} };
}

test('what comes again while it is handled is not handled twice, and settles by the newest delivery', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler, { concurrency: 2 });
  await hands.call(0);
  const stream = await bench.stream(0);
  bench.gateway.expire(event);
  bench.gateway.publish({ callSerialNo: 'other' });
  // What is sent behind the redelivery has been handled by now, and so would that.
  assert.equal((await hands.call(1)).event.callSerialNo, 'other');
  hands.throws(0, new Error('by the newest'));
  await bench.gateway.until(() => idsOf(stream, 'nack').length === 1);
  assert.deepEqual(idsOf(stream, 'nack'), [['crm-2']]);
  assert.equal(hands.begun.length, 2);
});

test('what comes again while it waits is handled once, and settles by the newest delivery', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish({ callSerialNo: 'first' });
  const event = bench.gateway.publish({ callSerialNo: 'waits' });
  bench.handle(hands.handler);
  await hands.call(0);
  bench.gateway.expire(event);
  bench.gateway.publish({ callSerialNo: 'last' });
  await bench.caughtUp();
  hands.returns(0);
  const delivery = await hands.call(1);
  assert.deepEqual([delivery.event.callSerialNo, delivery.attempt, delivery.id], ['waits', 2, 'crm-3']);
  hands.returns(1);
  assert.equal((await hands.call(2)).event.callSerialNo, 'last');
  await bench.gateway.until(() => bench.settled.length === 2);
  assert.deepEqual(bench.settled, ['ack first', 'ack waits']);
});

test('once an event is settled it is handled again when it comes again', async (t) => {
  const bench = await Bench.of(t);
  const attempts: number[] = [];
  bench.gateway.publish();
  bench.handle((delivery) => {
    attempts.push(delivery.attempt);
    if (attempts.length < 3) throw new Error('not yet');
  });
  await bench.gateway.until(() => bench.settled.length === 3);
  assert.deepEqual(attempts, [1, 2, 3]);
});

test('handlers that never wait leave the process time for other things', async (t) => {
  const bench = await Bench.of(t);
  for (let i = 0; i < 200; i++) bench.gateway.publish({ callSerialNo: `c-${String(i)}` });
  let handled = 0;
  let handledAtFirstTimer = -1;
  bench.handle(() => {
    if (handled === 0) setTimeout(() => (handledAtFirstTimer = handled), 0);
    handled += 1;
    const until = performance.now() + 1;
    while (performance.now() < until);
  });
  await bench.gateway.until(() => bench.settled.length === 200);
  assert.ok(handledAtFirstTimer > 0 && handledAtFirstTimer < 200, String(handledAtFirstTimer));
});
