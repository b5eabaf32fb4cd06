package onhook

import (
	"math"
	"time"

	"onhook.dev/onhook/onhookpb"
)

// SubscribeOption sets up how one subscription is received.
type SubscribeOption interface{ applySubscribe(*subscribeOptions) }

type subscribeOptions struct {
	consumerName         string
	createIfMissing      *onhookpb.SubscriptionSpec
	maxOutstandingEvents int
	maxOutstandingBytes  int64
	ackDeadline          time.Duration
	maxExtension         time.Duration
	concurrency          int
	grace                time.Duration
	confirmationTimeout  time.Duration
	onState              func(StateChange)
	onSettled            func(Settled)
}

func newSubscribeOptions(options []SubscribeOption) *subscribeOptions {
	made := &subscribeOptions{
		maxOutstandingEvents: 1000,
		maxOutstandingBytes:  16 << 20,
		maxExtension:         time.Hour,
		concurrency:          1,
		grace:                30 * time.Second,
		confirmationTimeout:  10 * time.Second,
	}
	for _, option := range options {
		option.applySubscribe(made)
	}
	made.concurrency = max(made.concurrency, 1)
	return made
}

func (o *subscribeOptions) openRequest(subscription string) *onhookpb.SubscribeRequest {
	events := int32Of(o.maxOutstandingEvents)
	return &onhookpb.SubscribeRequest{Request: &onhookpb.SubscribeRequest_Open{
		Open: &onhookpb.SubscribeOpen{
			Subscription:         subscription,
			ConsumerName:         o.consumerName,
			MaxOutstandingEvents: &events,
			MaxOutstandingBytes:  &o.maxOutstandingBytes,
			AckDeadline:          durationUnlessZero(o.ackDeadline),
			CreateIfMissing:      o.createIfMissing,
		},
	}}
}

func int32Of(number int) int32 { return int32(min(max(number, math.MinInt32), math.MaxInt32)) }

type subscribeOption func(*subscribeOptions)

func (f subscribeOption) applySubscribe(options *subscribeOptions) { f(options) }

// StreamOption serves both [Client.Receive] and its like, and [Client.Watch].
type StreamOption struct {
	subscribe func(*subscribeOptions)
	watch     func(*watchOptions)
}

func (o StreamOption) applySubscribe(options *subscribeOptions) { o.subscribe(options) }
func (o StreamOption) applyWatch(options *watchOptions)         { o.watch(options) }

// WithConsumerName names this consumer in delivery timelines, for instance by its pod's name.
func WithConsumerName(name string) StreamOption {
	return StreamOption{
		func(o *subscribeOptions) { o.consumerName = name },
		func(o *watchOptions) { o.request.ConsumerName = name },
	}
}

// WithStateHook has each change of state told, one at a time and in order. The hook must not block,
// for the next stream waits for it, and must not call Stop.
func WithStateHook(hook func(StateChange)) StreamOption {
	return StreamOption{
		func(o *subscribeOptions) { o.onState = hook },
		func(o *watchOptions) { o.onState = hook },
	}
}

// CreateIfMissing creates the subscription if there is none of its name. Without it, a missing one is
// ErrNotFound; if it exists with another specification, that is ErrFailedPrecondition.
func CreateIfMissing(spec SubscriptionSpec) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.createIfMissing = spec.Proto() })
}

// WithMaxOutstandingEvents bounds the events that are here and not settled (1,000).
func WithMaxOutstandingEvents(events int) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.maxOutstandingEvents = events })
}

// WithMaxOutstandingBytes bounds their serialised size (16 MiB); one event is always let through.
func WithMaxOutstandingBytes(bytes int64) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.maxOutstandingBytes = bytes })
}

// WithAckDeadline is how long an event may be silent here, after a crash say, before another consumer
// has it: 1 s to 10 min, by default as the subscription is set. A handler may take longer; see
// [WithMaxExtension].
func WithAckDeadline(deadline time.Duration) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.ackDeadline = deadline })
}

// WithMaxExtension is for how long (1 h), counted from its arrival, an event that waits here or is
// being handled has its deadline extended. Zero: nothing is extended by itself.
func WithMaxExtension(longest time.Duration) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.maxExtension = longest })
}

// WithConcurrency is how many calls of the handler run at once (1). With 1, events are handled in the
// order of their arrival.
func WithConcurrency(handlers int) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.concurrency = handlers })
}

// WithGrace is how long a stop waits for running handlers (30 s).
func WithGrace(grace time.Duration) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.grace = grace })
}

// WithConfirmationTimeout is how long a stop waits then for the gateway's answers (10 s).
func WithConfirmationTimeout(timeout time.Duration) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.confirmationTimeout = timeout })
}

// Settled is what a settlement hook is told.
type Settled struct {
	DeliveryID string
	EventID    string
	Settlement Settlement
	// Err is nil if it was done as asked, durably; else as of [Result].
	Err error
}

// WithSettlementHook has each answer to a settlement told. The hook must not block, for reading waits
// for it, and must not call Stop.
func WithSettlementHook(hook func(Settled)) SubscribeOption {
	return subscribeOption(func(o *subscribeOptions) { o.onSettled = hook })
}
