package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryStream;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.Subscriber;
import dev.onhook.client.SubscriberState;
import dev.onhook.client.UnconfirmedException;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class StopTest extends GatewayTest {
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch mayReturn = new CountDownLatch(1);

  private void publish(String... calls) {
    for (String call : calls) {
      gateway.publish(TestEvents.ofCall(call));
    }
  }

  private Subscriber subscribeAndHandleFirst() throws InterruptedException {
    Subscriber subscriber =
        client.subscribe(
            options().build(),
            delivery -> {
              entered.countDown();
              mayReturn.await();
            });
    publish("a");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    return subscriber;
  }

  private List<Settlement.Action> actions() {
    return gateway.settled().stream().map(one -> one.settlement().action()).toList();
  }

  @Test
  void aStopWaitsForTheHandlerAndForItsConfirmation() throws Exception {
    Subscriber subscriber = subscribeAndHandleFirst();
    CompletableFuture<Void> stopped = subscriber.stopAsync();
    gateway.awaitPaused(true);
    assertFalse(stopped.isDone());
    mayReturn.countDown();
    get(stopped);
    assertEquals(List.of(Settlement.Action.ACK), actions());
    assertEquals(1, gateway.endedWithOk());
    assertEquals(SubscriberState.STOPPED, states.seen().get(states.seen().size() - 1));
    assertEquals(List.of(), states.causes());
  }

  @Test
  void whatWaitsAndWhatStillComesIsReleasedWhileAHandlerRuns() throws Exception {
    Subscriber subscriber = subscribeAndHandleFirst();
    publish("b");
    subscriber.stopAsync();
    gateway.awaitSettled(1);
    assertEquals(List.of(Settlement.Action.RELEASE), actions());
    assertEquals("the consumer stops", gateway.settled().get(0).settlement().reason());
    mayReturn.countDown();
    get(subscriber.completion());
    assertEquals(List.of(Settlement.Action.RELEASE, Settlement.Action.ACK), actions());
  }

  @Test
  void whatAHandlerHoldsAfterTheGraceIsReleased() throws Exception {
    Subscriber subscriber = subscribeAndHandleFirst();
    subscriber.stop(Duration.ofMillis(1));
    assertEquals(List.of(Settlement.Action.RELEASE), actions());
    mayReturn.countDown();
  }

  @Test
  void aHandlerThatOutlivesItsStreamAfterAStopIsAcknowledgedOnTheNext() throws Exception {
    Subscriber subscriber = subscribeAndHandleFirst();
    CompletableFuture<Void> stopped = subscriber.stopAsync();
    gateway.awaitPaused(true);
    gateway.breakStreams();
    gateway.awaitOpened(2);
    mayReturn.countDown();
    get(stopped);
    assertEquals(List.of(Settlement.Action.ACK), actions());
  }

  @Test
  void anAcknowledgementThatIsNeverConfirmedIsCounted() throws Exception {
    DeliveryStream stream =
        client.deliveries(options().confirmationTimeout(Duration.ofMillis(50)).build());
    publish("a", "b");
    Delivery first = stream.iterator().next();
    Delivery second = stream.iterator().next();
    gateway.withholdAnswers(true);
    CompletableFuture<Void> confirmed = first.ack();
    second.ack();
    UnconfirmedException why = assertThrows(UnconfirmedException.class, stream::stop);
    assertEquals(2, why.count());
    assertEquals(Status.Code.UNAVAILABLE, why.code());
    ExecutionException told = assertThrows(ExecutionException.class, () -> get(confirmed));
    assertInstanceOf(UnconfirmedException.class, told.getCause());
  }

  @Test
  void aStopWaitsForAStreamThatCanConfirmWhatIsAcknowledged() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    Delivery delivery = stream.iterator().next();
    gateway.refuse(Status.Code.UNAVAILABLE, "", "restarts", Map.of());
    gateway.breakStreams();
    states.await(SubscriberState.BACKING_OFF, 2);
    CompletableFuture<Void> confirmed = delivery.ack();
    CompletableFuture<Void> stopped = stream.stopAsync();
    gateway.accept();
    get(stopped);
    assertTrue(confirmed.isDone());
    assertEquals(List.of(Settlement.Action.ACK), actions());
  }

  @Test
  void whatAnIteratorGaveOutIsReleasedAfterTheGraceAndCannotBeSettledAnyMore() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    Delivery delivery = stream.iterator().next();
    stream.stop(Duration.ZERO);
    assertEquals(List.of(Settlement.Action.RELEASE), actions());
    ExecutionException why = assertThrows(ExecutionException.class, () -> get(delivery.ack()));
    assertEquals(
        "GIVEN_BACK",
        assertInstanceOf(OnhookException.class, why.getCause()).reason().orElseThrow());
  }

  @Test
  void aStopBeforeAnyStreamIsOpenEndsAtOnce() throws Exception {
    gateway.refuse(Status.Code.UNAVAILABLE, "", "restarts", Map.of());
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    states.await(SubscriberState.BACKING_OFF, 1);
    subscriber.stop();
    assertEquals(SubscriberState.STOPPED, subscriber.state());
  }

  @Test
  void stoppingTwiceIsStoppingOnce() throws Exception {
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    subscriber.stop();
    subscriber.stop();
    subscriber.close();
    assertTrue(subscriber.await(Duration.ZERO));
  }

  @Test
  void aClientThatIsClosedHasStoppedEverythingAndLeavesNoThread() throws Exception {
    OnhookClient other = gateway.client();
    Subscriber subscriber = other.subscribe(options().build(), delivery -> {});
    publish("a");
    gateway.awaitSettled(1);
    List<Thread> before = threadsOfClients();
    assertFalse(before.isEmpty());
    client.close();
    other.close();
    assertTrue(subscriber.completion().isDone());
    assertEquals(List.of(), threadsOfClients());
    assertThrows(IllegalStateException.class, () -> other.subscribe("crm", delivery -> {}));
  }

  private static List<Thread> threadsOfClients() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.isAlive() && thread.getName().startsWith("onhook-"))
        .toList();
  }
}
