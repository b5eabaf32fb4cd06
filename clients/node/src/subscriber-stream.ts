import { performance } from 'node:perf_hooks';

import { type ClientDuplexStream, status as grpcStatus, type StatusObject } from '@grpc/grpc-js';

import type { Connection, GatewayConnections } from './connection.js';
import type { OnhookError } from './errors.js';
import { fromGrpc, localError, StaleDeliveryError, UnconfirmedError } from './errors.js';
import { UnknownDeliveryError } from './errors.js';
import type {
  AckResults,
  GoAway,
  SubscribeOpen,
  SubscribeOpened,
} from './generated/onhook/v1/release_event_service.js';
import {
  AckResults_Result,
  ReleaseEventServiceService,
  type SubscribeRequest,
} from './generated/onhook/v1/release_event_service.js';
import type { HeldEvent } from './held-event.js';
import { durationOf, millisecondsOf } from './native.js';
import { decodeResponse } from './received-delivery.js';
import type { ReceivedDelivery, ReceivedResponse } from './received-delivery.js';
import type { Confirmation, PendingSettlement } from './settlement.js';
import { sameWords, shortened } from './settlement.js';
import { SilenceWatch } from './silence.js';
import { startTimer } from './timers.js';

// The proto allows 10,000.
const MAX_IDS_IN_REQUEST = 1000;
// How long to leave a gateway alone that could not store something.
const RETRY_LATER_PAUSE_MS = 200;
// Whatever is due so soon is extended along: deliveries that came together make one request.
const GATHERING_MS = 100;

/** What a stream tells whoever opened it. @internal */
export interface StreamListener {
  onOpened(stream: SubscriberStream, opened: SubscribeOpened): void;
  /** For each delivery one of `hold` and `release` is to be called. */
  onDeliveries(stream: SubscriberStream, deliveries: ReceivedDelivery[]): void;
  onGoAway(stream: SubscriberStream, goAway: GoAway): void;
  /** A settlement was answered, or nothing is held any more. */
  onProgress(stream: SubscriberStream): void;
  /** Once, last of all; undefined is OK. */
  onEnded(stream: SubscriberStream, error: OnhookError | undefined): void;
}

interface PendingExtension {
  readonly held: readonly HeldEvent[];
  /** Of one that the application asked for. */
  readonly explicit: { readonly deadlineMs: number; readonly confirmation: Confirmation } | undefined;
}

/**
 * One Subscribe stream, from its opening to its end; never reconnects.
 *
 * Why apart from the subscription: after go_away two streams live side by side, and each must
 * answer for what it handed out. A settlement that was taken is answered through its confirmation,
 * or is among those that {@link takeUnconfirmed} returns. One request of acknowledgements is
 * unanswered at a time unless a full batch has gathered.
 * @internal
 */
export class SubscriberStream {
  /** It brought an event or an answer. */
  isProductive = false;

  readonly #connections: GatewayConnections;
  readonly #listener: StreamListener;
  readonly #maxExtensionMs: number;
  readonly #silence = new SilenceWatch((silentMs) => {
    this.#giveUpConnection(silentMs);
  });
  #connection: Connection | undefined;
  #call: ClientDuplexStream<SubscribeRequest, ReceivedResponse> | undefined;

  readonly #held = new Set<HeldEvent>();
  #acks: PendingSettlement[] = [];
  #others: PendingSettlement[] = [];
  // Told RETRY_LATER; sent again after a pause.
  readonly #delayed = new Set<PendingSettlement>();
  readonly #unanswered = new Map<bigint, PendingSettlement[]>();
  #ackRequestsUnanswered = 0;
  readonly #extensions = new Map<bigint, PendingExtension>();
  #lastRequestId = 0n;

  #leaseTimer: NodeJS.Timeout | undefined;
  #leaseDueAt = Infinity;
  readonly #timers = new Set<NodeJS.Timeout>();
  #flushScheduled = false;
  #pauseWanted: boolean;
  #pauseSent = false;
  #closeWhenIdle = false;
  #halfClosed = false;
  #ended = false;

  constructor(
    connections: GatewayConnections,
    listener: StreamListener,
    { maxExtensionMs, paused }: { maxExtensionMs: number; paused: boolean },
  ) {
    this.#connections = connections;
    this.#listener = listener;
    this.#maxExtensionMs = maxExtensionMs;
    this.#pauseWanted = paused;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Acknowledgements that are not confirmed yet. */
  get hasUnconfirmedAcks(): boolean {
    const isAck = (pending: PendingSettlement) => pending.words.action === 'ack';
    return this.#acks.length > 0 || this.#ackRequestsUnanswered > 0 || [...this.#delayed].some(isAck);
  }

  /** Nothing that it handed out, or was told, is open. */
  get isIdle(): boolean {
    return (
      this.#held.size === 0 &&
      this.#acks.length === 0 &&
      this.#others.length === 0 &&
      this.#delayed.size === 0 &&
      this.#unanswered.size === 0
    );
  }

  /** To be called once. */
  start(open: SubscribeOpen): void {
    try {
      const metadata = this.#connections.metadata();
      this.#connection = this.#connections.acquire();
      const { path, requestSerialize } = ReleaseEventServiceService.subscribe;
      const call = this.#connection.grpc.makeBidiStreamRequest(
        path,
        requestSerialize,
        decodeResponse,
        metadata,
      );
      this.#call = call;
      call.on('data', (response: ReceivedResponse) => {
        this.#handle(response);
      });
      call.on('error', () => undefined); // the status says the same
      call.on('status', (status: StatusObject) => {
        // What was read before is handed over first.
        setImmediate(() => {
          this.#end(status.code === grpcStatus.OK ? undefined : fromGrpc(Object.assign(new Error(), status)));
        });
      });
      call.write({ request: { $case: 'open', value: open } });
      this.#silence.start();
      this.#schedule();
    } catch (error) {
      setImmediate(() => {
        this.#end(fromGrpc(error));
      });
    }
  }

  /** The delivery is with the listener from now on, and is extended. */
  hold(held: HeldEvent, now: number): void {
    this.#held.add(held);
    held.startLease(now, this.#maxExtensionMs);
    this.#armLeaseTimer(held.dueAt);
  }

  /** Says that a delivery will not be settled. */
  discard(held: HeldEvent): void {
    this.#held.delete(held);
    if (this.#closeWhenIdle) this.#schedule();
  }

  /** Says that no delivery will be settled any more. */
  discardAll(why: OnhookError): void {
    this.#held.clear();
    for (const { confirmation } of [...this.#acks, ...this.#others, ...this.#delayed]) {
      confirmation?.reject(why);
    }
    this.#acks = [];
    this.#others = [];
    this.#delayed.clear();
    if (this.#closeWhenIdle) this.#schedule();
  }

  /** Hands a settlement over to be sent. False: nothing was taken. */
  settle(pending: PendingSettlement, held?: HeldEvent): boolean {
    if (held !== undefined) this.#held.delete(held);
    if (this.#ended || this.#halfClosed) return false;
    (pending.words.action === 'ack' ? this.#acks : this.#others).push(pending);
    this.#schedule();
    return true;
  }

  /** Asks for more time. False: the stream has ended. */
  extend(held: HeldEvent, deadlineMs: number, confirmation: Confirmation): boolean {
    if (this.#ended || this.#halfClosed) return false;
    held.noteExplicit(performance.now(), deadlineMs);
    this.#armLeaseTimer(held.dueAt);
    this.#sendExtension(deadlineMs, { held: [held], explicit: { deadlineMs, confirmation } });
    return true;
  }

  /** Is sent before anything that is settled afterwards: what is given back then goes to others. */
  setPaused(paused: boolean): void {
    this.#pauseWanted = paused;
    this.#schedule();
  }

  /** Half-closes once everything is settled and answered; what still comes then is not taken. */
  closeWhenIdle(): void {
    this.#closeWhenIdle = true;
    this.#schedule();
  }

  /** The same, and when this time is over what is still held is not waited for any more. */
  closeWithin(delayMs: number): void {
    this.#later(delayMs, () => {
      this.#held.clear();
      this.closeWhenIdle();
    });
  }

  /** Ends it at once, whatever is under way. */
  cancel(error: OnhookError): void {
    if (this.#ended) return;
    this.#call?.cancel();
    this.#end(error);
  }

  /** What was taken and never answered. To be called after its end. */
  takeUnconfirmed(): PendingSettlement[] {
    const all = [...this.#unanswered.values()].flat();
    all.push(...this.#delayed, ...this.#acks, ...this.#others);
    this.#unanswered.clear();
    this.#ackRequestsUnanswered = 0;
    this.#delayed.clear();
    this.#acks = [];
    this.#others = [];
    return all;
  }

  #end(error: OnhookError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#silence.stop();
    clearTimeout(this.#leaseTimer);
    for (const timer of this.#timers) clearTimeout(timer);
    const lost = new UnconfirmedError('the stream was lost before it was answered');
    for (const { explicit } of this.#extensions.values()) explicit?.confirmation.reject(lost);
    this.#extensions.clear();
    this.#held.clear();
    this.#listener.onEnded(this, error && this.#connections.explain(error));
  }

  #giveUpConnection(silentMs: number): void {
    // Another stream on a connection that is dead would be dead too.
    if (this.#connection !== undefined) this.#connections.giveUp(this.#connection);
    const words = `nothing was heard of the gateway for ${(silentMs / 1000).toFixed(1)} s`;
    this.cancel(localError('UNAVAILABLE', 'SILENT', words));
  }

  #later(delayMs: number, action: () => void): void {
    const timer = startTimer(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
  }

  // Whatever is said in one turn of the event loop is sent together at its end.
  #schedule(): void {
    if (this.#flushScheduled || this.#ended) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const call = this.#call;
    if (call === undefined || this.#ended || this.#halfClosed) return;
    if (this.#pauseWanted !== this.#pauseSent) {
      this.#pauseSent = this.#pauseWanted;
      call.write({ request: { $case: 'flow', value: { paused: this.#pauseWanted } } });
    }
    while (
      this.#acks.length >= MAX_IDS_IN_REQUEST ||
      (this.#acks.length > 0 && this.#ackRequestsUnanswered === 0)
    ) {
      this.#sendAcks(call);
    }
    while (this.#others.length > 0) this.#sendNacks(call);
    if (this.#closeWhenIdle && this.isIdle) {
      this.#halfClosed = true;
      call.end();
    }
  }

  #sendAcks(call: ClientDuplexStream<SubscribeRequest, ReceivedResponse>): void {
    const all = this.#acks;
    const sent = all.length > MAX_IDS_IN_REQUEST ? all.splice(0, MAX_IDS_IN_REQUEST) : all;
    if (sent === all) this.#acks = [];
    const requestId = ++this.#lastRequestId;
    this.#unanswered.set(requestId, sent);
    this.#ackRequestsUnanswered += 1;
    const deliveryIds = sent.map((pending) => pending.deliveryId);
    call.write({ request: { $case: 'ack', value: { requestId, deliveryIds } } });
  }

  #sendNacks(call: ClientDuplexStream<SubscribeRequest, ReceivedResponse>): void {
    const [first] = this.#others;
    if (first === undefined || first.words.action === 'ack') return;
    const { action, reason, delayMs } = first.words;
    // As many as say the same: all that is given back at a stop, above all.
    const end = this.#others.findIndex((other) => !sameWords(other.words, first.words));
    const count = Math.min(end < 0 ? this.#others.length : end, MAX_IDS_IN_REQUEST);
    const sent = this.#others.splice(0, count);
    const requestId = ++this.#lastRequestId;
    this.#unanswered.set(requestId, sent);
    const value = {
      requestId,
      deliveryIds: sent.map((pending) => pending.deliveryId),
      action,
      delay: delayMs === undefined ? undefined : durationOf(delayMs),
      reason: shortened(reason),
    };
    call.write({ request: { $case: 'nack', value } });
  }

  #sendExtension(deadlineMs: number, extension: PendingExtension): void {
    const requestId = ++this.#lastRequestId;
    this.#extensions.set(requestId, extension);
    const deliveryIds = extension.held.map((held) => held.deliveryId);
    const value = { requestId, deliveryIds, ackDeadline: durationOf(deadlineMs) };
    this.#call?.write({ request: { $case: 'extend', value } });
  }

  #armLeaseTimer(dueAt: number): void {
    if (dueAt >= this.#leaseDueAt || this.#ended) return;
    clearTimeout(this.#leaseTimer);
    this.#leaseDueAt = dueAt;
    const delayMs = Math.max(dueAt - performance.now(), 0);
    this.#leaseTimer = startTimer(() => {
      this.#extendDue();
    }, delayMs);
  }

  #extendDue(): void {
    if (this.#halfClosed) return;
    const now = performance.now();
    const due = new Map<number, HeldEvent[]>();
    let next = Infinity;
    for (const held of this.#held) {
      if (held.dueAt <= now + GATHERING_MS) {
        const together = due.get(held.leaseMs);
        if (together === undefined) due.set(held.leaseMs, [held]);
        else together.push(held);
        held.noteExtended(now);
      }
      next = Math.min(next, held.dueAt);
    }
    for (const [leaseMs, held] of due) {
      for (let from = 0; from < held.length; from += MAX_IDS_IN_REQUEST) {
        const some = held.slice(from, from + MAX_IDS_IN_REQUEST);
        this.#sendExtension(leaseMs, { held: some, explicit: undefined });
      }
    }
    this.#leaseDueAt = Infinity;
    this.#armLeaseTimer(next);
  }

  #handle(received: ReceivedResponse): void {
    if (this.#ended) return;
    this.#silence.heard();
    if (Array.isArray(received)) {
      this.#take(received);
      return;
    }
    const { response } = received;
    switch (response?.$case) {
      case 'opened':
        this.#connection?.noteAnswer();
        this.#silence.setInterval(millisecondsOf(response.value.heartbeatInterval));
        this.#listener.onOpened(this, response.value);
        break;
      case 'ackResults':
        this.isProductive = true;
        this.#handleResults(response.value);
        break;
      case 'heartbeat':
        this.#silence.setInterval(millisecondsOf(response.value.interval));
        break;
      case 'goAway':
        this.#listener.onGoAway(this, response.value);
        break;
      case 'deliveries': // read by themselves
      case undefined: // of a newer version
    }
  }

  #take(deliveries: ReceivedDelivery[]): void {
    if (deliveries.length === 0 || this.#halfClosed) return;
    this.isProductive = true;
    this.#listener.onDeliveries(this, deliveries);
  }

  #handleResults(results: AckResults): void {
    const pending = this.#unanswered.get(results.requestId);
    if (pending === undefined) {
      this.#handleExtended(results);
      return;
    }
    this.#unanswered.delete(results.requestId);
    if (pending[0]?.words.action === 'ack') this.#ackRequestsUnanswered -= 1;
    if (results.exceptions.length === 0) {
      for (const { confirmation } of pending) confirmation?.resolve();
    } else {
      this.#answerExceptions(pending, exceptionsOf(results));
    }
    this.#schedule();
    this.#listener.onProgress(this);
  }

  #answerExceptions(pending: PendingSettlement[], exceptions: Map<string, AckResults_Result>): void {
    const again: PendingSettlement[] = [];
    for (const one of pending) {
      const result = exceptions.get(one.deliveryId);
      if (result === undefined) one.confirmation?.resolve();
      else if (result === AckResults_Result.RETRY_LATER) again.push(one);
      else one.confirmation?.reject(errorOfResult(result));
    }
    if (again.length === 0) return;
    for (const one of again) this.#delayed.add(one);
    this.#later(RETRY_LATER_PAUSE_MS, () => {
      for (const one of again) if (this.#delayed.delete(one)) this.settle(one);
    });
  }

  #handleExtended(results: AckResults): void {
    const extension = this.#extensions.get(results.requestId);
    if (extension === undefined) return;
    this.#extensions.delete(results.requestId);
    const { held: asked, explicit } = extension;
    const exceptions = exceptionsOf(results);
    for (const held of exceptions.size === 0 ? [] : asked) {
      const result = exceptions.get(held.deliveryId);
      if (result === undefined || held.phase === 'settled') continue;
      if (result === AckResults_Result.RETRY_LATER) {
        const again = performance.now() + RETRY_LATER_PAUSE_MS;
        held.postpone(again);
        this.#armLeaseTimer(held.dueAt);
      } else {
        held.endLease(); // it is with somebody else by now, or settled
        held.onLost?.(errorOfResult(result));
      }
    }
    if (explicit === undefined) return;
    const [result] = exceptions.values();
    if (result === undefined) explicit.confirmation.resolve();
    else if (result !== AckResults_Result.RETRY_LATER) explicit.confirmation.reject(errorOfResult(result));
    else {
      // Kept among the extensions meanwhile, so that the stream's end answers it.
      this.#extensions.set(-results.requestId, extension);
      this.#later(RETRY_LATER_PAUSE_MS, () => {
        this.#extensions.delete(-results.requestId);
        this.#sendExtension(explicit.deadlineMs, extension);
      });
    }
  }
}

function exceptionsOf(results: AckResults): Map<string, AckResults_Result> {
  return new Map(results.exceptions.map(({ deliveryId, result }) => [deliveryId, result]));
}

function errorOfResult(result: AckResults_Result): OnhookError {
  if (result === AckResults_Result.STALE) return new StaleDeliveryError();
  if (result === AckResults_Result.UNKNOWN) return new UnknownDeliveryError();
  return localError('UNKNOWN', 'RESULT', `the gateway answered with result ${String(result)}`);
}
