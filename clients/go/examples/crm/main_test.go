package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func handled(t *testing.T, b *book, edits ...func(*onhookpb.ReleaseEvent)) onhook.Settlement {
	t.Helper()
	return onhooktest.Handle(t.Context(), b.handle, onhooktest.NewDelivery(onhooktest.NewEvent("c-1", edits...)))
}

func withCallData(event *onhookpb.ReleaseEvent) { event.CallData = proto.String("customer 7") }

func TestAnEventThatComesTwiceIsBookedOnce(t *testing.T) {
	b := &book{t.TempDir()}
	for range 2 {
		if got := handled(t, b, withCallData); got.Action != onhook.ActionAck {
			t.Errorf("told: %v", got)
		}
	}
	files, err := filepath.Glob(filepath.Join(b.folder, "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("wrap-ups: %v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var entry wrapUp
	if err := json.Unmarshal(content, &entry); err != nil {
		t.Fatal(err)
	}
	if entry.Customer != "customer 7" || entry.Talked != time.Minute || entry.Outcome != "CALLED_HUNG_UP" {
		t.Errorf("the wrap-up: %+v", entry)
	}
}

func TestACallOfNobodyIsParked(t *testing.T) {
	if got := handled(t, &book{t.TempDir()}); got.Action != onhook.ActionPark {
		t.Errorf("told: %v", got)
	}
}

func TestAWrapUpThatIsNotSafeIsNotAcknowledged(t *testing.T) {
	b := &book{filepath.Join(t.TempDir(), "missing")}
	if got := handled(t, b, withCallData); got.Action != onhook.ActionRetry {
		t.Errorf("told: %v", got)
	}
}
