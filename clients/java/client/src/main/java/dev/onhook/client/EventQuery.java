package dev.onhook.client;

import java.time.Instant;
import onhook.v1.ListEventsRequest;

/** Which stored events to list. Conditions that are set must all hold. Immutable. */
public final class EventQuery {
  private final ListEventsRequest request;

  private EventQuery(ListEventsRequest request) {
    this.request = request;
  }

  /**
   * Asks for the events of one call.
   *
   * @param callSerialNo what identifies the call
   * @return a query
   */
  public static EventQuery ofCall(String callSerialNo) {
    return new EventQuery(ListEventsRequest.newBuilder().setCallSerialNo(callSerialNo).build());
  }

  /**
   * Asks for the events received at or after a time.
   *
   * @param time by the gateway's clock
   * @return a query
   */
  public static EventQuery receivedFrom(Instant time) {
    return new EventQuery(
        ListEventsRequest.newBuilder().setReceivedFrom(Times.timestamp(time)).build());
  }

  /**
   * Asks for those received before a time.
   *
   * @param time by the gateway's clock
   * @return a narrower query
   */
  public EventQuery receivedBefore(Instant time) {
    return new EventQuery(request.toBuilder().setReceivedBefore(Times.timestamp(time)).build());
  }

  /**
   * Asks for those that came in by one source.
   *
   * @param source the source's name
   * @return a narrower query
   */
  public EventQuery ofSource(String source) {
    return new EventQuery(request.toBuilder().setSource(source).build());
  }

  /**
   * Says how many events to fetch at once; all are listed whatever it is.
   *
   * @param events 1 to 1,000; 0: the gateway's 100
   * @return the same query in other pages
   */
  public EventQuery pageSize(int events) {
    return new EventQuery(request.toBuilder().setPageSize(events).build());
  }

  ListEventsRequest request() {
    return request;
  }
}
