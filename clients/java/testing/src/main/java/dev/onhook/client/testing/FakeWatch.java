package dev.onhook.client.testing;

import dev.onhook.client.testing.FakeGateway.LoggedEvent;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import onhook.v1.GoAway;
import onhook.v1.Heartbeat;
import onhook.v1.StartPosition;
import onhook.v1.WatchEvents;
import onhook.v1.WatchRequest;
import onhook.v1.WatchResponse;
import onhook.v1.WatchedEvent;

/** One Watch stream of a fake gateway, whose lock guards it. */
final class FakeWatch {
  private final FakeGateway gateway;
  private final ServerCallStreamObserver<WatchResponse> client;
  private int sent;
  private boolean silent;
  private boolean over;

  FakeWatch(FakeGateway gateway, StreamObserver<WatchResponse> client) {
    this.gateway = gateway;
    this.client = (ServerCallStreamObserver<WatchResponse>) client;
    this.client.setOnCancelHandler(
        () -> {
          synchronized (gateway) {
            end();
          }
        });
  }

  void begin(WatchRequest request) {
    StatusRuntimeException refusal = gateway.refusalOfNext();
    if (refusal != null) {
      fail(refusal);
      return;
    }
    sent = startOf(request);
    int oldestKept = gateway.oldestKept();
    boolean isPlace = request.hasAfterCursor();
    if (isPlace && sent < oldestKept) {
      fail(
          FakeErrors.of(
              Status.Code.OUT_OF_RANGE,
              "CURSOR_TOO_OLD",
              "events after the cursor are no longer kept",
              Map.of(
                  "oldest_cursor",
                  cursorOf(oldestKept),
                  "events_lost",
                  Integer.toString(oldestKept - sent))));
      return;
    }
    sent = Math.max(sent, oldestKept);
    gateway.watches().add(this);
    send(
        WatchResponse.newBuilder()
            .setHeartbeat(
                Heartbeat.newBuilder()
                    .setCursor(cursorOf(sent))
                    .setInterval(FakeStream.message(gateway.heartbeatInterval()))));
    sendNew();
    if (request.getStopAtEnd() && !over) {
      client.onCompleted();
      end();
    }
  }

  void sendNew() {
    List<LoggedEvent> log = gateway.log();
    WatchEvents.Builder events = WatchEvents.newBuilder();
    while (sent < log.size()) {
      LoggedEvent logged = log.get(sent++);
      events.addEvents(
          WatchedEvent.newBuilder().setEvent(logged.event()).setCursor(logged.cursor()));
    }
    if (events.getEventsCount() > 0) {
      send(WatchResponse.newBuilder().setEvents(events));
    }
  }

  void goSilent() {
    silent = true;
  }

  void goAway(GoAway.Reason reason, Duration drain) {
    send(
        WatchResponse.newBuilder()
            .setGoAway(
                GoAway.newBuilder().setReason(reason).setDrainDeadline(FakeStream.message(drain))));
    fail(
        FakeErrors.of(
            Status.Code.UNAVAILABLE, "GOING_AWAY", "the gateway ends this call", Map.of()));
  }

  void fail(StatusRuntimeException error) {
    if (!over) {
      client.onError(error);
      end();
    }
  }

  private void send(WatchResponse.Builder response) {
    if (!over && !silent) {
      client.onNext(response.build());
    }
  }

  private void end() {
    over = true;
    gateway.watches().remove(this);
  }

  private int startOf(WatchRequest request) {
    if (request.hasAfterCursor()) {
      return Integer.parseInt(request.getAfterCursor().substring("fake-".length()));
    }
    return request.getPosition() == StartPosition.START_POSITION_EARLIEST
        ? 0
        : gateway.log().size();
  }

  private static String cursorOf(int place) {
    return "fake-" + place;
  }
}
