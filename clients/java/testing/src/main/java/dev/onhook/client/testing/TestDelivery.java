package dev.onhook.client.testing;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryHandler;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.ReleaseEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import onhook.v1.ReleaseEvent.Builder;

/**
 * A delivery that was made by hand, and what a handler makes of it:
 *
 * <pre>{@code
 * TestDelivery delivery = TestDelivery.of(TestEvents.ofCall("call-1"));
 * Settlement settlement = delivery.handleWith(new RecordingFetch(archive));
 * assertEquals(Settlement.Action.PARK, settlement.action());
 * }</pre>
 *
 * <p>Whatever is said is confirmed at once. For one thread.
 */
public final class TestDelivery implements Delivery {
  private final onhook.v1.Delivery message;
  private final ReleaseEvent event;
  private final List<Duration> extensions = new ArrayList<>();
  private Settlement settlement;

  private TestDelivery(onhook.v1.Delivery message) {
    this.message = message;
    this.event = ReleaseEvent.of(message.getEvent());
  }

  /**
   * Makes the first delivery of an event.
   *
   * @param event the event
   * @return a delivery
   */
  public static TestDelivery of(ReleaseEvent event) {
    return new TestDelivery(
        onhook.v1.Delivery.newBuilder()
            .setDeliveryId("test-delivery")
            .setEvent(event.message())
            .setCursor("test-cursor")
            .setAttempt(1)
            .build());
  }

  /**
   * Makes the first delivery of an event.
   *
   * @param event the event's message
   * @return a delivery
   */
  public static TestDelivery of(Builder event) {
    return of(ReleaseEvent.of(event.build()));
  }

  /**
   * Makes the same delivery as a later attempt.
   *
   * @param attempt its number
   * @param reason why the event comes again
   * @return another delivery
   */
  public TestDelivery again(int attempt, RedeliveryReason reason) {
    return new TestDelivery(
        message.toBuilder().setAttempt(attempt).setRedeliveryReasonValue(reason.ordinal()).build());
  }

  /**
   * Calls a handler with this delivery.
   *
   * @param handler the handler
   * @return what a subscriber would say to the gateway now
   */
  public Settlement handleWith(DeliveryHandler handler) {
    Settlement returned;
    try {
      handler.handle(this);
      returned = Settlement.of(Settlement.Action.ACK, "");
    } catch (Exception e) {
      String words = e.getMessage();
      returned =
          Settlement.of(
              Settlement.Action.RETRY,
              words == null || words.isBlank() ? e.getClass().getName() : words);
    }
    if (settlement == null) {
      settlement = returned;
    }
    return settlement;
  }

  /**
   * Returns what was said of this delivery.
   *
   * @return empty: nothing yet
   */
  public Optional<Settlement> settlement() {
    return Optional.ofNullable(settlement);
  }

  /**
   * Returns what extensions were asked for.
   *
   * @return deadlines, in order
   */
  public List<Duration> extensions() {
    return List.copyOf(extensions);
  }

  @Override
  public onhook.v1.Delivery message() {
    return message;
  }

  @Override
  public ReleaseEvent event() {
    return event;
  }

  @Override
  public CompletableFuture<Void> ack() {
    return settle(Settlement.of(Settlement.Action.ACK, ""));
  }

  @Override
  public CompletableFuture<Void> nack(String reason) {
    return settle(Settlement.of(Settlement.Action.RETRY, reason));
  }

  @Override
  public CompletableFuture<Void> nack(String reason, Duration delay) {
    return settle(new Settlement(Settlement.Action.RETRY, reason, Optional.of(delay)));
  }

  @Override
  public CompletableFuture<Void> park(String reason) {
    return settle(Settlement.of(Settlement.Action.PARK, reason));
  }

  @Override
  public CompletableFuture<Void> skip(String reason) {
    return settle(Settlement.of(Settlement.Action.SKIP, reason));
  }

  @Override
  public CompletableFuture<Void> release(String reason) {
    return settle(Settlement.of(Settlement.Action.RELEASE, reason));
  }

  @Override
  public CompletableFuture<Void> extend(Duration ackDeadline) {
    extensions.add(ackDeadline);
    return CompletableFuture.completedFuture(null);
  }

  private CompletableFuture<Void> settle(Settlement said) {
    if (settlement != null) {
      throw new IllegalStateException("the delivery is settled already");
    }
    settlement = said;
    return CompletableFuture.completedFuture(null);
  }
}
