package onhook

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"onhook.dev/onhook/onhookpb"
)

// ReleaseReason is why a call ended. "Caller" is the agent's leg of the call, "called" the
// customer's. A value of a newer gateway is kept, and its String is its number.
type ReleaseReason int32

// The reasons that the vendor documents.
const (
	ReleaseReasonUnspecified        = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_UNSPECIFIED)
	ReleaseReasonCalledHungUp       = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALLED_HUNG_UP)
	ReleaseReasonCallerHungUp       = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALLER_HUNG_UP)
	ReleaseReasonCallToCallerFailed = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALL_TO_CALLER_FAILED)
	ReleaseReasonCallToCalledFailed = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALL_TO_CALLED_FAILED)
	ReleaseReasonCallerNoAnswer     = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALLER_NO_ANSWER)
	ReleaseReasonCalledNoAnswer     = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_CALLED_NO_ANSWER)
	// ReleaseReasonOther is of any other code; see ReleaseEvent.ReleaseReasonCode.
	ReleaseReasonOther = ReleaseReason(onhookpb.ReleaseReason_RELEASE_REASON_OTHER)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (r ReleaseReason) String() string {
	return enumName(onhookpb.ReleaseReason(r), "RELEASE_REASON_")
}

// Known tells whether this version of the library has a name for it.
func (r ReleaseReason) Known() bool { return isKnown(onhookpb.ReleaseReason(r)) }

// Authentication is how a callback proved that it came from the vendor.
type Authentication int32

// The proofs, as release_event.proto describes them.
const (
	AuthenticationUnspecified = Authentication(onhookpb.Authentication_AUTHENTICATION_UNSPECIFIED)
	AuthenticationNone        = Authentication(onhookpb.Authentication_AUTHENTICATION_NONE)
	AuthenticationPath        = Authentication(onhookpb.Authentication_AUTHENTICATION_PATH)
	AuthenticationBearer      = Authentication(onhookpb.Authentication_AUTHENTICATION_BEARER)
	AuthenticationBasic       = Authentication(onhookpb.Authentication_AUTHENTICATION_BASIC)
	AuthenticationSignature   = Authentication(onhookpb.Authentication_AUTHENTICATION_SIGNATURE)
	AuthenticationUnverified  = Authentication(onhookpb.Authentication_AUTHENTICATION_UNVERIFIED)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (a Authentication) String() string {
	return enumName(onhookpb.Authentication(a), "AUTHENTICATION_")
}

// Known tells whether this version of the library has a name for it.
func (a Authentication) Known() bool { return isKnown(onhookpb.Authentication(a)) }

// RedeliveryReason is why an event comes again.
type RedeliveryReason int32

// The reasons. A first attempt has RedeliveryReasonUnspecified.
const (
	RedeliveryReasonUnspecified     = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_UNSPECIFIED)
	RedeliveryReasonStreamLost      = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_STREAM_LOST)
	RedeliveryReasonDeadlineExpired = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_DEADLINE_EXPIRED)
	RedeliveryReasonNacked          = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_NACKED)
	RedeliveryReasonReleased        = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_RELEASED)
	RedeliveryReasonSeek            = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_SEEK)
	RedeliveryReasonRedriven        = RedeliveryReason(onhookpb.Delivery_REDELIVERY_REASON_REDRIVEN)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (r RedeliveryReason) String() string {
	return enumName(onhookpb.Delivery_RedeliveryReason(r), "REDELIVERY_REASON_")
}

// Known tells whether this version of the library has a name for it.
func (r RedeliveryReason) Known() bool { return isKnown(onhookpb.Delivery_RedeliveryReason(r)) }

// DurabilityClass is what a stored event survives.
type DurabilityClass int32

// The classes, as release_event_service.proto describes them.
const (
	DurabilityClassUnspecified        = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_UNSPECIFIED)
	DurabilityClassMemory             = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_MEMORY)
	DurabilityClassDisk               = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_DISK)
	DurabilityClassReplicated         = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_REPLICATED)
	DurabilityClassReplicatedUnsynced = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_REPLICATED_UNSYNCED)
	DurabilityClassUnsynced           = DurabilityClass(onhookpb.DurabilityClass_DURABILITY_CLASS_UNSYNCED)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (d DurabilityClass) String() string {
	return enumName(onhookpb.DurabilityClass(d), "DURABILITY_CLASS_")
}

// Known tells whether this version of the library has a name for it.
func (d DurabilityClass) Known() bool { return isKnown(onhookpb.DurabilityClass(d)) }

// EventState is where an event stands in a subscription.
type EventState int32

// The states, as release_event_service.proto describes them.
const (
	EventStateUnspecified    = EventState(onhookpb.SubscriptionTimeline_STATE_UNSPECIFIED)
	EventStatePending        = EventState(onhookpb.SubscriptionTimeline_STATE_PENDING)
	EventStateDelivered      = EventState(onhookpb.SubscriptionTimeline_STATE_DELIVERED)
	EventStateAcked          = EventState(onhookpb.SubscriptionTimeline_STATE_ACKED)
	EventStateSkipped        = EventState(onhookpb.SubscriptionTimeline_STATE_SKIPPED)
	EventStateParked         = EventState(onhookpb.SubscriptionTimeline_STATE_PARKED)
	EventStateFiltered       = EventState(onhookpb.SubscriptionTimeline_STATE_FILTERED)
	EventStateDroppedByLimit = EventState(onhookpb.SubscriptionTimeline_STATE_DROPPED_BY_LIMIT)
	EventStateDiscarded      = EventState(onhookpb.SubscriptionTimeline_STATE_DISCARDED)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (s EventState) String() string {
	return enumName(onhookpb.SubscriptionTimeline_State(s), "STATE_")
}

// Known tells whether this version of the library has a name for it.
func (s EventState) Known() bool { return isKnown(onhookpb.SubscriptionTimeline_State(s)) }

// TimelineKind is what happened to an event.
type TimelineKind int32

// The kinds, as release_event_service.proto describes them.
const (
	TimelineKindUnspecified     = TimelineKind(onhookpb.TimelineEntry_KIND_UNSPECIFIED)
	TimelineKindDelivered       = TimelineKind(onhookpb.TimelineEntry_KIND_DELIVERED)
	TimelineKindAcked           = TimelineKind(onhookpb.TimelineEntry_KIND_ACKED)
	TimelineKindNacked          = TimelineKind(onhookpb.TimelineEntry_KIND_NACKED)
	TimelineKindDeadlineExpired = TimelineKind(onhookpb.TimelineEntry_KIND_DEADLINE_EXPIRED)
	TimelineKindStreamLost      = TimelineKind(onhookpb.TimelineEntry_KIND_STREAM_LOST)
	TimelineKindParked          = TimelineKind(onhookpb.TimelineEntry_KIND_PARKED)
	TimelineKindRedriven        = TimelineKind(onhookpb.TimelineEntry_KIND_REDRIVEN)
	TimelineKindSkipped         = TimelineKind(onhookpb.TimelineEntry_KIND_SKIPPED)
	TimelineKindDiscarded       = TimelineKind(onhookpb.TimelineEntry_KIND_DISCARDED)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (k TimelineKind) String() string { return enumName(onhookpb.TimelineEntry_Kind(k), "KIND_") }

// Known tells whether this version of the library has a name for it.
func (k TimelineKind) Known() bool { return isKnown(onhookpb.TimelineEntry_Kind(k)) }

// StartPosition is either end of the log.
type StartPosition int32

const (
	// StartPositionDefault is EARLIEST for a new subscription.
	StartPositionDefault = StartPosition(onhookpb.StartPosition_START_POSITION_UNSPECIFIED)
	// StartPositionEarliest is the oldest event kept.
	StartPositionEarliest = StartPosition(onhookpb.StartPosition_START_POSITION_EARLIEST)
	// StartPositionLatest is behind the newest event: only what comes.
	StartPositionLatest = StartPosition(onhookpb.StartPosition_START_POSITION_LATEST)
)

// String is the proto's name without its prefix, or the number of a value that is not known.
func (p StartPosition) String() string {
	return enumName(onhookpb.StartPosition(p), "START_POSITION_")
}

func isKnown(value protoreflect.Enum) bool {
	return value.Descriptor().Values().ByNumber(value.Number()) != nil
}

func enumName(value protoreflect.Enum, prefix string) string {
	known := value.Descriptor().Values().ByNumber(value.Number())
	if known == nil {
		return strconv.Itoa(int(value.Number()))
	}
	return strings.TrimPrefix(string(known.Name()), prefix)
}
