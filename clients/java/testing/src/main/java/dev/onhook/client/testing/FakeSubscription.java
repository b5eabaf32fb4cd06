package dev.onhook.client.testing;

import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.testing.FakeGateway.LoggedEvent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What one subscription owes, and to whom it was given. To be called with the gateway's lock. */
final class FakeSubscription {
  private final FakeGateway gateway;
  private final String name;
  private final List<Owed> waiting = new ArrayList<>();
  private final Map<String, Owed> byDeliveryId = new HashMap<>();
  private FakeStream stream;
  private int lastDelivery;

  /** One event that is owed. */
  private static final class Owed {
    final LoggedEvent logged;
    int attempt = 1;
    RedeliveryReason reason = RedeliveryReason.UNSPECIFIED;
    String deliveryId = "";
    FakeStream holder;
    boolean settled;

    Owed(LoggedEvent logged) {
      this.logged = logged;
    }
  }

  FakeSubscription(FakeGateway gateway, String name) {
    this.gateway = gateway;
    this.name = name;
  }

  void owe(LoggedEvent logged) {
    waiting.add(new Owed(logged));
    deliver();
  }

  void attach(FakeStream attached) {
    stream = attached;
    deliver();
  }

  /** Whatever the stream held comes again. */
  void detach(FakeStream detached) {
    if (stream == detached) {
      stream = null;
    }
    for (Owed owed : List.copyOf(byDeliveryId.values())) {
      if (owed.holder == detached && !owed.settled) {
        owed.holder = null;
        owed.reason = RedeliveryReason.STREAM_LOST;
        waiting.add(owed);
      }
    }
    deliver();
  }

  void settleElsewhere(String eventId) {
    find(eventId).settled = true;
  }

  void redeliver(String eventId, RedeliveryReason reason) {
    Owed found = find(eventId);
    if (waiting.contains(found)) {
      throw new IllegalArgumentException(eventId + " waits for " + name);
    }
    found.settled = false;
    found.holder = null;
    ++found.attempt;
    found.reason = reason;
    waiting.add(found);
    deliver();
  }

  /** Hands out what waits, as far as the stream takes it. */
  void deliver() {
    onhook.v1.Deliveries.Builder deliveries = onhook.v1.Deliveries.newBuilder();
    while (stream != null && !waiting.isEmpty() && stream.takesMore(held(stream))) {
      Owed owed = waiting.remove(0);
      owed.holder = stream;
      owed.deliveryId = name + "-" + ++lastDelivery;
      byDeliveryId.put(owed.deliveryId, owed);
      deliveries.addDeliveries(
          onhook.v1.Delivery.newBuilder()
              .setDeliveryId(owed.deliveryId)
              .setEvent(owed.logged.event())
              .setCursor(owed.logged.cursor())
              .setAttempt(owed.attempt)
              .setRedeliveryReasonValue(owed.reason.ordinal())
              .setAckDeadline(FakeStream.message(gateway.ackDeadline())));
    }
    if (deliveries.getDeliveriesCount() > 0) {
      stream.send(onhook.v1.SubscribeResponse.newBuilder().setDeliveries(deliveries));
    }
  }

  /** Null: done as asked. */
  onhook.v1.AckResults.Result settle(String deliveryId, Settlement settlement) {
    Owed owed = byDeliveryId.get(deliveryId);
    if (owed == null) {
      return onhook.v1.AckResults.Result.RESULT_UNKNOWN;
    }
    boolean isAck = settlement.action() == Settlement.Action.ACK;
    if (!isAck && isOver(owed, deliveryId)) {
      return onhook.v1.AckResults.Result.RESULT_STALE;
    }
    gateway.settle(
        new SettledDelivery(name, owed.logged.event().getEventId(), deliveryId, settlement));
    owed.settled = true;
    owed.holder = null;
    waiting.remove(owed);
    return null;
  }

  /** Null: done as asked. */
  onhook.v1.AckResults.Result extend(String deliveryId) {
    Owed owed = byDeliveryId.get(deliveryId);
    if (owed == null) {
      return onhook.v1.AckResults.Result.RESULT_UNKNOWN;
    }
    return isOver(owed, deliveryId) ? onhook.v1.AckResults.Result.RESULT_STALE : null;
  }

  private Owed find(String eventId) {
    return byDeliveryId.values().stream()
        .filter(owed -> owed.logged.event().getEventId().equals(eventId))
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException(eventId + " was not delivered to " + name + " yet"));
  }

  private static boolean isOver(Owed owed, String deliveryId) {
    return owed.settled || !owed.deliveryId.equals(deliveryId);
  }

  private long held(FakeStream by) {
    return byDeliveryId.values().stream()
        .filter(owed -> owed.holder == by && !owed.settled)
        .distinct()
        .count();
  }
}
