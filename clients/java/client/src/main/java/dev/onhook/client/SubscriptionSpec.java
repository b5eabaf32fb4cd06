package dev.onhook.client;

import java.time.Duration;

/**
 * What a subscription is set to when it is created. Whatever is not said keeps the gateway's
 * default, which each setter names.
 *
 * <p>If the subscription exists with another specification, the gateway answers {@code
 * FAILED_PRECONDITION}.
 */
public final class SubscriptionSpec {
  private final onhook.v1.SubscriptionSpec message;

  private SubscriptionSpec(onhook.v1.SubscriptionSpec message) {
    this.message = message;
  }

  /**
   * Returns the gateway's defaults in everything.
   *
   * @return a specification
   */
  public static SubscriptionSpec defaults() {
    return builder().build();
  }

  /**
   * Returns a specification as the protocol's message says it.
   *
   * @param message the message
   * @return a specification
   */
  public static SubscriptionSpec of(onhook.v1.SubscriptionSpec message) {
    return new SubscriptionSpec(message);
  }

  /**
   * Begins a specification.
   *
   * @return a builder in which nothing is said
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns the protocol's message.
   *
   * @return the message
   */
  public onhook.v1.SubscriptionSpec message() {
    return message;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SubscriptionSpec spec && message.equals(spec.message);
  }

  @Override
  public int hashCode() {
    return message.hashCode();
  }

  @Override
  public String toString() {
    return message.toString();
  }

  /** Says what a subscription is set to. */
  public static final class Builder {
    private final onhook.v1.SubscriptionSpec.Builder message =
        onhook.v1.SubscriptionSpec.newBuilder();

    private Builder() {}

    /**
     * Says where it begins. Default: {@link StartPosition#EARLIEST}.
     *
     * @param position either end of the log
     * @return this
     */
    public Builder startPosition(StartPosition position) {
      message.setStartPosition(position.message());
      return this;
    }

    /**
     * Says which events it owes. Default: all.
     *
     * @param filter which
     * @return this
     */
    public Builder filter(EventFilter filter) {
      message.setFilter(filter.message());
      return this;
    }

    /**
     * Says how long a delivery may stay unsettled: 1 s to 10 min. Default: 30 s.
     *
     * @param deadline how long
     * @return this
     */
    public Builder ackDeadline(Duration deadline) {
      message.setAckDeadline(Times.message(deadline));
      return this;
    }

    /**
     * Says after how many attempts an event is parked, if {@link #minimumRetryTime} is over too.
     * Default: 20.
     *
     * @param attempts at least 1
     * @return this
     */
    public Builder maxDeliveryAttempts(int attempts) {
      message.setMaxDeliveryAttempts(attempts);
      return this;
    }

    /**
     * Says that no event is ever parked for its attempts.
     *
     * @return this
     */
    public Builder unlimitedDeliveryAttempts() {
      message.setUnlimitedDeliveryAttempts(
          onhook.v1.UnlimitedDeliveryAttempts.getDefaultInstance());
      return this;
    }

    /**
     * Says how long an event is retried at least, counted from its first attempt. Default: 24 h.
     *
     * @param time how long
     * @return this
     */
    public Builder minimumRetryTime(Duration time) {
      message.setMinimumRetryTime(Times.message(time));
      return this;
    }

    /**
     * Says how many events may be handed out and not settled, by all consumers together. Default:
     * 100,000.
     *
     * @param events at least 1
     * @return this
     */
    public Builder maxUnackedEvents(long events) {
      message.setMaxUnackedEvents(events);
      return this;
    }

    /**
     * Says after how long without a stream it is deleted. Default: 31 days.
     *
     * @param time how long
     * @return this
     */
    public Builder expireAfterUnused(Duration time) {
      message.setExpireAfterUnused(Times.message(time));
      return this;
    }

    /**
     * Says how old an unsettled event may be before it is given up for this subscription. Default:
     * without limit.
     *
     * @param age how old
     * @return this
     */
    public Builder backlogLimitAge(Duration age) {
      message.getBacklogLimitBuilder().setAge(Times.message(age));
      return this;
    }

    /**
     * Says how many bytes of unsettled events it may owe before the oldest are given up for it.
     * Default: without limit.
     *
     * @param bytes at least 1
     * @return this
     */
    public Builder backlogLimitBytes(long bytes) {
      message.getBacklogLimitBuilder().setBytes(bytes);
      return this;
    }

    /**
     * Ends the specification.
     *
     * @return what was said
     */
    public SubscriptionSpec build() {
      return new SubscriptionSpec(message.build());
    }
  }
}
