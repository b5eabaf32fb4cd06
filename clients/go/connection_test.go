package onhook_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"onhook.dev/onhook"
	"onhook.dev/onhook/onhookpb"
	"onhook.dev/onhook/onhooktest"
)

func acknowledge(context.Context, *onhook.Delivery) error { return nil }

func TestALostStreamIsOpenedAgainAndTheHookIsToldWhy(t *testing.T) {
	inWorld(t, func(w *world) {
		var states states
		subscriber := w.subscriber(acknowledge, onhook.WithStateHook(states.note))
		w.publish("c-1")
		w.settlements(1)
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		w.publish("c-2")
		w.settlements(2)
		w.must(subscriber.Stop(w.ctx()))
		equalAll(t, states.names(), []string{"connecting", "streaming", "backing_off", "connecting",
			"streaming", "stopped"}, "states")
		if why := states.all()[2].Err; !errors.Is(why, onhook.ErrUnavailable) {
			t.Errorf("why it backed off: %v", why)
		}
		equal(t, states.all()[5].Err, nil, "why it stopped")
		equal(t, states.all()[1].Terms.StoreID, "fake", "the terms of a stream")
		equal(t, states.all()[1].Terms.DurabilityClass, onhook.DurabilityClassMemory, "its durability")
	})
}

func TestTheWaitsGrowUpToTheMaximumAndBeginAnewAfterAStreamThatWasOfUse(t *testing.T) {
	inWorld(t, func(w *world) {
		var tried journal[time.Time]
		hook := func(change onhook.StateChange) {
			if change.State == onhook.StateConnecting {
				tried.note(time.Now())
			}
		}
		w.gateway.Refuse(onhooktest.Unavailable())
		w.subscriber(acknowledge, onhook.WithStateHook(hook))
		time.Sleep(3 * time.Minute)
		longest := 100 * time.Millisecond
		times := tried.all()
		for i := 1; i < len(times); i++ {
			wait := times[i].Sub(times[i-1])
			if wait < longest/2 || wait > longest {
				t.Errorf("wait %d: %v, wanted half of %v to all", i, wait, longest)
			}
			longest = min(2*longest, 30*time.Second)
		}
		equal(t, len(times) > 10, true, "it was tried more than ten times")

		w.gateway.Refuse(nil)
		w.publish("c-1")
		w.settlements(1)
		lost := time.Now()
		w.gateway.EndStreams(onhooktest.Unavailable())
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		equal(t, time.Since(lost) <= 100*time.Millisecond, true, "the first wait is short again")
	})
}

func TestTheWaitsBeginAnewAfterAStreamThatWasOfUseAndWentAway(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gateway.Refuse(onhooktest.Unavailable())
		w.subscriber(acknowledge)
		time.Sleep(3 * time.Minute)
		w.gateway.Refuse(nil)
		w.publish("c-1")
		w.settlements(1)
		w.gateway.Refuse(onhooktest.Unavailable())
		w.gateway.GoAway(onhookpb.GoAway_REASON_SHUTDOWN, time.Second)
		synctest.Wait()
		w.gateway.Refuse(nil)
		refused := time.Now()
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		equal(t, time.Since(refused) <= 100*time.Millisecond, true, "the first wait is short again")
	})
}

func TestEachAttemptOfAStreamIsOneAttemptToConnect(t *testing.T) {
	inWorld(t, func(w *world) {
		var dialled journal[time.Duration]
		var tried journal[time.Duration]
		client := w.clientOf(w.gateway, onhook.WithDialer(func(context.Context, string) (net.Conn, error) {
			dialled.note(time.Since(w.begun))
			return nil, errors.New("nobody listens")
		}))
		var states states
		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge, onhook.WithStateHook(
			func(change onhook.StateChange) {
				states.note(change)
				if change.State == onhook.StateConnecting {
					tried.note(time.Since(w.begun))
				}
			}))
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		equalAll(t, dialled.all(), tried.all(), "when it was tried")
		if why := states.all()[1].Err.Error(); !strings.Contains(why, "nobody listens") {
			t.Errorf("why it backs off: %s", why)
		}
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestASilentConnectionIsGivenUpAfterTwoHeartbeats(t *testing.T) {
	inWorld(t, func(w *world) {
		var states states
		handler := newHandler()
		w.subscriber(handler.handle, onhook.WithStateHook(states.note))
		w.publish("held")
		<-handler.calls
		heard := time.Now()
		w.gateway.FallSilent()
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))
		equal(t, time.Since(heard).Round(time.Second), 6*time.Second, "when it was noticed")
		equal(t, w.gateway.Connections(), 2, "connections: the dead one is not used again")
		synctest.Wait()
		handler.reply <- nil
		equal(t, w.settlements(1)[0].Action, onhook.ActionAck, "what was held is acknowledged on the new one")
	}, onhooktest.WithHeartbeatInterval(3*time.Second))
}

func TestAStreamWithHeartbeatsLivesOn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.subscriber(acknowledge)
		time.Sleep(time.Hour)
		equal(t, w.gateway.Attached(), 1, "streams")
	})
}

func TestGoAwayOpensTheReplacementWhileTheOldStreamFinishes(t *testing.T) {
	for _, reason := range []onhookpb.GoAway_Reason{
		onhookpb.GoAway_REASON_MAX_AGE, onhookpb.GoAway_REASON_SHUTDOWN, onhookpb.GoAway_REASON_PERMISSION_REVOKED,
	} {
		t.Run(reason.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				var states states
				handler := newHandler()
				subscriber := w.subscriber(handler.handle, onhook.WithStateHook(states.note))
				w.publish("held")
				held := <-handler.calls
				w.gateway.GoAway(reason, time.Minute)
				w.must(w.gateway.AwaitAttached(w.ctx(), 2))
				synctest.Wait()
				equal(t, time.Since(w.begun), 0, "the time until the replacement")
				equal(t, w.gateway.Streams(), 2, "streams while the handler runs")
				handler.reply <- nil
				equal(t, w.settlements(1)[0].DeliveryID, held.ID, "what is acknowledged")
				synctest.Wait()
				equal(t, w.gateway.Streams(), 1, "streams then")
				w.must(subscriber.Stop(w.ctx()))
				equal(t, states.count(onhook.StateBackingOff), 0, "a planned end is no failure")
			})
		})
	}
}

func TestAnIdleStreamOfAGatewayThatShutsDownEndsAtOnceAndAnAgedOneWithItsReplacement(t *testing.T) {
	for reason, streams := range map[onhookpb.GoAway_Reason]int{
		onhookpb.GoAway_REASON_SHUTDOWN: 0, onhookpb.GoAway_REASON_MAX_AGE: 1,
	} {
		t.Run(reason.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.subscriber(acknowledge)
				w.must(w.gateway.AwaitAttached(w.ctx(), 1))
				synctest.Wait()
				w.gateway.Refuse(onhooktest.Unavailable())
				w.gateway.GoAway(reason, time.Hour)
				time.Sleep(time.Minute)
				synctest.Wait()
				equal(t, w.gateway.Streams(), streams, "streams while no replacement can be opened")
				w.gateway.Refuse(nil)
				w.must(w.gateway.AwaitAttached(w.ctx(), 2))
				synctest.Wait()
				equal(t, w.gateway.Streams(), 1, "streams then")
			})
		})
	}
}

func TestWhatWaitsOnALostStreamIsNotHandledBeforeItComesAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		subscriber := w.subscriber(handler.handle)
		w.publish("handled", "waits")
		<-handler.calls
		w.gateway.Refuse(onhooktest.Unavailable())
		w.gateway.EndStreams(onhooktest.Unavailable())
		synctest.Wait()
		handler.reply <- nil
		select {
		case delivery := <-handler.calls:
			t.Errorf("%s is handled, which others may have by now", call(delivery))
		case <-time.After(time.Minute):
		}
		w.gateway.Refuse(nil)
		again := <-handler.calls
		equal(t, call(again), "waits", "what comes then")
		equal(t, again.RedeliveryReason, onhook.RedeliveryReasonStreamLost, "why")
		handler.reply <- nil
		w.must(subscriber.Stop(w.ctx()))
	})
}

func TestAStreamThatGoesAwayIsHalfClosedBeforeItsDrainDeadline(t *testing.T) {
	inWorld(t, func(w *world) {
		handler := newHandler()
		w.subscriber(handler.handle)
		w.publish("held")
		before := <-handler.calls
		w.gateway.GoAway(onhookpb.GoAway_REASON_MAX_AGE, 20*time.Second)
		time.Sleep(19500 * time.Millisecond)
		equal(t, w.gateway.Streams(), 1, "streams shortly before the deadline")
		handler.reply <- nil
		told := w.settlements(1)[0]
		equal(t, told.Action, onhook.ActionAck, "what is said on the replacement")
		equal(t, told.DeliveryID != before.ID, true, "of the delivery that came there meanwhile")
	})
}

func TestWhatIsFinalEndsASubscription(t *testing.T) {
	for _, code := range []codes.Code{codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition,
		codes.PermissionDenied, codes.Unauthenticated, codes.Unimplemented, codes.OutOfRange} {
		t.Run(code.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.gateway.Refuse(status.Error(code, "its words"))
				err := w.client.Receive(w.ctx(), "crm", acknowledge)
				var said *onhook.Error
				if !errors.As(err, &said) {
					t.Fatalf("the end: %v", err)
				}
				equal(t, said.Code, code, "its code")
				equal(t, said.Message, "its words", "its words")
				equal(t, status.Code(err), code, "the code to gRPC")
			})
		})
	}
}

func TestWhatMayPassDoesNotEndASubscription(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.Internal, codes.Unknown, codes.Canceled,
		codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.DataLoss, codes.AlreadyExists} {
		t.Run(code.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.gateway.Refuse(status.Error(code, ""))
				w.subscriber(acknowledge)
				time.Sleep(time.Minute)
				w.gateway.Refuse(nil)
				w.publish("c-1")
				w.settlements(1)
			})
		})
	}
}

func TestAMissingSubscriptionIsCreatedIfThatIsAsked(t *testing.T) {
	inWorld(t, func(w *world) {
		err := w.client.Receive(w.ctx(), "new", acknowledge)
		if !errors.Is(err, onhook.ErrNotFound) {
			t.Errorf("without: %v", err)
		}
		stream := w.client.Stream(w.ctx(), "new", onhook.CreateIfMissing(onhook.SubscriptionSpec{}))
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		w.must(stream.Stop(w.ctx()))
	})
}

func TestADeletedSubscriptionEndsWithNotFound(t *testing.T) {
	inWorld(t, func(w *world) {
		stream := w.stream()
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		w.gateway.DeleteSubscription("crm")
		_, err := stream.Next(w.ctx())
		if !errors.Is(err, onhook.ErrNotFound) {
			t.Errorf("the next: %v", err)
		}
		<-stream.Done()
		equal(t, stream.Err(), err, "the end")
	})
}

func TestWhoWasLetInBeforeIsPatientWithARefusal(t *testing.T) {
	inWorld(t, func(w *world) {
		token := filepath.Join(t.TempDir(), "token")
		w.must(os.WriteFile(token, []byte("secret\n"), 0o600))
		client, err := w.gateway.Client(onhook.WithTokenFile(token))
		w.must(err)
		defer func() { w.must(client.Close()) }()
		refused := status.Error(codes.Unauthenticated, "not yet")

		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge)
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		w.gateway.Refuse(refused)
		w.gateway.EndStreams(refused)
		time.Sleep(time.Minute)
		w.gateway.Refuse(nil)
		w.must(w.gateway.AwaitAttached(w.ctx(), 2))

		begun := time.Now()
		w.gateway.Refuse(refused)
		w.gateway.EndStreams(refused)
		<-subscriber.Done()
		if err := subscriber.Err(); !errors.Is(err, onhook.ErrUnauthenticated) {
			t.Errorf("the end: %v", err)
		}
		patience := time.Since(begun)
		equal(t, patience >= 2*time.Minute && patience <= 3*time.Minute, true,
			fmt.Sprintf("it was patient for two minutes: %v", patience))
	})
}

func TestAClosedClientEndsWhatItReceives(t *testing.T) {
	inWorld(t, func(w *world) {
		client, err := w.gateway.Client()
		w.must(err)
		subscriber := client.Subscribe(w.ctx(), "crm", acknowledge)
		w.must(w.gateway.AwaitAttached(w.ctx(), 1))
		w.must(client.Close())
		<-subscriber.Done()
		var said *onhook.Error
		equal(t, errors.As(subscriber.Err(), &said), true, "an Error")
		equal(t, said.Reason, "CLIENT_CLOSED", "its reason")
	})
}
