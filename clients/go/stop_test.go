package onhook_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhooktest"
)

func TestAStopReleasesWhatWaitsAndAcknowledgesWhatIsHandled(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle)
		w.publish("handled", "waits", "waits too")
		<-handler.calls
		stopped := make(chan error)
		go func() { stopped <- subscriber.Stop(context.Background()) }()
		for _, told := range w.settlements(2) {
			equal(t, told.Action, onhook.ActionRelease, "what becomes of what waits")
			equal(t, told.Attempt, 1, "its attempt")
		}
		w.publish("comes after")
		synctest.Wait()
		equal(t, len(w.gateway.Settlements()), 2, "the stream is paused: nothing more comes")
		handler.reply <- nil
		w.must(<-stopped)
		equal(t, w.settlements(3)[2].Action, onhook.ActionAck, "what becomes of what was handled")
		equal(t, w.gateway.Streams(), 0, "streams")
		equal(t, time.Since(w.begun), 0, "the time it took")
		again := w.stream()
		for range 3 {
			equal(t, w.next(again).Attempt, 1, "no attempt is burnt")
		}
	})
}

func TestAContextThatEndsStopsAsWell(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.ctx())
		handler := newHandler()
		received := make(chan error)
		go func() { received <- w.client.Receive(ctx, "crm", handler.handle) }()
		w.publish("c-1")
		<-handler.calls
		cancel()
		synctest.Wait()
		handler.reply <- nil
		w.must(<-received)
		equal(t, w.settlements(1)[0].Action, onhook.ActionAck, "the handler could finish")
	})
}

func TestWhatAHandlerHoldsAfterTheGraceIsReleased(t *testing.T) {
	inWorld(t, func(w *world) {
		var cause journal[error]
		began := make(chan struct{})
		subscriber := w.subscriber(func(ctx context.Context, _ *onhook.Delivery) error {
			close(began)
			<-ctx.Done()
			cause.note(context.Cause(ctx))
			return nil
		})
		w.publish("c-1")
		<-began
		w.must(subscriber.Stop(context.Background()))
		equal(t, time.Since(w.begun), 30*time.Second, "the grace")
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionRelease}, "told")
		synctest.Wait()
		equalAll(t, cause.all(), []error{onhook.ErrGraceOver}, "why the handler's context ended")
	})
}

func TestTheContextOfAStopCutsTheGraceShort(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		ctx, cancel := context.WithTimeout(w.ctx(), time.Second)
		defer cancel()
		w.must(stream.Stop(ctx))
		equal(t, time.Since(w.begun), time.Second, "the grace")
		if err := delivery.Ack().Err(); !errors.Is(err, onhook.ErrAlreadySettled) {
			t.Errorf("an acknowledgement afterwards: %v", err)
		}
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionRelease}, "told")
	})
}

func TestAStopThatIsNotConfirmedSaysHowManyAreMissing(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1", "c-2", "c-3")
		w.gateway.WithholdAnswers(true)
		var results []*onhook.Result
		for range 3 {
			results = append(results, w.next(stream).Ack())
		}
		err := stream.Stop(context.Background())
		var unconfirmed *onhook.UnconfirmedError
		if !errors.As(err, &unconfirmed) || !errors.Is(err, onhook.ErrUnconfirmed) {
			t.Fatalf("the stop: %v", err)
		}
		equal(t, unconfirmed.Acknowledgements, 3, "how many")
		equal(t, time.Since(w.begun), 10*time.Second, "how long it waited")
		for _, result := range results {
			equal(t, result.Wait(w.ctx()), onhook.ErrUnconfirmed, "what each was told")
		}
	})
}

func TestAStopWaitsForAGatewayThatComesBack(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle)
		w.publish("c-1")
		<-handler.calls
		w.gateway.Refuse(onhooktest.Unavailable())
		w.gateway.EndStreams(onhooktest.Unavailable())
		time.Sleep(time.Second)
		handler.reply <- nil
		stopped := make(chan error)
		go func() { stopped <- subscriber.Stop(context.Background()) }()
		time.Sleep(time.Second)
		w.gateway.Refuse(nil)
		w.must(<-stopped)
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionAck}, "told")
	})
}

func TestAStopWithNothingToConfirmDoesNotWaitForTheGateway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gateway.Refuse(onhooktest.Unavailable())
		subscriber := w.subscriber(acknowledge)
		time.Sleep(time.Second)
		begun := time.Now()
		w.must(subscriber.Stop(context.Background()))
		equal(t, time.Since(begun), 0, "the time it took")
	})
}

func TestAHandlerThatOutlivesItsStreamAfterAStopIsAcknowledgedOnTheNext(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle)
		w.publish("c-1", "waits")
		<-handler.calls
		stopped := make(chan error)
		go func() { stopped <- subscriber.Stop(context.Background()) }()
		w.settlements(1)
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		synctest.Wait()
		handler.reply <- nil
		w.must(<-stopped)
		told := w.gateway.Settlements()
		equal(t, told[len(told)-1].Action, onhook.ActionAck, "the last")
		for _, settlement := range told[:len(told)-1] {
			equal(t, settlement.Action, onhook.ActionRelease, "before, what comes is given back")
		}
	})
}

func TestAfterAStopNothingIsHandedOut(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		synctest.Wait()
		w.must(stream.Stop(w.ctx()))
		_, err := stream.Next(w.ctx())
		equal(t, err, onhook.ErrStopped, "the next")
		for range stream.All(w.ctx()) {
			t.Error("the loop was entered")
		}
		w.must(stream.Err())
	})
}

func TestALoopEndsWithWhatEndedItsStream(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.client.Stream(w.ctx(), "missing")
		var last error
		for _, err := range stream.All(w.ctx()) {
			last = err
		}
		if !errors.Is(last, onhook.ErrNotFound) {
			t.Errorf("its last: %v", last)
		}
	})
}

func TestOneWhoWaitsForTheNextMayGiveUp(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		ctx, cancel := context.WithTimeout(w.ctx(), time.Minute)
		defer cancel()
		_, err := stream.Next(ctx)
		equal(t, err, context.DeadlineExceeded, "the error")
		w.publish("c-1")
		equal(t, call(w.next(stream)), "c-1", "and ask again")
	})
}

func TestALoopEndsWithoutAnErrorWhenTheContextDoesThatItsStreamWasBegunWith(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithTimeout(w.ctx(), time.Minute)
		defer cancel()
		stream := w.client.Stream(ctx, "crm")
		w.publish("c-1")
		for delivery, err := range stream.All(ctx) {
			w.must(err)
			delivery.Ack()
		}
		equal(t, time.Since(w.begun), time.Minute, "when it ended")
		w.must(stream.Stop(context.Background()))
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionAck}, "told")
	})
}
