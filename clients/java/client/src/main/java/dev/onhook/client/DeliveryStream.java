package dev.onhook.client;

import java.time.Duration;
import java.util.Iterator;
import java.util.Optional;

/**
 * A subscriber whose deliveries are taken one by one, and settled by their methods.
 *
 * <p>{@code for (Delivery delivery : stream)} waits for each delivery and ends when the stream is
 * stopped, or throws the {@link OnhookException} that ended it. Several threads may take
 * deliveries, each with its own iterator or by {@link #poll}. A thread that is interrupted while
 * its iterator waits gets an {@link OnhookException} with {@code CANCELLED}, and stays interrupted.
 */
public interface DeliveryStream extends Subscriber, Iterable<Delivery> {
  /**
   * Takes deliveries, each of which is then to be settled.
   *
   * @return an iterator for one thread
   */
  @Override
  Iterator<Delivery> iterator();

  /**
   * Takes the next delivery, which is then to be settled.
   *
   * @param timeout how long to wait for it at most
   * @return empty: none came, or the stream is stopped
   * @throws OnhookException what ended the stream, if that was no stop
   * @throws InterruptedException if this thread was interrupted meanwhile
   */
  Optional<Delivery> poll(Duration timeout) throws InterruptedException;
}
