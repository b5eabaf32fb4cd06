package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The events behind a watch's place are no longer kept. To go on, watch from {@link
 * #oldestCursor()} or from {@link StartPosition#EARLIEST}, knowing what is lost.
 */
public final class LogGapException extends OnhookException {
  private static final long serialVersionUID = 1L;

  LogGapException(String message, String reason, Map<String, String> metadata, Throwable cause) {
    super(Status.Code.OUT_OF_RANGE, message, reason, metadata, cause);
  }

  /**
   * Returns the oldest place that a watch can begin behind.
   *
   * @return the cursor, if the gateway said it
   */
  public Optional<String> oldestCursor() {
    return Optional.ofNullable(metadata().get("oldest_cursor"));
  }

  /**
   * Returns how many events lie between the place and what is kept.
   *
   * @return the number, if the gateway said it
   */
  public OptionalLong eventsLost() {
    try {
      return OptionalLong.of(Long.parseLong(metadata().getOrDefault("events_lost", "")));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
