package dev.onhook.client.testing;

/**
 * A delivery that a fake gateway was told about.
 *
 * @param subscription the subscription's name
 * @param eventId the event's id
 * @param deliveryId the delivery's id
 * @param settlement what was said
 */
public record SettledDelivery(
    String subscription, String eventId, String deliveryId, Settlement settlement) {}
