package onhook

import (
	"context"
	"slices"
	"sync"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// subscription keeps a stream open and knows what came by it: what is behind a [Subscriber] and a
// [DeliveryStream].
//
// One mutex guards it and its streams; nothing of the application is called while it is held.
type subscription struct {
	client  *Client
	name    string
	options *subscribeOptions
	handler Handler // nil: deliveries are taken by Next

	begunWith      context.Context
	handlerContext context.Context
	endHandlers    context.CancelCauseFunc
	stopBegun      chan struct{}
	grace          context.Context // of a stop, cut short by endGrace
	endGrace       context.CancelFunc
	drained        chan struct{}
	done           chan struct{}
	arrived        chan struct{} // holds one: somebody may wait in Next
	changed        chan struct{} // holds one: the drain looks again

	mu       sync.Mutex
	held     heldEvents
	handling int       // handed over and not settled
	workers  int       // goroutines that call the handler
	streams  []*stream // that have not ended
	current  *stream   // the one opened last, if it has not ended
	orphans  []pending // acknowledgements without a stream
	paused   bool
	stopping bool
	over     bool  // no further stream is opened
	fatal    error // what ended it by itself
	err      error // set before done is closed
}

func (c *Client) newSubscription(ctx context.Context, name string, handler Handler,
	options []SubscribeOption) *subscription {
	s := &subscription{
		client:    c,
		name:      name,
		options:   newSubscribeOptions(options),
		handler:   handler,
		begunWith: ctx,
		held:      heldEvents{places: map[string]*heldEvent{}},
		stopBegun: make(chan struct{}),
		drained:   make(chan struct{}),
		done:      make(chan struct{}),
		arrived:   make(chan struct{}, 1),
		changed:   make(chan struct{}, 1),
	}
	// A handler may finish after ctx ended: that is what the grace is for.
	s.handlerContext, s.endHandlers = context.WithCancelCause(context.WithoutCancel(ctx))
	s.grace, s.endGrace = context.WithCancel(context.Background())
	unhook := context.AfterFunc(ctx, func() { s.beginStop(nil) })
	go func() {
		s.supervise()
		s.endGrace()
		unhook()
	}()
	return s
}

// work calls the handler until nothing waits.
func (s *subscription) work() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		delivery := s.takeLocked()
		if delivery == nil {
			s.workers--
			s.noteChangeLocked()
			return
		}
		s.mu.Unlock()
		delivery.fill(delivery.message)
		settlement := SettlementOf(s.handler(ContextWithDelivery(s.handlerContext, delivery), delivery))
		settlement.Reason = firstCharacters(settlement.Reason, maxReasonCharacters)
		s.mu.Lock()
		if delivery.settled == nil {
			s.settleLocked(delivery, settlement)
		}
	}
}

// takeLocked hands over what has waited longest; nil: nothing is to be handed over.
func (s *subscription) takeLocked() *Delivery {
	if s.stopping {
		return nil
	}
	held := s.held.next()
	if held == nil {
		return nil
	}
	s.handling++
	held.delivery = &Delivery{held: held, message: held.message}
	held.message = nil
	return held.delivery
}

// next waits for a delivery.
func (s *subscription) next(ctx context.Context) (*Delivery, error) {
	for {
		s.mu.Lock()
		delivery := s.takeLocked()
		stopping, fatal, more := s.stopping, s.fatal, s.held.countWaiting() > 0
		s.mu.Unlock()
		if delivery != nil {
			if more {
				s.noteArrival() // for another who waits
			}
			delivery.fill(delivery.message)
			return delivery, nil
		}
		if fatal != nil {
			return nil, fatal
		}
		if stopping {
			return nil, ErrStopped
		}
		select {
		case <-s.arrived:
		case <-s.stopBegun:
		case <-ctx.Done():
			if s.begunWith.Err() == nil {
				return nil, ctx.Err()
			}
			s.beginStop(nil) // as its end does by itself, in a moment
		}
	}
}

func (s *subscription) noteArrival() {
	select {
	case s.arrived <- struct{}{}:
	default:
	}
}

func (s *subscription) noteChangeLocked() {
	if !s.stopping {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// settleLocked says what is to become of a delivery that was handed over.
func (s *subscription) settleLocked(delivery *Delivery, settlement Settlement) {
	delivery.settled = &settlement
	s.handling--
	held := delivery.held
	held.lease = lease{}
	if settlement.Action == ActionAck {
		held.acked = true
	} else {
		s.held.end(held)
	}
	s.sayLocked(held, pending{settlement: &settlement, held: held, result: &delivery.result})
	held.stream.letGo()
	s.noteChangeLocked()
}

// sayLocked sends what is said of the newest delivery of an event, or has it sent.
func (s *subscription) sayLocked(held *heldEvent, said pending) {
	said.deliveryID, said.eventID = held.deliveryID, held.eventID
	stream := held.stream
	switch {
	case stream.takes():
		if stream.outbox.add(said) {
			stream.wakeWriter()
		}
	case said.isAck():
		s.orphans = append(s.orphans, said)
		s.placeOrphansLocked()
	default: // the event comes again by itself
		said.result.resolve(ErrUnconfirmed)
	}
}

// placeOrphansLocked has acknowledgements sent on a stream that their deliveries are not of.
func (s *subscription) placeOrphansLocked() {
	if len(s.orphans) == 0 || s.current == nil || !s.current.takes() {
		return
	}
	for _, orphan := range s.orphans {
		s.current.outbox.add(orphan)
	}
	s.orphans = nil
	s.current.wakeWriter()
}

func (s *subscription) extend(delivery *Delivery, deadline time.Duration) *Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delivery.settled != nil {
		return resolvedWith(ErrAlreadySettled)
	}
	held := delivery.held
	held.lease = held.lease.lengthened(deadline, time.Now())
	result := &Result{}
	s.sayLocked(held, pending{deadline: deadline, held: held, result: result})
	return result
}

func (s *subscription) pause(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = paused
	for _, stream := range s.streams {
		stream.wakeWriter()
	}
}

func (s *subscription) onOpened(st *stream, opened *onhookpb.SubscribeOpened, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.terms != nil {
		return
	}
	st.terms, st.openedAt = termsOf(opened), now
	s.current = st
	for _, other := range s.streams {
		if other.goingAway != nil {
			other.closeWhenIdle()
		}
	}
	s.placeOrphansLocked()
	close(st.openedSoon)
}

func (s *subscription) onDeliveries(st *stream, deliveries []*onhookpb.Delivery, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.brought = true
	if st.halfClosed { // what it holds goes to others
		return
	}
	before := st.leaseDue
	for _, message := range deliveries {
		s.receiveLocked(st, message, now)
	}
	if st.leaseDue != before {
		st.wakeWriter()
	}
	if s.handler == nil {
		s.noteArrival()
		return
	}
	for wanted := min(s.options.concurrency, s.workers+s.held.countWaiting()); s.workers < wanted; {
		s.workers++
		go s.work()
	}
}

func (s *subscription) receiveLocked(st *stream, message *onhookpb.Delivery, now time.Time) {
	eventID := message.GetEvent().GetEventId()
	held := s.held.places[eventID]
	if held != nil && held.acked {
		if comesAgainUnasked(message) { // the acknowledgement settles it by whichever delivery
			held.stream, held.deliveryID, held.skipped = st, message.GetDeliveryId(), true
			return
		}
		s.held.end(held)
		held = nil
	}
	if held == nil {
		held = &heldEvent{subscription: s, eventID: eventID}
		if s.stopping {
			held.stream, held.deliveryID = st, message.GetDeliveryId()
			s.releaseLocked(held)
			return
		}
		s.held.add(held)
	} else { // its handler, or the wait for that, is not to be repeated
		held.stream.letGo()
	}
	if held.waits {
		held.message = message
	}
	held.stream, held.deliveryID = st, message.GetDeliveryId()
	held.lease = newLease(message, s.options.maxExtension, now)
	st.held++
	st.expectLease(held.lease)
}

func (s *subscription) releaseLocked(held *heldEvent) {
	settlement := &Settlement{Action: ActionRelease, Reason: "the consumer stops"}
	s.sayLocked(held, pending{settlement: settlement, result: &Result{}})
}

func (s *subscription) onResults(st *stream, results *onhookpb.AckResults, now time.Time) {
	exceptions := make(map[string]onhookpb.AckResults_Result, len(results.GetExceptions()))
	for _, exception := range results.GetExceptions() {
		exceptions[exception.GetDeliveryId()] = exception.GetResult()
	}
	s.mu.Lock()
	st.brought = true
	sent := st.outbox.answered(results.GetRequestId())
	if sent == nil {
		s.mu.Unlock()
		return
	}
	for _, held := range sent.extended {
		if result, refused := exceptions[held.deliveryID]; refused {
			st.extensionRefused(held, result, now)
		}
	}
	answered := sent.pendings
	if len(exceptions) > 0 {
		answered = slices.DeleteFunc(answered, func(said pending) bool {
			if exceptions[said.deliveryID] != onhookpb.AckResults_RESULT_RETRY_LATER {
				return false
			}
			st.outbox.delay(said, now)
			return true
		})
	}
	for _, said := range answered {
		result, refused := exceptions[said.deliveryID]
		switch {
		case !refused:
			said.result.resolve(nil)
		case said.settlement == nil:
			st.extensionRefused(said.held, result, now)
			fallthrough
		default:
			said.result.resolve(answerError(result))
		}
		s.endAckedLocked(said, refused)
	}
	// For the acknowledgements that gathered meanwhile, for a half-close, or for what is delayed.
	st.wakeWriter()
	s.noteChangeLocked()
	s.mu.Unlock()
	s.tellSettled(answered)
}

// endAckedLocked is told of each answer.
func (s *subscription) endAckedLocked(said pending, refused bool) {
	if !said.isAck() {
		return
	}
	s.held.end(said.held)
	if refused && said.held.skipped {
		s.releaseLocked(said.held)
	}
}

func (s *subscription) tellSettled(answered []pending) {
	if s.options.onSettled == nil {
		return
	}
	for _, said := range answered {
		if said.settlement != nil {
			s.options.onSettled(Settled{said.deliveryID, said.eventID, *said.settlement, said.result.Err()})
		}
	}
}

// extensionRefused: what is with somebody else by now, or settled, is not extended again.
func (st *stream) extensionRefused(held *heldEvent, result onhookpb.AckResults_Result, now time.Time) {
	if held.stream != st || !held.lease.runs() {
		return
	}
	if result != onhookpb.AckResults_RESULT_RETRY_LATER {
		held.lease = lease{}
		return
	}
	held.lease.due = now.Add(retryLaterPause)
	st.expectLease(held.lease)
}

// drainMargin is how much earlier than its drain deadline a stream is half-closed, so that it ends
// with OK.
func drainMargin(deadline time.Duration) time.Duration { return min(deadline/10, time.Second) }

func (s *subscription) onGoAway(st *stream, goAway *onhookpb.GoAway) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.goingAway != nil {
		return
	}
	st.goingAway = goAway
	// The replacement is to reach another gateway if there is one, and to show the files of now.
	st.connection.retire()
	// Of age alone, the gateway goes on delivering until the replacement is open; of anything else
	// nothing more comes.
	if goAway.GetReason() != onhookpb.GoAway_REASON_MAX_AGE {
		st.closeWhenIdle()
	}
	// No more than two at a time.
	for _, other := range s.streams {
		if other != st && other.goingAway != nil {
			other.closeNow = true
			other.wakeWriter()
		}
	}
	if deadline := goAway.GetDrainDeadline().AsDuration(); deadline > 0 {
		timer := time.AfterFunc(deadline-drainMargin(deadline), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			st.closeNow = true
			st.wakeWriter()
		})
		go func() {
			<-st.endedSoon
			timer.Stop()
		}()
	}
	close(st.goingSoon)
}

func (s *subscription) onEnded(st *stream, err error) {
	s.mu.Lock()
	st.ended = true
	st.end = streamEnd{err: err, opened: st.terms != nil, brought: st.brought}
	if st.end.opened {
		st.end.lived = time.Since(st.openedAt)
	}
	s.streams = slices.DeleteFunc(s.streams, func(other *stream) bool { return other == st })
	if s.current == st {
		s.current = nil
	}
	// What waited comes again on another stream.
	s.held.takeWaiting(func(held *heldEvent) bool { return held.stream == st })
	var lost []pending
	for _, said := range st.outbox.takeAll() {
		if said.isAck() {
			s.orphans = append(s.orphans, said)
			continue
		}
		said.result.resolve(ErrUnconfirmed)
		lost = append(lost, said)
	}
	s.placeOrphansLocked()
	s.noteChangeLocked()
	s.mu.Unlock()
	s.tellSettled(lost)
}
