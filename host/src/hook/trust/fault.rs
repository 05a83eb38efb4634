//! What is wrong with a key or a signature, each with its remedy.

use std::io;
use std::path::{Path, PathBuf};

use super::signature::Form;
use super::{BARE, KeyId};
use crate::hook::wrap::listed;

/// Why a text is no key. It never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither of the two.
    #[error(
        "this is no public key; write the second line of a minisign .pub file (RW...), or {BARE:?} and the base64 of the 32 \
         bytes of an Ed25519 key"
    )]
    Unknown,
    /// It is the other half of a pair.
    #[error(
        "this is a minisign secret key, and now it is known to all who may read this file: make a new pair with minisign \
         -G, sign the plugins again, and write the second line of the .pub file here"
    )]
    Secret,
    /// What follows the prefix.
    #[error("what follows {BARE:?} is not base64; write that of the key's 32 bytes")]
    NotBase64,
    /// Perhaps it is still wrapped in something.
    #[error(
        "what follows {BARE:?} has {actual} bytes and a public key 32; of a PEM file: openssl pkey -in FILE.pem -pubout \
         -outform DER | tail -c 32 | base64"
    )]
    Length {
        /// How many it has.
        actual: usize,
    },
    /// Damaged, or made to fit anything.
    #[error(
        "what follows {BARE:?} is no usable Ed25519 key; compare it with the one that its owner publishes"
    )]
    NoPoint,
}

/// Why a plugin is not trusted. Completes a sentence that starts with the plugin's name.
#[derive(Debug, thiserror::Error)]
pub enum TrustFault {
    /// No signature is there.
    #[error(
        "is not signed, and trust in the configuration asks for it: there is no {}; sign it with {command}, or get it \
         together with its signature",
        list(missing, " and no ")
    )]
    Unsigned {
        /// Where one could be.
        missing: Vec<PathBuf>,
        /// What makes the first of them.
        command: String,
    },
    /// By somebody else.
    #[error(
        "is signed by key {id} ({signature:?}), which trust in the configuration does not name; it names {}; if you trust \
         who has that key, add its public key to trust",
        listed(trusted)
    )]
    OtherKey {
        /// The signature's file.
        signature: PathBuf,
        /// Whose it is.
        id: KeyId,
        /// Whose it may be.
        trusted: Vec<String>,
    },
    /// By the right one, over something else.
    #[error(
        "does not fit its signature {signature:?} by key {id}, which is trusted: one of the two files was changed after the \
         plugin was signed; get both anew from who signed it"
    )]
    Unfit {
        /// The signature's file.
        signature: PathBuf,
        /// Whose it is.
        id: KeyId,
    },
    /// By somebody else, or over something else: a bare signature does not say.
    #[error(
        "has a signature {signature:?} that fits with none of the Ed25519 keys in trust ({}): it was made with another key, \
         or one of the two files was changed after it was made; get both anew from who signed it, or add its public key to \
         trust",
        listed(trusted)
    )]
    UnfitBare {
        /// The signature's file.
        signature: PathBuf,
        /// The keys that were tried.
        trusted: Vec<String>,
    },
    /// Not a signature.
    #[error("has a signature {signature:?} that is none: {reason}; make it anew with {command}")]
    Malformed {
        /// The signature's file.
        signature: PathBuf,
        /// What is wrong.
        reason: &'static str,
        /// What makes one.
        command: String,
    },
    /// The system does not let us.
    #[error(
        "has a signature {signature:?} that cannot be read: {error}; put a file there that this user may read"
    )]
    Unreadable {
        /// The signature's file.
        signature: PathBuf,
        /// The system's word.
        error: io::Error,
    },
}

impl TrustFault {
    /// Of a plugin with no signature in any of these forms.
    pub(super) fn unsigned(forms: impl Iterator<Item = Form>, plugin: &Path) -> TrustFault {
        let forms: Vec<Form> = forms.collect();
        TrustFault::Unsigned {
            missing: forms.iter().map(|form| form.beside(plugin)).collect(),
            command: forms.iter().map(|form| form.command(plugin)).collect::<Vec<_>>().join(" or "),
        }
    }
}

fn list(paths: &[PathBuf], between: &str) -> String {
    paths.iter().map(|path| format!("{path:?}")).collect::<Vec<_>>().join(between)
}
