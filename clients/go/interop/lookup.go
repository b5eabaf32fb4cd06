package main

import (
	"context"

	"onhook.dev/onhook"
)

func (p *program) beginWatch(c command) {
	if p.clientErr != nil {
		p.ended(p.clientErr)
		return
	}
	options := []onhook.WatchOption{
		onhook.WithStateHook(func(change onhook.StateChange) { p.report("state", stateReport(change)) }),
		onhook.WithConsumerName(c.ConsumerName),
	}
	switch {
	case c.AfterCursor != "":
		options = append(options, onhook.After(c.AfterCursor))
	case c.Position == "earliest":
		options = append(options, onhook.FromEarliest())
	case c.Position == "latest":
		options = append(options, onhook.FromLatest())
	}
	if c.StopAtEnd {
		options = append(options, onhook.StopAtEnd())
	}
	if c.ObserveOnly {
		options = append(options, onhook.ObserveOnly())
	}
	p.watch = p.client.Watch(context.Background(), options...)
	go func() {
		var last error
		for event, err := range p.watch.All(context.Background()) {
			if err != nil {
				last = err
				break
			}
			p.report("watched", members{
				"event_id": event.Event.EventID, "cursor": event.Cursor, "event": serialised(event.Event),
			})
		}
		p.ended(last)
	}()
}

func (p *program) get(c command) {
	if p.clientErr != nil {
		p.report("got", notFound(p.clientErr))
		return
	}
	stored, err := p.client.GetEvent(context.Background(), c.EventID)
	if err != nil {
		p.report("got", notFound(err))
		return
	}
	states := map[string]string{}
	for _, timeline := range stored.Timelines {
		states[timeline.Subscription] = timeline.State.String()
	}
	p.report("got", members{
		"found": true, "code": nil, "event": serialised(stored.Event),
		"native": native(stored.Event), "states": states,
	})
}

func notFound(err error) members {
	what := outcome(err)
	what["found"] = false
	return what
}

func (p *program) list(c command) {
	ids := []string{}
	query := onhook.EventQuery{CallSerialNo: c.CallSerialNo, PageSize: c.PageSize}
	for stored, err := range p.client.ListEvents(query).All(context.Background()) {
		if err != nil {
			what := outcome(err)
			what["event_ids"] = ids
			p.report("listed", what)
			return
		}
		ids = append(ids, stored.Event.EventID)
	}
	p.report("listed", members{"event_ids": ids})
}
