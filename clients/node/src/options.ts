import type { Delivery } from './delivery.js';
import type { SubscriptionState } from './state.js';
import type { NewSubscription } from './subscription-spec.js';

/** How a client makes sure that it speaks to its gateway, and proves who it is. All files are PEM. */
export interface TlsOptions {
  /** Who may have signed the gateway's certificate. Unset: the authorities that Node.js trusts. */
  caFile?: string | undefined;
  /** The client's certificate and those that signed it. */
  certificateFile?: string | undefined;
  /** The certificate's key, without a passphrase. */
  keyFile?: string | undefined;
  /** The name that the gateway's certificate must hold. Unset: the host of {@link ClientOptions.server}. */
  serverName?: string | undefined;
}

/** How long to wait before a lost stream is opened again. */
export interface ReconnectOptions {
  /** The first wait; each further one is twice as long. Default: 100. */
  initialMs?: number | undefined;
  /** The longest wait. Default: 30,000. */
  maxMs?: number | undefined;
  /**
   * For how long a client that was let in before, and shows a certificate or a token, goes on trying
   * when it is refused as `UNAUTHENTICATED`: its files may change later than the gateway's.
   * Default: 120,000.
   */
  unauthenticatedPatienceMs?: number | undefined;
}

/** What a client is made with. */
export interface ClientOptions {
  /** The gateway's gRPC address: `HOST:PORT`, or `unix:/path`. Default: `127.0.0.1:50051`. */
  server?: string | undefined;
  /** True: TLS with the authorities that Node.js trusts. Default: none. */
  tls?: boolean | TlsOptions | undefined;
  /** A file with a bearer token, read again for each call. */
  tokenFile?: string | undefined;
  /** Sends the token without TLS beyond this machine too, where everybody on the way can read it. */
  allowCleartextToken?: boolean | undefined;
  /** After so long a look-up fails with `DEADLINE_EXCEEDED`. Default: 10,000. */
  lookupTimeoutMs?: number | undefined;
  reconnect?: ReconnectOptions | undefined;
}

/** What a subscription is opened with. */
export interface SubscribeOptions {
  /** Names this consumer in delivery timelines, for instance a pod's name. */
  consumerName?: string | undefined;
  /**
   * Creates the subscription if there is none of this name; true: with the gateway's defaults, from
   * the oldest event that is kept.
   */
  createIfMissing?: boolean | NewSubscription | undefined;
  /** The most events that are unsettled here. Default: the gateway's, 1,000. */
  maxOutstandingEvents?: number | undefined;
  /** The most bytes of events that are unsettled here. Default: the gateway's, 16 MiB. */
  maxOutstandingBytes?: number | undefined;
  /** How long an event may be silent here before it goes elsewhere. Default: the subscription's. */
  ackDeadlineMs?: number | undefined;
  /**
   * For how long, counted from its arrival, an event that waits for its handler or is in it has its
   * deadline extended. 0: nothing is extended by itself. Default: 3,600,000.
   */
  maxExtensionMs?: number | undefined;
  /** Most handlers that run at once; with 1 they run in the order of arrival. Default: 1. */
  concurrency?: number | undefined;
  /** How long a stop waits for running handlers. Default: 30,000. */
  graceMs?: number | undefined;
  /** How long a stop waits, after the handlers, for the gateway's confirmations. Default: 10,000. */
  confirmationTimeoutMs?: number | undefined;
  /** Stops the subscription, as {@link Subscription.stop} does, when it is aborted. */
  signal?: AbortSignal | undefined;
  /**
   * Is told each change of state. Default: a warning of the process when a stream is lost or cannot
   * be opened, once until there is one again.
   */
  onState?: (state: SubscriptionState) => void;
  /**
   * Is told what a handler has thrown, for a log: the event has been given back already. Default: a
   * warning of the process, with the stack.
   */
  onHandlerError?: (error: unknown, delivery: Delivery) => void;
}

/** Which events a watch shows. Within a list any may match; of several lists all must. */
export interface EventFilter {
  sources?: readonly string[] | undefined;
  /** `''` matches an event without one. */
  serviceNos?: readonly string[] | undefined;
  /** `''` matches an event without one. */
  releaseReasonCodes?: readonly string[] | undefined;
}

/** Where and how a watch reads the log. At most one of `position`, `afterCursor` and `since` is given. */
export interface WatchOptions {
  /** At either end of the log. Default: `latest`, only what comes. */
  position?: 'earliest' | 'latest' | undefined;
  /** Behind the event with this cursor. */
  afterCursor?: string | undefined;
  /** With the first event received at or after this time. */
  since?: Date | undefined;
  /** Ends when everything that was stored by then has been shown. */
  stopAtEnd?: boolean | undefined;
  filter?: EventFilter | undefined;
  /** Only looks on: the vendor's callback is not acknowledged for this watch's sake. */
  observeOnly?: boolean | undefined;
  consumerName?: string | undefined;
  /** Ends the watch when it is aborted. */
  signal?: AbortSignal | undefined;
  /** As {@link SubscribeOptions.onState}. */
  onState?: (state: SubscriptionState) => void;
}

/** What one look-up may be given. */
export interface LookupOptions {
  /** Instead of {@link ClientOptions.lookupTimeoutMs}. */
  timeoutMs?: number | undefined;
  /** Gives the look-up up; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Which events a listing returns. A call or a time is needed; what is given must all hold. */
export interface ListQuery extends LookupOptions {
  callSerialNo?: string | undefined;
  source?: string | undefined;
  /** Received at or after this time. */
  receivedFrom?: Date | undefined;
  /** Received before this time. */
  receivedBefore?: Date | undefined;
  /** Events asked for at once, 1 to 1,000. Default: 100. */
  pageSize?: number | undefined;
}

/** @internal */
export interface ResolvedReconnect {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly unauthenticatedPatienceMs: number;
}

/** @internal */
export function resolveReconnect(options: ReconnectOptions = {}): ResolvedReconnect {
  const { initialMs = 100, maxMs = 30_000, unauthenticatedPatienceMs = 120_000 } = options;
  return { initialMs: Math.min(initialMs, maxMs), maxMs, unauthenticatedPatienceMs };
}
