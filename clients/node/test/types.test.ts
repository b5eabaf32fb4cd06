import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';

import { protobuf, ReleaseEvent } from '@onhook/client';
import { makeEvent } from '@onhook/client/testing';

import { decodeResponse } from '../src/received-delivery.js';
import { durationOf, timestampOf, dateOf, millisecondsOf } from '../src/native.js';
import { specOf } from '../src/subscription-spec.js';
import { Bench } from './support.js';

// Of whatever enumeration.
const NEWER = 99 as 1;
// A varint, 7, under a field number that nobody has.
const UNKNOWN_FIELD = Buffer.from([0xc0, 0x3e, 0x07]);

/** A message as a newer gateway may send it. */
function ofNewerVersion(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, UNKNOWN_FIELD]);
}

test('times, durations and enums are of JavaScript', () => {
  const event = makeEvent({
    releaseTime: new Date('2024-01-02T03:04:05.678Z'),
    talkDurationMs: 6000,
    releaseReason: 'CALLED_HUNG_UP',
    receivedAt: new Date(1),
    extra: { 新: '汉字' },
  });
  assert.equal(event.releaseTime?.toISOString(), '2024-01-02T03:04:05.678Z');
  assert.equal(event.talkDurationMs, 6000);
  assert.equal(event.releaseReason, 'CALLED_HUNG_UP');
  assert.equal(event.authentication, 'NONE');
  assert.deepEqual(event.extra, { 新: '汉字' });
});

test('the time of arrival is there in microseconds', () => {
  const message = protobuf.ReleaseEvent.create({ receivedAt: { seconds: 1_700_000_000n, nanos: 123_456_000 } });
  const event = new ReleaseEvent(message);
  assert.equal(event.receivedAtMicros, 1_700_000_000_123_456n);
  assert.equal(event.receivedAt?.getTime(), 1_700_000_000_123);
});

test('what is unset is undefined, and an empty text is not', () => {
  const event = makeEvent({ serviceNo: '' });
  assert.equal(event.serviceNo, '');
  for (const value of [event.callData, event.releaseTime, event.talkDurationMs, event.releaseReason]) {
    assert.equal(value, undefined);
  }
});

test('times before 1970 and parts of milliseconds are converted there and back', () => {
  for (const date of [new Date(-1), new Date(0), new Date(1_700_000_000_999)]) {
    assert.deepEqual(dateOf(timestampOf(date)), date);
  }
  assert.deepEqual(timestampOf(new Date(-1)), { seconds: -1n, nanos: 999_000_000 });
  assert.deepEqual([0, 1.5, 1500, 3_600_000].map((ms) => millisecondsOf(durationOf(ms))), [0, 1.5, 1500, 3_600_000]);
});

test('a value and a field that are not known yet survive, and can be told', () => {
  const message = protobuf.ReleaseEvent.create({ eventId: 'e', releaseReason: NEWER });
  const bytes = ofNewerVersion(protobuf.ReleaseEvent.encode(message).finish());
  const event = new ReleaseEvent(protobuf.ReleaseEvent.decode(bytes));
  assert.equal(event.releaseReason, 99);
  assert.deepEqual(Buffer.from(event.serialize()), bytes);
});

test('a response of a newer gateway is read as far as it is known', () => {
  const event = ofNewerVersion(protobuf.ReleaseEvent.encode(makeEvent().message).finish());
  const delivery = protobuf.Delivery.create({
    deliveryId: 'd',
    cursor: 'c',
    attempt: 3,
    redeliveryReason: NEWER,
    ackDeadline: durationOf(1500),
  });
  // Not by create(), which takes only what it knows.
  delivery.event = protobuf.ReleaseEvent.decode(event);
  const deliveryBytes = Buffer.from(protobuf.Delivery.encode(delivery).finish());
  const whole = protobuf.Delivery.decode(ofNewerVersion(deliveryBytes));
  const value = { deliveries: [whole, whole] };
  const response = protobuf.SubscribeResponse.encode({ response: { $case: 'deliveries', value } }).finish();
  const received = decodeResponse(Buffer.concat([UNKNOWN_FIELD, ofNewerVersion(response)]));
  assert.ok(Array.isArray(received));
  assert.equal(received.length, 2);
  const [first] = received;
  assert.ok(first);
  const { deliveryId, eventId, attempt, redeliveryReason, ackDeadlineMs } = first;
  assert.deepEqual([deliveryId, attempt, redeliveryReason, ackDeadlineMs], ['d', 3, 99, 1500]);
  assert.equal(eventId, makeEvent().eventId);
  assert.deepEqual(first.message, whole);
  assert.deepEqual(Buffer.from(new ReleaseEvent(first).serialize()), event);
  assert.deepEqual(decodeResponse(UNKNOWN_FIELD), []);
});

test('responses of other kinds are read', () => {
  const heartbeat = { cursor: '', interval: durationOf(1000) };
  const bytes = protobuf.SubscribeResponse.encode({ response: { $case: 'heartbeat', value: heartbeat } }).finish();
  const received = decodeResponse(Buffer.from(bytes));
  assert.ok(!Array.isArray(received));
  assert.equal(received.response?.$case, 'heartbeat');
});

test('a handler gets the attempt, the reason, the cursor and the trace', async (t) => {
  const bench = await Bench.of(t);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  bench.gateway.publish({ traceparent });
  const delivery = await bench.first();
  assert.deepEqual([delivery.attempt, delivery.redeliveryReason, delivery.cursor], [1, undefined, '1']);
  assert.deepEqual(delivery.traceCarrier, { traceparent });
  assert.equal(delivery.ackDeadlineMs, 30_000);
  assert.equal(delivery.message.deliveryId, delivery.id);
  assert.deepEqual(makeEvent().traceparent, undefined);
});

test('64 KiB of data come through, and numbers that fit no double stay whole', () => {
  const callData = '📞"\t\\'.repeat(10_000);
  const event = makeEvent({ callData });
  const message = protobuf.ReleaseEvent.decode(event.serialize());
  assert.equal(new ReleaseEvent(message).callData, callData);
  const ack = protobuf.AckRequest.create({ requestId: 2n ** 64n - 1n });
  assert.equal(protobuf.AckRequest.decode(protobuf.AckRequest.encode(ack).finish()).requestId, 2n ** 64n - 1n);
});

test('an event is shown with all that is set', () => {
  const event = makeEvent({ eventId: 'e', talkDurationMs: 0, receivedAt: new Date(0) });
  assert.deepEqual(event.toJSON(), {
    eventId: 'e',
    source: 'default',
    authentication: 'NONE',
    callSerialNo: 'call-1',
    called: '88880067',
    talkDurationMs: 0,
    extra: {},
    timeZone: 'UTC',
    receivedAt: new Date(0),
    receivedAtMicros: '0',
    masked: false,
  });
  assert.match(inspect(event), /called: '88880067'/);
});

test('a new subscription is described in milliseconds and words', () => {
  assert.deepEqual(specOf({}), protobuf.SubscriptionSpec.create());
  const spec = specOf({
    startPosition: 'earliest',
    ackDeadlineMs: 1500,
    maxDeliveryAttempts: 3,
    minimumRetryTimeMs: 60_000,
    maxUnackedEvents: 10,
    expireAfterUnusedMs: 86_400_000,
    backlogLimit: { bytes: 1 << 20 },
  });
  assert.equal(spec.startPosition, protobuf.StartPosition.EARLIEST);
  assert.deepEqual(spec.ackDeadline, durationOf(1500));
  assert.deepEqual(spec.deliveryAttempts, { $case: 'maxDeliveryAttempts', value: 3 });
  assert.deepEqual([spec.maxUnackedEvents, spec.backlogLimit?.bytes, spec.backlogLimit?.age], [10n, 1n << 20n, undefined]);
});
