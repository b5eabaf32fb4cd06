package onhooktest

import (
	"errors"
	"io"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
)

// stream is one Subscribe call. All but the channels is guarded by the gateway's mutex.
type stream struct {
	subscription *subscription
	consumerName string
	maxEvents    int
	ackDeadline  time.Duration
	outstanding  int
	paused       bool
	silent       bool
	goingAway    bool
	queue        []*onhookpb.SubscribeResponse
	wake         chan struct{}
	end          chan error // holds one
}

func (st *stream) hasRoomLocked() bool {
	return !st.paused && !st.goingAway && st.outstanding < st.maxEvents
}

func (st *stream) sendLocked(response *onhookpb.SubscribeResponse) {
	st.queue = append(st.queue, response)
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

func (st *stream) finish(err error) {
	select {
	case st.end <- err:
	default: // it ends already
	}
}

func (st *stream) goAwayLocked(reason onhookpb.GoAway_Reason, drainDeadline time.Duration) {
	st.goingAway = true
	st.sendLocked(&onhookpb.SubscribeResponse{Response: &onhookpb.SubscribeResponse_GoAway{
		GoAway: &onhookpb.GoAway{Reason: reason, DrainDeadline: durationpb.New(drainDeadline)},
	}})
	if drainDeadline > 0 {
		time.AfterFunc(drainDeadline, func() {
			st.finish(status.Error(codes.Unavailable, "the drain deadline is over"))
		})
	}
}

// service is what the gateway serves.
type service struct {
	onhookpb.UnimplementedReleaseEventServiceServer
	gateway *Gateway
}

func (s *service) Subscribe(rpc onhookpb.ReleaseEventService_SubscribeServer) error {
	first, err := rpc.Recv()
	if err != nil {
		return err
	}
	st, err := s.gateway.attach(first.GetOpen())
	if err != nil {
		return err
	}
	defer s.gateway.detach(st)
	go func() {
		for {
			request, err := rpc.Recv()
			if errors.Is(err, io.EOF) {
				err = nil // half-closed: its requests are answered by then
			} else if err == nil {
				s.gateway.take(st, request)
				continue
			}
			st.finish(err)
			return
		}
	}()
	return s.gateway.speak(rpc, st)
}

func (g *Gateway) attach(open *onhookpb.SubscribeOpen) (*stream, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.refusal != nil {
		return nil, g.refusal
	}
	if open == nil {
		return nil, status.Error(codes.InvalidArgument, "the first message is no open")
	}
	name := open.GetSubscription()
	if g.subscriptions[name] == nil {
		if open.GetCreateIfMissing() == nil {
			return nil, status.Errorf(codes.NotFound, "no subscription %q", name)
		}
		g.createLocked(name, open.GetCreateIfMissing())
	}
	st := &stream{
		subscription: g.subscriptions[name],
		consumerName: open.GetConsumerName(),
		maxEvents:    int(open.GetMaxOutstandingEvents()),
		ackDeadline:  defaultAckDeadline,
		wake:         make(chan struct{}, 1),
		end:          make(chan error, 1),
	}
	if open.MaxOutstandingEvents == nil {
		st.maxEvents = 1000
	}
	if open.GetAckDeadline() != nil {
		st.ackDeadline = open.GetAckDeadline().AsDuration()
	}
	g.streams = append(g.streams, st)
	g.attached++
	st.sendLocked(&onhookpb.SubscribeResponse{Response: &onhookpb.SubscribeResponse_Opened{
		Opened: &onhookpb.SubscribeOpened{
			MaxOutstandingEvents: int32(st.maxEvents),
			MaxOutstandingBytes:  open.GetMaxOutstandingBytes(),
			AckDeadline:          durationpb.New(st.ackDeadline),
			StoreId:              "fake",
			BacklogEvents:        int64(len(st.subscription.entries)),
			DurabilityClass:      onhookpb.DurabilityClass_DURABILITY_CLASS_MEMORY,
			ServerVersion:        "fake",
			HeartbeatInterval:    durationpb.New(g.heartbeatInterval),
		},
	}})
	st.subscription.dispatchLocked()
	g.noteLocked()
	return st, nil
}

func (g *Gateway) detach(st *stream) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.streams = slices.DeleteFunc(g.streams, func(other *stream) bool { return other == st })
	reason := onhookpb.Delivery_REDELIVERY_REASON_STREAM_LOST
	if st.goingAway {
		reason = onhookpb.Delivery_REDELIVERY_REASON_RELEASED
	}
	for _, entry := range slices.Clone(st.subscription.entries) {
		if entry.stream == st {
			st.subscription.giveBackLocked(entry, reason, 0)
		}
	}
	g.noteLocked()
}

// speak sends what is queued, and heartbeats, until the stream's end.
func (g *Gateway) speak(rpc onhookpb.ReleaseEventService_SubscribeServer, st *stream) error {
	heartbeat := &onhookpb.SubscribeResponse{Response: &onhookpb.SubscribeResponse_Heartbeat{
		Heartbeat: &onhookpb.Heartbeat{Interval: durationpb.New(g.heartbeatInterval)},
	}}
	silence := time.NewTimer(g.heartbeatInterval)
	defer silence.Stop()
	for {
		var end error
		over := false
		select {
		case <-st.wake:
		case <-silence.C:
			g.mu.Lock()
			st.queue = append(st.queue, heartbeat)
			g.mu.Unlock()
		case end = <-st.end:
			over = true
		}
		g.mu.Lock()
		queue, silent := st.queue, st.silent
		st.queue = nil
		g.mu.Unlock()
		for _, response := range queue {
			if silent {
				break
			}
			if err := rpc.Send(response); err != nil {
				return err
			}
		}
		if over {
			return end
		}
		silence.Reset(g.heartbeatInterval)
	}
}

// take does what a client asks, and answers.
func (g *Gateway) take(st *stream, request *onhookpb.SubscribeRequest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if st.silent { // what is lost one way is lost the other
		return
	}
	owed := st.subscription
	var requestID uint64
	var ids []string
	var act func(deliveryID string) onhookpb.AckResults_Result
	switch asked := request.GetRequest().(type) {
	case *onhookpb.SubscribeRequest_Ack:
		requestID, ids = asked.Ack.GetRequestId(), asked.Ack.GetDeliveryIds()
		act = func(id string) onhookpb.AckResults_Result {
			return owed.settleLocked(st, id, onhook.Settlement{Action: onhook.ActionAck})
		}
	case *onhookpb.SubscribeRequest_Nack:
		requestID, ids = asked.Nack.GetRequestId(), asked.Nack.GetDeliveryIds()
		settlement := settlementOfNack(asked.Nack)
		act = func(id string) onhookpb.AckResults_Result { return owed.settleLocked(st, id, settlement) }
	case *onhookpb.SubscribeRequest_Extend:
		requestID, ids = asked.Extend.GetRequestId(), asked.Extend.GetDeliveryIds()
		deadline := asked.Extend.GetAckDeadline().AsDuration()
		act = func(id string) onhookpb.AckResults_Result { return owed.extendLocked(st, id, deadline) }
	case *onhookpb.SubscribeRequest_Flow:
		g.flowLocked(st, asked.Flow)
		return
	default:
		st.finish(status.Error(codes.InvalidArgument, "open came again, or something unknown"))
		return
	}
	results := &onhookpb.AckResults{RequestId: requestID}
	for _, id := range ids {
		if result := act(id); result != onhookpb.AckResults_RESULT_UNSPECIFIED {
			results.Exceptions = append(results.Exceptions,
				&onhookpb.AckResults_Exception{DeliveryId: id, Result: result})
		}
	}
	owed.dispatchLocked()
	if !g.mute {
		st.sendLocked(&onhookpb.SubscribeResponse{Response: &onhookpb.SubscribeResponse_AckResults{
			AckResults: results,
		}})
	}
	g.noteLocked()
}

func (g *Gateway) flowLocked(st *stream, flow *onhookpb.FlowControl) {
	if flow.Paused != nil {
		st.paused = flow.GetPaused()
	}
	if flow.MaxOutstandingEvents != nil {
		st.maxEvents = int(flow.GetMaxOutstandingEvents())
	}
	st.subscription.dispatchLocked()
	g.noteLocked()
}

func settlementOfNack(nack *onhookpb.NackRequest) onhook.Settlement {
	settlement := onhook.Settlement{Action: onhook.ActionRetry, Reason: nack.GetReason()}
	switch nack.GetAction() {
	case onhookpb.NackRequest_ACTION_PARK:
		settlement.Action = onhook.ActionPark
	case onhookpb.NackRequest_ACTION_SKIP:
		settlement.Action = onhook.ActionSkip
	case onhookpb.NackRequest_ACTION_RELEASE:
		settlement.Action = onhook.ActionRelease
	}
	if nack.GetDelay() != nil {
		delay := nack.GetDelay().AsDuration()
		settlement.Delay = &delay
	}
	return settlement
}
