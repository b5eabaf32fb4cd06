import assert from 'node:assert/strict';
import test from 'node:test';

import { GapError, InvalidArgumentError, type WatchedEvent } from '@onhook/client';

import { Bench, next, States } from './support.js';

/** The calls of the next events. */
async function calls(events: AsyncIterator<WatchedEvent, undefined>, count: number) {
  const seen: (string | undefined)[] = [];
  for (let i = 0; i < count; i++) seen.push((await next(events)).event.callSerialNo);
  return seen;
}

async function benchWith(t: Parameters<typeof Bench.of>[0], ...names: string[]) {
  const bench = await Bench.of(t);
  const events = names.map((callSerialNo) => bench.gateway.publish({ callSerialNo }));
  return { bench, events };
}

test('a watch goes on behind the last event, without a gap or a repeat', async (t) => {
  const { bench } = await benchWith(t, 'a', 'b');
  const states = new States();
  const watch = bench.client.watch({ position: 'earliest', onState: states.hook });
  const events = watch[Symbol.asyncIterator]();
  assert.deepEqual(await calls(events, 1), ['a']);
  bench.gateway.endStreams();
  bench.gateway.publish({ callSerialNo: 'c' });
  assert.deepEqual(await calls(events, 2), ['b', 'c']);
  assert.deepEqual(states.names, ['connecting', 'streaming', 'backing_off', 'connecting', 'streaming']);
});

test('the place is behind what was handed over, and another watch goes on there', async (t) => {
  const { bench } = await benchWith(t, 'a', 'b', 'c');
  const watch = bench.client.watch({ position: 'earliest' });
  const events = watch[Symbol.asyncIterator]();
  const first = await next(events);
  assert.equal(watch.cursor, first.cursor);
  watch.stop();
  const onward = bench.client.watch({ afterCursor: watch.cursor, stopAtEnd: true });
  const seen: (string | undefined)[] = [];
  for await (const { event } of onward) seen.push(event.callSerialNo);
  assert.deepEqual(seen, ['b', 'c']);
  assert.equal(onward.state.state, 'stopped');
});

test('a watch that says nothing of its place shows only what comes', async (t) => {
  const { bench } = await benchWith(t, 'before');
  const states = new States();
  const events = bench.client.watch({ onState: states.hook })[Symbol.asyncIterator]();
  await states.until((seen) => seen.at(-1)?.state === 'streaming');
  bench.gateway.publish({ callSerialNo: 'after' });
  assert.deepEqual(await calls(events, 1), ['after']);
});

test('a watch can begin at a time', async (t) => {
  const bench = await Bench.of(t);
  for (const [index, callSerialNo] of ['a', 'b', 'c'].entries()) {
    bench.gateway.publish({ callSerialNo, receivedAt: new Date(1000 * index) });
  }
  const events = bench.client.watch({ since: new Date(1000) })[Symbol.asyncIterator]();
  assert.deepEqual(await calls(events, 2), ['b', 'c']);
});

test('a gap ends a watch, and says how large it is', async (t) => {
  const { bench, events } = await benchWith(t, 'a', 'b', 'c');
  const [first, second] = events;
  assert.ok(first && second);
  const watch = bench.client.watch({ position: 'earliest' });
  const { cursor } = await next(watch[Symbol.asyncIterator]());
  watch.stop();
  bench.gateway.forgetThrough(second);
  const lost = bench.client.watch({ afterCursor: cursor });
  await assert.rejects(lost[Symbol.asyncIterator]().next(), (error) => {
    assert.ok(error instanceof GapError);
    assert.deepEqual([error.code, error.eventsLost, error.oldestCursor], ['OUT_OF_RANGE', 1, '2']);
    return true;
  });
});

test('a cursor that is none ends a watch', async (t) => {
  const { bench } = await benchWith(t);
  const watch = bench.client.watch({ afterCursor: 'nonsense' });
  await assert.rejects(watch[Symbol.asyncIterator]().next(), InvalidArgumentError);
});

test('who reads slowly is sent no more than fits, and misses nothing', async (t) => {
  const bench = await Bench.of(t);
  const count = 10_000;
  for (let i = 0; i < count; i++) bench.gateway.publish({ callSerialNo: String(i) });
  const watch = bench.client.watch({ position: 'earliest', stopAtEnd: true });
  let expected = 0;
  for await (const { event } of watch) {
    assert.equal(event.callSerialNo, String(expected));
    expected += 1;
    if (expected % 1000 === 0) await new Promise(setImmediate);
  }
  assert.equal(expected, count);
});

test('a signal that is aborted, or to leave the loop, ends a watch', async (t) => {
  const { bench } = await benchWith(t, 'a', 'b');
  const abort = new AbortController();
  const seen: (string | undefined)[] = [];
  for await (const { event } of bench.client.watch({ position: 'earliest', signal: abort.signal })) {
    seen.push(event.callSerialNo);
    abort.abort();
  }
  const left = bench.client.watch({ position: 'earliest' });
  for await (const { event } of left) {
    seen.push(event.callSerialNo);
    break;
  }
  assert.deepEqual(seen, ['a', 'a']);
  assert.equal(left.state.state, 'stopped');
});

test('a heartbeat moves the place of a watch that has nothing to show', async (t) => {
  const bench = await Bench.of(t, { heartbeatIntervalMs: 20 });
  bench.gateway.publish();
  const states = new States();
  const watch = bench.client.watch({ onState: states.hook });
  await states.until((seen) => seen.at(-1)?.state === 'streaming');
  assert.equal(watch.cursor, '1');
});
