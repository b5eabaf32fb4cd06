package dev.onhook.interop;

import dev.onhook.client.Delivery;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** What becomes of deliveries: settled as commands say, or at once. */
final class Consumption {
  private final Reports reports;
  private final boolean auto;
  private final BufferedWriter log;
  private final AtomicInteger lastNumber = new AtomicInteger();
  private final Map<Integer, Open> open = new ConcurrentHashMap<>();
  private long handled;
  private long firstAt;
  private long lastAt;

  /** How a delivery is to be settled. */
  record Order(String how, Long delayMs, String reason) {}

  /** A delivery that waits for its order. */
  private record Open(Delivery delivery, CompletableFuture<Order> order) {}

  Consumption(Reports reports, boolean auto, String log) throws IOException {
    this.reports = reports;
    this.auto = auto;
    this.log =
        log == null
            ? null
            : Files.newBufferedWriter(
                Path.of(log), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  /** The handler: returns to acknowledge, throws to fail. */
  void handle(Delivery delivery) throws Exception {
    if (auto) {
      note(delivery);
      return;
    }
    Order order = announce(delivery).get();
    note(delivery);
    switch (order.how) {
      case "ack" -> {
        // By returning.
      }
      case "fail" -> throw new IllegalStateException(order.reason);
      default -> settle(delivery, order);
    }
  }

  /** The body of the loop. */
  void take(Delivery delivery) throws IOException {
    if (auto) {
      note(delivery);
      delivery.ack();
      return;
    }
    int number = lastNumber.get() + 1;
    announce(delivery)
        .thenAccept(
            order ->
                settle(delivery, order)
                    .whenComplete((done, error) -> reports.answered("settled", number, error)));
    note(delivery);
  }

  void settle(int number, Order order) {
    open.get(number).order.complete(order);
  }

  Delivery delivery(int number) {
    return open.get(number).delivery;
  }

  synchronized void report() {
    reports.count(handled, (lastAt - firstAt) / 1_000_000);
  }

  synchronized void close() throws IOException {
    if (log != null) {
      log.flush();
    }
  }

  private CompletableFuture<Order> announce(Delivery delivery) {
    CompletableFuture<Order> order = new CompletableFuture<>();
    int number = lastNumber.incrementAndGet();
    open.put(number, new Open(delivery, order));
    reports.delivery(number, delivery);
    return order;
  }

  private static CompletableFuture<Void> settle(Delivery delivery, Order order) {
    String reason = order.reason == null ? "" : order.reason;
    return switch (order.how) {
      case "ack" -> delivery.ack();
      case "fail", "retry" ->
          order.delayMs == null
              ? delivery.nack(reason)
              : delivery.nack(reason, java.time.Duration.ofMillis(order.delayMs));
      case "park" -> delivery.park(reason);
      case "skip" -> delivery.skip(reason);
      case "release" -> delivery.release(reason);
      default -> throw new IllegalArgumentException(order.how);
    };
  }

  private synchronized void note(Delivery delivery) throws IOException {
    lastAt = System.nanoTime();
    if (handled++ == 0) {
      firstAt = lastAt;
    }
    if (log != null) {
      log.write(delivery.event().eventId() + " " + delivery.attempt() + "\n");
    }
  }
}
