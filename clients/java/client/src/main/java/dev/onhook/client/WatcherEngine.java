package dev.onhook.client;

import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import onhook.v1.WatchRequest;
import onhook.v1.WatchResponse;

/**
 * What a watcher does: reads the log, opens the stream again behind the last event that came, and
 * hands events to its handler or to an iterator, in order.
 *
 * <p>What has come and is not handed over yet outlives its stream, so the place to read on from is
 * not the one that the reader has reached.
 */
final class WatcherEngine extends AbstractReceiver implements WatchStream, WatchCall.Owner {
  /** So many events that wait here are enough for the next message to stay with the gateway. */
  private static final int ENOUGH = 256;

  /** One event, or (null) a place that only was passed. */
  private record Item(WatchedEvent event, String cursor) {}

  private final WatchOptions options;
  private final WatchHandler handler;
  private final Connections connections;
  private final Threads threads;
  private final Monitor monitor = new Monitor();
  private final Reconnection reconnection;

  private WatchCall stream;
  private final ArrayDeque<Item> waiting = new ArrayDeque<>();
  private String receivedCursor = "";
  private String reachedCursor = "";
  private String takenCursor = "";
  private boolean atEnd;
  private boolean stopping;
  private boolean working;
  private boolean ended;
  private OnhookException endError;

  /** Without a handler, events are taken by iterators. */
  WatcherEngine(
      WatchOptions options,
      WatchHandler handler,
      ClientOptions client,
      Connections connections,
      Threads threads) {
    super(options.stateListener(), client.server(), threads.serial());
    this.options = options;
    this.handler = handler;
    this.connections = connections;
    this.threads = threads;
    this.reconnection = new Reconnection(client, connections, threads, monitor, this::openStream);
  }

  void start() {
    threads.execute(this::openStream);
  }

  @Override
  public Optional<String> cursor() {
    monitor.lock();
    try {
      return reachedCursor.isEmpty() ? Optional.empty() : Optional.of(reachedCursor);
    } finally {
      monitor.unlock();
    }
  }

  @Override
  public CompletableFuture<Void> stopAsync() {
    monitor.run(
        () -> {
          stopping = true;
          waiting.clear();
          endStream();
          monitor.signalAll();
          checkEnd();
        });
    return completion();
  }

  @Override
  public Iterator<WatchedEvent> iterator() {
    return new IteratorOf<>(this::take);
  }

  @Override
  public String toString() {
    return "Watcher";
  }

  @Override
  public void received(WatchCall call, WatchResponse response) {
    if (call != stream || isOver()) {
      return;
    }
    if (call.opened && state() != SubscriberState.STREAMING) {
      reconnection.streamOpened();
      tell(SubscriberState.STREAMING, null);
    }
    switch (response.getResponseCase()) {
      case EVENTS ->
          response
              .getEvents()
              .getEventsList()
              .forEach(
                  event ->
                      add(
                          new WatchedEvent(ReleaseEvent.of(event.getEvent()), event.getCursor()),
                          event.getCursor()));
      case HEARTBEAT -> add(null, response.getHeartbeat().getCursor());
      default -> {
        // A go_away, which the end follows, or something of a newer version.
      }
    }
    handOver();
  }

  @Override
  public void ended(WatchCall call, OnhookException ending) {
    if (call != stream) {
      return;
    }
    stream = null;
    if (isOver()) {
      checkEnd();
      return;
    }
    if (ending == null && options.request().getStopAtEnd()) {
      atEnd = true;
      handOver();
      return;
    }
    streamFailed(
        reconnection.streamEnded(call.connection, call.productive, call.livedNanos(), ending));
  }

  private void streamFailed(OnhookException why) {
    if (isOver()) {
      checkEnd();
    } else if (reconnection.isFinal(why)) {
      endError = why;
      handOver();
    } else {
      tellBackingOff(why, reconnection.isFirstFailure());
      reconnection.openLater();
    }
  }

  /** Not under the monitor: reads files. */
  private void openStream() {
    monitor.lock();
    try {
      if (isOver()) {
        return;
      }
      tell(SubscriberState.CONNECTING, null);
    } finally {
      monitor.unlock();
    }
    WatchCall opening;
    try {
      opening = new WatchCall(connections, reconnection.connect(), monitor, threads, this);
    } catch (OnhookException e) {
      monitor.run(() -> streamFailed(e));
      return;
    }
    WatchRequest request;
    monitor.lock();
    try {
      if (isOver()) {
        return;
      }
      stream = opening;
      request =
          receivedCursor.isEmpty()
              ? options.request()
              : options.request().toBuilder().setAfterCursor(receivedCursor).build();
    } finally {
      monitor.unlock();
    }
    opening.start(request);
    // A stop may have come before there was anything to end.
    monitor.run(
        () -> {
          if (isOver()) {
            opening.cancel("the watcher has ended");
          }
        });
  }

  private boolean isOver() {
    return stopping || atEnd || endError != null || ended;
  }

  private void add(WatchedEvent event, String cursor) {
    if (!cursor.isEmpty()) {
      receivedCursor = cursor;
      waiting.add(new Item(event, cursor));
    }
  }

  /** To be called after whatever changes what there is to hand over. */
  private void handOver() {
    if (handler == null) {
      // What was passed while nobody waits for an event before it has been reached.
      skipPassed();
      monitor.signalAll();
    } else if (!working && !waiting.isEmpty() && !stopping) {
      working = true;
      monitor.afterwards(() -> threads.execute(this::work));
    }
    if (stream != null && waiting.size() < ENOUGH) {
      stream.listen();
    }
    checkEnd();
  }

  private void skipPassed() {
    while (takenCursor.isEmpty() && !waiting.isEmpty() && waiting.peek().event == null) {
      reachedCursor = waiting.poll().cursor;
    }
  }

  /** Handles what waits, until nothing does. */
  private void work() {
    for (; ; ) {
      Item item;
      monitor.lock();
      try {
        item = stopping ? null : waiting.poll();
        if (item == null) {
          working = false;
          handOver();
          return;
        }
        if (stream != null && waiting.size() < ENOUGH) {
          stream.listen();
        }
      } finally {
        monitor.unlock();
      }
      OnhookException failed = item.event == null ? null : handle(item.event);
      monitor.lock();
      try {
        if (failed == null) {
          reachedCursor = item.cursor;
        } else {
          endError = failed;
          waiting.clear();
          endStream();
        }
      } finally {
        monitor.unlock();
      }
    }
  }

  @SuppressWarnings("checkstyle:IllegalCatch") // whatever a handler throws ends the watch
  private OnhookException handle(WatchedEvent event) {
    try {
      handler.handle(event);
      return null;
    } catch (Throwable e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      Log.warn("the handler of " + this + " failed with event " + event.event().eventId(), e);
      return Errors.local(
          Status.Code.UNKNOWN, "the handler failed: " + Errors.wordsOf(e), "HANDLER_FAILED", e);
    }
  }

  private void endStream() {
    if (stream != null) {
      stream.cancel("the watcher has ended");
      stream = null;
    }
  }

  private void checkEnd() {
    if (!ended && isOver() && waiting.isEmpty() && !working) {
      ended = true;
      end(stopping ? null : endError);
      monitor.signalAll();
    }
  }

  /** Null: the end has come, without an error. */
  private WatchedEvent take() throws InterruptedException {
    if (handler != null) {
      throw new IllegalStateException("a watcher with a handler has no iterators");
    }
    monitor.lock();
    try {
      if (!takenCursor.isEmpty()) {
        reachedCursor = takenCursor;
        takenCursor = "";
      }
      for (; ; ) {
        handOver();
        if (!waiting.isEmpty()) {
          Item item = waiting.poll();
          takenCursor = item.cursor;
          return item.event;
        }
        if (isOver()) {
          if (endError != null && !stopping) {
            throw endError;
          }
          return null;
        }
        monitor.await();
      }
    } finally {
      monitor.unlock();
    }
  }
}
