//! The signatures beside a plugin's file: where they are, and what they hold. Nothing here says that one fits.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::Serialize;

use super::{BASE64, KeyId, MAX_SIGNATURE_BYTES, TrustFault};
use crate::hook::file;

/// Who makes a signature, and so how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// minisign, signify's younger sister.
    Minisign,
    /// OpenSSL and others: an Ed25519 signature and nothing else.
    Bare,
}

/// A signature as it was read.
pub(super) enum Signature {
    /// By the key with this number, as it says itself.
    Minisign { id: KeyId, signature: minisign_verify::Signature },
    /// By nobody who is named.
    Bare(ed25519_dalek::Signature),
}

/// A signature beside a plugin, for who wants to know whose it says that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// Its file.
    pub file: PathBuf,
    /// `"minisign"` or `"ed25519"`.
    pub form: &'static str,
    /// The key that a minisign signature says it was made with; that it fits is not said.
    pub key_id: Option<String>,
    /// Why it cannot be read. Completes a sentence that starts with the plugin's name.
    pub fault: Option<String>,
}

impl Form {
    /// The file of such a signature.
    pub(super) fn beside(self, plugin: &Path) -> PathBuf {
        let mut name = OsString::from(plugin);
        name.push(".");
        name.push(self.ending());
        PathBuf::from(name)
    }

    /// What such a file's name ends in.
    pub(super) fn ending(self) -> &'static str {
        match self {
            Form::Minisign => "minisig",
            Form::Bare => "sig",
        }
    }

    /// A signature of this form that belongs to a plugin.
    pub(super) fn of_plugin(self, plugin: &Path, bytes: &[u8]) -> Result<Signature, TrustFault> {
        self.parse(bytes).map_err(|reason| TrustFault::Malformed {
            signature: self.beside(plugin),
            reason,
            command: self.command(plugin),
        })
    }

    /// The command that makes one.
    pub(super) fn command(self, plugin: &Path) -> String {
        let plugin = plugin.display();
        match self {
            Form::Minisign => format!("`minisign -S -s SECRET.key -m {plugin}`"),
            Form::Bare => {
                format!("`openssl pkeyutl -sign -rawin -inkey SECRET.pem -in {plugin} -out {plugin}.sig`")
            }
        }
    }

    fn parse(self, bytes: &[u8]) -> Result<Signature, &'static str> {
        match self {
            Form::Minisign => minisign(bytes),
            Form::Bare => bare(bytes),
        }
    }
}

impl Signature {
    /// The signature of this form beside a plugin, if there is one.
    pub(super) fn read(form: Form, plugin: &Path) -> Result<Option<Signature>, TrustFault> {
        let path = form.beside(plugin);
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(TrustFault::Unreadable { signature: path, error }),
        };
        form.of_plugin(plugin, &bytes).map(Some)
    }
}

impl Beside {
    /// The signatures beside a plugin, unchecked.
    pub fn of(plugin: &Path) -> Vec<Beside> {
        let one = |(form, name): (Form, &'static str)| {
            let (key_id, fault) = match Signature::read(form, plugin) {
                Ok(None) => return None,
                Ok(Some(Signature::Minisign { id, .. })) => (Some(id.to_string()), None),
                Ok(Some(Signature::Bare(_))) => (None, None),
                Err(fault) => (None, Some(fault.to_string())),
            };
            Some(Beside { file: form.beside(plugin), form: name, key_id, fault })
        };
        [(Form::Minisign, "minisign"), (Form::Bare, "ed25519")].into_iter().filter_map(one).collect()
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = file::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let bytes = file::rest(&file, MAX_SIGNATURE_BYTES)?;
    bytes.ok_or_else(|| io::Error::other(format!("it has more than {MAX_SIGNATURE_BYTES} bytes")))
}

/// Four lines: a comment, algorithm, key and signature; a comment that is signed too, the signature over both.
fn minisign(bytes: &[u8]) -> Result<Signature, &'static str> {
    const BROKEN: &str = "it does not have the four lines of a minisign signature";
    let text = std::str::from_utf8(bytes).map_err(|_| BROKEN)?;
    let signature = minisign_verify::Signature::decode(text).map_err(|error| match error {
        minisign_verify::Error::UnsupportedAlgorithm => "its algorithm is none of minisign's (Ed, ED)",
        _ => BROKEN,
    })?;
    let id = text.lines().nth(1).and_then(KeyId::of_line).ok_or(BROKEN)?;
    Ok(Signature::Minisign { id, signature })
}

/// 64 bytes, or their base64 on as many lines as may be.
fn bare(bytes: &[u8]) -> Result<Signature, &'static str> {
    const BROKEN: &str = "it is neither the 64 bytes of an Ed25519 signature nor their base64";
    let decoded;
    let signature = match bytes.try_into() {
        Ok(signature) => signature,
        Err(_) => {
            let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            decoded = BASE64.decode(text).map_err(|_| BROKEN)?;
            decoded.as_slice().try_into().map_err(|_| BROKEN)?
        }
    };
    Ok(Signature::Bare(ed25519_dalek::Signature::from_bytes(signature)))
}
