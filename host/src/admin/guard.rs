//! What holds for every request and every answer of a listener, whatever is asked.
//!
//! A page that somebody opens in a browser on this machine can have its own name resolved to this machine (DNS rebinding)
//! and would then be of the same origin as the API. So a listener that only this machine reaches answers only to its
//! names. No answer allows another origin (CORS), is kept, or is taken for something else than it says.

use std::net::SocketAddr;

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::listen::Listener;
use super::problem::Problem;

/// The names that a listener on this machine answers to.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Which names a listener answers to.
#[derive(Clone, Debug)]
pub(super) enum Guard {
    /// Any: others reach it, by names that only they know, or nobody by name.
    AnyName,
    /// Those of this machine, and the address that is configured.
    Local(SocketAddr),
}

impl Guard {
    pub(super) fn of(listener: &Listener) -> Guard {
        match listener {
            Listener::Tcp { address, .. } if address.ip().to_canonical().is_loopback() => {
                Guard::Local(*address)
            }
            _ => Guard::AnyName,
        }
    }

    /// Lets a request through that names this listener.
    pub(super) fn admit<B>(&self, request: &Request<B>) -> Result<(), Problem> {
        let Guard::Local(address) = self else { return Ok(()) };
        let named = request.headers().get(HOST).map(|host| host.to_str().unwrap_or_default());
        let Some(host) = named else {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "no_host",
                "the request has no Host",
                "send `Host: localhost`",
            ));
        };
        let asked = [Some(host), request.uri().authority().map(Authority::as_str)];
        match asked.into_iter().flatten().find(|host| !is_local(host, *address)) {
            None => Ok(()),
            Some(host) => Err(Problem::new(
                StatusCode::MISDIRECTED_REQUEST,
                "wrong_host",
                format!("this listens on {address} and answers to its local names, not to {host:?}"),
                "ask localhost or 127.0.0.1; listen on another address, with tls, if others are to reach it",
            )),
        }
    }
}

fn is_local(host: &str, address: SocketAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else { return false };
    // A user's name before an @ is nobody's host.
    let name = authority.host();
    let is_known = LOCAL.iter().any(|local| local.eq_ignore_ascii_case(name))
        || name.trim_matches(['[', ']']).parse() == Ok(address.ip());
    is_known && !host.contains('@')
}

/// What every answer says.
pub(super) fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(guard: &Guard, host: Option<&str>, uri: &str) -> bool {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        guard.admit(&request.body(()).unwrap()).is_ok()
    }

    #[test]
    fn a_listener_of_this_machine_answers_to_its_local_names_only() {
        let guard = Guard::Local("127.0.0.5:8650".parse().unwrap());
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8650", "[::1]:8650", "127.0.0.5", "127.0.0.5:9"] {
            assert!(admits(&guard, Some(host), "/"), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example:8650", "127.0.0.6", "a@localhost", "", "local host"]
        {
            assert!(!admits(&guard, Some(host), "/"), "{host}");
        }
        assert!(!admits(&guard, None, "/"));
        assert!(!admits(&guard, Some("localhost"), "http://evil.example/"));
        assert!(admits(&Guard::AnyName, Some("anything"), "/") && admits(&Guard::AnyName, None, "/"));
    }
}
