//! Asks the admin API of a run: over TCP, TLS or a Unix socket, one request, answered within [`PATIENCE`] or not at all. An
//! answer that goes on is handed over line by line, each with a bound, for as long as it goes on.
//!
//! Where the API is stands in `data_dir/admin-address` while it runs, or after `--admin`; the token is that in
//! `HOOKAROON_TOKEN`, or else the one in `data_dir/admin-token`, which goes to this machine only. What goes wrong says
//! what to do. Bound: [`MOST_ANSWER`].

mod address;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, Response, StatusCode};
use clap::Args;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{ConfigArguments, failed};
use crate::admin::tls::certificates;
use crate::admin::tokens::Tokens;
use crate::admin::{self, Found};
use crate::private;
use address::Address;

/// How long an answer may take: longer than the API takes for a change.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long a connection may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of an answer.
const MOST_ANSWER: usize = 64 << 20;

/// The most bytes of a line of an answer that goes on.
const MOST_LINE: usize = 32 << 20;

/// The most bytes of the file with a token.
const MOST_TOKEN: u64 = 1 << 10;

/// The variable with the token.
const TOKEN: &str = "HOOKAROON_TOKEN";

/// Which run is meant.
#[derive(Debug, Args)]
pub struct AdminArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The admin API, http://HOST:PORT, https://HOST:PORT or unix:PATH; by default where the configuration's run has it
    #[arg(long, value_name = "URL")]
    admin: Option<Address>,
    /// The certificates, in PEM, of which one must have issued the API's
    #[arg(long, value_name = "FILE")]
    admin_ca: Option<PathBuf>,
}

/// What asks. It has the token, so it is never printed.
pub struct Client {
    address: Address,
    token: String,
    roots: Option<PathBuf>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum ClientError {
    #[error(
        "nothing answers at {place}: {error}; is the run going on, with [admin] in its configuration? --admin URL names another \
         one"
    )]
    NotThere { place: String, error: io::Error },
    #[error(
        "no run with an admin API is known here: there is no {0}; start one with [admin] in its configuration, name its \
         configuration with -c, or its API with --admin URL"
    )]
    NotRunning(String),
    #[error(
        "there is no token: {TOKEN} is not set, and {reason}; set it to a token of that run, which `hookaroon token create` makes"
    )]
    NoToken { reason: String },
    #[error("{place} does not prove who it is: {reason}; --admin-ca FILE names who vouches for it")]
    Tls { place: String, reason: String },
    #[error("{place} did not answer within {} s", PATIENCE.as_secs())]
    Late { place: String },
    #[error("{place} broke off: {reason}")]
    Broken { place: String, reason: String },
    #[error("{message}; {remedy}")]
    Problem { message: String, remedy: String },
    #[error("{place} answers {status}, and not as an admin API does; is it one?")]
    Odd { place: String, status: StatusCode },
}

/// What the API says instead of an answer.
#[derive(Deserialize)]
struct Said {
    error: SaidError,
}

#[derive(Deserialize)]
struct SaidError {
    message: String,
    remedy: String,
}

impl AdminArguments {
    /// What asks it.
    pub fn client(&self) -> Result<Client, ExitCode> {
        self.make().map_err(|error| failed(&error))
    }

    fn make(&self) -> Result<Client, ClientError> {
        let data_dir = self.config.data_dir();
        let (address, roots) = match &self.admin {
            Some(address) => (address.clone(), self.admin_ca.clone()),
            None => {
                let Found { url, certificate } = admin::find(&data_dir).ok_or_else(|| {
                    ClientError::NotRunning(admin::address_file(&data_dir).display().to_string())
                })?;
                let address = url.parse().map_err(|reason| ClientError::Broken { place: url, reason })?;
                (address, self.admin_ca.clone().or(certificate))
            }
        };
        let token = token(&data_dir, self.admin.is_none() || address.is_local())?;
        Ok(Client { address, token, roots })
    }
}

fn token(data_dir: &Path, is_ours: bool) -> Result<String, ClientError> {
    if let Some(token) = std::env::var(TOKEN).ok().filter(|token| !token.trim().is_empty()) {
        return Ok(token.trim().to_owned());
    }
    if !is_ours {
        let reason = "the one of this machine goes to no other".to_owned();
        return Err(ClientError::NoToken { reason });
    }
    let token = private::read(&Tokens::admin_file(data_dir), MOST_TOKEN);
    token
        .map(|token| token.trim().to_owned())
        .map_err(|error| ClientError::NoToken { reason: error.to_string() })
}

impl Client {
    /// What the API answers to GET.
    pub fn get(&self, path: &str) -> Result<Value, ExitCode> {
        self.send(Method::GET, path, None).map_err(|error| failed(&error))
    }

    /// What it answers to a request for a change, with a body of that type.
    pub fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Value, ExitCode> {
        self.send(method, path, body).map_err(|error| failed(&error))
    }

    /// The same for whoever has to tell by itself what goes wrong, and for requests without a body.
    pub fn ask_for(&self, method: Method, path: &str) -> Result<Value, String> {
        self.send(method, path, None).map_err(|error| error.to_string())
    }

    /// What it answers to a request, with a body of that type.
    fn send(&self, method: Method, path: &str, body: Option<(&str, Vec<u8>)>) -> Result<Value, ClientError> {
        let request = self.request(method, path, body)?;
        let asked = async {
            let response = self.ask(request).await?;
            Ok((response.status(), self.whole(response).await?))
        };
        let (status, body) = self.runtime()?.block_on(self.within_patience(asked))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| self.odd(status));
        }
        Err(self.problem(status, &body))
    }

    /// Hands over the lines of an answer to GET that goes on, until it ends or `take` wants no more.
    pub fn lines(&self, path: &str, take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), ExitCode> {
        self.follow(path, take).map_err(|error| failed(&error))
    }

    fn follow(&self, path: &str, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Result<(), ClientError> {
        let request = self.request(Method::GET, path, None)?;
        self.runtime()?.block_on(async {
            let response = self.within_patience(self.ask(request)).await?;
            let status = response.status();
            if !status.is_success() {
                let body = self.within_patience(self.whole(response)).await?;
                return Err(self.problem(status, &body));
            }
            let mut body = response.into_body();
            let mut begun = Vec::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|error| self.broken(error.to_string()))?;
                let Ok(data) = frame.into_data() else { continue };
                for part in data.split_inclusive(|byte| *byte == b'\n') {
                    begun.extend_from_slice(part);
                    if begun.len() > MOST_LINE {
                        return Err(self.broken(format!("a line has over {MOST_LINE} bytes")));
                    }
                    if begun.ends_with(b"\n") {
                        if take(&begun).is_break() {
                            return Ok(());
                        }
                        begun.clear();
                    }
                }
            }
            Ok(())
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let (kind, body) = body.unzip();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.host())
            .header(AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        request.body(Full::from(body.unwrap_or_default())).map_err(|error| self.broken(error.to_string()))
    }

    fn runtime(&self) -> Result<runtime::Runtime, ClientError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| self.broken(error.to_string()))
    }

    fn broken(&self, reason: String) -> ClientError {
        ClientError::Broken { place: self.address.to_string(), reason }
    }

    fn odd(&self, status: StatusCode) -> ClientError {
        ClientError::Odd { place: self.address.to_string(), status }
    }

    /// What is said instead of an answer.
    fn problem(&self, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice(body) {
            Ok(Said { error }) => ClientError::Problem { message: error.message, remedy: error.remedy },
            Err(_) => self.odd(status),
        }
    }

    async fn within_patience<T>(
        &self,
        asking: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let late = |_| ClientError::Late { place: self.address.to_string() };
        timeout(PATIENCE, asking).await.map_err(late)?
    }

    async fn whole(&self, response: Response<Incoming>) -> Result<Bytes, ClientError> {
        let body = Limited::new(response.into_body(), MOST_ANSWER).collect().await;
        Ok(body.map_err(|error| self.broken(error.to_string()))?.to_bytes())
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, ClientError> {
        let not_there = |error| ClientError::NotThere { place: self.address.to_string(), error };
        match &self.address {
            Address::Unix(path) => {
                let stream = connected(UnixStream::connect(path)).await.map_err(not_there)?;
                self.talk(stream, request).await
            }
            Address::Tcp { tls, host, port } => {
                let stream =
                    connected(TcpStream::connect((host.as_str(), *port))).await.map_err(not_there)?;
                if !tls {
                    return self.talk(stream, request).await;
                }
                let failed = |reason| ClientError::Tls { place: self.address.to_string(), reason };
                let name = ServerName::try_from(host.clone()).map_err(|error| failed(error.to_string()))?;
                let connector = self.connector().map_err(failed)?;
                let stream = connected(connector.connect(name, stream)).await;
                self.talk(stream.map_err(|error| failed(error.to_string()))?, request).await
            }
        }
    }

    fn connector(&self) -> Result<TlsConnector, String> {
        let mut roots = RootCertStore::empty();
        let file = self.roots.as_ref().ok_or_else(|| "nobody is known who could vouch for it".to_owned())?;
        let at = |reason: String| format!("{}: {reason}", file.display());
        for certificate in certificates(file).map_err(at)? {
            roots.add(certificate).map_err(|error| at(error.to_string()))?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(TlsConnector::from(Arc::new(config)))
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.broken(error.to_string()))?;
        // It ends with the answer; what goes wrong with it is told there.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| self.broken(error.to_string()))
    }
}

/// A text as a part of a path or a query: all but letters, digits and a few marks by their bytes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

async fn connected<S>(connecting: impl Future<Output = io::Result<S>>) -> io::Result<S> {
    timeout(CONNECT_PATIENCE, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
