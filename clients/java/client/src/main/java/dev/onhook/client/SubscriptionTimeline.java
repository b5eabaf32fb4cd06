package dev.onhook.client;

import java.util.List;

/**
 * What became of one event in one subscription.
 *
 * @param subscription the subscription's name
 * @param state where the event stands
 * @param stateNumber the same as a number of the protocol
 * @param entries what happened, oldest first
 */
public record SubscriptionTimeline(
    String subscription, EventState state, int stateNumber, List<TimelineEntry> entries) {

  static SubscriptionTimeline of(onhook.v1.SubscriptionTimeline message) {
    return new SubscriptionTimeline(
        message.getSubscription(),
        EventState.ofNumber(message.getStateValue()),
        message.getStateValue(),
        message.getEntriesList().stream().map(TimelineEntry::of).toList());
  }
}
