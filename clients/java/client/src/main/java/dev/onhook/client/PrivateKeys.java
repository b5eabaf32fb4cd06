package dev.onhook.client;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Private keys in PEM. Java reads PKCS#8 only; OpenSSL and cert-manager also write the older forms,
 * in which the key's algorithm stands in the PEM's title.
 */
final class PrivateKeys {
  private static final Pattern PEM =
      Pattern.compile(
          "-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");
  private static final List<String> ALGORITHMS = List.of("RSA", "EC", "Ed25519", "Ed448");

  /** AlgorithmIdentifier of RSA, with its NULL. */
  private static final byte[] RSA_ALGORITHM = {
    0x30,
    0x0d,
    0x06,
    0x09,
    0x2a,
    (byte) 0x86,
    0x48,
    (byte) 0x86,
    (byte) 0xf7,
    0x0d,
    0x01,
    0x01,
    0x01,
    0x05,
    0x00
  };

  /** Identifier of elliptic curves; the curve's own follows it. */
  private static final byte[] EC_ALGORITHM = {
    0x06, 0x07, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 0x02, 0x01
  };

  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 0x04;
  private static final int EC_PARAMETERS = 0xa0;
  private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

  private PrivateKeys() {}

  /** The first private key of a text; null if there is none that can be read. */
  static PrivateKey read(byte[] pem) {
    Matcher found = PEM.matcher(new String(pem, StandardCharsets.ISO_8859_1));
    if (!found.find()) {
      return null;
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(found.group(2));
      byte[] pkcs8 =
          switch (found.group(1)) {
            case "RSA PRIVATE KEY" -> pkcs8(RSA_ALGORITHM, der);
            case "EC PRIVATE KEY" -> pkcs8(encode(SEQUENCE, EC_ALGORITHM, curveOf(der)), der);
            default -> der;
          };
      return parse(pkcs8);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return null;
    }
  }

  /** The key as PKCS#8 in PEM. */
  static byte[] pem(PrivateKey key) {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key.getEncoded());
    return ("-----BEGIN PRIVATE KEY-----\n" + body + "\n-----END PRIVATE KEY-----\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** Whether a key is the one of a certificate. */
  static boolean fits(PrivateKey key, PublicKey certified) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    byte[] words = "the two belong together".getBytes(StandardCharsets.US_ASCII);
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(words);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(words);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private static PrivateKey parse(byte[] pkcs8) {
    for (String algorithm : ALGORITHMS) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        continue; // of another algorithm, or of none
      } catch (GeneralSecurityException e) {
        throw new IllegalArgumentException(e);
      }
    }
    return null;
  }

  private static byte[] pkcs8(byte[] algorithm, byte[] key) {
    return encode(SEQUENCE, VERSION_0, algorithm, encode(OCTET_STRING, key));
  }

  /** The curve's identifier, which an ECPrivateKey holds after its version and its number. */
  private static byte[] curveOf(byte[] key) {
    int at = contentAt(key, 0);
    at = endOf(key, at); // the version
    at = endOf(key, at); // the number
    if ((key[at] & 0xff) != EC_PARAMETERS) {
      throw new IllegalArgumentException("the curve is not named");
    }
    return Arrays.copyOfRange(key, contentAt(key, at), endOf(key, at));
  }

  private static int lengthBytes(byte[] der, int at) {
    int first = der[at + 1] & 0xff;
    return first < 0x80 ? 0 : first & 0x7f;
  }

  private static int contentAt(byte[] der, int at) {
    return at + 2 + lengthBytes(der, at);
  }

  private static int endOf(byte[] der, int at) {
    int bytes = lengthBytes(der, at);
    int length = bytes == 0 ? der[at + 1] & 0xff : 0;
    for (int i = 0; i < bytes; ++i) {
      length = length << 8 | der[at + 2 + i] & 0xff;
    }
    return contentAt(der, at) + length;
  }

  private static byte[] encode(int tag, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(tag);
    int length = content.size();
    if (length < 0x80) {
      out.write(length);
    } else if (length <= 0xff) {
      out.write(0x81);
      out.write(length);
    } else {
      out.write(0x82);
      out.write(length >> 8);
      out.write(length & 0xff);
    }
    out.writeBytes(content.toByteArray());
    return out.toByteArray();
  }
}
