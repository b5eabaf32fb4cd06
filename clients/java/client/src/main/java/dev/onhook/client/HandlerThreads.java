package dev.onhook.client;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/**
 * Calls a handler with what waits, at most so often at once. A thread is taken when something
 * waits, and given back when nothing does.
 *
 * <p>Threads: all methods are to be called with the monitor; the handler is called without.
 */
final class HandlerThreads {
  private final Monitor monitor;
  private final Executor executor;
  private final DeliveryHandler handler;
  private final int most;
  private final Source source;
  private int running;

  /** Where deliveries come from and settlements go; called with the monitor. */
  interface Source {
    /** Null: there is none to be handled. */
    HeldDelivery begin();

    int waiting();

    void handled(HeldDelivery delivery, Settlement settlement);

    /** A thread was given back. */
    void idle();

    void rejected(RejectedExecutionException e);
  }

  HandlerThreads(
      Monitor monitor, Executor executor, DeliveryHandler handler, int most, Source source) {
    this.monitor = monitor;
    this.executor = executor;
    this.handler = handler;
    this.most = most;
    this.source = source;
  }

  boolean isIdle() {
    return running == 0;
  }

  /** Sees to it that so many are handled as soon as may be. */
  void start(int waiting) {
    for (int left = Math.min(most - running, waiting); left > 0; --left) {
      ++running;
      monitor.afterwards(this::startOne);
    }
  }

  private void startOne() {
    try {
      executor.execute(this::work);
    } catch (RejectedExecutionException e) {
      monitor.run(
          () -> {
            --running;
            source.rejected(e);
          });
    }
  }

  /** Handles what waits, until nothing does. */
  private void work() {
    HeldDelivery delivery = null;
    Settlement settlement = null;
    for (; ; ) {
      monitor.lock();
      try {
        if (delivery != null) {
          source.handled(delivery, settlement);
        }
        if (Thread.currentThread().isInterrupted()) {
          // Whoever interrupted this thread wants it back; another handler would only fail here.
          --running;
          start(source.waiting());
          source.idle();
          return;
        }
        delivery = source.begin();
        if (delivery == null) {
          --running;
          source.idle();
          return;
        }
      } finally {
        monitor.unlock();
      }
      settlement = handle(delivery);
    }
  }

  @SuppressWarnings("checkstyle:IllegalCatch") // whatever a handler throws gives its event back
  private Settlement handle(HeldDelivery delivery) {
    try {
      handler.handle(delivery);
      return new Settlement(Settlement.Action.ACK, "", null, null);
    } catch (Throwable e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      Log.warn("the handler of " + source + " failed with event " + delivery.event().eventId(), e);
      return new Settlement(Settlement.Action.RETRY, Errors.wordsOf(e), null, null);
    }
  }
}
