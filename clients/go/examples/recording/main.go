// Program recording fetches the recording of each call that has ended.
//
// What may pass (the media server is away, or asks for time) is tried again; what cannot succeed (there
// is no such recording) is parked, for a person to look at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"onhook.dev/onhook"
)

// fetcher copies recordings from a media server into a folder.
type fetcher struct {
	media  string // the base of the media server's URLs
	folder string
	client *http.Client
}

// handle may take as long as a recording needs: the event's deadline is extended meanwhile.
func (f *fetcher) handle(ctx context.Context, delivery *onhook.Delivery) error {
	event := delivery.Event
	if event.Recordfile == nil || *event.Recordfile == "" {
		return onhook.Skip(errors.New("the call was not recorded"))
	}
	source, err := url.JoinPath(f.media, *event.Recordfile)
	if err != nil {
		return onhook.Park(err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return onhook.Park(err)
	}
	for name, value := range delivery.TraceCarrier() {
		request.Header.Set(name, value)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return err // the network: again, after the gateway's backoff
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	if err := judge(response); err != nil {
		return err
	}
	return f.save(event.EventID, response.Body)
}

// judge tells what becomes of the event by the media server's answer.
func judge(response *http.Response) error {
	err := fmt.Errorf("the media server answered %s", response.Status)
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if seconds, parseErr := strconv.Atoi(response.Header.Get("Retry-After")); parseErr == nil {
			return onhook.RetryAfter(min(time.Duration(seconds)*time.Second, time.Hour), err)
		}
		return err
	case code == http.StatusNotFound, code == http.StatusGone, code == http.StatusForbidden:
		return onhook.Park(err)
	default:
		return err
	}
}

// save gives the recording its name when it is whole; a second time replaces it by itself.
func (f *fetcher) save(eventID string, content io.Reader) error {
	draft, err := os.CreateTemp(f.folder, ".draft-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(draft, content)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	if err := os.Rename(draft.Name(), filepath.Join(f.folder, url.PathEscape(eventID)+".wav")); err != nil {
		return err
	}
	return syncFolder(f.folder)
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
	media := flag.String("media", "http://127.0.0.1:8090/", "the base of the media server's URLs")
	folder := flag.String("folder", ".", "where recordings are written")
	flag.Parse()

	client, err := onhook.NewClient(*server)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fetch := &fetcher{media: *media, folder: *folder, client: http.DefaultClient}
	// Short, so that a process that died loses its events soon; a slow download is extended.
	err = client.Receive(ctx, "recording", fetch.handle,
		onhook.CreateIfMissing(onhook.SubscriptionSpec{}),
		onhook.WithConcurrency(4),
		onhook.WithMaxOutstandingEvents(8),
		onhook.WithAckDeadline(10*time.Second))
	return errors.Join(err, client.Close())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "recording:", err)
		os.Exit(1)
	}
}
