package onhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func TestAHandlerThatReturnsNilHasAcknowledged(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls journal[string]
		subscriber := w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
			calls.note(call(delivery))
			return nil
		})
		w.publish("c-1", "c-2", "c-3")
		w.settlements(3)
		w.must(subscriber.Stop(w.ctx()))
		equalAll(t, calls.all(), []string{"c-1", "c-2", "c-3"}, "handled, in the order of arrival")
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionAck, onhook.ActionAck, onhook.ActionAck}, "told")
	})
}

func TestNothingIsAcknowledgedBeforeItsHandlerReturned(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		w.subscriber(handler.handle)
		w.publish("c-1")
		<-handler.calls
		synctest.Wait()
		equal(t, len(w.gateway.Settlements()), 0, "settlements while the handler runs")
		handler.reply <- nil
		equal(t, w.settlements(1)[0].Action, onhook.ActionAck, "then")
	})
}

func TestAHandlerThatFailsHasItsEventAgainWithItsReason(t *testing.T) {
	inWorld(t, func(w *world) {
		var attempts journal[int]
		w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
			attempts.note(delivery.Attempt)
			if delivery.Attempt == 1 {
				return errors.New("the disk is full")
			}
			equal(t, delivery.RedeliveryReason, onhook.RedeliveryReasonNacked, "why it comes again")
			return nil
		})
		w.publish("c-1")
		told := w.settlements(2)
		equalAll(t, attempts.all(), []int{1, 2}, "attempts")
		equal(t, told[0].Action, onhook.ActionRetry, "the first")
		equal(t, told[0].Reason, "the disk is full", "its reason")
		equal(t, told[0].Delay, nil, "its delay: the gateway's backoff")
	})
}

func TestAHandlerAsksForWhatItWants(t *testing.T) {
	cause := errors.New("because")
	for name, row := range map[string]struct {
		returned error
		action   onhook.Action
		reason   string
	}{
		"park":                      {onhook.Park(cause), onhook.ActionPark, "because"},
		"park, wrapped":             {fmt.Errorf("no: %w", onhook.Park(cause)), onhook.ActionPark, "no: because"},
		"skip":                      {onhook.Skip(cause), onhook.ActionSkip, "because"},
		"release":                   {onhook.Release(cause), onhook.ActionRelease, "because"},
		"park without reason":       {onhook.Park(nil), onhook.ActionPark, ""},
		"a long reason":             {errors.New(strings.Repeat("é", 2000)), onhook.ActionRetry, strings.Repeat("é", 1024)},
		"a reason that is no UTF-8": {errors.New("a\xff"), onhook.ActionRetry, "a\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
					if len(w.gateway.Settlements()) == 0 {
						return row.returned
					}
					return nil
				})
				w.publish("c-1")
				told := w.settlements(1)[0]
				equal(t, told.Action, row.action, "the action")
				equal(t, told.Reason, row.reason, "the reason")
			})
		})
	}
}

func TestARetryAfterADelayComesThen(t *testing.T) {
	inWorld(t, func(w *world) {
		var times journal[time.Duration]
		w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
			times.note(time.Since(w.begun))
			if delivery.Attempt == 1 {
				return onhook.RetryAfter(20*time.Minute, errors.New("later"))
			}
			return nil
		})
		w.publish("c-1")
		told := w.settlements(2)
		equal(t, *told[0].Delay, 20*time.Minute, "the delay")
		equalAll(t, times.all(), []time.Duration{0, 20 * time.Minute}, "when it was handled")
	})
}

func TestALoopSettlesInAnyOrderAndIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("ack", "retry", "park", "skip", "release")
		var deliveries []*onhook.Delivery
		for range 5 {
			deliveries = append(deliveries, w.next(stream))
		}
		w.must(deliveries[4].Release("r").Wait(w.ctx()))
		w.must(deliveries[3].Skip("s").Wait(w.ctx()))
		w.must(deliveries[2].Park("p").Wait(w.ctx()))
		w.must(deliveries[1].RetryAfter(time.Hour, "a").Wait(w.ctx()))
		w.must(deliveries[0].Ack().Wait(w.ctx()))
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionRelease, onhook.ActionSkip, onhook.ActionPark,
			onhook.ActionRetry, onhook.ActionAck}, "told")
		said, settled := deliveries[2].Settlement()
		equal(t, settled, true, "it is settled")
		equal(t, said, onhook.Settlement{Action: onhook.ActionPark, Reason: "p"}, "what was said")
	})
}

func TestADeliveryIsSettledOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		w.must(delivery.Ack().Wait(w.ctx()))
		for _, second := range []*onhook.Result{delivery.Ack(), delivery.Park(""), delivery.Extend(time.Minute)} {
			if err := second.Wait(w.ctx()); !errors.Is(err, onhook.ErrAlreadySettled) {
				t.Errorf("the second settlement: %v", err)
			}
		}
		equal(t, len(w.gateway.Settlements()), 1, "settlements told")
	})
}

func TestAHandlerMaySettleItself(t *testing.T) {
	inWorld(t, func(w *world) {
		subscriber := w.subscriber(func(ctx context.Context, delivery *onhook.Delivery) error {
			if err := delivery.Park("at once").Wait(ctx); err != nil {
				t.Errorf("park: %v", err)
			}
			return errors.New("ignored")
		})
		w.publish("c-1", "c-2")
		w.settlements(2)
		w.must(subscriber.Stop(w.ctx()))
		equalAll(t, w.actions(), []onhook.Action{onhook.ActionPark, onhook.ActionPark}, "told")
	})
}

func TestWhatTheGatewayRefusesIsTold(t *testing.T) {
	for result, wanted := range map[onhookpb.AckResults_Result]error{
		onhookpb.AckResults_RESULT_STALE:   onhook.ErrStale,
		onhookpb.AckResults_RESULT_UNKNOWN: onhook.ErrUnknownDelivery,
	} {
		t.Run(result.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var hooked journal[onhook.Settled]
				stream := w.stream(onhook.WithSettlementHook(hooked.note))
				w.publish("c-1")
				delivery := w.next(stream)
				w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result { return result })
				if err := delivery.Retry("").Wait(w.ctx()); !errors.Is(err, wanted) {
					t.Errorf("the result: %v", err)
				}
				synctest.Wait()
				equal(t, hooked.all()[0].Err, wanted, "what the hook was told")
				equal(t, hooked.all()[0].EventID, delivery.Event.EventID, "of which event")
			})
		})
	}
}

func TestAnUnansweredAcknowledgementIsSentAgainOnTheNextStream(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		w.gateway.WithholdAnswers(true)
		result := w.next(stream).Ack()
		w.settlements(1)
		w.gateway.WithholdAnswers(false)
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(result.Wait(w.ctx()))
		equal(t, w.gateway.Attached(), 2, "streams")
	})
}

func TestWhatCouldNotBeStoredNowIsAskedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1", "c-2")
		first, second := w.next(stream), w.next(stream)
		var asked journal[time.Duration]
		w.gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			asked.note(time.Since(w.begun))
			if len(asked.all()) <= 2 {
				return onhookpb.AckResults_RESULT_RETRY_LATER
			}
			return onhookpb.AckResults_RESULT_UNSPECIFIED
		})
		w.must(first.Ack().Wait(w.ctx()))
		w.must(second.Park("").Wait(w.ctx()))
		pause := 200 * time.Millisecond
		equalAll(t, asked.all(), []time.Duration{0, pause, 2 * pause, 2 * pause}, "when it was asked")
	})
}

func TestANackOfALostStreamIsGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.publish("c-1")
		delivery := w.next(stream)
		w.gateway.Refuse(onhooktest.Unavailable())
		w.gateway.EndStreams(onhooktest.Unavailable())
		synctest.Wait()
		if err := delivery.Retry("late").Wait(w.ctx()); !errors.Is(err, onhook.ErrUnconfirmed) {
			t.Errorf("the result: %v", err)
		}
		w.gateway.Refuse(nil)
		equal(t, w.next(stream).RedeliveryReason, onhook.RedeliveryReasonStreamLost, "why it comes again")
	})
}

func TestAnAcknowledgementLeavesAtOnceAndOthersGatherMeanwhile(t *testing.T) {
	inWorld(t, func(w *world) {
		const most = 1000
		stream := w.stream(onhook.WithMaxOutstandingEvents(2 * most))
		w.gateway.Publish(events(most + 2)...)
		w.gateway.WithholdAnswers(true)
		w.next(stream).Ack()
		synctest.Wait()
		equal(t, len(w.gateway.Settlements()), 1, "settled while none was under way")
		for range most - 1 {
			w.next(stream).Ack()
		}
		synctest.Wait()
		equal(t, len(w.gateway.Settlements()), 1, "settled while one is under way")
		w.next(stream).Ack()
		synctest.Wait()
		equal(t, len(w.gateway.Settlements()), most+1, "settled when a request is full")
	})
}
