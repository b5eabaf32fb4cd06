package dev.onhook.client;

/**
 * One event of a watch, and its place.
 *
 * @param event the event
 * @param cursor its place in the log: keep it once the event is dealt with, and give it to {@link
 *     WatchOptions.Builder#afterCursor} to go on behind the event
 */
public record WatchedEvent(ReleaseEvent event, String cursor) {
  @Override
  public String toString() {
    return "WatchedEvent[" + event.eventId() + " at " + cursor + "]";
  }
}
