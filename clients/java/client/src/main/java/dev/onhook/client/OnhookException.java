package dev.onhook.client;

import io.grpc.Status;
import java.util.Map;
import java.util.Optional;

/**
 * Something that the gateway refused, or that kept this client from asking it. Keeps the gateway's
 * code, words, reason and metadata.
 *
 * <p>{@link NotFoundException}, {@link PermissionDeniedException}, {@link
 * UnauthenticatedException}, {@link LogGapException} and {@link UnconfirmedException} are told
 * apart by their type, all others by their code and reason.
 */
public class OnhookException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The canonical code. */
  private final Status.Code code;

  /** One word in capitals; empty if there is none. */
  private final String reason;

  private final transient Map<String, String> metadata;

  /**
   * Makes an error.
   *
   * @param code the canonical code
   * @param message what is wrong, in words
   * @param reason one word in capitals for programs to compare; empty if there is none
   * @param metadata named details
   * @param cause what is behind it, or null
   */
  public OnhookException(
      Status.Code code,
      String message,
      String reason,
      Map<String, String> metadata,
      Throwable cause) {
    super(message, cause);
    this.code = code;
    this.reason = reason;
    this.metadata = Map.copyOf(metadata);
  }

  /**
   * Returns the canonical code.
   *
   * @return one of gRPC's
   */
  public final Status.Code code() {
    return code;
  }

  /**
   * Returns the reason, one word in capitals for programs to compare, such as {@code GOING_AWAY}.
   *
   * @return empty if none was given
   */
  public final Optional<String> reason() {
    return reason.isEmpty() ? Optional.empty() : Optional.of(reason);
  }

  /**
   * Returns the named details, such as {@code permission} and {@code identity} of a refusal.
   *
   * @return details by name
   */
  public final Map<String, String> metadata() {
    return metadata == null ? Map.of() : metadata;
  }

  @Override
  public String toString() {
    String name = getClass().getName() + ": " + code;
    return (reason.isEmpty() ? name : name + "/" + reason) + ": " + getMessage();
  }
}
