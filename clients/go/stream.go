package onhook

import (
	"context"
	"errors"
	"io"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// stream is one Subscribe call of a subscription. Two goroutines of its own read and write; all that
// follows `connection` is guarded by the subscription's mutex.
type stream struct {
	subscription *subscription
	cancel       context.CancelFunc
	wake         chan struct{} // holds one: the writer may have work
	openedSoon   chan struct{} // closed when opened
	goingSoon    chan struct{} // closed when going away
	endedSoon    chan struct{} // closed when ended
	connection   *connection

	terms     *Terms
	openedAt  time.Time
	brought   bool
	goingAway *onhookpb.GoAway
	ended     bool
	end       streamEnd

	held       int // events whose newest delivery is of this stream
	outbox     outbox
	leaseDue   time.Time // zero: none
	pauseSent  bool
	closeIdle  bool // half-close once nothing of it is unsettled or unanswered
	closeNow   bool // half-close once nothing is unanswered
	halfClosed bool
}

func (s *subscription) newStream() *stream {
	return &stream{
		subscription: s,
		wake:         make(chan struct{}, 1),
		openedSoon:   make(chan struct{}),
		goingSoon:    make(chan struct{}),
		endedSoon:    make(chan struct{}),
		outbox:       outbox{unanswered: map[uint64]*sentRequest{}},
	}
}

func (st *stream) wakeWriter() {
	select {
	case st.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run is the stream's life.
func (st *stream) run(ctx context.Context) {
	err := st.transfer(ctx)
	if err == nil {
		err = unavailable("the gateway ended the stream")
	}
	st.subscription.onEnded(st, fromGRPC(err))
	close(st.endedSoon)
}

func (st *stream) transfer(ctx context.Context) error {
	s := st.subscription
	connection, err := s.client.pool.acquire()
	if err != nil {
		return err
	}
	defer connection.release()
	s.mu.Lock()
	st.connection = connection
	s.mu.Unlock()
	rpc, err := onhookpb.NewReleaseEventServiceClient(streamOpener{connection}).Subscribe(ctx)
	if err != nil {
		return err
	}
	silence := listen(func() {
		// Another stream on a connection that is dead would be dead too.
		connection.retire()
		st.cancel()
	})
	written := make(chan struct{})
	go func() {
		defer close(written)
		st.write(rpc)
	}()
	err = st.read(rpc, silence)
	connection.judge(err)
	if silence.stop() {
		err = unavailable("the gateway was silent for twice as long as it may be")
	}
	st.cancel() // whatever still writes
	st.wakeWriter()
	<-written
	return err
}

func (st *stream) read(rpc onhookpb.ReleaseEventService_SubscribeClient, silence *silence) error {
	for {
		response, err := rpc.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		now := time.Now()
		silence.hear(now)
		switch said := response.GetResponse().(type) {
		case *onhookpb.SubscribeResponse_Opened:
			silence.agree(said.Opened.GetHeartbeatInterval())
			st.subscription.onOpened(st, said.Opened, now)
		case *onhookpb.SubscribeResponse_Deliveries:
			st.subscription.onDeliveries(st, said.Deliveries.GetDeliveries(), now)
		case *onhookpb.SubscribeResponse_AckResults:
			st.subscription.onResults(st, said.AckResults, now)
		case *onhookpb.SubscribeResponse_Heartbeat:
			silence.agree(said.Heartbeat.GetInterval())
		case *onhookpb.SubscribeResponse_GoAway:
			st.subscription.onGoAway(st, said.GoAway)
		}
	}
}

func (st *stream) write(rpc onhookpb.ReleaseEventService_SubscribeClient) {
	s := st.subscription
	// A send that fails shows in what is read; what is unanswered stays on the books.
	if rpc.Send(s.options.openRequest(s.name)) != nil {
		return
	}
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		request, wait, over := st.nextRequest()
		switch {
		case over:
			_ = rpc.CloseSend() // it never fails
			return
		case request != nil:
			if rpc.Send(request) != nil {
				return
			}
			continue
		}
		alarm.Reset(wait)
		select {
		case <-st.wake:
		case <-alarm.C:
		case <-rpc.Context().Done():
			return
		}
	}
}

// nextRequest is what is to be written now; nil: nothing for so long, unless it is woken. Over: the
// stream is to be half-closed, or has ended.
func (st *stream) nextRequest() (request *onhookpb.SubscribeRequest, wait time.Duration, over bool) {
	s := st.subscription
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.ended {
		return nil, 0, true
	}
	now := time.Now()
	st.outbox.revive(now)
	if paused := s.paused || s.stopping; paused != st.pauseSent {
		st.pauseSent = paused
		flow := &onhookpb.FlowControl{Paused: &paused}
		return &onhookpb.SubscribeRequest{Request: &onhookpb.SubscribeRequest_Flow{Flow: flow}}, 0, false
	}
	if request = st.outbox.nextExtension(); request == nil {
		request = st.dueExtension(now)
	}
	if request == nil {
		request = st.outbox.nextSettlement()
	}
	if request != nil {
		return request, 0, false
	}
	if st.outbox.idle() && (st.closeNow || st.closeIdle && st.held == 0) {
		st.halfClosed = true
		return nil, 0, true
	}
	return nil, st.untilAlarm(now), false
}

func (st *stream) untilAlarm(now time.Time) time.Duration {
	wait := time.Hour
	for _, alarm := range []time.Time{st.leaseDue, st.outbox.delayedUntil} {
		if !alarm.IsZero() {
			wait = min(wait, alarm.Sub(now))
		}
	}
	return max(wait, 0)
}

// dueExtension asks for more time for what is still here when half of its time is over.
func (st *stream) dueExtension(now time.Time) *onhookpb.SubscribeRequest {
	if st.leaseDue.IsZero() || now.Before(st.leaseDue) {
		return nil
	}
	st.leaseDue = time.Time{}
	sent := &sentRequest{}
	var ids []string
	var deadline time.Duration
	for _, held := range st.subscription.held.places {
		if held.stream != st || !held.lease.runs() {
			continue
		}
		// A request asks for one deadline; those with another make the next one.
		fits := len(ids) == 0 || deadline == held.lease.deadline && len(ids) < maxIDsInRequest
		if fits && !held.lease.due.After(now.Add(leaseGathering)) {
			deadline = held.lease.deadline
			ids = append(ids, held.deliveryID)
			sent.extended = append(sent.extended, held)
			held.lease = held.lease.renewed(now)
		}
		st.expectLease(held.lease)
	}
	if len(ids) == 0 {
		return nil
	}
	return st.outbox.send(extendRequest(ids, deadline), sent)
}

func (st *stream) expectLease(lease lease) {
	if lease.runs() && (st.leaseDue.IsZero() || lease.due.Before(st.leaseDue)) {
		st.leaseDue = lease.due
	}
}

// takes tells whether what is settled now can be said here.
func (st *stream) takes() bool { return !st.ended && !st.halfClosed }

// replaced is told of an event whose newest delivery is of another stream, or that is settled.
func (st *stream) letGo() {
	st.held--
	if st.closeIdle && st.held == 0 {
		st.wakeWriter()
	}
}

// closeWhenIdle half-closes it as soon as nothing of it is unsettled or unanswered.
func (st *stream) closeWhenIdle() {
	st.closeIdle = true
	st.wakeWriter()
}
