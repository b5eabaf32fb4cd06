package onhook

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"onhook.dev/onhook/onhookpb"
)

// WatchOption sets up a [Watch].
type WatchOption interface{ applyWatch(*watchOptions) }

type watchOptions struct {
	request *onhookpb.WatchRequest
	onState func(StateChange)
}

type watchOption func(*watchOptions)

func (f watchOption) applyWatch(options *watchOptions) { f(options) }

// FromEarliest begins with the oldest event kept.
func FromEarliest() WatchOption { return from(onhookpb.StartPosition_START_POSITION_EARLIEST) }

// FromLatest begins with the next event stored, as a watch does by itself.
func FromLatest() WatchOption { return from(onhookpb.StartPosition_START_POSITION_LATEST) }

func from(position onhookpb.StartPosition) WatchOption {
	return watchOption(func(o *watchOptions) {
		o.request.Start = &onhookpb.WatchRequest_Position{Position: position}
	})
}

// After begins behind the event with this cursor.
func After(cursor string) WatchOption {
	return watchOption(func(o *watchOptions) {
		o.request.Start = &onhookpb.WatchRequest_AfterCursor{AfterCursor: cursor}
	})
}

// Since begins with the first event received at or after this time.
func Since(t time.Time) WatchOption {
	return watchOption(func(o *watchOptions) {
		o.request.Start = &onhookpb.WatchRequest_SinceTime{SinceTime: timestamppb.New(t)}
	})
}

// StopAtEnd ends the watch when everything stored by then was handed over.
func StopAtEnd() WatchOption {
	return watchOption(func(o *watchOptions) { o.request.StopAtEnd = true })
}

// ObserveOnly has the watch not count as a receiver. Without it the vendor may be told success on its
// account.
func ObserveOnly() WatchOption {
	return watchOption(func(o *watchOptions) { o.request.ObserveOnly = true })
}

// WithFilter is which events to watch.
func WithFilter(filter EventFilter) WatchOption {
	return watchOption(func(o *watchOptions) { o.request.Filter = filter.proto() })
}

// WatchedEvent is an event and its place.
type WatchedEvent struct {
	Event *ReleaseEvent
	// Cursor is what to keep, for [After] in another process.
	Cursor string

	message *onhookpb.WatchedEvent
}

// Proto is the message as it came.
func (e *WatchedEvent) Proto() *onhookpb.WatchedEvent { return e.message }

// Watch reads the log in order, from a place that the reader keeps; nothing is acknowledged. After a
// lost connection it goes on behind the last event handed over, without a gap or a repeat. Next and
// All are for one goroutine at a time; the other methods may be called by any.
type Watch struct {
	client   *Client
	options  watchOptions
	waits    *backoff
	ends     *streamEnds
	ctx      context.Context
	stop     context.CancelFunc
	stream   *watchStream // nil: to be opened
	buffered []*onhookpb.WatchedEvent
	err      error // what ended it

	mu     sync.Mutex
	cursor string
}

type watchStream struct {
	*connection
	rpc    onhookpb.ReleaseEventService_WatchClient
	cancel context.CancelFunc
	opened time.Time
	end    streamEnd
	goAway bool
	// What the gateway said of its heartbeats.
	interval time.Duration
}

// Watch makes a watch, by default of what comes from now on. Nothing is asked before Next. When ctx is
// done it stops, as by [Watch.Stop].
func (c *Client) Watch(ctx context.Context, options ...WatchOption) *Watch {
	w := &Watch{
		client:  c,
		options: watchOptions{request: &onhookpb.WatchRequest{}},
		waits:   newBackoff(c.options),
		ends:    newStreamEnds(c.options),
	}
	for _, option := range options {
		option.applyWatch(&w.options)
	}
	w.ctx, w.stop = context.WithCancel(ctx)
	return w
}

// Cursor is the place to go on from: behind the last event that was handed over. Empty before the
// gateway's first answer.
func (w *Watch) Cursor() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursor
}

func (w *Watch) advance(cursor string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cursor != "" {
		w.cursor = cursor
	}
}

// Stop ends the watch: Next returns ErrStopped. It does not block.
func (w *Watch) Stop() { w.stop() }

// Next waits for an event. It returns io.EOF at the end that [StopAtEnd] asks for; ErrStopped after
// Stop; a [GapError] if what comes next is no longer kept; the [Error] that repeating cannot mend; or
// ctx's error, after which Next may be called again.
func (w *Watch) Next(ctx context.Context) (*WatchedEvent, error) {
	for w.err == nil {
		if w.ctx.Err() != nil {
			return nil, w.finish(nil, ErrStopped)
		}
		if len(w.buffered) > 0 {
			message := w.buffered[0]
			w.buffered = w.buffered[1:]
			w.advance(message.GetCursor())
			return &WatchedEvent{NewReleaseEvent(message.GetEvent()), message.GetCursor(), message}, nil
		}
		if err := w.receive(ctx); err != nil {
			return nil, err
		}
	}
	return nil, w.err
}

// All ranges over events until the watch is stopped or at its end, or until an error, which is its
// last: as Next has it.
func (w *Watch) All(ctx context.Context) iter.Seq2[*WatchedEvent, error] {
	return func(yield func(*WatchedEvent, error) bool) {
		for {
			event, err := w.Next(ctx)
			if errors.Is(err, ErrStopped) || errors.Is(err, io.EOF) {
				return
			}
			if !yield(event, err) || err != nil {
				return
			}
		}
	}
}

func (w *Watch) tell(change StateChange) {
	if w.options.onState != nil {
		w.options.onState(change)
	}
}

// finish ends the watch with what Next returns from now on.
func (w *Watch) finish(told, err error) error {
	w.err = err
	w.stop()
	w.closeStream()
	w.tell(StateChange{State: StateStopped, Err: told})
	return err
}

func (w *Watch) closeStream() {
	if w.stream == nil {
		return
	}
	w.stream.cancel()
	w.stream.release()
	w.stream = nil
}
