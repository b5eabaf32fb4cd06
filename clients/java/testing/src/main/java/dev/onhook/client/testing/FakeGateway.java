package dev.onhook.client.testing;

import dev.onhook.client.OnhookClient;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.ReleaseEvent;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.ServerCredentials;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import onhook.v1.GoAway;

/**
 * A gateway in the same process, on a port of its own of this machine: delivers what is published,
 * remembers what it is told, and does to its clients what networks and gateways do to them.
 *
 * <pre>{@code
 * try (FakeGateway gateway = FakeGateway.start();
 *     OnhookClient client = gateway.client()) {
 *   client.subscribe("crm", new CrmWrapUp(database));
 *   gateway.publish(TestEvents.ofCall("call-1"));
 *   SettledDelivery settled = gateway.awaitSettled(1).get(0);
 *   assertEquals(Settlement.Action.ACK, settled.settlement().action());
 * }
 * }</pre>
 *
 * <p>A subscription exists as soon as somebody asks for it, unless {@link #refuse} says otherwise,
 * and owes everything that was published. Time does not pass here: an event that was given back
 * comes again when {@link #redeliver} says so, and at once where its stream is lost. Several
 * consumers of one subscription are not told apart: the one that came last gets the events. All
 * methods may be called from any thread; those that wait give up after ten seconds.
 */
public final class FakeGateway implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 10;

  private final Server server;
  private final List<LoggedEvent> log = new ArrayList<>();
  private final Map<String, FakeSubscription> subscriptions = new HashMap<>();
  private final List<FakeStream> streams = new ArrayList<>();
  private final List<FakeWatch> watches = new ArrayList<>();
  private final List<SettledDelivery> settled = new ArrayList<>();
  private final List<Extension> extensions = new ArrayList<>();
  private final List<StatusRuntimeException> refusals = new ArrayList<>();
  private StatusRuntimeException refusal;
  private Duration heartbeatInterval = Duration.ofSeconds(15);
  private Duration ackDeadline = Duration.ofSeconds(30);
  private int retryLater;
  private boolean withholdsAnswers;
  private final Set<String> peers = new HashSet<>();
  private final List<String> authorizations = new ArrayList<>();
  private int opened;
  private int endedWithOk;
  private int oldestKept;

  /**
   * An event and its place.
   *
   * @param event the event
   * @param cursor its place
   */
  record LoggedEvent(onhook.v1.ReleaseEvent event, String cursor) {}

  /**
   * More time that was asked for.
   *
   * @param deliveryId for what
   * @param ackDeadline how much
   */
  public record Extension(String deliveryId, Duration ackDeadline) {}

  private FakeGateway(ServerCredentials credentials) {
    server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), credentials)
            .addService(new FakeService(this))
            .intercept(new CallerInterceptor())
            // What clients send is taken in order, on the thread that brings it.
            .directExecutor()
            .build();
  }

  /**
   * Starts a gateway that speaks no TLS.
   *
   * @return a gateway, to be closed
   */
  public static FakeGateway start() {
    return start(InsecureServerCredentials.create());
  }

  /**
   * Starts a gateway.
   *
   * @param credentials how it speaks TLS
   * @return a gateway, to be closed
   */
  public static FakeGateway start(ServerCredentials credentials) {
    FakeGateway gateway = new FakeGateway(credentials);
    try {
      gateway.server.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return gateway;
  }

  /**
   * Returns the address, for {@link OnhookClient.Builder#server}.
   *
   * @return host and port
   */
  public String address() {
    return "127.0.0.1:" + server.getPort();
  }

  /**
   * Returns a client of this gateway that tries again quickly.
   *
   * @return a client, to be closed
   */
  public OnhookClient client() {
    return clientBuilder().build();
  }

  /**
   * Begins a client of this gateway that tries again quickly.
   *
   * @return a builder
   */
  public OnhookClient.Builder clientBuilder() {
    return OnhookClient.builder()
        .server(address())
        .backoff(Duration.ofMillis(1), Duration.ofMillis(20));
  }

  /**
   * Says how often streams that open from now on hear a heartbeat. Default: 15 s.
   *
   * @param interval how often
   */
  public synchronized void heartbeatInterval(Duration interval) {
    heartbeatInterval = interval;
  }

  /**
   * Says what deadline deliveries have from now on. Default: 30 s. It is told and never passes.
   *
   * @param deadline how long
   */
  public synchronized void ackDeadline(Duration deadline) {
    ackDeadline = deadline;
  }

  /**
   * Stores an event, and delivers it to all subscriptions and watches.
   *
   * @param event the event
   * @return its cursor
   */
  public String publish(ReleaseEvent event) {
    return publish(event.message());
  }

  /**
   * Stores an event, and delivers it to all subscriptions and watches.
   *
   * @param event the event's message
   * @return its cursor
   */
  public synchronized String publish(onhook.v1.ReleaseEvent event) {
    LoggedEvent logged = new LoggedEvent(event, "fake-" + (log.size() + 1));
    log.add(logged);
    subscriptions.values().forEach(subscription -> subscription.owe(logged));
    watches.forEach(FakeWatch::sendNew);
    return logged.cursor;
  }

  /**
   * Forgets the oldest events: a watch behind them has a gap.
   *
   * @param events how many
   */
  public synchronized void forgetOldest(int events) {
    oldestKept = events;
  }

  /**
   * Delivers an event again to every subscription, as the next attempt.
   *
   * @param eventId the event
   * @param reason why
   */
  public synchronized void redeliver(String eventId, RedeliveryReason reason) {
    subscriptions.values().forEach(subscription -> subscription.redeliver(eventId, reason));
  }

  /**
   * Settles an event as another consumer would have: what is said of it from now on is stale.
   *
   * @param eventId the event
   */
  public synchronized void settleElsewhere(String eventId) {
    subscriptions.values().forEach(subscription -> subscription.settleElsewhere(eventId));
  }

  /** Ends all streams and watches as a lost connection does. */
  public synchronized void breakStreams() {
    endStreams(Status.UNAVAILABLE.withDescription("the fake gateway breaks its streams"));
  }

  /**
   * Ends all streams and watches with an error.
   *
   * @param status the error
   */
  public synchronized void endStreams(Status status) {
    StatusRuntimeException error = status.asRuntimeException();
    List.copyOf(streams).forEach(stream -> stream.fail(error));
    List.copyOf(watches).forEach(watch -> watch.fail(error));
  }

  /** Says nothing more on what is open now, as a connection does that loses everything. */
  public synchronized void goSilent() {
    streams.forEach(FakeStream::goSilent);
    watches.forEach(FakeWatch::goSilent);
  }

  /**
   * Tells all streams and watches that they are going to end.
   *
   * @param reason why
   * @param drain how long settlements are still taken, as it is told; it never passes
   */
  public synchronized void goAway(GoAway.Reason reason, Duration drain) {
    List.copyOf(streams).forEach(stream -> stream.goAway(reason, drain));
    List.copyOf(watches).forEach(watch -> watch.goAway(reason, drain));
  }

  /**
   * Refuses streams, watches and look-ups from now on, until {@link #accept}.
   *
   * @param code the code
   * @param reason the reason
   * @param message in words
   * @param metadata named details
   */
  public synchronized void refuse(
      Status.Code code, String reason, String message, Map<String, String> metadata) {
    refusal = FakeErrors.of(code, reason, message, metadata);
  }

  /**
   * Refuses the next stream, watch or look-up.
   *
   * @param code the code
   * @param reason the reason
   * @param message in words
   */
  public synchronized void refuseNext(Status.Code code, String reason, String message) {
    refusals.add(FakeErrors.of(code, reason, message, Map.of()));
  }

  /** Lets everybody in again. */
  public synchronized void accept() {
    refusal = null;
  }

  /**
   * Answers the next requests to settle or to extend with RETRY_LATER.
   *
   * @param requests how many
   */
  public synchronized void retryLater(int requests) {
    retryLater = requests;
  }

  /**
   * Does what it is told, and does not say so, until told otherwise: the answers are lost.
   *
   * @param withholds whether it does
   */
  public synchronized void withholdAnswers(boolean withholds) {
    withholdsAnswers = withholds;
  }

  /**
   * Returns what was settled.
   *
   * @return all that was said, in order; what was said twice stands there twice
   */
  public synchronized List<SettledDelivery> settled() {
    return List.copyOf(settled);
  }

  /**
   * Waits until so much was settled.
   *
   * @param count how much
   * @return all that was said
   */
  public synchronized List<SettledDelivery> awaitSettled(int count) {
    await(() -> settled.size() >= count, count + " settled deliveries");
    return settled();
  }

  /**
   * Waits until so many extensions were asked for.
   *
   * @param count how many
   * @return all that were asked for, in order
   */
  public synchronized List<Extension> awaitExtensions(int count) {
    await(() -> extensions.size() >= count, count + " extensions");
    return List.copyOf(extensions);
  }

  /**
   * Waits until so many streams are open.
   *
   * @param count how many
   */
  public synchronized void awaitStreams(int count) {
    await(() -> streams.size() == count, count + " open streams");
  }

  /**
   * Waits until so many streams have been opened since this gateway started.
   *
   * @param count how many
   */
  public synchronized void awaitOpened(int count) {
    await(() -> opened >= count, count + " streams that were opened");
  }

  /**
   * Returns how many streams have been opened since this gateway started.
   *
   * @return how many
   */
  public synchronized int opened() {
    return opened;
  }

  /**
   * Returns over how many connections streams have been opened since this gateway started.
   *
   * @return how many
   */
  public synchronized int peersSeen() {
    return peers.size();
  }

  /**
   * Returns the {@code authorization} of each stream and watch that was opened or refused, and of
   * each look-up.
   *
   * @return headers in order; empty texts for calls without one
   */
  public synchronized List<String> authorizations() {
    return List.copyOf(authorizations);
  }

  /**
   * Returns how many streams clients have ended as they should, and were told OK.
   *
   * @return how many
   */
  public synchronized int endedWithOk() {
    return endedWithOk;
  }

  /**
   * Waits until all open streams are paused, or none is.
   *
   * @param paused which
   */
  public synchronized void awaitPaused(boolean paused) {
    await(
        () -> streams.stream().allMatch(stream -> stream.isPaused() == paused),
        "streams with paused = " + paused);
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // For the streams, with the lock.

  /** Null: come in. */
  StatusRuntimeException refusalOfNext() {
    authorizations.add(CallerInterceptor.authorization());
    return refusals.isEmpty() ? refusal : refusals.remove(0);
  }

  void add(FakeStream stream) {
    streams.add(stream);
    peers.add(stream.peer());
    ++opened;
    notifyAll();
  }

  void remove(FakeStream stream) {
    streams.remove(stream);
    notifyAll();
  }

  List<FakeWatch> watches() {
    return watches;
  }

  List<LoggedEvent> log() {
    return log;
  }

  int oldestKept() {
    return oldestKept;
  }

  FakeSubscription subscription(String name) {
    return subscriptions.computeIfAbsent(
        name,
        unknown -> {
          FakeSubscription subscription = new FakeSubscription(this, name);
          log.forEach(subscription::owe);
          return subscription;
        });
  }

  Duration heartbeatInterval() {
    return heartbeatInterval;
  }

  Duration ackDeadline() {
    return ackDeadline;
  }

  boolean takeRetryLater() {
    return retryLater > 0 && retryLater-- > 0;
  }

  boolean withholdsAnswers() {
    return withholdsAnswers;
  }

  void settle(SettledDelivery one) {
    settled.add(one);
    notifyAll();
  }

  void extend(Extension one) {
    extensions.add(one);
    notifyAll();
  }

  void countOk() {
    ++endedWithOk;
  }

  void changed() {
    notifyAll();
  }

  private void await(BooleanSupplier condition, String what) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (!condition.getAsBoolean()) {
      long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0) {
        throw new AssertionError("there were never " + what);
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted while waiting for " + what, e);
      }
    }
  }
}
