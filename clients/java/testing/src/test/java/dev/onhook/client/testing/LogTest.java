package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.StartPosition;
import dev.onhook.client.SubscribeOptions;
import dev.onhook.client.SubscriberState;
import dev.onhook.client.WatchOptions;
import dev.onhook.client.Watcher;
import io.grpc.Status;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is logged, by default, when nobody else is told. */
class LogTest extends GatewayTest {
  private static final Logger LOGGER = Logger.getLogger("dev.onhook.client");

  private final BlockingQueue<LogRecord> records = new LinkedBlockingQueue<>();
  private final Handler collector =
      new Handler() {
        @Override
        public void publish(LogRecord logged) {
          records.add(logged);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @BeforeEach
  void collect() {
    LOGGER.addHandler(collector);
    LOGGER.setUseParentHandlers(false);
  }

  @AfterEach
  void collectNoMore() {
    LOGGER.removeHandler(collector);
    LOGGER.setUseParentHandlers(true);
  }

  private LogRecord next() throws InterruptedException {
    LogRecord logged = records.poll(10, TimeUnit.SECONDS);
    assertTrue(logged != null, "nothing is logged");
    assertEquals(Level.WARNING, logged.getLevel());
    return logged;
  }

  private static String nobodysAddress() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return "127.0.0.1:" + socket.getLocalPort();
    }
  }

  @Test
  void whatAHandlerThrowsIsLoggedWithItsStack() throws Exception {
    RuntimeException thrown = new IllegalStateException("the database is away");
    client.subscribe(
        options().build(),
        delivery -> {
          throw thrown;
        });
    gateway.publish(TestEvents.ofCall("a"));
    LogRecord logged = next();
    assertSame(thrown, logged.getThrown());
    assertEquals(
        "the handler of Subscriber[crm] failed with event " + TestEvents.ofCall("a").eventId(),
        logged.getMessage());
    assertEquals("the database is away", gateway.awaitSettled(1).get(0).settlement().reason());
  }

  @Test
  void anExceptionWhoseWordsThrowGivesItsEventBackByItsName() {
    final class Wordless extends RuntimeException {
      private static final long serialVersionUID = 1;

      @Override
      public String getMessage() {
        throw new UnsupportedOperationException();
      }
    }

    client.subscribe(
        options().build(),
        delivery -> {
          throw new Wordless();
        });
    gateway.publish(TestEvents.ofCall("a"));
    assertEquals(Wordless.class.getName(), gateway.awaitSettled(1).get(0).settlement().reason());
  }

  @Test
  void whatAWatchersHandlerThrowsIsLoggedToo() throws Exception {
    RuntimeException thrown = new IllegalStateException();
    gateway.publish(TestEvents.ofCall("a"));
    Watcher watcher =
        client.watch(
            WatchOptions.builder().position(StartPosition.EARLIEST).build(),
            event -> {
              throw thrown;
            });
    OnhookException why = assertThrows(OnhookException.class, watcher::await);
    assertEquals("the handler failed: java.lang.IllegalStateException", why.getMessage());
    assertSame(thrown, next().getThrown());
  }

  @Test
  void whoseGatewayIsNotThereIsWarnedOnceWithTheAddressAndTheCause() throws Exception {
    String address = nobodysAddress();
    States listened = new States();
    try (OnhookClient lonely =
        OnhookClient.builder()
            .server(address)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(1))
            .build()) {
      lonely.subscribe("crm", delivery -> {});
      String words = next().getMessage();
      assertTrue(
          words.startsWith("Subscriber[crm] has no stream from " + address + " and goes on trying"),
          words);
      assertTrue(words.contains("UNAVAILABLE") && words.contains("refused"), words);
      // Who listens is told, and sees that time goes by for the other, too.
      lonely.subscribe(
          SubscribeOptions.builder("other").stateListener(listened).build(), delivery -> {});
      listened.await(SubscriberState.BACKING_OFF, 5);
      assertNull(records.poll());
    }
  }

  @Test
  void eachRowOfFailuresIsWarnedOfOnce() throws Exception {
    client.subscribe("crm", delivery -> {});
    for (int row = 1; row <= 2; ++row) {
      gateway.publish(TestEvents.ofCall("call-" + row));
      gateway.awaitSettled(row);
      gateway.breakStreams();
      assertTrue(next().getMessage().endsWith("the fake gateway breaks its streams"));
    }
    assertNull(records.poll());
  }

  @Test
  void whoAsksAServerOfHttpIsAskedForTheAddress() throws Exception {
    try (ServerSocket web = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        OnhookClient lost = OnhookClient.connect("127.0.0.1:" + web.getLocalPort())) {
      CompletableFuture<Void> answered =
          CompletableFuture.runAsync(
              () -> {
                try (Socket peer = web.accept()) {
                  peer.getOutputStream()
                      .write(
                          "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
                              .getBytes(StandardCharsets.US_ASCII));
                  peer.getOutputStream().flush();
                  peer.getInputStream().readAllBytes();
                } catch (java.io.IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      OnhookException why =
          assertInstanceOf(
              OnhookException.class,
              assertThrows(OnhookException.class, () -> lost.getEvent("v1-a")));
      assertEquals("SERVER_SPEAKS_NO_GRPC", why.reason().orElseThrow());
      assertTrue(why.getMessage().contains("gateway's gRPC address?"), why.getMessage());
      assertTrue(why.code() == Status.Code.INTERNAL || why.code() == Status.Code.UNAVAILABLE);
      get(answered);
    }
  }
}
