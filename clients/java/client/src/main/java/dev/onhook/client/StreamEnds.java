package dev.onhook.client;

import io.grpc.Status;

/**
 * Decides what the end of a stream means for whoever keeps one open.
 *
 * <p>{@code UNAUTHENTICATED} is special: who was let in before, and shows a certificate or a token,
 * may just have files that change later than the gateway's. Who never was let in is simply wrong.
 *
 * <p>Not for several threads.
 */
final class StreamEnds {
  private final long patienceNanos;
  private boolean wasLetIn;
  private boolean isRefused;
  private long refusedAt;

  StreamEnds(ClientOptions options) {
    patienceNanos = options.showsIdentity() ? options.rotationPatience().toNanos() : 0;
  }

  void streamOpened() {
    wasLetIn = true;
    isRefused = false;
  }

  /** Whether no other stream is to be opened after one that ended so. */
  boolean isFinal(OnhookException why, long now) {
    if (!Errors.isFinal(why)) {
      return false;
    }
    if (why.code() != Status.Code.UNAUTHENTICATED || !wasLetIn) {
      return true;
    }
    if (!isRefused) {
      isRefused = true;
      refusedAt = now;
    }
    return now - refusedAt >= patienceNanos;
  }
}
