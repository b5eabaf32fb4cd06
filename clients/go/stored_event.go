package onhook

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"onhook.dev/onhook/onhookpb"
)

// StoredEvent is an event as the gateway keeps it.
type StoredEvent struct {
	Event *ReleaseEvent
	// Cursor is its place in the log, as [After] takes it.
	Cursor string
	// StoredAt is when it was durable, by the gateway's clock.
	StoredAt time.Time
	// Timelines tell what became of it, by subscription. A listing by time alone has none.
	Timelines []Timeline
	// RawBody is the callback's body as received; nil unless the gateway keeps it and this client may
	// see numbers.
	RawBody []byte

	message *onhookpb.StoredEvent
}

// Proto is the message as it came.
func (e *StoredEvent) Proto() *onhookpb.StoredEvent { return e.message }

// Timeline is what became of an event in one subscription.
type Timeline struct {
	Subscription string
	State        EventState
	// Entries are in order, the oldest first.
	Entries []TimelineEntry
}

// TimelineEntry is one thing that happened to an event.
type TimelineEntry struct {
	Kind TimelineKind
	Time time.Time
	// ConsumerName is of the consumer that did it; empty if it named none or none did.
	ConsumerName string
	// Attempt is the number of the attempt; 0: it has none.
	Attempt int
	Reason  string
}

func newStoredEvent(message *onhookpb.StoredEvent) *StoredEvent {
	stored := &StoredEvent{
		Event:    NewReleaseEvent(message.GetEvent()),
		Cursor:   message.GetCursor(),
		StoredAt: nativeTime(message.GetStoredAt()),
		RawBody:  message.GetRawBody(),
		message:  message,
	}
	for _, timeline := range message.GetTimelines() {
		native := Timeline{Subscription: timeline.GetSubscription(), State: EventState(timeline.GetState())}
		for _, entry := range timeline.GetEntries() {
			native.Entries = append(native.Entries, TimelineEntry{
				Kind:         TimelineKind(entry.GetKind()),
				Time:         nativeTime(entry.GetTime()),
				ConsumerName: entry.GetConsumerName(),
				Attempt:      int(entry.GetAttempt()),
				Reason:       entry.GetReason(),
			})
		}
		stored.Timelines = append(stored.Timelines, native)
	}
	return stored
}

// EventQuery is which events a listing gives. What is zero does not bound; a call or a time has to be
// given.
type EventQuery struct {
	CallSerialNo string
	Source       string
	// ReceivedFrom is included, ReceivedBefore is not.
	ReceivedFrom   time.Time
	ReceivedBefore time.Time
	// PageSize is how many are asked for at once: 1 to 1,000, 100 by default.
	PageSize int
}

// EventList lists stored events, the oldest first.
type EventList struct {
	client  *Client
	query   EventQuery
	corrupt atomic.Int64
}

// ListEvents makes a listing. Nothing is asked before All.
func (c *Client) ListEvents(query EventQuery) *EventList { return &EventList{client: c, query: query} }

// All ranges over the events, page after page. An error is the last that it gives.
func (l *EventList) All(ctx context.Context) iter.Seq2[*StoredEvent, error] {
	return func(yield func(*StoredEvent, error) bool) {
		request := &onhookpb.ListEventsRequest{
			CallSerialNo:   l.query.CallSerialNo,
			Source:         l.query.Source,
			ReceivedFrom:   timestampUnlessZero(l.query.ReceivedFrom),
			ReceivedBefore: timestampUnlessZero(l.query.ReceivedBefore),
			PageSize:       int32Of(l.query.PageSize),
		}
		l.corrupt.Store(0)
		for {
			page, err := l.page(ctx, request)
			if err != nil {
				yield(nil, err)
				return
			}
			l.corrupt.Add(int64(page.GetCorruptEvents()))
			for _, stored := range page.GetStoredEvents() {
				if !yield(newStoredEvent(stored), nil) {
					return
				}
			}
			if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

// CorruptEvents is how many events belong to the pages seen so far and were left out, because their
// stored bytes do not fit their checksum.
func (l *EventList) CorruptEvents() int64 { return l.corrupt.Load() }

func (l *EventList) page(ctx context.Context, request *onhookpb.ListEventsRequest) (
	*onhookpb.ListEventsResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, l.client.options.lookupTimeout)
	defer cancel()
	return l.client.events().ListEvents(ctx, request)
}

func timestampUnlessZero(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
