import { HeldEvent, keyOf } from './held-event.js';
import type { ReceivedDelivery } from './received-delivery.js';
import type { SubscriberStream } from './subscriber-stream.js';

/**
 * The events that a subscription has: those that wait, in the order they came, and those that are
 * being handled.
 *
 * Why: an event whose handler outlives its stream comes again on the next one. It must not be
 * handled twice at once, and its settlement must name the delivery that the gateway now waits for.
 * @internal
 */
export class HeldEvents {
  readonly #byKey = new Map<string, HeldEvent>();
  // Of those that wait, from #next on.
  #waiting: HeldEvent[] = [];
  #next = 0;
  #handling = 0;

  get handlingCount(): number {
    return this.#handling;
  }

  get hasWaiting(): boolean {
    return this.#next < this.#waiting.length;
  }

  find(received: ReceivedDelivery): HeldEvent | undefined {
    return this.#byKey.get(keyOf(received));
  }

  /** Lets a delivery of an event that is not here wait as the last. */
  add(received: ReceivedDelivery, stream: SubscriberStream): HeldEvent {
    const held = new HeldEvent(received, stream);
    this.#byKey.set(held.key, held);
    this.#waiting.push(held);
    return held;
  }

  /** The one that waits longest, which is handled from now on. */
  begin(): HeldEvent | undefined {
    const held = this.#waiting[this.#next];
    if (held === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#next = 0;
    }
    held.phase = 'handling';
    this.#handling += 1;
    return held;
  }

  /** It is settled, as far as this side can tell. */
  settle(held: HeldEvent): void {
    if (held.phase === 'handling') this.#handling -= 1;
    held.phase = 'settled';
    this.#byKey.delete(held.key);
  }

  handling(): HeldEvent[] {
    return [...this.#byKey.values()].filter((held) => held.phase === 'handling');
  }

  /** All that wait, of one stream or of any; they are forgotten. */
  takeWaiting(stream?: SubscriberStream): HeldEvent[] {
    const all = this.#waiting.slice(this.#next);
    const taken = stream === undefined ? all : all.filter((held) => held.stream === stream);
    this.#waiting = stream === undefined ? [] : all.filter((held) => held.stream !== stream);
    this.#next = 0;
    for (const held of taken) this.settle(held);
    return taken;
  }
}
