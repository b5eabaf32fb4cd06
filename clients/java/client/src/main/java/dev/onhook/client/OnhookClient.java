package dev.onhook.client;

import io.grpc.Channel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import onhook.v1.GetEventRequest;
import onhook.v1.ReleaseEventServiceGrpc;
import onhook.v1.ReleaseEventServiceGrpc.ReleaseEventServiceBlockingStub;

/**
 * A connection to one Onhook gateway: receives release events by durable subscription or by watch,
 * and looks single ones up.
 *
 * <pre>{@code
 * try (OnhookClient client = OnhookClient.connect("127.0.0.1:50051")) {
 *   Subscriber subscriber =
 *       client.subscribe(
 *           SubscribeOptions.builder("crm").createIfMissing().build(),
 *           delivery -> save(delivery.event())); // may be the same event again: at least once
 *   subscriber.await();
 * }
 * }</pre>
 *
 * <p>One client serves all subscribers and watchers of a program that ask the same gateway. Nothing
 * is sent, and no file is read, before the first call that needs the gateway. All methods may be
 * called from any thread.
 */
public final class OnhookClient implements AutoCloseable {
  /** Where a gateway listens unless set up otherwise. */
  public static final String DEFAULT_SERVER = "127.0.0.1:50051";

  private static final long CLOSE_SECONDS = 10;

  private final ClientOptions options;
  private final Threads threads = new Threads();
  private final Connections connections;
  private final Channel channel;
  private final Set<AbstractReceiver> receivers = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private OnhookClient(ClientOptions options) {
    this.options = options;
    this.connections = new Connections(options, threads);
    this.channel = new CurrentChannel(connections, options.server());
  }

  /**
   * Makes a client without TLS, with all defaults.
   *
   * @param server the gateway's gRPC address: HOST:PORT, or unix:/path for a Unix-domain socket
   * @return a client, to be closed
   */
  public static OnhookClient connect(String server) {
    return builder().server(server).build();
  }

  /**
   * Begins a client.
   *
   * @return a builder with all defaults
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Starts to receive from a durable subscription that exists, with all defaults. Never blocks.
   *
   * @param subscription its name
   * @param handler is called with each delivery, one at a time
   * @return what receives until it is stopped, or this client is closed
   */
  public Subscriber subscribe(String subscription, DeliveryHandler handler) {
    return subscribe(SubscribeOptions.builder(subscription).build(), handler);
  }

  /**
   * Starts to receive from a durable subscription. Never blocks.
   *
   * @param options which, and how
   * @param handler is called with each delivery
   * @return what receives until it is stopped, or this client is closed
   */
  public Subscriber subscribe(SubscribeOptions options, DeliveryHandler handler) {
    return start(options, Objects.requireNonNull(handler, "handler"));
  }

  /**
   * Starts to receive from a durable subscription that exists, with all defaults, one delivery
   * after the other. Never blocks.
   *
   * @param subscription its name
   * @return what receives until it is stopped, or this client is closed
   */
  public DeliveryStream deliveries(String subscription) {
    return deliveries(SubscribeOptions.builder(subscription).build());
  }

  /**
   * Starts to receive from a durable subscription, one delivery after the other. Never blocks.
   *
   * @param options which, and how
   * @return what receives until it is stopped, or this client is closed
   */
  public DeliveryStream deliveries(SubscribeOptions options) {
    return start(options, null);
  }

  /**
   * Starts to read the log from a place. Never blocks.
   *
   * @param options from where, and how
   * @param handler is called with each event, in order
   * @return what reads until it is stopped, or this client is closed
   */
  public Watcher watch(WatchOptions options, WatchHandler handler) {
    return start(options, Objects.requireNonNull(handler, "handler"));
  }

  /**
   * Starts to read the log from a place, one event after the other. Never blocks.
   *
   * @param options from where, and how
   * @return what reads until it is stopped, or this client is closed
   */
  public WatchStream watch(WatchOptions options) {
    return start(options, null);
  }

  /**
   * Looks one event up, with what became of it as far as the gateway keeps that. Blocks.
   *
   * @param eventId the event's id
   * @return the event
   * @throws NotFoundException it is not, or no longer, kept
   * @throws OnhookException otherwise
   */
  public StoredEvent getEvent(String eventId) {
    GetEventRequest request = GetEventRequest.newBuilder().setEventId(eventId).build();
    return StoredEvent.of(ask(stub -> stub.getEvent(request)).getStoredEvent());
  }

  /**
   * Lists stored events, oldest first. Asks nothing yet: pages are fetched as they are needed.
   *
   * @param query which
   * @return all that fit
   */
  public EventListing listEvents(EventQuery query) {
    return new EventListing(query, request -> ask(stub -> stub.listEvents(request)));
  }

  /**
   * Returns the connection for stubs of one's own, with this client's TLS and token: {@code
   * SubscriptionServiceGrpc.newBlockingStub(client.channel())}. It outlives connections that are
   * lost. Errors are gRPC's own, but for an {@link OnhookException} where the options cannot be
   * used; see {@link #errorOf}.
   *
   * @return a channel, which is this client's to close
   */
  public Channel channel() {
    return channel;
  }

  /**
   * Returns what the gateway said with an error of a stub.
   *
   * @param e an error of a stub that was made with {@link #channel}
   * @return the same with the gateway's reason and metadata
   */
  public static OnhookException errorOf(StatusRuntimeException e) {
    return Errors.of(e);
  }

  /**
   * Stops all subscribers and watchers, each as its options say, then closes the connection. Blocks
   * for as long as that takes.
   */
  @Override
  public void close() {
    closed = true;
    List<AbstractReceiver> ending = List.copyOf(receivers);
    ending.forEach(AbstractReceiver::stopAsync);
    ending.forEach(AbstractReceiver::close);
    connections.close();
    threads.close(CLOSE_SECONDS);
  }

  private SubscriberEngine start(SubscribeOptions subscribe, DeliveryHandler handler) {
    SubscriberEngine engine =
        new SubscriberEngine(subscribe, handler, options, connections, threads);
    enlist(engine);
    engine.start();
    return engine;
  }

  private WatcherEngine start(WatchOptions watch, WatchHandler handler) {
    WatcherEngine engine = new WatcherEngine(watch, handler, options, connections, threads);
    enlist(engine);
    engine.start();
    return engine;
  }

  private void enlist(AbstractReceiver receiver) {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    receivers.add(receiver);
    receiver.completion().whenComplete((done, error) -> receivers.remove(receiver));
  }

  private <T> T ask(Function<ReleaseEventServiceBlockingStub, T> question) {
    try {
      return question.apply(
          ReleaseEventServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(Times.nanos(options.lookupTimeout()), TimeUnit.NANOSECONDS));
    } catch (StatusRuntimeException e) {
      OnhookException error = Errors.of(e);
      throw error.code() == io.grpc.Status.Code.UNAUTHENTICATED
          ? Errors.withMetadata(error, "shown", options.shown())
          : error;
    }
  }

  /** Says which gateway, and who this client is. */
  public static final class Builder {
    private String server = DEFAULT_SERVER;
    private boolean tls;
    private Path caFile;
    private Path certificateFile;
    private Path keyFile;
    private String serverName = "";
    private Path tokenFile;
    private boolean allowCleartextToken;
    private Duration lookupTimeout = Duration.ofSeconds(10);
    private Duration initialBackoff = Duration.ofMillis(100);
    private Duration maximumBackoff = Duration.ofSeconds(30);
    private Duration rotationPatience = Duration.ofMinutes(2);
    private Consumer<? super ManagedChannelBuilder<?>> channelConfigurator = channel -> {};

    private Builder() {}

    /**
     * Says where the gateway is. Default: {@value #DEFAULT_SERVER}.
     *
     * @param address its gRPC address: HOST:PORT, or unix:/path for a Unix-domain socket
     * @return this
     */
    public Builder server(String address) {
      server = Objects.requireNonNull(address, "address");
      return this;
    }

    /**
     * Speaks TLS, and trusts the authorities that Java trusts. The next four ask for TLS, too.
     * Default: clear text.
     *
     * @return this
     */
    public Builder tls() {
      tls = true;
      return this;
    }

    /**
     * Says who may have signed the gateway's certificate, instead of the authorities that Java
     * trusts.
     *
     * @param file certificates in PEM
     * @return this
     */
    public Builder caFile(Path file) {
      caFile = Objects.requireNonNull(file, "file");
      return this;
    }

    /**
     * Says what certificate to show. Both files are in PEM, and are read again for each connection;
     * half of a new pair waits for the other half.
     *
     * @param certificate this client's own, then those that signed it
     * @param key its key, without a passphrase
     * @return this
     */
    public Builder certificate(Path certificate, Path key) {
      certificateFile = certificate;
      keyFile = key;
      return this;
    }

    /**
     * Says what name the gateway's certificate must be for. Default: the address's.
     *
     * @param name the name
     * @return this
     */
    public Builder serverName(String name) {
      serverName = Objects.requireNonNull(name, "name");
      return this;
    }

    /**
     * Says where the bearer token is that is sent with every call; the file is read again for each.
     * Without TLS the token goes to this machine only.
     *
     * @param file holds the token alone, but for a line end
     * @return this
     */
    public Builder tokenFile(Path file) {
      tokenFile = Objects.requireNonNull(file, "file");
      return this;
    }

    /**
     * Sends the token without TLS beyond this machine, too, where everybody on the way can read and
     * use it. Default: such a client fails with {@code FAILED_PRECONDITION}, reason {@code
     * CLEARTEXT_TOKEN}.
     *
     * @return this
     */
    public Builder allowCleartextToken() {
      allowCleartextToken = true;
      return this;
    }

    /**
     * Says after how long a look-up fails with {@code DEADLINE_EXCEEDED}. Default: 10 s.
     *
     * @param timeout how long
     * @return this
     */
    public Builder lookupTimeout(Duration timeout) {
      lookupTimeout = Times.requirePositive(timeout, "lookupTimeout");
      return this;
    }

    /**
     * Says how long to wait before a lost stream is opened again: {@code initial}, then twice as
     * long each time up to {@code maximum}, each wait shortened at random by up to half. Default:
     * 100 ms and 30 s.
     *
     * @param initial the first wait
     * @param maximum the longest
     * @return this
     */
    public Builder backoff(Duration initial, Duration maximum) {
      initialBackoff = Times.requirePositive(initial, "initial");
      maximumBackoff = Times.requirePositive(maximum, "maximum");
      return this;
    }

    /**
     * Says for how long {@code UNAUTHENTICATED} is repeated by a client that was let in before: its
     * file may change later than the gateway's. Default: 2 min.
     *
     * @param time how long
     * @return this
     */
    public Builder rotationPatience(Duration time) {
      rotationPatience = Times.requireNotNegative(time, "time");
      return this;
    }

    /**
     * Sets more on each channel that is made, interceptors of a tracing library for instance.
     *
     * @param configurator is called with each channel's builder, before it is built
     * @return this
     */
    public Builder configureChannel(Consumer<? super ManagedChannelBuilder<?>> configurator) {
      channelConfigurator = Objects.requireNonNull(configurator, "configurator");
      return this;
    }

    /**
     * Makes the client. Whether files can be used shows when the gateway is needed.
     *
     * @return a client, to be closed
     * @throws OnhookException FAILED_PRECONDITION, reason SERVER_ADDRESS: there can be no gateway
     *     at such an address
     */
    public OnhookClient build() {
      ServerAddress.parse(server); // refused here, where the mistake is
      return new OnhookClient(
          new ClientOptions(
              server,
              tls,
              caFile,
              certificateFile,
              keyFile,
              serverName,
              tokenFile,
              allowCleartextToken,
              lookupTimeout,
              initialBackoff,
              maximumBackoff,
              rotationPatience,
              channelConfigurator));
    }
  }
}
