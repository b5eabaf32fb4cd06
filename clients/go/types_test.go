package onhook_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestWhatTheLibraryDoesNotKnowYetSurvives(t *testing.T) {
	inWorld(t, func(w *world) {
		unknown := protowire.AppendString(protowire.AppendTag(nil, 4711, protowire.BytesType), "of tomorrow")
		event := onhooktest.NewEvent("c-1", func(event *onhookpb.ReleaseEvent) {
			event.ReleaseReason = 42
			event.Authentication = 43
			event.ProtoReflect().SetUnknown(unknown)
		})
		sent, err := proto.Marshal(event)
		w.must(err)
		w.gateway.Publish(event)
		delivery := w.next(w.stream())
		equal(t, delivery.Event.ReleaseReason.String(), "42", "a reason of tomorrow")
		equal(t, delivery.Event.ReleaseReason.Known(), false, "it is known")
		equal(t, delivery.Event.Authentication.String(), "43", "a proof of tomorrow")
		got, err := proto.Marshal(delivery.Event.Proto())
		w.must(err)
		equal(t, string(got), string(sent), "the event, serialised again")
	})
}

func TestEnumsHaveTheNamesOfTheProto(t *testing.T) {
	equal(t, onhook.ReleaseReasonCalledNoAnswer.String(), "CALLED_NO_ANSWER", "a release reason")
	equal(t, onhook.ReleaseReasonCalledNoAnswer.Known(), true, "it is known")
	equal(t, onhook.AuthenticationUnverified.String(), "UNVERIFIED", "an authentication")
	equal(t, onhook.RedeliveryReasonUnspecified.String(), "UNSPECIFIED", "no redelivery reason")
	equal(t, onhook.EventStateDroppedByLimit.String(), "DROPPED_BY_LIMIT", "an event's state")
	equal(t, onhook.TimelineKindDeadlineExpired.String(), "DEADLINE_EXPIRED", "a kind of entry")
	equal(t, onhook.DurabilityClassDisk.String(), "DISK", "a durability class")
	equal(t, onhook.StartPositionLatest.String(), "LATEST", "a position")
	equal(t, onhook.ActionPark.String(), "PARK", "an action")
	equal(t, onhook.Action(9).String(), "9", "an action that there is not")
}

func TestAnUnsetTextIsNotAnEmptyOne(t *testing.T) {
	bare := onhook.NewReleaseEvent(&onhookpb.ReleaseEvent{})
	for name, text := range map[string]*string{
		"call_serial_no": bare.CallSerialNo, "service_no": bare.ServiceNo, "called": bare.Called,
		"caller": bare.Caller, "caller_present": bare.CallerPresent, "call_data": bare.CallData,
		"recordfile": bare.Recordfile, "location_id": bare.LocationID,
		"release_reason_code": bare.ReleaseReasonCode, "traceparent": bare.Traceparent,
	} {
		equal(t, text, nil, name)
	}
	equal(t, bare.ReleaseTime.IsZero(), true, "no time")
	equal(t, bare.TalkDuration, nil, "no duration")
	equal(t, *onhook.NewReleaseEvent(&onhookpb.ReleaseEvent{ServiceNo: proto.String("")}).ServiceNo, "", "empty")
}

func TestAnEventIsInTheLanguagesOwnTypes(t *testing.T) {
	at := time.Date(2021, 5, 10, 16, 33, 38, 123e6, time.UTC)
	message := &onhookpb.ReleaseEvent{
		EventId: "v1-0-c", Source: "s", TimeZone: "Asia/Shanghai", Masked: true,
		CreateCallTime: timestamppb.New(at), AlertingTime: timestamppb.New(at.Add(1)),
		TalkingTime: timestamppb.New(at.Add(2)), ReleaseTime: timestamppb.New(at.Add(3)),
		AgentAlertingTime: timestamppb.New(at.Add(4)), AgentTalkingTime: timestamppb.New(at.Add(5)),
		AgentReleaseTime: timestamppb.New(at.Add(6)), ReceivedAt: timestamppb.New(at.Add(7)),
		TalkDuration: durationpb.New(0), AgentTalkDuration: durationpb.New(time.Minute),
		Extra: map[string]string{"新": "x"},
	}
	event := onhook.NewReleaseEvent(message)
	for i, got := range []time.Time{event.CreateCallTime, event.AlertingTime, event.TalkingTime,
		event.ReleaseTime, event.AgentAlertingTime, event.AgentTalkingTime, event.AgentReleaseTime,
		event.ReceivedAt} {
		equal(t, got, at.Add(time.Duration(i)), "a time")
	}
	equal(t, *event.TalkDuration, 0, "a duration of nothing is set")
	equal(t, *event.AgentTalkDuration, time.Minute, "a duration")
	equal(t, event.Extra["新"], "x", "extra")
	equal(t, event.Masked, true, "masked")
	equal(t, event.String(), "v1-0-c", "all that is to be logged")
	equal(t, event.Proto(), message, "the message at hand")
}

func TestAHandlerGetsTheTraceItsAttemptAndWhy(t *testing.T) {
	inWorld(t, func(w *world) {
		subscriber := w.subscriber(func(ctx context.Context, delivery *onhook.Delivery) error {
			equal(t, onhook.DeliveryFromContext(ctx), delivery, "the delivery in the context")
			equal(t, delivery.Proto().GetDeliveryId(), delivery.ID, "the message at hand")
			carrier := delivery.TraceCarrier()
			if call(delivery) == "traced" {
				equal(t, carrier["traceparent"], trace, "the trace")
			} else {
				equal(t, len(carrier), 0, "no trace")
			}
			return nil
		})
		w.gateway.Publish(onhooktest.NewEvent("traced", func(event *onhookpb.ReleaseEvent) {
			event.Traceparent = proto.String(trace)
		}))
		w.publish("untraced")
		w.settlements(2)
		w.must(subscriber.Stop(w.ctx()))
		equal(t, onhook.DeliveryFromContext(context.Background()), nil, "of no delivery")
	})
}

func TestAHandlersContextHasTheValuesOfTheOneItWasBegunWith(t *testing.T) {
	type key struct{}
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(context.WithValue(w.ctx(), key{}, "logger"))
		defer cancel()
		seen := make(chan any, 1)
		subscriber := w.client.Subscribe(ctx, "crm", func(ctx context.Context, _ *onhook.Delivery) error {
			seen <- ctx.Value(key{})
			return nil
		})
		w.publish("c-1")
		equal(t, <-seen, any("logger"), "the value")
		w.must(subscriber.Stop(w.ctx()))
	})
}
