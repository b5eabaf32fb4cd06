package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func recorded(t *testing.T, f *fetcher, path string) (onhook.Settlement, string) {
	t.Helper()
	event := onhooktest.NewEvent("c-1", func(event *onhookpb.ReleaseEvent) {
		if path != "" {
			event.Recordfile = proto.String(path)
		}
	})
	told := onhooktest.Handle(t.Context(), f.handle, onhooktest.NewDelivery(event))
	content, err := os.ReadFile(filepath.Join(f.folder, event.GetEventId()+".wav"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return told, string(content)
}

func TestWhatBecomesOfARecordingIsToldByTheMediaServersAnswer(t *testing.T) {
	media := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		switch request.URL.Path {
		case "/a/there.wav":
			_, _ = w.Write([]byte("sound"))
		case "/busy.wav":
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/broken.wav":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			http.NotFound(w, request)
		}
	}))
	defer media.Close()
	delay := 90 * time.Second
	for path, wanted := range map[string]struct {
		action  onhook.Action
		delay   *time.Duration
		content string
	}{
		"a/there.wav": {onhook.ActionAck, nil, "sound"},
		"missing.wav": {onhook.ActionPark, nil, ""},
		"broken.wav":  {onhook.ActionRetry, nil, ""},
		"busy.wav":    {onhook.ActionRetry, &delay, ""},
		"":            {onhook.ActionSkip, nil, ""},
	} {
		f := &fetcher{media: media.URL, folder: t.TempDir(), client: media.Client()}
		told, content := recorded(t, f, path)
		if told.Action != wanted.action || content != wanted.content {
			t.Errorf("%q: %v, %q", path, told, content)
		}
		if (told.Delay == nil) != (wanted.delay == nil) || told.Delay != nil && *told.Delay != *wanted.delay {
			t.Errorf("%q: delay %v", path, told.Delay)
		}
	}
}

func TestAMediaServerThatIsAwayIsTriedAgain(t *testing.T) {
	media := httptest.NewServer(http.NotFoundHandler())
	media.Close()
	f := &fetcher{media: media.URL, folder: t.TempDir(), client: http.DefaultClient}
	if told, _ := recorded(t, f, "a.wav"); told.Action != onhook.ActionRetry {
		t.Errorf("told: %v", told)
	}
}
