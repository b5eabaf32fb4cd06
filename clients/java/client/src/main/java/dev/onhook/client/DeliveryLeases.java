package dev.onhook.client;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Decides when the deliveries of one stream need more time, and how much to ask for.
 *
 * <p>A delivery is extended when half its time is over, by its whole deadline, again and again
 * until it is removed or {@code maxExtension} has passed since it came; then the gateway gives it
 * to somebody else. Those that are due within a moment of each other go into one request.
 *
 * <p>Pure: time comes in with each call, as {@link System#nanoTime} counts it. Not for several
 * threads.
 */
final class DeliveryLeases {
  /**
   * As the protocol has it. A delivery whose time is nearly over is extended by more than it had.
   */
  static final long SHORTEST_NANOS = TimeUnit.SECONDS.toNanos(1);

  static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(10);

  /** Whatever is due so soon goes along. Short against half of any deadline. */
  private static final long GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final long maxExtensionNanos;
  private final Set<Attempt> attempts = new LinkedHashSet<>();
  private boolean hasDue;
  private long nextDue;

  DeliveryLeases(long maxExtensionNanos) {
    this.maxExtensionNanos = Math.min(maxExtensionNanos, Long.MAX_VALUE / 4);
  }

  /** What to ask for in one request. */
  record Extension(long leaseNanos, List<Attempt> attempts) {}

  /** A delivery came, to be settled within {@code leftNanos}. */
  void add(Attempt attempt, long leftNanos, long now) {
    if (maxExtensionNanos <= 0) {
      return;
    }
    attempt.leaseNanos = Math.max(leftNanos, SHORTEST_NANOS);
    attempt.dueAt = now + leftNanos / 2;
    attempt.lastAt = now + maxExtensionNanos;
    insert(attempt);
  }

  /** It is settled, given up, or lost to somebody else. */
  void remove(Attempt attempt) {
    attempts.remove(attempt);
  }

  /** The gateway could not extend it just now: it is due again at {@code time}. */
  void postpone(Attempt attempt, long time) {
    if (attempts.contains(attempt)) {
      attempt.dueAt = time;
      note(time);
    }
  }

  /** Somebody asked for {@code leaseNanos}, which no automatic extension must shorten. */
  void extended(Attempt attempt, long leaseNanos, long now) {
    if (!attempts.remove(attempt)) {
      return;
    }
    attempt.dueAt = now + Math.max(leaseNanos / 2, leaseNanos - attempt.leaseNanos / 2);
    insert(attempt);
  }

  boolean hasDue() {
    return hasDue;
  }

  /** When to call {@link #takeDue} next, if there is anything; maybe earlier than needed. */
  long nextDue() {
    return nextDue;
  }

  /**
   * At most {@code most} deliveries that are due by {@code now}, each of which is due again after
   * half the deadline asked for. To be called until it returns null: nothing is due.
   */
  Extension takeDue(long now, int most) {
    if (!hasDue || now - nextDue < 0) {
      return null;
    }
    hasDue = false;
    long lease = 0;
    List<Attempt> due = new ArrayList<>();
    for (Iterator<Attempt> it = attempts.iterator(); it.hasNext(); ) {
      Attempt attempt = it.next();
      // A request asks for one deadline; those with another make the next one.
      boolean fits = due.isEmpty() || (lease == attempt.leaseNanos && due.size() < most);
      if (attempt.dueAt - now <= GATHERING_NANOS && fits) {
        lease = attempt.leaseNanos;
        due.add(attempt);
        attempt.dueAt = now + lease / 2;
        if (attempt.dueAt - attempt.lastAt > 0) {
          it.remove();
          continue;
        }
      }
      note(attempt.dueAt);
    }
    return due.isEmpty() ? null : new Extension(lease, due);
  }

  private void insert(Attempt attempt) {
    if (attempt.dueAt - attempt.lastAt <= 0) {
      attempts.add(attempt);
      note(attempt.dueAt);
    }
  }

  private void note(long dueAt) {
    if (!hasDue || dueAt - nextDue < 0) {
      hasDue = true;
      nextDue = dueAt;
    }
  }
}
