import type { DurabilityClass } from './enums.js';
import type { OnhookError } from './errors.js';
import { warnOfWaiting } from './warnings.js';

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

/** Whose states are told, for words. @internal */
export interface Told {
  readonly who: string;
  readonly server: string;
}

/** Tells states to a hook; without one, warns of the first loss after each stream. @internal */
export class StateTeller {
  readonly #hook: ((state: SubscriptionState) => void) | undefined;
  readonly #of: Told;
  #state: SubscriptionState = { state: 'connecting' };
  #told = false;
  #warned = false;

  constructor(hook: ((state: SubscriptionState) => void) | undefined, of: Told) {
    this.#hook = hook;
    this.#of = of;
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
    if (this.#hook === undefined) this.#warn(state);
    else if (!same) callHook(this.#hook, state);
  }

  #warn(state: SubscriptionState): void {
    if (state.state === 'streaming') this.#warned = false;
    if (state.state !== 'backing_off' || this.#warned) return;
    this.#warned = true;
    warnOfWaiting(this.#of.who, this.#of.server, state.cause);
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
