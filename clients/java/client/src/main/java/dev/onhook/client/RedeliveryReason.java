package dev.onhook.client;

/** Why an event comes again. */
public enum RedeliveryReason {
  /** It is its first attempt. */
  UNSPECIFIED,
  /** The stream that held it ended, or the gateway restarted. */
  STREAM_LOST,
  /** It was not settled within its deadline. */
  DEADLINE_EXPIRED,
  /** It was given back for a retry. */
  NACKED,
  /** It was released, or its stream was drained. */
  RELEASED,
  /** The subscription was sent back. */
  SEEK,
  /** It was taken out of the dead letters. */
  REDRIVEN,
  /** A value of a newer gateway, which its number tells. */
  UNRECOGNIZED;

  private static final RedeliveryReason[] VALUES = values();

  /**
   * Returns what a number of the protocol means here.
   *
   * @param number as the gateway sent it
   * @return {@link #UNRECOGNIZED} if this version of the library does not know it
   */
  public static RedeliveryReason ofNumber(int number) {
    return number >= 0 && number < UNRECOGNIZED.ordinal() ? VALUES[number] : UNRECOGNIZED;
  }
}
