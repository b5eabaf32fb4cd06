package dev.onhook.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock under which nobody is called: what is to be said to gRPC, to futures or to users is put
 * down meanwhile, and said by the same thread once it has let go.
 */
final class Monitor {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private List<Runnable> afterwards = new ArrayList<>();

  void lock() {
    lock.lock();
  }

  /** Lets go, then does what was put down meanwhile. */
  void unlock() {
    if (lock.getHoldCount() > 1 || afterwards.isEmpty()) {
      lock.unlock();
      return;
    }
    List<Runnable> todo = afterwards;
    afterwards = new ArrayList<>();
    lock.unlock();
    for (Runnable one : todo) {
      one.run();
    }
  }

  void run(Runnable body) {
    lock.lock();
    try {
      body.run();
    } finally {
      unlock();
    }
  }

  /** To be called with the lock. */
  void afterwards(Runnable todo) {
    afterwards.add(todo);
  }

  /** To be called with the lock, as all that follows. */
  void signalAll() {
    changed.signalAll();
  }

  void await() throws InterruptedException {
    changed.await();
  }

  /** Returns what is left of the time. */
  long await(long nanos) throws InterruptedException {
    return changed.awaitNanos(nanos);
  }
}
