//! The keys of `[admin]`.

use super::super::Form::{Any, Listen, Path};
use super::super::Kind::{Flag, Table, Text};
use super::super::Section;
use super::super::Unset::{Is, Means, Refused};
use super::{Key, key, table};

pub(in crate::config) const ADMIN: &Section = &Section {
    header: "[admin]",
    doc: "The admin API: what operators ask and change while events flow. Without this table nothing listens. See \
          [the admin API](admin.md).",
    keys: &[
        key(
            "listen",
            Text(Listen),
            Is(DEFAULT_LISTEN),
            "\"127.0.0.1:8650\"",
            "Where it listens: an address and a port, of which 0 is any that is free and is told in the log; or \
             `unix:PATH`, a socket that only this user may use. An address that others can reach needs `tls`, or `insecure`.",
        ),
        key(
            "metrics_listen",
            Text(Any),
            Means("metrics are served where the rest is, with a token"),
            "\"127.0.0.1:8651\"",
            "An address and a port that serve `/metrics` and health only, to whoever asks: nothing can be changed there, and \
             no token is needed. It is plain HTTP; an address that others can reach needs `insecure`.",
        ),
        key("insecure", Flag, Is("false"), "true", "Tokens and answers may pass a network as plain HTTP."),
        Key { unset: Means("plain HTTP"), ..table("tls", Table(ADMIN_TLS)) },
    ],
};

pub(in crate::config) const ADMIN_TLS: &Section = &Section {
    header: "[admin.tls]",
    doc: "What the admin API shows to those who connect: HTTPS only, TLS 1.2 or 1.3. The files are read at the start.",
    keys: &[
        key(
            "cert",
            Text(Path),
            Refused,
            "\"/etc/hookaroon/cert.pem\"",
            "Its certificate and those that lead to a root, in PEM.",
        ),
        key("key", Text(Path), Refused, "\"/etc/hookaroon/key.pem\"", "Its private key, in PEM."),
    ],
};

/// On this machine only.
pub(in crate::config) const DEFAULT_LISTEN: &str = "\"127.0.0.1:8650\"";
