package dev.onhook.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import onhook.v1.AckResults;

/** Makes this library's errors of gRPC's, and tells which of them no repetition can mend. */
final class Errors {
  private static final Set<Status.Code> FINAL_CODES =
      EnumSet.of(
          Status.Code.NOT_FOUND,
          Status.Code.INVALID_ARGUMENT,
          Status.Code.FAILED_PRECONDITION,
          Status.Code.PERMISSION_DENIED,
          Status.Code.UNAUTHENTICATED,
          Status.Code.UNIMPLEMENTED,
          Status.Code.OUT_OF_RANGE);

  private Errors() {}

  static OnhookException of(Status status, Metadata trailers) {
    return of(status, infoOf(status, trailers));
  }

  static OnhookException of(StatusException e) {
    return of(e.getStatus(), e.getTrailers());
  }

  static OnhookException of(StatusRuntimeException e) {
    return of(e.getStatus(), e.getTrailers());
  }

  /** What the gateway says of one delivery. */
  static OnhookException of(AckResults.Result result) {
    return switch (result) {
      case RESULT_STALE ->
          local(
              Status.Code.ABORTED,
              "a later attempt exists, or the event is settled already",
              "STALE",
              null);
      case RESULT_UNKNOWN ->
          local(Status.Code.NOT_FOUND, "the gateway does not know this delivery", "UNKNOWN", null);
      default -> local(Status.Code.UNKNOWN, "the gateway answered " + result, "", null);
    };
  }

  /** What somebody else's exception says; its class's name, if it says nothing. */
  @SuppressWarnings("checkstyle:IllegalCatch") // words may come of a user's own code
  static String wordsOf(Throwable e) {
    String words;
    try {
      words = e.getMessage();
    } catch (Throwable more) {
      words = null;
    }
    return words == null || words.isBlank() ? e.getClass().getName() : words;
  }

  /** An error of this side. */
  static OnhookException local(Status.Code code, String message, String reason, Throwable cause) {
    return make(code, message, reason, Map.of(), cause);
  }

  static OnhookException unusable(String message, String reason, Throwable cause) {
    return local(Status.Code.FAILED_PRECONDITION, message, reason, cause);
  }

  static OnhookException unavailable(String message, String reason) {
    return local(Status.Code.UNAVAILABLE, message, reason, null);
  }

  static OnhookException streamLost() {
    return unavailable(
        "the stream was lost before the gateway answered; the event comes again by itself",
        "STREAM_LOST");
  }

  static OnhookException givenBack() {
    return unavailable(
        "the subscriber has given the event back before it was settled; it comes again",
        "GIVEN_BACK");
  }

  /** The same error with one more detail. */
  static OnhookException withMetadata(OnhookException e, String name, String value) {
    Map<String, String> metadata = new HashMap<>(e.metadata());
    metadata.put(name, value);
    return make(e.code(), e.getMessage(), e.reason().orElse(""), metadata, e.getCause());
  }

  /** Whether a stream that ended so must not be opened again. */
  static boolean isFinal(OnhookException e) {
    return FINAL_CODES.contains(e.code());
  }

  private static OnhookException of(Status status, ErrorInfo info) {
    String message = status.getDescription() == null ? "" : status.getDescription();
    String reason = info.getReason();
    boolean isOfConnection =
        status.getCode() == Status.Code.UNAVAILABLE || status.getCode() == Status.Code.INTERNAL;
    if (isOfConnection && status.getCause() != null) {
      // gRPC says "io exception" and keeps what happened to itself.
      ConnectionFault fault = ConnectionFault.of(status.getCause());
      message = message.isEmpty() ? fault.words() : message + ": " + fault.words();
      if (reason.isEmpty()) {
        reason = fault.reason();
      }
    }
    if (message.isEmpty()) {
      message = status.getCode().name();
    }
    return make(status.getCode(), message, reason, info.getMetadataMap(), status.getCause());
  }

  private static OnhookException make(
      Status.Code code,
      String message,
      String reason,
      Map<String, String> metadata,
      Throwable cause) {
    return switch (code) {
      case NOT_FOUND -> new NotFoundException(message, reason, metadata, cause);
      case PERMISSION_DENIED -> new PermissionDeniedException(message, reason, metadata, cause);
      case UNAUTHENTICATED -> new UnauthenticatedException(message, reason, metadata, cause);
      case OUT_OF_RANGE -> new LogGapException(message, reason, metadata, cause);
      default -> new OnhookException(code, message, reason, metadata, cause);
    };
  }

  private static ErrorInfo infoOf(Status status, Metadata trailers) {
    if (trailers == null) {
      return ErrorInfo.getDefaultInstance();
    }
    com.google.rpc.Status details = StatusProto.fromStatusAndTrailers(status, trailers);
    for (Any detail : details.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return detail.unpack(ErrorInfo.class);
        } catch (InvalidProtocolBufferException e) {
          // An error about an error helps nobody.
          return ErrorInfo.getDefaultInstance();
        }
      }
    }
    return ErrorInfo.getDefaultInstance();
  }
}
