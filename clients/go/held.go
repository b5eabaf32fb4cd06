package onhook

import (
	"slices"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// heldEvent is an event that waits here or is being handled. An event that comes again meanwhile is
// not handled a second time: the newest delivery takes the place of the one before. All guarded by
// the subscription's mutex.
type heldEvent struct {
	subscription *subscription
	eventID      string
	stream       *stream // of the newest delivery, as deliveryID and lease are
	deliveryID   string
	lease        lease
	message      *onhookpb.Delivery // until it is handed over
	delivery     *Delivery          // since then
	waits        bool
	// acked: it stays here until that is confirmed, and is not handled again meanwhile.
	acked   bool
	skipped bool // it came again since
}

// comesAgainUnasked tells whether a delivery of what was acknowledged here, without an answer yet, is
// but an attempt that crossed with that. By a Seek, say, somebody wants it handled again.
func comesAgainUnasked(message *onhookpb.Delivery) bool {
	switch message.GetRedeliveryReason() {
	case onhookpb.Delivery_REDELIVERY_REASON_STREAM_LOST, onhookpb.Delivery_REDELIVERY_REASON_DEADLINE_EXPIRED,
		onhookpb.Delivery_REDELIVERY_REASON_NACKED, onhookpb.Delivery_REDELIVERY_REASON_RELEASED:
		return true
	default:
		return false
	}
}

// heldEvents are all of one subscription.
type heldEvents struct {
	places  map[string]*heldEvent
	waiting []*heldEvent
	first   int // of waiting
}

func (h *heldEvents) countWaiting() int { return len(h.waiting) - h.first }

// next hands over what has waited longest; nil: nothing waits.
func (h *heldEvents) next() *heldEvent {
	if h.first == len(h.waiting) {
		return nil
	}
	held := h.waiting[h.first]
	h.waiting[h.first] = nil
	h.first++
	if h.first == len(h.waiting) {
		h.waiting, h.first = h.waiting[:0], 0
	}
	held.waits = false
	return held
}

// add has a new event wait.
func (h *heldEvents) add(held *heldEvent) {
	held.waits = true
	h.places[held.eventID] = held
	h.waiting = append(h.waiting, held)
}

// end forgets an event. The event may be here again already, as another.
func (h *heldEvents) end(held *heldEvent) {
	if h.places[held.eventID] == held {
		delete(h.places, held.eventID)
	}
}

// takeWaiting ends what waits and is wanted, and returns it.
func (h *heldEvents) takeWaiting(wanted func(*heldEvent) bool) []*heldEvent {
	var taken []*heldEvent
	h.waiting = slices.DeleteFunc(h.waiting[h.first:], func(held *heldEvent) bool {
		if !wanted(held) {
			return false
		}
		h.end(held)
		taken = append(taken, held)
		return true
	})
	h.first = 0
	return taken
}

const (
	// As the proto has it. A delivery whose time is nearly over is extended by more than it had.
	shortestAckDeadline = time.Second
	// Whatever is due so soon goes along: deliveries that came together make one request, and there are
	// no more than so many requests in a second. Short against half of any deadline.
	leaseGathering = 100 * time.Millisecond
)

// lease is until when, and how often, a held event's deadline is extended; zero: not at all.
type lease struct {
	deadline time.Duration
	due      time.Time
	last     time.Time
}

func newLease(message *onhookpb.Delivery, longest time.Duration, now time.Time) lease {
	if message.GetAckDeadline() == nil || longest <= 0 {
		return lease{}
	}
	left := message.GetAckDeadline().AsDuration()
	made := lease{max(left, shortestAckDeadline), now.Add(left / 2), now.Add(longest)}
	return made.unlessOver()
}

func (l lease) runs() bool { return !l.due.IsZero() }

func (l lease) unlessOver() lease {
	if l.due.After(l.last) {
		return lease{}
	}
	return l
}

// renewed is it after an extension that was sent now.
func (l lease) renewed(now time.Time) lease {
	l.due = now.Add(l.deadline / 2)
	return l.unlessOver()
}

// lengthened is it after an extension to a deadline that somebody chose. The next one by itself would
// set the usual deadline, and must not shorten that.
func (l lease) lengthened(deadline time.Duration, now time.Time) lease {
	if !l.runs() {
		return l
	}
	l.due = now.Add(max(deadline/2, deadline-l.deadline/2))
	return l.unlessOver()
}
