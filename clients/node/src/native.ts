import type { Duration } from './generated/google/protobuf/duration.js';
import type { Timestamp } from './generated/google/protobuf/timestamp.js';

// Between protobuf's times and those of JavaScript.

const NANOS_PER_MILLISECOND = 1_000_000;

/** @internal */
export function dateOf(timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const milliseconds = Math.floor(timestamp.nanos / NANOS_PER_MILLISECOND);
  return new Date(Number(timestamp.seconds) * 1000 + milliseconds);
}

/** @internal */
export function microsOf(timestamp: Timestamp | undefined): bigint | undefined {
  if (timestamp === undefined) return undefined;
  return timestamp.seconds * 1_000_000n + BigInt(Math.floor(timestamp.nanos / 1000));
}

/** @internal */
export function millisecondsOf(duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  return Number(duration.seconds) * 1000 + duration.nanos / NANOS_PER_MILLISECOND;
}

/** @internal */
export function timestampOf(date: Date): Timestamp {
  const milliseconds = date.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = (milliseconds - seconds * 1000) * NANOS_PER_MILLISECOND;
  return { seconds: BigInt(seconds), nanos };
}

/** @internal */
export function durationOf(milliseconds: number): Duration {
  const seconds = Math.trunc(milliseconds / 1000);
  const nanos = Math.round((milliseconds - seconds * 1000) * NANOS_PER_MILLISECOND);
  return { seconds: BigInt(seconds), nanos };
}
