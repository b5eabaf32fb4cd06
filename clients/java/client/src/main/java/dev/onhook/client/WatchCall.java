package dev.onhook.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import onhook.v1.ReleaseEventServiceGrpc;
import onhook.v1.WatchRequest;
import onhook.v1.WatchResponse;

/**
 * One Watch stream, from its opening to its end; never reconnects. Takes one message at a time,
 * when it is told to, so that what a slow reader does not take stays with the gateway.
 *
 * <p>Threads: as {@link SubscribeCall}.
 */
final class WatchCall extends ClientCall.Listener<WatchResponse> {
  /** Whoever keeps a watch going. */
  interface Owner {
    void received(WatchCall call, WatchResponse response);

    /** The last call. {@code why} is null: with OK. */
    void ended(WatchCall call, OnhookException why);
  }

  final Connections.Connection connection;
  boolean opened;
  boolean productive;
  private long openedAt;

  private final Monitor monitor;
  private final Connections connections;
  private final Owner owner;
  private final HeartbeatWatch heartbeats;
  private final ClientCall<WatchRequest, WatchResponse> call;
  private boolean listening;
  private OnhookException silent;

  WatchCall(
      Connections connections,
      Connections.Connection connection,
      Monitor monitor,
      Threads threads,
      Owner owner) {
    this.connections = connections;
    this.connection = connection;
    this.monitor = monitor;
    this.owner = owner;
    this.heartbeats = new HeartbeatWatch(monitor, threads, () -> listening, this::onSilence);
    this.call = connection.newCall(ReleaseEventServiceGrpc.getWatchMethod(), CallOptions.DEFAULT);
  }

  /** Begins. To be called once, without the monitor. */
  void start(WatchRequest request) {
    call.start(this, new Metadata());
    call.sendMessage(request);
    call.halfClose();
    monitor.run(
        () -> {
          heartbeats.start();
          listen();
        });
  }

  /** Takes one more message, if none is waited for. */
  void listen() {
    if (!listening) {
      listening = true;
      heartbeats.heard();
      monitor.afterwards(() -> call.request(1));
    }
  }

  /** How long it was open. */
  long livedNanos() {
    return opened ? System.nanoTime() - openedAt : 0;
  }

  void cancel(String why) {
    monitor.afterwards(() -> call.cancel(why, null));
  }

  @Override
  public void onMessage(WatchResponse response) {
    monitor.run(
        () -> {
          listening = false;
          heartbeats.heard();
          if (!opened) {
            opened = true;
            openedAt = System.nanoTime();
          }
          if (response.hasHeartbeat() && response.getHeartbeat().hasInterval()) {
            heartbeats.expect(response.getHeartbeat().getInterval());
          }
          productive |= response.hasEvents();
          owner.received(this, response);
        });
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    monitor.run(
        () -> {
          heartbeats.stop();
          owner.ended(
              this, silent != null ? silent : status.isOk() ? null : Errors.of(status, trailers));
        });
  }

  private void onSilence(OnhookException why) {
    silent = why;
    monitor.afterwards(() -> connections.abandon(connection));
  }
}
