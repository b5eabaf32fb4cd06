import { performance } from 'node:perf_hooks';

import { ReconnectBackoff } from './backoff.js';
import type { GatewayConnections } from './connection.js';
import { durabilityClassOf } from './enums.js';
import { AlreadySettledError, localError, UnconfirmedError } from './errors.js';
import type { OnhookError } from './errors.js';
import {
  Delivery_RedeliveryReason,
  GoAway_Reason,
  NackRequest_Action,
  SubscribeOpen,
} from './generated/onhook/v1/release_event_service.js';
import type {
  GoAway,
  SubscribeOpened,
} from './generated/onhook/v1/release_event_service.js';
import { type HeldEvent, keyOf } from './held-event.js';
import { HeldEvents } from './held-events.js';
import { durationOf, millisecondsOf } from './native.js';
import type { SubscribeOptions } from './options.js';
import type { ReceivedDelivery } from './received-delivery.js';
import type { Confirmation, PendingSettlement, Words } from './settlement.js';
import { ACK, words } from './settlement.js';
import { StateTeller, type StreamTerms } from './state.js';
import { StreamEnds } from './stream-ends.js';
import { type StreamListener, SubscriberStream } from './subscriber-stream.js';
import { specOf } from './subscription-spec.js';
import { startTimer } from './timers.js';

const STOPS = words(NackRequest_Action.RELEASE, 'the consumer stops');
const GRACE_OVER = words(NackRequest_Action.RELEASE, 'the consumer stops and its handler did not end');

/** Whoever takes events out of an engine. @internal */
export interface EngineConsumer {
  /** Something waits. */
  onWaiting(): void;
  /** Nothing further comes; what is being handled goes on. `error` is what ends it, if not a stop. */
  onStopping(error: OnhookError | undefined): void;
  /** It is over; undefined: it was stopped, and everything is confirmed. */
  onStopped(error: OnhookError | undefined): void;
}

interface StreamRecord {
  readonly stream: SubscriberStream;
  openedAt: number | undefined;
  goingAway: boolean;
}

/**
 * Keeps a stream of one subscription open, and carries what becomes of events to the gateway.
 *
 * Why apart from the public classes: they differ in who takes the events, by a handler or by an
 * iterator; all promises of staying connected, settling and stopping are the same.
 * @internal
 */
export class SubscriptionEngine implements StreamListener {
  readonly held = new HeldEvents();
  readonly teller: StateTeller;
  readonly #connections: GatewayConnections;
  readonly #consumer: EngineConsumer;
  readonly #options: SubscribeOptions;
  readonly #open: SubscribeOpen;
  readonly #backoff: ReconnectBackoff;
  readonly #ends: StreamEnds;

  readonly #streams = new Map<SubscriberStream, StreamRecord>();
  // The stream that was begun last and is to be replaced when it ends.
  #newest: StreamRecord | undefined;
  // The stream that opened last, while it lives.
  #current: SubscriberStream | undefined;
  // Planned ends in a row of streams that brought nothing.
  #fruitless = 0;
  #reopenTimer: NodeJS.Timeout | undefined;
  // Acknowledgements that their stream could not confirm, and the events of those that have been
  // placed on another and are not confirmed there yet.
  #orphans: PendingSettlement[] = [];
  readonly #orphanKeys = new Set<string>();

  #paused = false;
  #phase: 'running' | 'stopping' | 'draining' | 'finishing' | 'stopped' = 'running';
  #failure: OnhookError | undefined;
  #stopTimer: NodeJS.Timeout | undefined;

  constructor(
    connections: GatewayConnections,
    name: string,
    options: SubscribeOptions,
    consumer: EngineConsumer,
  ) {
    this.#connections = connections;
    this.#consumer = consumer;
    this.#options = options;
    this.#open = openOf(name, options);
    this.#backoff = new ReconnectBackoff(connections.reconnect);
    const patience = connections.reconnect.unauthenticatedPatienceMs;
    this.#ends = new StreamEnds(connections.showsIdentity ? patience : 0);
    const { server } = connections;
    this.teller = new StateTeller(options.onState, { who: `the subscription '${name}'`, server });
  }

  get isStopping(): boolean {
    return this.#phase !== 'running';
  }

  start(): void {
    this.#openStream();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
    if (this.isStopping) return;
    for (const stream of this.#streams.keys()) stream.setPaused(paused);
  }

  /** Takes the event that waits longest. */
  begin(): HeldEvent | undefined {
    return this.isStopping ? undefined : this.held.begin();
  }

  /** Settles an event that was begun; `confirmation` is told what the gateway says. */
  settle(held: HeldEvent, what: Words, confirmation?: Confirmation): void {
    if (held.phase === 'settled') {
      const words = 'the event was given back: the subscription stopped, and its grace was over';
      confirmation?.reject(new AlreadySettledError(words));
      return;
    }
    this.held.settle(held);
    const { deliveryId, key } = held;
    this.#settleAt(held.stream, { deliveryId, key, words: what, confirmation }, held);
    if (this.isStopping) this.#advanceStop();
  }

  extend(held: HeldEvent, deadlineMs: number, confirmation: Confirmation): void {
    if (held.phase === 'settled') confirmation.reject(new AlreadySettledError());
    else if (!held.stream.extend(held, deadlineMs, confirmation)) {
      confirmation.reject(new UnconfirmedError('the stream that brought the event was lost'));
    }
  }

  /** Begins to stop; the consumer is told when it is over. */
  stop(graceMs: number): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'stopping';
    this.#consumer.onStopping(this.#failure);
    for (const stream of this.#streams.keys()) stream.setPaused(true);
    for (const held of this.held.takeWaiting()) this.#release(held, STOPS);
    this.#stopTimer = startTimer(() => {
      const over = new UnconfirmedError('the subscription stopped, and its grace is over');
      for (const held of this.held.handling()) {
        this.held.settle(held);
        this.#release(held, GRACE_OVER);
        held.onLost?.(over);
      }
      this.#advanceStop();
    }, graceMs);
    this.#advanceStop();
  }

  onOpened(stream: SubscriberStream, opened: SubscribeOpened): void {
    const record = this.#streams.get(stream);
    if (record === undefined) return;
    record.openedAt = performance.now();
    this.#current = stream;
    this.#ends.noteOpened();
    for (const other of this.#streams.values()) if (other.goingAway) other.stream.closeWhenIdle();
    this.teller.tell({ state: 'streaming', terms: termsOf(opened) });
    this.#placeOrphans();
    if (this.isStopping) this.#advanceStop();
  }

  onDeliveries(stream: SubscriberStream, deliveries: ReceivedDelivery[]): void {
    const now = performance.now();
    for (const received of deliveries) {
      const known = this.held.find(received);
      if (known !== undefined) {
        // The newest delivery is the one that is extended, and that an answer settles.
        known.stream.discard(known);
        known.received = received;
        known.stream = stream;
        stream.hold(known, now);
      } else if (this.#isAcknowledged(received)) {
        this.#answerAtOnce(stream, received, ACK);
      } else if (this.isStopping) {
        this.#answerAtOnce(stream, received, STOPS);
      } else {
        stream.hold(this.held.add(received, stream), now);
      }
    }
    if (this.held.hasWaiting) this.#consumer.onWaiting();
  }

  onGoAway(stream: SubscriberStream, goAway: GoAway): void {
    const record = this.#streams.get(stream);
    if (record === undefined || record.goingAway) return;
    record.goingAway = true;
    if (goAway.reason === GoAway_Reason.SUBSCRIPTION_DELETED) {
      const deleted = localError('NOT_FOUND', 'SUBSCRIPTION_DELETED', 'the subscription was deleted');
      this.#loseAll(deleted);
      this.#fail(deleted);
      return;
    }
    // Of age alone, the gateway goes on delivering until the replacement is open; of anything else,
    // nothing more comes.
    if (goAway.reason !== GoAway_Reason.MAX_AGE) stream.closeWhenIdle();
    const drainMs = millisecondsOf(goAway.drainDeadline);
    if (drainMs !== undefined) stream.closeWithin(drainMs);
    if (this.#newest !== record) return;
    this.#newest = undefined;
    // A second stream that goes away overtakes the first: no more than two at a time.
    for (const other of this.#streams.values()) {
      if (other !== record) other.stream.cancel(lostStream('it was overtaken by another that goes away'));
    }
    if (!this.isStopping || this.#needsStream()) this.#reopenAfterPlannedEnd(record);
    else this.#advanceStop();
  }

  onProgress(): void {
    if (this.isStopping) this.#advanceStop();
  }

  onEnded(stream: SubscriberStream, error: OnhookError | undefined): void {
    const record = this.#streams.get(stream);
    this.#streams.delete(stream);
    if (this.#current === stream) this.#current = undefined;
    // What waited comes again on another stream; what is being handled stays.
    this.held.takeWaiting(stream);
    for (const pending of stream.takeUnconfirmed()) this.#orphan(pending);
    this.#placeOrphans();
    if (record !== undefined && this.#newest === record) {
      this.#newest = undefined;
      this.#afterEnd(record, error ?? lostStream('the gateway ended the stream'));
    }
    if (this.isStopping) this.#advanceStop();
  }

  #afterEnd(record: StreamRecord, error: OnhookError): void {
    if (this.#ends.isFinal(error, performance.now())) {
      this.#fail(error);
      return;
    }
    if (this.isStopping && !this.#needsStream()) return;
    const delayMs = this.#backoff.after(this.#wasHealthy(record));
    this.teller.tell({ state: 'backing_off', cause: error, delayMs });
    this.#reopenIn(delayMs);
  }

  #wasHealthy({ stream, openedAt }: StreamRecord): boolean {
    const lived = openedAt === undefined ? 0 : performance.now() - openedAt;
    return stream.isProductive || lived > this.#connections.reconnect.maxMs;
  }

  #reopenAfterPlannedEnd(record: StreamRecord): void {
    const wasHealthy = this.#wasHealthy(record);
    this.#fruitless = wasHealthy ? 0 : this.#fruitless + 1;
    if (wasHealthy) this.#backoff.reset();
    // A gateway that sends everybody away at once is not to be run against without a pause.
    if (this.#fruitless <= 1) this.#openStream();
    else this.#reopenIn(this.#backoff.after(false));
  }

  #reopenIn(delayMs: number): void {
    clearTimeout(this.#reopenTimer);
    this.#reopenTimer = startTimer(() => {
      this.#reopenTimer = undefined;
      if (this.#phase !== 'stopped' && (!this.isStopping || this.#needsStream())) this.#openStream();
    }, delayMs);
  }

  #openStream(): void {
    const { maxExtensionMs = 3_600_000 } = this.#options;
    const paused = this.#paused || this.isStopping;
    const stream = new SubscriberStream(this.#connections, this, { maxExtensionMs, paused });
    const record: StreamRecord = { stream, openedAt: undefined, goingAway: false };
    this.#streams.set(stream, record);
    this.#newest = record;
    this.teller.tell({ state: 'connecting' });
    stream.start(this.#open);
  }

  #settleAt(stream: SubscriberStream, pending: PendingSettlement, held: HeldEvent): void {
    if (!stream.settle(pending, held)) {
      this.#orphan(pending);
      this.#placeOrphans();
    }
  }

  #release(held: HeldEvent, what: Words): void {
    const { deliveryId, key } = held;
    held.stream.settle({ deliveryId, key, words: what, confirmation: undefined }, held);
  }

  #answerAtOnce(stream: SubscriberStream, received: ReceivedDelivery, what: Words): void {
    const { deliveryId } = received;
    stream.settle({ deliveryId, key: keyOf(received), words: what, confirmation: undefined });
  }

  /** It comes again only because its stream was lost before the acknowledgement was confirmed. */
  #isAcknowledged(received: ReceivedDelivery): boolean {
    return (
      this.#orphanKeys.size > 0 &&
      received.redeliveryReason === Delivery_RedeliveryReason.STREAM_LOST &&
      this.#orphanKeys.has(keyOf(received))
    );
  }

  // The end of a stream has given back what was not to be acknowledged.
  #orphan(pending: PendingSettlement): void {
    // The acknowledgement that is kept already settles the event by whichever attempt.
    if (pending.confirmation === undefined && this.#orphanKeys.has(pending.key)) return;
    if (pending.words.action === 'ack' && this.#phase !== 'stopped' && this.#failure === undefined) {
      this.#orphans.push(this.#remembered(pending));
      return;
    }
    const lost = 'the stream that brought the event was lost; unless it was acknowledged, it comes again';
    pending.confirmation?.reject(this.#failure ?? new UnconfirmedError(lost));
  }

  #remembered(pending: PendingSettlement): PendingSettlement {
    const { key, confirmation } = pending;
    if (this.#orphanKeys.has(key)) return pending;
    this.#orphanKeys.add(key);
    return {
      ...pending,
      confirmation: {
        resolve: () => {
          this.#orphanKeys.delete(key);
          confirmation?.resolve();
        },
        reject: (error) => {
          this.#orphanKeys.delete(key);
          confirmation?.reject(error);
        },
      },
    };
  }

  #placeOrphans(): void {
    const stream = this.#current;
    if (stream === undefined || this.#orphans.length === 0) return;
    this.#orphans = this.#orphans.filter((pending) => !stream.settle(pending));
  }

  /** Whether a stop has something to say for which a stream must be opened. */
  #needsStream(): boolean {
    return this.#orphans.length > 0 || this.held.handlingCount > 0;
  }

  /** Nothing can be settled any more. */
  #loseAll(why: OnhookError): void {
    this.held.takeWaiting();
    for (const held of this.held.handling()) {
      this.held.settle(held);
      held.onLost?.(why);
    }
    for (const { stream } of this.#streams.values()) {
      stream.discardAll(why);
      stream.closeWhenIdle();
    }
  }

  #fail(error: OnhookError): void {
    this.#failure ??= error;
    clearTimeout(this.#reopenTimer);
    for (const pending of this.#orphans.splice(0)) pending.confirmation?.reject(error);
    for (const held of this.held.handling()) {
      // Where its stream is lost, nothing can be said of it any more.
      if (!held.stream.hasEnded) continue;
      this.held.settle(held);
      held.onLost?.(error);
    }
    if (this.#phase === 'running') this.stop(this.#options.graceMs ?? 30_000);
    else this.#advanceStop();
  }

  /** Goes on with a stop as far as that is possible by now. */
  #advanceStop(): void {
    if (this.#phase === 'stopping' && this.held.handlingCount === 0) {
      this.#phase = 'draining';
      clearTimeout(this.#stopTimer);
      this.#stopTimer = startTimer(() => {
        this.#finish();
      }, this.#options.confirmationTimeoutMs ?? 10_000);
    }
    if (this.#phase !== 'draining') return;
    if (this.#orphans.length === 0) {
      for (const { stream, openedAt } of [...this.#streams.values()]) {
        if (openedAt !== undefined) stream.closeWhenIdle();
        else stream.cancel(lostStream('it is not needed any more'));
      }
    } else if (this.#newest === undefined && this.#reopenTimer === undefined) {
      this.#openStream();
    }
    if (this.#streams.size === 0 && this.#orphans.length === 0) this.#finish();
  }

  #finish(): void {
    if (this.#phase === 'finishing' || this.#phase === 'stopped') return;
    this.#phase = 'finishing';
    this.#newest = undefined;
    clearTimeout(this.#stopTimer);
    clearTimeout(this.#reopenTimer);
    for (const stream of [...this.#streams.keys()]) {
      stream.cancel(lostStream('the subscription stopped'));
    }
    this.#phase = 'stopped';
    const unconfirmed = this.#orphans.splice(0);
    const count = unconfirmed.length;
    const error = this.#failure ?? (count > 0 ? unconfirmedAcks(count) : undefined);
    for (const { confirmation } of unconfirmed) {
      confirmation?.reject(new UnconfirmedError('the subscription stopped before it was confirmed'));
    }
    this.teller.tell(error === undefined ? { state: 'stopped' } : { state: 'stopped', error });
    this.#consumer.onStopped(error);
  }
}

function unconfirmedAcks(count: number): OnhookError {
  return new UnconfirmedError(
    `${String(count)} acknowledgement(s) not confirmed; their events may come again`,
  );
}

function lostStream(words: string): OnhookError {
  return localError('UNAVAILABLE', 'STREAM_LOST', words);
}

function termsOf(opened: SubscribeOpened): StreamTerms {
  return {
    maxOutstandingEvents: opened.maxOutstandingEvents,
    maxOutstandingBytes: Number(opened.maxOutstandingBytes),
    ackDeadlineMs: millisecondsOf(opened.ackDeadline),
    storeId: opened.storeId,
    backlogEvents: Number(opened.backlogEvents),
    durabilityClass: durabilityClassOf(opened.durabilityClass),
    serverVersion: opened.serverVersion,
  };
}

function openOf(name: string, options: SubscribeOptions): SubscribeOpen {
  const open = SubscribeOpen.create({
    subscription: name,
    consumerName: options.consumerName ?? '',
    maxOutstandingEvents: options.maxOutstandingEvents,
  });
  const { createIfMissing, maxOutstandingBytes, ackDeadlineMs } = options;
  if (maxOutstandingBytes !== undefined) open.maxOutstandingBytes = BigInt(maxOutstandingBytes);
  if (ackDeadlineMs !== undefined) open.ackDeadline = durationOf(ackDeadlineMs);
  if (createIfMissing === true) open.createIfMissing = specOf({});
  else if (createIfMissing !== undefined && createIfMissing !== false) {
    open.createIfMissing = specOf(createIfMissing);
  }
  return open;
}
