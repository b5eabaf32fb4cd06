package onhook

import (
	"context"
	"sync"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// Delivery is one attempt to hand over one event.
//
// A handler settles it by what it returns. Whoever takes deliveries from a [DeliveryStream] settles
// them by Ack, Retry, RetryAfter, Park, Skip or Release: the first of them counts, and each returns at
// once, with a [Result] to wait for. A handler may call them too; what it returns then is ignored.
type Delivery struct {
	// ID names this attempt.
	ID    string
	Event *ReleaseEvent
	// Cursor is the event's place in the log, as [After] takes it.
	Cursor string
	// Attempt is the number of this attempt, from 1.
	Attempt int
	// RedeliveryReason is why the event comes again.
	RedeliveryReason RedeliveryReason
	// AckDeadline is the time to settle it, counted from its sending, unless it is extended, which
	// happens by itself. Zero: it has none.
	AckDeadline time.Duration

	message *onhookpb.Delivery
	event   ReleaseEvent
	held    *heldEvent
	result  Result
	alone   sync.Mutex // guards settled where no subscription does
	settled *Settlement
}

// NewDelivery makes a delivery that belongs to no gateway, for tests of handlers: its settlement is
// kept, and confirmed at once. See package onhooktest.
func NewDelivery(message *onhookpb.Delivery) *Delivery {
	delivery := &Delivery{}
	delivery.fill(message)
	return delivery
}

func (d *Delivery) fill(message *onhookpb.Delivery) {
	d.message = message
	event := message.GetEvent()
	if event == nil {
		event = &onhookpb.ReleaseEvent{}
	}
	d.event.fill(event)
	d.ID = message.GetDeliveryId()
	d.Event = &d.event
	d.Cursor = message.GetCursor()
	d.Attempt = int(message.GetAttempt())
	d.RedeliveryReason = RedeliveryReason(message.GetRedeliveryReason())
	d.AckDeadline = message.GetAckDeadline().AsDuration()
}

// Proto is the delivery as it came, with the fields that this version of the library does not know.
func (d *Delivery) Proto() *onhookpb.Delivery { return d.message }

// Ack settles the event: it does not come again once this is confirmed. Call it after the work is
// safe, never before. Without an answer it is sent again, on the next stream if need be.
func (d *Delivery) Ack() *Result { return d.settle(Settlement{Action: ActionAck}) }

// Retry has the event come again after the gateway's backoff.
func (d *Delivery) Retry(reason string) *Result {
	return d.settle(Settlement{Action: ActionRetry, Reason: reason})
}

// RetryAfter has the event come again after delay, up to 1 h.
func (d *Delivery) RetryAfter(delay time.Duration, reason string) *Result {
	return d.settle(Settlement{Action: ActionRetry, Delay: &delay, Reason: reason})
}

// Park puts the event among the dead letters.
func (d *Delivery) Park(reason string) *Result {
	return d.settle(Settlement{Action: ActionPark, Reason: reason})
}

// Skip settles the event as not processed.
func (d *Delivery) Skip(reason string) *Result {
	return d.settle(Settlement{Action: ActionSkip, Reason: reason})
}

// Release gives the event to another consumer at once; it counts as no attempt.
func (d *Delivery) Release(reason string) *Result {
	return d.settle(Settlement{Action: ActionRelease, Reason: reason})
}

// Extend asks for a deadline (1 s to 10 min) counted from now. That happens by itself while an event
// is here, for [WithMaxExtension] at most: Extend is for what takes longer, or with that switched off.
func (d *Delivery) Extend(deadline time.Duration) *Result {
	if d.held == nil {
		return resolvedWith(nil)
	}
	return d.held.subscription.extend(d, deadline)
}

// Settlement is what was said of the delivery, if anything was.
func (d *Delivery) Settlement() (settlement Settlement, settled bool) {
	lock := d.lock()
	lock.Lock()
	defer lock.Unlock()
	if d.settled == nil {
		return Settlement{}, false
	}
	return *d.settled, true
}

func (d *Delivery) lock() *sync.Mutex {
	if d.held != nil {
		return &d.held.subscription.mu
	}
	return &d.alone
}

func (d *Delivery) settle(settlement Settlement) *Result {
	settlement.Reason = firstCharacters(settlement.Reason, maxReasonCharacters)
	lock := d.lock()
	lock.Lock()
	defer lock.Unlock()
	if d.settled != nil {
		return resolvedWith(ErrAlreadySettled)
	}
	if d.held != nil {
		d.held.subscription.settleLocked(d, settlement)
		return &d.result
	}
	d.settled = &settlement
	d.result.resolve(nil)
	return &d.result
}

// TraceCarrier holds the callback's W3C trace context, if it had one, as propagators of OpenTelemetry
// take it: propagation.MapCarrier(delivery.TraceCarrier()).
func (d *Delivery) TraceCarrier() map[string]string {
	carrier := map[string]string{}
	if d.Event.Traceparent != nil {
		carrier["traceparent"] = *d.Event.Traceparent
	}
	return carrier
}

type deliveryKey struct{}

// ContextWithDelivery makes a context from which [DeliveryFromContext] takes the delivery, as the
// context of each handler is.
func ContextWithDelivery(ctx context.Context, delivery *Delivery) context.Context {
	return &deliveryContext{Context: ctx, delivery: delivery}
}

// DeliveryFromContext returns the delivery that a handler's context is of, for loggers and tracers
// deep below it; nil if it is of none.
func DeliveryFromContext(ctx context.Context) *Delivery {
	delivery, _ := ctx.Value(deliveryKey{}).(*Delivery)
	return delivery
}

type deliveryContext struct {
	context.Context
	delivery *Delivery
}

func (c *deliveryContext) Value(key any) any {
	if key == (deliveryKey{}) {
		return c.delivery
	}
	return c.Context.Value(key)
}
