package dev.onhook.client;

import io.grpc.Status;
import java.util.Iterator;
import java.util.NoSuchElementException;

/** An iterator over what is waited for. */
final class IteratorOf<T> implements Iterator<T> {
  private final Source<? extends T> source;
  private T next;

  /** Where the next one comes from. */
  @FunctionalInterface
  interface Source<T> {
    /** Waits for the next one. Null: there is none. */
    T take() throws InterruptedException;
  }

  IteratorOf(Source<? extends T> source) {
    this.source = source;
  }

  @Override
  public boolean hasNext() {
    if (next != null) {
      return true;
    }
    try {
      next = source.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Errors.local(
          Status.Code.CANCELLED, "interrupted while waiting for an event", "INTERRUPTED", e);
    }
    return next != null;
  }

  @Override
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    T taken = next;
    next = null;
    return taken;
  }
}
