import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';

import { AlreadySettledError, UnconfirmedError } from '@onhook/client';
import { makeEvent } from '@onhook/client/testing';

import { Bench, Hands, idsOf, next } from './support.js';

test('a stop gives back what no handler has begun, and waits for those that run', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  const subscription = bench.handle(hands.handler);
  await hands.call(0);
  await bench.caughtUp();
  const stopped = subscription.stop();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'nack').length === 1);
  assert.deepEqual(bench.settled, ['release b', 'release c']);
  hands.returns(0);
  await stopped;
  assert.deepEqual(bench.settled, ['release b', 'release c', 'ack a']);
  // Paused first: what is given back is not to come here again.
  assert.deepEqual(
    stream.requests.map(({ request }) => request?.$case),
    ['open', 'flow', 'nack', 'ack'],
  );
  assert.deepEqual([stream.isHalfClosed, stream.hasEnded], [true, true]);
  assert.equal(bench.states.names.at(-1), 'stopped');
  assert.equal(hands.begun.length, 1);
});

test('what still comes after a stop is given back', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish({ callSerialNo: 'held' });
  const subscription = bench.handle(hands.handler);
  await hands.call(0);
  const stopped = subscription.stop();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => stream.requests.length === 2);
  const event = makeEvent({ callSerialNo: 'late' }).message;
  const late = { deliveryId: 'late', event, cursor: '', attempt: 1, redeliveryReason: 0 };
  stream.send({ $case: 'deliveries', value: { deliveries: [late] } });
  await bench.gateway.until(() => idsOf(stream, 'nack').length === 1);
  assert.deepEqual(idsOf(stream, 'nack'), [['late']]);
  hands.returns(0);
  await stopped;
});

test('what a handler still holds after the grace is given back, and it is told', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish();
  const subscription = bench.handle(hands.handler);
  const delivery = await hands.call(0);
  const { signal } = delivery;
  await subscription.stop({ graceMs: 5 });
  assert.deepEqual(bench.settled, ['release call-1']);
  assert.equal(signal.aborted, true);
  await assert.rejects(delivery.ack(), AlreadySettledError);
});

test('a grace without end is one', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  const subscription = bench.handle(hands.handler, { graceMs: Infinity });
  await hands.call(0);
  const stopped = subscription.stop();
  await new Promise((resolve) => setTimeout(resolve, 20));
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
  await stopped;
});

test('a stop says how many acknowledgements are not confirmed', async (t) => {
  const bench = await Bench.of(t);
  for (const callSerialNo of ['a', 'b']) bench.gateway.publish({ callSerialNo });
  bench.gateway.answerWith('lost');
  const subscription = bench.handle(() => undefined, { confirmationTimeoutMs: 20 });
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'ack').length > 0);
  await assert.rejects(subscription.stop(), (error) => {
    assert.ok(error instanceof UnconfirmedError);
    assert.equal(error.message, '2 acknowledgement(s) not confirmed; their events may come again');
    return true;
  });
});

test('a stop opens another stream for what the last one could not confirm', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  const subscription = bench.handle(hands.handler);
  await hands.call(0);
  const stopped = subscription.stop();
  bench.gateway.endStreams();
  hands.returns(0);
  await stopped;
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
});

test('a stop waits for the confirmation of what was acknowledged', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const subscription = bench.iterate();
  const delivery = await next(subscription[Symbol.asyncIterator]());
  bench.gateway.answerWith('lost');
  void delivery.ack();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'ack').length === 1);
  let isStopped = false;
  const stopped = subscription.stop().then(() => (isStopped = true));
  await bench.caughtUp();
  assert.equal(isStopped, false);
  stream.send({ $case: 'ackResults', value: { requestId: 1n, exceptions: [] } });
  await stopped;
});

test('a stop while there is no gateway is over at once', async (t) => {
  const bench = await Bench.of(t);
  await bench.gateway.close();
  const subscription = bench.iterate();
  await bench.states.until((states) => states.at(-1)?.state === 'backing_off');
  await subscription.stop();
  assert.equal(subscription.state.state, 'stopped');
});

test('a signal that is aborted stops a subscription, also before it began', async (t) => {
  const bench = await Bench.of(t);
  const abort = new AbortController();
  const subscription = bench.iterate({ signal: abort.signal });
  await bench.stream(0);
  abort.abort();
  await subscription.closed;
  const late = bench.iterate({ signal: abort.signal });
  await late.closed;
  assert.deepEqual(await late[Symbol.asyncIterator]().next(), { done: true, value: undefined });
});

test('to leave the loop stops the subscription, and what is held can still be settled', async (t) => {
  const bench = await Bench.of(t);
  for (const callSerialNo of ['a', 'b']) bench.gateway.publish({ callSerialNo });
  const subscription = bench.iterate();
  for await (const delivery of subscription) {
    setImmediate(() => void delivery.ack());
    break;
  }
  await subscription.closed;
  assert.deepEqual(bench.settled.sort(), ['ack a', 'release b']);
});

test('a stop ends the loop', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const subscription = bench.iterate();
  let count = 0;
  for await (const delivery of subscription) {
    count += 1;
    await delivery.ack();
    void subscription.stop();
  }
  assert.equal(count, 1);
});

test('a client that is closed stops what it has started, and takes nothing more', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const subscription = bench.handle(() => undefined);
  const watch = bench.client.watch();
  await bench.gateway.settled(event);
  await bench.client[Symbol.asyncDispose]();
  assert.equal(subscription.state.state, 'stopped');
  assert.deepEqual(await watch[Symbol.asyncIterator]().next(), { done: true, value: undefined });
  await assert.rejects(bench.client.getEvent(event.eventId), { reason: 'CLIENT_CLOSED' });
});

test('a failure that nobody looks at ends the process, but for a hook', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.deleteSubscription('crm');
  const program = (options: string) => `
    const { Client } = require(${JSON.stringify(require.resolve('@onhook/client'))});
    const client = new Client({ server: '${bench.gateway.server}' });
    client.subscribe('crm', () => undefined, ${options});`;
  const run = promisify(execFile);
  await assert.rejects(run(process.execPath, ['-e', program('{}')]), (error: { stderr: string }) => {
    assert.match(error.stderr, /NotFoundError: no subscription crm/);
    return true;
  });
  await run(process.execPath, ['-e', program('{ onState() {} }')]);
});
