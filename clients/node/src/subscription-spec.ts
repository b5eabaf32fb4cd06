import {
  EventFilter as EventFilterCodec,
  StartPosition,
  SubscriptionSpec,
} from './generated/onhook/v1/subscription.js';
import { durationOf } from './native.js';
import type { EventFilter } from './options.js';

/** What a new subscription is set to. What is left out has the gateway's default. */
export interface NewSubscription {
  /** Where it begins. Default: `earliest`. */
  startPosition?: 'earliest' | 'latest' | undefined;
  /** Which events it owes. Default: all. */
  filter?: EventFilter | undefined;
  /** How long a delivery may stay unsettled, 1 s to 10 min. Default: 30,000. */
  ackDeadlineMs?: number | undefined;
  /** After so many attempts, and `minimumRetryTimeMs`, an event is parked. Default: 20. */
  maxDeliveryAttempts?: number | 'unlimited' | undefined;
  /** How long an event is retried at least. Default: 24 h. */
  minimumRetryTimeMs?: number | undefined;
  /** Most events that are handed out and unsettled. Default: 100,000. */
  maxUnackedEvents?: number | undefined;
  /** Deleted when it had no stream for so long. Default: 31 d. */
  expireAfterUnusedMs?: number | undefined;
  /** What it may owe before the oldest events are given up. Default: without limit. */
  backlogLimit?: { ageMs?: number | undefined; bytes?: number | undefined } | undefined;
}

/** @internal */
export function positionOf(position: 'earliest' | 'latest'): StartPosition {
  return position === 'earliest' ? StartPosition.EARLIEST : StartPosition.LATEST;
}

/** @internal */
export function filterOf(filter: EventFilter): EventFilterCodec {
  return EventFilterCodec.create({
    sources: [...(filter.sources ?? [])],
    serviceNos: [...(filter.serviceNos ?? [])],
    releaseReasonCodes: [...(filter.releaseReasonCodes ?? [])],
  });
}

function optional<From, To>(value: From | undefined, convert: (value: From) => To): To | undefined {
  return value === undefined ? undefined : convert(value);
}

/** @internal */
export function specOf(options: NewSubscription): SubscriptionSpec {
  const spec = SubscriptionSpec.create();
  if (options.startPosition !== undefined) spec.startPosition = positionOf(options.startPosition);
  spec.filter = optional(options.filter, filterOf);
  spec.ackDeadline = optional(options.ackDeadlineMs, durationOf);
  spec.minimumRetryTime = optional(options.minimumRetryTimeMs, durationOf);
  spec.maxUnackedEvents = optional(options.maxUnackedEvents, BigInt);
  spec.expireAfterUnused = optional(options.expireAfterUnusedMs, durationOf);
  spec.backlogLimit = optional(options.backlogLimit, ({ ageMs, bytes }) => ({
    age: optional(ageMs, durationOf),
    bytes: optional(bytes, BigInt),
  }));
  spec.deliveryAttempts = optional(options.maxDeliveryAttempts, (attempts) =>
    attempts === 'unlimited'
      ? { $case: 'unlimitedDeliveryAttempts', value: {} }
      : { $case: 'maxDeliveryAttempts', value: attempts },
  );
  return spec;
}
