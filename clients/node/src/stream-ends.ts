import type { OnhookError, StatusCode } from './errors.js';

// What repeating does not mend.
const TERMINAL: ReadonlySet<StatusCode> = new Set<StatusCode>([
  'NOT_FOUND',
  'INVALID_ARGUMENT',
  'FAILED_PRECONDITION',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'UNIMPLEMENTED',
]);

/**
 * Decides, for whoever keeps a stream open, whether an end of one is the end of all.
 *
 * UNAUTHENTICATED is special: who was let in before may just have files that change later than the
 * gateway's, and is tried again for a while. Who never was is simply wrong.
 * @internal
 */
export class StreamEnds {
  readonly #patienceMs: number;
  readonly #isWatch: boolean;
  #wasLetIn = false;
  #refusedAt: number | undefined;

  constructor(patienceMs: number, { isWatch = false } = {}) {
    this.#patienceMs = patienceMs;
    this.#isWatch = isWatch;
  }

  noteOpened(): void {
    this.#wasLetIn = true;
    this.#refusedAt = undefined;
  }

  /** To be asked once about each end. `now` is in milliseconds of any clock. */
  isFinal(error: OnhookError, now: number): boolean {
    if (error.domain === 'onhook.client') return error.code !== 'UNAVAILABLE';
    if (error.code === 'OUT_OF_RANGE') return this.#isWatch;
    if (!TERMINAL.has(error.code)) return false;
    if (error.code !== 'UNAUTHENTICATED' || !this.#wasLetIn) return true;
    this.#refusedAt ??= now;
    return now - this.#refusedAt >= this.#patienceMs;
  }
}
