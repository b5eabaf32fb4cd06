package onhook_test

import (
	"context"
	"errors"
	"testing"

	"onhook.dev/onhook"
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
	})
}
