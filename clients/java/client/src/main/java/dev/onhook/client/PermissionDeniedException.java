package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;
import java.util.Optional;

/** The gateway knows who asks, and does not let them. */
public final class PermissionDeniedException extends OnhookException {
  private static final long serialVersionUID = 1L;

  PermissionDeniedException(
      String message, String reason, Map<String, String> metadata, Throwable cause) {
    super(Status.Code.PERMISSION_DENIED, message, reason, metadata, cause);
  }

  /**
   * Returns the permission that is missing.
   *
   * @return its name, if the gateway said it
   */
  public Optional<String> permission() {
    return Optional.ofNullable(metadata().get("permission"));
  }

  /**
   * Returns as whom the gateway knows the one who asked.
   *
   * @return the identity, if the gateway said it
   */
  public Optional<String> identity() {
    return Optional.ofNullable(metadata().get("identity"));
  }
}
