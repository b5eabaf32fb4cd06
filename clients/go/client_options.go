package onhook

import (
	"context"
	"net"
	"time"

	"google.golang.org/grpc"
)

// ClientOption sets up a [Client].
type ClientOption func(*clientOptions)

type clientOptions struct {
	tls             bool
	caFile          string
	certificateFile string
	keyFile         string
	serverName      string
	tokenFile       string
	cleartextToken  bool
	rotationPatience,
	backoffInitial,
	backoffMaximum,
	lookupTimeout time.Duration
	dialer      func(ctx context.Context, address string) (net.Conn, error)
	dialOptions []grpc.DialOption
}

func defaultClientOptions() clientOptions {
	return clientOptions{
		rotationPatience: 2 * time.Minute,
		backoffInitial:   100 * time.Millisecond,
		backoffMaximum:   30 * time.Second,
		lookupTimeout:    10 * time.Second,
	}
}

func (o *clientOptions) wantsTLS() bool {
	return o.tls || o.caFile != "" || o.certificateFile != "" || o.keyFile != "" || o.serverName != ""
}

// WithTLS speaks TLS and trusts the authorities of this system. Each of [WithCAFile],
// [WithCertificateFiles] and [WithServerName] speaks TLS too.
func WithTLS() ClientOption { return func(o *clientOptions) { o.tls = true } }

// WithCAFile trusts, instead of the system's authorities, those of a PEM file. It is read again for
// each connection.
func WithCAFile(path string) ClientOption { return func(o *clientOptions) { o.caFile = path } }

// WithCertificateFiles shows the certificate and proves it by the key (mutual TLS); both PEM, read
// again for each connection.
func WithCertificateFiles(certificate, key string) ClientOption {
	return func(o *clientOptions) { o.certificateFile, o.keyFile = certificate, key }
}

// WithServerName is the name that the gateway's certificate must be for, where it is not the address's.
func WithServerName(name string) ClientOption { return func(o *clientOptions) { o.serverName = name } }

// WithTokenFile shows the bearer token that the file holds, alone but for a line end. It is read again
// for each call.
func WithTokenFile(path string) ClientOption { return func(o *clientOptions) { o.tokenFile = path } }

// WithCleartextToken sends the token without TLS beyond this machine too, where everybody on the way
// can read and use it.
func WithCleartextToken() ClientOption { return func(o *clientOptions) { o.cleartextToken = true } }

// WithBackoff sets how long to wait before a lost stream is opened again: initial (100 ms), then twice
// as long each time up to maximum (30 s), each wait shortened at random by up to half.
func WithBackoff(initial, maximum time.Duration) ClientOption {
	return func(o *clientOptions) {
		o.backoffMaximum = max(maximum, time.Millisecond)
		o.backoffInitial = min(max(initial, time.Millisecond), o.backoffMaximum)
	}
}

// WithRotationPatience sets for how long (2 min) a client that was let in before goes on when it is
// refused as UNAUTHENTICATED: its file may change later than the gateway's.
func WithRotationPatience(patience time.Duration) ClientOption {
	return func(o *clientOptions) { o.rotationPatience = patience }
}

// WithLookupTimeout bounds GetEvent and each page of ListEvents (10 s) beside their contexts.
func WithLookupTimeout(timeout time.Duration) ClientOption {
	return func(o *clientOptions) { o.lookupTimeout = timeout }
}

// WithDialer makes the connections, in place of TCP to the address.
func WithDialer(dialer func(ctx context.Context, address string) (net.Conn, error)) ClientOption {
	return func(o *clientOptions) { o.dialer = dialer }
}

// WithDialOptions hands options on to gRPC, for instance the stats handler of OpenTelemetry.
func WithDialOptions(options ...grpc.DialOption) ClientOption {
	return func(o *clientOptions) { o.dialOptions = append(o.dialOptions, options...) }
}
