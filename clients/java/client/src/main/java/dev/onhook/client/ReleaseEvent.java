package dev.onhook.client;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The hang-up of one call: what the contact centre sent, and what the gateway added.
 *
 * <p>A value that the vendor did not send is empty here; an empty text that it sent is present. An
 * enum value that this version does not know is {@code UNRECOGNIZED}, and its number is kept. The
 * protocol's message, with fields that this version does not know, is {@link #message()}.
 *
 * <p>Immutable. {@link #toString()} shows no personal data.
 */
public final class ReleaseEvent {
  private final onhook.v1.ReleaseEvent message;

  private ReleaseEvent(onhook.v1.ReleaseEvent message) {
    this.message = message;
  }

  /**
   * Returns the event that a message of the protocol holds.
   *
   * @param message the message
   * @return a view of it
   */
  public static ReleaseEvent of(onhook.v1.ReleaseEvent message) {
    return new ReleaseEvent(Objects.requireNonNull(message, "message"));
  }

  /**
   * Returns the protocol's message.
   *
   * @return the message, with all that the gateway sent
   */
  public onhook.v1.ReleaseEvent message() {
    return message;
  }

  /**
   * Returns what identifies the event by its content, over repeats, redelivery and several
   * gateways: the key for doing things once.
   *
   * @return the id
   */
  public String eventId() {
    return message.getEventId();
  }

  /**
   * Returns the name of the configured source that the callback came in by.
   *
   * @return the name
   */
  public String source() {
    return message.getSource();
  }

  /**
   * Returns how the callback proved that it came from the vendor.
   *
   * @return how
   */
  public Authentication authentication() {
    return Authentication.ofNumber(message.getAuthenticationValue());
  }

  /**
   * Returns the same as a number of the protocol.
   *
   * @return the number
   */
  public int authenticationNumber() {
    return message.getAuthenticationValue();
  }

  /**
   * Returns what identifies the call, as {@code createCall} returned it.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> callSerialNo() {
    return message.hasCallSerialNo() ? Optional.of(message.getCallSerialNo()) : Optional.empty();
  }

  /**
   * Returns what identifies the agent.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> serviceNo() {
    return message.hasServiceNo() ? Optional.of(message.getServiceNo()) : Optional.empty();
  }

  /**
   * Returns the customer's telephone number.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> called() {
    return message.hasCalled() ? Optional.of(message.getCalled()) : Optional.empty();
  }

  /**
   * Returns the telephone number bound to the agent who started the call.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> caller() {
    return message.hasCaller() ? Optional.of(message.getCaller()) : Optional.empty();
  }

  /**
   * Returns the number that the customer's telephone displayed.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> callerPresent() {
    return message.hasCallerPresent() ? Optional.of(message.getCallerPresent()) : Optional.empty();
  }

  /**
   * Returns the text that was given to {@code createCall}, unchanged.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> callData() {
    return message.hasCallData() ? Optional.of(message.getCallData()) : Optional.empty();
  }

  /**
   * Returns when the call was started.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> createCallTime() {
    return message.hasCreateCallTime()
        ? Optional.of(Times.instant(message.getCreateCallTime()))
        : Optional.empty();
  }

  /**
   * Returns when the customer's telephone began to ring.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> alertingTime() {
    return message.hasAlertingTime()
        ? Optional.of(Times.instant(message.getAlertingTime()))
        : Optional.empty();
  }

  /**
   * Returns when the customer was connected.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> talkingTime() {
    return message.hasTalkingTime()
        ? Optional.of(Times.instant(message.getTalkingTime()))
        : Optional.empty();
  }

  /**
   * Returns when the call was released.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> releaseTime() {
    return message.hasReleaseTime()
        ? Optional.of(Times.instant(message.getReleaseTime()))
        : Optional.empty();
  }

  /**
   * Returns how long they talked. The vendor has been seen to send 0: do not bill on it alone.
   *
   * @return the duration; empty: not sent
   */
  public Optional<Duration> talkDuration() {
    return message.hasTalkDuration()
        ? Optional.of(Times.duration(message.getTalkDuration()))
        : Optional.empty();
  }

  /**
   * Returns the path of the recording on the vendor's media server, which is no URL.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> recordfile() {
    return message.hasRecordfile() ? Optional.of(message.getRecordfile()) : Optional.empty();
  }

  /**
   * Returns the media node that holds the recording.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> locationId() {
    return message.hasLocationId() ? Optional.of(message.getLocationId()) : Optional.empty();
  }

  /**
   * Returns why the call ended, as far as its code is documented.
   *
   * @return why
   */
  public ReleaseReason releaseReason() {
    return ReleaseReason.ofNumber(message.getReleaseReasonValue());
  }

  /**
   * Returns the same as a number of the protocol.
   *
   * @return the number
   */
  public int releaseReasonNumber() {
    return message.getReleaseReasonValue();
  }

  /**
   * Returns the code of why the call ended, exactly as sent.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> releaseReasonCode() {
    return message.hasReleaseReasonCode()
        ? Optional.of(message.getReleaseReasonCode())
        : Optional.empty();
  }

  /**
   * Returns when the agent's telephone began to ring.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> agentAlertingTime() {
    return message.hasAgentAlertingTime()
        ? Optional.of(Times.instant(message.getAgentAlertingTime()))
        : Optional.empty();
  }

  /**
   * Returns when the agent was connected.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> agentTalkingTime() {
    return message.hasAgentTalkingTime()
        ? Optional.of(Times.instant(message.getAgentTalkingTime()))
        : Optional.empty();
  }

  /**
   * Returns when the agent's leg was released.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> agentReleaseTime() {
    return message.hasAgentReleaseTime()
        ? Optional.of(Times.instant(message.getAgentReleaseTime()))
        : Optional.empty();
  }

  /**
   * Returns how long the agent's leg lasted.
   *
   * @return the duration; empty: not sent
   */
  public Optional<Duration> agentTalkDuration() {
    return message.hasAgentTalkDuration()
        ? Optional.of(Times.duration(message.getAgentTalkDuration()))
        : Optional.empty();
  }

  /**
   * Returns what is not documented, and documented values that their type cannot give back.
   *
   * @return verbatim, under the vendor's names
   */
  public Map<String, String> extra() {
    return message.getExtraMap();
  }

  /**
   * Returns the IANA name of the zone in which the vendor's times were read.
   *
   * @return the name
   */
  public String timeZone() {
    return message.getTimeZone();
  }

  /**
   * Returns when the callback arrived, by the gateway's clock.
   *
   * @return the time; empty: not sent
   */
  public Optional<Instant> receivedAt() {
    return message.hasReceivedAt()
        ? Optional.of(Times.instant(message.getReceivedAt()))
        : Optional.empty();
  }

  /**
   * Returns the callback's W3C {@code traceparent} header.
   *
   * @return the text; empty: not sent
   */
  public Optional<String> traceparent() {
    return message.hasTraceparent() ? Optional.of(message.getTraceparent()) : Optional.empty();
  }

  /**
   * Returns whether numbers are masked, since the caller may not see them.
   *
   * @return true: they are
   */
  public boolean masked() {
    return message.getMasked();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ReleaseEvent event && message.equals(event.message);
  }

  @Override
  public int hashCode() {
    return message.hashCode();
  }

  @Override
  public String toString() {
    return "ReleaseEvent[" + eventId() + " from " + source() + "]";
  }
}
