import { inspect } from 'node:util';

import type { RedeliveryReason } from './enums.js';
import { redeliveryReasonOf } from './enums.js';
import { AlreadySettledError } from './errors.js';
import { NackRequest_Action } from './generated/onhook/v1/release_event_service.js';
import type { Delivery as DeliveryMessage } from './generated/onhook/v1/release_event_service.js';
import type { ReceivedDelivery } from './received-delivery.js';
import { ReleaseEvent } from './release-event.js';
import {
  ACK,
  type Confirmation,
  confirmation as pendingConfirmation,
  type Words,
  words,
} from './settlement.js';

/** When an event that was given back is to come again, and why it was. */
export interface RetryOptions {
  /** Up to 1 h. Unset: the subscription's backoff. */
  delayMs?: number | undefined;
  /** Is shown in the timeline, so no personal data; the first 1,024 characters count. */
  reason?: string | undefined;
}

/** What carries a delivery's settlement to the gateway. @internal */
export interface Settler {
  settle(words: Words, confirmation?: Confirmation): void;
  extend(deadlineMs: number, confirmation: Confirmation): void;
  /** Calls back when the event is lost to somebody else. */
  onLost(callback: (why: Error) => void): void;
}

// Before anything is settled by it, and not when it is sent.
function checkTime(name: string, milliseconds: number): void {
  if (Number.isFinite(milliseconds) && milliseconds >= 0) return;
  throw new RangeError(`${name} must be a time from 0, not ${String(milliseconds)}`);
}

/**
 * One attempt to hand over one event.
 *
 * It is settled once, by one of {@link ack}, {@link retry}, {@link park}, {@link skip} and
 * {@link release}. Each takes effect when it is called; its promise resolves when the gateway has
 * confirmed it, and need not be waited for. It rejects with {@link AlreadySettledError};
 * with {@link StaleDeliveryError} or {@link UnknownDeliveryError} as the gateway answers (an
 * acknowledgement is never stale); with {@link UnconfirmedError} if there was never an answer.
 */
export class Delivery {
  /** What happened. The same event may come again: {@link ReleaseEvent.eventId} tells. */
  readonly event: ReleaseEvent;
  readonly #received: ReceivedDelivery;
  readonly #settler: Settler;
  #isSettled = false;
  #abort: AbortController | undefined;

  /** @internal */
  constructor(received: ReceivedDelivery, settler: Settler) {
    this.#received = received;
    this.event = new ReleaseEvent(received);
    this.#settler = settler;
  }

  /** The protobuf message. */
  get message(): DeliveryMessage {
    return this.#received.message;
  }

  /** Names this attempt. Opaque. */
  get id(): string {
    return this.#received.deliveryId;
  }

  /** The event's place in the log, as a watch takes it. Opaque. */
  get cursor(): string {
    return this.message.cursor;
  }

  /** Number of this attempt, from 1. */
  get attempt(): number {
    return this.#received.attempt;
  }

  /** Why the event comes again; undefined the first time. */
  get redeliveryReason(): RedeliveryReason | undefined {
    return redeliveryReasonOf(this.#received.redeliveryReason);
  }

  /** Time that was left to settle it when it was sent; undefined: it has none. */
  get ackDeadlineMs(): number | undefined {
    return this.#received.ackDeadlineMs;
  }

  /** The callback's trace, as `propagation.extract(context.active(), carrier)` of OpenTelemetry takes it. */
  get traceCarrier(): Record<string, string> {
    const { traceparent } = this.event;
    return traceparent === undefined ? {} : { traceparent };
  }

  /** Whether this delivery has been settled here. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * Is aborted when going on is of no use: the event was given to somebody else, or a stop's grace
   * is over.
   */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#settler.onLost((why) => {
        abort.abort(why);
      });
    }
    return this.#abort.signal;
  }

  /** The event is done with. To be called after the work is safe, never before. */
  ack(): Promise<void> {
    return this.#settle(ACK);
  }

  /** Gives the event back: it comes again, as another attempt. */
  retry({ delayMs, reason }: RetryOptions = {}): Promise<void> {
    if (delayMs !== undefined) checkTime('delayMs', delayMs);
    return this.#settle(words(NackRequest_Action.RETRY, reason, delayMs));
  }

  /** The same as {@link retry}, by the name that other libraries have for it. */
  nack(options?: RetryOptions): Promise<void> {
    return this.retry(options);
  }

  /** Puts the event among the dead letters, where a person finds it with the reason. */
  park(reason?: string): Promise<void> {
    return this.#settle(words(NackRequest_Action.PARK, reason));
  }

  /** Settles the event without having processed it. */
  skip(reason?: string): Promise<void> {
    return this.#settle(words(NackRequest_Action.SKIP, reason));
  }

  /** Gives the event to another consumer at once; counts as no attempt. */
  release(reason?: string): Promise<void> {
    return this.#settle(words(NackRequest_Action.RELEASE, reason));
  }

  /**
   * Asks for more time, 1 s to 10 min from now; resolves when the gateway has granted it. What goes
   * on by itself (`maxExtensionMs`) needs no such call.
   */
  extend(deadlineMs: number): Promise<void> {
    checkTime('deadlineMs', deadlineMs);
    const { promise, confirmation } = pendingConfirmation();
    this.#settler.extend(deadlineMs, confirmation);
    return promise;
  }

  /** Settles it unless the application has, and asks for no confirmation. @internal */
  conclude(what: Words): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#settler.settle(what);
    return true;
  }

  #settle(what: Words): Promise<void> {
    const { promise, confirmation } = pendingConfirmation();
    if (this.#isSettled) {
      confirmation.reject(new AlreadySettledError());
    } else {
      this.#isSettled = true;
      this.#settler.settle(what, confirmation);
    }
    return promise;
  }

  /** @internal */
  [inspect.custom](): unknown {
    const { id, attempt, redeliveryReason, cursor, event } = this;
    return { id, attempt, redeliveryReason, cursor, event };
  }
}
