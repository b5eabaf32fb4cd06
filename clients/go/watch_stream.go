package onhook

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/protobuf/proto"

	"onhook.dev/onhook/onhookpb"
)

// receive reads one message, opening a stream for it if there is none. The watch has no goroutine of
// its own: whoever waits for an event reads.
func (w *Watch) receive(ctx context.Context) error {
	if w.stream == nil {
		if err := w.open(ctx); err != nil {
			return err
		}
		if w.stream == nil {
			return nil
		}
	}
	stream := w.stream
	// A read cannot be given up alone. The place is known: the next call opens another stream.
	unhook := context.AfterFunc(ctx, stream.cancel)
	silence := listen(func() {
		stream.retire()
		stream.cancel()
	})
	silence.agreeOn(stream.interval)
	response, err := stream.rpc.Recv()
	stream.judge(err)
	if silence.stop() {
		err = unavailable("the gateway was silent for twice as long as it may be")
	}
	if !unhook() {
		w.closeStream()
		return w.gaveUp(ctx)
	}
	if err != nil {
		return w.ended(ctx, err)
	}
	w.take(response)
	return nil
}

func (w *Watch) take(response *onhookpb.WatchResponse) {
	if w.stream.opened.IsZero() {
		w.stream.opened = time.Now()
		w.stream.end.opened = true
		w.tell(StateChange{State: StateStreaming})
	}
	switch said := response.GetResponse().(type) {
	case *onhookpb.WatchResponse_Heartbeat:
		w.advance(said.Heartbeat.GetCursor())
		w.stream.interval = said.Heartbeat.GetInterval().AsDuration()
	case *onhookpb.WatchResponse_Events:
		w.stream.end.brought = true
		w.buffered = said.Events.GetEvents()
	case *onhookpb.WatchResponse_GoAway: // the end follows, and then the next stream
		w.stream.goAway = true
		w.stream.retire()
	}
}

// open opens a stream behind the last event handed over; on an error that passes it leaves none.
func (w *Watch) open(ctx context.Context) error {
	w.tell(StateChange{State: StateConnecting})
	request, isCopy := proto.Clone(w.options.request).(*onhookpb.WatchRequest)
	if !isCopy {
		return errors.New("onhook: a clone of another type")
	}
	if cursor := w.Cursor(); cursor != "" {
		request.Start = &onhookpb.WatchRequest_AfterCursor{AfterCursor: cursor}
	}
	connection, err := w.client.pool.acquire()
	if err != nil {
		return w.failed(ctx, streamEnd{err: err})
	}
	streamContext, cancel := context.WithCancel(w.ctx)
	unhook := context.AfterFunc(ctx, cancel)
	rpc, err := onhookpb.NewReleaseEventServiceClient(streamOpener{connection}).Watch(streamContext, request)
	if !unhook() && ctx.Err() != nil {
		cancel()
		connection.release()
		return w.gaveUp(ctx)
	}
	if err != nil {
		cancel()
		connection.release()
		return w.failed(ctx, streamEnd{err: fromGRPC(err)})
	}
	w.stream = &watchStream{connection: connection, rpc: rpc, cancel: cancel}
	return nil
}

// gaveUp is what whoever waits is told when its context is done: nil if the watch ended with that, which
// Next sees.
func (w *Watch) gaveUp(ctx context.Context) error {
	if w.ctx.Err() != nil {
		return nil
	}
	return ctx.Err()
}

func (w *Watch) ended(ctx context.Context, err error) error {
	end, goneAway := w.stream.end, w.stream.goAway
	if errors.Is(err, io.EOF) {
		if w.options.request.GetStopAtEnd() {
			return w.finish(nil, io.EOF)
		}
		err = unavailable("the gateway ended the stream")
	}
	end.err = fromGRPC(err)
	if end.opened {
		end.lived = time.Since(w.stream.opened)
	}
	w.closeStream()
	if goneAway && end.brought && !w.ends.isFinal(end, time.Now()) {
		w.waits.note(end)
		return nil // planned, and it had been of use: the next one at once
	}
	return w.failed(ctx, end)
}

// failed waits before the next stream, or ends the watch.
func (w *Watch) failed(ctx context.Context, end streamEnd) error {
	if w.ctx.Err() != nil {
		return w.finish(nil, ErrStopped)
	}
	if w.ends.isFinal(end, time.Now()) {
		err := withGap(end.err)
		return w.finish(err, err)
	}
	w.tell(StateChange{State: StateBackingOff, Err: end.err})
	select {
	case <-time.After(w.waits.after(end)):
		return nil
	case <-w.ctx.Done():
		return nil // Next sees it
	case <-ctx.Done():
		return w.gaveUp(ctx)
	}
}
