//! Where an admin API is, as people write it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::uri::Authority;

use crate::config::admin::UNIX;

const FORMS: &str = "write http://HOST:PORT, https://HOST:PORT or unix:PATH";

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// Of the network.
    Tcp {
        /// HTTPS.
        tls: bool,
        /// A name, or an address without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
    /// A socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether it is of this machine whatever names mean here.
    pub(super) fn is_local(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp { host, .. } => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
            }
        }
    }

    /// What a request says that it asks.
    pub(super) fn host(&self) -> String {
        match self {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, port, .. } if host.contains(':') => format!("[{host}]:{port}"),
            Address::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => write!(formatter, "{UNIX}{}", path.display()),
            Address::Tcp { tls, .. } => {
                write!(formatter, "http{}://{}", if *tls { "s" } else { "" }, self.host())
            }
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Address, String> {
        if let Some(path) = text.strip_prefix(UNIX) {
            return Ok(Address::Unix(PathBuf::from(path)));
        }
        let (tls, rest) = match (text.strip_prefix("http://"), text.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(FORMS.to_owned()),
        };
        let authority: Authority = rest.trim_end_matches('/').parse().map_err(|_| FORMS.to_owned())?;
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => Some(if tls { 443 } else { 80 }),
            after => after.and_then(|after| after.strip_prefix(':')?.parse().ok()),
        };
        match port {
            Some(port) if !host.is_empty() => Ok(Address::Tcp { tls, host, port }),
            _ => Err(FORMS.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for (text, is_local) in [
            ("http://127.0.0.1:8650", true),
            ("https://[::1]:1", true),
            ("https://logs.example:443", false),
            ("http://localhost:80", true),
            ("unix:/run/hookaroon.sock", true),
            ("http://127.0.0.1.example:80", false),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.is_local()), (text, is_local));
        }
        assert_eq!("https://a/".parse::<Address>().unwrap().to_string(), "https://a:443");
        for wrong in ["", "127.0.0.1:1", "ftp://a", "http://", "http://a@b", "http://a/b", "http://a:99999"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
