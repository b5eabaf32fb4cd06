package dev.onhook.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.ECPrivateKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CredentialFilesTest {
  @TempDir private Path directory;

  private static String reasonOf(Runnable action) {
    return assertThrows(OnhookException.class, action::run).reason().orElseThrow();
  }

  private Path file(String content) throws Exception {
    return Files.writeString(directory.resolve("file"), content);
  }

  private static byte[] pem(String title, byte[] der) {
    return ("-----BEGIN "
            + title
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(der)
            + "\n-----END "
            + title
            + "-----\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static KeyPair rsa() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    return generator.generateKeyPair();
  }

  private static KeyPair ec() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  @Test
  void aTokenMayEndWithALineEnd() throws Exception {
    assertEquals("secret", CredentialFiles.readToken(file("secret\r\n")));
    assertEquals("secret", CredentialFiles.readToken(file("secret")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "two words", "two\nlines\n", "schlüssel"})
  void whatCannotBeAHeadersValueIsNoToken(String content) throws Exception {
    Path file = file(content);
    assertEquals("TOKEN_FILE", reasonOf(() -> CredentialFiles.readToken(file)));
  }

  @Test
  void aFileThatIsNotThereIsToldByWhatItWasToHold() {
    Path missing = directory.resolve("missing");
    assertEquals("TOKEN_FILE", reasonOf(() -> CredentialFiles.readToken(missing)));
    assertEquals("TOKEN_FILE", reasonOf(() -> CredentialFiles.readToken(directory)));
  }

  @Test
  void aKeyFitsItsOwnPublicKeyOnly() throws Exception {
    KeyPair one = rsa();
    KeyPair curve = ec();
    assertTrue(PrivateKeys.fits(one.getPrivate(), one.getPublic()));
    assertTrue(PrivateKeys.fits(curve.getPrivate(), curve.getPublic()));
    assertFalse(PrivateKeys.fits(one.getPrivate(), rsa().getPublic()));
    assertFalse(PrivateKeys.fits(one.getPrivate(), curve.getPublic()));
  }

  @Test
  void aKeyIsReadAsPkcs8AndInTheOlderFormOfItsAlgorithm() throws Exception {
    byte[] pkcs8 = rsa().getPrivate().getEncoded();
    assertArrayEquals(pkcs8, PrivateKeys.read(pem("PRIVATE KEY", pkcs8)).getEncoded());
    // Behind the version (3 bytes), the algorithm (15) and two heads of 4.
    byte[] pkcs1 = Arrays.copyOfRange(pkcs8, 26, pkcs8.length);
    assertArrayEquals(pkcs8, PrivateKeys.read(pem("RSA PRIVATE KEY", pkcs1)).getEncoded());
  }

  @Test
  void aKeyOfAnEllipticCurveIsReadInTheFormThatNamesItsCurve() throws Exception {
    KeyPair pair = ec();
    byte[] number = ((ECPrivateKey) pair.getPrivate()).getS().toByteArray();
    byte[] number32 = new byte[32];
    int digits = Math.min(number.length, 32);
    System.arraycopy(number, number.length - digits, number32, 32 - digits, digits);
    HexFormat hex = HexFormat.of();
    byte[] sec1 =
        hex.parseHex(
            "3031020101" + "0420" + hex.formatHex(number32) + "a00a" + "06082a8648ce3d030107");
    assertTrue(PrivateKeys.fits(PrivateKeys.read(pem("EC PRIVATE KEY", sec1)), pair.getPublic()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
      })
  void whatIsNoKeyIsNone(String pem) {
    assertNull(PrivateKeys.read(pem.getBytes(StandardCharsets.US_ASCII)));
  }
}
