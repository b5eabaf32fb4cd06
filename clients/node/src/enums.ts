import { DurabilityClass as DurabilityClasses } from './generated/onhook/v1/release_event_service.js';
import { Delivery_RedeliveryReason } from './generated/onhook/v1/release_event_service.js';
import {
  SubscriptionTimeline_State,
  TimelineEntry_Kind,
} from './generated/onhook/v1/release_event_service.js';
import {
  Authentication as Authentications,
  ReleaseReason as ReleaseReasons,
} from './generated/onhook/v1/release_event.js';

/**
 * A value of one of the gateway's enumerations: its name, or the bare number of one that is newer
 * than this library. `UNSPECIFIED` is undefined.
 */
export type EnumValue<Name extends string> = Exclude<Name, 'UNSPECIFIED'> | number;

/** How a callback proved that it came from the vendor. */
export type Authentication = EnumValue<keyof typeof Authentications>;
/** Why a call ended, by the vendor's documented codes. */
export type ReleaseReason = EnumValue<keyof typeof ReleaseReasons>;
/** Why an event comes again. */
export type RedeliveryReason = EnumValue<keyof typeof Delivery_RedeliveryReason>;
/** What a stored event survives. */
export type DurabilityClass = EnumValue<keyof typeof DurabilityClasses>;
/** Where an event stands in a subscription. */
export type EventState = EnumValue<keyof typeof SubscriptionTimeline_State>;
/** What happened to an event in a subscription. */
export type TimelineKind = EnumValue<keyof typeof TimelineEntry_Kind>;

function namesOf<Name extends string>(values: Record<number, string>) {
  return (value: number): EnumValue<Name> | undefined =>
    value === 0 ? undefined : ((values[value] as EnumValue<Name> | undefined) ?? value);
}

/** @internal */
export const authenticationOf = namesOf<keyof typeof Authentications>(Authentications);
/** @internal */
export const releaseReasonOf = namesOf<keyof typeof ReleaseReasons>(ReleaseReasons);
/** @internal */
export const redeliveryReasonOf = namesOf<keyof typeof Delivery_RedeliveryReason>(
  Delivery_RedeliveryReason,
);
/** @internal */
export const durabilityClassOf = namesOf<keyof typeof DurabilityClasses>(DurabilityClasses);
/** @internal */
export const eventStateOf = namesOf<keyof typeof SubscriptionTimeline_State>(
  SubscriptionTimeline_State,
);
/** @internal */
export const timelineKindOf = namesOf<keyof typeof TimelineEntry_Kind>(TimelineEntry_Kind);
