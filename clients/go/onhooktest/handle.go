package onhooktest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
)

// NewEvent makes an event of a call that the customer ended after a minute. Each edit may change it.
// The same content has the same event_id, though another one than a gateway would give it.
func NewEvent(callSerialNo string, edits ...func(*onhookpb.ReleaseEvent)) *onhookpb.ReleaseEvent {
	released := time.Date(2024, time.May, 10, 16, 33, 38, 123e6, time.UTC)
	event := &onhookpb.ReleaseEvent{
		Source:            "default",
		Authentication:    onhookpb.Authentication_AUTHENTICATION_NONE,
		CallSerialNo:      proto.String(callSerialNo),
		Called:            proto.String("88880067"),
		TalkingTime:       timestamppb.New(released.Add(-time.Minute)),
		ReleaseTime:       timestamppb.New(released),
		TalkDuration:      durationpb.New(time.Minute),
		ReleaseReason:     onhookpb.ReleaseReason_RELEASE_REASON_CALLED_HUNG_UP,
		ReleaseReasonCode: proto.String("0"),
		TimeZone:          "UTC",
		ReceivedAt:        timestamppb.New(released.Add(time.Second)),
	}
	for _, edit := range edits {
		edit(event)
	}
	if event.GetEventId() == "" {
		content, err := proto.MarshalOptions{Deterministic: true}.Marshal(event)
		if err != nil {
			panic(err) // a text that is no UTF-8: a fault of the test
		}
		digest := sha256.Sum256(content)
		event.EventId = "v1-" + hex.EncodeToString(digest[:16]) + "-" + callSerialNo
	}
	return event
}

// NewDelivery makes a first delivery of an event, that belongs to no gateway. Each edit may change it.
func NewDelivery(event *onhookpb.ReleaseEvent, edits ...func(*onhookpb.Delivery)) *onhook.Delivery {
	message := &onhookpb.Delivery{
		DeliveryId:  "test-" + event.GetEventId(),
		Event:       event,
		Cursor:      "test-1",
		Attempt:     1,
		AckDeadline: durationpb.New(30 * time.Second),
	}
	for _, edit := range edits {
		edit(message)
	}
	return onhook.NewDelivery(message)
}

// Handle calls a handler as a subscription would, and returns what the gateway would be told.
func Handle(ctx context.Context, handler onhook.Handler, delivery *onhook.Delivery) onhook.Settlement {
	err := handler(onhook.ContextWithDelivery(ctx, delivery), delivery)
	if said, settled := delivery.Settlement(); settled {
		return said
	}
	return onhook.SettlementOf(err)
}
