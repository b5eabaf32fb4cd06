package onhook_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

// shown is who a call's client says it is: the name in its certificate, and its authorization.
func shown(ctx context.Context) string {
	var words []string
	if caller, found := peer.FromContext(ctx); found {
		if info, isTLS := caller.AuthInfo.(credentials.TLSInfo); isTLS {
			for _, certificate := range info.State.PeerCertificates {
				words = append(words, certificate.Subject.CommonName)
			}
		}
	}
	return strings.Join(append(words, metadata.ValueFromIncomingContext(ctx, "authorization")...), " ")
}

// seen notes who makes each call and opens each stream.
func seen(j *journal[string]) onhooktest.Option {
	return onhooktest.WithServerOptions(
		grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo,
			handler grpc.UnaryHandler) (any, error) {
			j.note(shown(ctx))
			return handler(ctx, request)
		}),
		grpc.StreamInterceptor(func(server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo,
			handler grpc.StreamHandler) error {
			j.note(shown(stream.Context()))
			return handler(server, stream)
		}))
}

func (w *world) guarded(authority *authority, options ...onhooktest.Option) *onhooktest.Gateway {
	config := authority.serverConfig("gateway.example")
	gateway := onhooktest.NewGateway(append(options,
		onhooktest.WithServerOptions(grpc.Creds(credentials.NewTLS(config))))...)
	w.Cleanup(gateway.Close)
	gateway.CreateSubscription("crm")
	return gateway
}

func (w *world) clientOf(gateway *onhooktest.Gateway, options ...onhook.ClientOption) *onhook.Client {
	w.Helper()
	client, err := gateway.Client(options...)
	w.must(err)
	w.Cleanup(func() { w.must(client.Close()) })
	return client
}

func TestACertificateThatChangedIsShownByANewConnectionWhileTheOldStreamLivesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		authority := newAuthority(t)
		authority.issue("crm", "before")
		var callers journal[string]
		gateway := w.guarded(authority, seen(&callers))
		client := w.clientOf(gateway, onhook.WithCAFile(authority.path("ca.crt")),
			onhook.WithServerName("gateway.example"),
			onhook.WithCertificateFiles(authority.path("crm.crt"), authority.path("crm.key")))
		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge)
		w.must(gateway.AwaitAttached(w.ctx(), 1))
		authority.issue("crm", "after")
		time.Sleep(time.Minute)
		equal(t, gateway.Attached(), 1, "streams: the one that is open lives on")
		gateway.GoAway(onhookpb.GoAway_REASON_MAX_AGE, time.Minute)
		w.must(gateway.AwaitAttached(w.ctx(), 2))
		equalAll(t, callers.all(), []string{"before", "after"}, "who was shown")
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestHalfOfANewPairWaitsForTheOtherHalf(t *testing.T) {
	inWorld(t, func(w *world) {
		authority := newAuthority(t)
		authority.issue("crm", "before")
		var callers journal[string]
		gateway := w.guarded(authority, seen(&callers))
		client := w.clientOf(gateway, onhook.WithCAFile(authority.path("ca.crt")),
			onhook.WithServerName("gateway.example"),
			onhook.WithCertificateFiles(authority.path("crm.crt"), authority.path("crm.key")))
		authority.issue("other", "after")
		w.must(os.Rename(authority.path("other.crt"), authority.path("crm.crt")))
		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge)
		w.must(gateway.AwaitAttached(w.ctx(), 1))
		w.must(os.Rename(authority.path("other.key"), authority.path("crm.key")))
		gateway.GoAway(onhookpb.GoAway_REASON_MAX_AGE, time.Minute)
		w.must(gateway.AwaitAttached(w.ctx(), 2))
		equalAll(t, callers.all(), []string{"before", "after"}, "who was shown")
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestWhoIsKeptOutComesInWithTheCertificateThatComesLater(t *testing.T) {
	inWorld(t, func(w *world) {
		authority := newAuthority(t)
		authority.issue("crm", "before")
		var strict atomic.Bool
		keepOut := onhooktest.WithServerOptions(grpc.StreamInterceptor(func(server any, stream grpc.ServerStream,
			_ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
			if strict.Load() && shown(stream.Context()) == "before" {
				return status.Error(codes.Unauthenticated, "no longer")
			}
			return handler(server, stream)
		}))
		gateway := w.guarded(authority, keepOut)
		client := w.clientOf(gateway, onhook.WithCAFile(authority.path("ca.crt")),
			onhook.WithServerName("gateway.example"),
			onhook.WithCertificateFiles(authority.path("crm.crt"), authority.path("crm.key")))
		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge)
		w.must(gateway.AwaitAttached(w.ctx(), 1))
		strict.Store(true)
		gateway.EndStreams(status.Error(codes.Unauthenticated, "taken back"))
		time.Sleep(time.Minute)
		authority.issue("crm", "after")
		w.must(gateway.AwaitAttached(w.ctx(), 2))
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestAGatewayThatIsNotTrustedIsNotSpokenToAndTheHookIsToldWhy(t *testing.T) {
	for name, row := range map[string]struct {
		options func(theirs, others *authority) []onhook.ClientOption
		words   string
	}{
		"another authority": {func(_, others *authority) []onhook.ClientOption {
			return []onhook.ClientOption{onhook.WithCAFile(others.path("ca.crt")),
				onhook.WithServerName("gateway.example")}
		}, "unknown authority"},
		"another name": {func(theirs, _ *authority) []onhook.ClientOption {
			return []onhook.ClientOption{onhook.WithCAFile(theirs.path("ca.crt"))}
		}, "not localhost"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				theirs, others := newAuthority(t), newAuthority(t)
				var states states
				gateway := w.guarded(theirs)
				client := w.clientOf(gateway, row.options(theirs, others)...)
				subscriber := client.Subscribe(w.ctx(), "crm", acknowledge, onhook.WithStateHook(states.note))
				synctest.Wait()
				last := states.all()[len(states.all())-1]
				equal(t, last.State, onhook.StateBackingOff, "the state")
				if !errors.Is(last.Err, onhook.ErrUnavailable) || !strings.Contains(last.Err.Error(), row.words) {
					t.Errorf("why: %v", last.Err)
				}
				w.must(subscriber.Stop(w.ctx()))
			})
		})
	}
}

func TestATokenIsReadAgainForEachCall(t *testing.T) {
	var callers journal[string]
	inWorld(t, func(w *world) {
		file := filepath.Join(t.TempDir(), "token")
		w.must(os.WriteFile(file, []byte("first\r\n"), 0o600))
		client := w.clientOf(w.gateway, onhook.WithTokenFile(file))
		look := func() {
			if _, err := client.GetEvent(w.ctx(), "nothing"); !errors.Is(err, onhook.ErrNotFound) {
				t.Errorf("the answer: %v", err)
			}
		}
		look()
		w.must(os.WriteFile(file, []byte("second"), 0o600))
		look()
		w.must(os.WriteFile(file, nil, 0o600)) // no good: what was read before stays in use
		look()
		stream := client.Stream(w.ctx(), "crm")
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		w.must(stream.Stop(w.ctx()))
		equalAll(t, callers.all(), []string{"Bearer first", "Bearer second", "Bearer second", "Bearer second"},
			"what was shown")
	}, seen(&callers))
}

func TestOptionsThatCannotBeUsedAreRefusedBeforeAnythingIsSent(t *testing.T) {
	authority := newAuthority(t)
	authority.issue("crm", "crm")
	authority.issue("other", "other")
	write := func(file, content string) string {
		authority.check(os.WriteFile(authority.path(file), []byte(content), 0o600))
		return authority.path(file)
	}
	ca, certificate, key := authority.path("ca.crt"), authority.path("crm.crt"), authority.path("crm.key")
	good, garbage := write("token", "secret"), write("garbage", "not PEM, not a token")
	large := write("large", strings.Repeat("x", 2<<20))
	pair := onhook.WithCertificateFiles
	for name, row := range map[string]struct {
		address string
		options []onhook.ClientOption
		reason  string
	}{
		"no port":            {"localhost", nil, "SERVER_ADDRESS"},
		"a port of words":    {"localhost:http", nil, "SERVER_ADDRESS"},
		"port zero":          {"localhost:0", nil, "SERVER_ADDRESS"},
		"no host":            {":1", nil, "SERVER_ADDRESS"},
		"no path":            {"unix:", nil, "SERVER_ADDRESS"},
		"no authorities":     {"a:1", []onhook.ClientOption{onhook.WithCAFile("/nowhere")}, "CA_FILE"},
		"a folder of them":   {"a:1", []onhook.ClientOption{onhook.WithCAFile(authority.folder)}, "CA_FILE"},
		"broken authorities": {"a:1", []onhook.ClientOption{onhook.WithCAFile(garbage)}, "CA_FILE"},
		"too large":          {"a:1", []onhook.ClientOption{onhook.WithCAFile(large)}, "CA_FILE"},
		"no key":             {"a:1", []onhook.ClientOption{pair(certificate, "")}, "CERTIFICATE_PAIR"},
		"no certificate":     {"a:1", []onhook.ClientOption{pair("", key)}, "CERTIFICATE_PAIR"},
		"no such certificate": {"a:1", []onhook.ClientOption{pair("/nowhere", key)},
			"CERTIFICATE_FILE"},
		"no such key": {"a:1", []onhook.ClientOption{pair(certificate, "/nowhere")}, "KEY_FILE"},
		"another's key": {"a:1", []onhook.ClientOption{pair(certificate, authority.path("other.key"))},
			"CERTIFICATE_PAIR"},
		"no such token":     {"localhost:1", []onhook.ClientOption{onhook.WithTokenFile("/nowhere")}, "TOKEN_FILE"},
		"a token of words":  {"localhost:1", []onhook.ClientOption{onhook.WithTokenFile(garbage)}, "TOKEN_FILE"},
		"an empty token":    {"[::1]:1", []onhook.ClientOption{onhook.WithTokenFile(write("empty", "\n"))}, "TOKEN_FILE"},
		"a token in clear":  {"10.0.0.1:1", []onhook.ClientOption{onhook.WithTokenFile(good)}, "CLEARTEXT_TOKEN"},
		"TLS over a socket": {"unix:/run/x", []onhook.ClientOption{onhook.WithTLS()}, "TLS_OVER_UNIX_SOCKET"},
		"a token over TLS":  {"a:1", []onhook.ClientOption{onhook.WithTokenFile(good), onhook.WithCAFile(ca)}, ""},
		"clear, as asked":   {"a:1", []onhook.ClientOption{onhook.WithTokenFile(good), onhook.WithCleartextToken()}, ""},
		"a token to a socket": {"unix:///run/x", []onhook.ClientOption{onhook.WithTokenFile(good)},
			""},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := onhook.NewClient(row.address, row.options...)
			if row.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				authority.check(client.Close())
				return
			}
			var said *onhook.Error
			if !errors.As(err, &said) || !errors.Is(err, onhook.ErrFailedPrecondition) {
				t.Fatalf("the error: %v", err)
			}
			equal(t, said.Reason, row.reason, "its reason")
		})
	}
}
