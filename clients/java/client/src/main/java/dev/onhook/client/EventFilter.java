package dev.onhook.client;

import java.util.List;

/**
 * Which events are wanted. Within a list any member may match; of the lists that are not empty all
 * must match.
 *
 * @param sources names of sources
 * @param serviceNos agents; "" matches an event without one
 * @param releaseReasonCodes codes as the vendor sends them; "" matches an event without one
 */
public record EventFilter(
    List<String> sources, List<String> serviceNos, List<String> releaseReasonCodes) {
  /** All events. */
  public static final EventFilter ALL = new EventFilter(List.of(), List.of(), List.of());

  /**
   * Takes copies of the lists.
   *
   * @param sources names of sources
   * @param serviceNos agents
   * @param releaseReasonCodes codes
   */
  public EventFilter {
    sources = List.copyOf(sources);
    serviceNos = List.copyOf(serviceNos);
    releaseReasonCodes = List.copyOf(releaseReasonCodes);
  }

  /**
   * Narrows this filter to some sources.
   *
   * @param wanted their names
   * @return another filter
   */
  public EventFilter withSources(String... wanted) {
    return new EventFilter(List.of(wanted), serviceNos, releaseReasonCodes);
  }

  /**
   * Narrows this filter to some agents.
   *
   * @param wanted their service numbers; "" for events without one
   * @return another filter
   */
  public EventFilter withServiceNos(String... wanted) {
    return new EventFilter(sources, List.of(wanted), releaseReasonCodes);
  }

  /**
   * Narrows this filter to some reasons.
   *
   * @param wanted the vendor's codes; "" for events without one
   * @return another filter
   */
  public EventFilter withReleaseReasonCodes(String... wanted) {
    return new EventFilter(sources, serviceNos, List.of(wanted));
  }

  onhook.v1.EventFilter message() {
    return onhook.v1.EventFilter.newBuilder()
        .addAllSources(sources)
        .addAllServiceNos(serviceNos)
        .addAllReleaseReasonCodes(releaseReasonCodes)
        .build();
  }
}
