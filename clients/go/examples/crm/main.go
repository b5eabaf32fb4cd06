// Program crm writes a wrap-up for each call that has ended, as a backend of a CRM would.
//
// It is idempotent: an event may come again, and its event_id names the wrap-up, so that a second one
// changes nothing. A database would do the same by a unique key.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"onhook.dev/onhook"
)

// wrapUp is what the CRM keeps of a call.
type wrapUp struct {
	EventID  string        `json:"event_id"`
	Customer string        `json:"customer"`
	EndedAt  time.Time     `json:"ended_at"`
	Talked   time.Duration `json:"talked_ns"`
	Outcome  string        `json:"outcome"`
}

// book is a folder of wrap-ups.
type book struct{ folder string }

// handle returns nil only once the wrap-up is safe: then the event is acknowledged.
func (b *book) handle(_ context.Context, delivery *onhook.Delivery) error {
	event := delivery.Event
	if event.CallData == nil || *event.CallData == "" {
		// Nobody can tell whose call it was, however often it comes.
		return onhook.Park(errors.New("the call has no callData to find the customer by"))
	}
	entry := wrapUp{
		EventID:  event.EventID,
		Customer: *event.CallData,
		EndedAt:  event.ReleaseTime,
		Outcome:  event.ReleaseReason.String(),
	}
	if event.TalkDuration != nil {
		entry.Talked = *event.TalkDuration
	}
	return b.save(entry)
}

// save writes the wrap-up whole or not at all; once more is no error.
func (b *book) save(entry wrapUp) error {
	path := filepath.Join(b.folder, url.PathEscape(entry.EventID)+".json")
	if _, err := os.Stat(path); err == nil {
		return nil // it came before
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	content, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	draft, err := os.CreateTemp(b.folder, ".draft-*")
	if err != nil {
		return err
	}
	_, err = draft.Write(append(content, '\n'))
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return err
	}
	return syncFolder(b.folder)
}

// syncFolder makes the name as durable as the content.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func run() error {
	server := flag.String("server", "127.0.0.1:50051", "the gateway's gRPC address")
	folder := flag.String("folder", ".", "where wrap-ups are written")
	flag.Parse()

	client, err := onhook.NewClient(*server)
	if err != nil {
		return err
	}
	// SIGTERM stops it: running handlers finish, and what is acknowledged is confirmed.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = client.Receive(ctx, "crm", (&book{*folder}).handle,
		onhook.CreateIfMissing(onhook.SubscriptionSpec{}),
		onhook.WithConcurrency(8),
		onhook.WithStateHook(func(change onhook.StateChange) {
			if change.Err != nil {
				log.Printf("%s: %v", change.State, change.Err)
			}
		}))
	return errors.Join(err, client.Close())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "crm:", err)
		os.Exit(1)
	}
}
