import assert from 'node:assert/strict';
import test from 'node:test';

import {
  AlreadySettledError,
  type Delivery,
  type Handler,
  StaleDeliveryError,
  UnconfirmedError,
  UnknownDeliveryError,
} from '@onhook/client';

import { Bench, deferred, Hands, idsOf, next } from './support.js';

test('a handler that returns has acknowledged', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  bench.handle(() => undefined);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
});

test('nothing is acknowledged before its handler has returned', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  assert.deepEqual(bench.settled, []);
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
});

test('a handler that throws has given the event back, with its words and without a delay', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const seen: { error: unknown; attempt: number }[] = [];
  bench.handle(
    (delivery) => {
      if (delivery.attempt === 1) throw new Error('the disk is full');
    },
    { onHandlerError: (error, { attempt }) => seen.push({ error, attempt }) },
  );
  await bench.gateway.until(() => bench.settled.length === 2);
  const [failed, done] = bench.gateway.settlements;
  assert.deepEqual([failed?.action, failed?.reason, failed?.delayMs], ['retry', 'the disk is full', undefined]);
  assert.deepEqual([done?.action, done?.attempt, done?.eventId], ['ack', 2, event.eventId]);
  assert.deepEqual(seen, [{ error: new Error('the disk is full'), attempt: 1 }]);
});

test('a handler that rejects with what is no error has its words all the same', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  bench.handle(({ attempt }) => (attempt === 1 ? Promise.reject('just words') : undefined));
  await bench.gateway.until(() => bench.settled.length === 2);
  assert.equal(bench.gateway.settlements[0]?.reason, 'just words');
});

test('a handler that throws what cannot be made a text has given the event back', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  bench.handle(({ attempt }) => {
    if (attempt === 1) throw Object.create(null);
    if (attempt === 2) throw Object.assign(new Error(), { message: undefined });
  });
  await bench.gateway.until(() => bench.settled.length === 3);
  assert.deepEqual(
    bench.gateway.settlements.map(({ action, reason }) => [action, reason]),
    [
      ['retry', 'the handler threw something that says nothing'],
      ['retry', 'undefined'],
      ['ack', ''],
    ],
  );
});

const WAYS: [string, (delivery: Delivery) => Promise<void>, string, number | undefined][] = [
  ['retry', (delivery) => delivery.retry({ delayMs: 1500, reason: 'later' }), 'later', 1500],
  ['retry', (delivery) => delivery.nack({ reason: 'by another name' }), 'by another name', undefined],
  ['park', (delivery) => delivery.park('no such customer'), 'no such customer', undefined],
  ['skip', (delivery) => delivery.skip('not for us'), 'not for us', undefined],
  ['release', (delivery) => delivery.release('somebody else'), 'somebody else', undefined],
  ['ack', (delivery) => delivery.ack(), '', undefined],
];

for (const [action, settle, reason, delayMs] of WAYS) {
  for (const form of ['handler', 'iterator'] as const) {
    test(`${reason || action}: a ${form} can ask for ${action}`, async (t) => {
      const bench = await Bench.of(t);
      const event = bench.gateway.publish();
      if (form === 'handler') {
        bench.handle((delivery) => (delivery.attempt === 1 ? settle(delivery) : undefined));
      } else {
        await settle(await bench.first());
      }
      await bench.gateway.settled(event);
      const [first] = bench.gateway.settlements;
      assert.deepEqual([first?.action, first?.reason, first?.delayMs], [action, reason, delayMs]);
    });
  }
}

test('a reason that is too long is cut between characters', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  bench.handle((delivery) => delivery.park('📞'.repeat(2000)));
  assert.equal((await bench.gateway.settled(event)).reason, '📞'.repeat(1024));
});

test('a delivery is settled once', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const delivery = await bench.first();
  await delivery.park('once');
  assert.equal(delivery.isSettled, true);
  await assert.rejects(delivery.ack(), AlreadySettledError);
  assert.deepEqual((await bench.gateway.settled(event)).action, 'park');
  assert.equal(bench.settled.length, 1);
});

test('a handler that settles and then throws has settled', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  bench.handle(
    async (delivery) => {
      await delivery.park('no');
      throw new Error('too late');
    },
    { onHandlerError: () => undefined },
  );
  await bench.gateway.settled(event);
  bench.gateway.publish({ callSerialNo: 'next' });
  await bench.gateway.until(() => bench.settled.length === 2);
  assert.deepEqual(bench.settled, ['park call-1', 'park next']);
});

test('a settlement tells whether the gateway has confirmed it', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first();
  const stream = await bench.stream(0);
  bench.gateway.answerWith('lost');
  let isConfirmed = false;
  const confirmed = delivery.ack().then(() => (isConfirmed = true));
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 1);
  assert.equal(isConfirmed, false);
  stream.send({ $case: 'ackResults', value: { requestId: 1n, exceptions: [] } });
  await confirmed;
  assert.equal(isConfirmed, true);
});

test('what the gateway refuses is told', async (t) => {
  const bench = await Bench.of(t);
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  const deliveries = bench.iterate()[Symbol.asyncIterator]();
  const [first, second, third] = [await next(deliveries), await next(deliveries), await next(deliveries)];
  bench.gateway.answerWith('STALE');
  await assert.rejects(first.retry(), (error) => {
    assert.ok(error instanceof StaleDeliveryError);
    assert.equal(error.code, 'ABORTED');
    return true;
  });
  bench.gateway.answerWith('UNKNOWN');
  await assert.rejects(second.ack(), (error) => {
    assert.ok(error instanceof UnknownDeliveryError);
    assert.equal(error.code, 'NOT_FOUND');
    return true;
  });
  const [stream] = bench.gateway.streams;
  bench.gateway.answerWith('lost');
  const answered = assert.rejects(third.ack(), { code: 'UNKNOWN', reason: 'RESULT' });
  const exceptions = [{ deliveryId: third.id, result: 99 }];
  stream?.send({ $case: 'ackResults', value: { requestId: 3n, exceptions } });
  await answered;
});

test('what could not be stored now is asked again', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first();
  bench.gateway.answerWith('RETRY_LATER');
  const confirmed = delivery.ack();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 1);
  bench.gateway.answerWith('done');
  await confirmed;
  assert.deepEqual(idsOf(stream, 'ack'), [[delivery.id], [delivery.id]]);
});

test('an acknowledgement without an answer is sent again on the next stream', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const delivery = await bench.first();
  bench.gateway.answerWith('lost');
  const confirmed = delivery.ack();
  const first = await bench.stream(0);
  await bench.gateway.until(() => idsOf(first, 'ack').length === 1);
  bench.gateway.answerWith('done');
  bench.gateway.endStreams();
  await confirmed;
  assert.deepEqual(idsOf(await bench.stream(1), 'ack')[0], [delivery.id]);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
});

test('what else was to be said of a delivery of a lost stream is given up', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first();
  bench.gateway.answerWith('lost');
  const given = assert.rejects(delivery.park('no'), UnconfirmedError);
  const first = await bench.stream(0);
  await bench.gateway.until(() => idsOf(first, 'nack').length === 1);
  bench.gateway.endStreams();
  await given;
  assert.deepEqual(idsOf(await bench.stream(1), 'nack'), []);
});

test('an acknowledgement leaves at once, and gathers with others while one is under way', async (t) => {
  const bench = await Bench.of(t);
  for (let i = 0; i < 5; i++) bench.gateway.publish({ callSerialNo: `c-${String(i)}` });
  const deliveries = bench.iterate()[Symbol.asyncIterator]();
  const taken: Delivery[] = [];
  for (let i = 0; i < 5; i++) taken.push(await next(deliveries));
  const [first, ...others] = taken;
  bench.gateway.answerWith('lost');
  void first?.ack();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 1);
  for (const delivery of others) {
    void delivery.ack();
    await new Promise(setImmediate);
  }
  bench.gateway.answerWith('done');
  stream.send({ $case: 'ackResults', value: { requestId: 1n, exceptions: [] } });
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 2);
  assert.deepEqual(idsOf(stream, 'ack'), [[first?.id], others.map(({ id }) => id)]);
});

test('a full batch does not wait for the one before', async (t) => {
  const bench = await Bench.of(t);
  const count = 2500;
  for (let i = 0; i < count; i++) bench.gateway.publish({ callSerialNo: `c-${String(i)}` });
  const all = deferred();
  const taken: Delivery[] = [];
  void (async () => {
    for await (const delivery of bench.iterate({ maxOutstandingEvents: count })) {
      taken.push(delivery);
      if (taken.length === count) all.resolve();
    }
  })();
  await all.promise;
  bench.gateway.answerWith('lost');
  for (const delivery of taken) void delivery.ack();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 2);
  assert.deepEqual(idsOf(stream, 'ack').map((ids) => ids.length), [1000, 1000]);
});

test('what a handler returns beside a promise is of no account', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const seen: Delivery[] = [];
  bench.handle(((delivery: Delivery) => seen.push(delivery)) as unknown as Handler);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
});

test('a time that is none is refused before anything is settled by it', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first();
  for (const delayMs of [NaN, Infinity, -1]) {
    assert.throws(() => delivery.retry({ delayMs }), RangeError);
    assert.throws(() => delivery.extend(delayMs), RangeError);
  }
  assert.equal(delivery.isSettled, false);
  await delivery.ack();
});
