//! Where the API listens: an address, or a Unix socket that only this user may use.
//!
//! A socket that was left by a process that is gone is replaced; one that answers belongs to a process that lives, and
//! anything else that stands at its path is somebody's: both are errors. The socket is removed at the end, if it is still
//! the same.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::StartError;
use crate::config::admin::{Listen, UNIX};

/// How many connections wait for the API to take them.
const BACKLOG: u32 = 64;

/// A listening address or socket.
pub(super) enum Listener {
    /// An address.
    Tcp {
        /// It.
        listener: TcpListener,
        /// The one that it got.
        address: SocketAddr,
        /// If it is not plain.
        tls: Option<TlsAcceptor>,
    },
    /// A socket.
    Unix {
        /// It.
        listener: UnixListener,
        /// The name by which it is found, for as long.
        file: SocketFile,
    },
}

/// Somebody who connected.
pub(super) enum Accepted {
    /// To an address.
    Tcp(TcpStream, SocketAddr, Option<TlsAcceptor>),
    /// To a socket.
    Unix(UnixStream),
}

/// A socket's name, which is removed with it.
pub(super) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Listener {
    /// Listens; `key` is where that stands in the configuration.
    pub(super) async fn bind(
        key: &'static str,
        listen: &Listen,
        tls: Option<TlsAcceptor>,
    ) -> Result<Listener, StartError> {
        let failed =
            |place: String| move |reason: String| StartError::Listen { key, place: place.clone(), reason };
        match listen {
            Listen::Tcp(wanted) => {
                let failed = failed(wanted.to_string());
                let listener = TcpListener::bind(wanted).await.map_err(|error| failed(in_the_way(&error)))?;
                let address = listener.local_addr().map_err(|error| failed(error.to_string()))?;
                Ok(Listener::Tcp { listener, address, tls })
            }
            Listen::Unix(path) => {
                let failed = failed(format!("{UNIX}{}", path.display()));
                let (listener, file) = unix(path).map_err(|error| failed(error.to_string()))?;
                Ok(Listener::Unix { listener, file })
            }
        }
    }

    /// Waits for somebody.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp { listener, tls, .. } => {
                let (stream, peer) = listener.accept().await?;
                // Answers are small and wanted at once. Whoever is gone already is noticed when it is read from.
                let _ = stream.set_nodelay(true);
                Ok(Accepted::Tcp(stream, peer, tls.clone()))
            }
            Listener::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok(Accepted::Unix(stream))
            }
        }
    }

    /// How it is reached from this machine.
    pub(super) fn url(&self) -> String {
        match self {
            Listener::Tcp { address, tls, .. } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let ip = match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
                    IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
                    ip => ip,
                };
                format!("{scheme}://{}", SocketAddr::new(ip, address.port()))
            }
            Listener::Unix { file, .. } => format!("{UNIX}{}", file.path.display()),
        }
    }
}

fn in_the_way(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; another process listens there: end it, or choose another port (0: any that is free)"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need the right to use them: choose another",
        _ => "",
    };
    format!("{error}{remedy}")
}

fn unix(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    remove_stale(path)?;
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    // Before it listens, so that nobody else connects in between.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    let metadata = fs::symlink_metadata(path)?;
    let file = SocketFile { path: path.to_owned(), inode: (metadata.dev(), metadata.ino()) };
    Ok((socket.listen(BACKLOG)?, file))
}

/// Removes a socket that nobody listens at.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let message = "there is something else than a socket; remove it, or choose another path";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens there; end it, or choose another path",
        )),
    }
}

impl fmt::Debug for SocketFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(formatter)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == self.inode);
        if is_ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("admin: cannot remove {}: {error}", self.path.display());
        }
    }
}
