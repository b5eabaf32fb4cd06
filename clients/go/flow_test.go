package onhook_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhooktest"
)

func TestAtMostSoManyHandlersRunAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		var running, most atomic.Int32
		subscriber := w.subscriber(func(context.Context, *onhook.Delivery) error {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Second)
			running.Add(-1)
			return nil
		}, onhook.WithConcurrency(7))
		w.gateway.Publish(events(70)...)
		w.settlements(70)
		equal(t, most.Load(), 7, "at once")
		equal(t, time.Since(w.begun), 10*time.Second, "the time for all")
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestNoMoreIsHeldThanAllowed(t *testing.T) {
	inWorld(t, func(w *world) {
		var states states
		stream := w.stream(onhook.WithMaxOutstandingEvents(2), onhook.WithMaxOutstandingBytes(1000),
			onhook.WithStateHook(states.note))
		w.publish("c-1", "c-2", "c-3")
		first := w.next(stream)
		w.next(stream)
		ctx, cancel := context.WithTimeout(w.ctx(), time.Second)
		defer cancel()
		if _, err := stream.Next(ctx); err == nil {
			t.Error("a third came")
		}
		w.must(first.Ack().Wait(w.ctx()))
		equal(t, call(w.next(stream)), "c-3", "then")
		terms := states.all()[1].Terms
		equal(t, terms.MaxOutstandingEvents, 2, "what was asked for, in events")
		equal(t, terms.MaxOutstandingBytes, 1000, "in bytes")
	})
}

func TestAPauseStopsDeliveriesAndNothingElse(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("before")
		before := w.next(stream)
		stream.Pause()
		synctest.Wait()
		w.publish("during")
		w.must(before.Ack().Wait(w.ctx()))
		ctx, cancel := context.WithTimeout(w.ctx(), time.Hour)
		defer cancel()
		if delivery, err := stream.Next(ctx); err == nil {
			t.Errorf("%s came", call(delivery))
		}
		stream.Resume()
		equal(t, call(w.next(stream)), "during", "after it")
		equal(t, w.gateway.Attached(), 1, "streams")
	})
}

func TestAPauseHoldsOverALostStream(t *testing.T) {
	inWorld(t, func(w *world) {
		var handled journal[string]
		subscriber := w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
			handled.note(call(delivery))
			return nil
		})
		subscriber.Pause()
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		synctest.Wait()
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		synctest.Wait()
		w.publish("c-1")
		synctest.Wait()
		equal(t, len(handled.all()), 0, "handled while it is paused")
		subscriber.Resume()
		w.settlements(1)
	})
}

func TestTwoConsumersShare(t *testing.T) {
	inWorld(t, func(w *world) {
		var first, second journal[string]
		note := func(j *journal[string]) onhook.Handler {
			return func(_ context.Context, delivery *onhook.Delivery) error {
				j.note(call(delivery))
				return nil
			}
		}
		w.subscriber(note(&first), onhook.WithConsumerName("one"))
		w.subscriber(note(&second), onhook.WithConsumerName("two"))
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		w.gateway.Publish(events(100)...)
		names := map[string]int{}
		for _, settlement := range w.settlements(100) {
			names[settlement.ConsumerName]++
		}
		equal(t, len(first.all())+len(second.all()), 100, "handled by both")
		equal(t, names["one"] > 0 && names["two"] > 0, true, "each has some")
	})
}
