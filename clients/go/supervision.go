package onhook

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"

	"onhook.dev/onhook/onhookpb"
)

// supervise keeps a stream open until a stop is over.
func (s *subscription) supervise() {
	err := s.keepStreaming()
	s.beginStop(err)
	<-s.drained
	s.mu.Lock()
	if s.fatal != nil {
		s.err = s.fatal
	} else if len(s.orphans) > 0 {
		s.err = &UnconfirmedError{Acknowledgements: len(s.orphans)}
	}
	orphans := s.orphans
	s.orphans = nil
	for _, orphan := range orphans {
		orphan.result.resolve(ErrUnconfirmed)
	}
	s.mu.Unlock()
	s.tellSettled(orphans)
	s.tell(StateChange{State: StateStopped, Err: s.err})
	close(s.done)
}

func (s *subscription) tell(change StateChange) {
	if s.options.onState != nil {
		s.options.onState(change)
	}
}

// keepStreaming opens one stream after another, and returns the error that repeating cannot mend; nil
// when a stop is over.
func (s *subscription) keepStreaming() error {
	waits := newBackoff(s.client.options)
	ends := newStreamEnds(s.client.options)
	hurried := false // the stream before was opened without a wait
	for s.wantsStream() {
		s.tell(StateChange{State: StateConnecting})
		st := s.startStream()
		if st == nil {
			break
		}
		end := s.follow(st)
		if ends.isFinal(end, time.Now()) {
			return end.err
		}
		if !s.wantsStream() {
			break
		}
		if healthy := waits.note(end); end.err == nil && (healthy || !hurried) {
			hurried = true
			continue
		}
		hurried = false
		if end.err == nil {
			end.err = unavailable("the gateway sends its streams away")
		}
		s.tell(StateChange{State: StateBackingOff, Err: end.err})
		select {
		case <-time.After(waits.after(end)):
		case <-s.drained:
		}
	}
	<-s.drained
	return nil
}

// wantsStream: after a stop, only for what is still to be acknowledged.
func (s *subscription) wantsStream() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.over && (!s.stopping || s.handling > 0 || s.workers > 0 || len(s.orphans) > 0)
}

// startStream returns nil if none is wanted any more.
func (s *subscription) startStream() *stream {
	ctx, cancel := context.WithCancel(context.Background())
	st := s.newStream()
	st.cancel = cancel
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		cancel()
		return nil
	}
	s.streams = append(s.streams, st)
	go st.run(ctx)
	return st
}

// follow waits until a stream has ended or goes away, which is an end without an error.
func (s *subscription) follow(st *stream) streamEnd {
	select {
	case <-st.openedSoon:
		s.tell(StateChange{State: StateStreaming, Terms: st.terms})
	case <-st.endedSoon:
	}
	select {
	case <-st.goingSoon:
	case <-st.endedSoon:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.goingAway == nil {
		return st.end
	}
	end := streamEnd{opened: true, brought: st.brought, lived: time.Since(st.openedAt)}
	if st.goingAway.GetReason() == onhookpb.GoAway_REASON_SUBSCRIPTION_DELETED {
		end.err = &Error{Code: codes.NotFound, Message: "the subscription was deleted",
			Reason: "SUBSCRIPTION_DELETED"}
	}
	return end
}

// beginStop has nothing further handled; err is why, nil if somebody asked for it. It does not block.
func (s *subscription) beginStop(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.fatal == nil {
		s.fatal = err
	}
	if s.stopping {
		s.noteChangeLocked()
		return
	}
	s.stopping = true
	for _, held := range s.held.takeWaiting(func(*heldEvent) bool { return true }) {
		s.releaseLocked(held)
		held.stream.letGo()
	}
	for _, st := range s.streams {
		st.wakeWriter()
	}
	close(s.stopBegun)
	go s.drain()
}

// drain brings a stop to its end: handlers, then confirmations, then the streams.
func (s *subscription) drain() {
	defer close(s.drained)
	grace, endGrace := context.WithTimeout(s.grace, s.options.grace)
	defer endGrace()
	s.awaitDrain(grace, func() bool { return s.handling == 0 && s.workers == 0 })
	s.mu.Lock()
	s.abandonHandledLocked()
	s.mu.Unlock()
	s.endHandlers(ErrGraceOver)

	confirmation, endConfirmation := context.WithTimeout(context.Background(), s.options.confirmationTimeout)
	defer endConfirmation()
	s.awaitDrain(confirmation, s.confirmedLocked)
	s.mu.Lock()
	s.over = true
	for _, st := range s.streams {
		if st.terms == nil {
			st.cancel()
		}
		st.closeNow = true
		st.wakeWriter()
	}
	s.mu.Unlock()
	s.awaitDrain(confirmation, func() bool { return len(s.streams) == 0 })
	s.mu.Lock()
	rest := append([]*stream(nil), s.streams...)
	s.mu.Unlock()
	for _, st := range rest {
		st.cancel()
	}
	for _, st := range rest {
		<-st.endedSoon
	}
}

// abandonHandledLocked gives back what handlers still hold.
func (s *subscription) abandonHandledLocked() {
	for _, held := range s.held.places {
		if held.acked {
			continue
		}
		held.delivery.settled = &Settlement{Action: ActionRelease, Reason: "the consumer stops"}
		s.handling--
		s.releaseLocked(held)
		held.stream.letGo()
		s.held.end(held)
	}
}

// confirmedLocked: nothing is left to be said or answered, or nobody is there to answer.
func (s *subscription) confirmedLocked() bool {
	for _, st := range s.streams {
		if !st.outbox.idle() {
			return false
		}
	}
	return len(s.orphans) == 0 || s.fatal != nil && s.current == nil
}

// awaitDrain waits until the condition holds, or ctx is done.
func (s *subscription) awaitDrain(ctx context.Context, condition func() bool) {
	for {
		s.mu.Lock()
		holds := condition()
		s.mu.Unlock()
		if holds {
			return
		}
		select {
		case <-s.changed:
		case <-ctx.Done():
			return
		}
	}
}

// stop waits until everything is over; the handlers' time ends with ctx too.
func (s *subscription) stop(ctx context.Context) error {
	s.beginStop(nil)
	select {
	case <-s.done:
	case <-ctx.Done():
		s.endGrace()
		<-s.done
	}
	return s.err
}
