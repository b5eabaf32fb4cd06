package dev.onhook.client;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import onhook.v1.NackRequest;

/** What was said of one delivery, on its way to the gateway. */
final class Settlement {
  /** As the protocol has it. */
  private static final int LONGEST_REASON = 1024;

  /** What is to become of the event. */
  enum Action {
    ACK(NackRequest.Action.ACTION_UNSPECIFIED),
    EXTEND(NackRequest.Action.ACTION_UNSPECIFIED),
    RETRY(NackRequest.Action.ACTION_RETRY),
    PARK(NackRequest.Action.ACTION_PARK),
    SKIP(NackRequest.Action.ACTION_SKIP),
    RELEASE(NackRequest.Action.ACTION_RELEASE);

    private final NackRequest.Action nack;

    Action(NackRequest.Action nack) {
      this.nack = nack;
    }

    NackRequest.Action nack() {
      return nack;
    }
  }

  final Action action;
  final String reason;

  /** Of a retry the delay, of an extension the deadline; else null. */
  final Duration time;

  /** Null: nobody asks whether it is confirmed. */
  final CompletableFuture<Void> confirmed;

  /** Set once it is known which delivery it settles. */
  String deliveryId;

  /** Of an extension: of what. */
  Attempt extended;

  Settlement(Action action, String reason, Duration time, CompletableFuture<Void> confirmed) {
    this.action = action;
    this.reason = firstCharacters(reason);
    this.time = time;
    this.confirmed = confirmed;
  }

  /** Whether one request can say both. */
  boolean saysTheSameAs(Settlement other) {
    return action == other.action
        && reason.equals(other.reason)
        && Objects.equals(time, other.time);
  }

  void confirm() {
    if (confirmed != null) {
      confirmed.complete(null);
    }
  }

  void fail(OnhookException why) {
    if (confirmed != null) {
      confirmed.completeExceptionally(why);
    }
  }

  private static String firstCharacters(String text) {
    if (text.length() <= LONGEST_REASON
        || text.codePointCount(0, text.length()) <= LONGEST_REASON) {
      return text;
    }
    return text.substring(0, text.offsetByCodePoints(0, LONGEST_REASON));
  }
}
