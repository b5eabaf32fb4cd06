package onhooktest

import (
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
)

const defaultAckDeadline = 30 * time.Second

// subscription is what the gateway owes under one name. All guarded by the gateway's mutex.
type subscription struct {
	gateway    *Gateway
	name       string
	filter     *onhookpb.EventFilter
	entries    []*owed // what is owed, in order
	deliveries map[string]*owed
	count      int
	turn       int // whose turn it is among the streams
}

// owed is one event that is owed.
type owed struct {
	event      *onhookpb.ReleaseEvent
	sequence   int
	attempt    int // of the newest delivery
	deliveryID string
	reason     onhookpb.Delivery_RedeliveryReason
	retried    bool    // the next delivery is another attempt
	stream     *stream // that holds it; nil: none
	resting    bool    // until a timer is over
	settled    bool
	timer      *time.Timer
}

func cursorOf(sequence int) string { return fmt.Sprintf("c-%d", sequence) }

func (s *subscription) oweLocked(event *onhookpb.ReleaseEvent, sequence int,
	reason onhookpb.Delivery_RedeliveryReason) {
	if wants(s.filter, event) {
		s.entries = append(s.entries, &owed{event: event, sequence: sequence, reason: reason})
	}
}

// dispatchLocked hands out what is owed to those who have room for it.
func (s *subscription) dispatchLocked() {
	batches := map[*stream][]*onhookpb.Delivery{}
	for _, entry := range s.entries {
		if entry.stream != nil || entry.resting || entry.settled {
			continue
		}
		stream := s.nextStreamLocked()
		if stream == nil {
			break
		}
		batches[stream] = append(batches[stream], s.handOutLocked(entry, stream))
	}
	for stream, deliveries := range batches {
		stream.sendLocked(&onhookpb.SubscribeResponse{Response: &onhookpb.SubscribeResponse_Deliveries{
			Deliveries: &onhookpb.Deliveries{Deliveries: deliveries},
		}})
	}
}

func (s *subscription) nextStreamLocked() *stream {
	var ready []*stream
	for _, stream := range s.gateway.streams {
		if stream.subscription == s && stream.hasRoomLocked() {
			ready = append(ready, stream)
		}
	}
	if len(ready) == 0 {
		return nil
	}
	s.turn++
	return ready[s.turn%len(ready)]
}

func (s *subscription) handOutLocked(entry *owed, stream *stream) *onhookpb.Delivery {
	if entry.attempt == 0 || entry.retried {
		entry.attempt++
	}
	s.count++
	entry.retried = false
	entry.stream = stream
	entry.deliveryID = fmt.Sprintf("%s-%d-%d", s.name, entry.sequence, s.count)
	s.deliveries[entry.deliveryID] = entry
	stream.outstanding++
	s.expectLocked(entry, stream.ackDeadline)
	return &onhookpb.Delivery{
		DeliveryId:       entry.deliveryID,
		Event:            entry.event,
		Cursor:           cursorOf(entry.sequence),
		Attempt:          int32(entry.attempt),
		RedeliveryReason: entry.reason,
		AckDeadline:      durationpb.New(stream.ackDeadline),
	}
}

// expectLocked has the delivery fail after its deadline.
func (s *subscription) expectLocked(entry *owed, deadline time.Duration) {
	if entry.timer != nil {
		entry.timer.Stop()
	}
	deliveryID := entry.deliveryID
	entry.timer = time.AfterFunc(deadline, func() {
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		if entry.deliveryID == deliveryID && entry.stream != nil {
			entry.retried = true
			s.giveBackLocked(entry, onhookpb.Delivery_REDELIVERY_REASON_DEADLINE_EXPIRED, 0)
		}
	})
}

// giveBackLocked has an event delivered again after a rest.
func (s *subscription) giveBackLocked(entry *owed, reason onhookpb.Delivery_RedeliveryReason,
	rest time.Duration) {
	s.takeLocked(entry)
	entry.reason = reason
	if rest <= 0 {
		s.dispatchLocked()
		return
	}
	entry.resting = true
	entry.timer = time.AfterFunc(rest, func() {
		s.gateway.mu.Lock()
		defer s.gateway.mu.Unlock()
		entry.resting = false
		s.dispatchLocked()
	})
}

// takeLocked takes an event from the stream that holds it.
func (s *subscription) takeLocked(entry *owed) {
	if entry.timer != nil {
		entry.timer.Stop()
	}
	if entry.stream != nil {
		entry.stream.outstanding--
		entry.stream = nil
	}
}

func (s *subscription) endLocked(entry *owed) {
	s.takeLocked(entry)
	entry.settled = true
	s.entries = slices.DeleteFunc(s.entries, func(other *owed) bool { return other == entry })
}

// settleLocked does what a request asks for one delivery, and returns what is to be answered.
func (s *subscription) settleLocked(stream *stream, deliveryID string, asked onhook.Settlement) onhookpb.AckResults_Result {
	entry := s.deliveries[deliveryID]
	if entry == nil {
		return onhookpb.AckResults_RESULT_UNKNOWN
	}
	settlement := s.settlementOf(stream, entry, deliveryID, asked)
	if result := s.judgeLocked(settlement); result != onhookpb.AckResults_RESULT_UNSPECIFIED {
		return result
	}
	if asked.Action != onhook.ActionAck && (entry.deliveryID != deliveryID || entry.stream == nil) {
		return onhookpb.AckResults_RESULT_STALE
	}
	if !entry.settled {
		s.gateway.settlements = append(s.gateway.settlements, settlement)
	}
	switch asked.Action {
	case onhook.ActionRetry:
		rest := s.gateway.retryBackoff
		if asked.Delay != nil {
			rest = *asked.Delay
		}
		entry.retried = true
		s.giveBackLocked(entry, onhookpb.Delivery_REDELIVERY_REASON_NACKED, rest)
	case onhook.ActionRelease:
		s.giveBackLocked(entry, onhookpb.Delivery_REDELIVERY_REASON_RELEASED, 0)
	default:
		s.endLocked(entry)
	}
	return onhookpb.AckResults_RESULT_UNSPECIFIED
}

func (s *subscription) extendLocked(stream *stream, deliveryID string, deadline time.Duration) onhookpb.AckResults_Result {
	entry := s.deliveries[deliveryID]
	if entry == nil {
		return onhookpb.AckResults_RESULT_UNKNOWN
	}
	asked := s.settlementOf(stream, entry, deliveryID, onhook.Settlement{Action: onhook.ActionRetry})
	if result := s.judgeLocked(asked); result != onhookpb.AckResults_RESULT_UNSPECIFIED {
		return result
	}
	if entry.deliveryID != deliveryID || entry.stream == nil {
		return onhookpb.AckResults_RESULT_STALE
	}
	s.gateway.extensions = append(s.gateway.extensions,
		Extension{entry.event.GetEventId(), deliveryID, deadline, time.Now()})
	s.expectLocked(entry, deadline)
	return onhookpb.AckResults_RESULT_UNSPECIFIED
}

func (s *subscription) settlementOf(stream *stream, entry *owed, deliveryID string,
	asked onhook.Settlement) Settlement {
	return Settlement{
		Settlement:   asked,
		Subscription: s.name,
		EventID:      entry.event.GetEventId(),
		DeliveryID:   deliveryID,
		Attempt:      entry.attempt,
		ConsumerName: stream.consumerName,
	}
}

func (s *subscription) judgeLocked(asked Settlement) onhookpb.AckResults_Result {
	if s.gateway.judge == nil {
		return onhookpb.AckResults_RESULT_UNSPECIFIED
	}
	return s.gateway.judge(asked)
}
