package onhook

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"onhook.dev/onhook/onhookpb"
)

// SubscriptionSpec is what a subscription is set to. What is zero has the gateway's default, which
// subscription.proto tells.
type SubscriptionSpec struct {
	// StartPosition is where a new subscription begins: StartPositionEarliest by default.
	StartPosition StartPosition
	// Filter is which events it owes: all by default.
	Filter EventFilter
	// AckDeadline is how long a delivery may stay unsettled: 30 s by default.
	AckDeadline time.Duration
	// MaxDeliveryAttempts is how often an event is tried before it may be parked: 20 by default,
	// UnlimitedDeliveryAttempts: for ever.
	MaxDeliveryAttempts int
	// MinimumRetryTime is for how long an event is retried at least: 24 h by default; a pointer,
	// since zero is a choice.
	MinimumRetryTime *time.Duration
	// MaxUnackedEvents bounds what is handed out and not settled: 100,000 by default.
	MaxUnackedEvents int64
	// ExpireAfterUnused deletes it when it had no stream for so long: 31 d by default.
	ExpireAfterUnused time.Duration
	// MaxBacklogAge and MaxBacklogBytes give up the oldest events beyond them: none by default.
	MaxBacklogAge   time.Duration
	MaxBacklogBytes int64
}

// UnlimitedDeliveryAttempts as SubscriptionSpec.MaxDeliveryAttempts never parks an event for those.
const UnlimitedDeliveryAttempts = -1

// EventFilter is which events are wanted. Within a list any member may match; of the lists that are
// not empty all must match.
type EventFilter struct {
	Sources []string
	// ServiceNos matches events without one by "".
	ServiceNos []string
	// ReleaseReasonCodes are as the vendor sent them; "" matches events without one.
	ReleaseReasonCodes []string
}

func (f EventFilter) proto() *onhookpb.EventFilter {
	if len(f.Sources) == 0 && len(f.ServiceNos) == 0 && len(f.ReleaseReasonCodes) == 0 {
		return nil
	}
	return &onhookpb.EventFilter{
		Sources: f.Sources, ServiceNos: f.ServiceNos, ReleaseReasonCodes: f.ReleaseReasonCodes,
	}
}

// Proto is the specification as the gateway's services take it.
func (s SubscriptionSpec) Proto() *onhookpb.SubscriptionSpec {
	spec := &onhookpb.SubscriptionSpec{
		StartPosition:     onhookpb.StartPosition(s.StartPosition),
		Filter:            s.Filter.proto(),
		AckDeadline:       durationUnlessZero(s.AckDeadline),
		ExpireAfterUnused: durationUnlessZero(s.ExpireAfterUnused),
	}
	switch {
	case s.MaxDeliveryAttempts > 0:
		spec.DeliveryAttempts = &onhookpb.SubscriptionSpec_MaxDeliveryAttempts{
			MaxDeliveryAttempts: int32Of(s.MaxDeliveryAttempts)}
	case s.MaxDeliveryAttempts < 0:
		spec.DeliveryAttempts = &onhookpb.SubscriptionSpec_UnlimitedDeliveryAttempts{
			UnlimitedDeliveryAttempts: &onhookpb.UnlimitedDeliveryAttempts{}}
	}
	if s.MinimumRetryTime != nil {
		spec.MinimumRetryTime = durationpb.New(*s.MinimumRetryTime)
	}
	if s.MaxUnackedEvents != 0 {
		spec.MaxUnackedEvents = &s.MaxUnackedEvents
	}
	if s.MaxBacklogAge != 0 || s.MaxBacklogBytes != 0 {
		spec.BacklogLimit = &onhookpb.BacklogLimit{Age: durationUnlessZero(s.MaxBacklogAge)}
		if s.MaxBacklogBytes != 0 {
			spec.BacklogLimit.Bytes = &s.MaxBacklogBytes
		}
	}
	return spec
}

func durationUnlessZero(duration time.Duration) *durationpb.Duration {
	if duration == 0 {
		return nil
	}
	return durationpb.New(duration)
}
