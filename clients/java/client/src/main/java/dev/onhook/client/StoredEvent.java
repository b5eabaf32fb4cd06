package dev.onhook.client;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One event as the gateway keeps it, and what became of it.
 *
 * @param event the event
 * @param cursor its place in the log, as a watch takes it
 * @param storedAt when it was durable, by the gateway's clock
 * @param timelines what became of it, by subscription; only in answers about one event or one call
 * @param rawBody the callback's body as received, if the gateway keeps it and shows it to the
 *     caller
 * @param message the protocol's message, with all that the gateway sent
 */
public record StoredEvent(
    ReleaseEvent event,
    String cursor,
    Instant storedAt,
    List<SubscriptionTimeline> timelines,
    Optional<ByteString> rawBody,
    onhook.v1.StoredEvent message) {

  /**
   * Returns the event that a message of the protocol holds.
   *
   * @param message the message
   * @return a view of it
   */
  public static StoredEvent of(onhook.v1.StoredEvent message) {
    return new StoredEvent(
        ReleaseEvent.of(message.getEvent()),
        message.getCursor(),
        Times.instant(message.getStoredAt()),
        message.getTimelinesList().stream().map(SubscriptionTimeline::of).toList(),
        message.hasRawBody() ? Optional.of(message.getRawBody()) : Optional.empty(),
        message);
  }

  @Override
  public String toString() {
    return "StoredEvent[" + event.eventId() + " at " + cursor + "]";
  }
}
