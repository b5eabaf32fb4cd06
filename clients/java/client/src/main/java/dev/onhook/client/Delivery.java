package dev.onhook.client;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * One attempt to hand over one event.
 *
 * <p>A delivery is settled once, by {@link #ack}, {@link #nack}, {@link #park}, {@link #skip} or
 * {@link #release}; a second call throws {@link IllegalStateException}. Each of these returns at
 * once; the future completes when the gateway has confirmed it durably. Only then an
 * acknowledgement holds. An acknowledgement whose answer was lost is sent again by the library;
 * what else was said on a stream that was lost is given up, and the future fails with {@code
 * UNAVAILABLE}: the event comes again by itself. {@code ABORTED}: a later attempt exists, or the
 * event is settled already. {@link NotFoundException}: the gateway does not know this delivery any
 * more.
 *
 * <p>Futures complete on a thread of the library: what takes time belongs into their <code>...Async
 * </code> methods.
 *
 * <p>A {@code reason} is shown and logged by the gateway: no personal data; its first 1,024
 * characters count.
 *
 * <p>All methods may be called from any thread.
 */
public interface Delivery {
  /**
   * Returns the protocol's message.
   *
   * @return the message, with all that the gateway sent
   */
  onhook.v1.Delivery message();

  /**
   * Returns the event.
   *
   * @return the event
   */
  ReleaseEvent event();

  /**
   * Returns the event's place in the log, as a watch takes it.
   *
   * @return the cursor
   */
  default String cursor() {
    return message().getCursor();
  }

  /**
   * Returns the number of this attempt.
   *
   * @return from 1; it may repeat, for lost streams and releases count as no attempt
   */
  default int attempt() {
    return message().getAttempt();
  }

  /**
   * Returns why the event comes again.
   *
   * @return {@link RedeliveryReason#UNSPECIFIED} at the first attempt
   */
  default RedeliveryReason redeliveryReason() {
    return RedeliveryReason.ofNumber(message().getRedeliveryReasonValue());
  }

  /**
   * Returns the same as a number of the protocol.
   *
   * @return the number
   */
  default int redeliveryReasonNumber() {
    return message().getRedeliveryReasonValue();
  }

  /**
   * Returns the trace that the callback belongs to, as a carrier: {@code
   * W3CTraceContextPropagator.extract(context, delivery.traceContext(), getter)}.
   *
   * @return {@code traceparent}, or nothing
   */
  default Map<String, String> traceContext() {
    return event().traceparent().map(value -> Map.of("traceparent", value)).orElse(Map.of());
  }

  /**
   * Acknowledges: the event is done with, and does not come again.
   *
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> ack();

  /**
   * Gives the event back: it comes again after the gateway's backoff, which counts as an attempt.
   *
   * @param reason why
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> nack(String reason);

  /**
   * Gives the event back: it comes again after a delay, which counts as an attempt.
   *
   * @param reason why
   * @param delay up to 1 h
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> nack(String reason, Duration delay);

  /**
   * Puts the event among the dead letters: never like this.
   *
   * @param reason why
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> park(String reason);

  /**
   * Settles the event without having processed it.
   *
   * @param reason why
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> skip(String reason);

  /**
   * Gives the event to another consumer, at once if there is one; counts as no attempt.
   *
   * @param reason why
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> release(String reason);

  /**
   * Asks for more time. Without it the deadline is extended all the same, for {@code
   * SubscribeOptions.maxExtension} at most; this goes beyond that.
   *
   * @param ackDeadline the time left, counted from the request's arrival: 1 s to 10 min
   * @return completes once the gateway has confirmed it
   */
  CompletableFuture<Void> extend(Duration ackDeadline);
}
