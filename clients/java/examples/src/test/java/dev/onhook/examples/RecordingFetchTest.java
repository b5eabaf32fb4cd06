package dev.onhook.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.net.httpserver.HttpServer;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.testing.Settlement;
import dev.onhook.client.testing.TestDelivery;
import dev.onhook.client.testing.TestEvents;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecordingFetchTest {
  @TempDir private Path archive;
  private HttpServer media;
  private int status = 200;

  @BeforeEach
  void start() throws Exception {
    media = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    media.createContext(
        "/2024/a.wav",
        exchange -> {
          byte[] body = "sound".getBytes(StandardCharsets.US_ASCII);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    media.start();
  }

  @AfterEach
  void stop() {
    media.stop(0);
  }

  private TestDelivery call(String recordfile) {
    return TestDelivery.of(TestEvents.messageOf("call-1").setRecordfile(recordfile));
  }

  private Settlement fetch(TestDelivery delivery) {
    URI server = URI.create("http://127.0.0.1:" + media.getAddress().getPort() + "/");
    return delivery.handleWith(new RecordingFetch(server, archive));
  }

  @Test
  void aRecordingIsFetchedAndAcknowledged() throws Exception {
    TestDelivery delivery = call("/2024/a.wav");
    assertEquals(Settlement.Action.ACK, fetch(delivery).action());
    assertEquals("sound", Files.readString(archive.resolve(delivery.event().eventId())));
  }

  @Test
  void aCallWithoutARecordingIsDone() {
    assertEquals(Settlement.Action.ACK, fetch(call("")).action());
  }

  @Test
  void aServerInTroubleIsTriedAgain() {
    status = 503;
    Settlement settlement = fetch(call("/2024/a.wav"));
    assertEquals(Settlement.Action.RETRY, settlement.action());
    assertEquals("the media server answers 503", settlement.reason());
  }

  @Test
  void whatIsNotThereYetIsLookedForLaterAndParkedInTheEnd() {
    status = 404;
    TestDelivery first = call("/2024/a.wav");
    assertEquals(Optional.of(Duration.ofSeconds(30)), fetch(first).delay());
    assertEquals(Settlement.Action.PARK, fetch(first.again(3, RedeliveryReason.NACKED)).action());
  }

  @Test
  void whatIsGoneIsParked() {
    status = 410;
    assertEquals(Settlement.Action.PARK, fetch(call("/2024/a.wav")).action());
  }

  @Test
  void whatIsNoPathIsParked() {
    assertEquals(Settlement.Action.PARK, fetch(call("not a path")).action());
  }
}
