package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.onhook.client.EventQuery;
import dev.onhook.client.NotFoundException;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.PermissionDeniedException;
import dev.onhook.client.StoredEvent;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import onhook.v1.GetEventRequest;
import onhook.v1.ReleaseEventServiceGrpc;
import org.junit.jupiter.api.Test;

class LookupTest extends GatewayTest {
  @Test
  void anEventIsFoundByItsId() {
    gateway.publish(TestEvents.ofCall("a"));
    StoredEvent stored = client.getEvent(TestEvents.ofCall("a").eventId());
    assertEquals(TestEvents.ofCall("a"), stored.event());
    assertEquals("fake-1", stored.cursor());
  }

  @Test
  void whatIsNotThereIsAnErrorOfItsOwnType() {
    NotFoundException why = assertThrows(NotFoundException.class, () -> client.getEvent("none"));
    assertEquals(Optional.of("EVENT_NOT_FOUND"), why.reason());
  }

  @Test
  void aListingGoesOverAllPagesAndCanBeReadTwice() {
    for (int i = 0; i < 5; ++i) {
      gateway.publish(
          TestEvents.messageOf("a").setEventId("id-" + i).putExtra("n", "" + i).build());
    }
    gateway.publish(TestEvents.ofCall("b"));
    var listing = client.listEvents(EventQuery.ofCall("a").pageSize(2));
    List<String> expected = List.of("id-0", "id-1", "id-2", "id-3", "id-4");
    for (int i = 0; i < 2; ++i) {
      assertEquals(expected, listing.stream().map(stored -> stored.event().eventId()).toList());
    }
  }

  @Test
  void aRefusalTellsWhoMayNotDoWhat() {
    gateway.refuse(
        Status.Code.PERMISSION_DENIED,
        "DENIED",
        "not you",
        Map.of("permission", "look_up", "identity", "crm"));
    PermissionDeniedException why =
        assertThrows(PermissionDeniedException.class, () -> client.getEvent("a"));
    assertEquals(Optional.of("look_up"), why.permission());
    assertEquals(Optional.of("crm"), why.identity());
  }

  @Test
  void aLookUpWorksAgainOnceTheGatewayIsBack() {
    String address;
    try (FakeGateway away = FakeGateway.start()) {
      address = away.address();
    }
    try (OnhookClient other = OnhookClient.connect(address)) {
      OnhookException why = assertThrows(OnhookException.class, () -> other.getEvent("a"));
      assertEquals(Status.Code.UNAVAILABLE, why.code());
      assertEquals(Optional.of("NOBODY_LISTENS"), why.reason());
    }
  }

  @Test
  void stubsOfOnesOwnWorkOnTheSameConnection() {
    gateway.publish(TestEvents.ofCall("a"));
    var stub = ReleaseEventServiceGrpc.newBlockingStub(client.channel());
    GetEventRequest known =
        GetEventRequest.newBuilder().setEventId(TestEvents.ofCall("a").eventId()).build();
    assertEquals("fake-1", stub.getEvent(known).getStoredEvent().getCursor());
    StatusRuntimeException why =
        assertThrows(
            StatusRuntimeException.class,
            () -> stub.getEvent(GetEventRequest.getDefaultInstance()));
    assertEquals(Optional.of("EVENT_NOT_FOUND"), OnhookClient.errorOf(why).reason());
  }
}
