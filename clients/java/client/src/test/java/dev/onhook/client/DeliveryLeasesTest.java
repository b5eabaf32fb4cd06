package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DeliveryLeasesTest {
  private static final int MOST = 1000;

  private final DeliveryLeases leases = new DeliveryLeases(seconds(100));
  private final Attempt first = new Attempt(null, "first");
  private final Attempt second = new Attempt(null, "second");

  private static long seconds(long seconds) {
    return TimeUnit.SECONDS.toNanos(seconds);
  }

  private List<Attempt> due(long atSeconds) {
    DeliveryLeases.Extension extension = leases.takeDue(seconds(atSeconds), MOST);
    return extension == null ? List.of() : extension.attempts();
  }

  @Test
  void aDeliveryIsExtendedByItsWholeDeadlineWhenHalfOfItIsOver() {
    leases.add(first, seconds(30), 0);
    assertEquals(seconds(15), leases.nextDue());
    assertEquals(List.of(), due(14));
    DeliveryLeases.Extension extension = leases.takeDue(seconds(15), MOST);
    assertEquals(seconds(30), extension.leaseNanos());
    assertEquals(List.of(first), extension.attempts());
    assertEquals(seconds(30), leases.nextDue());
  }

  @Test
  void anExtensionIsRepeatedUntilTheLongestTimeIsOver() {
    leases.add(first, seconds(60), 0);
    assertEquals(List.of(first), due(30));
    assertEquals(List.of(first), due(60));
    assertEquals(List.of(first), due(90));
    assertFalse(leases.hasDue());
  }

  @Test
  void whatIsRemovedIsNotExtended() {
    leases.add(first, seconds(30), 0);
    leases.remove(first);
    assertEquals(List.of(), due(15));
    assertFalse(leases.hasDue());
  }

  @Test
  void theLongestTimeCountsFromTheArrival() {
    leases.add(first, seconds(300), 0);
    assertFalse(leases.hasDue());
  }

  @Test
  void nothingIsExtendedWithoutALongestTime() {
    DeliveryLeases none = new DeliveryLeases(0);
    none.add(first, seconds(30), 0);
    assertFalse(none.hasDue());
  }

  @Test
  void aDeadlineThatIsNearlyOverIsExtendedByASecond() {
    leases.add(first, 1000, 0);
    assertEquals(seconds(1), leases.takeDue(500, MOST).leaseNanos());
  }

  @Test
  void thoseWithOneDeadlineMakeOneRequestAndOthersTheNext() {
    leases.add(first, seconds(30), 0);
    leases.add(second, seconds(20), seconds(5));
    assertEquals(List.of(first), due(15));
    assertEquals(List.of(second), due(15));
    assertNull(leases.takeDue(seconds(15), MOST));
  }

  @Test
  void oneRequestHoldsNoMoreThanIsAllowed() {
    leases.add(first, seconds(30), 0);
    leases.add(second, seconds(30), 0);
    assertEquals(List.of(first), leases.takeDue(seconds(15), 1).attempts());
    assertEquals(List.of(second), leases.takeDue(seconds(15), 1).attempts());
  }

  @Test
  void whatCouldNotBeExtendedNowIsDueAgainSoon() {
    leases.add(first, seconds(30), 0);
    due(15);
    leases.postpone(first, seconds(16));
    assertEquals(List.of(first), due(16));
    leases.postpone(second, seconds(17));
    assertEquals(List.of(), due(17));
  }

  @Test
  void anExtensionThatWasAskedForIsNotShortened() {
    leases.add(first, seconds(10), 0);
    leases.extended(first, seconds(60), 0);
    assertEquals(List.of(), due(54));
    assertEquals(List.of(first), due(55));
  }
}
