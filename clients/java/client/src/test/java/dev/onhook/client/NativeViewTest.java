package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class NativeViewTest {
  @Test
  void timesDurationsAndTextsAreJavasOwn() {
    ReleaseEvent event =
        ReleaseEvent.of(
            onhook.v1.ReleaseEvent.newBuilder()
                .setReleaseTime(Timestamp.newBuilder().setSeconds(1).setNanos(678_000_000))
                .setTalkDuration(com.google.protobuf.Duration.newBuilder().setSeconds(6))
                .setReleaseReasonValue(1)
                .putExtra("customField", "x")
                .build());
    assertEquals(Optional.of(Instant.ofEpochMilli(1678)), event.releaseTime());
    assertEquals(Optional.of(Duration.ofSeconds(6)), event.talkDuration());
    assertEquals(ReleaseReason.CALLED_HUNG_UP, event.releaseReason());
    assertEquals("x", event.extra().get("customField"));
  }

  @Test
  void anUnsetTextIsNotAnEmptyOne() {
    ReleaseEvent event =
        ReleaseEvent.of(onhook.v1.ReleaseEvent.newBuilder().setCallData("").build());
    assertEquals(Optional.of(""), event.callData());
    assertEquals(Optional.empty(), event.serviceNo());
    assertEquals(Optional.empty(), event.releaseTime());
    assertEquals(Optional.empty(), event.talkDuration());
  }

  @Test
  void aValueOfANewerGatewayIsToldByItsNumberAndSurvives() throws Exception {
    ReleaseEvent event =
        ReleaseEvent.of(
            onhook.v1.ReleaseEvent.newBuilder()
                .setReleaseReasonValue(99)
                .setAuthenticationValue(-1)
                .build());
    assertEquals(ReleaseReason.UNRECOGNIZED, event.releaseReason());
    assertEquals(99, event.releaseReasonNumber());
    assertEquals(Authentication.UNRECOGNIZED, event.authentication());
    assertEquals(-1, event.authenticationNumber());
    assertEquals(event.message(), onhook.v1.ReleaseEvent.parseFrom(event.message().toByteString()));
  }

  @Test
  void aFieldOfANewerGatewaySurvives() throws Exception {
    ByteString sent =
        onhook.v1.ReleaseEvent.newBuilder()
            .setEventId("id")
            .setUnknownFields(
                UnknownFieldSet.newBuilder()
                    .addField(
                        999,
                        UnknownFieldSet.Field.newBuilder()
                            .addLengthDelimited(ByteString.copyFromUtf8("new"))
                            .build())
                    .build())
            .build()
            .toByteString();
    ReleaseEvent event = ReleaseEvent.of(onhook.v1.ReleaseEvent.parseFrom(sent));
    assertEquals(sent, event.message().toByteString());
    assertTrue(event.message().getUnknownFields().hasField(999));
  }

  @Test
  void everyEnumHasTheNamesOfTheProtocol() {
    assertSameNames(onhook.v1.ReleaseReason.getDescriptor(), ReleaseReason.values());
    assertSameNames(onhook.v1.Authentication.getDescriptor(), Authentication.values());
    assertSameNames(onhook.v1.Delivery.RedeliveryReason.getDescriptor(), RedeliveryReason.values());
    assertSameNames(onhook.v1.SubscriptionTimeline.State.getDescriptor(), EventState.values());
    assertSameNames(onhook.v1.TimelineEntry.Kind.getDescriptor(), TimelineKind.values());
  }

  /** As this library knows them: the number is the place. */
  private static void assertSameNames(EnumDescriptor expected, Enum<?>[] values) {
    String first = expected.getValues().get(0).getName();
    String prefix = first.substring(0, first.length() - "UNSPECIFIED".length());
    List<String> names = expected.getValues().stream().map(EnumValueDescriptor::getName).toList();
    for (EnumValueDescriptor value : expected.getValues()) {
      assertEquals(value.getIndex(), value.getNumber());
    }
    assertEquals(
        names,
        Arrays.stream(values)
            .limit(values.length - 1L)
            .map(value -> prefix + value.name())
            .toList());
  }

  @Test
  void anEventShowsNoPersonalDataInLogs() {
    ReleaseEvent event =
        ReleaseEvent.of(
            onhook.v1.ReleaseEvent.newBuilder().setEventId("id").setCalled("88880067").build());
    assertFalse(event.toString().contains("88880067"));
  }

  @Test
  void aStoredEventTellsWhatBecameOfIt() {
    StoredEvent stored =
        StoredEvent.of(
            onhook.v1.StoredEvent.newBuilder()
                .setEvent(onhook.v1.ReleaseEvent.newBuilder().setEventId("id"))
                .setCursor("c1")
                .addTimelines(
                    onhook.v1.SubscriptionTimeline.newBuilder()
                        .setSubscription("crm")
                        .setStateValue(3)
                        .addEntries(
                            onhook.v1.TimelineEntry.newBuilder().setKindValue(77).setReason("why")))
                .build());
    SubscriptionTimeline timeline = stored.timelines().get(0);
    assertEquals(EventState.ACKED, timeline.state());
    assertEquals(TimelineKind.UNRECOGNIZED, timeline.entries().get(0).kind());
    assertEquals(77, timeline.entries().get(0).kindNumber());
    assertEquals(Optional.empty(), stored.rawBody());
  }
}
