package dev.onhook.client;

import java.util.random.RandomGenerator;

/**
 * How long to wait before the next stream: {@code initial}, then twice as long each time up to
 * {@code maximum}, each wait shortened at random by up to half so that many clients do not come
 * back at once.
 *
 * <p>Not for several threads.
 */
final class Backoff {
  private final long initialNanos;
  private final long maximumNanos;
  private final RandomGenerator random;
  private long nextNanos;

  Backoff(long initialNanos, long maximumNanos, RandomGenerator random) {
    this.initialNanos = initialNanos;
    this.maximumNanos = Math.max(initialNanos, maximumNanos);
    this.random = random;
    this.nextNanos = initialNanos;
  }

  long maximumNanos() {
    return maximumNanos;
  }

  /** A stream did well: the count starts anew. */
  void reset() {
    nextNanos = initialNanos;
  }

  /** Whether no wait was given out since the last good stream. */
  boolean isFresh() {
    return nextNanos == initialNanos;
  }

  long nextDelayNanos() {
    long longest = nextNanos;
    nextNanos = Math.min(longest * 2, maximumNanos);
    return (long) (longest * (0.5 + random.nextDouble() / 2));
  }
}
