package dev.onhook.client;

import java.time.Instant;

/**
 * One thing that happened to an event in a subscription.
 *
 * @param kind what happened
 * @param kindNumber the same as a number of the protocol
 * @param time when, by the gateway's clock
 * @param consumerName the consumer that did it; empty if it named none or none did
 * @param attempt number of the attempt, 0 if it has none
 * @param reason as the consumer or the gateway gave it
 */
public record TimelineEntry(
    TimelineKind kind,
    int kindNumber,
    Instant time,
    String consumerName,
    int attempt,
    String reason) {

  static TimelineEntry of(onhook.v1.TimelineEntry message) {
    return new TimelineEntry(
        TimelineKind.ofNumber(message.getKindValue()),
        message.getKindValue(),
        Times.instant(message.getTime()),
        message.getConsumerName(),
        message.getAttempt(),
        message.getReason());
  }
}
