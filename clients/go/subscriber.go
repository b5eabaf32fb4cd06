package onhook

import (
	"context"
	"iter"
)

// Handler handles one delivery. A handler that returns nil has acknowledged its event; one that
// returns an error has given it back, to come again after the gateway's backoff, with the error's text
// as reason. [RetryAfter], [Park], [Skip] and [Release] make errors that ask for something else.
//
// The context has the values of the one that the subscription was begun with, and the delivery (see
// [DeliveryFromContext]). It ends only when the grace of a stop is over: see [ErrGraceOver].
// A handler that panics ends the program, as any goroutine does; its event comes again.
type Handler func(ctx context.Context, delivery *Delivery) error

// Receive calls handler with the events of a subscription, and blocks until ctx is done, which stops it
// as [Subscriber.Stop] does, or until repeating cannot help: then it returns the [Error].
//
// After a stop it returns nil if every acknowledgement was confirmed, else an [UnconfirmedError].
//
// The same event may come again: after a lost connection, a restart, a deadline that passed.
// Event.EventID tells. While an event waits here or is being handled, its deadline is extended
// ([WithMaxExtension]), and it is not handled a second time at once.
func (c *Client) Receive(ctx context.Context, subscription string, handler Handler,
	options ...SubscribeOption) error {
	subscriber := c.Subscribe(ctx, subscription, handler, options...)
	<-subscriber.Done()
	return subscriber.Err()
}

// Subscribe is Receive that does not block.
func (c *Client) Subscribe(ctx context.Context, subscription string, handler Handler,
	options ...SubscribeOption) *Subscriber {
	return &Subscriber{c.newSubscription(ctx, subscription, handler, options)}
}

// Subscriber is a subscription that is being received by a handler. Its methods may be called by
// several goroutines.
type Subscriber struct {
	subscription *subscription
}

// Pause stops new deliveries. The stream stays; what is here already is handled.
func (s *Subscriber) Pause() { s.subscription.pause(true) }

// Resume goes on after Pause.
func (s *Subscriber) Resume() { s.subscription.pause(false) }

// Stop has no further event handled, releases what no handler has begun, to other consumers and
// without burning an attempt, waits for the handlers that run, then for the gateway's confirmations,
// and ends the stream.
//
// Handlers have until [WithGrace] is over or ctx is done; what one holds then is released too. The
// confirmations take up to [WithConfirmationTimeout] beyond that.
//
// Stop returns as [Client.Receive] does. It must not be called by the handler; to stop from there,
// cancel the context that the subscription was begun with.
func (s *Subscriber) Stop(ctx context.Context) error { return s.subscription.stop(ctx) }

// Done is closed once it has ended: after a stop, or because repeating could not help.
func (s *Subscriber) Done() <-chan struct{} { return s.subscription.done }

// Err is why, once Done is closed, as Receive returns it; nil before.
func (s *Subscriber) Err() error { return s.subscription.endError() }

// Stream receives a subscription's events for a loop that takes them one by one and settles them
// itself, in any order and by any goroutine. When ctx is done it stops, as by Stop.
func (c *Client) Stream(ctx context.Context, subscription string,
	options ...SubscribeOption) *DeliveryStream {
	return &DeliveryStream{c.newSubscription(ctx, subscription, nil, options)}
}

// DeliveryStream is a subscription whose deliveries are taken one by one. Its methods may be called by
// several goroutines.
type DeliveryStream struct {
	subscription *subscription
}

// Next waits for a delivery. It returns ErrStopped once the stream was stopped (or its context is done), the [Error] that ended
// it, or ctx's error, after which Next may be called again.
func (d *DeliveryStream) Next(ctx context.Context) (*Delivery, error) {
	return d.subscription.next(ctx)
}

// All ranges over deliveries until the stream is stopped, which ends it without an error, or until
// an error, which is its last: as Next has it. Leaving the loop does not stop the stream.
//
//	for delivery, err := range stream.All(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
func (d *DeliveryStream) All(ctx context.Context) iter.Seq2[*Delivery, error] {
	return func(yield func(*Delivery, error) bool) {
		for {
			delivery, err := d.Next(ctx)
			if err == ErrStopped {
				return
			}
			if !yield(delivery, err) || err != nil {
				return
			}
		}
	}
}

// Pause stops new deliveries. The stream stays; what is here already is handed over.
func (d *DeliveryStream) Pause() { d.subscription.pause(true) }

// Resume goes on after Pause.
func (d *DeliveryStream) Resume() { d.subscription.pause(false) }

// Stop hands out nothing further and waits, as [Subscriber.Stop] does for handlers, until what was
// handed out is settled.
func (d *DeliveryStream) Stop(ctx context.Context) error { return d.subscription.stop(ctx) }

// Done is closed once it has ended: after a stop, or because repeating could not help.
func (d *DeliveryStream) Done() <-chan struct{} { return d.subscription.done }

// Err is why, once Done is closed, as [Client.Receive] returns it; nil before.
func (d *DeliveryStream) Err() error { return d.subscription.endError() }

func (s *subscription) endError() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}
