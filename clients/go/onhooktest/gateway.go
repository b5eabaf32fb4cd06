package onhooktest

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
)

// Settlement is what a gateway was told of one delivery, and has done.
type Settlement struct {
	onhook.Settlement
	Subscription string
	EventID      string
	DeliveryID   string
	Attempt      int
	ConsumerName string
}

// Extension is what a gateway was asked for one delivery, and has done.
type Extension struct {
	EventID    string
	DeliveryID string
	Deadline   time.Duration
	At         time.Time
}

// Option sets up a [Gateway].
type Option func(*Gateway)

// WithHeartbeatInterval is how long a stream is silent at most (15 s).
func WithHeartbeatInterval(interval time.Duration) Option {
	return func(g *Gateway) { g.heartbeatInterval = interval }
}

// WithRetryBackoff is when an event comes again that was given back without a delay (10 ms; a real
// gateway takes 1 s and more).
func WithRetryBackoff(backoff time.Duration) Option {
	return func(g *Gateway) { g.retryBackoff = backoff }
}

// WithServerOptions hands options on to its gRPC server.
func WithServerOptions(options ...grpc.ServerOption) Option {
	return func(g *Gateway) { g.serverOptions = append(g.serverOptions, options...) }
}

// WithListener serves there too, for programs that are tested as they are.
func WithListener(listener net.Listener) Option {
	return func(g *Gateway) { g.listeners = append(g.listeners, listener) }
}

// Gateway is a gateway in this process, in memory. All methods may be called by several goroutines. It
// works in a bubble of testing/synctest too.
type Gateway struct {
	heartbeatInterval time.Duration
	retryBackoff      time.Duration
	serverOptions     []grpc.ServerOption
	pipe              *bufconn.Listener
	listeners         []net.Listener
	server            *grpc.Server
	serving           sync.WaitGroup

	mu            sync.Mutex
	events        []*onhookpb.ReleaseEvent // in order; the first has the sequence kept+1
	kept          int                      // events that are no longer kept
	subscriptions map[string]*subscription
	streams       []*stream
	watches       []*watch
	settlements   []Settlement
	extensions    []Extension
	attached      int
	connections   int
	refusal       error
	mute          bool
	judge         func(Settlement) onhookpb.AckResults_Result
	changed       chan struct{} // closed and made anew with each change
}

// NewGateway starts a gateway; Close ends it.
func NewGateway(options ...Option) *Gateway {
	g := &Gateway{
		heartbeatInterval: 15 * time.Second,
		retryBackoff:      10 * time.Millisecond,
		pipe:              bufconn.Listen(1 << 20),
		subscriptions:     map[string]*subscription{},
		changed:           make(chan struct{}),
	}
	for _, option := range options {
		option(g)
	}
	g.server = grpc.NewServer(g.serverOptions...)
	onhookpb.RegisterReleaseEventServiceServer(g.server, &service{gateway: g})
	for _, listener := range append(g.listeners, g.pipe) {
		g.serving.Go(func() {
			_ = g.server.Serve(listener) // it ends by Close only
		})
	}
	return g
}

// Close ends all streams, and the gateway.
func (g *Gateway) Close() {
	g.server.Stop()
	g.serving.Wait()
}

// Client makes a client of this gateway.
func (g *Gateway) Client(options ...onhook.ClientOption) (*onhook.Client, error) {
	dialer := onhook.WithDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		connection, err := g.pipe.DialContext(ctx)
		if err == nil {
			g.mu.Lock()
			g.connections++
			g.mu.Unlock()
		}
		return connection, err
	})
	return onhook.NewClient("localhost:50051", append([]onhook.ClientOption{dialer}, options...)...)
}

// CreateSubscription makes a subscription, which owes all that is kept.
func (g *Gateway) CreateSubscription(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.createLocked(name, nil)
}

func (g *Gateway) createLocked(name string, spec *onhookpb.SubscriptionSpec) {
	created := &subscription{
		gateway: g, name: name, filter: spec.GetFilter(), deliveries: map[string]*owed{},
	}
	g.subscriptions[name] = created
	if spec.GetStartPosition() == onhookpb.StartPosition_START_POSITION_LATEST {
		return
	}
	for i, event := range g.events {
		created.oweLocked(event, g.kept+i+1, onhookpb.Delivery_REDELIVERY_REASON_UNSPECIFIED)
	}
}

// Seek sends a subscription back to the oldest event kept. Deliveries from before are unknown then.
func (g *Gateway) Seek(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sought := g.subscriptions[name]
	for _, entry := range sought.entries {
		sought.takeLocked(entry)
		entry.settled = true // its timers find nothing to do
	}
	sought.entries, sought.deliveries = nil, map[string]*owed{}
	for i, event := range g.events {
		sought.oweLocked(event, g.kept+i+1, onhookpb.Delivery_REDELIVERY_REASON_SEEK)
	}
	sought.dispatchLocked()
}

// DeleteSubscription ends its streams as a gateway does.
func (g *Gateway) DeleteSubscription(name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, stream := range g.streams {
		if stream.subscription.name == name {
			stream.goAwayLocked(onhookpb.GoAway_REASON_SUBSCRIPTION_DELETED, time.Second)
		}
	}
	delete(g.subscriptions, name)
}

// Publish stores events and delivers them. They may be anything that a message can be.
func (g *Gateway) Publish(events ...*onhookpb.ReleaseEvent) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, event := range events {
		g.events = append(g.events, event)
		for _, subscription := range g.subscriptions {
			subscription.oweLocked(event, g.kept+len(g.events), onhookpb.Delivery_REDELIVERY_REASON_UNSPECIFIED)
		}
	}
	for _, subscription := range g.subscriptions {
		subscription.dispatchLocked()
	}
	for _, watch := range g.watches {
		watch.wakeUp()
	}
}

// Forget has the oldest events be kept no longer, so that a watch behind them finds a gap.
func (g *Gateway) Forget(events int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	events = min(events, len(g.events))
	g.events = g.events[events:]
	g.kept += events
}

// Settlements are what the gateway was told and has done, in order.
func (g *Gateway) Settlements() []Settlement {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.settlements)
}

// AwaitSettlements waits until the gateway has done so many, and returns them all.
func (g *Gateway) AwaitSettlements(ctx context.Context, count int) ([]Settlement, error) {
	err := g.await(ctx, func() bool { return len(g.settlements) >= count })
	return g.Settlements(), err
}

// AwaitNothingOwed waits until all that was published is settled for a subscription.
func (g *Gateway) AwaitNothingOwed(ctx context.Context, name string) error {
	return g.await(ctx, func() bool {
		subscription := g.subscriptions[name]
		return subscription != nil && len(subscription.entries) == 0
	})
}

// Extensions are what the gateway was asked and has done, in order.
func (g *Gateway) Extensions() []Extension {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.extensions)
}

// Streams is how many streams of subscriptions are open.
func (g *Gateway) Streams() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.streams)
}

// Attached is how many streams of subscriptions have been opened, ever.
func (g *Gateway) Attached() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.attached
}

// AwaitAttached waits until so many have been.
func (g *Gateway) AwaitAttached(ctx context.Context, count int) error {
	return g.await(ctx, func() bool { return g.attached >= count })
}

// Connections is how many connections its clients have made, ever.
func (g *Gateway) Connections() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.connections
}

func (g *Gateway) await(ctx context.Context, condition func() bool) error {
	for {
		g.mu.Lock()
		holds, changed := condition(), g.changed
		g.mu.Unlock()
		if holds {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (g *Gateway) noteLocked() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// Refuse has every call fail with err from now on; nil: no longer. Streams that are open stay.
func (g *Gateway) Refuse(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refusal = err
}

// EndStreams ends all streams that are open with err, for instance status.Error(codes.Unavailable, "").
func (g *Gateway) EndStreams(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, stream := range g.streams {
		stream.finish(err)
	}
	for _, watch := range g.watches {
		watch.finish(err)
	}
}

// GoAway announces the end of all streams that are open. They end by themselves when their client
// half-closes them, or when the deadline is over.
func (g *Gateway) GoAway(reason onhookpb.GoAway_Reason, drainDeadline time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, stream := range g.streams {
		stream.goAwayLocked(reason, drainDeadline)
	}
	for _, watch := range g.watches {
		watch.goAwayLocked(reason)
	}
}

// FallSilent has the streams that are open now say nothing more, as if their packets were lost.
func (g *Gateway) FallSilent() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, stream := range g.streams {
		stream.silent = true
	}
	for _, watch := range g.watches {
		watch.silent = true
	}
}

// WithholdAnswers has the gateway do what it is told without saying so, until it is called with false.
// Answers that were withheld are lost.
func (g *Gateway) WithholdAnswers(withhold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mute = withhold
}

// JudgeWith asks about each settlement and extension (which comes as an ActionRetry without a reason)
// before it is done: any result but RESULT_UNSPECIFIED refuses it.
func (g *Gateway) JudgeWith(judge func(Settlement) onhookpb.AckResults_Result) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.judge = judge
}

// Unavailable is the error of a gateway that is away.
func Unavailable() error { return status.Error(codes.Unavailable, "the fake gateway is away") }
