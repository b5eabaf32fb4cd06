// What Node.js takes for 1 ms if it is longer.
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** As `setTimeout`, but what is farther away than that can count comes after 24 days. @internal */
export function startTimer(callback: () => void, delayMs: number): NodeJS.Timeout {
  return setTimeout(callback, Math.min(delayMs, LONGEST_DELAY_MS));
}
