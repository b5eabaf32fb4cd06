package dev.onhook.client.testing;

import java.time.Duration;
import java.util.Optional;

/**
 * What was said of a delivery.
 *
 * @param action what is to become of the event
 * @param reason why; empty of an acknowledgement
 * @param delay when to deliver again, if a time was given
 */
public record Settlement(Action action, String reason, Optional<Duration> delay) {
  /** What is to become of an event. */
  public enum Action {
    /** It is done with. */
    ACK,
    /** It is to come again. */
    RETRY,
    /** It goes among the dead letters. */
    PARK,
    /** It is done with, without having been processed. */
    SKIP,
    /** It goes to another consumer. */
    RELEASE
  }

  static Settlement of(Action action, String reason) {
    return new Settlement(action, reason, Optional.empty());
  }
}
