package dev.onhook.examples;

import dev.onhook.client.Delivery;
import dev.onhook.client.DeliveryHandler;
import dev.onhook.client.OnhookClient;
import dev.onhook.client.SubscribeOptions;
import dev.onhook.client.Subscriber;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Optional;

/**
 * Fetches the recording of each call from the vendor's media server. What may go by is tried again;
 * what will not, a recording that is gone, is parked for a person to look at.
 */
public final class RecordingFetch implements DeliveryHandler {
  private static final int OK = 200;
  private static final int NOT_FOUND = 404;
  private static final int GONE = 410;

  /** A recording is often written only some time after its call has ended. */
  private static final int ATTEMPTS_UNTIL_GONE = 3;

  private static final Duration NEXT_LOOK = Duration.ofSeconds(30);

  private final HttpClient http = HttpClient.newHttpClient();
  private final URI mediaServer;
  private final Path archive;

  /**
   * Makes a handler.
   *
   * @param mediaServer where recordings are, ending with a slash
   * @param archive where they go
   */
  public RecordingFetch(URI mediaServer, Path archive) {
    this.mediaServer = mediaServer;
    this.archive = archive;
  }

  /**
   * Runs until the process is told to end.
   *
   * @param arguments the gateway's address, the media server's, and the directory for recordings
   * @throws Exception if it ends by anything else
   */
  public static void main(String[] arguments) throws Exception {
    Path archive = Files.createDirectories(Path.of(arguments[2]));
    try (OnhookClient client = OnhookClient.connect(arguments[0])) {
      Subscriber subscriber =
          client.subscribe(
              SubscribeOptions.builder("recordings")
                  .createIfMissing()
                  .concurrency(8)
                  // A download may take long; a process that died must not hold its calls for long.
                  .ackDeadline(Duration.ofSeconds(20))
                  .build(),
              new RecordingFetch(URI.create(arguments[1]), archive));
      Runtime.getRuntime().addShutdownHook(new Thread(subscriber::close));
      subscriber.await();
    }
  }

  @Override
  public void handle(Delivery delivery) throws IOException, InterruptedException {
    Optional<String> file = delivery.event().recordfile().filter(name -> !name.isEmpty());
    if (file.isEmpty()) {
      return; // nobody talked
    }
    URI recording;
    try {
      recording = mediaServer.resolve(file.get().replaceFirst("^/+", ""));
    } catch (IllegalArgumentException e) {
      delivery.park("recordfile is no path");
      return;
    }
    Path target = archive.resolve(delivery.event().eventId());
    Path draft = Files.createTempFile(archive, "draft", null);
    try {
      HttpResponse<Path> response =
          http.send(HttpRequest.newBuilder(recording).build(), BodyHandlers.ofFile(draft));
      switch (response.statusCode()) {
        case OK -> Files.move(draft, target, StandardCopyOption.REPLACE_EXISTING);
        case GONE -> delivery.park("the recording is gone");
        case NOT_FOUND -> {
          if (delivery.attempt() < ATTEMPTS_UNTIL_GONE) {
            delivery.nack("no recording yet", NEXT_LOOK);
          } else {
            delivery.park("there is no such recording");
          }
        }
        default -> throw new IOException("the media server answers " + response.statusCode());
      }
    } finally {
      Files.deleteIfExists(draft);
    }
  }
}
