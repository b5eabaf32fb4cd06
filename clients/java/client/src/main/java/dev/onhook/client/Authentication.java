package dev.onhook.client;

/** How a callback proved that it came from the vendor. */
public enum Authentication {
  /** Not said. */
  UNSPECIFIED,
  /** Its source asks for no proof. */
  NONE,
  /** By the secret last segment of the callback's path. */
  PATH,
  /** By a bearer token. */
  BEARER,
  /** By name and password. */
  BASIC,
  /** By the vendor's signature with a shared key. */
  SIGNATURE,
  /** Its signature did not verify, or was not to be verified any more. */
  UNVERIFIED,
  /** A value of a newer gateway, which its number tells. */
  UNRECOGNIZED;

  private static final Authentication[] VALUES = values();

  /**
   * Returns what a number of the protocol means here.
   *
   * @param number as the gateway sent it
   * @return {@link #UNRECOGNIZED} if this version of the library does not know it
   */
  public static Authentication ofNumber(int number) {
    return number >= 0 && number < UNRECOGNIZED.ordinal() ? VALUES[number] : UNRECOGNIZED;
  }
}
