package dev.onhook.client.testing;

import com.google.protobuf.Timestamp;
import dev.onhook.client.testing.FakeGateway.LoggedEvent;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import onhook.v1.GetEventRequest;
import onhook.v1.GetEventResponse;
import onhook.v1.ListEventsRequest;
import onhook.v1.ListEventsResponse;
import onhook.v1.ReleaseEventServiceGrpc;
import onhook.v1.StoredEvent;
import onhook.v1.SubscribeRequest;
import onhook.v1.SubscribeResponse;
import onhook.v1.WatchRequest;
import onhook.v1.WatchResponse;

/** What a fake gateway answers. */
final class FakeService extends ReleaseEventServiceGrpc.ReleaseEventServiceImplBase {
  private static final int DEFAULT_PAGE = 100;

  private final FakeGateway gateway;

  FakeService(FakeGateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public StreamObserver<SubscribeRequest> subscribe(StreamObserver<SubscribeResponse> client) {
    return new FakeStream(gateway, client, CallerInterceptor.peer());
  }

  @Override
  public void watch(WatchRequest request, StreamObserver<WatchResponse> client) {
    synchronized (gateway) {
      new FakeWatch(gateway, client).begin(request);
    }
  }

  @Override
  public void getEvent(GetEventRequest request, StreamObserver<GetEventResponse> client) {
    synchronized (gateway) {
      StatusRuntimeException refusal = gateway.refusalOfNext();
      if (refusal != null) {
        client.onError(refusal);
        return;
      }
      for (LoggedEvent logged : gateway.log()) {
        if (logged.event().getEventId().equals(request.getEventId())) {
          client.onNext(GetEventResponse.newBuilder().setStoredEvent(stored(logged)).build());
          client.onCompleted();
          return;
        }
      }
      client.onError(
          FakeErrors.of(
              Status.Code.NOT_FOUND, "EVENT_NOT_FOUND", "there is no such event", Map.of()));
    }
  }

  @Override
  public void listEvents(ListEventsRequest request, StreamObserver<ListEventsResponse> client) {
    synchronized (gateway) {
      StatusRuntimeException refusal = gateway.refusalOfNext();
      if (refusal != null) {
        client.onError(refusal);
        return;
      }
      List<LoggedEvent> fitting =
          gateway.log().stream()
              .filter(
                  logged ->
                      request.getCallSerialNo().isEmpty()
                          || logged.event().getCallSerialNo().equals(request.getCallSerialNo()))
              .toList();
      int size = request.getPageSize() == 0 ? DEFAULT_PAGE : request.getPageSize();
      int from = request.getPageToken().isEmpty() ? 0 : Integer.parseInt(request.getPageToken());
      int to = Math.min(from + size, fitting.size());
      ListEventsResponse.Builder page = ListEventsResponse.newBuilder();
      fitting.subList(from, to).forEach(logged -> page.addStoredEvents(stored(logged)));
      if (to < fitting.size()) {
        page.setNextPageToken(Integer.toString(to));
      }
      client.onNext(page.build());
      client.onCompleted();
    }
  }

  private static StoredEvent stored(LoggedEvent logged) {
    return StoredEvent.newBuilder()
        .setEvent(logged.event())
        .setCursor(logged.cursor())
        .setStoredAt(Timestamp.newBuilder().setSeconds(logged.event().getReceivedAt().getSeconds()))
        .build();
  }
}
