import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

import { Duration } from './generated/google/protobuf/duration.js';
import { ReleaseEvent as ReleaseEventCodec } from './generated/onhook/v1/release_event.js';
import type { ReleaseEvent as ReleaseEventMessage } from './generated/onhook/v1/release_event.js';
import {
  Delivery as DeliveryCodec,
  Delivery_RedeliveryReason,
  SubscribeResponse,
} from './generated/onhook/v1/release_event_service.js';
import type { Delivery as DeliveryMessage } from './generated/onhook/v1/release_event_service.js';
import { millisecondsOf } from './native.js';

/**
 * A delivery as it came: what the library needs of it, and its bytes, of which the protobuf message
 * is made when somebody asks for it.
 *
 * Why: most of the time of a busy consumer went into objects for fields that nobody reads, and that
 * live until their turn has come.
 * @internal
 */
export class ReceivedDelivery {
  deliveryId = '';
  eventId = '';
  attempt = 0;
  redeliveryReason = Delivery_RedeliveryReason.UNSPECIFIED;
  ackDeadlineMs: number | undefined = undefined;
  #bytes: Buffer | undefined;
  #start = 0;
  #end = 0;
  #message: DeliveryMessage | undefined = undefined;

  private constructor() {
    this.#bytes = undefined;
  }

  static of(message: DeliveryMessage): ReceivedDelivery {
    const received = new ReceivedDelivery();
    received.deliveryId = message.deliveryId;
    received.eventId = message.event?.eventId ?? '';
    received.attempt = message.attempt;
    received.redeliveryReason = message.redeliveryReason;
    received.ackDeadlineMs = millisecondsOf(message.ackDeadline);
    received.#message = message;
    return received;
  }

  /** Reads the delivery at the reader's place, up to `end`. */
  static read(reader: BinaryReader, bytes: Buffer, end: number): ReceivedDelivery {
    const received = new ReceivedDelivery();
    received.#bytes = bytes;
    received.#start = reader.pos;
    received.#end = end;
    while (reader.pos < end) received.#readField(reader, bytes);
    return received;
  }

  get message(): DeliveryMessage {
    if (this.#message === undefined) {
      const bytes = this.#bytes?.subarray(this.#start, this.#end) ?? Buffer.alloc(0);
      this.#message = DeliveryCodec.decode(bytes);
      // They belong to all deliveries that came together.
      this.#bytes = undefined;
    }
    return this.#message;
  }

  get event(): ReleaseEventMessage {
    const { message } = this;
    message.event ??= ReleaseEventCodec.create();
    return message.event;
  }

  #readField(reader: BinaryReader, bytes: Buffer): void {
    const tag = reader.uint32();
    switch (tag) {
      case DELIVERY_ID:
        this.deliveryId = text(reader, bytes);
        break;
      case EVENT:
        this.eventId = eventIdOf(reader, bytes);
        break;
      case ATTEMPT:
        this.attempt = reader.int32();
        break;
      case REDELIVERY_REASON:
        this.redeliveryReason = reader.int32();
        break;
      case ACK_DEADLINE:
        this.ackDeadlineMs = millisecondsOf(Duration.decode(reader, reader.uint32()));
        break;
      default:
        skip(reader, tag);
    }
  }
}

function tagOf(field: number, type: WireType): number {
  return (field << 3) | type;
}

const DELIVERY_ID = tagOf(1, WireType.LengthDelimited);
const EVENT = tagOf(2, WireType.LengthDelimited);
const ATTEMPT = tagOf(4, WireType.Varint);
const REDELIVERY_REASON = tagOf(5, WireType.Varint);
const ACK_DEADLINE = tagOf(6, WireType.LengthDelimited);
const EVENT_ID = tagOf(1, WireType.LengthDelimited);
const DELIVERIES_DELIVERY = tagOf(1, WireType.LengthDelimited);
const RESPONSE_DELIVERIES = tagOf(2, WireType.LengthDelimited);
const LAST_KNOWN_RESPONSE = 5;

function skip(reader: BinaryReader, tag: number): void {
  reader.skip((tag & 7), tag >>> 3);
}

function text(reader: BinaryReader, bytes: Buffer): string {
  const end = reader.uint32() + reader.pos;
  const value = bytes.toString('utf8', reader.pos, end);
  reader.pos = end;
  return value;
}

function eventIdOf(reader: BinaryReader, bytes: Buffer): string {
  const end = reader.uint32() + reader.pos;
  let eventId = '';
  // It comes first, by its number; what follows is left alone.
  while (reader.pos < end && eventId === '') {
    const tag = reader.uint32();
    if (tag === EVENT_ID) eventId = text(reader, bytes);
    else skip(reader, tag);
  }
  reader.pos = end;
  return eventId;
}

function readDeliveries(reader: BinaryReader, bytes: Buffer, into: ReceivedDelivery[]): void {
  const end = reader.uint32() + reader.pos;
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === DELIVERIES_DELIVERY) {
      into.push(ReceivedDelivery.read(reader, bytes, reader.uint32() + reader.pos));
    } else {
      skip(reader, tag);
    }
  }
}

/** What a Subscribe stream brings. @internal */
export type ReceivedResponse = ReceivedDelivery[] | SubscribeResponse;

/** @internal */
export function decodeResponse(bytes: Buffer): ReceivedResponse {
  const reader = new BinaryReader(bytes);
  const deliveries: ReceivedDelivery[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === RESPONSE_DELIVERIES) readDeliveries(reader, bytes, deliveries);
    else if (tag >>> 3 <= LAST_KNOWN_RESPONSE) return SubscribeResponse.decode(bytes);
    else skip(reader, tag); // of a newer version
  }
  return deliveries;
}
