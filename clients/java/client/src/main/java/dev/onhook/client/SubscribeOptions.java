package dev.onhook.client;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Executor;

/** How to receive from a durable subscription. Immutable. */
public final class SubscribeOptions {
  /** The default of {@link Builder#maxExtension}. */
  public static final Duration DEFAULT_MAX_EXTENSION = Duration.ofHours(1);

  /** The default of {@link Builder#stopGrace}. */
  public static final Duration DEFAULT_STOP_GRACE = Duration.ofSeconds(30);

  /** The default of {@link Builder#confirmationTimeout}. */
  public static final Duration DEFAULT_CONFIRMATION_TIMEOUT = Duration.ofSeconds(10);

  private final Builder said;

  private SubscribeOptions(Builder said) {
    this.said = said;
  }

  /**
   * Begins options.
   *
   * @param subscription name of the durable subscription
   * @return a builder with all defaults
   */
  public static Builder builder(String subscription) {
    return new Builder(Objects.requireNonNull(subscription, "subscription"));
  }

  /**
   * Returns the subscription's name.
   *
   * @return the name
   */
  public String subscription() {
    return said.subscription;
  }

  onhook.v1.SubscribeOpen openRequest() {
    onhook.v1.SubscribeOpen.Builder open =
        onhook.v1.SubscribeOpen.newBuilder()
            .setSubscription(said.subscription)
            .setConsumerName(said.consumerName);
    if (said.maxOutstandingEvents != null) {
      open.setMaxOutstandingEvents(said.maxOutstandingEvents);
    }
    if (said.maxOutstandingBytes != null) {
      open.setMaxOutstandingBytes(said.maxOutstandingBytes);
    }
    if (said.ackDeadline != null) {
      open.setAckDeadline(Times.message(said.ackDeadline));
    }
    if (said.createIfMissing != null) {
      open.setCreateIfMissing(said.createIfMissing.message());
    }
    return open.build();
  }

  Duration maxExtension() {
    return said.maxExtension;
  }

  int concurrency() {
    return said.concurrency;
  }

  Duration stopGrace() {
    return said.stopGrace;
  }

  Duration confirmationTimeout() {
    return said.confirmationTimeout;
  }

  Optional<Executor> executor() {
    return Optional.ofNullable(said.executor);
  }

  /** Null: nobody is told. */
  StateListener stateListener() {
    return said.stateListener;
  }

  /** Says how to receive. */
  public static final class Builder implements Cloneable {
    private final String subscription;
    private String consumerName = "";
    private Integer maxOutstandingEvents;
    private Long maxOutstandingBytes;
    private Duration ackDeadline;
    private SubscriptionSpec createIfMissing;
    private Duration maxExtension = DEFAULT_MAX_EXTENSION;
    private int concurrency = 1;
    private Duration stopGrace = DEFAULT_STOP_GRACE;
    private Duration confirmationTimeout = DEFAULT_CONFIRMATION_TIMEOUT;
    private Executor executor;
    private StateListener stateListener;

    private Builder(String subscription) {
      this.subscription = subscription;
    }

    /**
     * Names this consumer in delivery timelines, for instance by a pod's name. Default: none.
     *
     * @param name up to 128 characters
     * @return this
     */
    public Builder consumerName(String name) {
      consumerName = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Creates the subscription, with the gateway's defaults, if there is none of this name.
     *
     * @return this
     */
    public Builder createIfMissing() {
      return createIfMissing(SubscriptionSpec.defaults());
    }

    /**
     * Creates the subscription if there is none of this name. Default: a missing one is an error.
     *
     * @param spec what it is set to then
     * @return this
     */
    public Builder createIfMissing(SubscriptionSpec spec) {
      createIfMissing = Objects.requireNonNull(spec, "spec");
      return this;
    }

    /**
     * Bounds how many events may be here unsettled. Default: the gateway's 1,000.
     *
     * @param events at least 1
     * @return this
     */
    public Builder maxOutstandingEvents(int events) {
      maxOutstandingEvents = events;
      return this;
    }

    /**
     * Bounds how many bytes of events may be here unsettled. Default: the gateway's 16 MiB.
     *
     * @param bytes at least 1
     * @return this
     */
    public Builder maxOutstandingBytes(long bytes) {
      maxOutstandingBytes = bytes;
      return this;
    }

    /**
     * Says how long an event may be silent here before another consumer gets it: after a crash,
     * say. A handler may take longer, for its deadline is extended. Default: as the subscription is
     * set.
     *
     * @param deadline 1 s to 10 min
     * @return this
     */
    public Builder ackDeadline(Duration deadline) {
      ackDeadline = Times.requirePositive(deadline, "ackDeadline");
      return this;
    }

    /**
     * Says for how long, counted from its arrival, an event that waits here or is being handled has
     * its deadline extended. Default: 1 h.
     *
     * @param time zero: nothing is extended
     * @return this
     */
    public Builder maxExtension(Duration time) {
      maxExtension = Times.requireNotNegative(time, "maxExtension");
      return this;
    }

    /**
     * Says how many handlers run at once; with 1, they run in the order of arrival. Of no meaning
     * for a {@link DeliveryStream}. Default: 1.
     *
     * @param handlers at least 1
     * @return this
     */
    public Builder concurrency(int handlers) {
      if (handlers < 1) {
        throw new IllegalArgumentException("concurrency must be at least 1, not " + handlers);
      }
      concurrency = handlers;
      return this;
    }

    /**
     * Says where handlers run; it is not shut down. Default: threads of the client.
     *
     * @param executor something that runs at least {@code concurrency} tasks at once
     * @return this
     */
    public Builder executor(Executor executor) {
      this.executor = Objects.requireNonNull(executor, "executor");
      return this;
    }

    /**
     * Says how long a stop waits for deliveries that are being handled, before it releases them.
     * Default: 30 s.
     *
     * @param grace how long
     * @return this
     */
    public Builder stopGrace(Duration grace) {
      stopGrace = Times.requireNotNegative(grace, "stopGrace");
      return this;
    }

    /**
     * Says how long a stop waits, after that, for the gateway's confirmations. Default: 10 s.
     *
     * @param timeout how long
     * @return this
     */
    public Builder confirmationTimeout(Duration timeout) {
      confirmationTimeout = Times.requireNotNegative(timeout, "confirmationTimeout");
      return this;
    }

    /**
     * Has each change of state told. Default: nobody is told, and the first failure of a row of
     * them is logged as a warning.
     *
     * @param listener is told
     * @return this
     */
    public Builder stateListener(StateListener listener) {
      stateListener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Ends the options.
     *
     * @return what was said
     */
    public SubscribeOptions build() {
      return new SubscribeOptions(clone());
    }

    @Override
    protected Builder clone() {
      try {
        return (Builder) super.clone();
      } catch (CloneNotSupportedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
