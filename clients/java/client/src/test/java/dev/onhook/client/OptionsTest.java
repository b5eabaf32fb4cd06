package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import onhook.v1.SubscribeOpen;
import onhook.v1.WatchRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {
  @Test
  void whatIsNotSaidIsLeftToTheGateway() {
    SubscribeOpen open = SubscribeOptions.builder("crm").build().openRequest();
    assertEquals(SubscribeOpen.newBuilder().setSubscription("crm").build(), open);
  }

  @Test
  void whatIsSaidIsAskedFor() {
    SubscribeOpen open =
        SubscribeOptions.builder("crm")
            .consumerName("pod-1")
            .maxOutstandingEvents(10)
            .maxOutstandingBytes(1 << 20)
            .ackDeadline(Duration.ofMillis(1500))
            .createIfMissing(
                SubscriptionSpec.builder()
                    .startPosition(StartPosition.LATEST)
                    .filter(EventFilter.ALL.withSources("sales").withReleaseReasonCodes("0", ""))
                    .unlimitedDeliveryAttempts()
                    .backlogLimitAge(Duration.ofDays(1))
                    .build())
            .build()
            .openRequest();
    assertEquals("pod-1", open.getConsumerName());
    assertEquals(10, open.getMaxOutstandingEvents());
    assertEquals(1 << 20, open.getMaxOutstandingBytes());
    assertEquals(500_000_000, open.getAckDeadline().getNanos());
    assertEquals(
        onhook.v1.StartPosition.START_POSITION_LATEST,
        open.getCreateIfMissing().getStartPosition());
    assertEquals("sales", open.getCreateIfMissing().getFilter().getSources(0));
    assertTrue(open.getCreateIfMissing().hasUnlimitedDeliveryAttempts());
    assertEquals(86_400, open.getCreateIfMissing().getBacklogLimit().getAge().getSeconds());
  }

  @Test
  void optionsDoNotChangeWithTheirBuilder() {
    SubscribeOptions.Builder builder = SubscribeOptions.builder("crm");
    SubscribeOptions options = builder.build();
    builder.consumerName("later").concurrency(7);
    assertEquals("", options.openRequest().getConsumerName());
    assertEquals(1, options.concurrency());
  }

  @Test
  void whatCannotBeIsRefusedAtOnce() {
    SubscribeOptions.Builder builder = SubscribeOptions.builder("crm");
    assertThrows(IllegalArgumentException.class, () -> builder.concurrency(0));
    assertThrows(IllegalArgumentException.class, () -> builder.ackDeadline(Duration.ZERO));
    assertThrows(
        IllegalArgumentException.class, () -> builder.maxExtension(Duration.ofSeconds(-1)));
  }

  @Test
  void aWatchBeginsWhereItIsTold() {
    WatchRequest request =
        WatchOptions.builder()
            .sinceTime(Instant.ofEpochSecond(5, 7))
            .observeOnly()
            .stopAtEnd()
            .build()
            .request();
    assertEquals(7, request.getSinceTime().getNanos());
    assertTrue(request.getObserveOnly());
    assertTrue(request.getStopAtEnd());
    assertEquals("c1", WatchOptions.builder().afterCursor("c1").build().request().getAfterCursor());
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:50051, dns:///127.0.0.1:50051, true",
    "localhost:1, dns:///localhost:1, true",
    "[::1]:50051, dns:///[::1]:50051, true",
    "gateway.example.org:443, dns:///gateway.example.org:443, false",
    "127.evil.example.org:443, dns:///127.evil.example.org:443, false",
    "unix:/run/onhook/grpc.sock, unix:/run/onhook/grpc.sock, true"
  })
  void addressesAreHostsWithPortsOrSockets(String text, String target, boolean isLocal) {
    ServerAddress address = ServerAddress.parse(text);
    assertEquals(target, address.target());
    assertEquals(isLocal, address.isLocal());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "gateway",
        ":50051",
        "gateway:",
        "gateway:99999",
        "::1:50051",
        "http://gateway:50051",
        "unix:relative.sock"
      })
  void whatIsNoAddressIsToldSo(String text) {
    OnhookException why = assertThrows(OnhookException.class, () -> ServerAddress.parse(text));
    assertEquals("SERVER_ADDRESS", why.reason().orElseThrow());
    assertFalse(why.getMessage().isEmpty());
  }
}
