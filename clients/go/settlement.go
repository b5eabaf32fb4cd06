package onhook

import (
	"errors"
	"strconv"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// Action is what is to become of a delivery.
type Action int32

const (
	// ActionAck settles the event: it does not come again.
	ActionAck Action = iota
	// ActionRetry has the event come again after a delay, or after the gateway's backoff; it counts as
	// an attempt.
	ActionRetry
	// ActionPark puts the event among the dead letters.
	ActionPark
	// ActionSkip settles the event as not processed.
	ActionSkip
	// ActionRelease hands the event to another consumer at once; it counts as no attempt.
	ActionRelease
)

var actionNames = [...]string{"ACK", "RETRY", "PARK", "SKIP", "RELEASE"}

// String is the action's name, as the proto has it.
func (a Action) String() string {
	if a < 0 || int(a) >= len(actionNames) {
		return strconv.Itoa(int(a))
	}
	return actionNames[a]
}

var nackActions = [...]onhookpb.NackRequest_Action{
	ActionRetry:   onhookpb.NackRequest_ACTION_RETRY,
	ActionPark:    onhookpb.NackRequest_ACTION_PARK,
	ActionSkip:    onhookpb.NackRequest_ACTION_SKIP,
	ActionRelease: onhookpb.NackRequest_ACTION_RELEASE,
}

// Settlement is what the gateway is told of one delivery.
type Settlement struct {
	Action Action
	// Delay is when a retried event comes again; nil: after the gateway's backoff.
	Delay *time.Duration
	// Reason is shown in timelines and with dead letters: no personal data. Its first 1,024 characters
	// count.
	Reason string
}

func (s Settlement) saysAs(other Settlement) bool {
	if s.Action != other.Action || s.Reason != other.Reason {
		return false
	}
	if s.Delay == nil || other.Delay == nil {
		return s.Delay == other.Delay
	}
	return *s.Delay == *other.Delay
}

// settlementError is how a handler asks for what is neither an acknowledgement nor a mere failure.
type settlementError struct {
	action Action
	delay  *time.Duration
	cause  error
}

func (e *settlementError) Error() string {
	if e.cause == nil {
		return e.action.String()
	}
	return e.cause.Error()
}

func (e *settlementError) Unwrap() error { return e.cause }

// RetryAfter makes the error with which a handler has its event come again after delay (up to 1 h),
// where any other error has it come again after the gateway's backoff.
func RetryAfter(delay time.Duration, cause error) error {
	return &settlementError{action: ActionRetry, delay: &delay, cause: cause}
}

// Park makes the error with which a handler puts its event among the dead letters: what can never
// succeed. The cause's words are the reason that is shown there.
func Park(cause error) error { return &settlementError{action: ActionPark, cause: cause} }

// Skip makes the error with which a handler settles its event as not processed.
func Skip(cause error) error { return &settlementError{action: ActionSkip, cause: cause} }

// Release makes the error with which a handler gives its event to another consumer at once; it counts
// as no attempt.
func Release(cause error) error { return &settlementError{action: ActionRelease, cause: cause} }

// SettlementOf tells what becomes of an event whose handler returned err: nil acknowledges; what
// [RetryAfter], [Park], [Skip] or [Release] made, wrapped or not, does what it says; any other error
// is a retry after the gateway's backoff. The error's text is the reason.
func SettlementOf(err error) Settlement {
	if err == nil {
		return Settlement{Action: ActionAck}
	}
	settlement := Settlement{Action: ActionRetry, Reason: err.Error()}
	var asked *settlementError
	if errors.As(err, &asked) {
		settlement.Action, settlement.Delay = asked.action, asked.delay
		if asked.cause == nil && err == error(asked) {
			settlement.Reason = ""
		}
	}
	return settlement
}
