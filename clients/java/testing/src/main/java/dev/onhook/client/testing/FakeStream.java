package dev.onhook.client.testing;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import onhook.v1.AckResults;
import onhook.v1.GoAway;
import onhook.v1.NackRequest;
import onhook.v1.SubscribeOpen;
import onhook.v1.SubscribeOpened;
import onhook.v1.SubscribeRequest;
import onhook.v1.SubscribeResponse;

/** One Subscribe stream of a fake gateway, whose lock guards it. */
final class FakeStream implements StreamObserver<SubscribeRequest> {
  private static final int DEFAULT_OUTSTANDING = 1000;

  private final FakeGateway gateway;
  private final ServerCallStreamObserver<SubscribeResponse> client;
  private final String peer;
  private FakeSubscription subscription;
  private int maxOutstanding = DEFAULT_OUTSTANDING;
  private boolean paused;
  private boolean goingAway;
  private boolean silent;
  private boolean over;

  FakeStream(FakeGateway gateway, StreamObserver<SubscribeResponse> client, String peer) {
    this.gateway = gateway;
    this.client = (ServerCallStreamObserver<SubscribeResponse>) client;
    this.peer = peer;
    this.client.setOnCancelHandler(this::end);
  }

  static com.google.protobuf.Duration message(Duration duration) {
    return com.google.protobuf.Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  @Override
  public void onNext(SubscribeRequest request) {
    synchronized (gateway) {
      if (silent || over) {
        return;
      }
      switch (request.getRequestCase()) {
        case OPEN -> open(request.getOpen());
        case ACK -> {
          Settlement ack = Settlement.of(Settlement.Action.ACK, "");
          answer(
              request.getAck().getRequestId(),
              request.getAck().getDeliveryIdsList(),
              id -> subscription.settle(id, ack));
        }
        case NACK -> {
          Settlement nack = settlementOf(request.getNack());
          answer(
              request.getNack().getRequestId(),
              request.getNack().getDeliveryIdsList(),
              id -> subscription.settle(id, nack));
        }
        case EXTEND -> {
          Duration deadline = durationOf(request.getExtend().getAckDeadline());
          answer(
              request.getExtend().getRequestId(),
              request.getExtend().getDeliveryIdsList(),
              id -> {
                gateway.extend(new FakeGateway.Extension(id, deadline));
                return subscription.extend(id);
              });
        }
        case FLOW -> {
          if (request.getFlow().hasPaused()) {
            paused = request.getFlow().getPaused();
          }
          if (request.getFlow().hasMaxOutstandingEvents()) {
            maxOutstanding = request.getFlow().getMaxOutstandingEvents();
          }
          gateway.changed();
        }
        default ->
            fail(
                FakeErrors.of(
                    Status.Code.INVALID_ARGUMENT, "EMPTY_REQUEST", "no member", Map.of()));
      }
      if (subscription != null && !over) {
        subscription.deliver();
      }
    }
  }

  @Override
  public void onError(Throwable error) {
    end();
  }

  @Override
  public void onCompleted() {
    synchronized (gateway) {
      if (!over && !silent) {
        client.onCompleted();
        gateway.countOk();
        end();
      }
    }
  }

  String peer() {
    return peer;
  }

  boolean isPaused() {
    return paused;
  }

  boolean takesMore(long held) {
    return !paused && !over && !goingAway && held < maxOutstanding;
  }

  void goSilent() {
    silent = true;
  }

  void goAway(GoAway.Reason reason, Duration drain) {
    goingAway = reason != GoAway.Reason.REASON_MAX_AGE;
    send(
        SubscribeResponse.newBuilder()
            .setGoAway(GoAway.newBuilder().setReason(reason).setDrainDeadline(message(drain))));
  }

  void fail(StatusRuntimeException error) {
    if (!over) {
      client.onError(error);
      end();
    }
  }

  void send(SubscribeResponse.Builder response) {
    if (!over && !silent) {
      client.onNext(response.build());
    }
  }

  private void open(SubscribeOpen open) {
    StatusRuntimeException refusal = gateway.refusalOfNext();
    if (refusal != null) {
      fail(refusal);
      return;
    }
    if (open.hasMaxOutstandingEvents()) {
      maxOutstanding = open.getMaxOutstandingEvents();
    }
    gateway.add(this);
    send(
        SubscribeResponse.newBuilder()
            .setOpened(
                SubscribeOpened.newBuilder()
                    .setMaxOutstandingEvents(maxOutstanding)
                    .setStoreId("fake")
                    .setHeartbeatInterval(message(gateway.heartbeatInterval()))));
    subscription = gateway.subscription(open.getSubscription());
    subscription.attach(this);
  }

  private void end() {
    synchronized (gateway) {
      if (over) {
        return;
      }
      over = true;
      gateway.remove(this);
      if (subscription != null) {
        subscription.detach(this);
      }
    }
  }

  private void answer(
      long requestId, List<String> ids, Function<String, AckResults.Result> settle) {
    AckResults.Builder results = AckResults.newBuilder().setRequestId(requestId);
    boolean later = gateway.takeRetryLater();
    for (String id : ids) {
      AckResults.Result result = later ? AckResults.Result.RESULT_RETRY_LATER : settle.apply(id);
      if (result != null) {
        results.addExceptions(
            AckResults.Exception.newBuilder().setDeliveryId(id).setResult(result));
      }
    }
    if (!gateway.withholdsAnswers()) {
      send(SubscribeResponse.newBuilder().setAckResults(results));
    }
  }

  private static Settlement settlementOf(NackRequest nack) {
    Settlement.Action action =
        switch (nack.getAction()) {
          case ACTION_PARK -> Settlement.Action.PARK;
          case ACTION_SKIP -> Settlement.Action.SKIP;
          case ACTION_RELEASE -> Settlement.Action.RELEASE;
          default -> Settlement.Action.RETRY;
        };
    return new Settlement(
        action,
        nack.getReason(),
        nack.hasDelay() ? Optional.of(durationOf(nack.getDelay())) : Optional.empty());
  }

  private static Duration durationOf(com.google.protobuf.Duration duration) {
    return Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }
}
