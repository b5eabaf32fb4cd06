package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private static Random always(double value) {
    return new Random() {
      private static final long serialVersionUID = 1L;

      @Override
      public double nextDouble() {
        return value;
      }
    };
  }

  @Test
  void eachWaitIsTwiceAsLongUpToTheMaximum() {
    Backoff backoff = new Backoff(100, 500, always(1));
    long[] delays = LongStream.generate(backoff::nextDelayNanos).limit(5).toArray();
    assertEquals("[100, 200, 400, 500, 500]", java.util.Arrays.toString(delays));
  }

  @Test
  void eachWaitIsShortenedByUpToHalf() {
    assertEquals(50, new Backoff(100, 500, always(0)).nextDelayNanos());
    assertEquals(75, new Backoff(100, 500, always(0.5)).nextDelayNanos());
  }

  @Test
  void aGoodStreamStartsTheCountAnew() {
    Backoff backoff = new Backoff(100, 500, always(1));
    backoff.nextDelayNanos();
    assertFalse(backoff.isFresh());
    backoff.reset();
    assertTrue(backoff.isFresh());
    assertEquals(100, backoff.nextDelayNanos());
  }
}
