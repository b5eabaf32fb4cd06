package onhooktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"onhook.dev/onhook/onhookpb"
)

// watch is one Watch call. All but the channels is guarded by the gateway's mutex.
type watch struct {
	silent   bool
	filter   *onhookpb.EventFilter
	goAway   *onhookpb.GoAway // to be sent
	position int              // the sequence that it is behind
	wake     chan struct{}
	end      chan error // holds one
}

func (w *watch) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) finish(err error) {
	select {
	case w.end <- err:
	default: // it ends already
	}
}

func (w *watch) goAwayLocked(reason onhookpb.GoAway_Reason) {
	w.goAway = &onhookpb.GoAway{Reason: reason}
	w.wakeUp()
}

func (s *service) Watch(request *onhookpb.WatchRequest, rpc onhookpb.ReleaseEventService_WatchServer) error {
	g := s.gateway
	w, err := g.beginWatch(request)
	if err != nil {
		return err
	}
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.watches = slices.DeleteFunc(g.watches, func(other *watch) bool { return other == w })
	}()
	begun := false
	for {
		response, goingAway := g.nextOfWatch(w, !begun)
		begun = true
		if response != nil {
			if err := rpc.Send(response); err != nil {
				return err
			}
			if goingAway {
				return status.Error(codes.Unavailable, "the stream goes away")
			}
			continue
		}
		if request.GetStopAtEnd() {
			return nil
		}
		select {
		case <-w.wake:
		case <-time.After(g.heartbeatInterval):
			begun = false // a heartbeat
		case err := <-w.end:
			return err
		case <-rpc.Context().Done():
			return rpc.Context().Err()
		}
	}
}

func (g *Gateway) beginWatch(request *onhookpb.WatchRequest) (*watch, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, g.refusal
	}
	w := &watch{
		filter:   request.GetFilter(),
		position: g.kept + len(g.events),
		wake:     make(chan struct{}, 1),
		end:      make(chan error, 1),
	}
	switch start := request.GetStart().(type) {
	case *onhookpb.WatchRequest_Position:
		if start.Position == onhookpb.StartPosition_START_POSITION_EARLIEST {
			w.position = g.kept
		}
	case *onhookpb.WatchRequest_AfterCursor:
		position, err := sequenceOf(start.AfterCursor)
		if err != nil {
			return nil, status.Error(codes.InvalidArgument, err.Error())
		}
		w.position = position
	case *onhookpb.WatchRequest_SinceTime:
		w.position = g.kept + slices.IndexFunc(append(g.events, nil), func(e *onhookpb.ReleaseEvent) bool {
			return e == nil || !e.GetReceivedAt().AsTime().Before(start.SinceTime.AsTime())
		})
	}
	if w.position < g.kept {
		return nil, g.gapLocked(w.position)
	}
	g.watches = append(g.watches, w)
	return w, nil
}

func (g *Gateway) gapLocked(position int) error {
	gap, err := status.New(codes.OutOfRange, "these events are no longer kept").WithDetails(
		&errdetails.ErrorInfo{
			Reason: "EVENTS_LOST", Domain: "onhook",
			Metadata: map[string]string{
				"oldest_cursor": cursorOf(g.kept), "events_lost": strconv.Itoa(g.kept - position),
			},
		})
	if err != nil {
		return err
	}
	return gap.Err()
}

// nextOfWatch is what is to be sent now; nil: nothing.
func (g *Gateway) nextOfWatch(w *watch, heartbeat bool) (response *onhookpb.WatchResponse, goingAway bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if w.silent {
		return nil, false
	}
	if heartbeat {
		return &onhookpb.WatchResponse{Response: &onhookpb.WatchResponse_Heartbeat{
			Heartbeat: &onhookpb.Heartbeat{
				Cursor: cursorOf(w.position), Interval: durationpb.New(g.heartbeatInterval),
			},
		}}, false
	}
	var events []*onhookpb.WatchedEvent
	for ; w.position < g.kept+len(g.events); w.position++ {
		if event := g.events[w.position-g.kept]; wants(w.filter, event) {
			events = append(events, &onhookpb.WatchedEvent{Event: event, Cursor: cursorOf(w.position + 1)})
		}
	}
	if len(events) > 0 {
		return &onhookpb.WatchResponse{Response: &onhookpb.WatchResponse_Events{
			Events: &onhookpb.WatchEvents{Events: events},
		}}, false
	}
	if w.goAway != nil {
		return &onhookpb.WatchResponse{Response: &onhookpb.WatchResponse_GoAway{GoAway: w.goAway}}, true
	}
	return nil, false
}

func wants(filter *onhookpb.EventFilter, event *onhookpb.ReleaseEvent) bool {
	matches := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	return matches(filter.GetSources(), event.GetSource()) &&
		matches(filter.GetServiceNos(), event.GetServiceNo()) &&
		matches(filter.GetReleaseReasonCodes(), event.GetReleaseReasonCode())
}

func sequenceOf(cursor string) (int, error) {
	digits, found := strings.CutPrefix(cursor, "c-")
	if !found {
		return 0, errors.New("a cursor of another gateway")
	}
	return strconv.Atoi(digits)
}

func (s *service) GetEvent(_ context.Context, request *onhookpb.GetEventRequest) (
	*onhookpb.GetEventResponse, error) {
	g := s.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, g.refusal
	}
	for i, event := range g.events {
		if event.GetEventId() == request.GetEventId() {
			return &onhookpb.GetEventResponse{StoredEvent: g.storedLocked(i)}, nil
		}
	}
	return nil, status.Errorf(codes.NotFound, "no event %q", request.GetEventId())
}

func (g *Gateway) storedLocked(index int) *onhookpb.StoredEvent {
	event := g.events[index]
	stored := &onhookpb.StoredEvent{
		Event: event, Cursor: cursorOf(g.kept + index + 1), StoredAt: event.GetReceivedAt(),
	}
	for name, subscription := range g.subscriptions {
		state := onhookpb.SubscriptionTimeline_STATE_ACKED
		for _, entry := range subscription.entries {
			if entry.event == event {
				state = onhookpb.SubscriptionTimeline_STATE_PENDING
			}
		}
		stored.Timelines = append(stored.Timelines,
			&onhookpb.SubscriptionTimeline{Subscription: name, State: state})
	}
	return stored
}

func (s *service) ListEvents(_ context.Context, request *onhookpb.ListEventsRequest) (
	*onhookpb.ListEventsResponse, error) {
	g := s.gateway
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, g.refusal
	}
	size, from := int(request.GetPageSize()), 0
	if size == 0 {
		size = 100
	}
	if token := request.GetPageToken(); token != "" {
		if _, err := fmt.Sscanf(token, "p-%d", &from); err != nil {
			return nil, status.Error(codes.InvalidArgument, "a foreign page token")
		}
	}
	response := &onhookpb.ListEventsResponse{}
	for i, event := range g.events {
		if i < from || request.GetCallSerialNo() != "" && event.GetCallSerialNo() != request.GetCallSerialNo() {
			continue
		}
		if len(response.StoredEvents) == size {
			response.NextPageToken = fmt.Sprintf("p-%d", i)
			break
		}
		response.StoredEvents = append(response.StoredEvents, g.storedLocked(i))
	}
	return response, nil
}
