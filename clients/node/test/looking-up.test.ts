import assert from 'node:assert/strict';
import test from 'node:test';
import { promisify } from 'node:util';

import { DeadlineExceededError, NotFoundError, type protobuf, UnavailableError } from '@onhook/client';

import { Bench } from './support.js';

test('one event is looked up by its id', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish({ callSerialNo: 'c-1' });
  const stored = await bench.client.getEvent(event.eventId);
  assert.deepEqual([stored.event.callSerialNo, stored.cursor, stored.timelines], ['c-1', '1', []]);
});

test('an event that is not there is a NotFoundError', async (t) => {
  const bench = await Bench.of(t);
  await assert.rejects(bench.client.getEvent('nothing'), (error) => {
    assert.ok(error instanceof NotFoundError);
    assert.deepEqual([error.code, error.reason], ['NOT_FOUND', 'NO_EVENT']);
    return true;
  });
});

test('a listing goes over all pages by itself', async (t) => {
  const bench = await Bench.of(t);
  for (let i = 0; i < 7; i++) bench.gateway.publish({ callSerialNo: 'call', callData: String(i) });
  bench.gateway.publish({ callSerialNo: 'other' });
  const listing = bench.client.listEvents({ callSerialNo: 'call', pageSize: 2 });
  const pages: number[] = [];
  for await (const page of listing.pages()) pages.push(page.length);
  assert.deepEqual(pages, [2, 2, 2, 1]);
  const data: (string | undefined)[] = [];
  for await (const { event } of listing) data.push(event.callData);
  assert.deepEqual(data, ['0', '1', '2', '3', '4', '5', '6']);
  assert.equal((await listing.toArray()).length, 7);
  assert.deepEqual(await bench.client.listEvents({ callSerialNo: 'nothing' }).toArray(), []);
});

test('a look-up that is refused keeps the words of the gateway', async (t) => {
  const bench = await Bench.of(t);
  bench.gateway.refuse({ code: 'UNAVAILABLE', message: 'going away', reason: 'GOING_AWAY' });
  await assert.rejects(bench.client.listEvents({ callSerialNo: 'c' }).toArray(), (error) => {
    assert.ok(error instanceof UnavailableError);
    assert.deepEqual([error.message, error.reason, error.domain], ['going away', 'GOING_AWAY', 'onhook']);
    return true;
  });
});

test('who has no answer in time is told, and who gives up is done at once', async (t) => {
  const bench = await Bench.of(t, {}, { server: '192.0.2.1:9' }); // where nobody is
  const abort = new AbortController();
  const given = bench.client.getEvent('x', { signal: abort.signal });
  abort.abort(new Error('no time'));
  await assert.rejects(given, /no time/);
  await assert.rejects(bench.client.getEvent('x', { signal: abort.signal }), /no time/);
  await assert.rejects(bench.client.getEvent('x', { timeoutMs: 20 }), (error) => {
    // Where there is no way at all, the machine says so at once.
    assert.ok(error instanceof DeadlineExceededError || error instanceof UnavailableError);
    return true;
  });
});

test('the generated stubs go over the same connection', async (t) => {
  const bench = await Bench.of(t);
  const event = bench.gateway.publish();
  const { releaseEvents } = bench.client.stubs;
  const getEvent = promisify<protobuf.GetEventRequest, protobuf.GetEventResponse>(
    releaseEvents.getEvent.bind(releaseEvents),
  );
  const { storedEvent } = await getEvent({ eventId: event.eventId });
  assert.equal(storedEvent?.event?.eventId, event.eventId);
});
