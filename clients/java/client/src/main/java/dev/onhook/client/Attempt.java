package dev.onhook.client;

/** One delivery on the stream that it came on, and how long it may still stay unsettled. */
final class Attempt {
  final SubscribeCall call;
  final String deliveryId;

  // Of DeliveryLeases; times are those of System.nanoTime.
  long leaseNanos;
  long dueAt;
  long lastAt;

  Attempt(SubscribeCall call, String deliveryId) {
    this.call = call;
    this.deliveryId = deliveryId;
  }
}
