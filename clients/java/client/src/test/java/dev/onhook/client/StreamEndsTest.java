package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class StreamEndsTest {
  private static final List<Status.Code> FINAL =
      List.of(
          Status.Code.NOT_FOUND,
          Status.Code.INVALID_ARGUMENT,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNAUTHENTICATED,
          Status.Code.UNIMPLEMENTED,
          Status.Code.OUT_OF_RANGE);

  private static StreamEnds ends(Path tokenFile) {
    return new StreamEnds(
        new ClientOptions(
            OnhookClient.DEFAULT_SERVER,
            false,
            null,
            null,
            null,
            "",
            tokenFile,
            false,
            Duration.ofSeconds(10),
            Duration.ofMillis(100),
            Duration.ofSeconds(30),
            Duration.ofMinutes(2),
            channel -> {}));
  }

  private static OnhookException error(Status.Code code) {
    return Errors.local(code, "why", "", null);
  }

  private static long minutes(long minutes) {
    return TimeUnit.MINUTES.toNanos(minutes);
  }

  @ParameterizedTest
  @EnumSource(value = Status.Code.class, mode = EnumSource.Mode.EXCLUDE, names = "OK")
  void aCodeIsFinalOrItIsRepeated(Status.Code code) {
    assertEquals(FINAL.contains(code), ends(null).isFinal(error(code), 0));
  }

  @Test
  void whoWasNeverLetInIsSimplyWrong() {
    assertTrue(ends(Path.of("token")).isFinal(error(Status.Code.UNAUTHENTICATED), 0));
  }

  @Test
  void whoShowsNothingHasNothingThatMayChange() {
    StreamEnds ends = ends(null);
    ends.streamOpened();
    assertTrue(ends.isFinal(error(Status.Code.UNAUTHENTICATED), 0));
  }

  @Test
  void whoWasLetInIsPatientForTwoMinutesFromTheFirstRefusal() {
    StreamEnds ends = ends(Path.of("token"));
    ends.streamOpened();
    OnhookException refused = error(Status.Code.UNAUTHENTICATED);
    assertFalse(ends.isFinal(refused, minutes(10)));
    assertFalse(ends.isFinal(refused, minutes(11)));
    assertTrue(ends.isFinal(refused, minutes(12)));
    ends.streamOpened();
    assertFalse(ends.isFinal(refused, minutes(20)));
  }
}
