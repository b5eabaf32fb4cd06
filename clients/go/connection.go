package onhook

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// One message of the gateway holds at most a page of events.
	maxReceivedMessageBytes = 64 << 20
	// For what has no heartbeats: look-ups and administration. The gateway allows a ping each 10 s.
	keepaliveTime    = 30 * time.Second
	keepaliveTimeout = 10 * time.Second
	connectTimeout   = 10 * time.Second
	// Larger than what gRPC begins with: a batch of events fits.
	windowBytes = 4 << 20
)

// connection is one gRPC connection and those who use it. Once it is retired nobody else begins to,
// and it is closed when the last has done: whoever still drains a stream there is not disturbed.
type connection struct {
	*grpc.ClientConn
	pool    *connectionPool
	users   int // guarded by pool.mu, as retired is
	retired bool
}

// connectionPool hands out the connection of the moment. It makes another whenever the one before is
// of no use any more: then each attempt of a stream is one attempt to connect, at a time of its own
// choice, and reads the files of certificates again.
type connectionPool struct {
	address address
	options *clientOptions
	files   *credentialFiles

	mu      sync.Mutex
	current *connection
	retired map[*connection]bool // those that still have users
	closed  bool
}

// acquire counts the caller among the users; it has to release.
func (p *connectionPool) acquire() (*connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, optionError("CLIENT_CLOSED", "the client is closed")
	}
	if p.current == nil {
		made, err := p.dial()
		if err != nil {
			return nil, fromGRPC(err)
		}
		p.current = &connection{ClientConn: made, pool: p}
	}
	p.current.users++
	return p.current, nil
}

func (p *connectionPool) dial() (*grpc.ClientConn, error) {
	target := p.address.text
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceivedMessageBytes)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{
				BaseDelay: p.options.backoffInitial, Multiplier: 2, Jitter: 0.2,
				MaxDelay: p.options.backoffMaximum,
			},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithIdleTimeout(0),
	}
	if p.options.wantsTLS() {
		options = append(options, grpc.WithTransportCredentials(&transportCredentials{p.files}))
		if name := p.options.serverName; name != "" {
			options = append(options, grpc.WithAuthority(name))
		}
	} else {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	if p.options.dialer != nil {
		target = "passthrough:///" + target
		options = append(options, grpc.WithContextDialer(p.options.dialer))
	}
	return grpc.NewClient(target, append(options, p.options.dialOptions...)...)
}

// release is said once for each acquire.
func (c *connection) release() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.users--
	c.closeIfUnused()
}

// retire has the next who acquires get another connection.
func (c *connection) retire() {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	if c.pool.current == c {
		c.pool.current = nil
	}
	c.retired = true
	c.closeIfUnused()
}

func (c *connection) closeIfUnused() {
	if !c.retired {
		return
	}
	if c.users > 0 {
		c.pool.retired[c] = true
		return
	}
	delete(c.pool.retired, c)
	_ = c.Close() // its only error is that it is closed already
}

// judge is told of each error of a call.
func (c *connection) judge(err error) {
	switch status.Code(err) {
	case codes.Unauthenticated: // another certificate is shown by another connection only
		c.retire()
	case codes.Unavailable:
		if c.GetState() != connectivity.Ready { // else it is the gateway that says so
			c.retire()
		}
	}
}

func (p *connectionPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.current != nil {
		_ = p.current.Close()
		p.current = nil
	}
	for connection := range p.retired {
		_ = connection.Close()
	}
}

// withToken adds what the client shows of itself with each call.
func (p *connectionPool) withToken(ctx context.Context) (context.Context, error) {
	if p.options.tokenFile == "" {
		return ctx, nil
	}
	token, err := p.files.bearerToken()
	if err != nil {
		return nil, err
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

// Invoke makes the pool a grpc.ClientConnInterface.
func (p *connectionPool) Invoke(ctx context.Context, method string, request, response any,
	options ...grpc.CallOption) error {
	ctx, err := p.withToken(ctx)
	if err != nil {
		return err
	}
	connection, err := p.acquire()
	if err != nil {
		return err
	}
	defer connection.release()
	err = connection.Invoke(ctx, method, request, response, options...)
	connection.judge(err)
	return fromGRPC(err)
}

// NewStream makes the pool a grpc.ClientConnInterface.
func (p *connectionPool) NewStream(ctx context.Context, description *grpc.StreamDesc, method string,
	options ...grpc.CallOption) (grpc.ClientStream, error) {
	connection, err := p.acquire()
	if err != nil {
		return nil, err
	}
	stream, err := connection.open(ctx, description, method, options...)
	connection.release()
	return stream, err
}

// open opens a stream, which is a user of the connection until it has ended.
func (c *connection) open(ctx context.Context, description *grpc.StreamDesc, method string,
	options ...grpc.CallOption) (grpc.ClientStream, error) {
	ctx, err := c.pool.withToken(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := c.ClientConn.NewStream(ctx, description, method, options...)
	if err != nil {
		c.judge(err)
		return nil, fromGRPC(err)
	}
	c.pool.mu.Lock()
	c.users++
	c.pool.mu.Unlock()
	context.AfterFunc(stream.Context(), c.release)
	return stream, nil
}

// streamOpener opens the streams of one subscription or watch on a connection that it knows.
type streamOpener struct{ *connection }

func (o streamOpener) NewStream(ctx context.Context, description *grpc.StreamDesc, method string,
	options ...grpc.CallOption) (grpc.ClientStream, error) {
	return o.connection.open(ctx, description, method, options...)
}
