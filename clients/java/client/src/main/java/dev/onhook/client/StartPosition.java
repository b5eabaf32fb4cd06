package dev.onhook.client;

/** Either end of the log. */
public enum StartPosition {
  /** The oldest event kept. */
  EARLIEST(onhook.v1.StartPosition.START_POSITION_EARLIEST),
  /** Behind the newest event: only what comes. */
  LATEST(onhook.v1.StartPosition.START_POSITION_LATEST);

  private final onhook.v1.StartPosition message;

  StartPosition(onhook.v1.StartPosition message) {
    this.message = message;
  }

  onhook.v1.StartPosition message() {
    return message;
  }
}
