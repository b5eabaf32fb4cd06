package dev.onhook.interop;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryStream;
import dev.onhook.client.EventQuery;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.Receiver;
import dev.onhook.client.StartPosition;
import dev.onhook.client.StoredEvent;
import dev.onhook.client.SubscribeOptions;
import dev.onhook.client.Subscriber;
import dev.onhook.client.WatchOptions;
import dev.onhook.client.WatchStream;
import dev.onhook.client.WatchedEvent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** Does with the library what the interop tests tell it on standard input. */
public final class Main {
  private static final int UNKNOWN_COMMAND = 2;

  private final Reports reports = new Reports();
  private OnhookClient client;
  private Receiver receiver;
  private Consumption consumption;

  private Main() {}

  /**
   * Runs until standard input ends.
   *
   * @param arguments none
   * @throws IOException if standard input cannot be read
   */
  public static void main(String[] arguments) throws IOException {
    Main main = new Main();
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      main.obey(JsonParser.parseString(line).getAsJsonObject());
    }
    Runtime.getRuntime().halt(0);
  }

  private void obey(JsonObject command) throws IOException {
    switch (command.get("do").getAsString()) {
      case "connect" -> connect(command);
      case "subscribe" -> subscribe(command);
      case "settle" ->
          consumption.settle(
              command.get("number").getAsInt(),
              new Consumption.Order(
                  command.get("how").getAsString(),
                  command.has("delay_ms") ? command.get("delay_ms").getAsLong() : null,
                  text(command, "reason")));
      case "extend" -> extend(command);
      case "pause" -> ((Subscriber) receiver).pause();
      case "resume" -> ((Subscriber) receiver).resume();
      case "stop" -> stop(command);
      case "count" -> consumption.report();
      case "watch" -> watch(command);
      case "get" -> start(() -> get(text(command, "event_id")));
      case "list" -> start(() -> list(command));
      default -> Runtime.getRuntime().halt(UNKNOWN_COMMAND);
    }
  }

  private void connect(JsonObject command) {
    OnhookClient.Builder builder = OnhookClient.builder().server(text(command, "server"));
    if (command.has("ca_file")) {
      builder.caFile(Path.of(text(command, "ca_file")));
    }
    if (command.has("certificate_file")) {
      builder.certificate(
          Path.of(text(command, "certificate_file")), Path.of(text(command, "key_file")));
    }
    if (command.has("server_name")) {
      builder.serverName(text(command, "server_name"));
    }
    if (command.has("token_file")) {
      builder.tokenFile(Path.of(text(command, "token_file")));
    }
    if (command.has("backoff_max_ms")) {
      Duration maximum = duration(command, "backoff_max_ms");
      Duration initial = Duration.ofMillis(Math.min(100, maximum.toMillis()));
      builder.backoff(initial, maximum);
    }
    client = builder.build();
  }

  private void subscribe(JsonObject command) throws IOException {
    SubscribeOptions.Builder options =
        SubscribeOptions.builder(text(command, "subscription")).stateListener(reports::state);
    if (command.has("consumer_name")) {
      options.consumerName(text(command, "consumer_name"));
    }
    if (isTrue(command, "create")) {
      options.createIfMissing();
    }
    if (command.has("max_outstanding_events")) {
      options.maxOutstandingEvents(command.get("max_outstanding_events").getAsInt());
    }
    if (command.has("concurrency")) {
      options.concurrency(command.get("concurrency").getAsInt());
    }
    if (command.has("ack_deadline_ms")) {
      options.ackDeadline(duration(command, "ack_deadline_ms"));
    }
    if (command.has("max_extension_ms")) {
      options.maxExtension(duration(command, "max_extension_ms"));
    }
    if (command.has("grace_ms")) {
      options.stopGrace(duration(command, "grace_ms"));
    }
    consumption = new Consumption(reports, command.has("auto"), text(command, "log"));
    if ("iterator".equals(text(command, "form"))) {
      DeliveryStream stream = client.deliveries(options.build());
      receiver = stream;
      start(() -> takeAll(stream));
    } else {
      receiver = client.subscribe(options.build(), consumption::handle);
      reportEnd();
    }
  }

  private void takeAll(DeliveryStream stream) {
    try {
      for (Delivery delivery : stream) {
        consumption.take(delivery);
      }
    } catch (OnhookException e) {
      // The end says the same.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // Now nothing more is written to the log.
    reportEnd();
  }

  private void extend(JsonObject command) {
    int number = command.get("number").getAsInt();
    consumption
        .delivery(number)
        .extend(duration(command, "deadline_ms"))
        .whenComplete((done, error) -> reports.answered("extended", number, error));
  }

  private void stop(JsonObject command) {
    if (receiver instanceof Subscriber subscriber && command.has("grace_ms")) {
      subscriber.stopAsync(duration(command, "grace_ms"));
    } else {
      receiver.stopAsync();
    }
  }

  private void watch(JsonObject command) {
    WatchOptions.Builder options = WatchOptions.builder().stateListener(reports::state);
    if (command.has("position")) {
      options.position(
          text(command, "position").equals("earliest")
              ? StartPosition.EARLIEST
              : StartPosition.LATEST);
    }
    if (command.has("after_cursor")) {
      options.afterCursor(text(command, "after_cursor"));
    }
    if (isTrue(command, "stop_at_end")) {
      options.stopAtEnd();
    }
    if (isTrue(command, "observe_only")) {
      options.observeOnly();
    }
    WatchStream stream = client.watch(options.build());
    receiver = stream;
    start(
        () -> {
          try {
            for (WatchedEvent event : stream) {
              reports.watched(event);
            }
          } catch (OnhookException e) {
            // The end says the same.
          }
          reportEnd();
        });
  }

  private void get(String eventId) {
    StoredEvent stored;
    try {
      stored = client.getEvent(eventId);
    } catch (OnhookException e) {
      reports.notGot(e);
      return;
    }
    reports.got(stored);
  }

  private void list(JsonObject command) {
    EventQuery query = EventQuery.ofCall(text(command, "call_serial_no"));
    if (command.has("page_size")) {
      query = query.pageSize(command.get("page_size").getAsInt());
    }
    reports.listed(
        client.listEvents(query).stream().map(stored -> stored.event().eventId()).toList());
  }

  private void reportEnd() {
    receiver
        .completion()
        .whenComplete(
            (done, error) -> {
              try {
                if (consumption != null) {
                  consumption.close();
                }
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
              reports.ended(error);
            });
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
  }

  private static String text(JsonObject command, String name) {
    return command.has(name) ? command.get(name).getAsString() : null;
  }

  private static boolean isTrue(JsonObject command, String name) {
    return command.has(name) && command.get(name).getAsBoolean();
  }

  private static Duration duration(JsonObject command, String name) {
    return Duration.ofMillis(command.get(name).getAsLong());
  }
}
