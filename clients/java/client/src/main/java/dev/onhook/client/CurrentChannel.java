package dev.onhook.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;

/** Whichever connection is in use when a call begins. */
final class CurrentChannel extends Channel {
  private final Connections connections;
  private final String authority;

  CurrentChannel(Connections connections, String authority) {
    this.connections = connections;
    this.authority = authority;
  }

  @Override
  public <T, R> ClientCall<T, R> newCall(MethodDescriptor<T, R> method, CallOptions options) {
    return connections.current().newCall(method, options);
  }

  @Override
  public String authority() {
    return authority;
  }
}
