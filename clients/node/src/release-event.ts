import { inspect } from 'node:util';

import type { Authentication, ReleaseReason } from './enums.js';
import { authenticationOf, releaseReasonOf } from './enums.js';
import type { ReleaseEvent as ReleaseEventMessage } from './generated/onhook/v1/release_event.js';
import { ReleaseEvent as ReleaseEventCodec } from './generated/onhook/v1/release_event.js';
import { dateOf, microsOf, millisecondsOf } from './native.js';

/** Whatever has a release event, perhaps not decoded yet. */
export interface EventSource {
  readonly event: ReleaseEventMessage;
  readonly eventId: string;
}

/**
 * The hang-up of one call, in JavaScript's own types: a view of the protobuf {@link message}, which
 * is read only as far as it is asked.
 *
 * What the vendor did not send, or sent as null, is undefined; an empty text is `''`. A field that
 * this library does not know yet survives in {@link message} and {@link serialize}.
 */
export class ReleaseEvent {
  readonly #source: EventSource;

  /** `source` is the protobuf message, or what has it when it is asked. */
  constructor(source: ReleaseEventMessage | EventSource) {
    this.#source = 'event' in source ? source : { event: source, eventId: source.eventId };
  }

  /** The protobuf message. */
  get message(): ReleaseEventMessage {
    return this.#source.event;
  }

  /** Identifies the event by its content, over redelivery and several gateways: the key for doing things once. */
  get eventId(): string {
    return this.#source.eventId;
  }

  /** Name of the configured source that the callback came in by. */
  get source(): string {
    return this.message.source;
  }

  /** How the callback proved that it came from the vendor. */
  get authentication(): Authentication | undefined {
    return authenticationOf(this.message.authentication);
  }

  /** Identifies the call; what `createCall` returned. */
  get callSerialNo(): string | undefined {
    return this.message.callSerialNo;
  }

  /** Identifies the agent. */
  get serviceNo(): string | undefined {
    return this.message.serviceNo;
  }

  /** The customer's telephone number. */
  get called(): string | undefined {
    return this.message.called;
  }

  /** The telephone number bound to the agent. */
  get caller(): string | undefined {
    return this.message.caller;
  }

  /** The number that the customer's telephone displayed. */
  get callerPresent(): string | undefined {
    return this.message.callerPresent;
  }

  /** Text that was given to `createCall`, unchanged: the key for correlating with a CRM. */
  get callData(): string | undefined {
    return this.message.callData;
  }

  /** When the call was started. */
  get createCallTime(): Date | undefined {
    return dateOf(this.message.createCallTime);
  }

  /** When the customer's telephone began to ring. */
  get alertingTime(): Date | undefined {
    return dateOf(this.message.alertingTime);
  }

  /** When the customer was connected. */
  get talkingTime(): Date | undefined {
    return dateOf(this.message.talkingTime);
  }

  /** When the call was released. */
  get releaseTime(): Date | undefined {
    return dateOf(this.message.releaseTime);
  }

  /** How long they talked, in milliseconds. The vendor has been seen to send 0: do not bill on it alone. */
  get talkDurationMs(): number | undefined {
    return millisecondsOf(this.message.talkDuration);
  }

  /** Path of the recording on the vendor's media server. Not a URL. */
  get recordfile(): string | undefined {
    return this.message.recordfile;
  }

  /** The media node that holds the recording. */
  get locationId(): string | undefined {
    return this.message.locationId;
  }

  /** Why the call ended; undefined if the callback did not say. See {@link releaseReasonCode}. */
  get releaseReason(): ReleaseReason | undefined {
    return releaseReasonOf(this.message.releaseReason);
  }

  /** The vendor's code for why the call ended, exactly as sent. */
  get releaseReasonCode(): string | undefined {
    return this.message.releaseReasonCode;
  }

  /** When the agent's telephone began to ring. */
  get agentAlertingTime(): Date | undefined {
    return dateOf(this.message.agentAlertingTime);
  }

  /** When the agent was connected. */
  get agentTalkingTime(): Date | undefined {
    return dateOf(this.message.agentTalkingTime);
  }

  /** When the agent's leg was released. */
  get agentReleaseTime(): Date | undefined {
    return dateOf(this.message.agentReleaseTime);
  }

  /** How long the agent talked, in milliseconds. */
  get agentTalkDurationMs(): number | undefined {
    return millisecondsOf(this.message.agentTalkDuration);
  }

  /** What else the vendor sent, verbatim, under the vendor's names. */
  get extra(): Readonly<Record<string, string>> {
    return this.message.extra;
  }

  /** IANA name of the zone in which the vendor's times were read. */
  get timeZone(): string {
    return this.message.timeZone;
  }

  /** When the callback arrived, by the gateway's clock, cut to milliseconds. */
  get receivedAt(): Date | undefined {
    return dateOf(this.message.receivedAt);
  }

  /** The same in microseconds since 1970, as exactly as the gateway has it. */
  get receivedAtMicros(): bigint | undefined {
    return microsOf(this.message.receivedAt);
  }

  /** The callback's W3C `traceparent`. */
  get traceparent(): string | undefined {
    return this.message.traceparent;
  }

  /** Whether numbers and texts are masked, for want of the permission to see them. */
  get masked(): boolean {
    return this.message.masked;
  }

  /** The message as bytes, with whatever this library did not know. */
  serialize(): Uint8Array {
    return ReleaseEventCodec.encode(this.message).finish();
  }

  /** All that is set, for logs. It holds telephone numbers. */
  toJSON(): Record<string, unknown> {
    const fields: Record<string, unknown> = {};
    for (const name of FIELDS) {
      const value = this[name];
      if (value !== undefined) fields[name] = typeof value === 'bigint' ? value.toString() : value;
    }
    return fields;
  }

  /** @internal */
  [inspect.custom](): unknown {
    return this.toJSON();
  }
}

type Field = Exclude<keyof ReleaseEvent, 'message' | 'serialize' | 'toJSON' | symbol>;

const FIELDS = Object.entries(Object.getOwnPropertyDescriptors(ReleaseEvent.prototype))
  .filter(([name, descriptor]) => name !== 'message' && descriptor.get !== undefined)
  .map(([name]) => name as Field);
