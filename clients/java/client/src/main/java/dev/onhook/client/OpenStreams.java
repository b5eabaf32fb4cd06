package dev.onhook.client;

import java.util.ArrayList;
import java.util.List;

/**
 * The streams of one subscriber: the newest, which may still be opening, and those that end what
 * they handed out. Two at most, but for moments.
 *
 * <p>Threads: all methods are to be called with the monitor.
 */
final class OpenStreams {
  private final List<SubscribeCall> all = new ArrayList<>();
  private SubscribeCall newest;
  private SubscribeCall current;

  void add(SubscribeCall call, boolean paused) {
    newest = call;
    all.add(call);
    call.setPaused(paused);
  }

  void remove(SubscribeCall call) {
    all.remove(call);
    if (current == call) {
      current = null;
    }
  }

  boolean isEmpty() {
    return all.isEmpty();
  }

  boolean isNewest(SubscribeCall call) {
    return newest == call;
  }

  /** The one that was opened last, while it lives. Null: there is none. */
  SubscribeCall current() {
    return current;
  }

  /** Those that it replaces may end. */
  void opened(SubscribeCall call) {
    current = call;
    for (SubscribeCall other : all) {
      if (other.goingAway) {
        other.closeWhenIdle();
        other.pump();
      }
    }
  }

  /** A second stream that goes away overtakes the first: no more than two at a time. */
  void overtake(SubscribeCall call) {
    for (SubscribeCall other : all) {
      if (other != call && other.goingAway) {
        other.cancel("another stream goes away, too");
      }
    }
  }

  void setPaused(boolean paused) {
    for (SubscribeCall call : all) {
      call.setPaused(paused);
      call.pump();
    }
  }

  void pump() {
    all.forEach(SubscribeCall::pump);
  }

  /** Each ends once all it has is settled and confirmed. */
  void close(boolean unopenedIsNeeded) {
    for (SubscribeCall call : all) {
      if (call.opened) {
        call.closeWhenIdle();
        call.pump();
      } else if (!unopenedIsNeeded) {
        call.cancel("not needed any more");
      }
    }
  }

  /** Ends all at once. Returns what was not confirmed. */
  List<Settlement> cancel() {
    List<Settlement> unconfirmed = new ArrayList<>();
    for (SubscribeCall call : all) {
      unconfirmed.addAll(call.takeUnconfirmed());
      call.cancel("the subscriber has ended");
    }
    return unconfirmed;
  }
}
