package onhook

import (
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
)

// A gateway of an older version does not say how long it is silent at most.
const unsaidHeartbeatInterval = 15 * time.Second

// silence notices that a stream has said nothing for twice as long as it may be silent.
type silence struct {
	mu       sync.Mutex
	interval time.Duration
	heard    time.Time
	timer    *time.Timer
	stopped  bool
	noticed  bool
	onSilent func()
}

// listen begins now; onSilent is called once at most, from a goroutine of its own.
func listen(onSilent func()) *silence {
	s := &silence{interval: unsaidHeartbeatInterval, heard: time.Now(), onSilent: onSilent}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(2*s.interval, s.check)
	return s
}

// hear is told of each message.
func (s *silence) hear(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = now
}

// agree takes over what the gateway says of itself.
func (s *silence) agree(interval *durationpb.Duration) {
	s.agreeOn(interval.AsDuration())
}

func (s *silence) agreeOn(said time.Duration) {
	if said <= 0 {
		said = unsaidHeartbeatInterval
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if said != s.interval && !s.stopped {
		s.interval = said
		s.timer.Reset(time.Until(s.heard.Add(2 * said)))
	}
}

func (s *silence) check() {
	s.mu.Lock()
	left := time.Until(s.heard.Add(2 * s.interval))
	if s.stopped || left > 0 {
		if !s.stopped {
			s.timer.Reset(left)
		}
		s.mu.Unlock()
		return
	}
	s.stopped, s.noticed = true, true
	s.mu.Unlock()
	s.onSilent()
}

// stop ends the listening and tells whether it was silence that ended the stream.
func (s *silence) stop() (noticed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	s.timer.Stop()
	return s.noticed
}
