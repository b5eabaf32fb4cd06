package dev.onhook.client;

import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the files of a client's options hold at one moment. Equal ones make equal connections.
 *
 * <p>Immutable.
 */
final class CredentialFiles {
  private static final int LARGEST_PEM = 1 << 20;
  private static final int LARGEST_TOKEN = 4096;

  private final boolean tls;
  private final byte[] ca;
  private final byte[] certificate;
  private final byte[] key;

  private CredentialFiles(boolean tls, byte[] ca, byte[] certificate, byte[] key) {
    this.tls = tls;
    this.ca = ca;
    this.certificate = certificate;
    this.key = key;
  }

  /** Reads the files. What equals {@code known}, which may be null, is not checked again. */
  static CredentialFiles read(ClientOptions options, CredentialFiles known) {
    byte[] none = {};
    if (!options.wantsTls()) {
      return new CredentialFiles(false, none, none, none);
    }
    if ((options.certificateFile() == null) != (options.keyFile() == null)) {
      throw Errors.unusable(
          options.keyFile() == null
              ? "a certificate without its key"
              : "a key without its certificate",
          "CERTIFICATE_PAIR",
          null);
    }
    CredentialFiles files =
        new CredentialFiles(
            true,
            read(options.caFile(), LARGEST_PEM, "file of authorities", "CA_FILE"),
            read(options.certificateFile(), LARGEST_PEM, "certificate", "CERTIFICATE_FILE"),
            read(options.keyFile(), LARGEST_PEM, "key", "KEY_FILE"));
    if (!files.equals(known)) {
      files.check(options);
    }
    return files;
  }

  /** Reads the token; it becomes a header's value, so nothing in it may end that. */
  static String readToken(Path file) {
    String token =
        new String(read(file, LARGEST_TOKEN, "token", "TOKEN_FILE"), StandardCharsets.ISO_8859_1);
    token = token.replaceFirst("\r?\n$", "");
    if (token.isEmpty()) {
      throw Errors.unusable("the token " + file + " is empty", "TOKEN_FILE", null);
    }
    if (!token.chars().allMatch(c -> c > ' ' && c <= '~')) {
      throw Errors.unusable(
          "the token " + file + " holds a space, or a character that is not ASCII",
          "TOKEN_FILE",
          null);
    }
    return token;
  }

  ChannelCredentials channelCredentials() {
    if (!tls) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    try {
      if (ca.length > 0) {
        builder.trustManager(new ByteArrayInputStream(ca));
      }
      if (certificate.length > 0) {
        builder.keyManager(
            new ByteArrayInputStream(certificate),
            new ByteArrayInputStream(PrivateKeys.pem(PrivateKeys.read(key))));
      }
    } catch (IOException e) {
      throw Errors.unusable("cannot use the certificate", "CERTIFICATE_FILE", e);
    }
    return builder.build();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CredentialFiles files
        && tls == files.tls
        && Arrays.equals(ca, files.ca)
        && Arrays.equals(certificate, files.certificate)
        && Arrays.equals(key, files.key);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ca) ^ Arrays.hashCode(certificate);
  }

  private void check(ClientOptions options) {
    if (options.caFile() != null && certificatesOf(ca).isEmpty()) {
      throw Errors.unusable(
          "the file of authorities "
              + options.caFile()
              + " holds no certificate in PEM, or a broken one",
          "CA_FILE",
          null);
    }
    if (options.certificateFile() == null) {
      return;
    }
    List<Certificate> chain = certificatesOf(certificate);
    if (chain.isEmpty()) {
      throw Errors.unusable(
          "the certificate "
              + options.certificateFile()
              + " holds no certificate in PEM, or a broken one",
          "CERTIFICATE_FILE",
          null);
    }
    PrivateKey privateKey = PrivateKeys.read(key);
    if (privateKey == null) {
      throw Errors.unusable(
          "the key " + options.keyFile() + " holds no private key in PEM, or one with a passphrase",
          "KEY_FILE",
          null);
    }
    if (!PrivateKeys.fits(privateKey, chain.get(0).getPublicKey())) {
      throw Errors.unusable(
          "the key "
              + options.keyFile()
              + " is not the one of the certificate "
              + options.certificateFile(),
          "CERTIFICATE_PAIR",
          null);
    }
  }

  private static List<Certificate> certificatesOf(byte[] pem) {
    try {
      return new ArrayList<>(
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(pem)));
    } catch (CertificateException e) {
      return List.of();
    }
  }

  private static byte[] read(Path file, int largest, String what, String reason) {
    if (file == null) {
      return new byte[0];
    }
    // A pipe would be waited for.
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw Errors.unusable("the " + what + " " + file + " is no regular file", reason, null);
    }
    try (var in = Files.newInputStream(file)) {
      byte[] content = in.readNBytes(largest + 1);
      if (content.length > largest) {
        throw Errors.unusable(
            "the " + what + " " + file + " is larger than " + largest + " bytes", reason, null);
      }
      return content;
    } catch (NoSuchFileException e) {
      throw Errors.unusable("there is no " + what + " " + file, reason, e);
    } catch (IOException e) {
      throw Errors.unusable(
          "cannot read the " + what + " " + file + ": " + e.getMessage(), reason, e);
    }
  }
}
