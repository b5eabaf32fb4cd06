package dev.onhook.client;

/** Does with an event of a watch what is to be done. */
@FunctionalInterface
public interface WatchHandler {
  /**
   * Handles one event, in the order of the log.
   *
   * @param event the event and its place
   * @throws Exception to end the watch with it as the cause; the event then counts as not handled
   */
  void handle(WatchedEvent event) throws Exception;
}
