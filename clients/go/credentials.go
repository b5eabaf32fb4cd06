package onhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"sync"

	"google.golang.org/grpc/credentials"
)

const (
	largestPEM   = 1 << 20 // a system's authorities are a quarter of this
	largestToken = 4096
)

// credentialFiles reads what the options name, again each time. What is no good (half of a new pair,
// garbage, nothing) leaves in use what was read before.
type credentialFiles struct {
	options *clientOptions

	mu     sync.Mutex
	config *tls.Config
	token  string
}

// tlsConfig is what the next connection is to be made with.
func (f *credentialFiles) tlsConfig() (*tls.Config, error) {
	fresh, err := f.readTLS()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.config = fresh
	} else if f.config == nil {
		return nil, err
	}
	return f.config, nil
}

func (f *credentialFiles) readTLS() (*tls.Config, error) {
	config := &tls.Config{ServerName: f.options.serverName, MinVersion: tls.VersionTLS12}
	if path := f.options.caFile; path != "" {
		pem, err := readFile(path, largestPEM, "file of authorities", "CA_FILE")
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, optionError("CA_FILE",
				"the file of authorities %s holds no certificate in PEM, or a broken one", path)
		}
	}
	if f.options.certificateFile == "" {
		return config, nil
	}
	certificate, err := f.readPair()
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{certificate}
	return config, nil
}

func (f *credentialFiles) readPair() (tls.Certificate, error) {
	chain, err := readFile(f.options.certificateFile, largestPEM, "certificate", "CERTIFICATE_FILE")
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readFile(f.options.keyFile, largestPEM, "key", "KEY_FILE")
	if err != nil {
		return tls.Certificate{}, err
	}
	certificate, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, optionError("CERTIFICATE_PAIR", "the certificate %s and the key %s: %w",
			f.options.certificateFile, f.options.keyFile, err)
	}
	return certificate, nil
}

// bearerToken is what the next call is to show.
func (f *credentialFiles) bearerToken() (string, error) {
	fresh, err := readToken(f.options.tokenFile)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.token = fresh
	} else if f.token == "" {
		return "", err
	}
	return f.token, nil
}

func readToken(path string) (string, error) {
	content, err := readFile(path, largestToken, "token", "TOKEN_FILE")
	if err != nil {
		return "", err
	}
	token := bytes.TrimSuffix(bytes.TrimSuffix(content, []byte("\n")), []byte("\r"))
	if len(token) == 0 {
		return "", optionError("TOKEN_FILE", "the token %s is empty", path)
	}
	// It becomes a header's value: nothing in it may end that.
	for _, character := range token {
		if character <= ' ' || character > '~' {
			return "", optionError("TOKEN_FILE",
				"the token %s holds a space, or a character that is not ASCII", path)
		}
	}
	return string(token), nil
}

func readFile(path string, largest int64, what, reason string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, optionError(reason, "cannot read the %s: %w", what, err)
	}
	// A pipe would be waited for.
	if !info.Mode().IsRegular() {
		return nil, optionError(reason, "the %s %s is no regular file", what, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, optionError(reason, "cannot read the %s: %w", what, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	content, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err != nil {
		return nil, optionError(reason, "cannot read the %s: %w", what, err)
	}
	if int64(len(content)) > largest {
		return nil, optionError(reason, "the %s %s is larger than %d bytes", what, path, largest)
	}
	return content, nil
}

// transportCredentials reads its files again for each connection.
type transportCredentials struct {
	files *credentialFiles
}

func (c *transportCredentials) ClientHandshake(ctx context.Context, authority string,
	connection net.Conn) (net.Conn, credentials.AuthInfo, error) {
	config, err := c.files.tlsConfig()
	if err != nil {
		return nil, nil, err
	}
	return credentials.NewTLS(config).ClientHandshake(ctx, authority, connection)
}

func (c *transportCredentials) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("onhook: these credentials are a client's")
}

func (c *transportCredentials) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (c *transportCredentials) Clone() credentials.TransportCredentials { return c }

// OverrideServerName is deprecated, and called by nobody; WithServerName is the way.
func (c *transportCredentials) OverrideServerName(string) error {
	return errors.New("onhook: use WithServerName")
}
