package onhook

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"onhook.dev/onhook/onhookpb"
)

// ReleaseEvent is one hang-up: the contact centre's notice that a call has ended.
//
// What the vendor did not send is unset: a nil pointer, or a time that IsZero. An empty text is set,
// and empty. release_event.proto says more of each field. A ReleaseEvent shares memory with its Proto
// and is not to be changed.
type ReleaseEvent struct {
	// EventID is the same each time the event comes, over several gateways too: the key for doing
	// things once.
	EventID string
	// Source names the configured source that the callback came in by.
	Source         string
	Authentication Authentication

	// CallSerialNo identifies the call; what createCall returned.
	CallSerialNo *string
	// ServiceNo identifies the agent.
	ServiceNo *string
	// Called is the customer's telephone number.
	Called *string
	// Caller is the telephone number bound to the agent.
	Caller *string
	// CallerPresent is the number that the customer's telephone displayed.
	CallerPresent *string
	// CallData is the text that was given to createCall, unchanged: the key for correlating.
	CallData *string

	CreateCallTime time.Time
	AlertingTime   time.Time
	TalkingTime    time.Time
	ReleaseTime    time.Time
	// TalkDuration has been seen to be 0 for a talk of six seconds: do not bill on it alone.
	TalkDuration *time.Duration
	// Recordfile is the path of the recording on the vendor's media server.
	Recordfile *string
	// LocationID is the media node that holds the recording.
	LocationID    *string
	ReleaseReason ReleaseReason
	// ReleaseReasonCode is the code exactly as sent.
	ReleaseReasonCode *string

	AgentAlertingTime time.Time
	AgentTalkingTime  time.Time
	AgentReleaseTime  time.Time
	AgentTalkDuration *time.Duration

	// Extra holds what is not documented, and what its typed field cannot give back.
	Extra map[string]string
	// TimeZone is the IANA name of the zone in which the vendor's times were read.
	TimeZone string
	// ReceivedAt is when the callback arrived, by the gateway's clock.
	ReceivedAt time.Time
	// Traceparent is the callback's W3C trace context.
	Traceparent *string
	// Masked tells that this client may not see numbers: they, and more, are hidden.
	Masked bool

	message *onhookpb.ReleaseEvent
}

// NewReleaseEvent views a message as an event.
func NewReleaseEvent(message *onhookpb.ReleaseEvent) *ReleaseEvent {
	if message == nil {
		message = &onhookpb.ReleaseEvent{}
	}
	event := new(ReleaseEvent)
	event.fill(message)
	return event
}

func (e *ReleaseEvent) fill(message *onhookpb.ReleaseEvent) {
	*e = ReleaseEvent{
		EventID:           message.GetEventId(),
		Source:            message.GetSource(),
		Authentication:    Authentication(message.GetAuthentication()),
		CallSerialNo:      message.CallSerialNo,
		ServiceNo:         message.ServiceNo,
		Called:            message.Called,
		Caller:            message.Caller,
		CallerPresent:     message.CallerPresent,
		CallData:          message.CallData,
		CreateCallTime:    nativeTime(message.GetCreateCallTime()),
		AlertingTime:      nativeTime(message.GetAlertingTime()),
		TalkingTime:       nativeTime(message.GetTalkingTime()),
		ReleaseTime:       nativeTime(message.GetReleaseTime()),
		TalkDuration:      nativeDuration(message.GetTalkDuration()),
		Recordfile:        message.Recordfile,
		LocationID:        message.LocationId,
		ReleaseReason:     ReleaseReason(message.GetReleaseReason()),
		ReleaseReasonCode: message.ReleaseReasonCode,
		AgentAlertingTime: nativeTime(message.GetAgentAlertingTime()),
		AgentTalkingTime:  nativeTime(message.GetAgentTalkingTime()),
		AgentReleaseTime:  nativeTime(message.GetAgentReleaseTime()),
		AgentTalkDuration: nativeDuration(message.GetAgentTalkDuration()),
		Extra:             message.GetExtra(),
		TimeZone:          message.GetTimeZone(),
		ReceivedAt:        nativeTime(message.GetReceivedAt()),
		Traceparent:       message.Traceparent,
		Masked:            message.GetMasked(),
		message:           message,
	}
}

// Proto is the event as it came, with the fields that this version of the library does not know.
func (e *ReleaseEvent) Proto() *onhookpb.ReleaseEvent { return e.message }

// String is the event's id: nothing else of an event belongs into a log.
func (e *ReleaseEvent) String() string { return e.EventID }

func nativeTime(timestamp *timestamppb.Timestamp) time.Time {
	if timestamp == nil {
		return time.Time{}
	}
	return timestamp.AsTime()
}

func nativeDuration(duration *durationpb.Duration) *time.Duration {
	if duration == nil {
		return nil
	}
	native := duration.AsDuration()
	return &native
}
