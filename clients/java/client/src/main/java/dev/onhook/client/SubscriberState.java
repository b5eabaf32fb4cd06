package dev.onhook.client;

/** What a subscriber or a watcher is doing about its stream. */
public enum SubscriberState {
  /** Opens a stream. */
  CONNECTING,
  /** Has a stream. */
  STREAMING,
  /** Lost its stream, or could not open one, and waits before it tries again. */
  BACKING_OFF,
  /** Has ended for good. */
  STOPPED
}
