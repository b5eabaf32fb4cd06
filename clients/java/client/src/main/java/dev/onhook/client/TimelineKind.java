package dev.onhook.client;

/** What happened to an event in a subscription. */
public enum TimelineKind {
  /** Not said. */
  UNSPECIFIED,
  /** Written to a consumer's stream. */
  DELIVERED,
  /** Acknowledged. */
  ACKED,
  /** Given back. */
  NACKED,
  /** Not settled within its deadline. */
  DEADLINE_EXPIRED,
  /** The stream that held it was lost. */
  STREAM_LOST,
  /** Put among the dead letters. */
  PARKED,
  /** Taken out of the dead letters. */
  REDRIVEN,
  /** Settled without processing. */
  SKIPPED,
  /** A dead letter given up. */
  DISCARDED,
  /** A value of a newer gateway, which its number tells. */
  UNRECOGNIZED;

  private static final TimelineKind[] VALUES = values();

  /**
   * Returns what a number of the protocol means here.
   *
   * @param number as the gateway sent it
   * @return {@link #UNRECOGNIZED} if this version of the library does not know it
   */
  public static TimelineKind ofNumber(int number) {
    return number >= 0 && number < UNRECOGNIZED.ordinal() ? VALUES[number] : UNRECOGNIZED;
  }
}
