//! The admin API: what operators ask and change over HTTP while events flow.
//!
//! ```text
//! listen -> serve (connections) -> guard (Host) -> door (path, token, role, body) -> an endpoint, in a thread that may block
//!                                                      |                               look: answers
//!                                                      +- audit                        change: plans, is written down, applies
//! ```
//!
//! It runs beside the flow on a thread of its own, which waits for the network and for nothing else; what blocks (disks,
//! hooks) runs in at most [`MOST_AT_WORK`] others. Bounds: connections, and for each request the bytes and the time of its
//! head, its body, its work and its answer. Every path, its role and its schema stand in one table, [`routes`]. When the
//! run ends, so does this, whoever is connected.

pub mod audit;
mod door;
pub mod endpoint;
mod endpoints;
mod guard;
mod listen;
pub mod openapi;
mod page;
mod patient;
pub mod problem;
pub mod role;
mod routes;
mod serve;
pub mod state;
mod stream;
pub(crate) mod tls;
pub mod tokens;

use std::fs;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use tokio::sync::watch;

use crate::config;
use crate::config::admin::Listen;
use crate::private;
use crate::tap::Taps;
use door::Serves;
use listen::Listener;
use serve::Server;
use state::State;
use tokens::TokenError;

/// How many requests are worked on at a time; the others wait, within their time.
const MOST_AT_WORK: usize = 4;

/// How long a thread that has no work is kept.
const IDLE: Duration = Duration::from_millis(500);

/// How long the end of a run waits for requests under way: nothing is lost with them.
const GRACE: Duration = Duration::from_millis(500);

/// Below the data directory: where the API is, for the command line on this machine.
const ADDRESS_FILE: &str = "admin-address";

/// The most bytes of that.
const MOST_ADDRESS: u64 = 16 << 10;

/// Why the API is not there.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot listen.
    #[error("[admin] {key} = {place:?}: {reason}")]
    Listen {
        /// `listen` or `metrics_listen`.
        key: &'static str,
        /// Its value.
        place: String,
        /// What is in the way, and what to do.
        reason: String,
    },
    /// Its certificate or key is of no use.
    #[error("[admin.tls] {key} = {path:?}: {reason}")]
    Tls {
        /// `cert` or `key`.
        key: &'static str,
        /// Its value.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody could ask.
    #[error("[admin]: {0}")]
    Tokens(#[from] TokenError),
    /// The command line could not find it.
    #[error("[admin]: {0}")]
    Address(io::Error),
    /// The machine has no more threads.
    #[error("[admin]: cannot start its thread: {0}")]
    Thread(io::Error),
}

/// The API while it runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    end: watch::Sender<bool>,
    taps: Arc<Taps>,
    thread: Option<JoinHandle<()>>,
    _address: AddressFile,
}

/// The file that says where the API is, and is gone with it.
#[derive(Debug)]
struct AddressFile {
    path: PathBuf,
    text: String,
}

/// Where an API says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `http://...`, `https://...` or `unix:...`.
    pub url: String,
    /// The file with its certificate.
    pub certificate: Option<PathBuf>,
}

/// The file in which the API below this data directory says where it is.
pub fn address_file(data_dir: &Path) -> PathBuf {
    data_dir.join(ADDRESS_FILE)
}

/// Where it says that it is; none: it says nothing.
pub fn find(data_dir: &Path) -> Option<Found> {
    let text = private::read(&address_file(data_dir), MOST_ADDRESS).ok()?;
    let mut lines = text.lines();
    Some(Found { url: lines.next()?.to_owned(), certificate: lines.next().map(PathBuf::from) })
}

/// Starts it. Where it listens is known, and in the log, before this returns.
pub fn start(admin: &config::Admin, state: State) -> Result<Running, StartError> {
    if state.tokens.make_first()? {
        tracing::info!(
            "admin: there were no tokens, so there are four now, in {}; that of the role admin alone is in {}",
            state.tokens.file().display(),
            tokens::Tokens::admin_file(&state.data_dir).display()
        );
    }
    let runtime = runtime().map_err(StartError::Thread)?;
    let bind = |key, listen: &Listen, tls| runtime.block_on(Listener::bind(key, listen, tls));
    let tls = admin.tls.as_ref().map(tls::acceptor).transpose()?;
    let api = bind("listen", &admin.listen, tls)?;
    let metrics = admin.metrics_listen.map(|address| bind("metrics_listen", &Listen::Tcp(address), None));
    let metrics = metrics.transpose()?;
    let found = Found { url: api.url(), certificate: admin.tls.as_ref().map(|tls| tls.cert.clone()) };
    let address = AddressFile::write(&state.data_dir, &found)?;
    tracing::info!("admin: listening on {}", api.url());
    if let Some(metrics) = &metrics {
        tracing::info!("admin: metrics alone on {}", metrics.url());
    }
    let taps = state.control.live().taps().clone();
    let state = Arc::new(state);
    let mut servers = vec![Server::new(api, routes::router(state.clone(), Serves::Api))];
    servers.extend(metrics.map(|metrics| Server::new(metrics, routes::router(state, Serves::Metrics))));
    let (end, ended) = watch::channel(false);
    let serve = move || {
        runtime.block_on(serve::until_ended(servers, ended, GRACE));
        runtime.shutdown_timeout(GRACE);
    };
    let thread = Builder::new().name("admin".to_owned()).spawn(serve).map_err(StartError::Thread)?;
    Ok(Running { end, taps, thread: Some(thread), _address: address })
}

fn runtime() -> io::Result<Runtime> {
    runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(MOST_AT_WORK)
        .thread_keep_alive(IDLE)
        .thread_name("admin work")
        .build()
}

impl Drop for Running {
    fn drop(&mut self) {
        // First, so that those who look are told of the end.
        self.taps.close();
        self.end.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("admin: its thread panicked; this is a fault of Hookaroon, please report it");
        }
    }
}

impl AddressFile {
    /// One line for the address, and one for the certificate if there is one.
    fn write(data_dir: &Path, found: &Found) -> Result<AddressFile, StartError> {
        let path = address_file(data_dir);
        let certificate =
            found.certificate.as_deref().map(absolute).transpose().map_err(StartError::Address)?;
        let certificate = certificate.map_or_else(String::new, |path| format!("{}\n", path.display()));
        let text = format!("{}\n{certificate}", found.url);
        private::write(&path, &text).map_err(StartError::Address)?;
        Ok(AddressFile { path, text })
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        // A run that was started since with the same data directory has put its own there.
        let is_ours = private::read(&self.path, MOST_ADDRESS).is_ok_and(|text| text == self.text);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("admin: cannot remove {}: {error}", self.path.display());
        }
    }
}
