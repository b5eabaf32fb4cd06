package dev.onhook.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import onhook.v1.GoAway;
import onhook.v1.SubscribeOpened;

/**
 * What a subscriber does: keeps a stream open, hands deliveries to its handler or to iterators, and
 * carries settlements back, over whichever stream is there.
 *
 * <p>At most two streams are alive: the newest, and one that drains. All state is guarded by the
 * monitor, under which neither gRPC nor a user is called.
 */
final class SubscriberEngine extends AbstractReceiver
    implements DeliveryStream, SubscribeCall.Owner, HandlerThreads.Source {
  /** How far the end has come. */
  private enum Phase {
    RUNNING,
    /** Waits for what is in hand. */
    SETTLING,
    /** Waits for confirmations. */
    CONFIRMING,
    ENDED
  }

  private final SubscribeOptions options;
  private final Connections connections;
  private final Threads threads;
  private final Monitor monitor = new Monitor();
  private final Reconnection reconnection;

  /** Null: deliveries are taken by iterators. */
  private final HandlerThreads handlers;

  private Phase phase = Phase.RUNNING;
  private final OpenStreams streams = new OpenStreams();
  private boolean reopening;
  private boolean paused;
  private final HeldEvents held = new HeldEvents();
  private final List<Settlement> orphans = new ArrayList<>();
  private boolean graceOver;
  private OnhookException endError;
  private ScheduledFuture<?> graceTimer;
  private ScheduledFuture<?> confirmationTimer;

  /** Without a handler, deliveries are taken by iterators. */
  SubscriberEngine(
      SubscribeOptions options,
      DeliveryHandler handler,
      ClientOptions client,
      Connections connections,
      Threads threads) {
    super(options.stateListener(), client.server(), threads.serial());
    this.options = options;
    this.connections = connections;
    this.threads = threads;
    this.handlers =
        handler == null
            ? null
            : new HandlerThreads(
                monitor, options.executor().orElse(threads), handler, options.concurrency(), this);
    this.reconnection = new Reconnection(client, connections, threads, monitor, this::openStream);
  }

  void start() {
    monitor.run(
        () -> {
          reopening = true;
          reconnection.openNow();
        });
  }

  @Override
  public void pause() {
    monitor.run(() -> setPaused(true));
  }

  @Override
  public void resume() {
    monitor.run(() -> setPaused(false));
  }

  @Override
  public CompletableFuture<Void> stopAsync() {
    return stopAsync(options.stopGrace());
  }

  @Override
  public CompletableFuture<Void> stopAsync(Duration grace) {
    monitor.run(() -> beginStop(grace));
    return completion();
  }

  @Override
  public Iterator<Delivery> iterator() {
    return new IteratorOf<>(() -> take(-1));
  }

  @Override
  public Optional<Delivery> poll(Duration timeout) throws InterruptedException {
    return Optional.ofNullable(take(Times.nanos(timeout)));
  }

  @Override
  public String toString() {
    return "Subscriber[" + options.subscription() + "]";
  }

  /** False: it was settled before. */
  boolean settle(HeldDelivery delivery, Settlement settlement) {
    monitor.lock();
    try {
      return settleLocked(delivery, settlement);
    } finally {
      monitor.unlock();
    }
  }

  void extend(HeldDelivery delivery, Settlement extension) {
    monitor.run(
        () -> {
          boolean isHere = delivery.stage == HeldDelivery.Stage.IN_HAND;
          if (!isHere || !delivery.newest.call.extend(delivery.newest, extension)) {
            monitor.afterwards(
                () -> extension.fail(isHere ? Errors.streamLost() : Errors.givenBack()));
            return;
          }
          delivery.newest.call.pump();
        });
  }

  // What happens to streams.

  @Override
  public void opened(SubscribeCall call, SubscribeOpened opened) {
    reconnection.streamOpened();
    streams.opened(call);
    placeOrphans();
    tell(SubscriberState.STREAMING, null);
    if (phase == Phase.CONFIRMING) {
      call.closeWhenIdle();
    }
  }

  @Override
  public void delivered(SubscribeCall call, List<onhook.v1.Delivery> deliveries) {
    long now = System.nanoTime();
    for (onhook.v1.Delivery message : deliveries) {
      Attempt attempt = call.admit(message, now);
      if (attempt != null) {
        hold(message, attempt);
      }
    }
    if (handlers == null) {
      monitor.signalAll();
    } else {
      handlers.start(waiting());
    }
  }

  @Override
  public void goingAway(SubscribeCall call, GoAway goAway) {
    call.goingAway = true;
    // Of age alone, the gateway goes on delivering until the replacement is open; of anything else
    // nothing more comes.
    if (goAway.getReason() != GoAway.Reason.REASON_MAX_AGE) {
      call.closeWhenIdle();
    }
    if (goAway.hasDrainDeadline()) {
      call.drainFor(Times.nanos(Times.duration(goAway.getDrainDeadline())));
    }
    if (goAway.getReason() == GoAway.Reason.REASON_SUBSCRIPTION_DELETED) {
      endWith(
          Errors.local(
              Status.Code.NOT_FOUND, "the subscription was deleted", "SUBSCRIPTION_DELETED", null));
    } else if (streams.isNewest(call) && wantsStream()) {
      streams.overtake(call);
      if (!reopening) {
        reopening = true;
        reconnection.replace(call.productive);
      }
    }
  }

  @Override
  public void ended(SubscribeCall call, OnhookException ending) {
    streams.remove(call);
    held.dropWaitingOf(call);
    call.takeUnconfirmed().forEach(this::lost);
    OnhookException why =
        reconnection.streamEnded(call.connection, call.productive, call.livedNanos(), ending);
    if (streams.isNewest(call) && !call.goingAway) {
      streamFailed(why);
    }
    placeOrphans();
    checkProgress();
  }

  /** The newest stream is lost, or none could be opened. */
  private void streamFailed(OnhookException why) {
    if (phase == Phase.ENDED || endError != null) {
      return;
    }
    if (reconnection.isFinal(why)) {
      endWith(why);
    } else if (wantsStream() && !reopening) {
      tellBackingOff(why, reconnection.isFirstFailure());
      reopening = true;
      reconnection.openLater();
    }
  }

  private boolean wantsStream() {
    return endError == null
        && switch (phase) {
          case RUNNING -> true;
          case SETTLING -> !handsAreEmpty() || !orphans.isEmpty();
          case CONFIRMING -> !orphans.isEmpty();
          case ENDED -> false;
        };
  }

  /** Not under the monitor: reads files. */
  private void openStream() {
    monitor.lock();
    try {
      if (!wantsStream()) {
        reopening = false;
        checkProgress();
        return;
      }
      tell(SubscriberState.CONNECTING, null);
    } finally {
      monitor.unlock();
    }
    SubscribeCall opening;
    try {
      opening =
          new SubscribeCall(
              connections,
              reconnection.connect(),
              monitor,
              threads,
              Times.nanos(options.maxExtension()),
              this);
    } catch (OnhookException e) {
      monitor.run(
          () -> {
            reopening = false;
            streamFailed(e);
            checkProgress();
          });
      return;
    }
    monitor.run(
        () -> {
          reopening = false;
          streams.add(opening, paused || phase != Phase.RUNNING);
        });
    opening.start(options.openRequest());
    // It may have ended, for us, while it was being opened.
    monitor.run(
        () -> {
          if (!wantsStream()) {
            checkProgress();
            if (phase == Phase.CONFIRMING || phase == Phase.ENDED) {
              opening.cancel("not needed any more");
            }
          }
        });
  }

  private void setPaused(boolean wanted) {
    paused = wanted;
    streams.setPaused(paused || phase != Phase.RUNNING);
  }

  // What happens to events.

  private void hold(onhook.v1.Delivery message, Attempt attempt) {
    HeldDelivery known = held.find(message);
    if (known != null) {
      // Settled where it is: handled elsewhere, or here again, it would be handled twice at once.
      Attempt before = known.newest;
      known.newest = attempt;
      if (known.stage == HeldDelivery.Stage.WAITING) {
        known.message = message;
      }
      before.call.discard(before);
      before.call.pump();
    } else if (phase == Phase.RUNNING) {
      held.add(new HeldDelivery(this, message, attempt));
    } else {
      giveBack(attempt);
    }
  }

  private static void giveBack(Attempt attempt) {
    // Refused by a stream that has ended: its end gives back as well.
    attempt.call.settle(
        attempt, new Settlement(Settlement.Action.RELEASE, "the consumer stops", null, null));
  }

  private boolean settleLocked(HeldDelivery delivery, Settlement settlement) {
    switch (delivery.stage) {
      case IN_HAND -> {
        held.settled(delivery);
        Attempt attempt = delivery.newest;
        if (attempt.call.settle(attempt, settlement)) {
          attempt.call.pump();
        } else {
          lost(settlement);
          placeOrphans();
        }
        checkProgress();
        return true;
      }
      case SETTLED -> {
        return false;
      }
      default -> {
        monitor.afterwards(() -> settlement.fail(Errors.givenBack()));
        return true;
      }
    }
  }

  /** A settlement whose stream cannot confirm it any more. */
  private void lost(Settlement settlement) {
    if (settlement.action != Settlement.Action.ACK) {
      monitor.afterwards(() -> settlement.fail(Errors.streamLost()));
    } else if (phase == Phase.ENDED) {
      monitor.afterwards(() -> settlement.fail(Errors.givenBack()));
    } else {
      orphans.add(settlement);
    }
  }

  private void placeOrphans() {
    SubscribeCall stream = streams.current();
    if (stream != null && !orphans.isEmpty()) {
      orphans.removeIf(stream::adopt);
      stream.pump();
    }
  }

  // Handlers and iterators.

  @Override
  public HeldDelivery begin() {
    return phase == Phase.RUNNING ? held.begin() : null;
  }

  @Override
  public int waiting() {
    return phase == Phase.RUNNING ? held.waiting() : 0;
  }

  @Override
  public void handled(HeldDelivery delivery, Settlement settlement) {
    if (delivery.stage != HeldDelivery.Stage.SETTLED) {
      settleLocked(delivery, settlement);
    }
  }

  @Override
  public void idle() {
    checkProgress();
  }

  @Override
  public void rejected(RejectedExecutionException e) {
    endWith(Errors.unusable("the executor takes no handler", "EXECUTOR_REJECTED", e));
    checkProgress();
  }

  /**
   * Null: the time is over, or the subscriber stops. Waits for ever if {@code nanos} is negative.
   */
  private HeldDelivery take(long nanos) throws InterruptedException {
    if (handlers != null) {
      throw new IllegalStateException("a subscriber with a handler has no iterators");
    }
    long left = nanos;
    monitor.lock();
    try {
      while (phase == Phase.RUNNING && held.waiting() == 0) {
        if (nanos < 0) {
          monitor.await();
        } else if (left > 0) {
          left = monitor.await(left);
        } else {
          return null;
        }
      }
      if (phase != Phase.RUNNING && endError != null) {
        throw endError;
      }
      return begin();
    } finally {
      monitor.unlock();
    }
  }

  // The end.

  private void beginStop(Duration grace) {
    if (phase == Phase.RUNNING) {
      phase = Phase.SETTLING;
      setPaused(paused);
      held.dropWaiting().forEach(delivery -> giveBack(delivery.newest));
      streams.pump();
      monitor.signalAll();
    }
    if (phase == Phase.SETTLING) {
      if (graceTimer != null) {
        graceTimer.cancel(false);
      }
      graceTimer = threads.after(Times.nanos(grace), () -> monitor.run(this::endGrace));
    }
    checkProgress();
  }

  private void endWith(OnhookException why) {
    if (phase == Phase.ENDED || endError != null) {
      return;
    }
    endError = why;
    beginStop(options.stopGrace());
  }

  private void endGrace() {
    if (phase != Phase.SETTLING) {
      return;
    }
    graceOver = true;
    held.dropAll().forEach(delivery -> giveBack(delivery.newest));
    streams.pump();
    checkProgress();
  }

  private boolean handsAreEmpty() {
    // Once an error has ended the last stream, nothing that an iterator gave out can be settled.
    boolean nothingInHand = held.inHand() == 0 || (endError != null && streams.isEmpty());
    boolean handlersAreIdle = handlers == null || handlers.isIdle();
    return graceOver || (handlersAreIdle && nothingInHand);
  }

  private void checkProgress() {
    if (phase == Phase.SETTLING && handsAreEmpty()) {
      beginConfirming();
    }
    if (phase == Phase.CONFIRMING) {
      if (streams.isEmpty() && (orphans.isEmpty() || endError != null)) {
        finish();
      } else if (streams.isEmpty() && !reopening) {
        reopening = true;
        reconnection.openNow();
      }
    }
  }

  private void beginConfirming() {
    phase = Phase.CONFIRMING;
    confirmationTimer =
        threads.after(Times.nanos(options.confirmationTimeout()), () -> monitor.run(this::finish));
    streams.close(!orphans.isEmpty());
  }

  private void finish() {
    if (phase == Phase.ENDED) {
      return;
    }
    List<Settlement> unconfirmed = streams.cancel();
    unconfirmed.addAll(orphans);
    phase = Phase.ENDED;
    orphans.clear();
    held.dropAll();
    for (ScheduledFuture<?> timer : new ScheduledFuture<?>[] {graceTimer, confirmationTimer}) {
      if (timer != null) {
        timer.cancel(false);
      }
    }
    long acks = unconfirmed.stream().filter(s -> s.action == Settlement.Action.ACK).count();
    OnhookException cause =
        endError != null ? endError : acks > 0 ? new UnconfirmedException((int) acks) : null;
    OnhookException told = cause != null ? cause : Errors.streamLost();
    monitor.afterwards(() -> unconfirmed.forEach(settlement -> settlement.fail(told)));
    end(cause);
  }
}
