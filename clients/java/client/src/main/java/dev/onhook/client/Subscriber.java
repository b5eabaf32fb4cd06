package dev.onhook.client;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Receives the events of a durable subscription, each until it is acknowledged, whatever happens to
 * the connection meanwhile.
 *
 * <p>It ends by a stop, or with an error that no repetition can mend: {@link NotFoundException} (no
 * such subscription, or it was deleted), {@link PermissionDeniedException}, {@link
 * UnauthenticatedException}, {@code INVALID_ARGUMENT}, {@code FAILED_PRECONDITION} (the options
 * cannot be used, or the subscription exists with another specification), {@code UNIMPLEMENTED}.
 */
public interface Subscriber extends Receiver {
  /** Asks for no new deliveries. The stream stays, and what is here goes on. */
  void pause();

  /** Asks for new deliveries after {@link #pause}. */
  void resume();

  /**
   * Begins to stop with another grace than {@link SubscribeOptions.Builder#stopGrace} says.
   *
   * @param grace how long to wait for deliveries that are being handled; what is unsettled then is
   *     released
   * @return the same as {@link #completion()}
   */
  CompletableFuture<Void> stopAsync(Duration grace);

  /**
   * Stops with another grace than {@link SubscribeOptions.Builder#stopGrace} says, and waits for
   * the end.
   *
   * @param grace how long to wait for deliveries that are being handled; what is unsettled then is
   *     released
   * @throws OnhookException what ended it instead; {@link UnconfirmedException}: not everything
   *     that was acknowledged is confirmed
   * @throws InterruptedException if this thread was interrupted meanwhile; stopping goes on
   */
  default void stop(Duration grace) throws InterruptedException {
    stopAsync(grace);
    await();
  }
}
