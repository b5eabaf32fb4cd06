package onhook_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

// world is a gateway and a client of it. Its time is the bubble's: it passes when all wait.
type world struct {
	*testing.T
	gateway *onhooktest.Gateway
	client  *onhook.Client
	begun   time.Time
}

// inWorld runs a test. What still receives at its end is stopped.
func inWorld(t *testing.T, test func(w *world), options ...onhooktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, gateway: onhooktest.NewGateway(options...), begun: time.Now()}
		t.Cleanup(w.gateway.Close)
		client, err := w.gateway.Client(onhook.WithBackoff(100*time.Millisecond, 30*time.Second))
		w.must(err)
		w.client = client
		t.Cleanup(func() { w.must(client.Close()) })
		w.gateway.CreateSubscription("crm")
		test(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// ctx bounds what is awaited, in the bubble's time.
func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	w.Cleanup(cancel)
	return ctx
}

func (w *world) publish(calls ...string) {
	for _, call := range calls {
		w.gateway.Publish(onhooktest.NewEvent(call))
	}
}

// settlements waits for so many.
func (w *world) settlements(count int) []onhooktest.Settlement {
	w.Helper()
	settlements, err := w.gateway.AwaitSettlements(w.ctx(), count)
	if err != nil {
		w.Fatalf("%d settlements of %d: %v", len(settlements), count, err)
	}
	return settlements
}

func (w *world) actions() []onhook.Action {
	var actions []onhook.Action
	for _, settlement := range w.gateway.Settlements() {
		actions = append(actions, settlement.Action)
	}
	return actions
}

// subscriber receives "crm" until the test's end.
func (w *world) subscriber(handler onhook.Handler, options ...onhook.SubscribeOption) *onhook.Subscriber {
	subscriber := w.client.Subscribe(context.Background(), "crm", handler, options...)
	w.Cleanup(func() { _ = subscriber.Stop(ended()) })
	return subscriber
}

func (w *world) stream(options ...onhook.SubscribeOption) *onhook.DeliveryStream {
	stream := w.client.Stream(context.Background(), "crm", options...)
	w.Cleanup(func() { _ = stream.Stop(ended()) })
	return stream
}

// next is the next delivery of a stream.
func (w *world) next(stream *onhook.DeliveryStream) *onhook.Delivery {
	w.Helper()
	delivery, err := stream.Next(w.ctx())
	w.must(err)
	return delivery
}

// ended is a context that is over: a stop with it waits for no handler.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func call(delivery *onhook.Delivery) string { return *delivery.Event.CallSerialNo }

func equal[T comparable](t testing.TB, got, wanted T, what string) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %v, wanted %v", what, got, wanted)
	}
}

func equalAll[T comparable](t testing.TB, got, wanted []T, what string) {
	t.Helper()
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: %v, wanted %v", what, got, wanted)
	}
}

// journal gathers what several goroutines note.
type journal[T any] struct {
	mu    sync.Mutex
	notes []T
}

func (j *journal[T]) note(what T) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, what)
}

func (j *journal[T]) all() []T {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.notes)
}

// handler is one whose calls a test answers itself.
type handler struct {
	calls chan *onhook.Delivery
	reply chan error
}

func newHandler() *handler {
	return &handler{make(chan *onhook.Delivery), make(chan error)}
}

func (h *handler) handle(ctx context.Context, delivery *onhook.Delivery) error {
	h.calls <- delivery
	select {
	case err := <-h.reply:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// states is a hook that notes the states, and what it was told last.
type states struct{ journal[onhook.StateChange] }

func (s *states) names() []string {
	var names []string
	for _, change := range s.all() {
		names = append(names, change.State.String())
	}
	return names
}

func (s *states) count(state onhook.State) int {
	count := 0
	for _, change := range s.all() {
		if change.State == state {
			count++
		}
	}
	return count
}

func events(count int) []*onhookpb.ReleaseEvent {
	made := make([]*onhookpb.ReleaseEvent, count)
	for i := range made {
		made[i] = onhooktest.NewEvent("c-" + strconv.Itoa(i))
	}
	return made
}
