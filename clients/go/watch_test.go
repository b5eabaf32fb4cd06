package onhook_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

// watched is the calls of so many events.
func (w *world) watched(watch *onhook.Watch, count int) []string {
	w.Helper()
	var calls []string
	for range count {
		event, err := watch.Next(w.ctx())
		w.must(err)
		calls = append(calls, *event.Event.CallSerialNo)
	}
	return calls
}

func TestAWatchGoesOnBehindItsLastEvent(t *testing.T) {
	inWorld(t, func(w *world) {
		var states states
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest(), onhook.WithStateHook(states.note),
			onhook.WithConsumerName("looker"))
		defer watch.Stop()
		w.publish("c-1", "c-2", "c-3")
		equalAll(t, w.watched(watch, 2), []string{"c-1", "c-2"}, "the first two")
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.publish("c-4")
		equalAll(t, w.watched(watch, 2), []string{"c-3", "c-4"}, "over a lost stream")
		equalAll(t, states.names(),
			[]string{"connecting", "streaming", "backing_off", "connecting", "streaming"}, "states")

		later := w.client.Watch(w.ctx(), onhook.After("c-2"), onhook.StopAtEnd())
		equalAll(t, w.watched(later, 2), []string{"c-3", "c-4"}, "in another process")
		equal(t, later.Cursor(), watch.Cursor(), "the place of both")
		_, err := later.Next(w.ctx())
		equal(t, err, io.EOF, "the end")
	})
}

func TestAWatchBeginsWhereItIsTold(t *testing.T) {
	for name, row := range map[string]struct {
		option onhook.WatchOption
		first  string
	}{
		"earliest":         {onhook.FromEarliest(), "c-1"},
		"latest":           {onhook.FromLatest(), "new"},
		"after a cursor":   {onhook.After("c-1"), "c-2"},
		"since before all": {onhook.Since(time.Unix(0, 0)), "c-1"},
		"since after all":  {onhook.Since(time.Now().Add(time.Hour)), "new"},
		"nothing is said":  {onhook.ObserveOnly(), "new"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.publish("c-1", "c-2")
				watch := w.client.Watch(w.ctx(), row.option)
				defer watch.Stop()
				published := make(chan struct{})
				go func() {
					time.Sleep(time.Second)
					w.publish("new")
					close(published)
				}()
				equalAll(t, w.watched(watch, 1), []string{row.first}, "its first")
				<-published
			})
		})
	}
}

func TestAWatchGetsWhatItsFilterWants(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1")
		w.gateway.Publish(onhooktest.NewEvent("c-2", func(event *onhookpb.ReleaseEvent) { event.Source = "sales" }))
		filter := onhook.EventFilter{Sources: []string{"sales"}, ReleaseReasonCodes: []string{"0", "1"}}
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest(), onhook.StopAtEnd(), onhook.WithFilter(filter))
		equalAll(t, w.watched(watch, 1), []string{"c-2"}, "all of it")
		_, err := watch.Next(w.ctx())
		equal(t, err, io.EOF, "the end")
	})
}

func TestAGapEndsTheWatchAndSaysHowLargeItIs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1", "c-2", "c-3", "c-4")
		w.gateway.Forget(3)
		watch := w.client.Watch(w.ctx(), onhook.After("c-1"))
		_, err := watch.Next(w.ctx())
		var gap *onhook.GapError
		if !errors.As(err, &gap) || !errors.Is(err, onhook.ErrOutOfRange) {
			t.Fatalf("the end: %v", err)
		}
		equal(t, gap.EventsLost, 2, "events lost")
		equal(t, gap.Err.Reason, "EVENTS_LOST", "the reason")
		onward := w.client.Watch(w.ctx(), onhook.After(gap.OldestCursor), onhook.StopAtEnd())
		equalAll(t, w.watched(onward, 1), []string{"c-4"}, "going on from the oldest")
		_, again := watch.Next(w.ctx())
		equal(t, again, err, "the next after the end")
	})
}

func TestAWatchThatIsStoppedEndsWithoutAnError(t *testing.T) {
	inWorld(t, func(w *world) {
		var states states
		watch := w.client.Watch(w.ctx(), onhook.WithStateHook(states.note))
		go func() {
			time.Sleep(time.Minute)
			watch.Stop()
		}()
		for range watch.All(w.ctx()) {
			t.Error("the loop was entered")
		}
		equal(t, time.Since(w.begun), time.Minute, "when it ended")
		_, err := watch.Next(w.ctx())
		equal(t, err, onhook.ErrStopped, "the next")
		equal(t, states.all()[len(states.all())-1].State, onhook.StateStopped, "the last state")
	})
}

func TestOneWhoWatchesMayGiveUpAndGoOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1")
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest())
		defer watch.Stop()
		w.watched(watch, 1)
		for range 3 {
			ctx, cancel := context.WithTimeout(w.ctx(), time.Second)
			_, err := watch.Next(ctx)
			cancel()
			equal(t, err, context.DeadlineExceeded, "the error")
		}
		w.publish("c-2")
		equalAll(t, w.watched(watch, 1), []string{"c-2"}, "then")
	})
}

func TestAWatchOnASilentConnectionIsOpenedOnAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1")
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest())
		defer watch.Stop()
		w.watched(watch, 1)
		w.gateway.FallSilent()
		w.publish("c-2")
		equalAll(t, w.watched(watch, 1), []string{"c-2"}, "on the new one")
		equal(t, time.Since(w.begun).Round(time.Second), 6*time.Second, "when it was noticed")
		equal(t, w.gateway.Connections(), 2, "connections")
	}, onhooktest.WithHeartbeatInterval(3*time.Second))
}

func TestAWatchThatGoesAwayIsOpenedAgainAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1")
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest())
		defer watch.Stop()
		w.watched(watch, 1)
		w.gateway.GoAway(onhookpb.GoAway_REASON_MAX_AGE, time.Minute)
		w.publish("c-2")
		equalAll(t, w.watched(watch, 1), []string{"c-2"}, "on the new one")
		equal(t, time.Since(w.begun), 0, "the time it took")
	})
}

func TestWhatIsFinalEndsAWatch(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gateway.Refuse(status.Error(codes.FailedPrecondition, "a cursor of another store"))
		var last error
		for _, err := range w.client.Watch(w.ctx(), onhook.After("c-1")).All(w.ctx()) {
			last = err
		}
		if !errors.Is(last, onhook.ErrFailedPrecondition) {
			t.Errorf("its last: %v", last)
		}
	})
}

func TestAWatchOutlivesAGatewayThatIsAway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gateway.Refuse(onhooktest.Unavailable())
		watch := w.client.Watch(w.ctx(), onhook.FromEarliest())
		defer watch.Stop()
		go func() {
			time.Sleep(time.Hour)
			w.gateway.Refuse(nil)
			w.publish("c-1")
		}()
		equalAll(t, w.watched(watch, 1), []string{"c-1"}, "when it is back")
	})
}

func TestAWatchEndsWithTheContextItWasBegunWith(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithTimeout(w.ctx(), time.Minute)
		defer cancel()
		for range w.client.Watch(ctx).All(ctx) {
			t.Error("the loop was entered")
		}
		equal(t, time.Since(w.begun), time.Minute, "when it ended")
	})
}
