package dev.onhook.client;

/** Why a call ended. "Caller" is the agent's leg of the call, "called" the customer's. */
public enum ReleaseReason {
  /** The callback named no reason. */
  UNSPECIFIED,
  /** The call ended, the customer hung up. */
  CALLED_HUNG_UP,
  /** The call ended, the agent hung up. */
  CALLER_HUNG_UP,
  /** The call to the agent failed. */
  CALL_TO_CALLER_FAILED,
  /** The call to the customer failed. */
  CALL_TO_CALLED_FAILED,
  /** The agent did not answer. */
  CALLER_NO_ANSWER,
  /** The customer did not answer. */
  CALLED_NO_ANSWER,
  /** Any other code; see {@link ReleaseEvent#releaseReasonCode()}. */
  OTHER,
  /** A value of a newer gateway, which its number tells. */
  UNRECOGNIZED;

  private static final ReleaseReason[] VALUES = values();

  /**
   * Returns what a number of the protocol means here.
   *
   * @param number as the gateway sent it
   * @return {@link #UNRECOGNIZED} if this version of the library does not know it
   */
  public static ReleaseReason ofNumber(int number) {
    return number >= 0 && number < UNRECOGNIZED.ordinal() ? VALUES[number] : UNRECOGNIZED;
  }
}
