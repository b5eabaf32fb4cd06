package dev.onhook.client.testing;

import dev.onhook.client.OnhookException;
import dev.onhook.client.StateListener;
import dev.onhook.client.SubscriberState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Remembers what it was told of states. */
final class States implements StateListener {
  private static final long PATIENCE_SECONDS = 10;

  private final List<SubscriberState> states = new ArrayList<>();
  private final List<OnhookException> causes = new ArrayList<>();

  @Override
  public synchronized void onState(SubscriberState state, Optional<OnhookException> cause) {
    states.add(state);
    cause.ifPresent(causes::add);
    notifyAll();
  }

  synchronized List<SubscriberState> seen() {
    return List.copyOf(states);
  }

  synchronized List<OnhookException> causes() {
    return List.copyOf(causes);
  }

  /** Waits until a state was told so many times. */
  synchronized void await(SubscriberState state, int times) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (states.stream().filter(state::equals).count() < times) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("not " + times + " times " + state + " in " + states);
      }
      wait(left);
    }
  }
}
