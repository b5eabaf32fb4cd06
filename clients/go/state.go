package onhook

import (
	"time"

	"onhook.dev/onhook/onhookpb"
)

// State is what a subscription or a watch is at.
type State int

const (
	// StateConnecting is while a stream is being opened.
	StateConnecting State = iota
	// StateStreaming is once the gateway has said that it is open.
	StateStreaming
	// StateBackingOff is while it waits before the next attempt; StateChange.Err is why.
	StateBackingOff
	// StateStopped is the last; StateChange.Err is what ended it, nil after a stop that succeeded.
	StateStopped
)

// String is one of connecting, streaming, backing_off and stopped.
func (s State) String() string {
	return [...]string{"connecting", "streaming", "backing_off", "stopped"}[s]
}

// StateChange is what a state hook is told.
type StateChange struct {
	State State
	// Err is why, of StateBackingOff and StateStopped.
	Err error
	// Terms hold for a subscription's stream, of StateStreaming.
	Terms *Terms
}

// Terms are what the gateway says of a stream when it opens.
type Terms struct {
	// MaxOutstandingEvents and MaxOutstandingBytes are the most that it may hold unsettled.
	MaxOutstandingEvents int
	MaxOutstandingBytes  int64
	// AckDeadline is how long a delivery may stay unsettled; zero: without limit.
	AckDeadline time.Duration
	// StoreID identifies the gateway's store.
	StoreID string
	// BacklogEvents is what the subscription owed.
	BacklogEvents   int64
	DurabilityClass DurabilityClass
	ServerVersion   string
	// HeartbeatInterval is how long the stream is silent at most.
	HeartbeatInterval time.Duration
}

func termsOf(opened *onhookpb.SubscribeOpened) *Terms {
	return &Terms{
		MaxOutstandingEvents: int(opened.GetMaxOutstandingEvents()),
		MaxOutstandingBytes:  opened.GetMaxOutstandingBytes(),
		AckDeadline:          opened.GetAckDeadline().AsDuration(),
		StoreID:              opened.GetStoreId(),
		BacklogEvents:        opened.GetBacklogEvents(),
		DurabilityClass:      DurabilityClass(opened.GetDurabilityClass()),
		ServerVersion:        opened.GetServerVersion(),
		HeartbeatInterval:    opened.GetHeartbeatInterval().AsDuration(),
	}
}
