import assert from 'node:assert/strict';
import { type TestContext } from 'node:test';

import {
  Client,
  type ClientOptions,
  type Delivery,
  type Handler,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionState,
} from '@onhook/client';
import { FakeGateway, type FakeGatewayOptions, type FakeStream } from '@onhook/client/testing';

/** Short waits, so that a lost stream is opened again while the test looks. */
export const QUICK = { initialMs: 2, maxMs: 10 };

/** A promise that is settled from outside. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** A handler whose calls wait for the test. */
export class Hands {
  readonly begun: Delivery[] = [];
  readonly #answers: ReturnType<typeof deferred<void>>[] = [];
  #waiting: (() => void)[] = [];

  readonly handler: Handler = async (delivery) => {
    const answer = deferred();
    this.begun.push(delivery);
    this.#answers.push(answer);
    for (const wake of this.#waiting.splice(0)) wake();
    await answer.promise;
  };

  /** The delivery of the nth call, from 0. */
  async call(index: number): Promise<Delivery> {
    for (;;) {
      const delivery = this.begun[index];
      if (delivery !== undefined) return delivery;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  returns(index: number): void {
    this.#answers[index]?.resolve();
  }

  throws(index: number, error: Error): void {
    this.#answers[index]?.reject(error);
  }
}

/** A state hook that remembers, and can be waited for. */
export class States {
  readonly seen: SubscriptionState[] = [];
  #waiting: (() => void)[] = [];

  readonly hook = (state: SubscriptionState): void => {
    this.seen.push(state);
    for (const wake of this.#waiting.splice(0)) wake();
  };

  get names(): string[] {
    return this.seen.map(({ state }) => state);
  }

  async until(check: (states: SubscriptionState[]) => boolean): Promise<void> {
    while (!check(this.seen)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** A fake gateway and a client of it, both ended with the test. */
export class Bench {
  readonly gateway: FakeGateway;
  readonly client: Client;
  readonly states = new States();

  private constructor(gateway: FakeGateway, client: Client) {
    this.gateway = gateway;
    this.client = client;
  }

  static async of(
    t: TestContext,
    options: FakeGatewayOptions = {},
    clientOptions: ClientOptions = {},
  ): Promise<Bench> {
    const gateway = await FakeGateway.start(options);
    const client = new Client({ server: gateway.server, reconnect: QUICK, ...clientOptions });
    t.after(async () => {
      // So that nothing is left to be waited for, whatever the test has done.
      gateway.answerWith('done');
      gateway.refuse(undefined);
      gateway.endStreams();
      await client.close({ graceMs: 0 }).catch(() => undefined);
      await gateway.close();
    });
    return new Bench(gateway, client);
  }

  handle(handler: Handler, options: SubscribeOptions = {}): Subscription {
    return this.client.subscribe('crm', handler, this.#with(options));
  }

  iterate(options: SubscribeOptions = {}) {
    return this.client.subscribe('crm', this.#with(options));
  }

  /** The same, and the first that it gives. */
  first(options: SubscribeOptions = {}): Promise<Delivery> {
    return next(this.iterate(options)[Symbol.asyncIterator]());
  }

  /** The nth Subscribe stream, from 0. */
  async stream(index: number): Promise<FakeStream> {
    await this.gateway.until(() => this.gateway.streams.length > index);
    return this.gateway.streams[index] as unknown as FakeStream;
  }

  /** Whatever the gateway has sent by now has come, when the answer to this has. */
  async caughtUp(): Promise<void> {
    await this.client.getEvent('nothing').catch(() => undefined);
  }

  /** What has been settled, in words. */
  get settled(): string[] {
    return this.gateway.settlements.map(({ action, callSerialNo }) => `${action} ${callSerialNo ?? ''}`);
  }

  #with(options: SubscribeOptions): SubscribeOptions {
    // That handlers throw is what tests want, and is to be no warning.
    return { onState: this.states.hook, onHandlerError: () => undefined, ...options };
  }
}

/** What an iterator gives next, which must be something. */
export async function next<T>(iterator: AsyncIterator<T, undefined>): Promise<T> {
  const result = await iterator.next();
  assert.ok(result.done !== true, 'the iteration is over');
  return result.value;
}

/** The ids of all requests of one kind. */
export function idsOf(stream: FakeStream, kind: 'ack' | 'nack' | 'extend'): string[][] {
  return stream.requests.flatMap(({ request }) =>
    request?.$case === kind ? [(request.value as { deliveryIds: string[] }).deliveryIds] : [],
  );
}
