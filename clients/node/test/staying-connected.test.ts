import assert from 'node:assert/strict';
import test from 'node:test';

import { NotFoundError, PermissionDeniedError } from '@onhook/client';
import { FakeGateway } from '@onhook/client/testing';

import { ReconnectBackoff } from '../src/backoff.js';
import { errorOf, localError, type StatusCode } from '../src/errors.js';
import { StreamEnds } from '../src/stream-ends.js';
import { Bench, Hands, idsOf } from './support.js';

test('a lost stream is opened again under its name', async (t) => {
  const bench = await Bench.of(t);
  bench.iterate();
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
  bench.gateway.endStreams({ code: 'INTERNAL', message: 'a fault' });
  await bench.states.until((states) => states.length === 5);
  assert.deepEqual(bench.states.names, ['connecting', 'streaming', 'backing_off', 'connecting', 'streaming']);
  const [, , lost] = bench.states.seen;
  assert.ok(lost?.state === 'backing_off');
  assert.deepEqual([lost.cause.code, lost.cause.message], ['INTERNAL', 'a fault']);
  assert.deepEqual(bench.gateway.streams.map(({ open }) => open.subscription), ['crm', 'crm']);
});

test('an end with OK that nobody asked for is a lost stream', async (t) => {
  const bench = await Bench.of(t);
  bench.iterate();
  (await bench.stream(0)).end();
  await bench.stream(1);
  assert.ok(bench.states.names.includes('backing_off'));
});

test('what is handled over a lost stream is handled once, and acknowledged on the next', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  bench.gateway.endStreams();
  const second = await bench.stream(1);
  bench.gateway.publish({ callSerialNo: 'next' });
  await bench.states.until((states) => states.filter(({ state }) => state === 'streaming').length === 2);
  await bench.caughtUp();
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
  assert.equal((await hands.call(1)).event.callSerialNo, 'next');
  assert.equal(idsOf(second, 'ack')[0]?.length, 1);
});

test('what was acknowledged on a lost stream is not handled again while that is not confirmed', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish();
  const subscription = bench.handle(hands.handler);
  await hands.call(0);
  bench.gateway.answerWith('lost');
  hands.returns(0);
  const first = await bench.stream(0);
  await bench.gateway.until(() => idsOf(first, 'ack').length === 1);
  bench.gateway.endStreams();
  const second = await bench.stream(1);
  // The redelivery crosses the acknowledgement that is sent again.
  await bench.gateway.until(() => idsOf(second, 'ack').length === 1);
  await bench.caughtUp();
  bench.gateway.answerWith('done');
  second.send({ $case: 'ackResults', value: { requestId: 1n, exceptions: [] } });
  await bench.gateway.until(() => bench.settled.length === 1);
  assert.deepEqual(idsOf(second, 'ack'), [['crm-1'], ['crm-2']]);
  await subscription.stop();
  assert.equal(hands.begun.length, 1);
});

test('what is acknowledged again on each of many lost streams is one acknowledgement', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  bench.gateway.answerWith('lost');
  const subscription = bench.handle(() => undefined, { confirmationTimeoutMs: 20 });
  for (let index = 0; index < 4; index++) {
    const stream = await bench.stream(index);
    await bench.gateway.until(() => idsOf(stream, 'ack').length > 0);
    await bench.caughtUp();
    bench.gateway.endStreams();
  }
  await assert.rejects(subscription.stop(), /^UnconfirmedError: 1 acknowledgement/);
});

test('what waited when its stream was lost comes again, and is handled once', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  bench.handle(hands.handler);
  await hands.call(0);
  bench.gateway.endStreams();
  await bench.stream(1);
  await bench.states.until((states) => states.filter(({ state }) => state === 'streaming').length === 2);
  await bench.caughtUp();
  for (const index of [0, 1, 2]) {
    await hands.call(index);
    hands.returns(index);
  }
  await bench.gateway.until(() => bench.gateway.owed('crm') === 0);
  assert.deepEqual(hands.begun.map(({ event }) => event.callSerialNo).sort(), ['a', 'b', 'c']);
});

test('a gateway that says nothing for two intervals has lost its connection, and another is made', async (t) => {
  const bench = await Bench.of(t, { heartbeatIntervalMs: 40 });
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  const first = await bench.stream(0);
  first.silence();
  const second = await bench.stream(1);
  assert.notEqual(second.peer, first.peer);
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
  const lost = bench.states.seen.find(({ state }) => state === 'backing_off');
  assert.ok(lost?.state === 'backing_off');
  assert.deepEqual([lost.cause.code, lost.cause.reason], ['UNAVAILABLE', 'SILENT']);
});

test('heartbeats keep a stream that has nothing else', async (t) => {
  const bench = await Bench.of(t, { heartbeatIntervalMs: 100 });
  bench.iterate();
  const stream = await bench.stream(0);
  // Twice as long as a stream may be silent, by the gateway's own words.
  let sent = 0;
  const send = stream.send.bind(stream);
  await new Promise<void>((resolve) => {
    stream.send = (response) => {
      send(response);
      sent += response.$case === 'heartbeat' ? 1 : 0;
      if (sent === 4) resolve();
    };
    void bench.stream(1).then(() => {
      resolve();
    });
  });
  assert.equal(bench.gateway.streams.length, 1);
  assert.equal(stream.hasEnded, false);
});

test('a lost stream alone keeps the connection', async (t) => {
  const bench = await Bench.of(t);
  bench.iterate();
  const first = await bench.stream(0);
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
  bench.gateway.endStreams();
  assert.equal((await bench.stream(1)).peer, first.peer);
});

test('go_away opens the replacement at once, while the old stream finishes and ends with OK', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  const old = await bench.stream(0);
  bench.gateway.goAway('MAX_AGE');
  await bench.stream(1);
  await bench.states.until((states) => states.filter(({ state }) => state === 'streaming').length === 2);
  assert.equal(old.isHalfClosed, false);
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
  await bench.gateway.until(() => old.hasEnded);
  assert.equal(old.isHalfClosed, true);
  assert.ok(!bench.states.names.includes('backing_off'));
  assert.equal(bench.gateway.openStreams.length, 1);
});

test('when the drain deadline is over, the old stream is left and what it held is settled on the next', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  const event = bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  const old = await bench.stream(0);
  old.goAway('SHUTDOWN', 20);
  await bench.gateway.until(() => old.hasEnded);
  assert.equal(old.isHalfClosed, true);
  const second = await bench.stream(1);
  hands.returns(0);
  assert.equal((await bench.gateway.settled(event)).action, 'ack');
  assert.equal(idsOf(second, 'ack').length, 1);
});

test('of streams that go away there are two at most', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish();
  bench.handle(hands.handler);
  await hands.call(0);
  const first = await bench.stream(0);
  first.goAway('MAX_AGE');
  const second = await bench.stream(1);
  await bench.states.until((states) => states.filter(({ state }) => state === 'streaming').length === 2);
  second.goAway('MAX_AGE');
  await bench.stream(2);
  await bench.gateway.until(() => first.hasEnded);
  assert.equal(first.isHalfClosed, false);
});

test('a gateway that sends everybody away at once is not run against without a pause', async (t) => {
  const bench = await Bench.of(t, {}, { reconnect: { initialMs: 60_000, maxMs: 60_000 } });
  bench.iterate();
  (await bench.stream(0)).goAway();
  (await bench.stream(1)).goAway();
  await bench.gateway.until(() => bench.gateway.openStreams.length === 0);
  assert.equal(bench.gateway.streams.length, 2);
});

test('a subscription that is deleted has ended', async (t) => {
  const bench = await Bench.of(t);
  const hands = new Hands();
  bench.gateway.publish();
  const subscription = bench.handle(hands.handler);
  const { signal } = await hands.call(0);
  bench.gateway.deleteSubscription('crm');
  await assert.rejects(subscription.closed, { code: 'NOT_FOUND', reason: 'SUBSCRIPTION_DELETED' });
  assert.ok(signal.reason instanceof NotFoundError);
  const last = bench.states.seen.at(-1);
  assert.ok(last?.state === 'stopped');
  assert.ok(last.error instanceof NotFoundError);
  assert.equal(bench.gateway.streams.length, 1);
});

test('what repeating does not mend ends a subscription, and is thrown into its loop', async (t) => {
  const bench = await Bench.of(t);
  const failure = { code: 'PERMISSION_DENIED', message: 'not you', reason: 'NO_PERMISSION' } as const;
  bench.gateway.refuse({ ...failure, metadata: { permission: 'subscribe', identity: 'crm' } });
  const subscription = bench.iterate();
  const deliveries = subscription[Symbol.asyncIterator]();
  await assert.rejects(deliveries.next(), (error) => {
    assert.ok(error instanceof PermissionDeniedError);
    assert.deepEqual([error.code, error.message, error.reason, error.domain], [...Object.values(failure), 'onhook']);
    assert.deepEqual(error.metadata, { permission: 'subscribe', identity: 'crm' });
    return true;
  });
  await assert.rejects(deliveries.next(), PermissionDeniedError);
  await assert.rejects(subscription.closed, PermissionDeniedError);
});

test('a gateway that is away is waited for', async (t) => {
  const bench = await Bench.of(t);
  const { server } = bench.gateway;
  await bench.gateway.close();
  bench.iterate();
  await bench.states.until((states) => states.filter(({ state }) => state === 'backing_off').length === 3);
  const again = await FakeGateway.start({ listen: server });
  t.after(() => again.close());
  await bench.states.until((states) => states.at(-1)?.state === 'streaming');
  assert.equal(again.streams.length, 1);
});

test('waits double up to the longest, are shortened by up to half, and begin anew after health', () => {
  const options = { initialMs: 100, maxMs: 1000, unauthenticatedPatienceMs: 0 };
  const longest = new ReconnectBackoff(options, () => 0);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => longest.after(false)), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(longest.after(true), 100);
  assert.equal(longest.after(false), 200);
  longest.reset();
  assert.equal(longest.after(false), 100);
  const shortest = new ReconnectBackoff(options, () => 1);
  assert.deepEqual([1, 2].map(() => shortest.after(false)), [50, 100]);
});

const TERMINAL: StatusCode[] = [
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'UNIMPLEMENTED',
];
const RETRYABLE: StatusCode[] = [
  'UNAVAILABLE',
  'CANCELLED',
  'RESOURCE_EXHAUSTED',
  'ABORTED',
  'INTERNAL',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'DATA_LOSS',
  'ALREADY_EXISTS',
];

test('these codes end a subscription, all others are repeated', () => {
  const isFinal = (code: StatusCode, isWatch = false) =>
    new StreamEnds(0, { isWatch }).isFinal(errorOf({ code, message: '' }), 0);
  for (const code of TERMINAL) assert.equal(isFinal(code), true, code);
  for (const code of RETRYABLE) assert.equal(isFinal(code), false, code);
  assert.equal(isFinal('OUT_OF_RANGE'), false);
  assert.equal(isFinal('OUT_OF_RANGE', true), true);
});

test('who was let in before is patient when it is not known any more', () => {
  const ends = new StreamEnds(120_000);
  const refused = errorOf({ code: 'UNAUTHENTICATED', message: '' });
  assert.equal(new StreamEnds(120_000).isFinal(refused, 0), true);
  ends.noteOpened();
  assert.equal(ends.isFinal(refused, 1000), false);
  assert.equal(ends.isFinal(refused, 120_999), false);
  ends.noteOpened();
  assert.equal(ends.isFinal(refused, 200_000), false);
  assert.equal(ends.isFinal(refused, 320_000), true);
});

test('options that cannot be used end it, a connection that is lost does not', () => {
  const ends = new StreamEnds(0);
  assert.equal(ends.isFinal(localError('FAILED_PRECONDITION', 'CA_FILE', ''), 0), true);
  assert.equal(ends.isFinal(localError('UNAVAILABLE', 'SILENT', ''), 0), false);
});
