package dev.onhook.client;

import java.util.Locale;

/**
 * A gateway's address, as gRPC takes it.
 *
 * @param target the address as a target of gRPC
 * @param isUnix whether it is a Unix-domain socket
 * @param isLocal whether what is sent there stays on this machine
 */
record ServerAddress(String target, boolean isUnix, boolean isLocal) {
  private static final int HIGHEST_PORT = 65535;

  /** Takes HOST:PORT, [IPv6]:PORT or unix:/path. */
  static ServerAddress parse(String text) {
    if (text.startsWith("unix:")) {
      String path = text.substring("unix:".length());
      if (!path.startsWith("/")) {
        throw wrong(text);
      }
      return new ServerAddress("unix:" + path, true, true);
    }
    int colon = text.lastIndexOf(':');
    if (colon <= 0 || !isPort(text.substring(colon + 1))) {
      throw wrong(text);
    }
    String host = text.substring(0, colon);
    boolean isBracketed = host.startsWith("[") && host.endsWith("]");
    if (!isBracketed && (host.indexOf(':') >= 0 || host.indexOf('/') >= 0)) {
      throw wrong(text);
    }
    return new ServerAddress("dns:///" + text, false, isLoopback(host));
  }

  private static boolean isLoopback(String host) {
    return host.toLowerCase(Locale.ROOT).equals("localhost")
        || host.equals("[::1]")
        || host.matches("127(\\.\\d{1,3}){3}");
  }

  private static boolean isPort(String text) {
    return text.matches("\\d{1,5}") && Integer.parseInt(text) <= HIGHEST_PORT;
  }

  private static OnhookException wrong(String text) {
    return Errors.unusable(
        "\"" + text + "\" is neither HOST:PORT nor unix:/path", "SERVER_ADDRESS", null);
  }
}
