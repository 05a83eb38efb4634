//! Whose plugins are loaded, where the operator says so: the public keys of `trust`, and the signatures beside the files.
//!
//! With keys, a plugin that was read from a file needs `FILE.minisig` by one of the minisign keys or `FILE.sig` by one of
//! the bare Ed25519 keys. A minisign signature covers the file's bytes, or their hash in its newer form, and its trusted
//! comment; both are checked. What is checked is bytes in memory, and who calls goes on with these.
//! Bounds: [`MAX_SIGNATURE_BYTES`]. Failures are [`TrustFault`]s, each with its remedy.
//!
//! The formats are those of <https://jedisct1.github.io/minisign/> and of RFC 8032, section 5.1.6.

mod fault;
mod signature;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;

pub use fault::{KeyError, TrustFault};
pub use signature::Beside;
use signature::{Form, Signature};

/// The most bytes of a signature's file: minisign's comments have 9 KiB at most.
const MAX_SIGNATURE_BYTES: u64 = 16 << 10;

/// What a bare Ed25519 key starts with in the configuration.
const BARE: &str = "ed25519:";

/// What minisign's secret keys start with: those with a password, and those without.
const SECRETS: [&str; 2] = ["RWRTY0Iy", "RWQAAEIy"];

/// Whose plugins are loaded. By default everybody's, and no signature is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust(Vec<PublicKey>);

/// A key that somebody signs plugins with, as `trust` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// The second line of a minisign `.pub` file.
    Minisign {
        /// Which its signatures name.
        id: KeyId,
        /// The key.
        key: minisign_verify::PublicKey,
    },
    /// `ed25519:` and the base64 of its 32 bytes.
    Bare(VerifyingKey),
}

/// The number that minisign gives a pair of keys, and writes as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(u64);

impl Trust {
    /// Only what is signed with one of these keys; without any, whatever comes.
    pub fn new(keys: Vec<PublicKey>) -> Trust {
        Trust(keys)
    }

    /// Checks that the plugin `file`, which holds `bytes`, is signed with one of the keys, if there are keys.
    pub fn check(&self, file: &Path, bytes: &[u8]) -> Result<(), TrustFault> {
        self.check_with(file, bytes, |form| Signature::read(form, file))
    }

    /// The same for a plugin that is handed over, with the signature that came along and the ending of such a file; `name`
    /// is what errors call it.
    pub fn check_handed(
        &self,
        name: &Path,
        bytes: &[u8],
        signature: Option<(&str, &[u8])>,
    ) -> Result<(), TrustFault> {
        self.check_with(name, bytes, |form| match signature {
            Some((ending, signature)) if ending == form.ending() => form.of_plugin(name, signature).map(Some),
            _ => Ok(None),
        })
    }

    fn check_with(
        &self,
        file: &Path,
        bytes: &[u8],
        signature: impl Fn(Form) -> Result<Option<Signature>, TrustFault>,
    ) -> Result<(), TrustFault> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut first = None;
        for form in self.forms() {
            let checked = match signature(form) {
                Ok(None) => continue,
                Ok(Some(signature)) => self.check_one(&signature, file, bytes),
                Err(fault) => Err(fault),
            };
            match checked {
                Ok(()) => return Ok(()),
                Err(fault) => first = first.or(Some(fault)),
            }
        }
        Err(first.unwrap_or_else(|| TrustFault::unsigned(self.forms(), file)))
    }

    fn check_one(&self, signature: &Signature, file: &Path, bytes: &[u8]) -> Result<(), TrustFault> {
        match signature {
            Signature::Minisign { id, signature } => {
                let mut named = self.minisign().filter(|(known, _)| *known == id).peekable();
                if named.peek().is_none() {
                    let trusted = self.minisign().map(|(id, _)| id.to_string()).collect();
                    let signature = Form::Minisign.beside(file);
                    return Err(TrustFault::OtherKey { signature, id: *id, trusted });
                }
                // Older versions of minisign, and other programs, sign the bytes and not their hash.
                const ALLOW_LEGACY: bool = true;
                if named.any(|(_, key)| key.verify(bytes, signature, ALLOW_LEGACY).is_ok()) {
                    return Ok(());
                }
                Err(TrustFault::Unfit { signature: Form::Minisign.beside(file), id: *id })
            }
            Signature::Bare(signature) => {
                // Strict: no key and no signature that several messages fit.
                if self.bare().any(|key| key.verify_strict(bytes, signature).is_ok()) {
                    return Ok(());
                }
                let trusted = self.bare().map(|key| PublicKey::Bare(*key).to_string()).collect();
                Err(TrustFault::UnfitBare { signature: Form::Bare.beside(file), trusted })
            }
        }
    }

    /// The forms of signature that its keys can check, in the order in which they are looked at.
    fn forms(&self) -> impl Iterator<Item = Form> {
        let minisign = self.minisign().next().map(|_| Form::Minisign);
        let bare = self.bare().next().map(|_| Form::Bare);
        minisign.into_iter().chain(bare)
    }

    fn minisign(&self) -> impl Iterator<Item = (&KeyId, &minisign_verify::PublicKey)> {
        self.0.iter().filter_map(|key| match key {
            PublicKey::Minisign { id, key } => Some((id, key)),
            PublicKey::Bare(_) => None,
        })
    }

    fn bare(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.0.iter().filter_map(|key| match key {
            PublicKey::Bare(key) => Some(key),
            PublicKey::Minisign { .. } => None,
        })
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<PublicKey, KeyError> {
        let text = text.trim();
        let Some(bare) = text.strip_prefix(BARE) else {
            // Never repeated in the error: a secret that stands here by mistake must not end up in a log.
            if SECRETS.iter().any(|start| text.starts_with(start)) {
                return Err(KeyError::Secret);
            }
            let key = minisign_verify::PublicKey::from_base64(text).map_err(|_| KeyError::Unknown)?;
            let id = KeyId::of_line(text).ok_or(KeyError::Unknown)?;
            return Ok(PublicKey::Minisign { id, key });
        };
        let bytes = BASE64.decode(bare.trim()).map_err(|_| KeyError::NotBase64)?;
        let bytes = bytes.as_slice().try_into().map_err(|_| KeyError::Length { actual: bytes.len() })?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NoPoint)?;
        if key.is_weak() { Err(KeyError::NoPoint) } else { Ok(PublicKey::Bare(key)) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublicKey::Minisign { id, .. } => id.fmt(formatter),
            PublicKey::Bare(key) => write!(formatter, "{BARE}{}", BASE64.encode(key.as_bytes())),
        }
    }
}

impl KeyId {
    /// Of a line of minisign, a key's or a signature's: two letters for the algorithm, the number, and the rest.
    fn of_line(line: &str) -> Option<KeyId> {
        let bytes = BASE64.decode(line).ok()?;
        let id = bytes.get(2..)?.first_chunk()?;
        Some(KeyId(u64::from_le_bytes(*id)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016X}", self.0)
    }
}

#[cfg(test)]
mod tests;
