package dev.onhook.client;

import java.time.Duration;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * Notices that a stream has been silent for twice as long as it ever should be.
 *
 * <p>Threads: all methods are to be called with the monitor, under which it calls, too.
 */
final class HeartbeatWatch {
  /** What a gateway of an older version keeps to. */
  private static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(15);

  private final Monitor monitor;
  private final Threads threads;
  private final BooleanSupplier listens;
  private final Consumer<OnhookException> tooSilent;
  private long heardAt;
  private long silenceNanos = 2 * DEFAULT_INTERVAL.toNanos();
  private ScheduledFuture<?> timer;
  private boolean stopped;

  /** While {@code listens} says no, what comes is left where it is, and silence means nothing. */
  HeartbeatWatch(
      Monitor monitor,
      Threads threads,
      BooleanSupplier listens,
      Consumer<OnhookException> tooSilent) {
    this.monitor = monitor;
    this.threads = threads;
    this.listens = listens;
    this.tooSilent = tooSilent;
  }

  void start() {
    heard();
    arm();
  }

  void stop() {
    stopped = true;
    if (timer != null) {
      timer.cancel(false);
    }
  }

  /** A message came, or is waited for from now on. */
  void heard() {
    heardAt = System.nanoTime();
  }

  /** The gateway says how long the stream is silent at most. */
  void expect(com.google.protobuf.Duration interval) {
    long nanos = 2 * Times.nanos(Times.duration(interval));
    if (nanos > 0 && nanos != silenceNanos) {
      silenceNanos = nanos;
      arm();
    }
  }

  private void arm() {
    if (stopped) {
      return;
    }
    if (timer != null) {
      timer.cancel(false);
    }
    long left = heardAt + silenceNanos - System.nanoTime();
    timer = threads.after(left, () -> monitor.run(this::check));
  }

  private void check() {
    if (stopped) {
      return;
    }
    if (!listens.getAsBoolean()) {
      heard();
    }
    if (System.nanoTime() - heardAt < silenceNanos) {
      arm();
      return;
    }
    stop();
    tooSilent.accept(
        Errors.unavailable(
            "no word from the gateway for " + TimeUnit.NANOSECONDS.toMillis(silenceNanos) + " ms",
            "CONNECTION_SILENT"));
  }
}
