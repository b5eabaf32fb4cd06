package dev.onhook.client;

import java.io.FileNotFoundException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Locale;
import javax.net.ssl.SSLException;

/**
 * Why no connection came about: one word for programs, and a sentence for people.
 *
 * @param reason the word; empty if there is none that fits
 * @param words the sentence
 */
record ConnectionFault(String reason, String words) {
  /** Chains of causes are short; one that runs in a circle is cut here. */
  private static final int DEEPEST = 16;

  static ConnectionFault of(Throwable fault) {
    String reason = "";
    Throwable root = fault;
    Throwable at = fault;
    for (int depth = 0; at != null && depth < DEEPEST; ++depth) {
      root = at;
      String found = reasonOf(at);
      // The deepest cause says most, but for a general fault of TLS that hides a special one above.
      if (!found.isEmpty() && !(found.equals("HANDSHAKE_FAILED") && !reason.isEmpty())) {
        reason = found;
      }
      at = at.getCause();
    }
    String words = root.getMessage();
    if (words == null || words.isEmpty()) {
      words = root instanceof FileNotFoundException ? "no such socket" : root.getClass().getName();
    }
    if (reason.equals("SERVER_SPEAKS_NO_GRPC")) {
      words = "what answers there speaks no gRPC; is this the gateway's gRPC address?";
    }
    return new ConnectionFault(reason, words);
  }

  private static String reasonOf(Throwable fault) {
    String words = fault.getMessage() == null ? "" : fault.getMessage().toLowerCase(Locale.ROOT);
    if (fault instanceof ConnectException || fault instanceof FileNotFoundException) {
      return "NOBODY_LISTENS";
    }
    if (words.contains("first received frame was not settings")) {
      return "SERVER_SPEAKS_NO_GRPC";
    }
    if (fault instanceof UnknownHostException) {
      return "NAME_NOT_RESOLVED";
    }
    if (fault instanceof CertificateExpiredException
        || fault instanceof CertificateNotYetValidException) {
      return "SERVER_CERTIFICATE_EXPIRED";
    }
    if (fault instanceof CertPathValidatorException || words.contains("certification path")) {
      return "SERVER_AUTHORITY_UNKNOWN";
    }
    if (fault instanceof CertificateException) {
      return words.contains("name") ? "SERVER_NAME_MISMATCH" : "SERVER_CERTIFICATE_UNFIT";
    }
    if (fault instanceof SSLException) {
      if (words.contains("not an ssl/tls record")) {
        return "SERVER_SPEAKS_NO_TLS";
      }
      if (words.contains("certificate_required")) {
        return "CLIENT_CERTIFICATE_REQUIRED";
      }
      return words.contains("alert") && words.contains("certificate")
          ? "CLIENT_CERTIFICATE_REFUSED"
          : "HANDSHAKE_FAILED";
    }
    return "";
  }
}
