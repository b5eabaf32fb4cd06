package onhook

import (
	"context"

	"google.golang.org/grpc"

	"onhook.dev/onhook/onhookpb"
)

// Client speaks to one gateway. All that it begins shares one connection, which is made when it is
// needed, and again whenever it is lost. Its methods may be called by several goroutines.
type Client struct {
	options *clientOptions
	pool    *connectionPool
}

// NewClient makes a client of the gateway at address: HOST:PORT, or unix:/path for a Unix-domain
// socket. Nothing is sent before the first call.
//
// It fails with ErrFailedPrecondition if the options cannot be used. The reason of the [Error] is one
// of SERVER_ADDRESS, CA_FILE, CERTIFICATE_FILE, KEY_FILE, CERTIFICATE_PAIR, TOKEN_FILE,
// CLEARTEXT_TOKEN (see [WithCleartextToken]) and TLS_OVER_UNIX_SOCKET.
func NewClient(address string, options ...ClientOption) (*Client, error) {
	set := defaultClientOptions()
	for _, option := range options {
		option(&set)
	}
	parsed, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	files := &credentialFiles{options: &set}
	if err := checkOptions(parsed, &set, files); err != nil {
		return nil, err
	}
	pool := &connectionPool{
		address: parsed, options: &set, files: files, retired: map[*connection]bool{},
	}
	return &Client{&set, pool}, nil
}

func checkOptions(server address, options *clientOptions, files *credentialFiles) error {
	switch {
	case options.wantsTLS() && server.isUnix():
		return optionError("TLS_OVER_UNIX_SOCKET", "over a Unix-domain socket the gateway speaks no TLS")
	case options.certificateFile != "" && options.keyFile == "":
		return optionError("CERTIFICATE_PAIR", "a certificate without its key")
	case options.certificateFile == "" && options.keyFile != "":
		return optionError("CERTIFICATE_PAIR", "a key without its certificate")
	}
	if options.wantsTLS() {
		if _, err := files.tlsConfig(); err != nil {
			return err
		}
	}
	if options.tokenFile == "" {
		return nil
	}
	if !options.wantsTLS() && !options.cleartextToken && !server.isLocal() {
		return optionError("CLEARTEXT_TOKEN",
			"the token would go to %s in clear text, where everybody on the way can read and use it",
			server.text)
	}
	_, err := files.bearerToken()
	return err
}

// Close closes the connection. What is still received is lost with it: stop that first.
func (c *Client) Close() error {
	c.pool.close()
	return nil
}

// Conn is the client's connection, with its TLS and its token, for the services that have generated
// stubs only:
//
//	subscriptions := onhookpb.NewSubscriptionServiceClient(client.Conn())
func (c *Client) Conn() grpc.ClientConnInterface { return c.pool }

// GetEvent looks an event up by its id, with what became of it in each subscription. ErrNotFound: it is
// not, or no longer, kept.
func (c *Client) GetEvent(ctx context.Context, eventID string) (*StoredEvent, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.lookupTimeout)
	defer cancel()
	response, err := c.events().GetEvent(ctx, &onhookpb.GetEventRequest{EventId: eventID})
	if err != nil {
		return nil, err
	}
	return newStoredEvent(response.GetStoredEvent()), nil
}

func (c *Client) events() onhookpb.ReleaseEventServiceClient {
	return onhookpb.NewReleaseEventServiceClient(c.pool)
}
