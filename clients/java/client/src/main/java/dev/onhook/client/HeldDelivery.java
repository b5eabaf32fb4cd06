package dev.onhook.client;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** An event that a subscriber has, as its user sees it; and of it the newest delivery. */
final class HeldDelivery implements Delivery {
  private static final Duration SHORTEST_DEADLINE = Duration.ofSeconds(1);
  private static final Duration LONGEST_DEADLINE = Duration.ofMinutes(10);
  private static final Duration LONGEST_DELAY = Duration.ofHours(1);

  /** How far it has come. */
  enum Stage {
    /** Nobody has seen it yet. */
    WAITING,
    /** It is being handled, or was taken from an iterator. */
    IN_HAND,
    /** Its user has said what is to become of it. */
    SETTLED,
    /** Given back before its user has said anything. */
    GONE
  }

  private final SubscriberEngine engine;

  // All guarded by the engine's monitor; the message does not change once it is in hand.
  onhook.v1.Delivery message;
  Attempt newest;
  Stage stage = Stage.WAITING;

  private ReleaseEvent event;

  HeldDelivery(SubscriberEngine engine, onhook.v1.Delivery message, Attempt newest) {
    this.engine = engine;
    this.message = message;
    this.newest = newest;
  }

  @Override
  public onhook.v1.Delivery message() {
    return message;
  }

  @Override
  public ReleaseEvent event() {
    if (event == null) {
      event = ReleaseEvent.of(message.getEvent());
    }
    return event;
  }

  @Override
  public CompletableFuture<Void> ack() {
    return settle(Settlement.Action.ACK, "", null);
  }

  @Override
  public CompletableFuture<Void> nack(String reason) {
    return settle(Settlement.Action.RETRY, reason, null);
  }

  @Override
  public CompletableFuture<Void> nack(String reason, Duration delay) {
    Times.requireNotNegative(delay, "delay");
    if (delay.compareTo(LONGEST_DELAY) > 0) {
      throw new IllegalArgumentException("delay must be at most 1 h, not " + delay);
    }
    return settle(Settlement.Action.RETRY, reason, delay);
  }

  @Override
  public CompletableFuture<Void> park(String reason) {
    return settle(Settlement.Action.PARK, reason, null);
  }

  @Override
  public CompletableFuture<Void> skip(String reason) {
    return settle(Settlement.Action.SKIP, reason, null);
  }

  @Override
  public CompletableFuture<Void> release(String reason) {
    return settle(Settlement.Action.RELEASE, reason, null);
  }

  @Override
  public CompletableFuture<Void> extend(Duration ackDeadline) {
    if (ackDeadline.compareTo(SHORTEST_DEADLINE) < 0
        || ackDeadline.compareTo(LONGEST_DEADLINE) > 0) {
      throw new IllegalArgumentException("ackDeadline must be 1 s to 10 min, not " + ackDeadline);
    }
    CompletableFuture<Void> confirmed = new CompletableFuture<>();
    engine.extend(this, new Settlement(Settlement.Action.EXTEND, "", ackDeadline, confirmed));
    return confirmed;
  }

  @Override
  public String toString() {
    return "Delivery[" + message.getEvent().getEventId() + " attempt " + attempt() + "]";
  }

  /** What tells the same event of several deliveries. */
  static String keyOf(onhook.v1.Delivery message) {
    String eventId = message.getEvent().getEventId();
    return eventId.isEmpty() ? message.getDeliveryId() : eventId;
  }

  private CompletableFuture<Void> settle(Settlement.Action action, String reason, Duration time) {
    Objects.requireNonNull(reason, "reason");
    CompletableFuture<Void> confirmed = new CompletableFuture<>();
    if (!engine.settle(this, new Settlement(action, reason, time, confirmed))) {
      throw new IllegalStateException(this + " is settled already");
    }
    return confirmed;
  }
}
