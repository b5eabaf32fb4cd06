package onhook_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func book(context.Context, *onhook.ReleaseEvent) error { return nil }

func keep(string) {}

var errNoSuchCustomer = errors.New("no such customer")

func ExampleClient_Receive() {
	ctx := context.Background()
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	err = client.Receive(ctx, "crm", func(ctx context.Context, delivery *onhook.Delivery) error {
		err := book(ctx, delivery.Event)
		switch {
		case errors.Is(err, errNoSuchCustomer):
			return onhook.Park(err) // never like this: to the dead letters
		case errors.Is(err, context.DeadlineExceeded):
			return onhook.RetryAfter(time.Minute, err)
		}
		return err // nil acknowledges; any other error: again, after the gateway's backoff
	}, onhook.WithConcurrency(8))

	var said *onhook.Error
	switch {
	case errors.Is(err, onhook.ErrNotFound):
		log.Fatal("there is no such subscription, or it was deleted")
	case errors.Is(err, onhook.ErrUnconfirmed):
		log.Print(err) // some events may come again
	case errors.As(err, &said):
		log.Fatal(said.Code, said.Message, said.Reason, said.Metadata)
	}
}

func ExampleWithStateHook() {
	ctx := context.Background()
	handler := func(ctx context.Context, delivery *onhook.Delivery) error { return book(ctx, delivery.Event) }
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	subscriber := client.Subscribe(ctx, "crm", handler, onhook.WithStateHook(func(change onhook.StateChange) {
		if change.Err != nil {
			log.Printf("%s: %v", change.State, change.Err)
		}
	}))
	<-subscriber.Done()
}

func ExampleClient_Stream() {
	ctx := context.Background()
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	stream := client.Stream(ctx, "crm")
	for delivery, err := range stream.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		if err := book(ctx, delivery.Event); err != nil {
			delivery.Retry(err.Error())
			continue
		}
		result := delivery.Ack()
		go func() {
			if err := result.Wait(ctx); err != nil {
				log.Printf("%s may come again: %v", delivery.Event.EventID, err)
			}
		}()
	}
	err = stream.Stop(context.Background())
	if err != nil {
		log.Print(err)
	}
}

func ExampleClient_Watch() {
	ctx := context.Background()
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	watch := client.Watch(ctx, onhook.FromEarliest(), onhook.ObserveOnly())
	for event, err := range watch.All(ctx) {
		var gap *onhook.GapError
		if errors.As(err, &gap) {
			log.Fatalf("%d events are gone; the oldest: %s", gap.EventsLost, gap.OldestCursor)
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Event.EventID)
		keep(event.Cursor) // for onhook.After in another process
	}
}

func ExampleClient_ListEvents() {
	ctx := context.Background()
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	for stored, err := range client.ListEvents(onhook.EventQuery{CallSerialNo: "c-1"}).All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		for _, timeline := range stored.Timelines {
			fmt.Println(stored.Event.EventID, timeline.Subscription, timeline.State)
		}
	}
}

func ExampleClient_Conn() {
	ctx := context.Background()
	client, err := onhook.NewClient("127.0.0.1:50051")
	if err != nil {
		log.Fatal(err)
	}

	subscriptions := onhookpb.NewSubscriptionServiceClient(client.Conn())
	_, err = subscriptions.PauseSubscription(ctx, &onhookpb.PauseSubscriptionRequest{Name: "crm"})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleNewClient() {
	client, err := onhook.NewClient("gateway.example.org:50051",
		onhook.WithCAFile("/etc/onhook/ca.crt"), // or WithTLS(): the system's authorities
		onhook.WithCertificateFiles("/etc/onhook/crm.crt", "/etc/onhook/crm.key"),
		onhook.WithTokenFile("/etc/onhook/crm.token"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}

func Example_testing() {
	ctx := context.Background()
	handler := func(ctx context.Context, delivery *onhook.Delivery) error {
		return onhook.Park(errNoSuchCustomer)
	}

	// One handler, without a gateway:
	delivery := onhooktest.NewDelivery(onhooktest.NewEvent("c-1"))
	told := onhooktest.Handle(ctx, handler, delivery)
	fmt.Println(told.Action, told.Reason)

	// All of it, with one:
	gateway := onhooktest.NewGateway()
	defer gateway.Close()
	client, err := gateway.Client()
	if err != nil {
		log.Fatal(err)
	}
	subscriber := client.Subscribe(ctx, "crm", handler, onhook.CreateIfMissing(onhook.SubscriptionSpec{}))
	gateway.Publish(onhooktest.NewEvent("c-2"))
	settlements, err := gateway.AwaitSettlements(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(settlements[0].Action, settlements[0].Attempt)
	if err := subscriber.Stop(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// PARK no such customer
	// PARK 1
}
