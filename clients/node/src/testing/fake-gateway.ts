import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerWritableStream,
} from '@grpc/grpc-js';

import {
  DurabilityClass,
  ReleaseEventServiceService,
} from '../generated/onhook/v1/release_event_service.js';
import type {
  GetEventRequest,
  GetEventResponse,
  ListEventsRequest,
  ListEventsResponse,
  StoredEvent,
  SubscribeRequest,
  SubscribeResponse,
  WatchRequest,
  WatchResponse,
} from '../generated/onhook/v1/release_event_service.js';
import { durationOf } from '../native.js';
import type { ReleaseEvent } from '../release-event.js';
import { type EventInit, makeEvent } from './events.js';
import { type FakeFailure, statusOf } from './failures.js';
import { FakeLog } from './fake-log.js';
import { FakeStream, type GoAwayReason } from './fake-stream.js';
import { type FakeAnswer, type FakeSettlement, FakeSubscription } from './fake-subscription.js';

/** How a fake gateway is to be. */
export interface FakeGatewayOptions {
  /** Default: 15,000. */
  heartbeatIntervalMs?: number;
  /** Of each delivery; null: none. It is told, but only {@link FakeGateway.expire} ends it. Default: 30,000. */
  ackDeadlineMs?: number | null;
  /** For TLS. Default: none. */
  credentials?: ServerCredentials;
  /** Where it listens. Default: `127.0.0.1:0`, a free port of this machine. */
  listen?: string;
}

interface Waiter {
  readonly check: () => boolean;
  readonly resolve: () => void;
}

/**
 * A gateway in this process, on a port of this machine, for tests of whoever receives events.
 *
 * It takes what {@link publish} gives it, hands it to every subscription (one that nobody has named
 * before begins to exist, and is owed everything), and tells what became of each event. Time does
 * not pass in it: what is to come again comes at once, and a deadline is over when a test says so.
 */
export class FakeGateway implements AsyncDisposable {
  /** What clients have said of deliveries, in order. */
  readonly settlements: FakeSettlement[] = [];
  /** All Subscribe streams there have been, in order. */
  readonly streams: FakeStream[] = [];
  readonly #options: FakeGatewayOptions;
  readonly #server = new Server({ 'grpc.enable_channelz': 0 });
  readonly #log = new FakeLog();
  readonly #subscriptions = new Map<string, FakeSubscription>();
  readonly #deleted = new Set<string>();
  readonly #watches = new Set<ServerWritableStream<WatchRequest, WatchResponse>>();
  readonly #waiters = new Set<Waiter>();
  readonly #heartbeats: NodeJS.Timeout;
  #answer: FakeAnswer = 'done';
  #refusal: FakeFailure | undefined;
  #port = 0;

  private constructor(options: FakeGatewayOptions) {
    this.#options = options;
    this.#server.addService(ReleaseEventServiceService, {
      subscribe: this.#subscribe,
      watch: this.#watch,
      getEvent: this.#getEvent,
      listEvents: this.#listEvents,
    });
    this.#heartbeats = setInterval(() => {
      this.#sendHeartbeats();
    }, this.#heartbeatIntervalMs);
    this.#heartbeats.unref();
  }

  /** Starts one. It is to be closed. */
  static async start(options: FakeGatewayOptions = {}): Promise<FakeGateway> {
    const gateway = new FakeGateway(options);
    const credentials = options.credentials ?? ServerCredentials.createInsecure();
    gateway.#port = await new Promise<number>((resolve, reject) => {
      gateway.#server.bindAsync(options.listen ?? '127.0.0.1:0', credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return gateway;
  }

  /** Where it listens, as a client's `server` takes it. */
  get server(): string {
    return `127.0.0.1:${String(this.#port)}`;
  }

  /** Streams that are open. */
  get openStreams(): FakeStream[] {
    return this.streams.filter((stream) => !stream.hasEnded);
  }

  /** Stores an event, and hands it to whoever wants it. The same event twice is stored once. */
  publish(init: EventInit | ReleaseEvent = {}): ReleaseEvent {
    const event = makeEvent(init);
    const stored = this.#log.add(event.message);
    if (stored === undefined) return event;
    for (const subscription of this.#subscriptions.values()) {
      subscription.add(event.message, stored.cursor);
      subscription.handOut();
    }
    for (const call of this.#watches) this.#showTo(call, [stored]);
    return event;
  }

  /** What became of an event, once something has; of its last delivery. */
  async settled(event: ReleaseEvent | string): Promise<FakeSettlement> {
    const eventId = typeof event === 'string' ? event : event.eventId;
    let found: FakeSettlement | undefined;
    await this.until(() => {
      found = this.settlements.findLast((settlement) => settlement.eventId === eventId);
      return found !== undefined;
    });
    // until() resolves only then.
    return found as unknown as FakeSettlement;
  }

  /** Events that a subscription owes, those with its consumers included. */
  owed(subscription: string): number {
    return this.#subscription(subscription).owedCount;
  }

  /** Resolves when `check` returns true; it is asked whenever something has happened here. */
  until(check: () => boolean): Promise<void> {
    if (check()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.add({ check, resolve });
    });
  }

  /** How it answers what it is told from now on. Default: `done`. */
  answerWith(answer: FakeAnswer): void {
    this.#answer = answer;
    for (const subscription of this.#subscriptions.values()) subscription.answer = answer;
  }

  /** Refuses all streams and look-ups from now on; undefined: takes them again. */
  refuse(failure: FakeFailure | undefined): void {
    this.#refusal = failure;
  }

  /** The deadline of an event, or of all events that are with consumers, is over. */
  expire(event?: ReleaseEvent | string): void {
    const eventId = typeof event === 'object' ? event.eventId : event;
    for (const subscription of this.#subscriptions.values()) subscription.expire(eventId);
  }

  /** Asks all open streams to come anew. */
  goAway(reason: GoAwayReason = 'SHUTDOWN', drainDeadlineMs?: number): void {
    for (const stream of this.openStreams) stream.goAway(reason, drainDeadlineMs);
  }

  /** Ends all open streams and watches. */
  endStreams(failure: FakeFailure = { code: 'UNAVAILABLE' }): void {
    for (const stream of this.openStreams) this.#end(stream, failure);
    for (const call of this.#watches) call.emit('error', statusOf(failure));
    this.#watches.clear();
  }

  /** Deletes a subscription: its streams are sent away, and it is not created by its name any more. */
  deleteSubscription(name: string): void {
    this.#deleted.add(name);
    this.#subscriptions.delete(name);
    for (const stream of this.openStreams) {
      if (stream.open.subscription === name) stream.goAway('SUBSCRIPTION_DELETED');
    }
  }

  /** Keeps no longer what was stored up to and including this event. */
  forgetThrough(event: ReleaseEvent): void {
    this.#log.forgetThrough(event.eventId);
  }

  /** Ends everything at once. */
  close(): Promise<void> {
    clearInterval(this.#heartbeats);
    this.#server.forceShutdown();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #heartbeatIntervalMs(): number {
    return this.#options.heartbeatIntervalMs ?? 15_000;
  }

  #happened(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.check()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #subscription(name: string): FakeSubscription {
    let subscription = this.#subscriptions.get(name);
    if (subscription === undefined) {
      subscription = new FakeSubscription(name, (settlement) => this.settlements.push(settlement));
      subscription.answer = this.#answer;
      const { ackDeadlineMs = 30_000 } = this.#options;
      subscription.ackDeadlineMs = ackDeadlineMs ?? undefined;
      for (const { event, cursor } of this.#log.after('')) if (event) subscription.add(event, cursor);
      this.#subscriptions.set(name, subscription);
    }
    return subscription;
  }

  #end(stream: FakeStream, failure?: FakeFailure): void {
    stream.end(failure);
    this.#subscriptions.get(stream.open.subscription)?.detach(stream);
    this.#happened();
  }

  readonly #subscribe: handleBidiStreamingCall<SubscribeRequest, SubscribeResponse> = (call) => {
    const requests: SubscribeRequest[] = [];
    let stream: FakeStream | undefined;
    call.on('data', (request: SubscribeRequest) => {
      requests.push(request);
      if (stream !== undefined) {
        this.#subscriptions.get(stream.open.subscription)?.take(stream, request);
      } else if (request.request?.$case === 'open') {
        stream = new FakeStream(call, request.request.value, requests);
        this.#opened(stream);
      }
      this.#happened();
    });
    call.on('end', () => {
      // A call that is cancelled ends its requests too, a moment before it says so.
      setImmediate(() => {
        if (stream === undefined || stream.hasEnded) return;
        stream.noteHalfClosed();
        this.#end(stream);
      });
    });
    call.on('cancelled', () => {
      stream?.noteLost();
      if (stream !== undefined) this.#end(stream);
    });
    call.on('error', () => undefined);
  };

  #opened(stream: FakeStream): void {
    const { subscription: name, createIfMissing } = stream.open;
    this.streams.push(stream);
    if (createIfMissing !== undefined) this.#deleted.delete(name);
    const missing: FakeFailure = { code: 'NOT_FOUND', message: `no subscription ${name}`, reason: 'NO_SUBSCRIPTION' };
    const refusal = this.#refusal ?? (this.#deleted.has(name) ? missing : undefined);
    if (refusal !== undefined) {
      stream.end(refusal);
      return;
    }
    const subscription = this.#subscription(name);
    stream.send({
      $case: 'opened',
      value: {
        maxOutstandingEvents: stream.open.maxOutstandingEvents ?? 1000,
        maxOutstandingBytes: stream.open.maxOutstandingBytes ?? 16n << 20n,
        storeId: 'fake',
        backlogEvents: BigInt(subscription.owedCount),
        durabilityClass: DurabilityClass.MEMORY,
        serverVersion: 'fake',
        heartbeatInterval: durationOf(this.#heartbeatIntervalMs),
      },
    });
    subscription.attach(stream);
  }

  #sendHeartbeats(): void {
    const interval = durationOf(this.#heartbeatIntervalMs);
    for (const stream of this.openStreams) {
      stream.send({ $case: 'heartbeat', value: { cursor: '', interval } });
    }
    for (const call of this.#watches) this.#sendPlace(call, this.#log.end);
  }

  #sendPlace(call: ServerWritableStream<WatchRequest, WatchResponse>, cursor: string): void {
    const interval = durationOf(this.#heartbeatIntervalMs);
    call.write({ response: { $case: 'heartbeat', value: { cursor, interval } } });
  }

  #showTo(call: ServerWritableStream<WatchRequest, WatchResponse>, stored: StoredEvent[]): void {
    const events = stored.map(({ event, cursor }) => ({ event, cursor }));
    if (events.length > 0) call.write({ response: { $case: 'events', value: { events } } });
  }

  readonly #watch: handleServerStreamingCall<WatchRequest, WatchResponse> = (call) => {
    const begin = this.#log.begin(call.request);
    const failure = this.#refusal ?? (typeof begin === 'string' ? undefined : begin);
    if (failure !== undefined || typeof begin !== 'string') {
      call.emit('error', statusOf(failure ?? { code: 'INTERNAL' }));
      return;
    }
    this.#sendPlace(call, begin);
    this.#showTo(call, this.#log.after(begin));
    if (call.request.stopAtEnd) {
      call.end();
      return;
    }
    this.#watches.add(call);
    call.on('cancelled', () => this.#watches.delete(call));
    this.#happened();
  };

  readonly #getEvent: handleUnaryCall<GetEventRequest, GetEventResponse> = ({ request }, answer) => {
    const storedEvent = this.#log.find(request.eventId);
    const missing: FakeFailure = { code: 'NOT_FOUND', message: 'no such event', reason: 'NO_EVENT' };
    if (this.#refusal !== undefined) answer(statusOf(this.#refusal));
    else if (storedEvent === undefined) answer(statusOf(missing));
    else answer(null, { storedEvent });
  };

  readonly #listEvents: handleUnaryCall<ListEventsRequest, ListEventsResponse> = ({ request }, answer) => {
    if (this.#refusal !== undefined) answer(statusOf(this.#refusal));
    else answer(null, this.#log.list(request));
  };
}
