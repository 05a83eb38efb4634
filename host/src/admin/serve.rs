//! Connections: as many as there are places, each with a bounded time for its head and for taking what it is sent.
//!
//! Whoever comes while all places are taken waits in the system's backlog. A connection that does not begin a request for
//! [`HEAD_PATIENCE`] ends, so no place is held for nothing. At the end nobody new is let in, requests under way have a
//! grace, and what is left is dropped.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use super::guard::{Guard, protect};
use super::listen::{Accepted, Listener};
use super::patient::Patient;

/// How many connections each listener has at a time: operators and scrapers, not the public.
const MOST_CONNECTIONS: usize = 64;

/// How long a handshake or the head of a request may take, and how long a connection may have nothing to ask.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of a head, and headers in it.
const MOST_HEAD: usize = 32 << 10;
const MOST_HEADERS: usize = 64;

/// How long is waited when the system has no descriptors for another connection.
const BREATH: Duration = Duration::from_millis(100);

/// Who asks, as far as the connection tells: an address, or `unix`.
#[derive(Clone, Debug)]
pub(super) struct Peer(pub(super) Arc<str>);

/// A listener and what it serves.
pub(super) struct Server {
    guard: Guard,
    listener: Listener,
    router: Router,
}

impl Server {
    pub(super) fn new(listener: Listener, router: Router) -> Server {
        Server { guard: Guard::of(&listener), listener, router }
    }

    async fn serve(self, mut ended: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let come = async {
                let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
                Ok::<_, io::Error>((self.listener.accept().await?, place))
            };
            let come = tokio::select! {
                come = come => come,
                () = end(&mut ended) => break,
            };
            // Those that have ended are forgotten.
            while connections.try_join_next().is_some() {}
            match come {
                Ok((accepted, place)) => {
                    let one = Connection {
                        guard: self.guard.clone(),
                        router: self.router.clone(),
                        ended: ended.clone(),
                        _place: place,
                    };
                    connections.spawn(one.greet(accepted));
                }
                Err(error) => {
                    tracing::debug!("admin: a connection could not be taken: {error}");
                    sleep(BREATH).await;
                }
            }
        }
        // Nobody new; those who are here have what is left of the grace.
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Serves until that is ended, and then for `grace` at most.
pub(super) async fn until_ended(servers: Vec<Server>, mut ended: watch::Receiver<bool>, grace: Duration) {
    let mut serving = JoinSet::new();
    for server in servers {
        serving.spawn(server.serve(ended.clone()));
    }
    end(&mut ended).await;
    let _ = timeout(grace, async { while serving.join_next().await.is_some() {} }).await;
}

/// Waits for the end.
async fn end(ended: &mut watch::Receiver<bool>) {
    // Whoever would say so may be gone, which is an end too.
    let _ = ended.wait_for(|ended| *ended).await;
}

struct Connection {
    guard: Guard,
    router: Router,
    ended: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn greet(self, accepted: Accepted) {
        match accepted {
            Accepted::Tcp(stream, peer, None) => self.talk(stream, peer.to_string()).await,
            Accepted::Tcp(stream, peer, Some(tls)) => {
                match timeout(HEAD_PATIENCE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => self.talk(stream, peer.to_string()).await,
                    Ok(Err(error)) => tracing::debug!("admin: no TLS with {peer}: {error}"),
                    Err(_) => tracing::debug!("admin: no TLS with {peer}: it said nothing"),
                }
            }
            Accepted::Unix(stream) => self.talk(stream, "unix".to_owned()).await,
        }
    }

    async fn talk(mut self, stream: impl AsyncRead + AsyncWrite + Unpin, peer: String) {
        let peer = Peer(Arc::from(peer));
        let (guard, router) = (self.guard, self.router);
        let service = service_fn(move |request| answer(guard.clone(), router.clone(), peer.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_PATIENCE)
            .max_buf_size(MOST_HEAD)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(Patient::new(stream)), service);
        let mut connection = pin!(connection);
        let result = tokio::select! {
            result = connection.as_mut() => result,
            () = end(&mut self.ended) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = result {
            tracing::debug!("admin: a connection ended early: {error}");
        }
    }
}

async fn answer(
    guard: Guard,
    mut router: Router,
    peer: Peer,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    let mut response = match guard.admit(&request) {
        Ok(()) => router.call(request).await?,
        Err(problem) => problem.into_response(),
    };
    protect(response.headers_mut());
    Ok(response)
}
