package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryStream;
import dev.onhook.client.NotFoundException;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.Subscriber;
import dev.onhook.client.SubscriberState;
import dev.onhook.client.UnauthenticatedException;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import onhook.v1.GoAway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ReconnectTest extends GatewayTest {
  private void publish(String call) {
    gateway.publish(TestEvents.ofCall(call));
  }

  @Test
  void aLostStreamIsOpenedAgainUnderTheSameName() throws Exception {
    client.subscribe(options().build(), delivery -> {});
    states.await(SubscriberState.STREAMING, 1);
    gateway.breakStreams();
    states.await(SubscriberState.STREAMING, 2);
    publish("a");
    assertEquals("crm", gateway.awaitSettled(1).get(0).subscription());
    assertEquals(
        List.of(
            SubscriberState.CONNECTING,
            SubscriberState.STREAMING,
            SubscriberState.BACKING_OFF,
            SubscriberState.CONNECTING,
            SubscriberState.STREAMING),
        states.seen());
    assertEquals("the fake gateway breaks its streams", states.causes().get(0).getMessage());
  }

  @Test
  void anUnansweredAcknowledgementIsSentAgainOnTheNextStreamAndConfirmed() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    Delivery delivery = stream.iterator().next();
    gateway.withholdAnswers(true);
    CompletableFuture<Void> confirmed = delivery.ack();
    gateway.awaitSettled(1);
    assertFalse(confirmed.isDone());
    gateway.withholdAnswers(false);
    gateway.breakStreams();
    get(confirmed);
    List<SettledDelivery> settled = gateway.settled();
    assertEquals(settled.get(0), settled.get(1));
    stream.stop();
  }

  @Test
  void aHandlerThatOutlivesItsStreamIsAcknowledgedOnTheNext() throws Exception {
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
    gateway.breakStreams();
    states.await(SubscriberState.STREAMING, 2);
    mayReturn.countDown();
    assertEquals(Settlement.Action.ACK, gateway.awaitSettled(1).get(0).settlement().action());
  }

  @Test
  void aNackWhoseStreamIsLostIsGivenUp() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    Delivery delivery = stream.iterator().next();
    gateway.withholdAnswers(true);
    CompletableFuture<Void> confirmed = delivery.nack("later");
    gateway.awaitSettled(1);
    gateway.breakStreams();
    ExecutionException why = assertThrows(ExecutionException.class, () -> get(confirmed));
    OnhookException cause = assertInstanceOf(OnhookException.class, why.getCause());
    assertEquals(Status.Code.UNAVAILABLE, cause.code());
    gateway.withholdAnswers(false);
    stream.stop();
  }

  @Test
  void whatCouldNotBeStoredNowIsAskedAgain() throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    gateway.retryLater(2);
    get(stream.iterator().next().ack());
    assertEquals(1, gateway.settled().size());
    stream.stop();
  }

  @Test
  void aSilentConnectionIsGivenUpAndNotUsedAgain() throws Exception {
    gateway.heartbeatInterval(Duration.ofMillis(50));
    client.subscribe(options().build(), delivery -> {});
    gateway.awaitStreams(1);
    gateway.goSilent();
    gateway.heartbeatInterval(Duration.ofSeconds(15));
    gateway.awaitOpened(2);
    gateway.awaitStreams(1);
    publish("a");
    gateway.awaitSettled(1);
    assertEquals("CONNECTION_SILENT", states.causes().get(0).reason().orElseThrow());
    assertEquals(2, gateway.peersSeen());
  }

  @Test
  void goAwayOpensTheReplacementWhileTheOldStreamFinishes() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    client.subscribe(
        options().concurrency(2).build(),
        delivery -> {
          if (delivery.event().callSerialNo().orElseThrow().equals("a")) {
            entered.countDown();
            mayReturn.await();
          }
        });
    publish("a");
    assertTrue(entered.await(10, TimeUnit.SECONDS));
    gateway.goAway(GoAway.Reason.REASON_MAX_AGE, Duration.ofMinutes(1));
    gateway.awaitStreams(2);
    publish("b");
    gateway.awaitSettled(1);
    mayReturn.countDown();
    assertEquals("crm-1", gateway.awaitSettled(2).get(1).deliveryId());
    gateway.awaitStreams(1);
    assertFalse(states.seen().contains(SubscriberState.BACKING_OFF));
    assertEquals(1, gateway.endedWithOk());
  }

  @Test
  void aStreamThatDrainsTooLongIsHalfClosedAndItsHandlerAcknowledgedOnTheNext() throws Exception {
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
    gateway.goAway(GoAway.Reason.REASON_SHUTDOWN, Duration.ofMillis(1));
    gateway.awaitOpened(2);
    gateway.awaitStreams(1);
    mayReturn.countDown();
    assertEquals(Settlement.Action.ACK, gateway.awaitSettled(1).get(0).settlement().action());
  }

  @Test
  void aSubscriptionThatIsDeletedEndsTheSubscriber() {
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    gateway.awaitStreams(1);
    gateway.goAway(GoAway.Reason.REASON_SUBSCRIPTION_DELETED, Duration.ZERO);
    NotFoundException why = assertThrows(NotFoundException.class, subscriber::await);
    assertEquals("SUBSCRIPTION_DELETED", why.reason().orElseThrow());
    assertEquals(SubscriberState.STOPPED, subscriber.state());
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {
        "NOT_FOUND",
        "INVALID_ARGUMENT",
        "FAILED_PRECONDITION",
        "PERMISSION_DENIED",
        "UNAUTHENTICATED",
        "UNIMPLEMENTED"
      })
  void whatNoRepetitionMendsEndsTheSubscriber(Status.Code code) {
    gateway.refuse(code, "WHY", "in words", Map.of("permission", "receive"));
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    OnhookException why = assertThrows(OnhookException.class, subscriber::await);
    assertEquals(code, why.code());
    assertEquals("in words", why.getMessage());
    assertEquals("WHY", why.reason().orElseThrow());
    assertEquals("receive", why.metadata().get("permission"));
    assertEquals(List.of(why), states.causes());
  }

  @ParameterizedTest
  @EnumSource(
      value = Status.Code.class,
      names = {
        "UNAVAILABLE",
        "RESOURCE_EXHAUSTED",
        "INTERNAL",
        "UNKNOWN",
        "ABORTED",
        "CANCELLED",
        "DEADLINE_EXCEEDED",
        "DATA_LOSS"
      })
  void everythingElseIsRepeated(Status.Code code) throws Exception {
    gateway.refuseNext(code, "", "not now");
    Subscriber subscriber = client.subscribe(options().build(), delivery -> {});
    states.await(SubscriberState.STREAMING, 1);
    assertEquals(code, states.causes().get(0).code());
    subscriber.stop();
  }

  @Test
  void aGatewayThatIsAwayIsWaitedFor() throws Exception {
    String address;
    try (FakeGateway away = FakeGateway.start()) {
      address = away.address();
    }
    try (OnhookClient other =
        OnhookClient.builder()
            .server(address)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(5))
            .build()) {
      other.subscribe(options().build(), delivery -> {});
      states.await(SubscriberState.BACKING_OFF, 3);
      assertEquals("NOBODY_LISTENS", states.causes().get(0).reason().orElseThrow());
      assertFalse(states.seen().contains(SubscriberState.STOPPED));
    }
  }

  @Test
  void whoWasLetInBeforeIsPatientWhileItsTokenMayChange(@TempDir Path directory) throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "secret\n");
    try (OnhookClient other = gateway.clientBuilder().tokenFile(token).build()) {
      other.subscribe(options().build(), delivery -> {});
      states.await(SubscriberState.STREAMING, 1);
      gateway.refuse(Status.Code.UNAUTHENTICATED, "", "who are you", Map.of());
      gateway.breakStreams();
      states.await(SubscriberState.BACKING_OFF, 4);
      assertEquals(
          "the token " + token,
          assertInstanceOf(UnauthenticatedException.class, states.causes().get(1))
              .metadata()
              .get("shown"));
      gateway.accept();
      states.await(SubscriberState.STREAMING, 2);
    }
  }

  @Test
  void thatPatienceHasAnEnd(@TempDir Path directory) throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "secret");
    try (OnhookClient other =
        gateway.clientBuilder().tokenFile(token).rotationPatience(Duration.ZERO).build()) {
      Subscriber subscriber = other.subscribe(options().build(), delivery -> {});
      states.await(SubscriberState.STREAMING, 1);
      gateway.refuse(Status.Code.UNAUTHENTICATED, "", "who are you", Map.of());
      gateway.breakStreams();
      assertThrows(UnauthenticatedException.class, subscriber::await);
    }
  }

  @Test
  void anEventThatCameAgainWhileItsAcknowledgementWasUnderWayIsHandledAgainOnlyAfterIt()
      throws Exception {
    DeliveryStream stream = client.deliveries(options().build());
    publish("a");
    get(stream.iterator().next().ack());
    gateway.redeliver(TestEvents.ofCall("a").eventId(), RedeliveryReason.SEEK);
    Delivery again = stream.iterator().next();
    assertEquals(RedeliveryReason.SEEK, again.redeliveryReason());
    get(again.ack());
    stream.stop();
  }
}
