package onhook_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs certificates for one test. Files are in its folder.
type authority struct {
	t           *testing.T
	folder      string
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, folder: t.TempDir()}
	a.certificate, a.key = a.sign("the authority", nil, nil)
	a.write("ca.crt", "CERTIFICATE", a.certificate.Raw)
	return a
}

func (a *authority) sign(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (
	*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		IsCA:                  parent == nil,
		BasicConstraintsValid: true,
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	a.check(err)
	certificate, err := x509.ParseCertificate(raw)
	a.check(err)
	return certificate, key
}

func (a *authority) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(file string) string { return filepath.Join(a.folder, file) }

func (a *authority) write(file, kind string, content []byte) {
	a.t.Helper()
	a.check(os.WriteFile(a.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
}

// issue writes FILE.crt and FILE.key for a name.
func (a *authority) issue(file, name string) {
	a.t.Helper()
	certificate, key := a.sign(name, a.certificate, a.key)
	a.write(file+".crt", "CERTIFICATE", certificate.Raw)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	a.check(err)
	a.write(file+".key", "PRIVATE KEY", raw)
}

// serverConfig asks clients for a certificate.
func (a *authority) serverConfig(name string) *tls.Config {
	a.t.Helper()
	a.issue("server", name)
	pair, err := tls.LoadX509KeyPair(a.path("server.crt"), a.path("server.key"))
	a.check(err)
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven,
		MinVersion: tls.VersionTLS12,
	}
}
