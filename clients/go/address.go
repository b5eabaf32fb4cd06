package onhook

import (
	"net"
	"strconv"
	"strings"
)

// address is where the gateway listens: HOST:PORT, or unix:/path.
type address struct {
	text string
	host string // empty: a Unix-domain socket
}

func parseAddress(text string) (address, error) {
	if path, isUnix := strings.CutPrefix(text, "unix:"); isUnix {
		if strings.TrimPrefix(path, "//") != "" {
			return address{text: text}, nil
		}
	} else if host, port, err := net.SplitHostPort(text); err == nil && host != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err == nil && number > 0 {
			return address{text: text, host: host}, nil
		}
	}
	return address{}, optionError("SERVER_ADDRESS",
		"the server's address %q is neither HOST:PORT nor unix:/path", text)
}

func (a address) isUnix() bool { return a.host == "" }

// isLocal tells whether nothing that is sent there leaves this machine.
func (a address) isLocal() bool {
	if a.isUnix() || strings.EqualFold(a.host, "localhost") {
		return true
	}
	ip := net.ParseIP(a.host)
	return ip != nil && ip.IsLoopback()
}
