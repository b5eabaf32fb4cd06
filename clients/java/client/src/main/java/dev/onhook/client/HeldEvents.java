package dev.onhook.client;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The events that a subscriber has: those that wait, in the order in which they came, and those
 * that are in hand.
 *
 * <p>Why by event and not by delivery: an event whose handler outlives its stream comes again on
 * the next one. It must not be handled twice at once, and its settlement must name the delivery
 * that the gateway now waits for.
 *
 * <p>Not for several threads.
 */
final class HeldEvents {
  private final Map<String, HeldDelivery> held = new HashMap<>();
  private final ArrayDeque<HeldDelivery> waiting = new ArrayDeque<>();
  private int inHand;

  /** The event of a delivery, if it is here. Null: it is not. */
  HeldDelivery find(onhook.v1.Delivery message) {
    return held.get(HeldDelivery.keyOf(message));
  }

  /** Lets a delivery wait as the last. */
  void add(HeldDelivery delivery) {
    held.put(HeldDelivery.keyOf(delivery.message), delivery);
    waiting.add(delivery);
  }

  /** The one that waits longest, now in hand. Null: none waits. */
  HeldDelivery begin() {
    HeldDelivery delivery = waiting.poll();
    if (delivery != null) {
      delivery.stage = HeldDelivery.Stage.IN_HAND;
      ++inHand;
    }
    return delivery;
  }

  /** One that was in hand is settled. */
  void settled(HeldDelivery delivery) {
    delivery.stage = HeldDelivery.Stage.SETTLED;
    held.remove(HeldDelivery.keyOf(delivery.message));
    --inHand;
  }

  int waiting() {
    return waiting.size();
  }

  int inHand() {
    return inHand;
  }

  /** Forgets what waits of one stream. What is in hand stays. */
  void dropWaitingOf(SubscribeCall call) {
    waiting.removeIf(
        delivery -> {
          boolean isOfCall = delivery.newest.call == call;
          if (isOfCall) {
            drop(delivery);
          }
          return isOfCall;
        });
  }

  /** Forgets all that wait. */
  List<HeldDelivery> dropWaiting() {
    List<HeldDelivery> dropped = new ArrayList<>(waiting);
    dropped.forEach(this::drop);
    waiting.clear();
    return dropped;
  }

  /** Forgets everything. */
  List<HeldDelivery> dropAll() {
    List<HeldDelivery> dropped = new ArrayList<>(held.values());
    dropped.forEach(delivery -> delivery.stage = HeldDelivery.Stage.GONE);
    held.clear();
    waiting.clear();
    inHand = 0;
    return dropped;
  }

  private void drop(HeldDelivery delivery) {
    delivery.stage = HeldDelivery.Stage.GONE;
    held.remove(HeldDelivery.keyOf(delivery.message));
  }
}
