package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;

/** The gateway does not know who asks. Its metadata {@code shown} says what was shown to it. */
public final class UnauthenticatedException extends OnhookException {
  private static final long serialVersionUID = 1L;

  UnauthenticatedException(
      String message, String reason, Map<String, String> metadata, Throwable cause) {
    super(Status.Code.UNAUTHENTICATED, message, reason, metadata, cause);
  }
}
