import type {
  ListEventsRequest,
  ListEventsResponse,
  StoredEvent,
  WatchRequest,
} from '../generated/onhook/v1/release_event_service.js';
import { StartPosition } from '../generated/onhook/v1/subscription.js';
import type { ReleaseEvent as ReleaseEventMessage } from '../generated/onhook/v1/release_event.js';
import { microsOf } from '../native.js';
import type { FakeFailure } from './failures.js';

const DEFAULT_PAGE = 100;

/** What a fake gateway has stored. A cursor is the number of an event, from 1. @internal */
export class FakeLog {
  readonly #events: StoredEvent[] = [];
  #forgotten = 0;

  /** Behind the newest event. */
  get end(): string {
    return String(this.#forgotten + this.#events.length);
  }

  /** Undefined: it is there already. */
  add(event: ReleaseEventMessage): StoredEvent | undefined {
    if (this.find(event.eventId) !== undefined) return undefined;
    const cursor = String(this.#forgotten + this.#events.length + 1);
    const stored: StoredEvent = { event, cursor, timelines: [] };
    this.#events.push(stored);
    return stored;
  }

  find(eventId: string): StoredEvent | undefined {
    return this.#events.find(({ event }) => event?.eventId === eventId);
  }

  after(cursor: string): StoredEvent[] {
    return this.#events.slice(Math.max(Number(cursor) - this.#forgotten, 0));
  }

  forgetThrough(eventId: string): void {
    const count = this.#events.findIndex(({ event }) => event?.eventId === eventId) + 1;
    this.#events.splice(0, count);
    this.#forgotten += count;
  }

  /** Where a watch begins, or why it cannot. */
  begin({ start }: WatchRequest): string | FakeFailure {
    switch (start?.$case) {
      case 'afterCursor':
        return this.#behind(start.value);
      case 'sinceTime': {
        const since = microsOf(start.value) ?? 0n;
        const index = this.#events.findIndex(({ event }) => (microsOf(event?.receivedAt) ?? 0n) >= since);
        return index < 0 ? this.end : String(this.#forgotten + index);
      }
      case 'position':
        return start.value === StartPosition.EARLIEST ? String(this.#forgotten) : this.end;
      default:
        return this.end;
    }
  }

  list(request: ListEventsRequest): ListEventsResponse {
    const fits = ({ event }: StoredEvent) =>
      (request.callSerialNo === '' || event?.callSerialNo === request.callSerialNo) &&
      (request.source === '' || event?.source === request.source);
    const from = request.pageToken === '' ? 0 : Number(request.pageToken);
    const size = request.pageSize === 0 ? DEFAULT_PAGE : request.pageSize;
    const all = this.#events.filter(fits);
    const nextPageToken = from + size < all.length ? String(from + size) : '';
    return { storedEvents: all.slice(from, from + size), nextPageToken, corruptEvents: 0 };
  }

  #behind(cursor: string): string | FakeFailure {
    if (!/^\d+$/.test(cursor)) {
      return { code: 'INVALID_ARGUMENT', message: 'a malformed cursor', reason: 'CURSOR' };
    }
    const lost = this.#forgotten - Number(cursor);
    if (lost <= 0) return cursor;
    const metadata = { oldest_cursor: String(this.#forgotten), events_lost: String(lost) };
    return { code: 'OUT_OF_RANGE', message: 'no longer kept', reason: 'GAP', metadata };
  }
}
