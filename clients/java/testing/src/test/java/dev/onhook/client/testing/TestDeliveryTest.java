package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.RedeliveryReason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TestDeliveryTest {
  private final TestDelivery delivery = TestDelivery.of(TestEvents.ofCall("a"));

  @Test
  void aHandlerThatReturnsHasAcknowledged() {
    assertEquals(Settlement.Action.ACK, delivery.handleWith(d -> {}).action());
    assertTrue(delivery.settlement().isPresent());
  }

  @Test
  void aHandlerThatThrowsHasGivenItsEventBack() {
    Settlement settlement =
        delivery.handleWith(
            d -> {
              throw new IllegalStateException("not now");
            });
    assertEquals(Settlement.of(Settlement.Action.RETRY, "not now"), settlement);
  }

  @Test
  void whatAHandlerSaysItselfHolds() {
    assertEquals(
        Settlement.of(Settlement.Action.PARK, "never"), delivery.handleWith(d -> d.park("never")));
    assertThrows(IllegalStateException.class, delivery::ack);
  }

  @Test
  void laterAttemptsCanBeMade() {
    TestDelivery again = delivery.again(3, RedeliveryReason.DEADLINE_EXPIRED);
    assertEquals(3, again.attempt());
    assertEquals(RedeliveryReason.DEADLINE_EXPIRED, again.redeliveryReason());
    assertEquals(Optional.empty(), again.settlement());
  }

  @Test
  void extensionsAreRemembered() {
    delivery.extend(Duration.ofMinutes(2));
    assertEquals(List.of(Duration.ofMinutes(2)), delivery.extensions());
  }
}
