package dev.onhook.client;

/** Where this library says what it can tell nobody else. */
final class Log {
  private static final System.Logger LOGGER = System.getLogger("dev.onhook.client");

  private Log() {}

  static void warn(String words, Throwable cause) {
    LOGGER.log(System.Logger.Level.WARNING, words, cause);
  }

  static void trace(String words, Throwable cause) {
    LOGGER.log(System.Logger.Level.TRACE, words, cause);
  }
}
