import type { DurabilityClass } from './enums.js';
import type { OnhookError } from './errors.js';

/** The terms of a stream, as the gateway told them. */
export interface StreamTerms {
  readonly maxOutstandingEvents: number;
  readonly maxOutstandingBytes: number;
  /** Undefined: a delivery may stay unsettled for as long as its stream lives. */
  readonly ackDeadlineMs: number | undefined;
  /** Identifies the store: another one never knows this one's cursors. */
  readonly storeId: string;
  /** What the subscription owed when the stream opened. */
  readonly backlogEvents: number;
  readonly durabilityClass: DurabilityClass | undefined;
  readonly serverVersion: string;
}

/** How a subscription or a watch stands. */
export type SubscriptionState =
  | { readonly state: 'connecting' }
  /** A stream is open; `terms` are a subscription's. */
  | { readonly state: 'streaming'; readonly terms?: StreamTerms }
  /** The stream was lost, or could not be opened; another follows after `delayMs`. */
  | { readonly state: 'backing_off'; readonly cause: OnhookError; readonly delayMs: number }
  /** It is over; `error` is what ended it, if anything did but a stop. */
  | { readonly state: 'stopped'; readonly error?: OnhookError };

/** Tells states to a hook. @internal */
export class StateTeller {
  readonly #hook: ((state: SubscriptionState) => void) | undefined;
  #state: SubscriptionState = { state: 'connecting' };
  #told = false;

  constructor(hook: ((state: SubscriptionState) => void) | undefined) {
    this.#hook = hook;
  }

  get current(): SubscriptionState {
    return this.#state;
  }

  /** Whether somebody is told how it ends. */
  get isHeard(): boolean {
    return this.#hook !== undefined;
  }

  tell(state: SubscriptionState): void {
    const same = this.#told && state.state === 'connecting' && this.#state.state === 'connecting';
    this.#state = state;
    this.#told = true;
    if (!same && this.#hook !== undefined) callHook(this.#hook, state);
  }
}

/**
 * Calls what the application has given. What it throws is seen by the process, as of an event
 * listener, and stops nothing in between. @internal
 */
export function callHook<Given extends unknown[]>(hook: (...given: Given) => void, ...given: Given): void {
  try {
    hook(...given);
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
