package dev.onhook.client;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import onhook.v1.ListEventsRequest;
import onhook.v1.ListEventsResponse;

/**
 * Stored events, oldest first. Pages are fetched as they are needed, each iterator anew.
 *
 * <p>Iterating throws {@link OnhookException} where the gateway cannot be asked or refuses; {@code
 * DATA_LOSS} if it left out events whose stored bytes do not fit their checksum, once all others
 * have been listed.
 */
public final class EventListing implements Iterable<StoredEvent> {
  private final EventQuery query;
  private final Pages pages;

  /** Fetches one page. */
  @FunctionalInterface
  interface Pages {
    ListEventsResponse fetch(ListEventsRequest request);
  }

  EventListing(EventQuery query, Pages pages) {
    this.query = query;
    this.pages = pages;
  }

  @Override
  public Iterator<StoredEvent> iterator() {
    return new PageIterator();
  }

  /**
   * Returns the same as a stream.
   *
   * @return a stream, of which pages are fetched as they are needed
   */
  public Stream<StoredEvent> stream() {
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(
            iterator(), Spliterator.ORDERED | Spliterator.NONNULL | Spliterator.IMMUTABLE),
        false);
  }

  private final class PageIterator implements Iterator<StoredEvent> {
    private final ArrayDeque<onhook.v1.StoredEvent> page = new ArrayDeque<>();
    private String nextPageToken = "";
    private boolean exhausted;
    private long corruptEvents;

    @Override
    public boolean hasNext() {
      while (page.isEmpty() && !exhausted) {
        fetch();
      }
      if (page.isEmpty() && corruptEvents > 0) {
        throw Errors.local(
            io.grpc.Status.Code.DATA_LOSS,
            corruptEvents + " event(s) belong here and are damaged in the gateway's store",
            "CORRUPT_EVENTS",
            null);
      }
      return !page.isEmpty();
    }

    @Override
    public StoredEvent next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return StoredEvent.of(page.poll());
    }

    private void fetch() {
      ListEventsResponse response =
          pages.fetch(query.request().toBuilder().setPageToken(nextPageToken).build());
      page.addAll(response.getStoredEventsList());
      corruptEvents += response.getCorruptEvents();
      nextPageToken = response.getNextPageToken();
      exhausted = nextPageToken.isEmpty();
    }
  }
}
