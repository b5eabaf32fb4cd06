package onhook

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"onhook.dev/onhook/onhookpb"
)

const (
	// The proto allows 10,000.
	maxIDsInRequest = 1000
	// As the proto has it.
	maxReasonCharacters = 1024
	// How long to leave a gateway alone that could not store something.
	retryLaterPause = 200 * time.Millisecond
)

// pending is a settlement or an extension that is on its way.
type pending struct {
	deliveryID string
	eventID    string
	settlement *Settlement   // nil: an extension
	deadline   time.Duration // of an extension
	held       *heldEvent
	result     *Result
}

func (p pending) isAck() bool { return p.settlement != nil && p.settlement.Action == ActionAck }

// sentRequest is what one request asked for.
type sentRequest struct {
	isAck    bool
	pendings []pending
	extended []*heldEvent // what was extended by itself
}

// outbox is what is still to be said on one stream, and what was said without an answer yet. It does
// not lock.
type outbox struct {
	acks       []pending
	nacks      []pending
	extensions []pending
	// delayed could not be stored by the gateway, and is said again.
	delayed      []pending
	delayedUntil time.Time // zero: there is nothing
	unanswered   map[uint64]*sentRequest
	acksUnderWay int
	settling     int // requests without an answer that settle something
	lastID       uint64
}

// add tells whether the writer has to be woken.
func (o *outbox) add(said pending) bool {
	switch {
	case said.settlement == nil:
		o.extensions = append(o.extensions, said)
	case said.isAck():
		o.acks = append(o.acks, said)
		return o.maySendAcks()
	default:
		o.nacks = append(o.nacks, said)
	}
	return true
}

// An acknowledgement leaves at once when none is under way, and gathers with others while one is.
func (o *outbox) maySendAcks() bool {
	return len(o.acks) > 0 && (o.acksUnderWay == 0 || len(o.acks) >= maxIDsInRequest)
}

// idle tells whether everything is said and answered.
func (o *outbox) idle() bool {
	return len(o.acks)+len(o.nacks)+len(o.extensions)+len(o.delayed)+o.settling == 0
}

// delay keeps what the gateway could not store now.
func (o *outbox) delay(said pending, now time.Time) {
	if len(o.delayed) == 0 {
		o.delayedUntil = now.Add(retryLaterPause)
	}
	o.delayed = append(o.delayed, said)
}

func (o *outbox) revive(now time.Time) {
	if o.delayedUntil.IsZero() || now.Before(o.delayedUntil) {
		return
	}
	o.delayedUntil = time.Time{}
	for _, said := range o.delayed {
		o.add(said)
	}
	o.delayed = nil
}

func (o *outbox) nextSettlement() *onhookpb.SubscribeRequest {
	if o.maySendAcks() {
		sent := &sentRequest{isAck: true}
		sent.pendings, o.acks = cut(o.acks, min(len(o.acks), maxIDsInRequest))
		ack := &onhookpb.AckRequest{DeliveryIds: idsOf(sent.pendings)}
		return o.send(&onhookpb.SubscribeRequest{Request: &onhookpb.SubscribeRequest_Ack{Ack: ack}}, sent)
	}
	if len(o.nacks) == 0 {
		return nil
	}
	words := *o.nacks[0].settlement
	// As many as say the same: all that is given back at a stop, above all.
	same := 1
	for same < min(len(o.nacks), maxIDsInRequest) && o.nacks[same].settlement.saysAs(words) {
		same++
	}
	sent := &sentRequest{}
	sent.pendings, o.nacks = cut(o.nacks, same)
	nack := &onhookpb.NackRequest{
		DeliveryIds: idsOf(sent.pendings),
		Action:      nackActions[words.Action],
		Reason:      words.Reason,
	}
	if words.Delay != nil {
		nack.Delay = durationpb.New(*words.Delay)
	}
	return o.send(&onhookpb.SubscribeRequest{Request: &onhookpb.SubscribeRequest_Nack{Nack: nack}}, sent)
}

// nextExtension is of what somebody asked for.
func (o *outbox) nextExtension() *onhookpb.SubscribeRequest {
	if len(o.extensions) == 0 {
		return nil
	}
	deadline := o.extensions[0].deadline
	same := 1
	for same < min(len(o.extensions), maxIDsInRequest) && o.extensions[same].deadline == deadline {
		same++
	}
	sent := &sentRequest{}
	sent.pendings, o.extensions = cut(o.extensions, same)
	return o.send(extendRequest(idsOf(sent.pendings), deadline), sent)
}

func extendRequest(ids []string, deadline time.Duration) *onhookpb.SubscribeRequest {
	extend := &onhookpb.ExtendRequest{DeliveryIds: ids, AckDeadline: durationpb.New(deadline)}
	return &onhookpb.SubscribeRequest{Request: &onhookpb.SubscribeRequest_Extend{Extend: extend}}
}

// send books a request under a new id.
func (o *outbox) send(request *onhookpb.SubscribeRequest, sent *sentRequest) *onhookpb.SubscribeRequest {
	o.lastID++
	o.unanswered[o.lastID] = sent
	switch kind := request.GetRequest().(type) {
	case *onhookpb.SubscribeRequest_Ack:
		kind.Ack.RequestId = o.lastID
		o.acksUnderWay++
		o.settling++
	case *onhookpb.SubscribeRequest_Nack:
		kind.Nack.RequestId = o.lastID
		o.settling++
	case *onhookpb.SubscribeRequest_Extend:
		kind.Extend.RequestId = o.lastID
		if len(sent.pendings) > 0 {
			o.settling++
		}
	}
	return request
}

// answered takes a request off the books; nil: it is none of these.
func (o *outbox) answered(requestID uint64) *sentRequest {
	sent := o.unanswered[requestID]
	if sent == nil {
		return nil
	}
	delete(o.unanswered, requestID)
	if sent.isAck {
		o.acksUnderWay--
	}
	if len(sent.pendings) > 0 {
		o.settling--
	}
	return sent
}

// takeAll empties it when its stream has ended.
func (o *outbox) takeAll() []pending {
	var all []pending
	for _, sent := range o.unanswered {
		all = append(all, sent.pendings...)
	}
	for _, rest := range [][]pending{o.delayed, o.acks, o.nacks, o.extensions} {
		all = append(all, rest...)
	}
	*o = outbox{}
	return all
}

func cut(from []pending, count int) (taken, rest []pending) {
	if count == len(from) {
		return from, nil
	}
	return from[:count:count], from[count:]
}

func idsOf(pendings []pending) []string {
	ids := make([]string, len(pendings))
	for i := range pendings {
		ids[i] = pendings[i].deliveryID
	}
	return ids
}

// answerError is what the gateway's word on one delivery means.
func answerError(result onhookpb.AckResults_Result) error {
	switch result {
	case onhookpb.AckResults_RESULT_STALE:
		return ErrStale
	case onhookpb.AckResults_RESULT_UNKNOWN:
		return ErrUnknownDelivery
	default:
		return fmt.Errorf("onhook: the gateway answered %s", enumName(result, "RESULT_"))
	}
}
