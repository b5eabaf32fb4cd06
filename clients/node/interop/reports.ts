import { writeSync } from 'node:fs';

import { GapError, OnhookError } from '@onhook/client';
import type { Delivery, ReleaseEvent, SubscriptionState } from '@onhook/client';

const STANDARD_OUTPUT = 1;

/** Writes one report, whole, before it returns. */
export function report(kind: string, members: Record<string, unknown> = {}): void {
  let rest = Buffer.from(`${JSON.stringify({ report: kind, ...members })}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STANDARD_OUTPUT, rest));
    } catch (error) {
      // The reader is slow; there is nothing else to do meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

export function codeOf(error: unknown): string {
  return error instanceof OnhookError ? error.code : 'UNKNOWN';
}

export function endOf(error: unknown): Record<string, unknown> {
  const reason = error instanceof OnhookError ? error.reason : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const gap =
    error instanceof GapError
      ? { gap: { oldest_cursor: error.oldestCursor, events_lost: error.eventsLost } }
      : {};
  return { ok: false, code: codeOf(error), reason: reason ?? '', message, ...gap };
}

export function reportState(state: SubscriptionState): void {
  const error = state.state === 'backing_off' ? state.cause : state.state === 'stopped' ? state.error : undefined;
  const words = error === undefined ? {} : { code: error.code, message: error.message };
  report('state', { state: state.state, ...words });
}

export function nameOf(value: string | number | undefined): string {
  return value === undefined ? 'UNSPECIFIED' : String(value);
}

const OPTIONAL_TEXTS = {
  call_data: 'callData',
  call_serial_no: 'callSerialNo',
  called: 'called',
  caller: 'caller',
  caller_present: 'callerPresent',
  location_id: 'locationId',
  recordfile: 'recordfile',
  release_reason_code: 'releaseReasonCode',
  service_no: 'serviceNo',
} as const;

export function nativeOf(event: ReleaseEvent): Record<string, unknown> {
  const unset = Object.entries(OPTIONAL_TEXTS).filter(([, name]) => event[name] === undefined);
  return {
    call_serial_no: event.callSerialNo ?? null,
    called: event.called ?? null,
    call_data: event.callData ?? null,
    release_time: event.releaseTime?.toISOString() ?? null,
    talk_duration_ms: event.talkDurationMs ?? null,
    release_reason: event.releaseReason === undefined ? null : nameOf(event.releaseReason),
    extra: event.extra,
    unset: unset.map(([name]) => name).sort(),
  };
}

export function reportDelivery(number: number, delivery: Delivery): void {
  report('delivery', {
    number,
    delivery_id: delivery.id,
    event_id: delivery.event.eventId,
    cursor: delivery.cursor,
    attempt: delivery.attempt,
    redelivery_reason: nameOf(delivery.redeliveryReason),
    traceparent: delivery.traceCarrier['traceparent'] ?? null,
    event: Buffer.from(delivery.event.serialize()).toString('base64'),
    native: nativeOf(delivery.event),
  });
}
