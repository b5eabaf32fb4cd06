// Package onhook receives release events from an Onhook gateway: the hang-ups of a contact centre's
// calls, each delivered at least once.
//
//	client, err := onhook.NewClient("127.0.0.1:50051")
//	...
//	err = client.Receive(ctx, "crm", func(ctx context.Context, delivery *onhook.Delivery) error {
//		return store(ctx, delivery.Event) // under its EventID: it may come again
//	})
//
// [Client.Receive] and [Client.Subscribe] call a handler with the events of a durable subscription;
// [Client.Stream] gives them one by one to a loop. [Client.Watch] reads the log from a place that the
// reader keeps. [Client.GetEvent] and [Client.ListEvents] look up what is stored. [Client.Conn] is for
// the other services of the gateway, by the generated stubs of package onhookpb.
//
// # What it keeps
//
// An event is acknowledged only after its handler returned nil, or its loop called Ack, and only a
// confirmed acknowledgement holds: one without an answer is sent again, on the next stream if need be.
// While an event is here its deadline is extended. A stream that ends is opened again under the same
// name, with growing pauses; one that goes away as planned is replaced first. A stop loses nothing and
// burns no attempt. The README's table of options has all defaults.
//
// # Errors
//
// What the gateway says is an [Error], with its code, words, reason and metadata; errors.Is compares it
// with [ErrNotFound] and its like, errors.As gets at the whole, or at a [GapError] or an
// [UnconfirmedError].
package onhook
