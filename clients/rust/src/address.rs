use std::{net::IpAddr, path::PathBuf};

use crate::Error;

/// Where a gateway listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

impl Address {
    /// `HOST:PORT`, with brackets around an IPv6 address, or `unix:/path`.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        Self::parsed(text).ok_or_else(|| {
            Error::configuration(
                "SERVER_ADDRESS",
                format!("the server's address '{text}' is neither HOST:PORT nor unix:/path"),
            )
        })
    }

    fn parsed(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!path.is_empty()).then(|| Address::Unix(path.into()));
        }
        let (host, port) = text.rsplit_once(':')?;
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if bracketed.is_none() && host.contains(':') {
            return None;
        }
        let host = bracketed.unwrap_or(host);
        let is_host = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/');
        let port = port.parse().ok().filter(|&port| port > 0)?;
        is_host.then(|| Address::Tcp { host: host.to_owned(), port })
    }

    /// Whether what is sent there stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp { host, .. } => {
                host.eq_ignore_ascii_case("localhost")
                    || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }

    /// As HTTP/2's `:authority` has it.
    pub(crate) fn authority(&self) -> String {
        match self {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Address::Tcp { host, port } => format!("{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port_or_a_socket_s_path() {
        let tcp = |host: &str, port| Address::Tcp { host: host.to_owned(), port };
        let cases = [
            ("127.0.0.1:50051", tcp("127.0.0.1", 50051)),
            ("[::1]:1", tcp("::1", 1)),
            ("gateway.example.org:443", tcp("gateway.example.org", 443)),
            ("unix:/run/onhook.sock", Address::Unix("/run/onhook.sock".into())),
            ("unix:///run/onhook.sock", Address::Unix("/run/onhook.sock".into())),
        ];
        for (text, address) in cases {
            assert_eq!(Address::parse(text).unwrap(), address, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "host", "host:", "host:0", "host:65536", ":1", "::1:1", "unix:", "a b:1"] {
            let error = Address::parse(text).unwrap_err();
            assert_eq!(error.reason(), Some("SERVER_ADDRESS"), "{text}");
        }
    }

    #[test]
    fn loopback_and_sockets_are_of_this_machine() {
        let local = |text| Address::parse(text).unwrap().is_local();
        assert!(local("127.9.9.9:1") && local("[::1]:1") && local("localhost:1"));
        assert!(local("unix:/run/onhook.sock"));
        assert!(!local("10.0.0.1:1") && !local("gateway.example.org:1"));
    }
}
