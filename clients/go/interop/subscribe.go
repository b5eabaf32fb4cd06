package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"onhook.dev/onhook"
)

// subscribed is the one subscription of this run.
type subscribed struct {
	program *program
	flow    interface {
		Pause()
		Resume()
		Stop(ctx context.Context) error
		Done() <-chan struct{}
		Err() error
	}
	stream *onhook.DeliveryStream // of the iterator form

	mu         sync.Mutex
	deliveries map[int]*onhook.Delivery
	answers    map[int]chan error // what the handler with that number is to return
	handled    int
	first      time.Time
	last       time.Time
	log        *bufio.Writer
	logFile    *os.File
}

func (p *program) subscribe(c command) {
	if p.clientErr != nil {
		p.report("state", stateReport(onhook.StateChange{State: onhook.StateStopped, Err: p.clientErr}))
		p.ended(p.clientErr)
		return
	}
	s := &subscribed{program: p, deliveries: map[int]*onhook.Delivery{}, answers: map[int]chan error{}}
	if c.Log != "" {
		file, err := os.OpenFile(c.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			fatal(err)
		}
		s.logFile, s.log = file, bufio.NewWriter(file)
	}
	p.subscribed = s
	options := s.options(c)
	ctx := context.Background()
	if c.Form == "iterator" {
		s.stream = p.client.Stream(ctx, c.Subscription, options...)
		s.flow = s.stream
		go s.iterate(ctx, c.Auto == "ack")
	} else {
		s.flow = p.client.Subscribe(ctx, c.Subscription, s.handler(c.Auto == "ack"), options...)
	}
	go s.awaitEnd()
}

func (s *subscribed) options(c command) []onhook.SubscribeOption {
	options := []onhook.SubscribeOption{
		onhook.WithStateHook(func(change onhook.StateChange) {
			s.program.report("state", stateReport(change))
		}),
		onhook.WithConsumerName(c.ConsumerName),
	}
	if c.Create {
		options = append(options, onhook.CreateIfMissing(onhook.SubscriptionSpec{}))
	}
	if c.MaxOutstandingEvents > 0 {
		options = append(options, onhook.WithMaxOutstandingEvents(c.MaxOutstandingEvents))
	}
	if c.Concurrency > 0 {
		options = append(options, onhook.WithConcurrency(c.Concurrency))
	}
	if c.AckDeadlineMs > 0 {
		options = append(options, onhook.WithAckDeadline(milliseconds(c.AckDeadlineMs)))
	}
	if c.MaxExtensionMs != nil {
		options = append(options, onhook.WithMaxExtension(milliseconds(*c.MaxExtensionMs)))
	}
	if c.GraceMs != nil {
		options = append(options, onhook.WithGrace(milliseconds(*c.GraceMs)))
	}
	return options
}

func (s *subscribed) handler(auto bool) onhook.Handler {
	if auto {
		return func(_ context.Context, delivery *onhook.Delivery) error {
			s.note(delivery)
			return nil
		}
	}
	return func(ctx context.Context, delivery *onhook.Delivery) error {
		number, answer := s.keep(delivery)
		s.reportDelivery(number, delivery)
		select {
		case err := <-answer:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *subscribed) iterate(ctx context.Context, auto bool) {
	for delivery, err := range s.stream.All(ctx) {
		if err != nil {
			return // awaitEnd tells
		}
		if auto {
			s.note(delivery)
			delivery.Ack()
			continue
		}
		number, _ := s.keep(delivery)
		s.reportDelivery(number, delivery)
	}
}

// note is what is done with a delivery that is acknowledged at once.
func (s *subscribed) note(delivery *onhook.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked()
	if s.log != nil {
		if _, err := fmt.Fprintf(s.log, "%s %d\n", delivery.Event.EventID, delivery.Attempt); err != nil {
			fatal(err)
		}
	}
}

func (s *subscribed) countLocked() {
	s.last = time.Now()
	if s.handled == 0 {
		s.first = s.last
	}
	s.handled++
}

func (s *subscribed) keep(delivery *onhook.Delivery) (int, chan error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countLocked()
	answer := make(chan error, 1)
	s.deliveries[s.handled], s.answers[s.handled] = delivery, answer
	return s.handled, answer
}

func (s *subscribed) reportDelivery(number int, delivery *onhook.Delivery) {
	var traceparent any
	if trace, found := delivery.TraceCarrier()["traceparent"]; found {
		traceparent = trace
	}
	s.program.report("delivery", members{
		"number":            number,
		"delivery_id":       delivery.ID,
		"event_id":          delivery.Event.EventID,
		"cursor":            delivery.Cursor,
		"attempt":           delivery.Attempt,
		"redelivery_reason": delivery.RedeliveryReason.String(),
		"traceparent":       traceparent,
		"event":             serialised(delivery.Event),
		"native":            native(delivery.Event),
	})
}

func (s *subscribed) settle(c command) {
	s.mu.Lock()
	delivery, answer := s.deliveries[c.Number], s.answers[c.Number]
	s.mu.Unlock()
	if s.stream == nil {
		answer <- returned(c)
		return
	}
	result := said(delivery, c)
	go func() {
		// A context that never ends: the library answers at the end of the subscription at the latest.
		s.program.report("settled", answered(c.Number, result.Wait(context.Background())))
	}()
}

// returned is what a handler returns.
func returned(c command) error {
	reason := errors.New(c.Reason)
	switch c.How {
	case "ack":
		return nil
	case "retry":
		if c.DelayMs != nil {
			return onhook.RetryAfter(milliseconds(*c.DelayMs), reason)
		}
	case "park":
		return onhook.Park(reason)
	case "skip":
		return onhook.Skip(reason)
	case "release":
		return onhook.Release(reason)
	}
	return reason
}

// said is what a loop says of its delivery.
func said(delivery *onhook.Delivery, c command) *onhook.Result {
	switch c.How {
	case "ack":
		return delivery.Ack()
	case "park":
		return delivery.Park(c.Reason)
	case "skip":
		return delivery.Skip(c.Reason)
	case "release":
		return delivery.Release(c.Reason)
	}
	if c.DelayMs != nil {
		return delivery.RetryAfter(milliseconds(*c.DelayMs), c.Reason)
	}
	return delivery.Retry(c.Reason)
}

func (s *subscribed) extend(c command) {
	s.mu.Lock()
	delivery := s.deliveries[c.Number]
	s.mu.Unlock()
	result := delivery.Extend(milliseconds(c.DeadlineMs))
	go func() { s.program.report("extended", answered(c.Number, result.Wait(context.Background()))) }()
}

func (s *subscribed) count() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program.report("count", members{"handled": s.handled, "elapsed_ms": s.last.Sub(s.first).Milliseconds()})
}

// stop's error is told by awaitEnd.
func (s *subscribed) stop(ctx context.Context) { _ = s.flow.Stop(ctx) }

func (s *subscribed) awaitEnd() {
	<-s.flow.Done()
	s.mu.Lock()
	if s.log != nil {
		if err := errors.Join(s.log.Flush(), s.logFile.Close()); err != nil {
			fatal(err)
		}
		s.log = nil
	}
	s.mu.Unlock()
	s.program.ended(s.flow.Err())
}
