import assert from 'node:assert/strict';
import test from 'node:test';

import { StaleDeliveryError, UnconfirmedError } from '@onhook/client';

import { protobuf } from '@onhook/client';
import { HeldEvent } from '../src/held-event.js';
import { ReceivedDelivery } from '../src/received-delivery.js';
import { type SubscriberStream } from '../src/subscriber-stream.js';
import { Bench, Hands, idsOf, next } from './support.js';

/** A held event whose delivery came at 0 with so long a deadline. */
function heldFor(deadlineMs: number | undefined, maxExtensionMs: number): HeldEvent {
  const ackDeadline =
    deadlineMs === undefined ? undefined : { seconds: BigInt(deadlineMs / 1000), nanos: 0 };
  const message = protobuf.Delivery.create({ deliveryId: 'd', ...(ackDeadline && { ackDeadline }) });
  const held = new HeldEvent(ReceivedDelivery.of(message), {} as unknown as SubscriberStream);
  held.startLease(0, maxExtensionMs);
  return held;
}

test('a delivery is extended when half of its deadline is over', () => {
  const held = heldFor(30_000, 3_600_000);
  assert.deepEqual([held.dueAt, held.leaseMs], [15_000, 30_000]);
  held.noteExtended(15_000);
  assert.equal(held.dueAt, 30_000);
});

test('one without a deadline is not extended', () => {
  assert.equal(heldFor(undefined, 3_600_000).dueAt, Infinity);
});

test('without max_extension nothing is extended by itself', () => {
  assert.equal(heldFor(30_000, 0).dueAt, Infinity);
});

test('an extension is repeated until the longest time is over', () => {
  const held = heldFor(2000, 3500);
  const asked: number[] = [];
  while (held.dueAt !== Infinity) {
    asked.push(held.dueAt);
    held.noteExtended(held.dueAt);
  }
  assert.deepEqual(asked, [1000, 2000, 3000]);
});

test('what goes on by itself does not shorten what was asked for', () => {
  const held = heldFor(2000, 3_600_000);
  held.noteExplicit(0, 60_000);
  assert.equal(held.dueAt, 59_000);
  held.noteExplicit(0, 1000);
  assert.equal(held.dueAt, 500);
});

test('what is handled and what waits is extended together, until it is settled', async (t) => {
  const bench = await Bench.of(t, { ackDeadlineMs: 60 });
  const hands = new Hands();
  for (const callSerialNo of ['a', 'b', 'c']) bench.gateway.publish({ callSerialNo });
  bench.handle(hands.handler);
  await hands.call(0);
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'extend').length === 1);
  assert.deepEqual(idsOf(stream, 'extend'), [['crm-1', 'crm-2', 'crm-3']]);
  const [extension] = stream.requests.filter(({ request }) => request?.$case === 'extend');
  assert.ok(extension?.request?.$case === 'extend');
  // No deadline is shorter than a second.
  assert.deepEqual(extension.request.value.ackDeadline?.seconds, 1n);
  for (const index of [0, 1, 2]) {
    await hands.call(index);
    hands.returns(index);
  }
  await bench.gateway.until(() => bench.settled.length === 3);
});

test('what somebody else has by now is not extended again, and its handler is told', async (t) => {
  const bench = await Bench.of(t, { ackDeadlineMs: 60 });
  const hands = new Hands();
  bench.gateway.publish();
  bench.handle(hands.handler);
  const { signal } = await hands.call(0);
  bench.gateway.answerWith('STALE');
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve);
  });
  assert.ok(signal.reason instanceof StaleDeliveryError);
  assert.equal(idsOf(await bench.stream(0), 'extend').length, 1);
});

test('an extension that could not be stored is asked for again', async (t) => {
  const bench = await Bench.of(t, { ackDeadlineMs: 60 });
  bench.gateway.publish();
  bench.gateway.answerWith('RETRY_LATER');
  await bench.first();
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'extend').length === 2);
  assert.deepEqual(idsOf(stream, 'extend'), [['crm-1'], ['crm-1']]);
});

test('the application can ask for more time, and is told', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first({ maxExtensionMs: 0 });
  await delivery.extend(4000);
  const stream = await bench.stream(0);
  const asked = stream.requests.flatMap(({ request }) =>
    request?.$case === 'extend' ? [request.value.ackDeadline?.seconds] : [],
  );
  assert.deepEqual(asked, [4n]);
  bench.gateway.answerWith('STALE');
  await assert.rejects(delivery.extend(4000), StaleDeliveryError);
  bench.gateway.answerWith('RETRY_LATER');
  const later = delivery.extend(4000);
  await bench.gateway.until(() => idsOf(stream, 'extend').length === 3);
  bench.gateway.answerWith('done');
  await later;
});

test('an extension whose stream is lost was not granted', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const delivery = await bench.first();
  bench.gateway.answerWith('lost');
  const asked = assert.rejects(delivery.extend(4000), UnconfirmedError);
  const stream = await bench.stream(0);
  await bench.gateway.until(() => idsOf(stream, 'extend').length === 1);
  bench.gateway.endStreams();
  await asked;
});

test('an extension of what is settled is refused here', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  const deliveries = bench.iterate()[Symbol.asyncIterator]();
  const delivery = await next(deliveries);
  await delivery.ack();
  await assert.rejects(delivery.extend(4000), { reason: 'ALREADY_SETTLED' });
});
