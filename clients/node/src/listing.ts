import type { ListEventsRequest, ListEventsResponse } from './generated/onhook/v1/release_event_service.js';
import { ListEventsRequest as ListEventsRequestCodec } from './generated/onhook/v1/release_event_service.js';
import { timestampOf } from './native.js';
import type { ListQuery } from './options.js';
import { StoredEvent } from './stored-event.js';

/** The events that fit a query, oldest first, over all pages; asked for as they are iterated over. */
export class EventListing implements AsyncIterable<StoredEvent> {
  /** Events that belong here and are left out, since their stored bytes are damaged; known at the end. */
  corruptEvents = 0;
  readonly #ask: (request: ListEventsRequest) => Promise<ListEventsResponse>;
  readonly #query: ListQuery;

  /** @internal */
  constructor(query: ListQuery, ask: (request: ListEventsRequest) => Promise<ListEventsResponse>) {
    this.#query = query;
    this.#ask = ask;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StoredEvent, undefined> {
    for await (const page of this.pages()) yield* page;
  }

  /** The same, page by page. */
  async *pages(): AsyncGenerator<StoredEvent[], undefined> {
    const { callSerialNo, source, receivedFrom, receivedBefore, pageSize } = this.#query;
    const request = ListEventsRequestCodec.create({
      callSerialNo: callSerialNo ?? '',
      source: source ?? '',
      pageSize: pageSize ?? 0,
    });
    if (receivedFrom !== undefined) request.receivedFrom = timestampOf(receivedFrom);
    if (receivedBefore !== undefined) request.receivedBefore = timestampOf(receivedBefore);
    this.corruptEvents = 0;
    do {
      const page = await this.#ask(request);
      this.corruptEvents += page.corruptEvents;
      request.pageToken = page.nextPageToken;
      yield page.storedEvents.map((stored) => new StoredEvent(stored));
    } while (request.pageToken !== '');
  }

  /** All of them at once. */
  async toArray(): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for await (const page of this.pages()) all.push(...page);
    return all;
  }
}
