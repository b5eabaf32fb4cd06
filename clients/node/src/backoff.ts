import type { ResolvedReconnect } from './options.js';

/**
 * Decides how long to wait before the next stream: twice as long each time, each wait shortened at
 * random by up to half so that many clients do not come back at once. @internal
 */
export class ReconnectBackoff {
  readonly #options: ResolvedReconnect;
  readonly #random: () => number;
  #nextMs: number;

  constructor(options: ResolvedReconnect, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
    this.#nextMs = options.initialMs;
  }

  /** A stream that brought something, or was up for long, starts the count anew. */
  reset(): void {
    this.#nextMs = this.#options.initialMs;
  }

  /** The wait after a stream; `wasHealthy` if it brought something, or was up for long. */
  after(wasHealthy: boolean): number {
    if (wasHealthy) this.reset();
    const longest = this.#nextMs;
    this.#nextMs = Math.min(longest * 2, this.#options.maxMs);
    return longest * (1 - this.#random() / 2);
  }
}
