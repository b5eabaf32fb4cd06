import { performance } from 'node:perf_hooks';

import { startTimer } from './timers.js';

/** What holds for a gateway that does not say how long it may be silent. */
const FALLBACK_INTERVAL_MS = 15_000;

/**
 * Notices that nothing was heard of a stream for twice as long as the gateway is silent at most.
 * @internal
 */
export class SilenceWatch {
  readonly #onSilent: (silentMs: number) => void;
  #intervalMs = FALLBACK_INTERVAL_MS;
  #heardAt = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;

  constructor(onSilent: (silentMs: number) => void) {
    this.#onSilent = onSilent;
  }

  /** Begins to count, or does so anew. */
  start(): void {
    this.#heardAt = performance.now();
    this.#arm(2 * this.#intervalMs);
  }

  /** Something came. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** How long the gateway is silent at most; undefined leaves what holds. */
  setInterval(intervalMs: number | undefined): void {
    if (intervalMs === undefined || intervalMs <= 0 || intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    if (this.#timer !== undefined) this.#arm(2 * intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + delayMs;
    this.#timer = startTimer(() => {
      this.#look();
    }, delayMs);
  }

  #look(): void {
    const now = performance.now();
    // The event loop was busy, and what came meanwhile has not been read yet.
    if (now - this.#dueAt > this.#intervalMs / 2) this.#heardAt = Math.max(this.#heardAt, now - this.#intervalMs);
    const silentMs = now - this.#heardAt;
    const leftMs = 2 * this.#intervalMs - silentMs;
    // Timers come up to a millisecond early.
    if (leftMs > 1) {
      this.#arm(leftMs);
      return;
    }
    this.#timer = undefined;
    this.#onSilent(silentMs);
  }
}
