package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ConnectionFaultTest {
  private static Throwable handshake(Throwable cause) {
    return new SSLHandshakeException("General OpenSslEngine problem").initCause(cause);
  }

  static Stream<Arguments> faults() {
    return Stream.of(
        Arguments.of("NOBODY_LISTENS", new ConnectException("Connection refused")),
        Arguments.of("NOBODY_LISTENS", new FileNotFoundException()),
        Arguments.of("NAME_NOT_RESOLVED", new RuntimeException(new UnknownHostException("h"))),
        Arguments.of("SERVER_CERTIFICATE_EXPIRED", handshake(new CertificateExpiredException())),
        Arguments.of(
            "SERVER_NAME_MISMATCH",
            handshake(new CertificateException("No name matching h found"))),
        Arguments.of(
            "SERVER_AUTHORITY_UNKNOWN",
            handshake(
                new CertificateException(
                    "unable to find valid certification path to requested target"))),
        Arguments.of(
            "SERVER_SPEAKS_NO_GRPC",
            new IOException("First received frame was not SETTINGS. Hex dump: 485454502f")),
        Arguments.of("SERVER_SPEAKS_NO_TLS", new SSLException("not an SSL/TLS record: 4854")),
        Arguments.of("HANDSHAKE_FAILED", new SSLHandshakeException("no common protocol")));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aFaultIsToldByOneWord(String reason, Throwable fault) {
    assertEquals(reason, ConnectionFault.of(fault).reason());
  }

  @Test
  void theDeepestCauseHasTheWords() {
    ConnectionFault fault = ConnectionFault.of(new IOException("io", new IOException("why")));
    assertEquals("why", fault.words());
    assertEquals("", fault.reason());
  }
}
