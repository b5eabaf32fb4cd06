import { performance } from 'node:perf_hooks';

import { type ClientReadableStream, status as grpcStatus, type StatusObject } from '@grpc/grpc-js';

import { ReconnectBackoff } from './backoff.js';
import type { Connection, GatewayConnections } from './connection.js';
import type { OnhookError } from './errors.js';
import { fromGrpc, GapError, localError } from './errors.js';
import { ReleaseEventServiceService, WatchRequest } from './generated/onhook/v1/release_event_service.js';
import type { WatchedEvent as WatchedEventMessage } from './generated/onhook/v1/release_event_service.js';
import type { WatchResponse } from './generated/onhook/v1/release_event_service.js';
import { ReleaseEvent as ReleaseEventCodec } from './generated/onhook/v1/release_event.js';
import { millisecondsOf, timestampOf } from './native.js';
import type { WatchOptions } from './options.js';
import { ReleaseEvent } from './release-event.js';
import { SilenceWatch } from './silence.js';
import { StateTeller, type SubscriptionState } from './state.js';
import { StreamEnds } from './stream-ends.js';
import { filterOf, positionOf } from './subscription-spec.js';
import { startTimer } from './timers.js';

// Events that wait here; then no more are read until half of them are gone.
const MOST_WAITING = 2000;

/** One event of the log, and its place. */
export class WatchedEvent {
  /** The protobuf message. */
  readonly message: WatchedEventMessage;
  readonly event: ReleaseEvent;

  /** @internal */
  constructor(message: WatchedEventMessage) {
    this.message = message;
    this.event = new ReleaseEvent(message.event ?? ReleaseEventCodec.create());
  }

  /** `afterCursor` of a later watch that goes on behind this event. */
  get cursor(): string {
    return this.message.cursor;
  }
}

interface Waiter {
  resolve(result: IteratorResult<WatchedEvent, undefined>): void;
  reject(error: OnhookError): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Reads the log in order from a place that the application keeps; nothing is acknowledged.
 *
 * It goes on behind the last event on any loss that may pass, without a gap or a repeat. It begins
 * to read when it is made. To leave the loop ends it.
 */
export class Watch implements AsyncIterable<WatchedEvent>, AsyncDisposable {
  readonly #connections: GatewayConnections;
  readonly #options: WatchOptions;
  readonly #teller: StateTeller;
  readonly #backoff: ReconnectBackoff;
  readonly #ends: StreamEnds;
  readonly #silence: SilenceWatch;
  readonly #forgetSignal: () => void;

  // Without an event: a place that was reached without one.
  #waiting: { message?: WatchedEventMessage; cursor: string }[] = [];
  #next = 0;
  #waiters: Waiter[] = [];
  // Behind what came, and behind what was handed over.
  #received: string;
  #cursor: string;

  #connection: Connection | undefined;
  #call: ClientReadableStream<WatchResponse> | undefined;
  #openedAt: number | undefined;
  #isProductive = false;
  #reopenTimer: NodeJS.Timeout | undefined;
  #end: { readonly error: OnhookError | undefined } | undefined;

  /** @internal */
  constructor(connections: GatewayConnections, options: WatchOptions) {
    this.#connections = connections;
    this.#options = options;
    this.#teller = new StateTeller(options.onState, { who: 'a watch', server: connections.server });
    this.#backoff = new ReconnectBackoff(connections.reconnect);
    const patience = connections.showsIdentity ? connections.reconnect.unauthenticatedPatienceMs : 0;
    this.#ends = new StreamEnds(patience, { isWatch: true });
    this.#silence = new SilenceWatch((silentMs) => {
      this.#giveUpConnection(silentMs);
    });
    this.#received = options.afterCursor ?? '';
    this.#cursor = this.#received;
    const { signal } = options;
    const stop = () => {
      this.stop();
    };
    signal?.addEventListener('abort', stop, { once: true });
    this.#forgetSignal = () => {
      signal?.removeEventListener('abort', stop);
    };
  }

  /** Behind the last event that was handed over: `afterCursor` of a later watch. Empty: nowhere yet. */
  get cursor(): string {
    return this.#cursor;
  }

  /** How it stands. */
  get state(): SubscriptionState {
    return this.#teller.current;
  }

  /** Ends it; loops over it end. */
  stop(): void {
    this.#waiting = [];
    this.#next = 0;
    this.#finish(undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchedEvent, undefined> {
    return {
      next: () => this.#take(),
      return: () => {
        this.stop();
        return Promise.resolve(DONE);
      },
    };
  }

  /** @internal */
  start(): void {
    if (this.#options.signal?.aborted === true) this.stop();
    else this.#open();
  }

  #take(): Promise<IteratorResult<WatchedEvent, undefined>> {
    const event = this.#shift();
    if (event !== undefined) return Promise.resolve({ done: false, value: event });
    if (this.#end !== undefined) {
      const { error } = this.#end;
      return error === undefined ? Promise.resolve(DONE) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  #shift(): WatchedEvent | undefined {
    for (;;) {
      const next = this.#waiting[this.#next];
      if (next === undefined) {
        this.#waiting = [];
        this.#next = 0;
        this.#readOn();
        return undefined;
      }
      this.#next += 1;
      if (this.#waiting.length - this.#next === MOST_WAITING / 2) this.#readOn();
      this.#cursor = next.cursor;
      if (next.message !== undefined) return new WatchedEvent(next.message);
    }
  }

  #readOn(): void {
    if (this.#call?.isPaused() !== true) return;
    this.#call.resume();
    this.#silence.start();
  }

  #open(): void {
    this.#openedAt = undefined;
    this.#isProductive = false;
    this.#teller.tell({ state: 'connecting' });
    try {
      const metadata = this.#connections.metadata();
      this.#connection = this.#connections.acquire();
      const { path, requestSerialize, responseDeserialize } = ReleaseEventServiceService.watch;
      const call = this.#connection.grpc.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        this.#request(),
        metadata,
      );
      this.#call = call;
      call.on('data', (response: WatchResponse) => {
        if (this.#call === call) this.#handle(response);
      });
      call.on('error', () => undefined); // the status says the same
      const status = new Promise<StatusObject>((resolve) => call.on('status', resolve));
      // What was read before is handed over first, however slowly that is taken.
      const read = new Promise<void>((resolve) => call.on('end', resolve));
      void Promise.all([status, read]).then(([{ code, ...words }]) => {
        if (this.#call !== call) return;
        if (code === grpcStatus.OK) this.#ended(undefined);
        else this.#ended(fromGrpc(Object.assign(new Error(), { code, ...words })));
      });
      this.#silence.start();
    } catch (error) {
      setImmediate(() => {
        this.#ended(fromGrpc(error));
      });
    }
  }

  #request(): WatchRequest {
    const { position, since, filter, stopAtEnd, observeOnly, consumerName } = this.#options;
    const request = WatchRequest.create({
      stopAtEnd: stopAtEnd ?? false,
      observeOnly: observeOnly ?? false,
      consumerName: consumerName ?? '',
    });
    if (filter !== undefined) request.filter = filterOf(filter);
    if (this.#received !== '') request.start = { $case: 'afterCursor', value: this.#received };
    else if (since !== undefined) request.start = { $case: 'sinceTime', value: timestampOf(since) };
    else if (position !== undefined) request.start = { $case: 'position', value: positionOf(position) };
    return request;
  }

  #handle({ response }: WatchResponse): void {
    this.#silence.heard();
    if (this.#openedAt === undefined) {
      this.#openedAt = performance.now();
      this.#connection?.noteAnswer();
      this.#ends.noteOpened();
      this.#teller.tell({ state: 'streaming' });
    }
    if (response?.$case === 'heartbeat') {
      this.#silence.setInterval(millisecondsOf(response.value.interval));
      const { cursor } = response.value;
      if (cursor !== '') this.#add([{ cursor }]);
    } else if (response?.$case === 'events') {
      this.#isProductive = true;
      this.#add(response.value.events.map((message) => ({ message, cursor: message.cursor })));
    }
    // After go_away the end follows, and then the next stream.
  }

  #add(items: { message?: WatchedEventMessage; cursor: string }[]): void {
    if (this.#end !== undefined) return;
    this.#received = items.at(-1)?.cursor ?? this.#received;
    // One that nobody waits for, and that only moves the place, takes no room of its own.
    const [first] = items;
    if (first !== undefined && first.message === undefined && this.#next === this.#waiting.length) {
      this.#cursor = first.cursor;
      return;
    }
    for (const item of items) this.#waiting.push(item);
    while (this.#waiters.length > 0) {
      const event = this.#shift();
      if (event === undefined) return;
      this.#waiters.shift()?.resolve({ done: false, value: event });
    }
    if (this.#waiting.length - this.#next >= MOST_WAITING) {
      this.#call?.pause();
      // That nothing more is read is no fault of the gateway.
      this.#silence.stop();
    }
  }

  #giveUpConnection(silentMs: number): void {
    if (this.#connection !== undefined) this.#connections.giveUp(this.#connection);
    const call = this.#call;
    this.#call = undefined;
    call?.cancel();
    const words = `nothing was heard of the gateway for ${(silentMs / 1000).toFixed(1)} s`;
    this.#ended(localError('UNAVAILABLE', 'SILENT', words));
  }

  #ended(error: OnhookError | undefined): void {
    if (this.#end !== undefined) return;
    this.#silence.stop();
    this.#call = undefined;
    if (error === undefined && this.#options.stopAtEnd === true) {
      this.#finish(undefined);
      return;
    }
    const lost = localError('UNAVAILABLE', 'STREAM_LOST', 'the gateway ended the stream');
    const why = this.#connections.explain(error ?? lost);
    if (this.#ends.isFinal(why, performance.now())) {
      this.#finish(why.code === 'OUT_OF_RANGE' ? gapOf(why) : why);
      return;
    }
    const lived = this.#openedAt === undefined ? 0 : performance.now() - this.#openedAt;
    const wasHealthy = this.#isProductive || lived > this.#connections.reconnect.maxMs;
    const delayMs = this.#backoff.after(wasHealthy);
    this.#teller.tell({ state: 'backing_off', cause: why, delayMs });
    this.#reopenTimer = startTimer(() => {
      this.#open();
    }, delayMs);
  }

  #finish(error: OnhookError | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#forgetSignal();
    clearTimeout(this.#reopenTimer);
    this.#silence.stop();
    this.#call?.cancel();
    this.#call = undefined;
    for (const waiter of this.#waiters.splice(0)) {
      if (error === undefined) waiter.resolve(DONE);
      else waiter.reject(error);
    }
    this.#teller.tell(error === undefined ? { state: 'stopped' } : { state: 'stopped', error });
  }
}

function gapOf({ message, reason, domain, metadata }: OnhookError): GapError {
  return new GapError({ code: 'OUT_OF_RANGE', message, reason, domain, metadata });
}

