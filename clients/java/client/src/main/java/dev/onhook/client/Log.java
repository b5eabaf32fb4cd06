package dev.onhook.client;

/** Where this library says what it can tell nobody else. */
final class Log {
  private static final System.Logger LOGGER = System.getLogger("dev.onhook.client");

  private Log() {}

  /** With the cause and its stack; null: there is none. */
  static void warn(String words, Throwable cause) {
    log(System.Logger.Level.WARNING, words, cause);
  }

  static void trace(String words, Throwable cause) {
    log(System.Logger.Level.TRACE, words, cause);
  }

  @SuppressWarnings("checkstyle:IllegalCatch") // what cannot be said must stop nothing
  private static void log(System.Logger.Level level, String words, Throwable cause) {
    try {
      LOGGER.log(level, words, cause);
    } catch (Throwable e) {
      // A logger of the user's, or an exception whose words throw.
    }
  }
}
