package dev.onhook.examples;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryHandler;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.ReleaseEvent;
import dev.onhook.client.SubscribeOptions;
import dev.onhook.client.Subscriber;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;

/**
 * Writes a wrap-up note for each call that has ended, once, however often its event comes.
 *
 * <p>The notes are files of a directory that stands for a CRM. What makes it idempotent is that a
 * note's name is the event's id: a database has a unique key for that.
 */
public final class CrmWrapUp implements DeliveryHandler {
  private final Path notes;

  /**
   * Makes a handler.
   *
   * @param notes the directory that stands for a CRM
   */
  public CrmWrapUp(Path notes) {
    this.notes = notes;
  }

  /**
   * Runs until the process is told to end.
   *
   * @param arguments the gateway's address, and the directory for notes
   * @throws Exception if it ends by anything else
   */
  public static void main(String[] arguments) throws Exception {
    Path notes = Files.createDirectories(Path.of(arguments[1]));
    try (OnhookClient client = OnhookClient.connect(arguments[0])) {
      Subscriber subscriber =
          client.subscribe(
              SubscribeOptions.builder("crm-wrap-up").createIfMissing().concurrency(4).build(),
              new CrmWrapUp(notes));
      Runtime.getRuntime().addShutdownHook(new Thread(subscriber::close));
      subscriber.await();
    }
  }

  @Override
  public void handle(Delivery delivery) throws IOException {
    ReleaseEvent event = delivery.event();
    if (event.callData().isEmpty()) {
      delivery.skip("no callData: the call was not started by the CRM");
      return;
    }
    Path note = notes.resolve(event.eventId() + ".txt");
    if (Files.exists(note)) {
      return; // done at an earlier attempt, whose acknowledgement was lost
    }
    // Never half a note under its name, whenever this process is killed.
    Path draft = Files.createTempFile(notes, "draft", null);
    Files.writeString(draft, wrapUp(event));
    try {
      Files.move(draft, note, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileAlreadyExistsException e) {
      Files.delete(draft); // another consumer was faster
    }
  }

  private static String wrapUp(ReleaseEvent event) {
    return "ticket: "
        + event.callData().orElseThrow()
        + "\nended: "
        + event.releaseTime().map(Object::toString).orElse("unknown")
        + "\ntalked: "
        + event.talkDuration().orElse(Duration.ZERO).toSeconds()
        + " s\nwhy: "
        + event.releaseReason()
        + "\n";
  }
}
