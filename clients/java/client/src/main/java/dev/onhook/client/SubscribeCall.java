package dev.onhook.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import onhook.v1.AckResults;
import onhook.v1.GoAway;
import onhook.v1.ReleaseEventServiceGrpc;
import onhook.v1.SubscribeOpen;
import onhook.v1.SubscribeOpened;
import onhook.v1.SubscribeRequest;
import onhook.v1.SubscribeResponse;

/**
 * One Subscribe stream, from its opening to its end; never reconnects.
 *
 * <p>Why apart from the subscriber: after a {@code go_away} two streams live side by side, and each
 * must answer for what it handed out.
 *
 * <p>Promises: a settlement that was taken is confirmed or refused, or is among those that {@link
 * #takeUnconfirmed} returns. At most one request of acknowledgements is unanswered unless a full
 * one has gathered. {@code RETRY_LATER} is asked again after a pause.
 *
 * <p>Threads: all methods but {@link #start} are to be called with the monitor, under which the
 * owner is called, too.
 */
final class SubscribeCall extends ClientCall.Listener<SubscribeResponse> {
  /** The protocol allows 10,000. */
  private static final int MOST_IDS = 1000;

  /** How long to leave a gateway alone that could not store a settlement. */
  private static final long RETRY_LATER_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  /** Messages that gRPC may have ready for us. */
  private static final int PREFETCH = 16;

  /** Whoever keeps a stream open. */
  interface Owner {
    void opened(SubscribeCall call, SubscribeOpened opened);

    /** Each delivery is to be answered by {@link #admit}, and that by one settlement or discard. */
    void delivered(SubscribeCall call, List<onhook.v1.Delivery> deliveries);

    void goingAway(SubscribeCall call, GoAway goAway);

    /** The last call. {@code why} is null: with OK. */
    void ended(SubscribeCall call, OnhookException why);
  }

  /** A request that is on its way. */
  private record Unanswered(
      Settlement.Action action, List<Settlement> settlements, List<Attempt> attempts) {}

  final Connections.Connection connection;
  boolean opened;
  boolean productive;
  boolean goingAway;
  private long openedAt;

  private final Monitor monitor;
  private final Threads threads;
  private final Connections connections;
  private final Owner owner;
  private final DeliveryLeases leases;
  private final ClientCall<SubscribeRequest, SubscribeResponse> call;

  private final Outbox outbox;

  private final ArrayDeque<Settlement> acks = new ArrayDeque<>();
  private final ArrayDeque<Settlement> nacks = new ArrayDeque<>();
  private final ArrayDeque<Settlement> extensions = new ArrayDeque<>();
  private final List<Settlement> delayed = new ArrayList<>();
  private final Map<Long, Unanswered> unanswered = new HashMap<>();
  private long lastRequestId;
  private int unansweredAcks;
  private int unansweredNacks;
  private int unansweredExtensions;
  private int withOwner;

  private boolean pauseWanted;
  private boolean pauseSent;
  private boolean closeWhenIdle;
  private boolean started;
  private boolean halfClosed;
  private boolean ended;

  private final HeartbeatWatch heartbeats;
  private OnhookException silent;
  private ScheduledFuture<?> leaseTimer;
  private long leaseTimerAt;
  private ScheduledFuture<?> drainTimer;

  SubscribeCall(
      Connections connections,
      Connections.Connection connection,
      Monitor monitor,
      Threads threads,
      long maxExtensionNanos,
      Owner owner) {
    this.connections = connections;
    this.connection = connection;
    this.monitor = monitor;
    this.threads = threads;
    this.owner = owner;
    this.leases = new DeliveryLeases(maxExtensionNanos);
    this.heartbeats = new HeartbeatWatch(monitor, threads, () -> true, this::onSilence);
    this.call =
        connection.newCall(ReleaseEventServiceGrpc.getSubscribeMethod(), CallOptions.DEFAULT);
    this.outbox = new Outbox(monitor, call);
  }

  /** Begins. To be called once, without the monitor. */
  void start(SubscribeOpen open) {
    call.start(this, new Metadata());
    call.request(PREFETCH);
    monitor.run(
        () -> {
          started = true;
          outbox.add(SubscribeRequest.newBuilder().setOpen(open));
          pump();
          heartbeats.start();
        });
  }

  /**
   * Counts a delivery that the owner takes over. Null: it came too late, and others will get it.
   */
  Attempt admit(onhook.v1.Delivery delivery, long now) {
    if (halfClosed) {
      return null;
    }
    ++withOwner;
    Attempt attempt = new Attempt(this, delivery.getDeliveryId());
    if (delivery.hasAckDeadline()) {
      leases.add(attempt, Times.nanos(Times.duration(delivery.getAckDeadline())), now);
    }
    return attempt;
  }

  /** Takes a settlement of a delivery of this stream. False: the stream has ended, for writing. */
  boolean settle(Attempt attempt, Settlement settlement) {
    --withOwner;
    leases.remove(attempt);
    settlement.deliveryId = attempt.deliveryId;
    return enqueue(settlement);
  }

  /** Takes a settlement of a delivery of an earlier stream. */
  boolean adopt(Settlement settlement) {
    return enqueue(settlement);
  }

  /** Takes an extension that was asked for. */
  boolean extend(Attempt attempt, Settlement extension) {
    extension.deliveryId = attempt.deliveryId;
    extension.extended = attempt;
    if (!enqueue(extension)) {
      return false;
    }
    leases.extended(attempt, Times.nanos(extension.time), System.nanoTime());
    return true;
  }

  /** Says that a delivery will not be settled. */
  void discard(Attempt attempt) {
    --withOwner;
    leases.remove(attempt);
  }

  void setPaused(boolean paused) {
    pauseWanted = paused;
  }

  void closeWhenIdle() {
    closeWhenIdle = true;
  }

  /** Half-closes at that time, whatever is unsettled by then. */
  void drainFor(long nanos) {
    if (drainTimer == null && !ended) {
      drainTimer = threads.after(nanos, () -> monitor.run(this::halfClose));
    }
  }

  /** How long it was open. */
  long livedNanos() {
    return opened ? System.nanoTime() - openedAt : 0;
  }

  void cancel(String why) {
    monitor.afterwards(() -> call.cancel(why, null));
  }

  /** What was taken and is not confirmed. */
  List<Settlement> takeUnconfirmed() {
    List<Settlement> all = new ArrayList<>();
    for (Unanswered request : unanswered.values()) {
      all.addAll(request.settlements);
    }
    unanswered.clear();
    all.addAll(delayed);
    all.addAll(acks);
    all.addAll(nacks);
    all.addAll(extensions);
    delayed.clear();
    acks.clear();
    nacks.clear();
    extensions.clear();
    return all;
  }

  /** Sends what is to be sent now. To be called after whatever changes that. */
  void pump() {
    if (!started || ended || halfClosed) {
      return;
    }
    if (pauseWanted != pauseSent) {
      pauseSent = pauseWanted;
      outbox.add(Requests.pause(pauseWanted));
    }
    while (!extensions.isEmpty()) {
      sendExtension(extensions.poll());
    }
    while (!acks.isEmpty() && (unansweredAcks == 0 || acks.size() >= MOST_IDS)) {
      sendAcks();
    }
    if (unansweredNacks == 0) {
      while (!nacks.isEmpty()) {
        sendNacks();
      }
    }
    if (closeWhenIdle && isIdle()) {
      halfClose();
    }
    armLeases();
  }

  @Override
  public void onMessage(SubscribeResponse response) {
    monitor.lock();
    try {
      heartbeats.heard();
      handle(response);
      pump();
    } finally {
      monitor.unlock();
    }
    call.request(1);
  }

  @Override
  public void onClose(Status status, Metadata trailers) {
    monitor.run(
        () -> {
          ended = true;
          heartbeats.stop();
          for (ScheduledFuture<?> timer : new ScheduledFuture<?>[] {leaseTimer, drainTimer}) {
            if (timer != null) {
              timer.cancel(false);
            }
          }
          owner.ended(
              this, silent != null ? silent : status.isOk() ? null : Errors.of(status, trailers));
        });
  }

  private boolean enqueue(Settlement settlement) {
    if (ended || halfClosed) {
      return false;
    }
    lane(settlement.action).add(settlement);
    return true;
  }

  private ArrayDeque<Settlement> lane(Settlement.Action action) {
    return switch (action) {
      case ACK -> acks;
      case EXTEND -> extensions;
      default -> nacks;
    };
  }

  private boolean isIdle() {
    return withOwner == 0
        && acks.isEmpty()
        && nacks.isEmpty()
        && extensions.isEmpty()
        && delayed.isEmpty()
        && unansweredAcks + unansweredNacks + unansweredExtensions == 0;
  }

  private void halfClose() {
    if (!started || ended || halfClosed) {
      return;
    }
    while (!acks.isEmpty()) {
      sendAcks();
    }
    while (!nacks.isEmpty()) {
      sendNacks();
    }
    halfClosed = true;
    outbox.halfClose();
  }

  private void sendAcks() {
    List<Settlement> sent = take(acks, null);
    ++unansweredAcks;
    unanswered.put(++lastRequestId, new Unanswered(Settlement.Action.ACK, sent, List.of()));
    outbox.add(Requests.ack(lastRequestId, sent));
  }

  private void sendNacks() {
    // As many as say the same: all that is given back at a stop, above all.
    List<Settlement> sent = take(nacks, nacks.peek());
    ++unansweredNacks;
    unanswered.put(++lastRequestId, new Unanswered(sent.get(0).action, sent, List.of()));
    outbox.add(Requests.nack(lastRequestId, sent));
  }

  private void sendExtension(Settlement extension) {
    ++unansweredExtensions;
    unanswered.put(
        ++lastRequestId, new Unanswered(Settlement.Action.EXTEND, List.of(extension), List.of()));
    outbox.add(Requests.extend(lastRequestId, extension.time, List.of(extension.extended)));
  }

  private static List<Settlement> take(ArrayDeque<Settlement> from, Settlement words) {
    List<Settlement> taken = new ArrayList<>(Math.min(from.size(), MOST_IDS));
    while (!from.isEmpty()
        && taken.size() < MOST_IDS
        && (words == null || from.peek().saysTheSameAs(words))) {
      taken.add(from.poll());
    }
    return taken;
  }

  private void handle(SubscribeResponse response) {
    switch (response.getResponseCase()) {
      case OPENED -> {
        opened = true;
        openedAt = System.nanoTime();
        if (response.getOpened().hasHeartbeatInterval()) {
          heartbeats.expect(response.getOpened().getHeartbeatInterval());
        }
        owner.opened(this, response.getOpened());
      }
      case DELIVERIES -> {
        productive = true;
        owner.delivered(this, response.getDeliveries().getDeliveriesList());
      }
      case ACK_RESULTS -> {
        productive = true;
        handleResults(response.getAckResults());
      }
      case HEARTBEAT -> {
        if (response.getHeartbeat().hasInterval()) {
          heartbeats.expect(response.getHeartbeat().getInterval());
        }
      }
      case GO_AWAY -> owner.goingAway(this, response.getGoAway());
      default -> {
        // Of a newer version.
      }
    }
  }

  private void handleResults(AckResults results) {
    Unanswered request = unanswered.remove(results.getRequestId());
    if (request == null) {
      return;
    }
    if (!request.attempts.isEmpty()) {
      handleExtended(request, results);
      return;
    }
    switch (request.action) {
      case ACK -> --unansweredAcks;
      case EXTEND -> --unansweredExtensions;
      default -> --unansweredNacks;
    }
    if (results.getExceptionsCount() == 0) {
      monitor.afterwards(() -> request.settlements.forEach(Settlement::confirm));
      return;
    }
    Map<String, AckResults.Result> exceptions = exceptionsOf(results);
    for (Settlement settlement : request.settlements) {
      AckResults.Result result = exceptions.get(settlement.deliveryId);
      if (result == null) {
        monitor.afterwards(settlement::confirm);
      } else if (result == AckResults.Result.RESULT_RETRY_LATER) {
        sendLater(settlement);
      } else {
        if (settlement.extended != null) {
          leases.remove(settlement.extended);
        }
        monitor.afterwards(() -> settlement.fail(Errors.of(result)));
      }
    }
  }

  private static Map<String, AckResults.Result> exceptionsOf(AckResults results) {
    Map<String, AckResults.Result> exceptions = new HashMap<>();
    for (AckResults.Exception exception : results.getExceptionsList()) {
      exceptions.put(exception.getDeliveryId(), exception.getResult());
    }
    return exceptions;
  }

  private void sendLater(Settlement settlement) {
    delayed.add(settlement);
    if (delayed.size() == 1) {
      threads.after(
          RETRY_LATER_NANOS,
          () ->
              monitor.run(
                  () -> {
                    if (ended || halfClosed) {
                      return; // they are among what is unconfirmed
                    }
                    delayed.forEach(this::enqueue);
                    delayed.clear();
                    pump();
                  }));
    }
  }

  private void handleExtended(Unanswered request, AckResults results) {
    if (results.getExceptionsCount() == 0) {
      return;
    }
    Map<String, AckResults.Result> exceptions = exceptionsOf(results);
    long later = System.nanoTime() + RETRY_LATER_NANOS;
    for (Attempt attempt : request.attempts) {
      AckResults.Result result = exceptions.get(attempt.deliveryId);
      if (result == AckResults.Result.RESULT_RETRY_LATER) {
        leases.postpone(attempt, later);
      } else if (result != null) {
        // It is with somebody else by now, or settled.
        leases.remove(attempt);
      }
    }
  }

  private void sendDueExtensions() {
    for (; ; ) {
      DeliveryLeases.Extension due = leases.takeDue(System.nanoTime(), MOST_IDS);
      if (due == null) {
        return;
      }
      unanswered.put(
          ++lastRequestId, new Unanswered(Settlement.Action.EXTEND, List.of(), due.attempts()));
      outbox.add(
          Requests.extend(lastRequestId, Duration.ofNanos(due.leaseNanos()), due.attempts()));
    }
  }

  private void armLeases() {
    if (!leases.hasDue() || (leaseTimer != null && leaseTimerAt - leases.nextDue() <= 0)) {
      return;
    }
    if (leaseTimer != null) {
      leaseTimer.cancel(false);
    }
    leaseTimerAt = leases.nextDue();
    leaseTimer =
        threads.after(
            leaseTimerAt - System.nanoTime(),
            () ->
                monitor.run(
                    () -> {
                      leaseTimer = null;
                      if (!ended && !halfClosed) {
                        sendDueExtensions();
                        pump();
                      }
                    }));
  }

  private void onSilence(OnhookException why) {
    silent = why;
    // Another stream on a connection that is dead would be dead too.
    monitor.afterwards(() -> connections.abandon(connection));
  }
}
