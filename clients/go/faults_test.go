package onhook_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

// misbehave has the gateway do something that gateways and networks do, for a moment.
func misbehave(gateway *onhooktest.Gateway, random *rand.Rand) {
	moment := func() { time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond) }
	switch random.IntN(7) {
	case 0:
		gateway.EndStreams(onhooktest.Unavailable())
	case 1:
		gateway.GoAway(onhookpb.GoAway_REASON_MAX_AGE, 5*time.Second)
	case 2:
		gateway.GoAway(onhookpb.GoAway_REASON_SHUTDOWN, time.Second)
	case 3:
		gateway.FallSilent()
	case 4:
		gateway.WithholdAnswers(true)
		moment()
		gateway.WithholdAnswers(false)
		gateway.EndStreams(onhooktest.Unavailable()) // else nobody would know that answers are missing
	case 5:
		gateway.Refuse(onhooktest.Unavailable())
		gateway.EndStreams(onhooktest.Unavailable())
		moment()
		gateway.Refuse(nil)
	case 6:
		left := 1 + random.IntN(50)
		gateway.JudgeWith(func(onhooktest.Settlement) onhookpb.AckResults_Result {
			if left--; left < 0 {
				return onhookpb.AckResults_RESULT_UNSPECIFIED
			}
			return onhookpb.AckResults_RESULT_RETRY_LATER
		})
	}
	moment()
}

// ledger notes what happens to events, and finds what must not.
type ledger struct {
	t       *testing.T
	mu      sync.Mutex
	running map[string]bool
	acked   map[string]bool
}

func (l *ledger) begin(eventID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running[eventID] {
		l.t.Errorf("%s is handled twice at once", eventID)
	}
	l.running[eventID] = true
}

func (l *ledger) end(eventID string, acked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, eventID)
	l.acked[eventID] = l.acked[eventID] || acked
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := 0
	for _, acked := range l.acked {
		if acked {
			done++
		}
	}
	return done
}

func TestNothingIsLostWhateverTheGatewayDoes(t *testing.T) {
	for range 10 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inWorld(t, func(w *world) { survive(w, seed) }, onhooktest.WithHeartbeatInterval(time.Second))
		})
	}
}

func survive(w *world, seed uint64) {
	const count = 300
	random := rand.New(rand.NewPCG(seed, 0))
	// Handlers run at once: each decides by the event, not by the order.
	slow := time.Duration(random.IntN(4000)) * time.Millisecond
	events := events(count)
	done := &ledger{t: w.T, running: map[string]bool{}, acked: map[string]bool{}}
	subscriber := w.subscriber(func(_ context.Context, delivery *onhook.Delivery) error {
		done.begin(delivery.Event.EventID)
		dice := rand.New(rand.NewPCG(seed, uint64(len(delivery.ID))+uint64(delivery.ID[len(delivery.ID)-1])))
		time.Sleep(time.Duration(dice.Int64N(int64(slow) + 1)))
		fails := dice.IntN(10) == 0
		done.end(delivery.Event.EventID, !fails)
		if fails {
			return errors.New("no luck")
		}
		return nil
	}, onhook.WithConcurrency(1+random.IntN(20)), onhook.WithMaxOutstandingEvents(1+random.IntN(100)),
		onhook.WithAckDeadline(2*time.Second))
	for len(events) > 0 {
		batch := min(len(events), 1+random.IntN(40))
		w.gateway.Publish(events[:batch]...)
		events = events[batch:]
		misbehave(w.gateway, random)
	}
	w.gateway.JudgeWith(nil)
	w.must(w.gateway.AwaitNothingOwed(w.ctx(), "crm"))
	w.must(subscriber.Stop(context.Background()))
	settled := map[string]bool{}
	for _, settlement := range w.gateway.Settlements() {
		if settlement.Action == onhook.ActionAck {
			settled[settlement.EventID] = true
		}
	}
	equal(w, len(settled), count, "events acknowledged, as the gateway has it")
	equal(w, done.count(), count, "events handled with success")
}
