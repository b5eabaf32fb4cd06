package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.LogGapException;
import dev.onhook.client.OnhookException;
import dev.onhook.client.StartPosition;
import dev.onhook.client.SubscriberState;
import dev.onhook.client.WatchOptions;
import dev.onhook.client.WatchStream;
import dev.onhook.client.WatchedEvent;
import dev.onhook.client.Watcher;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import onhook.v1.GoAway;
import org.junit.jupiter.api.Test;

class WatcherTest extends GatewayTest {
  private final BlockingQueue<String> handled = new LinkedBlockingQueue<>();

  private WatchOptions.Builder watching() {
    return WatchOptions.builder().position(StartPosition.EARLIEST).stateListener(states);
  }

  private void publish(String... calls) {
    for (String call : calls) {
      gateway.publish(TestEvents.ofCall(call));
    }
  }

  private void take(WatchedEvent event) {
    handled.add(event.event().callSerialNo().orElseThrow());
  }

  private void assertHandled(String... calls) throws InterruptedException {
    for (String call : calls) {
      assertEquals(call, handled.poll(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void eventsComeInOrderFromTheirPlace() throws Exception {
    publish("a", "b");
    Watcher watcher = client.watch(watching().build(), this::take);
    assertHandled("a", "b");
    publish("c");
    assertHandled("c");
    watcher.stop();
    assertEquals(Optional.of("fake-3"), watcher.cursor());
    assertEquals(SubscriberState.STOPPED, watcher.state());
  }

  @Test
  void aLostStreamIsReadOnBehindTheLastEventHandedOver() throws Exception {
    Watcher watcher = client.watch(watching().build(), this::take);
    publish("a");
    assertHandled("a");
    gateway.breakStreams();
    publish("b");
    assertHandled("b");
    gateway.goAway(GoAway.Reason.REASON_MAX_AGE, Duration.ofSeconds(1));
    publish("c");
    assertHandled("c");
    watcher.stop();
    assertTrue(handled.isEmpty());
  }

  @Test
  void aSilentConnectionIsGivenUp() throws Exception {
    gateway.heartbeatInterval(Duration.ofMillis(50));
    client.watch(watching().build(), this::take);
    publish("a");
    assertHandled("a");
    gateway.heartbeatInterval(Duration.ofSeconds(15));
    gateway.goSilent();
    publish("b");
    assertHandled("b");
    assertEquals("CONNECTION_SILENT", states.causes().get(0).reason().orElseThrow());
  }

  @Test
  void anotherProcessGoesOnBehindTheCursorThatWasKept() throws Exception {
    publish("a", "b");
    client.watch(WatchOptions.builder().afterCursor("fake-1").build(), this::take);
    assertHandled("b");
  }

  @Test
  void aLoopEndsAtTheEndOfTheLogIfItIsToldTo() throws Exception {
    publish("a", "b");
    List<String> cursors = new ArrayList<>();
    WatchStream stream = client.watch(watching().stopAtEnd().build());
    for (WatchedEvent event : stream) {
      cursors.add(event.cursor());
    }
    stream.await();
    assertEquals(List.of("fake-1", "fake-2"), cursors);
    assertEquals(Optional.of("fake-2"), stream.cursor());
  }

  @Test
  void anEventOfALoopCountsAsReachedWhenTheNextIsAskedFor() throws Exception {
    publish("a", "b");
    WatchStream stream = client.watch(watching().build());
    Iterator<WatchedEvent> iterator = stream.iterator();
    iterator.next();
    assertEquals(Optional.of("fake-0"), stream.cursor());
    iterator.next();
    assertEquals(Optional.of("fake-1"), stream.cursor());
    stream.stop();
    assertFalse(iterator.hasNext());
  }

  @Test
  void aGapEndsTheWatchAndSaysHowLargeItIs() {
    publish("a", "b", "c");
    gateway.forgetOldest(2);
    WatchStream stream =
        client.watch(WatchOptions.builder().afterCursor("fake-0").stateListener(states).build());
    Iterator<WatchedEvent> iterator = stream.iterator();
    LogGapException gap = assertThrows(LogGapException.class, iterator::hasNext);
    assertEquals(Optional.of("fake-2"), gap.oldestCursor());
    assertEquals(2, gap.eventsLost().orElseThrow());
    assertEquals(Status.Code.OUT_OF_RANGE, gap.code());
    assertThrows(LogGapException.class, stream::await);
  }

  @Test
  void whatAHandlerThrowsEndsTheWatchAndItsEventIsNotReached() {
    publish("a", "b");
    IllegalStateException full = new IllegalStateException("the disk is full");
    Watcher watcher =
        client.watch(
            watching().build(),
            event -> {
              if (event.cursor().equals("fake-2")) {
                throw full;
              }
            });
    OnhookException why = assertThrows(OnhookException.class, watcher::await);
    assertEquals(full, why.getCause());
    assertEquals(Optional.of("fake-1"), watcher.cursor());
  }

  @Test
  void whatWaitsForASlowLoopOutlivesItsStream() throws Exception {
    publish("a", "b", "c");
    WatchStream stream = client.watch(watching().build());
    Iterator<WatchedEvent> iterator = stream.iterator();
    iterator.next();
    gateway.breakStreams();
    states.await(SubscriberState.STREAMING, 2);
    publish("d");
    List<String> rest = new ArrayList<>();
    for (int i = 0; i < 3; ++i) {
      rest.add(iterator.next().event().callSerialNo().orElseThrow());
    }
    assertEquals(List.of("b", "c", "d"), rest);
    stream.stop();
  }

  @Test
  void aWatchThatMayNotIsToldSo() {
    gateway.refuse(
        Status.Code.PERMISSION_DENIED,
        "DENIED",
        "not you",
        java.util.Map.of("permission", "watch"));
    Watcher watcher = client.watch(watching().build(), this::take);
    assertInstanceOf(
        dev.onhook.client.PermissionDeniedException.class,
        assertThrows(OnhookException.class, watcher::await));
  }
}
