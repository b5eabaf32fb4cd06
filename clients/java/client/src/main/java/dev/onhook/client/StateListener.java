package dev.onhook.client;

import java.util.Optional;

/**
 * Is told each change of state, one at a time and in order. It is called on a thread of the library
 * and must not wait for the subscriber that it is told about.
 */
@FunctionalInterface
public interface StateListener {
  /**
   * Something changed.
   *
   * @param state what the subscriber or watcher does now
   * @param cause of {@code BACKING_OFF}: why; of {@code STOPPED}: the error, if one ended it
   */
  void onState(SubscriberState state, Optional<OnhookException> cause);
}
