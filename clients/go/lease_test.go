package onhook_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func TestWhatIsHandledAndWhatWaitsIsExtendedWhenHalfOfItsTimeIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		w.subscriber(handler.handle, onhook.WithAckDeadline(30*time.Second))
		w.publish("handled", "waits")
		<-handler.calls
		time.Sleep(40 * time.Second)
		synctest.Wait()
		var when []time.Duration
		for _, extension := range w.gateway.Extensions() {
			when = append(when, extension.At.Sub(w.begun))
			equal(t, extension.Deadline, 30*time.Second, "to what it was extended")
		}
		half := 15 * time.Second
		equalAll(t, when, []time.Duration{half, half, 2 * half, 2 * half}, "extensions")
		handler.reply <- nil
		equal(t, (<-handler.calls).Attempt, 1, "the attempt of what waited")
		handler.reply <- nil
		w.settlements(2)
	})
}

func TestAnExtensionIsRepeatedUntilTheLongestTimeIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream(onhook.WithAckDeadline(10*time.Second), onhook.WithMaxExtension(time.Minute))
		w.publish("c-1")
		delivery := w.next(stream)
		time.Sleep(time.Hour)
		synctest.Wait()
		var last onhooktest.Extension
		for _, extension := range w.gateway.Extensions() {
			if extension.DeliveryID == delivery.ID { // and not that of its next attempt
				last = extension
			}
		}
		equal(t, last.At.Sub(w.begun) <= time.Minute, true, "the last extension is within a minute")
		equal(t, last.At.Sub(w.begun) > 50*time.Second, true, "and not long before its end")
	})
}

func TestNothingIsExtendedIfThatIsSwitchedOff(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream(onhook.WithAckDeadline(10*time.Second), onhook.WithMaxExtension(0))
		w.publish("c-1")
		w.next(stream)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		equal(t, len(w.gateway.Extensions()), 0, "extensions")
	})
}

func TestWhatSomebodyElseHasByNowIsNotExtendedAgain(t *testing.T) {
	for _, result := range []onhookpb.AckResults_Result{
		onhookpb.AckResults_RESULT_STALE, onhookpb.AckResults_RESULT_UNKNOWN,
	} {
		t.Run(result.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var asked journal[onhooktest.Settlement]
				stream := w.stream(onhook.WithAckDeadline(10 * time.Second))
				w.publish("c-1")
				w.next(stream)
				w.gateway.JudgeWith(func(settlement onhooktest.Settlement) onhookpb.AckResults_Result {
					asked.note(settlement)
					return result
				})
				time.Sleep(9 * time.Second)
				synctest.Wait()
				equal(t, len(asked.all()), 1, "extensions asked for")
			})
		})
	}
}

func TestAnExtensionThatCouldNotBeStoredIsAskedForAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream(onhook.WithAckDeadline(10 * time.Second))
		w.publish("c-1")
		w.next(stream)
		refused := false
		w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			if refused {
				return onhookpb.AckResults_RESULT_UNSPECIFIED
			}
			refused = true
			return onhookpb.AckResults_RESULT_RETRY_LATER
		})
		time.Sleep(6 * time.Second)
		synctest.Wait()
		equal(t, w.gateway.Extensions()[0].At.Sub(w.begun), 5200*time.Millisecond, "when it was asked again")
	})
}

func TestAnExplicitExtensionIsNotShortened(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream(onhook.WithAckDeadline(10 * time.Second))
		w.publish("c-1")
		delivery := w.next(stream)
		w.must(delivery.Extend(5 * time.Minute).Wait(w.ctx()))
		time.Sleep(290 * time.Second)
		synctest.Wait()
		equal(t, len(w.gateway.Extensions()), 1, "extensions until it is nearly over")
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, w.gateway.Extensions()[1].At.Sub(w.begun), 295*time.Second, "the next")
		w.must(delivery.Ack().Wait(w.ctx()))
		equal(t, w.settlements(1)[0].Attempt, 1, "attempts")
	})
}

func TestAnExplicitExtensionThatIsRefusedSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			return onhookpb.AckResults_RESULT_STALE
		})
		if err := delivery.Extend(time.Minute).Wait(w.ctx()); !errors.Is(err, onhook.ErrStale) {
			t.Errorf("the result: %v", err)
		}
	})
}

// redelivered has the gateway hand the event out again on a new stream while it is here.
func redelivered(w *world) {
	w.gateway.EndStreams(onhooktest.Unavailable())
	w.must(w.gateway.AwaitAttached(w.ctx(), 2))
	synctest.Wait()
}

func TestWhatIsBeingHandledIsNotHandledTwiceAndSettlesByTheNewestDelivery(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle, onhook.WithConcurrency(5), onhook.WithAckDeadline(10*time.Second))
		w.publish("c-1")
		before := (<-handler.calls).ID
		redelivered(w)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		newest := w.gateway.Extensions()[0].DeliveryID
		equal(t, newest != before, true, "it is the newest that is extended")
		handler.reply <- nil
		equal(t, w.settlements(1)[0].DeliveryID, newest, "what is acknowledged")
		w.must(subscriber.Stop(w.ctx()))
		equal(t, len(w.gateway.Settlements()), 1, "settlements")
	})
}

func TestWhatComesAgainAfterItsDeadlineIsNotHandledTwiceEither(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle, onhook.WithConcurrency(5),
			onhook.WithAckDeadline(10*time.Second), onhook.WithMaxExtension(0))
		w.publish("c-1")
		<-handler.calls
		time.Sleep(15 * time.Second)
		synctest.Wait()
		handler.reply <- errors.New("no")
		told := w.settlements(1)[0]
		equal(t, told.Attempt, 2, "the attempt that was given back")
		equal(t, (<-handler.calls).Attempt, 3, "and the next is another")
		handler.reply <- nil
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestWhatWaitsIsHandledOnceAndByTheNewestDelivery(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		w.subscriber(handler.handle, onhook.WithAckDeadline(10*time.Second), onhook.WithMaxExtension(0))
		w.publish("handled", "waits")
		<-handler.calls
		time.Sleep(15 * time.Second)
		synctest.Wait()
		handler.reply <- nil
		second := <-handler.calls
		equal(t, call(second), "waits", "the second call")
		equal(t, second.Attempt, 2, "its attempt")
		handler.reply <- nil
		told := w.settlements(2)
		equal(t, told[1].DeliveryID, second.ID, "what was acknowledged")
	})
}

func TestWhatIsAcknowledgedWithoutAnAnswerIsNotHandledAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			return onhookpb.AckResults_RESULT_RETRY_LATER
		})
		result := delivery.Ack()
		redelivered(w)
		w.gateway.JudgeWith(nil)
		w.must(result.Wait(w.ctx()))
		w.publish("c-2")
		equal(t, call(w.next(stream)), "c-2", "what comes next")
	})
}

func TestWhatIsAcknowledgedInVainIsHandledAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		refuse := func(refusal onhookpb.AckResults_Result) {
			w.gateway.JudgeWith(func(settlement onhooktest.Settlement) onhookpb.AckResults_Result {
				if settlement.Action == onhook.ActionAck {
					return refusal
				}
				return onhookpb.AckResults_RESULT_UNSPECIFIED
			})
		}
		refuse(onhookpb.AckResults_RESULT_RETRY_LATER)
		result := delivery.Ack()
		redelivered(w)
		refuse(onhookpb.AckResults_RESULT_UNKNOWN)
		equal(t, result.Wait(w.ctx()), onhook.ErrUnknownDelivery, "the acknowledgement")
		equal(t, w.next(stream).RedeliveryReason, onhook.RedeliveryReasonReleased, "why it comes again")
	})
}

func TestWhatIsAcknowledgedComesAgainIfSomebodyWantsThat(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			return onhookpb.AckResults_RESULT_RETRY_LATER
		})
		delivery.Ack()
		w.gateway.Seek("crm")
		again := w.next(stream)
		equal(t, again.Event.EventID, delivery.Event.EventID, "what comes")
		equal(t, again.RedeliveryReason, onhook.RedeliveryReasonSeek, "why")
		w.gateway.JudgeWith(nil)
		w.must(again.Ack().Wait(w.ctx()))
	})
}
