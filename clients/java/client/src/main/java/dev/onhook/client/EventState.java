package dev.onhook.client;

/** Where an event stands in one subscription. */
public enum EventState {
  /** Not said. */
  UNSPECIFIED,
  /** Owed, with no consumer now. */
  PENDING,
  /** With a consumer. */
  DELIVERED,
  /** Acknowledged. */
  ACKED,
  /** Settled without processing. */
  SKIPPED,
  /** Among the dead letters. */
  PARKED,
  /** Excluded by the subscription's filter. */
  FILTERED,
  /** Given up by the subscription's backlog limit. */
  DROPPED_BY_LIMIT,
  /** Was among the dead letters, and was given up there. */
  DISCARDED,
  /** A value of a newer gateway, which its number tells. */
  UNRECOGNIZED;

  private static final EventState[] VALUES = values();

  /**
   * Returns what a number of the protocol means here.
   *
   * @param number as the gateway sent it
   * @return {@link #UNRECOGNIZED} if this version of the library does not know it
   */
  public static EventState ofNumber(int number) {
    return number >= 0 && number < UNRECOGNIZED.ordinal() ? VALUES[number] : UNRECOGNIZED;
  }
}
