import type { EventState, TimelineKind } from './enums.js';
import { eventStateOf, timelineKindOf } from './enums.js';
import type {
  StoredEvent as StoredEventMessage,
  SubscriptionTimeline as SubscriptionTimelineMessage,
} from './generated/onhook/v1/release_event_service.js';
import { ReleaseEvent as ReleaseEventCodec } from './generated/onhook/v1/release_event.js';
import { dateOf } from './native.js';
import { ReleaseEvent } from './release-event.js';

/** One thing that happened to an event in a subscription. */
export interface TimelineEntry {
  readonly kind: TimelineKind | undefined;
  readonly time: Date | undefined;
  /** Empty if no consumer did it, or it has no name. */
  readonly consumerName: string;
  /** 0: it has none. */
  readonly attempt: number;
  readonly reason: string;
}

/** What became of one event in one subscription. */
export interface SubscriptionTimeline {
  readonly subscription: string;
  readonly state: EventState | undefined;
  /** Oldest first. */
  readonly entries: readonly TimelineEntry[];
}

function timelineOf(message: SubscriptionTimelineMessage): SubscriptionTimeline {
  return {
    subscription: message.subscription,
    state: eventStateOf(message.state),
    entries: message.entries.map((entry) => ({
      kind: timelineKindOf(entry.kind),
      time: dateOf(entry.time),
      consumerName: entry.consumerName,
      attempt: entry.attempt,
      reason: entry.reason,
    })),
  };
}

/** One event as the gateway keeps it. */
export class StoredEvent {
  /** The protobuf message. */
  readonly message: StoredEventMessage;
  readonly event: ReleaseEvent;

  constructor(message: StoredEventMessage) {
    this.message = message;
    this.event = new ReleaseEvent(message.event ?? ReleaseEventCodec.create());
  }

  /** Its place in the log, as a watch takes it. */
  get cursor(): string {
    return this.message.cursor;
  }

  /** When it was durable, by the gateway's clock. */
  get storedAt(): Date | undefined {
    return dateOf(this.message.storedAt);
  }

  /** What became of it, by subscription; only in answers that ask by event or call. */
  get timelines(): SubscriptionTimeline[] {
    return this.message.timelines.map(timelineOf);
  }

  /** The callback's body as received, if the gateway keeps it and the caller may see it. */
  get rawBody(): Uint8Array | undefined {
    return this.message.rawBody;
  }
}
