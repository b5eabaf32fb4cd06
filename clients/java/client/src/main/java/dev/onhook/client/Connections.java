package dev.onhook.client;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/**
 * The channels of one client: the one that is in use, and those that still end what runs on them.
 *
 * <p>Why more than one: a channel keeps the certificate that it was made with; one that failed
 * waits before it tries again, longer than this library's own backoff; and one whose connection is
 * dead would take the next stream, too, for lack of knowing better.
 *
 * <p>Threads: any. No lock is held while gRPC is called, but for getting a channel's state.
 */
final class Connections {
  /** One message of the gateway holds at most a page of events. */
  private static final int LARGEST_MESSAGE_BYTES = 64 << 20;

  /** The gateway takes pings every 10 s; streams tell by their heartbeats, look-ups have these. */
  private static final long KEEPALIVE_SECONDS = 30;

  private static final long KEEPALIVE_TIMEOUT_SECONDS = 10;
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ClientOptions options;
  private final Executor executor;
  private final List<ManagedChannel> retired = new ArrayList<>();
  private Connection current;
  private CredentialFiles lastGoodFiles;
  private String token;
  private boolean closed;

  Connections(ClientOptions options, Executor executor) {
    this.options = options;
    this.executor = executor;
  }

  /** One channel, and what it was made with. */
  static final class Connection extends Channel {
    private final ManagedChannel channel;
    private final CredentialFiles files;
    private final Connections connections;

    private Connection(ManagedChannel channel, CredentialFiles files, Connections connections) {
      this.channel = channel;
      this.files = files;
      this.connections = connections;
    }

    /** Whether it holds a connection that is, as far as gRPC knows, alive. */
    boolean isReady() {
      return channel.getState(false) == ConnectivityState.READY;
    }

    @Override
    public <T, R> ClientCall<T, R> newCall(MethodDescriptor<T, R> method, CallOptions call) {
      return connections.authenticated(channel.newCall(method, call));
    }

    @Override
    public String authority() {
      return channel.authority();
    }
  }

  /**
   * The connection to use now; made if there is none, if it has failed, or if files have changed.
   * What is no good in the files leaves in use what was read before.
   *
   * @throws OnhookException FAILED_PRECONDITION: the options cannot be used
   */
  Connection current() {
    ServerAddress address = ServerAddress.parse(options.server());
    if (address.isUnix() && options.wantsTls()) {
      throw Errors.unusable(
          "over a Unix-domain socket the gateway speaks no TLS", "TLS_OVER_UNIX_SOCKET", null);
    }
    token(address);
    Connection known = known();
    CredentialFiles files = readFiles();
    boolean fails =
        known != null && known.channel.getState(false) == ConnectivityState.TRANSIENT_FAILURE;
    if (known != null && !fails && files.equals(known.files)) {
      return known;
    }
    return replace(known, new Connection(connect(address, files), files, this));
  }

  /** What runs on a connection goes on; nothing new begins on it. */
  void retire(Connection connection) {
    synchronized (this) {
      if (current == connection) {
        current = null;
      }
      keepUntilEnded(connection.channel);
    }
    connection.channel.shutdown();
  }

  /** A connection is dead: what runs on it ends at once. */
  void abandon(Connection connection) {
    retire(connection);
    connection.channel.shutdownNow();
  }

  /** Ends all there is, and refuses to begin anything more. */
  void close() {
    List<ManagedChannel> ending;
    synchronized (this) {
      closed = true;
      if (current != null) {
        retired.add(current.channel);
        current = null;
      }
      ending = List.copyOf(retired);
    }
    ending.forEach(ManagedChannel::shutdownNow);
    for (ManagedChannel channel : ending) {
      try {
        // Of what was ended just now nothing is waited for but its threads.
        channel.awaitTermination(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private CredentialFiles readFiles() {
    CredentialFiles known;
    synchronized (this) {
      known = lastGoodFiles;
    }
    try {
      CredentialFiles read = CredentialFiles.read(options, known);
      synchronized (this) {
        lastGoodFiles = read;
      }
      return read;
    } catch (OnhookException e) {
      if (known == null) {
        throw e;
      }
      return known;
    }
  }

  private synchronized Connection known() {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    return current;
  }

  private Connection replace(Connection known, Connection made) {
    Connection replaced;
    synchronized (this) {
      if (closed || current != known) {
        // Somebody else was faster.
        replaced = made;
      } else {
        replaced = known;
        current = made;
      }
      if (replaced == known && known != null) {
        keepUntilEnded(known.channel);
      }
    }
    if (replaced != null) {
      replaced.channel.shutdown();
    }
    return replaced == made ? current() : made;
  }

  /** To be called with the lock. */
  private void keepUntilEnded(ManagedChannel channel) {
    for (Iterator<ManagedChannel> it = retired.iterator(); it.hasNext(); ) {
      ManagedChannel other = it.next();
      if (other == channel || other.isTerminated()) {
        it.remove();
      }
    }
    retired.add(channel);
  }

  private ManagedChannel connect(ServerAddress address, CredentialFiles files) {
    ManagedChannelBuilder<?> builder;
    try {
      builder = Grpc.newChannelBuilder(address.target(), files.channelCredentials());
    } catch (IllegalArgumentException e) {
      throw Errors.unusable(e.getMessage(), "CERTIFICATE_FILE", e);
    }
    builder
        .executor(executor)
        .maxInboundMessageSize(LARGEST_MESSAGE_BYTES)
        .keepAliveTime(KEEPALIVE_SECONDS, TimeUnit.SECONDS)
        .keepAliveTimeout(KEEPALIVE_TIMEOUT_SECONDS, TimeUnit.SECONDS)
        .userAgent("onhook-client-java/0.1.0")
        // What is to be repeated this library repeats itself, and knows better why.
        .disableRetry()
        .disableServiceConfigLookUp();
    if (!options.serverName().isEmpty()) {
      builder.overrideAuthority(options.serverName());
    }
    options.channelConfigurator().accept(builder);
    return builder.build();
  }

  /** Null: this client shows no token. */
  private String token(ServerAddress address) {
    if (options.tokenFile() == null) {
      return null;
    }
    if (!options.wantsTls() && !options.allowCleartextToken() && !address.isLocal()) {
      throw Errors.unusable(
          "the token would go to "
              + options.server()
              + " in clear text, where everybody on the way can read and use it",
          "CLEARTEXT_TOKEN",
          null);
    }
    try {
      String read = CredentialFiles.readToken(options.tokenFile());
      synchronized (this) {
        token = read;
      }
      return read;
    } catch (OnhookException e) {
      synchronized (this) {
        if (token == null) {
          throw e;
        }
        return token;
      }
    }
  }

  private <T, R> ClientCall<T, R> authenticated(ClientCall<T, R> call) {
    if (options.tokenFile() == null) {
      return call;
    }
    return new io.grpc.ForwardingClientCall.SimpleForwardingClientCall<T, R>(call) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        try {
          headers.put(AUTHORIZATION, "Bearer " + token(ServerAddress.parse(options.server())));
        } catch (OnhookException e) {
          delegate().start(new Listener<R>() {}, headers);
          delegate().cancel(e.getMessage(), e);
          listener.onClose(
              Status.fromCode(e.code()).withDescription(e.getMessage()).withCause(e),
              new Metadata());
          return;
        }
        super.start(listener, headers);
      }
    };
  }
}
