import assert from 'node:assert/strict';
import test from 'node:test';

import { type Handler } from '@onhook/client';
import { handle, makeEvent } from '@onhook/client/testing';

import { Bench, next } from './support.js';

test('a handler is called with a made delivery, without any gateway', async () => {
  const handler: Handler = async (delivery) => {
    if (delivery.event.callData === undefined) return delivery.park('no key');
    if (delivery.attempt === 1) return delivery.retry({ delayMs: 1000, reason: 'not yet' });
    await delivery.extend(5000);
    if (delivery.redeliveryReason === 'DEADLINE_EXPIRED') throw new Error('again');
  };
  const parked = await handle(handler);
  assert.deepEqual([parked.action, parked.reason], ['park', 'no key']);
  const later = await handle(handler, { callData: 'x' });
  assert.deepEqual([later.action, later.delayMs, later.reason], ['retry', 1000, 'not yet']);
  const done = await handle(handler, { callData: 'x' }, { attempt: 2 });
  assert.deepEqual([done.action, done.extensionsMs], ['ack', [5000]]);
  const failed = await handle(handler, { callData: 'x' }, { attempt: 2, redeliveryReason: 'DEADLINE_EXPIRED' });
  assert.deepEqual([failed.action, failed.reason, failed.error], ['retry', 'again', new Error('again')]);
});

test('the same made event has the same id, another one another', () => {
  assert.equal(makeEvent({ callData: 'x' }).eventId, makeEvent({ callData: 'x' }).eventId);
  assert.notEqual(makeEvent({ callData: 'x' }).eventId, makeEvent({ callData: 'y' }).eventId);
  const event = makeEvent();
  assert.equal(makeEvent(event), event);
});

test('the fake gateway stores the same event once', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.publish();
  bench.gateway.publish();
  assert.equal(bench.gateway.owed('crm'), 1);
});

test('two subscriptions are owed each event, two consumers of one share them', async (t) => {
  const bench = await Bench.of(t);
  const others = bench.client.subscribe('billing')[Symbol.asyncIterator]();
  const shared = [bench.iterate(), bench.iterate()];
  await bench.stream(2);
  bench.gateway.publish();
  assert.equal((await next(others)).event.callSerialNo, 'call-1');
  const iterators = shared.map((subscription) => subscription[Symbol.asyncIterator]());
  const first = await Promise.race(iterators.map((iterator) => next(iterator)));
  await first.ack();
  assert.deepEqual(bench.settled, ['ack call-1']);
  assert.equal(bench.gateway.owed('crm'), 0);
  assert.equal(bench.gateway.owed('billing'), 1);
});
