import { performance } from 'node:perf_hooks';

import type { GatewayConnections } from './connection.js';
import { Delivery } from './delivery.js';
import { OnhookError } from './errors.js';
import { NackRequest_Action } from './generated/onhook/v1/release_event_service.js';
import type { HeldEvent } from './held-event.js';
import type { SubscribeOptions } from './options.js';
import type { Confirmation, Words } from './settlement.js';
import { ACK, words } from './settlement.js';
import { callHook, type SubscriptionState } from './state.js';
import { type EngineConsumer, SubscriptionEngine } from './subscription-engine.js';
import { warnOfHandler, wordsOf } from './warnings.js';

// For how long handlers that do not wait for anything are called in a row before the process may
// look after its timers and sockets.
const TURN_MS = 20;

/** Handles one delivery: what returns has acknowledged it, what throws has given it back. */
export type Handler = (delivery: Delivery) => void | Promise<void>;

/** How a stop is to be done. */
export interface StopOptions {
  /** How long running handlers may take. Default: {@link SubscribeOptions.graceMs}. */
  graceMs?: number | undefined;
}

/**
 * Receives the events of a durable subscription, at least once each, until it is stopped.
 *
 * It stays connected by itself, and ends by itself only where repeating cannot help: if the
 * subscription does not exist or is deleted, say.
 */
export abstract class Subscription implements AsyncDisposable {
  /** Name of the durable subscription. */
  readonly name: string;
  /** @internal */
  protected readonly engine: SubscriptionEngine;
  readonly #graceMs: number;
  readonly #closed: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: OnhookError) => void;
  readonly #whenOver: (() => void)[] = [];

  /** @internal */
  constructor(connections: GatewayConnections, name: string, options: SubscribeOptions) {
    this.name = name;
    this.#graceMs = options.graceMs ?? 30_000;
    this.#closed = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.engine = new SubscriptionEngine(connections, name, options, this.#consumer());
    // Nobody is to learn by the process's end what a hook has been told.
    if (this.engine.teller.isHeard) this.#closed.catch(() => undefined);
    const { signal } = options;
    if (signal !== undefined) this.#stopWith(signal);
  }

  /** How it stands. */
  get state(): SubscriptionState {
    return this.engine.teller.current;
  }

  /**
   * Resolves after a stop with everything confirmed that was acknowledged. Rejects with what ended
   * the subscription, or with {@link UnconfirmedError}. Whoever has no `onState` hook waits for it:
   * a failure that nobody looks at is an unhandled rejection.
   */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Asks for no new deliveries; what is here goes on. */
  pause(): void {
    this.engine.setPaused(true);
  }

  /** Goes on after a pause. */
  resume(): void {
    this.engine.setPaused(false);
  }

  /**
   * Stops: takes nothing more, gives back what no handler has begun, waits for running handlers up
   * to the grace, then for the gateway's confirmations. Returns {@link closed}. Not to be waited for
   * in a handler, which it waits for.
   */
  stop({ graceMs = this.#graceMs }: StopOptions = {}): Promise<void> {
    this.engine.stop(graceMs);
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Unlike a look at `closed`, it hides no failure. @internal */
  whenOver(callback: () => void): void {
    this.#whenOver.push(callback);
  }

  /** @internal */
  start(): void {
    if (!this.engine.isStopping) this.engine.start();
  }

  /** @internal */
  protected abstract onWaiting(): void;
  /** @internal */
  protected abstract onStopping(error: OnhookError | undefined): void;

  /** @internal */
  protected deliveryOf(held: HeldEvent): Delivery {
    return new Delivery(held.received, new EngineSettler(this.engine, held));
  }

  /** That nobody looks at `closed` is no error: who iterates is told. @internal */
  protected ignoreFailure(): void {
    this.#closed.catch(() => undefined);
  }

  #consumer(): EngineConsumer {
    return {
      onWaiting: () => {
        this.onWaiting();
      },
      onStopping: (error) => {
        this.onStopping(error);
      },
      onStopped: (error) => {
        for (const callback of this.#whenOver) callback();
        if (error === undefined) this.#resolve();
        else this.#reject(error);
      },
    };
  }

  #stopWith(signal: AbortSignal): void {
    const stop = () => {
      this.engine.stop(this.#graceMs);
    };
    // Not before the constructors are done.
    if (signal.aborted) queueMicrotask(stop);
    else signal.addEventListener('abort', stop, { once: true });
    this.whenOver(() => {
      signal.removeEventListener('abort', stop);
    });
  }
}

class EngineSettler {
  readonly #engine: SubscriptionEngine;
  readonly #held: HeldEvent;

  constructor(engine: SubscriptionEngine, held: HeldEvent) {
    this.#engine = engine;
    this.#held = held;
  }

  settle(what: Words, confirmation?: Confirmation): void {
    this.#engine.settle(this.#held, what, confirmation);
  }

  extend(deadlineMs: number, confirmation: Confirmation): void {
    this.#engine.extend(this.#held, deadlineMs, confirmation);
  }

  onLost(callback: (why: Error) => void): void {
    this.#held.onLost = callback;
  }
}

/** A subscription whose events go to a handler. */
export class HandlerSubscription extends Subscription {
  readonly #handler: Handler;
  readonly #concurrency: number;
  readonly #onHandlerError: SubscribeOptions['onHandlerError'];
  #running = 0;
  #turnBegan = 0;
  #yielding = false;

  /** @internal */
  constructor(
    connections: GatewayConnections,
    name: string,
    handler: Handler,
    options: SubscribeOptions,
  ) {
    super(connections, name, options);
    this.#handler = handler;
    this.#concurrency = options.concurrency ?? 1;
    this.#onHandlerError = options.onHandlerError;
  }

  /** @internal */
  protected override onWaiting(): void {
    while (this.#running < this.#concurrency && this.#mayGoOn()) {
      const held = this.engine.begin();
      if (held === undefined) return;
      this.#handle(this.deliveryOf(held));
    }
  }

  /** @internal */
  protected override onStopping(): void {
    // Handlers that run go on.
  }

  #mayGoOn(): boolean {
    if (this.#yielding) return false;
    if (performance.now() - this.#turnBegan < TURN_MS) return true;
    this.#yielding = true;
    setImmediate(() => {
      this.#yielding = false;
      this.#turnBegan = performance.now();
      this.onWaiting();
    });
    return false;
  }

  #handle(delivery: Delivery): void {
    this.#running += 1;
    try {
      const result: unknown = this.#handler(delivery);
      if (!isThenable(result)) {
        this.#running -= 1;
        delivery.conclude(ACK);
        return;
      }
      result.then(
        () => {
          this.#running -= 1;
          delivery.conclude(ACK);
          this.onWaiting();
        },
        (error: unknown) => {
          this.#running -= 1;
          this.#giveBack(delivery, error);
          this.onWaiting();
        },
      );
    } catch (error) {
      this.#running -= 1;
      this.#giveBack(delivery, error);
    }
  }

  #giveBack(delivery: Delivery, error: unknown): void {
    const reason = wordsOf(error);
    const wasSettled = !delivery.conclude(words(NackRequest_Action.RETRY, reason));
    if (this.#onHandlerError !== undefined) callHook(this.#onHandlerError, error, delivery);
    else if (!wasSettled) warnOfHandler('which gave it back', delivery, error);
    // That a settlement was not confirmed is no fault of the handler's.
    else if (!(error instanceof OnhookError)) warnOfHandler('after it had settled it', delivery, error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

interface Waiter {
  resolve(result: IteratorResult<Delivery, undefined>): void;
  reject(error: OnhookError): void;
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A subscription whose events are iterated over. Each is to be settled by its own methods, in any
 * order, inside or outside of the loop. To leave the loop stops the subscription, without waiting
 * for that; a failure is thrown into it.
 */
export class IterableSubscription extends Subscription implements AsyncIterable<Delivery> {
  #waiters: Waiter[] = [];
  #failure: OnhookError | undefined;

  /** @internal */
  constructor(connections: GatewayConnections, name: string, options: SubscribeOptions) {
    super(connections, name, options);
    this.ignoreFailure();
  }

  /** Several iterators share the events. */
  [Symbol.asyncIterator](): AsyncIterator<Delivery, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.stop().catch(() => undefined);
        return Promise.resolve(DONE);
      },
    };
  }

  /** @internal */
  protected override onWaiting(): void {
    while (this.#waiters.length > 0) {
      const held = this.engine.begin();
      if (held === undefined) return;
      this.#waiters.shift()?.resolve({ done: false, value: this.deliveryOf(held) });
    }
  }

  /** @internal */
  protected override onStopping(error: OnhookError | undefined): void {
    this.#failure = error;
    const waiters = this.#waiters.splice(0);
    for (const waiter of waiters) {
      if (error === undefined) waiter.resolve(DONE);
      else waiter.reject(error);
    }
  }

  #next(): Promise<IteratorResult<Delivery, undefined>> {
    if (this.engine.isStopping) {
      return this.#failure === undefined ? Promise.resolve(DONE) : Promise.reject(this.#failure);
    }
    const held = this.engine.begin();
    if (held !== undefined) return Promise.resolve({ done: false, value: this.deliveryOf(held) });
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }
}
