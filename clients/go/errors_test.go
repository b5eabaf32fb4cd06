package onhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"onhook.dev/onhook"
)

func TestAnErrorKeepsTheGatewaysCodeWordsReasonAndMetadata(t *testing.T) {
	inWorld(t, func(w *world) {
		refusal, err := status.New(codes.PermissionDenied, "you may not").WithDetails(&errdetails.ErrorInfo{
			Reason: "PERMISSION_DENIED", Domain: "onhook",
			Metadata: map[string]string{"permission": "subscribe", "identity": "crm"},
		})
		w.must(err)
		w.gateway.Refuse(refusal.Err())
		_, err = w.client.GetEvent(w.ctx(), "e")
		err = fmt.Errorf("while looking: %w", err)
		var said *onhook.Error
		if !errors.As(err, &said) {
			t.Fatalf("the error: %v", err)
		}
		equal(t, said.Code, codes.PermissionDenied, "code")
		equal(t, said.Message, "you may not", "words")
		equal(t, said.Reason, "PERMISSION_DENIED", "reason")
		equal(t, said.Metadata["permission"], "subscribe", "metadata")
		equal(t, said.Error(), "onhook: PermissionDenied: you may not (PERMISSION_DENIED)", "all of it")
		equal(t, errors.Is(err, onhook.ErrPermissionDenied), true, "it is that")
		equal(t, errors.Is(err, onhook.ErrNotFound), false, "it is something else")
	})
}

func TestAContextThatEndedIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithTimeout(context.Background(), -1)
		defer cancel()
		_, err := w.client.GetEvent(ctx, "e")
		equal(t, errors.Is(err, context.DeadlineExceeded), true, "to whom asks for the context's error")
		equal(t, errors.Is(err, onhook.ErrDeadlineExceeded), true, "to whom asks for the code")
	})
}

func TestErrorsSayWhatTheyAreOf(t *testing.T) {
	gap := &onhook.GapError{Err: &onhook.Error{Code: codes.OutOfRange, Message: "gone"}, EventsLost: 7}
	for _, row := range []struct{ got, wanted string }{
		{gap.Error(), "7 events lost"},
		{(&onhook.UnconfirmedError{Acknowledgements: 3}).Error(), "3 acknowledgement(s) not confirmed"},
		{onhook.Park(errors.New("the words")).Error(), "the words"},
		{onhook.Skip(nil).Error(), "SKIP"},
	} {
		if !strings.Contains(row.got, row.wanted) {
			t.Errorf("%q lacks %q", row.got, row.wanted)
		}
	}
}
