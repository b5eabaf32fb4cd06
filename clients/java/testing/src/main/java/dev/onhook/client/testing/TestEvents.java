package dev.onhook.client.testing;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import dev.onhook.client.ReleaseEvent;
import java.util.Locale;

/** Plausible events. */
public final class TestEvents {
  private static final long CALL_BEGINS = 1_620_635_600;

  private TestEvents() {}

  /**
   * Makes the event of a call that the customer ended after six seconds.
   *
   * @param callSerialNo what identifies the call; the same gives the same event
   * @return an event
   */
  public static ReleaseEvent ofCall(String callSerialNo) {
    return ReleaseEvent.of(messageOf(callSerialNo).build());
  }

  /**
   * Begins the same event's message, to be changed.
   *
   * @param callSerialNo what identifies the call
   * @return a builder of the protocol's message
   */
  public static onhook.v1.ReleaseEvent.Builder messageOf(String callSerialNo) {
    return onhook.v1.ReleaseEvent.newBuilder()
        .setEventId(
            String.format(Locale.ROOT, "v1-%032x-%s", callSerialNo.hashCode(), callSerialNo))
        .setSource("default")
        .setAuthentication(onhook.v1.Authentication.AUTHENTICATION_NONE)
        .setCallSerialNo(callSerialNo)
        .setServiceNo("1001")
        .setCalled("88880067")
        .setCaller("96000000")
        .setCallerPresent("96000001")
        .setCreateCallTime(time(0))
        .setAlertingTime(time(4))
        .setTalkingTime(time(12))
        .setReleaseTime(time(18))
        .setTalkDuration(Duration.newBuilder().setSeconds(6))
        .setReleaseReason(onhook.v1.ReleaseReason.RELEASE_REASON_CALLED_HUNG_UP)
        .setReleaseReasonCode("0")
        .setTimeZone("UTC")
        .setReceivedAt(time(19));
  }

  private static Timestamp time(long seconds) {
    return Timestamp.newBuilder().setSeconds(CALL_BEGINS + seconds).build();
  }
}
