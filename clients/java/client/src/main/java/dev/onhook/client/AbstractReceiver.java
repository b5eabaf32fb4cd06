package dev.onhook.client;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** What a subscriber and a watcher have in common: a state that is told, and an end. */
abstract class AbstractReceiver implements Receiver {
  /** Null: nobody wants to be told. */
  private final StateListener listener;

  private final String server;
  private final Executor telling;
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private volatile boolean told;
  private volatile SubscriberState state = SubscriberState.CONNECTING;

  AbstractReceiver(StateListener listener, String server, Executor telling) {
    this.listener = listener;
    this.server = server;
    this.telling = telling;
  }

  @Override
  public SubscriberState state() {
    return state;
  }

  @Override
  public CompletableFuture<Void> completion() {
    return done.copy();
  }

  @Override
  public void await() throws InterruptedException {
    try {
      done.get();
    } catch (ExecutionException e) {
      throw endOf(e);
    }
  }

  @Override
  public boolean await(Duration timeout) throws InterruptedException {
    try {
      done.get(Times.nanos(timeout), TimeUnit.NANOSECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (ExecutionException e) {
      throw endOf(e);
    }
  }

  @Override
  public void close() {
    stopAsync();
    boolean wasTold = told;
    boolean interrupted = false;
    for (; ; ) {
      try {
        await();
        break;
      } catch (InterruptedException e) {
        // The stop has its own bounds in time, and what is begun must end before its threads do.
        interrupted = true;
      } catch (OnhookException e) {
        if (!wasTold) {
          Log.warn(this + " ended", e);
        }
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** To be called in the order in which things happen. */
  final void tell(SubscriberState next, OnhookException cause) {
    state = next;
    if (listener != null) {
      telling.execute(() -> callListener(next, Optional.ofNullable(cause)));
    }
  }

  /** Tells that there is no stream; the first time in a row in the log, too, if nobody listens. */
  final void tellBackingOff(OnhookException why, boolean isFirst) {
    if (isFirst && listener == null) {
      telling.execute(
          () ->
              Log.warn(
                  this
                      + " has no stream from "
                      + server
                      + " and goes on trying: "
                      + why.code()
                      + ": "
                      + why.getMessage(),
                  null));
    }
    tell(SubscriberState.BACKING_OFF, why);
  }

  /** Tells the end as the last thing of all. */
  final void end(OnhookException cause) {
    tell(SubscriberState.STOPPED, cause);
    telling.execute(
        () -> {
          if (cause == null) {
            done.complete(null);
          } else {
            done.completeExceptionally(cause);
          }
        });
  }

  @SuppressWarnings("checkstyle:IllegalCatch") // whatever it throws, the end must be told after it
  private void callListener(SubscriberState next, Optional<OnhookException> cause) {
    try {
      listener.onState(next, cause);
    } catch (Throwable e) {
      Log.warn("the listener of " + this + " failed", e);
    }
  }

  private RuntimeException endOf(ExecutionException e) {
    told = true;
    return e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
  }
}
