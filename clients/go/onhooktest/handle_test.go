package onhooktest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func TestAHandlerIsCalledWithoutAGateway(t *testing.T) {
	handler := func(ctx context.Context, delivery *onhook.Delivery) error {
		if onhook.DeliveryFromContext(ctx) != delivery {
			t.Error("the context is of another delivery")
		}
		switch *delivery.Event.CallSerialNo {
		case "parked":
			return onhook.Park(errors.New("no such customer"))
		case "fails":
			return fmt.Errorf("attempt %d", delivery.Attempt)
		case "settled":
			return delivery.Skip("by itself").Wait(ctx)
		}
		return nil
	}
	for call, wanted := range map[string]onhook.Settlement{
		"acked":   {Action: onhook.ActionAck},
		"parked":  {Action: onhook.ActionPark, Reason: "no such customer"},
		"fails":   {Action: onhook.ActionRetry, Reason: "attempt 3"},
		"settled": {Action: onhook.ActionSkip, Reason: "by itself"},
	} {
		delivery := onhooktest.NewDelivery(onhooktest.NewEvent(call),
			func(message *onhookpb.Delivery) { message.Attempt = 3 })
		if got := onhooktest.Handle(t.Context(), handler, delivery); got != wanted {
			t.Errorf("%s: %v, wanted %v", call, got, wanted)
		}
	}
}

func TestADeliveryWithoutAGatewayIsSettledOnce(t *testing.T) {
	delivery := onhooktest.NewDelivery(onhooktest.NewEvent("c-1"))
	if _, settled := delivery.Settlement(); settled {
		t.Error("it is settled before")
	}
	if err := delivery.Ack().Wait(t.Context()); err != nil {
		t.Errorf("the acknowledgement: %v", err)
	}
	if err := delivery.Park("").Err(); !errors.Is(err, onhook.ErrAlreadySettled) {
		t.Errorf("the second settlement: %v", err)
	}
	if err := onhooktest.NewDelivery(onhooktest.NewEvent("c")).Extend(1).Err(); err != nil {
		t.Errorf("the extension: %v", err)
	}
}

func TestEqualContentHasAnEqualID(t *testing.T) {
	first, second := onhooktest.NewEvent("c-1"), onhooktest.NewEvent("c-1")
	other := onhooktest.NewEvent("c-1", func(event *onhookpb.ReleaseEvent) { event.Source = "sales" })
	if first.GetEventId() != second.GetEventId() || first.GetEventId() == other.GetEventId() {
		t.Errorf("%s, %s and %s", first.GetEventId(), second.GetEventId(), other.GetEventId())
	}
}
