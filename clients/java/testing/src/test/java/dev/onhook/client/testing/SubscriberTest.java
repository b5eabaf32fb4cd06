package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryStream;
import dev.onhook.client.NotFoundException;
import dev.onhook.client.OnhookException;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.Subscriber;
import dev.onhook.client.SubscriberState;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import onhook.v1.GoAway;
import org.junit.jupiter.api.Test;

class SubscriberTest extends GatewayTest {
  private static Settlement settlement(Settlement.Action action, String reason) {
    return Settlement.of(action, reason);
  }

  private String eventId(String call) {
    return TestEvents.ofCall(call).eventId();
  }

  private void publish(String... calls) {
    for (String call : calls) {
      gateway.publish(TestEvents.ofCall(call));
    }
  }

  private List<Settlement> settlements() {
    return gateway.settled().stream().map(SettledDelivery::settlement).toList();
  }

  @Test
  void whatItsHandlerReturnsFromIsAcknowledgedInOrder() throws Exception {
    List<String> handled = new ArrayList<>();
    Subscriber subscriber =
        client.subscribe(options().build(), delivery -> handled.add(delivery.event().eventId()));
    publish("a", "b", "c");
    List<SettledDelivery> settled = gateway.awaitSettled(3);
    subscriber.stop();
    assertEquals(List.of(eventId("a"), eventId("b"), eventId("c")), handled);
    assertEquals(handled, settled.stream().map(SettledDelivery::eventId).toList());
    assertEquals(Settlement.Action.ACK, settled.get(0).settlement().action());
  }

  @Test
  void nothingIsAcknowledgedBeforeItsHandlerReturned() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    client.subscribe(
        options().build(),
        delivery -> {
          entered.countDown();
          mayReturn.await();
        });
    publish("a");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    assertEquals(List.of(), gateway.settled());
    mayReturn.countDown();
    gateway.awaitSettled(1);
  }

  @Test
  void aHandlerThatThrowsGivesItsEventBackWithTheWordsAndWithoutADelay() {
    client.subscribe(
        options().build(),
        delivery -> {
          if (delivery.attempt() == 1) {
            throw new IllegalStateException("the database is away");
          }
        });
    publish("a");
    SettledDelivery first = gateway.awaitSettled(1).get(0);
    assertEquals(settlement(Settlement.Action.RETRY, "the database is away"), first.settlement());
    gateway.redeliver(eventId("a"), RedeliveryReason.NACKED);
    assertEquals(Settlement.Action.ACK, gateway.awaitSettled(2).get(1).settlement().action());
  }

  @Test
  void anErrorWithoutWordsGoesByItsName() {
    client.subscribe(
        options().build(),
        delivery -> {
          throw new UnsupportedOperationException();
        });
    publish("a");
    assertEquals(
        UnsupportedOperationException.class.getName(),
        gateway.awaitSettled(1).get(0).settlement().reason());
  }

  @Test
  void reasonsAreCutAtAThousandAndTwentyFourCharactersNeverWithinOne() {
    client.subscribe(options().build(), delivery -> delivery.park("\uD83D\uDCDE".repeat(1025)));
    publish("a");
    assertEquals("\uD83D\uDCDE".repeat(1024), gateway.awaitSettled(1).get(0).settlement().reason());
  }

  @Test
  void aHandlerCanAskForAnythingElse() {
    client.subscribe(
        options().build(),
        delivery -> {
          switch (delivery.event().callSerialNo().orElseThrow()) {
            case "park" -> delivery.park("never");
            case "skip" -> delivery.skip("not ours");
            case "release" -> delivery.release("not here");
            default -> delivery.nack("later", Duration.ofSeconds(90));
          }
        });
    publish("park", "skip", "release", "retry");
    gateway.awaitSettled(4);
    assertEquals(
        List.of(
            settlement(Settlement.Action.PARK, "never"),
            settlement(Settlement.Action.SKIP, "not ours"),
            settlement(Settlement.Action.RELEASE, "not here"),
            new Settlement(Settlement.Action.RETRY, "later", Optional.of(Duration.ofSeconds(90)))),
        settlements());
  }

  @Test
  void asManyHandlersRunAtOnceAsAreWantedAndNoMore() throws Exception {
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    CountDownLatch three = new CountDownLatch(3);
    client.subscribe(
        options().concurrency(3).build(),
        delivery -> {
          most.accumulateAndGet(running.incrementAndGet(), Math::max);
          three.countDown();
          three.await();
          running.decrementAndGet();
        });
    publish("a", "b", "c", "d", "e", "f", "g");
    gateway.awaitSettled(7);
    assertEquals(3, most.get());
  }

  @Test
  void handlersRunWhereTheUserWantsThem() throws Exception {
    ExecutorService mine = Executors.newSingleThreadExecutor(task -> new Thread(task, "mine"));
    CompletableFuture<String> thread = new CompletableFuture<>();
    Subscriber subscriber =
        client.subscribe(
            options().executor(mine).build(),
            delivery -> thread.complete(Thread.currentThread().getName()));
    publish("a");
    assertEquals("mine", get(thread));
    subscriber.stop();
    assertFalse(mine.isShutdown());
    mine.shutdown();
  }

  @Test
  void anExecutorThatTakesNoHandlerEndsTheSubscriber() {
    ExecutorService mine = Executors.newSingleThreadExecutor();
    mine.shutdown();
    Subscriber subscriber = client.subscribe(options().executor(mine).build(), delivery -> {});
    publish("a");
    OnhookException why = assertThrows(OnhookException.class, subscriber::await);
    assertEquals("EXECUTOR_REJECTED", why.reason().orElseThrow());
  }

  @Test
  void deliveriesOfAStreamAreSettledOnceAndTellWhenTheyAreConfirmed() throws Exception {
    try (DeliveryStream stream = client.deliveries(options().build())) {
      publish("a");
      Delivery delivery = stream.iterator().next();
      get(delivery.ack());
      assertThrows(IllegalStateException.class, () -> delivery.nack("too late"));
      assertEquals(1, gateway.settled().size());
    }
  }

  @Test
  void whatTheGatewayRefusesIsToldByItsCode() throws Exception {
    try (DeliveryStream stream = client.deliveries(options().build())) {
      publish("a");
      Delivery delivery = stream.iterator().next();
      gateway.settleElsewhere(eventId("a"));
      ExecutionException why =
          assertThrows(ExecutionException.class, () -> get(delivery.nack("too late")));
      OnhookException cause = assertInstanceOf(OnhookException.class, why.getCause());
      assertEquals(Status.Code.ABORTED, cause.code());
      assertEquals("STALE", cause.reason().orElseThrow());
    }
  }

  @Test
  void acknowledgementsGatherWhileOneIsUnderWay() throws Exception {
    try (DeliveryStream stream = client.deliveries(options().build())) {
      publish("a", "b", "c", "d");
      Iterator<Delivery> deliveries = stream.iterator();
      gateway.withholdAnswers(true);
      deliveries.next().ack();
      gateway.awaitSettled(1);
      deliveries.next().ack();
      deliveries.next().ack();
      // Requests come in order, so what has not come before this one was not sent.
      Delivery last = deliveries.next();
      last.extend(Duration.ofMinutes(1));
      gateway.awaitExtensions(1);
      assertEquals(1, gateway.settled().size());
      gateway.withholdAnswers(false);
      gateway.breakStreams();
      gateway.awaitSettled(4);
      last.ack();
    }
  }

  @Test
  void aHandlerThatLeavesItsThreadInterruptedDisturbsNoOther() throws Exception {
    BlockingQueue<Boolean> interrupted = new LinkedBlockingQueue<>();
    client.subscribe(
        options().build(),
        delivery -> {
          interrupted.add(Thread.currentThread().isInterrupted());
          Thread.currentThread().interrupt();
        });
    publish("a", "b", "c");
    gateway.awaitSettled(3);
    assertEquals(List.of(false, false, false), List.copyOf(interrupted));
  }

  @Test
  void anExecutorThatIsShutDownBurnsNoAttemptOfWhatWaits() throws Exception {
    ExecutorService mine = Executors.newSingleThreadExecutor();
    CountDownLatch entered = new CountDownLatch(1);
    Subscriber subscriber =
        client.subscribe(
            options().executor(mine).build(),
            delivery -> {
              entered.countDown();
              new CountDownLatch(1).await();
            });
    publish("a", "b");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    mine.shutdownNow();
    assertThrows(OnhookException.class, subscriber::await);
    assertEquals(
        List.of(Settlement.Action.RETRY, Settlement.Action.RELEASE),
        gateway.awaitSettled(2).stream().map(one -> one.settlement().action()).toList());
  }

  @Test
  void aListenerThatThrowsHidesNothing() throws Exception {
    Subscriber subscriber =
        client.subscribe(
            options()
                .stateListener(
                    (state, cause) -> {
                      throw new AssertionError("thrown by the test's listener");
                    })
                .build(),
            delivery -> {});
    publish("a");
    gateway.awaitSettled(1);
    subscriber.stop();
    assertEquals(SubscriberState.STOPPED, subscriber.state());
  }

  @Test
  void aLoopOverAStreamEndsWhenItIsStopped() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a", "b");
    List<String> taken = new ArrayList<>();
    for (Delivery delivery : stream) {
      delivery.ack();
      taken.add(delivery.event().callSerialNo().orElseThrow());
      if (taken.size() == 2) {
        stream.stopAsync();
      }
    }
    stream.await();
    assertEquals(List.of("a", "b"), taken);
    assertEquals(SubscriberState.STOPPED, stream.state());
  }

  @Test
  void aLoopOverAStreamThrowsWhatEndedIt() {
    gateway.refuse(Status.Code.NOT_FOUND, "SUBSCRIPTION_NOT_FOUND", "no such", Map.of("x", "y"));
    DeliveryStream stream = client.deliveries(options().build());
    Iterator<Delivery> iterator = stream.iterator();
    NotFoundException why = assertThrows(NotFoundException.class, iterator::hasNext);
    assertEquals("SUBSCRIPTION_NOT_FOUND", why.reason().orElseThrow());
    assertEquals(Map.of("x", "y"), why.metadata());
  }

  @Test
  void whoWaitsForADeliveryCanBeInterrupted() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    Thread.currentThread().interrupt();
    OnhookException why = assertThrows(OnhookException.class, () -> stream.iterator().hasNext());
    assertEquals(Status.Code.CANCELLED, why.code());
    assertTrue(Thread.interrupted());
    assertFalse(stream.poll(Duration.ZERO).isPresent());
  }

  @Test
  void pausingStopsNewDeliveriesAndResumingBringsThem() throws Exception {
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    states.await(SubscriberState.STREAMING, 1);
    subscriber.pause();
    gateway.awaitPaused(true);
    publish("a");
    assertEquals(List.of(), gateway.settled());
    subscriber.resume();
    gateway.awaitSettled(1);
    assertEquals(1, gateway.opened());
  }

  @Test
  void aPauseOutlivesItsStream() throws Exception {
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    states.await(SubscriberState.STREAMING, 1);
    subscriber.pause();
    gateway.breakStreams();
    gateway.awaitOpened(2);
    gateway.awaitPaused(true);
    subscriber.resume();
    publish("a");
    gateway.awaitSettled(1);
  }

  @Test
  void noMoreIsHereUnsettledThanIsAllowed() throws Exception {
    DeliveryStream stream = client.deliveries(options().maxOutstandingEvents(2).build());
    publish("a", "b", "c");
    Delivery first = stream.iterator().next();
    stream.iterator().next();
    assertFalse(stream.poll(Duration.ofMillis(1)).isPresent());
    first.ack();
    assertEquals("c", stream.iterator().next().event().callSerialNo().orElseThrow());
    stream.stopAsync(Duration.ZERO);
  }

  @Test
  void anExtensionThatIsAskedForIsConfirmed() throws Exception {
    try (DeliveryStream stream = client.deliveries(options().build())) {
      publish("a");
      Delivery delivery = stream.iterator().next();
      get(delivery.extend(Duration.ofMinutes(5)));
      assertEquals(Duration.ofMinutes(5), gateway.awaitExtensions(1).get(0).ackDeadline());
      assertThrows(IllegalArgumentException.class, () -> delivery.extend(Duration.ofMillis(999)));
      delivery.ack();
    }
  }

  @Test
  void anExtensionOfWhatIsSettledFails() throws Exception {
    try (DeliveryStream stream = client.deliveries(options().build())) {
      publish("a");
      Delivery delivery = stream.iterator().next();
      get(delivery.ack());
      ExecutionException why =
          assertThrows(ExecutionException.class, () -> get(delivery.extend(Duration.ofMinutes(5))));
      assertInstanceOf(OnhookException.class, why.getCause());
    }
  }

  @Test
  void whatIsHandledAndWhatWaitsIsExtendedUntilItIsSettled() throws Exception {
    gateway.ackDeadline(Duration.ofMillis(20));
    CountDownLatch mayReturn = new CountDownLatch(1);
    client.subscribe(options().build(), delivery -> mayReturn.await());
    publish("a", "b");
    List<FakeGateway.Extension> extensions = gateway.awaitExtensions(2);
    assertEquals(
        List.of("crm-1", "crm-2"),
        extensions.stream().map(FakeGateway.Extension::deliveryId).distinct().sorted().toList());
    // No deadline may be shorter than a second.
    assertEquals(Duration.ofSeconds(1), extensions.get(0).ackDeadline());
    mayReturn.countDown();
    gateway.awaitSettled(2);
  }

  @Test
  void nothingIsExtendedIfNothingIsToBe() throws Exception {
    gateway.ackDeadline(Duration.ofMillis(1));
    DeliveryStream stream = client.deliveries(options().maxExtension(Duration.ZERO).build());
    publish("a");
    Delivery delivery = stream.iterator().next();
    get(delivery.extend(Duration.ofSeconds(7)));
    assertEquals(
        List.of(Duration.ofSeconds(7)),
        gateway.awaitExtensions(1).stream().map(FakeGateway.Extension::ackDeadline).toList());
    delivery.ack();
  }

  @Test
  void whatIsBeingHandledIsNotHandledTwiceAndSettlesByTheNewestDelivery() throws Exception {
    AtomicInteger handled = new AtomicInteger();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    client.subscribe(
        options().concurrency(2).build(),
        delivery -> {
          handled.incrementAndGet();
          if (delivery.event().callSerialNo().orElseThrow().equals("a")) {
            entered.countDown();
            mayReturn.await();
          }
        });
    publish("a");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    gateway.redeliver(eventId("a"), RedeliveryReason.DEADLINE_EXPIRED);
    publish("b");
    gateway.awaitSettled(1);
    mayReturn.countDown();
    assertEquals("crm-2", gateway.awaitSettled(2).get(1).deliveryId());
    assertEquals(2, handled.get());
  }

  @Test
  void whatWaitsIsHandledOnceByTheNewestDelivery() throws Exception {
    BlockingQueue<Integer> attempts = new LinkedBlockingQueue<>();
    CountDownLatch mayReturn = new CountDownLatch(1);
    CountDownLatch entered = new CountDownLatch(1);
    client.subscribe(
        options().build(),
        delivery -> {
          attempts.add(delivery.attempt());
          entered.countDown();
          mayReturn.await();
        });
    publish("a", "b");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    gateway.redeliver(eventId("b"), RedeliveryReason.DEADLINE_EXPIRED);
    // What came before this has been read once it is obeyed.
    gateway.goAway(GoAway.Reason.REASON_MAX_AGE, Duration.ofMinutes(1));
    gateway.awaitOpened(2);
    mayReturn.countDown();
    gateway.awaitSettled(2);
    assertEquals(List.of(1, 2), List.copyOf(attempts));
  }

  @Test
  void theHandlerGetsTheAttemptTheReasonTheCursorAndTheTrace() throws Exception {
    String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    gateway.publish(TestEvents.messageOf("a").setTraceparent(trace).build());
    DeliveryStream stream = client.deliveries(options().build());
    Delivery first = stream.iterator().next();
    assertEquals(1, first.attempt());
    assertEquals("fake-1", first.cursor());
    assertEquals(RedeliveryReason.UNSPECIFIED, first.redeliveryReason());
    assertEquals(Map.of("traceparent", trace), first.traceContext());
    get(first.nack("again"));
    gateway.redeliver(eventId("a"), RedeliveryReason.NACKED);
    Delivery second = stream.iterator().next();
    assertEquals(2, second.attempt());
    assertEquals(RedeliveryReason.NACKED, second.redeliveryReason());
    second.ack();
  }
}
