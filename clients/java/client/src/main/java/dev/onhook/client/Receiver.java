package dev.onhook.client;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * Something that receives events until it is stopped or an error ends it: a {@link Subscriber} or a
 * {@link Watcher}.
 *
 * <p>All methods may be called from any thread; those that wait must not be called from a handler
 * or a listener of the same receiver.
 */
public interface Receiver extends AutoCloseable {
  /**
   * Returns what it is doing about its stream.
   *
   * @return the state
   */
  SubscriberState state();

  /**
   * Begins to stop, and returns at once.
   *
   * @return the same as {@link #completion()}
   */
  CompletableFuture<Void> stopAsync();

  /**
   * Returns what completes once this has ended: normally after a stop, with the {@link
   * OnhookException} that ended it otherwise.
   *
   * @return the same future every time; completing or cancelling it here changes nothing
   */
  CompletableFuture<Void> completion();

  /**
   * Stops, and waits for the end.
   *
   * @throws OnhookException what ended it instead; {@link UnconfirmedException}: not everything
   *     that was acknowledged is confirmed
   * @throws InterruptedException if this thread was interrupted meanwhile; stopping goes on
   */
  default void stop() throws InterruptedException {
    stopAsync();
    await();
  }

  /**
   * Waits for the end, which no stop of this call brings about.
   *
   * @throws OnhookException what ended it, if that was no stop
   * @throws InterruptedException if this thread was interrupted meanwhile
   */
  void await() throws InterruptedException;

  /**
   * Waits for the end, up to a time.
   *
   * @param timeout how long at most
   * @return false: it goes on
   * @throws OnhookException what ended it, if that was no stop
   * @throws InterruptedException if this thread was interrupted meanwhile
   */
  boolean await(Duration timeout) throws InterruptedException;

  /**
   * Stops and waits for the end, and throws nothing: what is wrong is logged. Who wants to know
   * calls {@link #stop()} before.
   */
  @Override
  void close();
}
