//! Where the admin API listens, from `[admin]`: an address that only this machine reaches, a socket that only this user
//! may use, or, with TLS or on the operator's word, an address that others reach.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::reader::Table;
use super::schema::{self, DEFAULT_LISTEN};

/// What stands before the path of a socket.
pub(crate) const UNIX: &str = "unix:";

/// The admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub listen: Listen,
    /// Where metrics and health alone are served, without a token.
    pub metrics_listen: Option<SocketAddr>,
    /// What it shows to those who connect; none: it is plain HTTP.
    pub tls: Option<Tls>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address; port 0: any that is free.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate and those that lead to a root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// None: there is no such table.
pub(super) fn read(top: &Table<'_, '_>, dir: &Path) -> Option<Admin> {
    let table = top.table("admin", schema::ADMIN)?;
    let insecure = table.boolean("insecure", false);
    let tls = tls(&table, dir);
    let (listen, span) =
        table.string("listen").unwrap_or((DEFAULT_LISTEN.trim_matches('"'), table.span().clone()));
    let listen = match listen.strip_prefix(UNIX) {
        Some("") => {
            table.wrong(
                &span,
                "listen: the path is missing; write for example \"unix:/run/hookaroon.sock\"".to_owned(),
            );
            None
        }
        Some(path) => Some(Listen::Unix(dir.join(path))),
        None => address(&table, "listen", listen, &span).map(Listen::Tcp),
    };
    match &listen {
        Some(Listen::Unix(_)) if tls.is_some() => {
            table.wrong(&span, "tls is for an address; a Unix socket has none".to_owned());
        }
        Some(Listen::Tcp(address)) if tls.is_none() => local(&table, "listen", *address, insecure, &span),
        _ => {}
    }
    let metrics_listen = table.string("metrics_listen").and_then(|(text, span)| {
        let address = address(&table, "metrics_listen", text, &span)?;
        local(&table, "metrics_listen", address, insecure, &span);
        Some(address)
    });
    // Where `listen` is wrong nothing starts.
    Some(Admin { listen: listen.unwrap_or(Listen::Unix(PathBuf::new())), metrics_listen, tls })
}

fn tls(admin: &Table<'_, '_>, dir: &Path) -> Option<Tls> {
    let table = admin.table("tls", schema::ADMIN_TLS)?;
    let file = |key| table.required_string(key).map(|(path, _)| dir.join(path));
    let (cert, key) = (file("cert"), file("key"));
    Some(Tls { cert: cert?, key: key? })
}

fn address(table: &Table<'_, '_>, key: &str, text: &str, span: &Range<usize>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        let unix = if key == "listen" { ", or \"unix:/run/hookaroon.sock\"" } else { "" };
        table.wrong(
            span,
            format!("{key} = {text:?} is no address and port; write for example \"127.0.0.1:8650\"{unix}"),
        );
    }
    address
}

/// Refuses plain HTTP on an address that others can reach.
fn local(table: &Table<'_, '_>, key: &str, address: SocketAddr, insecure: bool, span: &Range<usize>) {
    if insecure || address.ip().to_canonical().is_loopback() {
        return;
    }
    let remedy = match key {
        "listen" => "add tls = { cert = \"cert.pem\", key = \"key.pem\" }, or insecure = true",
        _ => "listen on 127.0.0.1, or add insecure = true",
    };
    table.wrong(
        span,
        format!("{key} = \"{address}\": others can reach that, and it would be plain HTTP; {remedy}"),
    );
}
