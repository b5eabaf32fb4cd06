package onhook_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func TestAnEventIsLookedUpWithWhatBecameOfIt(t *testing.T) {
	inWorld(t, func(w *world) {
		event := onhooktest.NewEvent("c-1")
		w.gateway.Publish(event)
		stored, err := w.client.GetEvent(w.ctx(), event.GetEventId())
		w.must(err)
		equal(t, *stored.Event.CallSerialNo, "c-1", "the call")
		equal(t, stored.StoredAt, event.GetReceivedAt().AsTime(), "when it was stored")
		equal(t, stored.Timelines[0].Subscription, "crm", "whose timeline")
		equal(t, stored.Timelines[0].State, onhook.EventStatePending, "its state")
		equal(t, stored.Proto().GetCursor(), stored.Cursor, "the cursor")

		_, err = w.client.GetEvent(w.ctx(), "nothing")
		if !errors.Is(err, onhook.ErrNotFound) {
			t.Errorf("what is not there: %v", err)
		}
	})
}

func TestAListingGoesOverAllPages(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("a", "b", "a2")
		for i := range 7 {
			w.gateway.Publish(onhooktest.NewEvent("a", func(event *onhookpb.ReleaseEvent) {
				event.TimeZone = string(rune('A' + i))
			}))
		}
		list := w.client.ListEvents(onhook.EventQuery{CallSerialNo: "a", PageSize: 3})
		count := 0
		for stored, err := range list.All(w.ctx()) {
			w.must(err)
			equal(t, *stored.Event.CallSerialNo, "a", "the call")
			count++
		}
		equal(t, count, 8, "events of that call")
		equal(t, list.CorruptEvents(), 0, "events left out")
	})
}

func TestAListingThatFailsSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gateway.Refuse(status.Error(codes.InvalidArgument, "neither a call nor a time"))
		var errs []error
		for _, err := range w.client.ListEvents(onhook.EventQuery{}).All(w.ctx()) {
			errs = append(errs, err)
		}
		equal(t, len(errs), 1, "how often")
		equal(t, errors.Is(errs[0], onhook.ErrInvalidArgument), true, "what")
	})
}

func TestALookUpEndsWithItsContextOrItsTimeout(t *testing.T) {
	inWorld(t, func(w *world) {
		_, err := w.client.GetEvent(ended(), "c-1")
		equal(t, errors.Is(err, context.Canceled), true, "an ended context")
	})
}

func TestTheStubsOfOtherServicesUseTheSameConnection(t *testing.T) {
	inWorld(t, func(w *world) {
		w.publish("c-1")
		events := onhookpb.NewReleaseEventServiceClient(w.client.Conn())
		listed, err := events.ListEvents(w.ctx(), &onhookpb.ListEventsRequest{CallSerialNo: "c-1"})
		w.must(err)
		equal(t, len(listed.GetStoredEvents()), 1, "events")
		watch, err := events.Watch(w.ctx(), &onhookpb.WatchRequest{StopAtEnd: true})
		w.must(err)
		_, err = watch.Recv()
		w.must(err)
		_, err = onhookpb.NewSubscriptionServiceClient(w.client.Conn()).GetSubscription(w.ctx(),
			&onhookpb.GetSubscriptionRequest{Name: "crm"})
		equal(t, errors.Is(err, onhook.ErrUnimplemented), true, "what the fake does not have")
		equal(t, w.gateway.Connections(), 1, "connections")
	})
}

func TestASpecificationSaysWhatIsSetAndNothingElse(t *testing.T) {
	empty := onhook.SubscriptionSpec{}.Proto()
	equal(t, empty.String(), (&onhookpb.SubscriptionSpec{}).String(), "of nothing")
	zero := time.Duration(0)
	spec := onhook.SubscriptionSpec{
		StartPosition:       onhook.StartPositionLatest,
		Filter:              onhook.EventFilter{ServiceNos: []string{""}},
		AckDeadline:         time.Minute,
		MaxDeliveryAttempts: 3,
		MinimumRetryTime:    &zero,
		MaxUnackedEvents:    5,
		ExpireAfterUnused:   time.Hour,
		MaxBacklogAge:       24 * time.Hour,
		MaxBacklogBytes:     7,
	}.Proto()
	equal(t, spec.GetStartPosition(), onhookpb.StartPosition_START_POSITION_LATEST, "start")
	equal(t, slices.Equal(spec.GetFilter().GetServiceNos(), []string{""}), true, "filter")
	equal(t, spec.GetAckDeadline().AsDuration(), time.Minute, "deadline")
	equal(t, spec.GetMaxDeliveryAttempts(), 3, "attempts")
	equal(t, spec.GetMinimumRetryTime() != nil, true, "a retry time of zero is set")
	equal(t, spec.GetMaxUnackedEvents(), 5, "unacked")
	equal(t, spec.GetExpireAfterUnused().AsDuration(), time.Hour, "expiry")
	equal(t, spec.GetBacklogLimit().GetAge().AsDuration(), 24*time.Hour, "age")
	equal(t, spec.GetBacklogLimit().GetBytes(), 7, "bytes")
	unlimited := onhook.SubscriptionSpec{MaxDeliveryAttempts: onhook.UnlimitedDeliveryAttempts}.Proto()
	equal(t, unlimited.GetUnlimitedDeliveryAttempts() != nil, true, "unlimited")
}
