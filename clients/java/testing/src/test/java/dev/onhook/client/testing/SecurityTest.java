package dev.onhook.client.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.onhook.client.OnhookClient;
import dev.onhook.client.OnhookException;
import dev.onhook.client.SubscribeOptions;
import dev.onhook.client.Subscriber;
import dev.onhook.client.SubscriberState;
import io.grpc.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import onhook.v1.GoAway;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SecurityTest {
  @TempDir private static Path shared;
  private static Identity server;
  private static Identity named;
  private static Identity crm;
  private static Identity stranger;

  @TempDir private Path directory;
  private final States states = new States();

  @BeforeAll
  static void makeIdentities() throws Exception {
    server = Identity.make(shared, "server", "ip:127.0.0.1");
    named = Identity.make(shared, "named", "dns:gateway.example.org");
    crm = Identity.make(shared, "crm", "uri:spiffe://example.org/crm");
    stranger = Identity.make(shared, "stranger", "uri:spiffe://example.org/stranger");
  }

  private Subscriber subscribe(OnhookClient client) {
    return client.subscribe(
        SubscribeOptions.builder("crm").stateListener(states).build(), delivery -> {});
  }

  private void assertLetIn(OnhookClient.Builder builder) throws Exception {
    try (OnhookClient client = builder.build()) {
      subscribe(client);
      states.await(SubscriberState.STREAMING, 1);
      assertEquals(List.of(), states.causes());
    }
  }

  /** It goes on trying, and says why. */
  private void assertKeptOut(OnhookClient.Builder builder, String... reasons) throws Exception {
    try (OnhookClient client = builder.build()) {
      subscribe(client);
      states.await(SubscriberState.BACKING_OFF, 2);
      OnhookException why = states.causes().get(0);
      assertEquals(Status.Code.UNAVAILABLE, why.code());
      assertTrue(List.of(reasons).contains(why.reason().orElse("")), why.toString());
    }
  }

  private static String reasonOf(OnhookClient.Builder builder) {
    try (OnhookClient client = builder.build()) {
      Subscriber subscriber = client.subscribe("crm", delivery -> {});
      OnhookException why = assertThrows(OnhookException.class, subscriber::await);
      assertEquals(Status.Code.FAILED_PRECONDITION, why.code());
      assertEquals(
          why.reason(), assertThrows(OnhookException.class, () -> client.getEvent("a")).reason());
      return why.reason().orElseThrow();
    }
  }

  @Test
  void aGatewayWhoseAuthorityIsTrustedIsSpokenTo() throws Exception {
    try (FakeGateway gateway = FakeGateway.start(server.asServer(null))) {
      assertLetIn(gateway.clientBuilder().caFile(server.certificate()));
    }
  }

  @Test
  void aGatewayWhoseAuthorityIsNotTrustedIsNot() throws Exception {
    try (FakeGateway gateway = FakeGateway.start(server.asServer(null))) {
      assertKeptOut(
          gateway.clientBuilder().caFile(stranger.certificate()), "SERVER_AUTHORITY_UNKNOWN");
    }
  }

  @Test
  void aGatewayOfAnotherNameIsNotSpokenToUnlessThatNameIsExpected() throws Exception {
    try (FakeGateway gateway = FakeGateway.start(named.asServer(null))) {
      assertKeptOut(gateway.clientBuilder().caFile(named.certificate()), "SERVER_NAME_MISMATCH");
    }
    try (FakeGateway gateway = FakeGateway.start(named.asServer(null))) {
      try (OnhookClient client =
          gateway
              .clientBuilder()
              .caFile(named.certificate())
              .serverName("gateway.example.org")
              .build()) {
        subscribe(client);
        gateway.awaitStreams(1);
      }
    }
  }

  @Test
  void aGatewayThatSpeaksNoTlsIsToldSo() throws Exception {
    try (FakeGateway gateway = FakeGateway.start()) {
      assertKeptOut(gateway.clientBuilder().caFile(server.certificate()), "SERVER_SPEAKS_NO_TLS");
    }
  }

  @Test
  void aCertificateThatIsAskedForIsShown() throws Exception {
    try (FakeGateway gateway = FakeGateway.start(server.asServer(crm))) {
      assertLetIn(
          gateway
              .clientBuilder()
              .caFile(server.certificate())
              .certificate(crm.certificate(), crm.key()));
    }
  }

  @Test
  void whoShowsNoneOrAWrongOneIsKeptOut() throws Exception {
    try (FakeGateway gateway = FakeGateway.start(server.asServer(crm))) {
      assertKeptOut(
          gateway.clientBuilder().caFile(server.certificate()),
          "CLIENT_CERTIFICATE_REQUIRED",
          "CLIENT_CERTIFICATE_REFUSED",
          "HANDSHAKE_FAILED");
    }
  }

  @Test
  void aNewCertificateIsShownByANewConnectionWhileTheOldStreamLivesOn() throws Exception {
    Identity shown = new Identity(directory.resolve("crt"), directory.resolve("key"));
    crm.copyTo(shown);
    try (FakeGateway gateway = FakeGateway.start(server.asServer(crm));
        OnhookClient client =
            gateway
                .clientBuilder()
                .caFile(server.certificate())
                .certificate(shown.certificate(), shown.key())
                .build()) {
      subscribe(client);
      gateway.awaitStreams(1);
      // Half of a new pair: the old one stays in use.
      Files.write(shown.certificate(), Files.readAllBytes(stranger.certificate()));
      gateway.goAway(GoAway.Reason.REASON_MAX_AGE, Duration.ofMinutes(1));
      gateway.awaitOpened(2);
      assertEquals(1, gateway.peersSeen());
      // A pair that is whole, and of somebody who is not let in: a new connection shows it.
      stranger.copyTo(shown);
      gateway.breakStreams();
      states.await(SubscriberState.BACKING_OFF, 2);
      crm.copyTo(shown);
      gateway.awaitOpened(3);
      assertEquals(2, gateway.peersSeen());
    }
  }

  @Test
  void aTokenIsReadAgainForEachCall() throws Exception {
    Path token = Files.writeString(directory.resolve("token"), "first\n");
    try (FakeGateway gateway = FakeGateway.start();
        OnhookClient client = gateway.clientBuilder().tokenFile(token).build()) {
      gateway.publish(TestEvents.ofCall("a"));
      client.getEvent(TestEvents.ofCall("a").eventId());
      Files.writeString(token, "second");
      client.getEvent(TestEvents.ofCall("a").eventId());
      // What is no good leaves in use what was read before.
      Files.writeString(token, "");
      subscribe(client);
      states.await(SubscriberState.STREAMING, 1);
      assertEquals(
          List.of("Bearer first", "Bearer second", "Bearer second"), gateway.authorizations());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "localhost", "http://127.0.0.1:50051"})
  void aClientOfNoAddressIsNotMade(String address) {
    OnhookException why = assertThrows(OnhookException.class, () -> OnhookClient.connect(address));
    assertEquals(Status.Code.FAILED_PRECONDITION, why.code());
    assertEquals("SERVER_ADDRESS", why.reason().orElseThrow());
  }

  @Test
  void optionsThatCannotBeUsedEndASubscriberBeforeAnythingIsSent() throws Exception {
    Path missing = directory.resolve("missing");
    Path token = Files.writeString(directory.resolve("token"), "secret");
    Path garbage = Files.writeString(directory.resolve("garbage"), "no PEM at all");
    assertEquals("CA_FILE", reasonOf(OnhookClient.builder().caFile(missing)));
    assertEquals("CA_FILE", reasonOf(OnhookClient.builder().caFile(garbage)));
    assertEquals(
        "CERTIFICATE_FILE", reasonOf(OnhookClient.builder().certificate(garbage, crm.key())));
    assertEquals(
        "KEY_FILE", reasonOf(OnhookClient.builder().certificate(crm.certificate(), garbage)));
    assertEquals(
        "CERTIFICATE_PAIR",
        reasonOf(OnhookClient.builder().certificate(crm.certificate(), stranger.key())));
    assertEquals(
        "CERTIFICATE_PAIR", reasonOf(OnhookClient.builder().certificate(crm.certificate(), null)));
    assertEquals("TOKEN_FILE", reasonOf(OnhookClient.builder().tokenFile(missing)));
    assertEquals(
        "CLEARTEXT_TOKEN",
        reasonOf(OnhookClient.builder().server("gateway.example.org:50051").tokenFile(token)));
    assertEquals(
        "TLS_OVER_UNIX_SOCKET",
        reasonOf(OnhookClient.builder().server("unix:/run/onhook.sock").tls()));
  }
}
