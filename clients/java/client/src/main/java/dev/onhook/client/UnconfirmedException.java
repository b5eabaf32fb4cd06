package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;

/**
 * A subscriber stopped before the gateway had confirmed everything that was acknowledged: those
 * events may come again.
 */
public final class UnconfirmedException extends OnhookException {
  private static final long serialVersionUID = 1L;

  /** How many acknowledgements are without confirmation. */
  private final int count;

  UnconfirmedException(int count) {
    super(
        Status.Code.UNAVAILABLE,
        count + " acknowledgement(s) not confirmed; their events may come again",
        "UNCONFIRMED",
        Map.of(),
        null);
    this.count = count;
  }

  /**
   * Returns how many acknowledgements are without confirmation.
   *
   * @return at least 1
   */
  public int count() {
    return count;
  }
}
