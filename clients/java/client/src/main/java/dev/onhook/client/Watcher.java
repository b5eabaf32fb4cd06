package dev.onhook.client;

import java.util.Optional;

/**
 * Reads the log in order, from a place that the reader keeps; nothing is acknowledged.
 *
 * <p>Goes on behind the last event handed over when its stream is lost, without a gap or a repeat.
 * It ends by a stop, at the end of the log if it was told to, or with an error: {@link
 * LogGapException} (what would come next is no longer kept), {@code FAILED_PRECONDITION} (a cursor
 * of another store, or the options cannot be used), {@code INVALID_ARGUMENT}, {@link
 * PermissionDeniedException}, {@link UnauthenticatedException}, {@code UNIMPLEMENTED}, or {@code
 * UNKNOWN} with the reason {@code HANDLER_FAILED} and what the handler threw as its cause.
 */
public interface Watcher extends Receiver {
  /**
   * Returns the place to go on from: behind the last event that was handled (in the iterator form:
   * behind the last one whose successor was asked for), or behind what was filtered out since.
   *
   * @return the cursor; empty before the first answer
   */
  Optional<String> cursor();
}
