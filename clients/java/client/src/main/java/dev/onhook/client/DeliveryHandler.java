package dev.onhook.client;

/**
 * Does with an event what is to be done.
 *
 * <p>Returning acknowledges the event, unless the handler has settled the delivery itself; so it
 * must not return before its work is safe. Throwing gives the event back, with the exception's
 * message as the reason, which is shown: no personal data. To park, skip or release an event, or to
 * have it again after a certain time, call the delivery's method and return.
 */
@FunctionalInterface
public interface DeliveryHandler {
  /**
   * Handles one delivery. The same event may come again.
   *
   * @param delivery one attempt to hand over one event
   * @throws Exception if the event is to come again, after the gateway's backoff
   */
  void handle(Delivery delivery) throws Exception;
}
