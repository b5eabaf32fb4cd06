package dev.onhook.client;

import io.grpc.Status;
import java.util.random.RandomGenerator;

/**
 * What whoever keeps a stream open has to know of its ends: whether to open another, when, and on
 * which connection.
 *
 * <p>Threads: all methods but {@link #connect} are to be called with the monitor.
 */
final class Reconnection {
  private final ClientOptions options;
  private final Connections connections;
  private final Threads threads;
  private final Monitor monitor;
  private final Runnable open;
  private final Backoff backoff;
  private final StreamEnds ends;
  private boolean hasFailed;

  /** {@code open} is called, without the monitor, when another stream is to be opened. */
  Reconnection(
      ClientOptions options,
      Connections connections,
      Threads threads,
      Monitor monitor,
      Runnable open) {
    this.options = options;
    this.connections = connections;
    this.threads = threads;
    this.monitor = monitor;
    this.open = open;
    this.backoff =
        new Backoff(
            Times.nanos(options.initialBackoff()),
            Times.nanos(options.maximumBackoff()),
            RandomGenerator.getDefault());
    this.ends = new StreamEnds(options);
  }

  /**
   * The connection for the next stream. May read files.
   *
   * @throws OnhookException the options cannot be used
   */
  Connections.Connection connect() {
    try {
      return connections.current();
    } catch (OnhookException e) {
      throw e;
    } catch (RuntimeException e) {
      // Of whatever the user's own configuration of channels does.
      throw Errors.unusable("cannot make a connection: " + e.getMessage(), "CLIENT", e);
    }
  }

  void streamOpened() {
    ends.streamOpened();
  }

  /**
   * A stream has ended. Says why in our words; null, an end with OK that nobody asked for, is a
   * lost stream, too.
   */
  OnhookException streamEnded(
      Connections.Connection connection,
      boolean productive,
      long livedNanos,
      OnhookException ending) {
    if (productive || livedNanos > backoff.maximumNanos()) {
      backoff.reset();
      hasFailed = false;
    }
    if (ending == null) {
      return Errors.unavailable("the gateway ended the stream", "STREAM_ENDED");
    }
    if (ending.code() == Status.Code.UNAUTHENTICATED) {
      return Errors.withMetadata(ending, "shown", options.shown());
    }
    if (ending.code() == Status.Code.UNAVAILABLE) {
      monitor.afterwards(
          () -> {
            if (!connection.isReady()) {
              connections.retire(connection);
            }
          });
    }
    return ending;
  }

  /**
   * Whether no other stream is to be opened after one that ended so. To be asked once about each.
   */
  boolean isFinal(OnhookException why) {
    return ends.isFinal(why, System.nanoTime());
  }

  /** Whether this is the first failure since a good stream. To be asked once about each. */
  boolean isFirstFailure() {
    boolean isFirst = !hasFailed;
    hasFailed = true;
    return isFirst;
  }

  /** Opens another stream after the next wait. */
  void openLater() {
    long delay = backoff.nextDelayNanos();
    monitor.afterwards(() -> threads.after(delay, () -> threads.execute(open)));
  }

  /** Opens another stream now. */
  void openNow() {
    monitor.afterwards(() -> threads.execute(open));
  }

  /**
   * Opens another stream in place of one that goes away as planned, unless they all do so at once.
   */
  void replace(boolean productive) {
    if (productive || backoff.isFresh()) {
      // Counted all the same: the next one that is told to go before it did anything waits.
      backoff.nextDelayNanos();
      openNow();
    } else {
      openLater();
    }
  }
}
