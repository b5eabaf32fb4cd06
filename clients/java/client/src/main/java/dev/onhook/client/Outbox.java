package dev.onhook.client;

import io.grpc.ClientCall;
import java.util.ArrayDeque;
import onhook.v1.SubscribeRequest;

/**
 * Requests on their way out: put here with the monitor, in order, and written without it, by one
 * thread at a time, whichever brought something.
 */
final class Outbox {
  private static final SubscribeRequest HALF_CLOSE = SubscribeRequest.getDefaultInstance();

  private final Monitor monitor;
  private final ClientCall<SubscribeRequest, ?> call;
  private final ArrayDeque<SubscribeRequest> requests = new ArrayDeque<>();
  private boolean writing;

  Outbox(Monitor monitor, ClientCall<SubscribeRequest, ?> call) {
    this.monitor = monitor;
    this.call = call;
  }

  /** To be called with the monitor. */
  void add(SubscribeRequest.Builder request) {
    put(request.build());
  }

  /** To be called with the monitor. */
  void halfClose() {
    put(HALF_CLOSE);
  }

  private void put(SubscribeRequest request) {
    requests.add(request);
    if (!writing) {
      writing = true;
      monitor.afterwards(this::write);
    }
  }

  private void write() {
    for (SubscribeRequest next = take(); next != null; next = take()) {
      try {
        if (next == HALF_CLOSE) {
          call.halfClose();
        } else {
          call.sendMessage(next);
        }
      } catch (IllegalStateException e) {
        // Cancelled meanwhile: its end says so, and what is unanswered stays on the books.
        Log.trace("a request came too late", e);
      }
    }
  }

  private SubscribeRequest take() {
    monitor.lock();
    try {
      SubscribeRequest next = requests.poll();
      writing = next != null;
      return next;
    } finally {
      monitor.unlock();
    }
  }
}
