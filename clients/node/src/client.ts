import type {
  CallOptions,
  ChannelInterface,
  Interceptor,
  ServiceError,
} from '@grpc/grpc-js';
import { credentials, InterceptingCall } from '@grpc/grpc-js';

import { GatewayConnections } from './connection.js';
import { fromGrpc } from './errors.js';
import { BackupServiceClient } from './generated/onhook/v1/backup_service.js';
import { RejectedCallbackServiceClient } from './generated/onhook/v1/rejected_callback_service.js';
import {
  GetEventRequest,
  ReleaseEventServiceClient,
  ReleaseEventServiceService,
} from './generated/onhook/v1/release_event_service.js';
import { SubscriptionServiceClient } from './generated/onhook/v1/subscription_service.js';
import { EventListing } from './listing.js';
import type {
  ClientOptions,
  ListQuery,
  LookupOptions,
  SubscribeOptions,
  WatchOptions,
} from './options.js';
import { StoredEvent } from './stored-event.js';
import {
  type Handler,
  HandlerSubscription,
  IterableSubscription,
  type StopOptions,
  type Subscription,
} from './subscription.js';
import { Watch } from './watch.js';

/** The generated stubs of the gateway's services, on a client's own authenticated connection. */
export interface Stubs {
  readonly releaseEvents: ReleaseEventServiceClient;
  readonly subscriptions: SubscriptionServiceClient;
  readonly rejectedCallbacks: RejectedCallbackServiceClient;
  readonly backups: BackupServiceClient;
}

interface UnaryMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/**
 * A connection to one Onhook gateway. Nothing is sent, and no file is read, before the first call
 * that needs the gateway. Whatever is started from one client shares its connection.
 */
export class Client implements AsyncDisposable {
  readonly #connections: GatewayConnections;
  readonly #lookupTimeoutMs: number;
  readonly #subscriptions = new Set<Subscription>();
  readonly #watches = new Set<Watch>();
  #stubs: Stubs | undefined;

  /** Throws {@link FailedPreconditionError} if `server` can be no address. */
  constructor(options: ClientOptions = {}) {
    this.#connections = new GatewayConnections(options);
    this.#lookupTimeoutMs = options.lookupTimeoutMs ?? 10_000;
  }

  /**
   * Receives the events of the durable subscription `name`: each goes to `handler`, and is
   * acknowledged when that has returned, or its promise has resolved.
   */
  subscribe(name: string, handler: Handler, options?: SubscribeOptions): HandlerSubscription;
  /** The same, to be iterated over with `for await`; each delivery is to be settled by its methods. */
  subscribe(name: string, options?: SubscribeOptions): IterableSubscription;
  subscribe(
    name: string,
    handlerOrOptions?: Handler | SubscribeOptions,
    handlerOptions?: SubscribeOptions,
  ): HandlerSubscription | IterableSubscription {
    const subscription =
      typeof handlerOrOptions === 'function'
        ? new HandlerSubscription(this.#connections, name, handlerOrOptions, checked(handlerOptions))
        : new IterableSubscription(this.#connections, name, checked(handlerOrOptions));
    this.#subscriptions.add(subscription);
    subscription.whenOver(() => {
      this.#subscriptions.delete(subscription);
    });
    subscription.start();
    return subscription;
  }

  /** Reads the log in order from a place, to be iterated over with `for await`. */
  watch(options: WatchOptions = {}): Watch {
    const watch = new Watch(this.#connections, options);
    this.#watches.add(watch);
    watch.start();
    return watch;
  }

  /** Returns one event with what became of it. Rejects with {@link NotFoundError} if it is not kept. */
  async getEvent(eventId: string, options: LookupOptions = {}): Promise<StoredEvent> {
    const request: GetEventRequest = GetEventRequest.create({ eventId });
    const response = await this.#ask(ReleaseEventServiceService.getEvent, request, options);
    if (response.storedEvent === undefined) throw new TypeError('the gateway returned no event');
    return new StoredEvent(response.storedEvent);
  }

  /** Lists the events that fit, oldest first, over all pages. That there are none is no error. */
  listEvents(query: ListQuery): EventListing {
    return new EventListing(query, (request) =>
      this.#ask(ReleaseEventServiceService.listEvents, request, query),
    );
  }

  /** For what this class has no method for: administration, the quarantine, backups. */
  get stubs(): Stubs {
    if (this.#stubs === undefined) {
      const options = {
        channelOverride: sharedChannel(this.#connections),
        interceptors: [authenticate(this.#connections)],
      };
      const make = <T>(Stub: new (a: string, c: typeof insecure, o: typeof options) => T) =>
        new Stub('', insecure, options);
      this.#stubs = {
        releaseEvents: make(ReleaseEventServiceClient),
        subscriptions: make(SubscriptionServiceClient),
        rejectedCallbacks: make(RejectedCallbackServiceClient),
        backups: make(BackupServiceClient),
      };
    }
    return this.#stubs;
  }

  /**
   * Stops all subscriptions and watches, then closes the connection. Rejects with the first failure
   * of a subscription, after all have stopped.
   */
  async close(options: StopOptions = {}): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    const stops = [...this.#subscriptions].map((subscription) => subscription.stop(options));
    const results = await Promise.allSettled(stops);
    this.#connections.close();
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #ask<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    { timeoutMs = this.#lookupTimeoutMs, signal }: LookupOptions,
  ): Promise<Response> {
    signal?.throwIfAborted();
    const metadata = this.#connections.metadata();
    const connection = this.#connections.acquire();
    const options: CallOptions = { deadline: Date.now() + timeoutMs };
    return new Promise<Response>((resolve, reject) => {
      const { path, requestSerialize, responseDeserialize } = method;
      const answer = (error: ServiceError | null, response?: Response) => {
        signal?.removeEventListener('abort', abort);
        if (error === null && response !== undefined) {
          connection.noteAnswer();
          resolve(response);
        } else if (signal?.aborted === true) {
          reject(signal.reason as Error);
        } else {
          reject(this.#connections.explain(fromGrpc(error)));
        }
      };
      const call = connection.grpc.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        answer,
      );
      const abort = () => {
        call.cancel();
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

const insecure = credentials.createInsecure();

function checked(options: SubscribeOptions = {}): SubscribeOptions {
  const { concurrency = 1 } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new RangeError(`concurrency must be a whole number from 1, not ${String(concurrency)}`);
  }
  return options;
}

/** A channel whose calls go over the connection of the moment. */
function sharedChannel(connections: GatewayConnections): ChannelInterface {
  const channel = () => connections.acquire().grpc.getChannel();
  return {
    close: () => undefined, // the client's own
    getTarget: () => channel().getTarget(),
    getConnectivityState: (tryToConnect) => channel().getConnectivityState(tryToConnect),
    watchConnectivityState: (state, deadline, callback) => {
      channel().watchConnectivityState(state, deadline, callback);
    },
    getChannelzRef: () => channel().getChannelzRef(),
    createCall: (...call) => channel().createCall(...call),
  };
}

function authenticate(connections: GatewayConnections): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.merge(connections.metadata());
        next(metadata, listener);
      },
    });
}
