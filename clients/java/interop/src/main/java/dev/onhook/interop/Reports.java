package dev.onhook.interop;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.onhook.client.Delivery;
import dev.onhook.client.LogGapException;
import dev.onhook.client.OnhookException;
import dev.onhook.client.ReleaseEvent;
import dev.onhook.client.StoredEvent;
import dev.onhook.client.SubscriberState;
import dev.onhook.client.WatchedEvent;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;

/** Writes one JSON object a line to standard output. */
final class Reports {
  private static final DateTimeFormatter MILLISECONDS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private final Gson gson = new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  void state(SubscriberState state, Optional<OnhookException> cause) {
    JsonObject report = report("state");
    report.addProperty("state", state.name().toLowerCase(Locale.ROOT));
    cause.ifPresent(
        e -> {
          report.addProperty("code", e.code().name());
          report.addProperty("message", e.getMessage());
        });
    write(report);
  }

  void delivery(int number, Delivery delivery) {
    JsonObject report = report("delivery");
    report.addProperty("number", number);
    report.addProperty("delivery_id", delivery.message().getDeliveryId());
    report.addProperty("event_id", delivery.event().eventId());
    report.addProperty("cursor", delivery.cursor());
    report.addProperty("attempt", delivery.attempt());
    report.addProperty(
        "redelivery_reason", name(delivery.redeliveryReason(), delivery.redeliveryReasonNumber()));
    report.add("traceparent", text(delivery.traceContext().get("traceparent")));
    addEvent(report, delivery.event());
    write(report);
  }

  /** Null: done as asked. */
  void answered(String what, int number, Throwable error) {
    JsonObject report = report(what);
    report.addProperty("number", number);
    report.addProperty("ok", error == null);
    report.addProperty("code", error == null ? "OK" : errorOf(error).code().name());
    write(report);
  }

  void count(long handled, long elapsedMs) {
    JsonObject report = report("count");
    report.addProperty("handled", handled);
    report.addProperty("elapsed_ms", elapsedMs);
    write(report);
  }

  void watched(WatchedEvent event) {
    JsonObject report = report("watched");
    report.addProperty("event_id", event.event().eventId());
    report.addProperty("cursor", event.cursor());
    report.addProperty("event", serialized(event.event()));
    write(report);
  }

  void got(StoredEvent stored) {
    JsonObject report = report("got");
    report.addProperty("found", true);
    report.addProperty("code", "OK");
    addEvent(report, stored.event());
    JsonObject states = new JsonObject();
    stored
        .timelines()
        .forEach(t -> states.addProperty(t.subscription(), name(t.state(), t.stateNumber())));
    report.add("states", states);
    write(report);
  }

  void notGot(OnhookException error) {
    JsonObject report = report("got");
    report.addProperty("found", false);
    report.addProperty("code", error.code().name());
    write(report);
  }

  void listed(List<String> eventIds) {
    JsonObject report = report("listed");
    JsonArray ids = new JsonArray();
    eventIds.forEach(ids::add);
    report.add("event_ids", ids);
    write(report);
  }

  /** Null: as it was asked to end. */
  void ended(Throwable error) {
    JsonObject report = report("ended");
    report.addProperty("ok", error == null);
    report.addProperty("code", "OK");
    if (error != null) {
      OnhookException why = errorOf(error);
      report.addProperty("code", why.code().name());
      report.addProperty("reason", why.reason().orElse(""));
      report.addProperty("message", why.getMessage());
      if (why instanceof LogGapException gap) {
        JsonObject size = new JsonObject();
        size.add("oldest_cursor", text(gap.oldestCursor().orElse(null)));
        if (gap.eventsLost().isPresent()) {
          size.addProperty("events_lost", gap.eventsLost().getAsLong());
        }
        report.add("gap", size);
      }
    }
    write(report);
  }

  private static JsonObject report(String name) {
    JsonObject report = new JsonObject();
    report.addProperty("report", name);
    return report;
  }

  private static OnhookException errorOf(Throwable error) {
    Throwable cause = error instanceof CompletionException ? error.getCause() : error;
    if (cause instanceof OnhookException known) {
      return known;
    }
    throw new IllegalStateException(cause);
  }

  private static void addEvent(JsonObject report, ReleaseEvent event) {
    report.addProperty("event", serialized(event));
    JsonObject view = new JsonObject();
    view.add("call_serial_no", text(event.callSerialNo().orElse(null)));
    view.add("called", text(event.called().orElse(null)));
    view.add("call_data", text(event.callData().orElse(null)));
    view.add("release_time", text(event.releaseTime().map(Reports::time).orElse(null)));
    view.add(
        "talk_duration_ms",
        event
            .talkDuration()
            .map(Duration::toMillis)
            .<JsonElement>map(JsonPrimitive::new)
            .orElse(JsonNull.INSTANCE));
    view.addProperty("release_reason", name(event.releaseReason(), event.releaseReasonNumber()));
    JsonObject extra = new JsonObject();
    event.extra().forEach(extra::addProperty);
    view.add("extra", extra);
    JsonArray unset = new JsonArray();
    optionalTexts(event)
        .forEach((name, value) -> value.ifPresentOrElse(v -> {}, () -> unset.add(name)));
    view.add("unset", unset);
    report.add("native", view);
  }

  private static Map<String, Optional<String>> optionalTexts(ReleaseEvent event) {
    return new TreeMap<>(
        Map.of(
            "call_serial_no", event.callSerialNo(),
            "service_no", event.serviceNo(),
            "called", event.called(),
            "caller", event.caller(),
            "caller_present", event.callerPresent(),
            "call_data", event.callData(),
            "recordfile", event.recordfile(),
            "location_id", event.locationId(),
            "release_reason_code", event.releaseReasonCode()));
  }

  private static String serialized(ReleaseEvent event) {
    return Base64.getEncoder().encodeToString(event.message().toByteArray());
  }

  private static String time(Instant time) {
    return MILLISECONDS.format(time);
  }

  private static String name(Enum<?> value, int number) {
    return value.name().equals("UNRECOGNIZED") ? Integer.toString(number) : value.name();
  }

  private static JsonElement text(String value) {
    return value == null ? JsonNull.INSTANCE : new JsonPrimitive(value);
  }

  private synchronized void write(JsonObject report) {
    out.println(gson.toJson(report));
    out.flush();
  }
}
