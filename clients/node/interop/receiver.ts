import type { WriteStream } from 'node:fs';
import { performance } from 'node:perf_hooks';

import type { Delivery, Handler, IterableSubscription, Subscription } from '@onhook/client';

import type { Command } from './commands.js';
import { codeOf, endOf, report, reportDelivery } from './reports.js';

interface Open {
  readonly delivery: Delivery;
  /** Of a handler: ends it. */
  readonly answer: ((command: Command) => void) | undefined;
}

/** Receives the events of one subscription, by a handler or by an iterator. */
export class Receiver {
  readonly #auto: boolean;
  readonly #log: WriteStream | undefined;
  readonly #open = new Map<number, Open>();
  #lines: string[] = [];
  #subscription: Subscription | undefined;
  #last = 0;
  #handled = 0;
  #firstAt = 0;
  #lastAt = 0;

  constructor(auto: boolean, log: WriteStream | undefined) {
    this.#auto = auto;
    this.#log = log;
  }

  async handle(subscribe: (handler: Handler) => Subscription): Promise<void> {
    this.#subscription = subscribe(
      this.#auto
        ? (delivery) => {
            this.#note(delivery);
          }
        : (delivery) =>
            new Promise<void>((resolve, reject) => {
              this.#show(delivery, (command) => {
                answerOf(delivery, command).then(resolve, reject);
              });
            }),
    );
    await this.#end();
  }

  async iterate(subscription: IterableSubscription): Promise<void> {
    this.#subscription = subscription;
    try {
      for await (const delivery of subscription) {
        if (this.#auto) {
          this.#note(delivery);
          void delivery.ack();
        } else {
          this.#show(delivery, undefined);
        }
      }
    } catch {
      // The same is in `closed`.
    }
    await this.#end();
  }

  settle(command: Command): void {
    const number = command.number ?? 0;
    const open = this.#open.get(number);
    if (open === undefined) return;
    this.#open.delete(number);
    if (open.answer !== undefined) {
      open.answer(command);
      return;
    }
    settlementOf(open.delivery, command).then(
      () => {
        report('settled', { number, ok: true });
      },
      (error: unknown) => {
        report('settled', { number, ok: false, code: codeOf(error) });
      },
    );
  }

  extend(command: Command): void {
    const number = command.number ?? 0;
    this.#open
      .get(number)
      ?.delivery.extend(command.deadline_ms ?? 0)
      .then(
        () => {
          report('extended', { number, ok: true });
        },
        (error: unknown) => {
          report('extended', { number, ok: false, code: codeOf(error) });
        },
      );
  }

  pause(): void {
    this.#subscription?.pause();
  }

  resume(): void {
    this.#subscription?.resume();
  }

  stop(graceMs: number | undefined): void {
    // How it ended is told by #end.
    this.#subscription?.stop({ graceMs }).catch(() => undefined);
  }

  count(): void {
    report('count', { handled: this.#handled, elapsed_ms: Math.round(this.#lastAt - this.#firstAt) });
  }

  #note(delivery: Delivery): void {
    this.#handled += 1;
    this.#lastAt = performance.now();
    if (this.#handled === 1) this.#firstAt = this.#lastAt;
    if (this.#log === undefined) return;
    if (this.#lines.length === 0) {
      setImmediate(() => {
        this.#log?.write(this.#lines.join(''));
        this.#lines = [];
      });
    }
    this.#lines.push(`${delivery.event.eventId} ${String(delivery.attempt)}\n`);
  }

  #show(delivery: Delivery, answer: ((command: Command) => void) | undefined): void {
    this.#handled += 1;
    this.#last += 1;
    this.#open.set(this.#last, { delivery, answer });
    reportDelivery(this.#last, delivery);
  }

  async #end(): Promise<void> {
    let end: Record<string, unknown> = { ok: true };
    try {
      await this.#subscription?.closed;
    } catch (error) {
      end = endOf(error);
    }
    if (this.#log !== undefined) {
      const log = this.#log;
      log.write(this.#lines.splice(0).join(''));
      await new Promise<void>((resolve) => log.end(resolve));
    }
    report('ended', end);
  }
}

function settlementOf(delivery: Delivery, { how, delay_ms: delayMs, reason }: Command): Promise<void> {
  switch (how) {
    case 'ack':
      return delivery.ack();
    case 'park':
      return delivery.park(reason);
    case 'skip':
      return delivery.skip(reason);
    case 'release':
      return delivery.release(reason);
    default:
      return delivery.retry({ delayMs, reason });
  }
}

/** What a handler does: returns, throws, or settles by itself. */
async function answerOf(delivery: Delivery, command: Command): Promise<void> {
  if (command.how === 'ack') return;
  if (command.how === 'fail') throw new Error(command.reason);
  void settlementOf(delivery, command);
  await Promise.resolve();
}
