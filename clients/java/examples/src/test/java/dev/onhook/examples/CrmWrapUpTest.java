package dev.onhook.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.OnhookClient;
import dev.onhook.client.RedeliveryReason;
import dev.onhook.client.testing.FakeGateway;
import dev.onhook.client.testing.Settlement;
import dev.onhook.client.testing.TestDelivery;
import dev.onhook.client.testing.TestEvents;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import onhook.v1.ReleaseEvent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrmWrapUpTest {
  @TempDir private Path notes;

  private static ReleaseEvent.Builder call() {
    return TestEvents.messageOf("call-1").setCallData("ticket-7");
  }

  private List<String> written() throws IOException {
    try (Stream<Path> files = Files.list(notes)) {
      return files.map(file -> file.getFileName().toString()).toList();
    }
  }

  @Test
  void aCallGetsItsNoteAndIsAcknowledged() throws Exception {
    TestDelivery delivery = TestDelivery.of(call());
    assertEquals(Settlement.Action.ACK, delivery.handleWith(new CrmWrapUp(notes)).action());
    String note = Files.readString(notes.resolve(delivery.event().eventId() + ".txt"));
    assertTrue(note.contains("ticket: ticket-7"), note);
    assertTrue(note.contains("talked: 6 s"), note);
  }

  @Test
  void theSameEventTwiceMakesOneNote() throws Exception {
    CrmWrapUp handler = new CrmWrapUp(notes);
    TestDelivery first = TestDelivery.of(call());
    first.handleWith(handler);
    TestDelivery again = first.again(2, RedeliveryReason.STREAM_LOST);
    assertEquals(Settlement.Action.ACK, again.handleWith(handler).action());
    assertEquals(List.of(first.event().eventId() + ".txt"), written());
  }

  @Test
  void aCallOfSomebodyElseIsSkipped() {
    TestDelivery delivery = TestDelivery.of(TestEvents.ofCall("call-1"));
    assertEquals(Settlement.Action.SKIP, delivery.handleWith(new CrmWrapUp(notes)).action());
  }

  @Test
  void aDiskThatCannotBeWrittenGivesTheEventBack() {
    TestDelivery delivery = TestDelivery.of(call());
    CrmWrapUp handler = new CrmWrapUp(notes.resolve("missing"));
    assertEquals(Settlement.Action.RETRY, delivery.handleWith(handler).action());
    assertThrows(IOException.class, () -> handler.handle(TestDelivery.of(call())));
  }

  @Test
  void itWorksAgainstAGateway() {
    try (FakeGateway gateway = FakeGateway.start();
        OnhookClient client = gateway.client()) {
      client.subscribe("crm-wrap-up", new CrmWrapUp(notes));
      gateway.publish(call().build());
      assertEquals(Settlement.Action.ACK, gateway.awaitSettled(1).get(0).settlement().action());
    }
  }
}
