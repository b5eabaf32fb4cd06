package main

import (
	"encoding/base64"
	"errors"
	"sort"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/proto"

	"onhook.dev/onhook"
)

func codeOf(err error) any {
	var said *onhook.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return code.Code(said.Code).String()
	case errors.Is(err, onhook.ErrStale):
		return code.Code_ABORTED.String()
	case errors.Is(err, onhook.ErrUnknownDelivery):
		return code.Code_NOT_FOUND.String()
	case errors.Is(err, onhook.ErrUnconfirmed):
		return code.Code_UNAVAILABLE.String()
	default:
		return code.Code_UNKNOWN.String()
	}
}

func outcome(err error) members {
	what := members{"ok": err == nil, "code": codeOf(err)}
	if err == nil {
		return what
	}
	what["message"] = err.Error()
	var said *onhook.Error
	if errors.As(err, &said) {
		what["reason"] = said.Reason
	}
	var gap *onhook.GapError
	if errors.As(err, &gap) {
		what["gap"] = members{"oldest_cursor": gap.OldestCursor, "events_lost": gap.EventsLost}
	}
	return what
}

func answered(number int, err error) members {
	return members{"number": number, "ok": err == nil, "code": codeOf(err)}
}

func stateReport(change onhook.StateChange) members {
	what := members{"state": change.State.String()}
	if change.Err != nil {
		what["code"], what["message"] = codeOf(change.Err), change.Err.Error()
	}
	return what
}

func serialised(event *onhook.ReleaseEvent) string {
	bytes, err := proto.Marshal(event.Proto())
	if err != nil {
		fatal(err)
	}
	return base64.StdEncoding.EncodeToString(bytes)
}

func native(event *onhook.ReleaseEvent) members {
	what := members{
		"call_serial_no":   event.CallSerialNo,
		"called":           event.Called,
		"call_data":        event.CallData,
		"release_time":     nil,
		"talk_duration_ms": nil,
		"release_reason":   nil,
		"extra":            event.Extra,
		"unset":            unset(event),
	}
	if event.Extra == nil {
		what["extra"] = members{}
	}
	if !event.ReleaseTime.IsZero() {
		what["release_time"] = event.ReleaseTime.UTC().Format("2006-01-02T15:04:05.000Z07:00")
	}
	if event.TalkDuration != nil {
		what["talk_duration_ms"] = int64(*event.TalkDuration / time.Millisecond)
	}
	if event.ReleaseReason != onhook.ReleaseReasonUnspecified {
		what["release_reason"] = event.ReleaseReason.String()
	}
	return what
}

func unset(event *onhook.ReleaseEvent) []string {
	texts := map[string]*string{
		"call_serial_no":      event.CallSerialNo,
		"service_no":          event.ServiceNo,
		"called":              event.Called,
		"caller":              event.Caller,
		"caller_present":      event.CallerPresent,
		"call_data":           event.CallData,
		"recordfile":          event.Recordfile,
		"location_id":         event.LocationID,
		"release_reason_code": event.ReleaseReasonCode,
	}
	names := []string{}
	for name, text := range texts {
		if text == nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}
