// Program interop does with the library what tests/interop/clients/run.py tells it; see PROTOCOL.md
// there.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"onhook.dev/onhook"
)

// command holds the members of all commands.
type command struct {
	Do                   string `json:"do"`
	Server               string `json:"server"`
	CAFile               string `json:"ca_file"`
	CertificateFile      string `json:"certificate_file"`
	KeyFile              string `json:"key_file"`
	ServerName           string `json:"server_name"`
	TokenFile            string `json:"token_file"`
	BackoffMaxMs         int64  `json:"backoff_max_ms"`
	Subscription         string `json:"subscription"`
	Form                 string `json:"form"`
	ConsumerName         string `json:"consumer_name"`
	Create               bool   `json:"create"`
	MaxOutstandingEvents int    `json:"max_outstanding_events"`
	Concurrency          int    `json:"concurrency"`
	AckDeadlineMs        int64  `json:"ack_deadline_ms"`
	MaxExtensionMs       *int64 `json:"max_extension_ms"`
	GraceMs              *int64 `json:"grace_ms"`
	Auto                 string `json:"auto"`
	Log                  string `json:"log"`
	Number               int    `json:"number"`
	How                  string `json:"how"`
	DelayMs              *int64 `json:"delay_ms"`
	Reason               string `json:"reason"`
	DeadlineMs           int64  `json:"deadline_ms"`
	Position             string `json:"position"`
	AfterCursor          string `json:"after_cursor"`
	StopAtEnd            bool   `json:"stop_at_end"`
	ObserveOnly          bool   `json:"observe_only"`
	EventID              string `json:"event_id"`
	CallSerialNo         string `json:"call_serial_no"`
	PageSize             int    `json:"page_size"`
}

func milliseconds(number int64) time.Duration { return time.Duration(number) * time.Millisecond }

// program is all that one run holds.
type program struct {
	client     *onhook.Client
	clientErr  error
	subscribed *subscribed
	watch      *onhook.Watch

	output sync.Mutex
}

type members map[string]any

func (p *program) report(kind string, what members) {
	what["report"] = kind
	line, err := json.Marshal(what)
	if err != nil {
		fatal(err)
	}
	p.output.Lock()
	defer p.output.Unlock()
	if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "interop:", err)
	os.Exit(1)
}

func (p *program) connect(c command) {
	var options []onhook.ClientOption
	if c.CAFile != "" {
		options = append(options, onhook.WithCAFile(c.CAFile))
	}
	if c.CertificateFile != "" || c.KeyFile != "" {
		options = append(options, onhook.WithCertificateFiles(c.CertificateFile, c.KeyFile))
	}
	if c.ServerName != "" {
		options = append(options, onhook.WithServerName(c.ServerName))
	}
	if c.TokenFile != "" {
		options = append(options, onhook.WithTokenFile(c.TokenFile))
	}
	if c.BackoffMaxMs > 0 {
		options = append(options, onhook.WithBackoff(100*time.Millisecond, milliseconds(c.BackoffMaxMs)))
	}
	// An error is told by the report of whatever needs the client.
	p.client, p.clientErr = onhook.NewClient(c.Server, options...)
}

func (p *program) ended(err error) { p.report("ended", outcome(err)) }

func (p *program) stop(c command) {
	if p.watch != nil {
		p.watch.Stop()
		return
	}
	ctx := context.Background()
	if c.GraceMs != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, milliseconds(*c.GraceMs))
		defer cancel()
	}
	p.subscribed.stop(ctx)
}

func (p *program) do(c command) {
	switch c.Do {
	case "connect":
		p.connect(c)
	case "subscribe":
		p.subscribe(c)
	case "settle":
		p.subscribed.settle(c)
	case "extend":
		p.subscribed.extend(c)
	case "pause":
		p.subscribed.flow.Pause()
	case "resume":
		p.subscribed.flow.Resume()
	case "stop":
		go p.stop(c)
	case "count":
		p.subscribed.count()
	case "watch":
		p.beginWatch(c)
	case "get":
		go p.get(c)
	case "list":
		go p.list(c)
	default:
		fmt.Fprintf(os.Stderr, "interop: an unknown command: %q\n", c.Do)
		os.Exit(2)
	}
}

func main() {
	var p program
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			fatal(err)
		}
		p.do(c)
	}
	if err := lines.Err(); err != nil {
		fatal(err)
	}
}
