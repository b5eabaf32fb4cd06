package onhook

import (
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

// backoff decides how long to wait before the next stream: initial, then twice as long each time up
// to maximum, each wait shortened at random by up to half, so that many clients do not come back at
// once.
type backoff struct {
	initial, maximum, next time.Duration
}

func newBackoff(options *clientOptions) *backoff {
	return &backoff{options.backoffInitial, options.backoffMaximum, options.backoffInitial}
}

// note has a stream that was well start the count anew, and tells whether it was.
func (b *backoff) note(end streamEnd) bool {
	if !end.brought && end.lived <= b.maximum {
		return false
	}
	b.next = b.initial
	return true
}

// after is the wait after a stream.
func (b *backoff) after(end streamEnd) time.Duration {
	b.note(end)
	longest := b.next
	b.next = min(2*b.next, b.maximum)
	return time.Duration(float64(longest) * (0.5 + rand.Float64()/2))
}

// streamEnd is how one stream of a subscription or of a watch ended.
type streamEnd struct {
	err error // nil: it goes away as planned
	// opened tells that the gateway's first message came.
	opened bool
	// brought tells that an event or an answer came.
	brought bool
	// lived is for how long it was open.
	lived time.Duration
}

// streamEnds decides whether another stream is to be opened.
//
// UNAUTHENTICATED is special: who was let in before may just have files that change later than the
// gateway's, and is tried again for a while. Who never was is simply wrong.
type streamEnds struct {
	patience  time.Duration
	wasLetIn  bool
	refusedAt time.Time // the first time since it was let in
}

func newStreamEnds(options *clientOptions) *streamEnds {
	if options.certificateFile == "" && options.tokenFile == "" {
		return &streamEnds{}
	}
	return &streamEnds{patience: options.rotationPatience}
}

// isFinal tells it of one end, at its time; it is to be asked once about each.
func (e *streamEnds) isFinal(end streamEnd, now time.Time) bool {
	if end.opened {
		e.wasLetIn, e.refusedAt = true, time.Time{}
	}
	var said *Error
	if end.err == nil || !errors.As(end.err, &said) || !isFinal(said.Code) {
		return false
	}
	if said.Code != codes.Unauthenticated || !e.wasLetIn {
		return true
	}
	if e.refusedAt.IsZero() {
		e.refusedAt = now
	}
	return now.Sub(e.refusedAt) >= e.patience
}
