package dev.onhook.client;

import java.util.Iterator;

/**
 * A watch whose events are taken one by one.
 *
 * <p>{@code for (WatchedEvent event : stream)} waits for each event and ends when the stream is
 * stopped or, if it was told to, at the end of the log; or throws the {@link OnhookException} that
 * ended it. A thread that is interrupted while its iterator waits gets an {@link OnhookException}
 * with {@code CANCELLED}, and stays interrupted. For one thread.
 */
public interface WatchStream extends Watcher, Iterable<WatchedEvent> {
  /**
   * Takes events in the order of the log.
   *
   * @return an iterator for one thread; all iterators of one stream go on where another left off
   */
  @Override
  Iterator<WatchedEvent> iterator();
}
