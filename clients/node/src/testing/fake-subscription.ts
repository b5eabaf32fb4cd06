import {
  AckResults_Result,
  Delivery_RedeliveryReason,
  NackRequest_Action,
} from '../generated/onhook/v1/release_event_service.js';
import type {
  AckResults_Exception,
  Delivery as DeliveryMessage,
  SubscribeRequest,
} from '../generated/onhook/v1/release_event_service.js';
import type { ReleaseEvent as ReleaseEventMessage } from '../generated/onhook/v1/release_event.js';
import { durationOf, millisecondsOf } from '../native.js';
import type { FakeStream } from './fake-stream.js';
import { actionOf, type Outcome } from './handling.js';

/** What a client has said of one delivery. */
export interface FakeSettlement extends Omit<Outcome, 'error' | 'extensionsMs'> {
  readonly subscription: string;
  readonly eventId: string;
  readonly callSerialNo: string | undefined;
  readonly deliveryId: string;
  readonly attempt: number;
}

/** How a fake gateway answers what it is told; `lost`: neither done nor answered. */
export type FakeAnswer = 'done' | 'lost' | Exclude<keyof typeof AckResults_Result, 'UNSPECIFIED'>;

interface Owed {
  readonly event: ReleaseEventMessage;
  readonly cursor: string;
  attempt: number;
  reason: Delivery_RedeliveryReason;
  /** Its newest delivery. */
  latest: string;
}

interface Attached {
  readonly stream: FakeStream;
  window: number;
  paused: boolean;
  readonly outstanding: Map<string, Owed>;
}

const WINDOW = 1000;
const LARGEST_BATCH = 256;

/** A durable subscription of a fake gateway: who has what, and what became of it. @internal */
export class FakeSubscription {
  answer: FakeAnswer = 'done';
  ackDeadlineMs: number | undefined = 30_000;
  readonly #name: string;
  readonly #onSettled: (settlement: FakeSettlement) => void;
  readonly #attached = new Map<FakeStream, Attached>();
  // By delivery_id, whoever has them: the newest delivery of each event that is not settled.
  readonly #given = new Map<string, Owed>();
  #waiting: Owed[] = [];
  #deliveries = 0;

  constructor(name: string, onSettled: (settlement: FakeSettlement) => void) {
    this.#name = name;
    this.#onSettled = onSettled;
  }

  get owedCount(): number {
    return this.#waiting.length + new Set(this.#given.values()).size;
  }

  add(event: ReleaseEventMessage, cursor: string): void {
    const reason = Delivery_RedeliveryReason.UNSPECIFIED;
    this.#waiting.push({ event, cursor, attempt: 1, reason, latest: '' });
  }

  attach(stream: FakeStream): void {
    const window = stream.open.maxOutstandingEvents ?? WINDOW;
    this.#attached.set(stream, { stream, window, paused: false, outstanding: new Map() });
    this.handOut();
  }

  /** What the stream held comes again, to others. */
  detach(stream: FakeStream): void {
    const attached = this.#attached.get(stream);
    if (attached === undefined) return;
    this.#attached.delete(stream);
    for (const owed of attached.outstanding.values()) {
      this.#comeAgain(owed, Delivery_RedeliveryReason.STREAM_LOST, 0);
    }
    this.handOut();
  }

  /** The deadlines of these deliveries, or of all, are over. */
  expire(eventId?: string): void {
    for (const { outstanding } of this.#attached.values()) {
      for (const [deliveryId, owed] of outstanding) {
        if (eventId !== undefined && owed.event.eventId !== eventId) continue;
        outstanding.delete(deliveryId);
        this.#comeAgain(owed, Delivery_RedeliveryReason.DEADLINE_EXPIRED, 1);
      }
    }
    this.handOut();
  }

  take(stream: FakeStream, { request }: SubscribeRequest): void {
    const attached = this.#attached.get(stream);
    if (attached === undefined) return;
    switch (request?.$case) {
      case 'flow':
        attached.paused = request.value.paused ?? attached.paused;
        attached.window = request.value.maxOutstandingEvents ?? attached.window;
        this.handOut();
        break;
      case 'ack':
        this.#settle(stream, request.value, 'any', (owed, deliveryId) => {
          this.#note(owed, deliveryId, 'ack', '', undefined);
          this.#forget(owed);
        });
        break;
      case 'nack':
        this.#settle(stream, request.value, 'latest', (owed, deliveryId) => {
          const { action, reason, delay } = request.value;
          this.#note(owed, deliveryId, action, reason, millisecondsOf(delay));
          this.#forget(owed);
          this.#afterNack(owed, action);
        });
        break;
      case 'extend':
        this.#settle(stream, request.value, 'latest', () => undefined);
        break;
      default:
    }
  }

  /** Sends what waits to those who are ready for it. */
  handOut(): void {
    for (const attached of this.#attached.values()) {
      const room = attached.paused ? 0 : attached.window - attached.outstanding.size;
      const taken = this.#waiting.splice(0, Math.max(room, 0));
      for (let from = 0; from < taken.length; from += LARGEST_BATCH) {
        const some = taken.slice(from, from + LARGEST_BATCH);
        const deliveries = some.map((owed) => this.#deliver(attached, owed));
        attached.stream.send({ $case: 'deliveries', value: { deliveries } });
      }
    }
  }

  #deliver(attached: Attached, owed: Owed): DeliveryMessage {
    this.#deliveries += 1;
    const deliveryId = `${this.#name}-${String(this.#deliveries)}`;
    owed.latest = deliveryId;
    attached.outstanding.set(deliveryId, owed);
    this.#given.set(deliveryId, owed);
    return {
      deliveryId,
      event: owed.event,
      cursor: owed.cursor,
      attempt: owed.attempt,
      redeliveryReason: owed.reason,
      ackDeadline: this.ackDeadlineMs === undefined ? undefined : durationOf(this.ackDeadlineMs),
    };
  }

  #settle(
    stream: FakeStream,
    { requestId, deliveryIds }: { requestId: bigint; deliveryIds: string[] },
    which: 'any' | 'latest',
    settle: (owed: Owed, deliveryId: string) => void,
  ): void {
    if (this.answer === 'lost') return;
    const exceptions: AckResults_Exception[] = [];
    for (const deliveryId of deliveryIds) {
      const owed = this.#given.get(deliveryId);
      if (this.answer !== 'done') {
        exceptions.push({ deliveryId, result: AckResults_Result[this.answer] });
      } else if (which === 'latest' && owed?.latest !== deliveryId) {
        exceptions.push({ deliveryId, result: AckResults_Result.STALE });
      } else if (owed !== undefined) {
        settle(owed, deliveryId);
      }
    }
    stream.send({ $case: 'ackResults', value: { requestId, exceptions } });
    this.handOut();
  }

  #note(
    owed: Owed,
    deliveryId: string,
    action: NackRequest_Action | 'ack',
    reason: string,
    delayMs: number | undefined,
  ): void {
    this.#onSettled({
      subscription: this.#name,
      eventId: owed.event.eventId,
      callSerialNo: owed.event.callSerialNo,
      deliveryId,
      attempt: owed.attempt,
      action: actionOf(action),
      reason,
      delayMs,
    });
  }

  #forget(owed: Owed): void {
    this.#waiting = this.#waiting.filter((other) => other !== owed);
    for (const [deliveryId, other] of this.#given) if (other === owed) this.#given.delete(deliveryId);
    for (const { outstanding } of this.#attached.values()) {
      for (const [deliveryId, other] of outstanding) if (other === owed) outstanding.delete(deliveryId);
    }
  }

  // Delays are noted, and not waited for: a test has no time for them.
  #afterNack(owed: Owed, action: NackRequest_Action): void {
    if (action === NackRequest_Action.PARK || action === NackRequest_Action.SKIP) return;
    if (action === NackRequest_Action.RELEASE) {
      this.#comeAgain(owed, Delivery_RedeliveryReason.RELEASED, 0);
    } else {
      this.#comeAgain(owed, Delivery_RedeliveryReason.NACKED, 1);
    }
  }

  #comeAgain(owed: Owed, reason: Delivery_RedeliveryReason, attempts: number): void {
    owed.attempt += attempts;
    owed.reason = reason;
    this.#waiting.push(owed);
  }
}
