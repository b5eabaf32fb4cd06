package dev.onhook.client.testing;

import io.grpc.ServerCredentials;
import io.grpc.TlsServerCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;

/** A certificate that nobody but itself has signed, and its key, made by the JDK's keytool. */
record Identity(Path certificate, Path key) {
  private static final String PASSWORD = "password";

  static Identity make(Path directory, String name, String alternativeName) throws Exception {
    Path store = directory.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "it",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=" + alternativeName,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD,
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve(name + ".log").toFile())
            .start();
    if (keytool.waitFor() != 0) {
      throw new AssertionError(Files.readString(directory.resolve(name + ".log")));
    }
    return new Identity(directory.resolve(name + ".crt"), directory.resolve(name + ".key"))
        .take(store);
  }

  /** Trusts {@code clients}, if it is not null, and asks for their certificate. */
  ServerCredentials asServer(Identity clients) throws IOException {
    TlsServerCredentials.Builder builder =
        TlsServerCredentials.newBuilder().keyManager(certificate.toFile(), key.toFile());
    if (clients != null) {
      builder
          .trustManager(clients.certificate.toFile())
          .clientAuth(TlsServerCredentials.ClientAuth.REQUIRE);
    }
    return builder.build();
  }

  void copyTo(Identity other) throws IOException {
    Files.write(other.certificate, Files.readAllBytes(certificate));
    Files.write(other.key, Files.readAllBytes(key));
  }

  private Identity take(Path store) throws IOException, GeneralSecurityException {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    writePem(certificate, "CERTIFICATE", keys.getCertificate("it").getEncoded());
    writePem(key, "PRIVATE KEY", keys.getKey("it", PASSWORD.toCharArray()).getEncoded());
    return this;
  }

  private static void writePem(Path file, String title, byte[] der) throws IOException {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    Files.writeString(
        file,
        "-----BEGIN " + title + "-----\n" + body + "\n-----END " + title + "-----\n",
        StandardCharsets.US_ASCII);
  }
}
