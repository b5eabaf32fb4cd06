import type { ReceivedDelivery } from './received-delivery.js';
import type { SubscriberStream } from './subscriber-stream.js';

// As the proto has it. A delivery whose time is nearly over is extended by more than it had.
const SHORTEST_ACK_DEADLINE_MS = 1000;

/** An event that is here, by its newest delivery. @internal */
export class HeldEvent {
  /** What tells it from others: its event_id. */
  readonly key: string;
  received: ReceivedDelivery;
  /** Where the newest delivery came in, and where it is settled. */
  stream: SubscriberStream;
  phase: 'waiting' | 'handling' | 'settled' = 'waiting';
  /** Is told that the event is lost to somebody else, or was given back here. */
  onLost: ((why: Error) => void) | undefined;

  // The lease of the newest delivery; dueAt is infinite if it is not, or no longer, extended.
  #leaseMs = 0;
  #dueAt = Infinity;
  #lastAt = 0;

  constructor(received: ReceivedDelivery, stream: SubscriberStream) {
    this.key = keyOf(received);
    this.received = received;
    this.stream = stream;
  }

  get deliveryId(): string {
    return this.received.deliveryId;
  }

  /** When it is to be extended. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** What to ask for then. */
  get leaseMs(): number {
    return this.#leaseMs;
  }

  /** The newest delivery came; it is extended for `maxExtensionMs` at most. */
  startLease(now: number, maxExtensionMs: number): void {
    const leftMs = this.received.ackDeadlineMs;
    this.#dueAt = Infinity;
    if (leftMs === undefined || maxExtensionMs <= 0) return;
    this.#leaseMs = Math.max(leftMs, SHORTEST_ACK_DEADLINE_MS);
    this.#lastAt = now + maxExtensionMs;
    this.#setDue(now + leftMs / 2);
  }

  /** It has been asked for, by itself: due again when half of it is over. */
  noteExtended(now: number): void {
    this.#setDue(now + this.#leaseMs / 2);
  }

  /** The application asked for `deadlineMs`: what goes on by itself must not shorten it. */
  noteExplicit(now: number, deadlineMs: number): void {
    if (this.#leaseMs === 0) return;
    this.#setDue(now + Math.max(deadlineMs / 2, deadlineMs - this.#leaseMs / 2));
  }

  postpone(until: number): void {
    if (this.#dueAt !== Infinity) this.#dueAt = until;
  }

  endLease(): void {
    this.#dueAt = Infinity;
  }

  #setDue(at: number): void {
    this.#dueAt = at > this.#lastAt ? Infinity : at;
  }
}

/** @internal */
export function keyOf({ eventId, deliveryId }: ReceivedDelivery): string {
  return eventId === '' ? deliveryId : eventId;
}
