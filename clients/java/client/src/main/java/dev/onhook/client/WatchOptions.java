package dev.onhook.client;

import java.time.Instant;
import java.util.Objects;
import onhook.v1.WatchRequest;

/** Where and how to read the log. Immutable. */
public final class WatchOptions {
  private final WatchRequest request;
  private final StateListener stateListener;

  private WatchOptions(WatchRequest request, StateListener stateListener) {
    this.request = request;
    this.stateListener = stateListener;
  }

  /**
   * Begins options.
   *
   * @return a builder; unless told otherwise a watch begins with the next event stored
   */
  public static Builder builder() {
    return new Builder();
  }

  WatchRequest request() {
    return request;
  }

  /** Null: nobody is told. */
  StateListener stateListener() {
    return stateListener;
  }

  /** Says where and how to read. */
  public static final class Builder {
    private final WatchRequest.Builder request = WatchRequest.newBuilder();
    private StateListener stateListener;

    private Builder() {}

    /**
     * Begins at one end of the log.
     *
     * @param position which
     * @return this
     */
    public Builder position(StartPosition position) {
      request.setPosition(position.message());
      return this;
    }

    /**
     * Begins behind an event.
     *
     * @param cursor the event's place
     * @return this
     */
    public Builder afterCursor(String cursor) {
      request.setAfterCursor(cursor);
      return this;
    }

    /**
     * Begins with the first event received at or after a time.
     *
     * @param time by the gateway's clock
     * @return this
     */
    public Builder sinceTime(Instant time) {
      request.setSinceTime(Times.timestamp(time));
      return this;
    }

    /**
     * Ends when everything that was stored by then has been read. Default: goes on with what comes.
     *
     * @return this
     */
    public Builder stopAtEnd() {
      request.setStopAtEnd(true);
      return this;
    }

    /**
     * Only looks on: the vendor's callback is not acknowledged for the sake of this watch. Default:
     * it counts as a receiver.
     *
     * @return this
     */
    public Builder observeOnly() {
      request.setObserveOnly(true);
      return this;
    }

    /**
     * Says which events are wanted. Default: all.
     *
     * @param filter which
     * @return this
     */
    public Builder filter(EventFilter filter) {
      request.setFilter(filter.message());
      return this;
    }

    /**
     * Names this consumer. Default: none.
     *
     * @param name up to 128 characters
     * @return this
     */
    public Builder consumerName(String name) {
      request.setConsumerName(name);
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
    public WatchOptions build() {
      return new WatchOptions(request.build(), stateListener);
    }
  }
}
