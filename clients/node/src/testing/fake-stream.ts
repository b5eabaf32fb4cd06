import type { ServerDuplexStream } from '@grpc/grpc-js';

import { GoAway_Reason, type SubscribeResponse } from '../generated/onhook/v1/release_event_service.js';
import type { SubscribeOpen, SubscribeRequest } from '../generated/onhook/v1/release_event_service.js';
import { durationOf } from '../native.js';
import { type FakeFailure, statusOf } from './failures.js';

/** Why a fake gateway sends a stream away. */
export type GoAwayReason = Exclude<keyof typeof GoAway_Reason, 'UNSPECIFIED'>;

/** One Subscribe stream at a fake gateway, for tests that say themselves what the gateway says. */
export class FakeStream {
  /** What the client opened it with. */
  readonly open: SubscribeOpen;
  /** All that the client has said, the opening included. */
  readonly requests: SubscribeRequest[];
  /** Tells connections apart: the client's address and port. */
  readonly peer: string;
  /** The client's `authorization`. */
  readonly authorization: string | undefined;
  readonly #call: ServerDuplexStream<SubscribeRequest, SubscribeResponse>;
  #isHalfClosed = false;
  #hasEnded = false;
  #isSilent = false;

  /** @internal */
  constructor(
    call: ServerDuplexStream<SubscribeRequest, SubscribeResponse>,
    open: SubscribeOpen,
    requests: SubscribeRequest[],
  ) {
    this.#call = call;
    this.open = open;
    this.requests = requests;
    this.peer = call.getPeer();
    const [authorization] = call.metadata.get('authorization');
    this.authorization = authorization?.toString();
  }

  /** The client says nothing more. */
  get isHalfClosed(): boolean {
    return this.#isHalfClosed;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whatever the client says, nothing comes back: as on a connection that is dead. */
  silence(): void {
    this.#isSilent = true;
  }

  send(response: NonNullable<SubscribeResponse['response']>): void {
    if (!this.#hasEnded && !this.#isSilent) this.#call.write({ response });
  }

  /** Announces the stream's end; it goes on until the client half-closes. */
  goAway(reason: GoAwayReason = 'SHUTDOWN', drainDeadlineMs = 10_000): void {
    const drainDeadline = durationOf(drainDeadlineMs);
    this.send({ $case: 'goAway', value: { reason: GoAway_Reason[reason], drainDeadline } });
  }

  /** Ends it: with OK, or with a failure. */
  end(failure?: FakeFailure): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (failure === undefined) this.#call.end();
    else this.#call.emit('error', statusOf(failure));
  }

  /** @internal */
  noteHalfClosed(): void {
    this.#isHalfClosed = true;
  }

  /** @internal */
  noteLost(): void {
    this.#hasEnded = true;
  }
}
