/**
 * Receives the release events of an Onhook gateway: durable subscriptions, watches and look-ups.
 *
 * @packageDocumentation
 */
export { Client, type Stubs } from './client.js';
export { Delivery, type RetryOptions } from './delivery.js';
export type {
  Authentication,
  DurabilityClass,
  EnumValue,
  EventState,
  RedeliveryReason,
  ReleaseReason,
  TimelineKind,
} from './enums.js';
export {
  AlreadySettledError,
  DeadlineExceededError,
  type ErrorDetails,
  FailedPreconditionError,
  GapError,
  InvalidArgumentError,
  NotFoundError,
  OnhookError,
  OutOfRangeError,
  PermissionDeniedError,
  StaleDeliveryError,
  type StatusCode,
  UnauthenticatedError,
  UnavailableError,
  UnconfirmedError,
  UnknownDeliveryError,
} from './errors.js';
export { EventListing } from './listing.js';
export type {
  ClientOptions,
  EventFilter,
  ListQuery,
  LookupOptions,
  ReconnectOptions,
  SubscribeOptions,
  TlsOptions,
  WatchOptions,
} from './options.js';
export * as protobuf from './protobuf.js';
export { type EventSource, ReleaseEvent } from './release-event.js';
export type { StreamTerms, SubscriptionState } from './state.js';
export { StoredEvent, type SubscriptionTimeline, type TimelineEntry } from './stored-event.js';
export {
  type Handler,
  HandlerSubscription,
  IterableSubscription,
  type StopOptions,
  Subscription,
} from './subscription.js';
export type { NewSubscription } from './subscription-spec.js';
export { VERSION } from './version.js';
export { Watch, WatchedEvent } from './watch.js';
