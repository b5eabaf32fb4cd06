package onhook

import (
	"context"
	"sync"
)

// Result is the gateway's answer to one settlement or extension, once it has come.
type Result struct {
	mu       sync.Mutex
	resolved bool
	err      error
	done     chan struct{} // made when somebody waits
}

// Wait waits until the gateway has answered and returns what it said: nil means done as asked, and
// durable. It returns the context's error if that ends first, which changes nothing of the
// settlement.
func (r *Result) Wait(ctx context.Context) error {
	select {
	case <-r.Done():
		return r.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done is closed once the gateway has answered.
func (r *Result) Done() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done == nil {
		r.done = make(chan struct{})
		if r.resolved {
			close(r.done)
		}
	}
	return r.done
}

// Err is what the gateway said, once Done is closed; nil before.
func (r *Result) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Result) resolve(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.resolved {
		return
	}
	r.resolved, r.err = true, err
	if r.done != nil {
		close(r.done)
	}
}

func resolvedWith(err error) *Result { return &Result{resolved: true, err: err} }
