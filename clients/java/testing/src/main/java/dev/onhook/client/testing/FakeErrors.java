package dev.onhook.client.testing;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.Map;

/** Errors as a gateway has them. */
final class FakeErrors {
  private FakeErrors() {}

  static StatusRuntimeException of(
      Status.Code code, String reason, String message, Map<String, String> metadata) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage(message)
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain("onhook")
                        .putAllMetadata(metadata)
                        .build()))
            .build());
  }
}
