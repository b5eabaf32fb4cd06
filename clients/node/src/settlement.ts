import { type NackRequest_Action } from './generated/onhook/v1/release_event_service.js';

/** What is to become of a delivery. @internal */
export interface Words {
  readonly action: NackRequest_Action | 'ack';
  readonly reason: string;
  readonly delayMs: number | undefined;
}

/** @internal */
export const ACK: Words = { action: 'ack', reason: '', delayMs: undefined };

/** @internal */
export function words(
  action: NackRequest_Action,
  reason: string | undefined,
  delayMs?: number,
): Words {
  return { action, reason: reason ?? '', delayMs };
}

/** @internal */
export function sameWords(a: Words, b: Words): boolean {
  return a.action === b.action && a.reason === b.reason && a.delayMs === b.delayMs;
}

/** Whoever wants to know whether the gateway has confirmed something. @internal */
export interface Confirmation {
  resolve(): void;
  reject(error: Error): void;
}

/** A settlement on its way to the gateway. @internal */
export interface PendingSettlement {
  readonly deliveryId: string;
  /** What tells its event from others. */
  readonly key: string;
  readonly words: Words;
  readonly confirmation: Confirmation | undefined;
}

/** A promise and how to settle it; that nobody looks at it is no error. @internal */
export function confirmation(): { promise: Promise<void>; confirmation: Confirmation } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, confirmation: { resolve, reject } };
}

// As the proto has it.
const MAX_REASON_CHARACTERS = 1024;

/** The first characters of a reason, never cut within one. @internal */
export function shortened(reason: string): string {
  if (reason.length <= MAX_REASON_CHARACTERS) return reason;
  return Array.from(reason).slice(0, MAX_REASON_CHARACTERS).join('');
}
