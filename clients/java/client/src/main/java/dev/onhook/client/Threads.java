package dev.onhook.client;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads of one client: one that waits for points in time, and as many as are needed for
 * gRPC's news, for handlers and for listeners. All are daemons, so that a program that ends need
 * not wait for them; none is left once {@link #close} has returned and what it runs has ended.
 */
final class Threads implements Executor {
  private static final long KEEP_SECONDS = 10;

  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor pool;
  private final ScheduledThreadPoolExecutor timer;

  Threads() {
    pool =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            KEEP_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            named("onhook-client-"));
    // gRPC ends calls after the client has closed; that there is nobody to hear of it is as it must
    // be.
    pool.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
    timer = new ScheduledThreadPoolExecutor(1, named("onhook-timer-"));
    timer.setRemoveOnCancelPolicy(true);
    timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    timer.setRejectedExecutionHandler(new ThreadPoolExecutor.DiscardPolicy());
  }

  @Override
  public void execute(Runnable task) {
    pool.execute(task);
  }

  /** Runs a short task on the timer's thread. */
  ScheduledFuture<?> after(long nanos, Runnable task) {
    return timer.schedule(task, Math.max(nanos, 0), TimeUnit.NANOSECONDS);
  }

  /** Something that runs what it is given in order, one at a time. */
  Executor serial() {
    return new Serial(this);
  }

  /** Lets what runs end, for up to a time; nothing more begins. Not to be called by what runs. */
  void close(long timeoutSeconds) {
    timer.shutdownNow();
    pool.shutdown();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
    try {
      for (Thread thread : threads) {
        // A pool says that it has terminated while its last thread still does.
        long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (left > 0 && thread != Thread.currentThread()) {
          thread.join(left);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private ThreadFactory named(String prefix) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + count.incrementAndGet());
      thread.setDaemon(true);
      threads.removeIf(other -> other.getState() == Thread.State.TERMINATED);
      threads.add(thread);
      return thread;
    };
  }

  private static final class Serial implements Executor {
    private final Executor executor;
    private final Queue<Runnable> tasks = new ArrayDeque<>();
    private boolean running;

    Serial(Executor executor) {
      this.executor = executor;
    }

    @Override
    public void execute(Runnable task) {
      synchronized (tasks) {
        tasks.add(task);
        if (running) {
          return;
        }
        running = true;
      }
      executor.execute(this::runAll);
    }

    private void runAll() {
      for (; ; ) {
        Runnable task;
        synchronized (tasks) {
          task = tasks.poll();
          if (task == null) {
            running = false;
            return;
          }
        }
        task.run();
      }
    }
  }
}
