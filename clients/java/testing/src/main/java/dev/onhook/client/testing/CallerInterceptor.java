package dev.onhook.client.testing;

import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;

/** Keeps over which connection a call came, and what it showed. */
final class CallerInterceptor implements ServerInterceptor {
  private static final Context.Key<String> PEER = Context.key("peer");

  private static final Context.Key<String> AUTHORIZATION = Context.key("authorization");
  private static final Metadata.Key<String> HEADER =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  /** Empty: there was none. */
  static String authorization() {
    return AUTHORIZATION.get();
  }

  static String peer() {
    return PEER.get();
  }

  @Override
  public <T, R> ServerCall.Listener<T> interceptCall(
      ServerCall<T, R> call, Metadata headers, ServerCallHandler<T, R> next) {
    String peer = String.valueOf(call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR));
    String authorization = headers.get(HEADER);
    Context context =
        Context.current()
            .withValue(PEER, peer)
            .withValue(AUTHORIZATION, authorization == null ? "" : authorization);
    return Contexts.interceptCall(context, call, headers, next);
  }
}
