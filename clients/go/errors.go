package onhook

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Errors to compare with by errors.Is. Those of the first group match every [Error] of their code.
var (
	ErrNotFound           = errors.New("onhook: not found")
	ErrInvalidArgument    = errors.New("onhook: invalid argument")
	ErrFailedPrecondition = errors.New("onhook: failed precondition")
	ErrPermissionDenied   = errors.New("onhook: permission denied")
	ErrUnauthenticated    = errors.New("onhook: unauthenticated")
	ErrUnavailable        = errors.New("onhook: unavailable")
	ErrOutOfRange         = errors.New("onhook: out of range")
	ErrUnimplemented      = errors.New("onhook: unimplemented")
	ErrDeadlineExceeded   = errors.New("onhook: deadline exceeded")

	// ErrStopped is what a Next returns once its stream or watch was stopped.
	ErrStopped = errors.New("onhook: stopped")
	// ErrAlreadySettled is the result of a settlement of what was settled before.
	ErrAlreadySettled = errors.New("onhook: the delivery is settled already")
	// ErrStale is the result of a retry, park, skip, release or extension when a later attempt
	// exists, or the event is settled. No acknowledgement is ever stale.
	ErrStale = errors.New("onhook: a later attempt exists, or the event is settled already")
	// ErrUnknownDelivery is the result of a settlement of what the gateway does not know (any more):
	// after a Seek, say.
	ErrUnknownDelivery = errors.New("onhook: the gateway does not know this delivery")
	// ErrUnconfirmed is the result of a settlement to which no answer came: its event comes again,
	// unless the gateway has done as asked all the same.
	ErrUnconfirmed = errors.New("onhook: not confirmed by the gateway")
	// ErrGraceOver is the cause (see [context.Cause]) with which the context of a handler ends that
	// still runs when the grace of a stop is over.
	ErrGraceOver = errors.New("onhook: the grace of the stop is over")
)

var codeSentinels = map[codes.Code]error{
	codes.NotFound:           ErrNotFound,
	codes.InvalidArgument:    ErrInvalidArgument,
	codes.FailedPrecondition: ErrFailedPrecondition,
	codes.PermissionDenied:   ErrPermissionDenied,
	codes.Unauthenticated:    ErrUnauthenticated,
	codes.Unavailable:        ErrUnavailable,
	codes.OutOfRange:         ErrOutOfRange,
	codes.Unimplemented:      ErrUnimplemented,
	codes.DeadlineExceeded:   ErrDeadlineExceeded,
}

// Error is what the gateway, or this library in its place, says of a call that failed.
type Error struct {
	// Code is the gRPC code.
	Code codes.Code
	// Message is for people.
	Message string
	// Reason is one word in capitals for programs to compare, for instance GOING_AWAY; empty if none
	// was given.
	Reason string
	// Metadata holds the details of the reason, for instance the permission that is lacking.
	Metadata map[string]string

	cause error
}

// Error gives code, message and reason.
func (e *Error) Error() string {
	text := fmt.Sprintf("onhook: %s: %s", e.Code, e.Message)
	if e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	return text
}

// Is tells whether target is the error of this package for the same code.
func (e *Error) Is(target error) bool {
	sentinel, found := codeSentinels[e.Code]
	return found && sentinel == target
}

// Unwrap returns what the error was made from, if there is that.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus makes status.Code and status.FromError work.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// GapError ends a watch whose next events the gateway no longer keeps. It is an [Error] with the code
// OUT_OF_RANGE. To go on in spite of the gap, watch after OldestCursor.
type GapError struct {
	Err *Error
	// OldestCursor is the place behind which the oldest events lie that are still there.
	OldestCursor string
	// EventsLost is how many lie in the gap.
	EventsLost int64
}

// Error tells the size of the gap.
func (e *GapError) Error() string {
	return fmt.Sprintf("%s; %d events lost", e.Err.Error(), e.EventsLost)
}

// Unwrap returns the gateway's error.
func (e *GapError) Unwrap() error { return e.Err }

// UnconfirmedError is returned by a stop that left acknowledgements without an answer. It matches
// [ErrUnconfirmed].
type UnconfirmedError struct {
	// Acknowledgements is how many there are; their events may come again.
	Acknowledgements int
}

// Error tells how many there are.
func (e *UnconfirmedError) Error() string {
	return fmt.Sprintf("onhook: %d acknowledgement(s) not confirmed; their events may come again",
		e.Acknowledgements)
}

// Is makes it an ErrUnconfirmed.
func (e *UnconfirmedError) Is(target error) bool { return target == ErrUnconfirmed }

// fromGRPC keeps what the gateway said. Contexts that ended stay what they are to errors.Is.
func fromGRPC(err error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	said := status.Convert(err)
	made := &Error{Code: said.Code(), Message: said.Message(), cause: err}
	for _, detail := range said.Details() {
		if info, isInfo := detail.(*errdetails.ErrorInfo); isInfo {
			made.Reason, made.Metadata = info.GetReason(), info.GetMetadata()
		}
	}
	switch made.Code {
	case codes.Canceled:
		made.cause = context.Canceled
	case codes.DeadlineExceeded:
		made.cause = context.DeadlineExceeded
	}
	return made
}

// withGap makes a GapError of an OUT_OF_RANGE that says how large the gap is.
func withGap(err error) error {
	var said *Error
	if !errors.As(err, &said) || said.Code != codes.OutOfRange {
		return err
	}
	lost, parseErr := strconv.ParseInt(said.Metadata["events_lost"], 10, 64)
	if parseErr != nil {
		return err
	}
	return &GapError{Err: said, OldestCursor: said.Metadata["oldest_cursor"], EventsLost: lost}
}

// isFinal tells whether repeating cannot help. UNAUTHENTICATED has a rule of its own; see streamEnds.
func isFinal(code codes.Code) bool {
	switch code {
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.PermissionDenied,
		codes.Unauthenticated, codes.Unimplemented, codes.OutOfRange:
		return true
	default:
		return false
	}
}

// optionError is of options that cannot be used, as the gateway would say it.
func optionError(reason, format string, arguments ...any) *Error {
	err := fmt.Errorf(format, arguments...)
	return &Error{Code: codes.FailedPrecondition, Reason: reason, Message: err.Error(),
		cause: errors.Unwrap(err)}
}

func unavailable(format string, arguments ...any) *Error {
	return &Error{Code: codes.Unavailable, Message: fmt.Sprintf(format, arguments...)}
}

// firstCharacters cuts text, never within a character, to what the gateway takes of a reason.
func firstCharacters(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	seen := 0
	for at := range text {
		if seen == most {
			return text[:at]
		}
		seen++
	}
	return text
}
