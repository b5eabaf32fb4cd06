package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;

/** There is no such event, subscription or delivery, or no longer. */
public final class NotFoundException extends OnhookException {
  private static final long serialVersionUID = 1L;

  NotFoundException(String message, String reason, Map<String, String> metadata, Throwable cause) {
    super(Status.Code.NOT_FOUND, message, reason, metadata, cause);
  }
}
