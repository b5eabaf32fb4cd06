import { inspect } from 'node:util';

import type { Delivery } from './delivery.js';
import type { OnhookError } from './errors.js';

// What is said where the application has given no hook for it: warnings of the process, which Node.js
// writes on stderr, and an application takes with `process.on('warning')` or turns off by their code.
const TYPE = 'OnhookWarning';

/** A stream was lost, or could not be opened. @internal */
export function warnOfWaiting(who: string, server: string, { code, message }: OnhookError): void {
  process.emitWarning(`${who} has no stream from ${server} and goes on trying: ${code}: ${message}`, {
    type: TYPE,
    code: 'ONHOOK_BACKING_OFF',
  });
}

/** A handler threw; `became` says what that means for its event. @internal */
export function warnOfHandler(became: string, delivery: Delivery, thrown: unknown): void {
  process.emitWarning(`the handler of event ${delivery.event.eventId} threw, ${became}: ${wordsOf(thrown)}`, {
    type: TYPE,
    code: 'ONHOOK_HANDLER_THREW',
    detail: inspected(thrown),
  });
}

/** The words of what was thrown: anything can be, also what cannot be made a text. @internal */
export function wordsOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'the handler threw something that says nothing';
  }
}

/** With the stack, if it has one. */
function inspected(thrown: unknown): string {
  try {
    return inspect(thrown);
  } catch {
    return '';
  }
}
