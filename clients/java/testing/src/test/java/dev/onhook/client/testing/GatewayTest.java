package dev.onhook.client.testing;

import dev.onhook.client.OnhookClient;
import dev.onhook.client.SubscribeOptions;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** A fake gateway and a client of it, for each test. */
@Timeout(60)
abstract class GatewayTest {
  private static final long PATIENCE_SECONDS = 10;

  final FakeGateway gateway = FakeGateway.start();
  final OnhookClient client = gateway.client();
  final States states = new States();

  @AfterEach
  void close() {
    client.close();
    gateway.close();
  }

  SubscribeOptions.Builder options() {
    return SubscribeOptions.builder("crm").stateListener(states);
  }

  static <T> T get(Future<T> future)
      throws ExecutionException, InterruptedException, TimeoutException {
    return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }
}
