//! Who may ask: the named tokens in `data_dir/tokens.toml`.
//!
//! A token is `hka_` and 32 random bytes in base64url. The file holds it, or its SHA-256 if that is enough: what is shown
//! once and never again is kept as its digest only. It is read again when it has changed, so a token that is taken out is
//! refused from the next request on. A file that cannot be read, or that others than this user may read or write, lets
//! nobody in until it is mended. Bounds: [`MOST_TOKENS`], [`MOST_BYTES`].

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::role::Role;
use crate::config::is_name;
use crate::hook::dead_letters::files::{Lock, lock, make_dir};
use crate::hook::file::open_itself;
use crate::hook::load::hex;
use crate::private;

/// The most tokens: each request is held against all of them.
pub const MOST_TOKENS: usize = 256;

/// The most bytes of the file.
const MOST_BYTES: u64 = 256 << 10;

/// The most bytes of a name.
const MOST_NAME: usize = 64;

/// What each token begins with, so that one in the wrong place is recognised.
const PREFIX: &str = "hka_";

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// How coarse the times of a file may be.
const TICK_SECONDS: i64 = 2;

/// Below the data directory: the tokens, and the one of the role admin alone.
const FILE: &str = "tokens.toml";
const ADMIN_FILE: &str = "admin-token";

const INTRO: &str = "\
# Who may use the admin API. A change holds from the next request on. Roles: read, tap, operate, admin; each may do what
# those before it may. In place of token = \"hka_...\" may stand sha256 = \"...\", of the same text. `hookaroon token` adds
# and revokes tokens; comments are lost then.
";

/// Why the tokens cannot be used or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] io::Error),
    /// It is no list of tokens.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No file, so no tokens.
    #[error(
        "there are no tokens, because there is no {0}; a run with [admin] in its configuration makes it, and so does \
         `hookaroon token create`"
    )]
    Missing(String),
    /// A name that is taken, unknown, or none.
    #[error("{0}")]
    Name(String),
    /// No random bytes.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's name.
    pub token: String,
    /// What it may do.
    pub role: Role,
}

/// A token as it is kept.
#[derive(Clone)]
pub struct Token {
    /// Its name.
    pub name: String,
    /// What its bearer may do.
    pub role: Role,
    /// Its text, if that is kept.
    text: Option<String>,
    digest: [u8; 32],
}

impl fmt::Debug for Token {
    /// Without the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Token({:?}, {})", self.name, self.role)
    }
}

/// The tokens of a data directory.
#[derive(Debug)]
pub struct Tokens {
    dir: PathBuf,
    read: Mutex<Option<Read>>,
}

/// What was read, and of which file.
#[derive(Debug)]
struct Read {
    version: Version,
    /// It was old enough then that a change since cannot have left its times as they were.
    settled: bool,
    tokens: Arc<Vec<Token>>,
}

/// What tells a file from the same one after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    inode: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
    bytes: u64,
}

impl Tokens {
    /// Those below `data_dir`.
    pub fn new(data_dir: &Path) -> Tokens {
        Tokens { dir: data_dir.to_owned(), read: Mutex::default() }
    }

    /// Where they are.
    pub fn file(&self) -> PathBuf {
        self.dir.join(FILE)
    }

    /// Where the one of the role admin is, as it was first made.
    pub fn admin_file(data_dir: &Path) -> PathBuf {
        data_dir.join(ADMIN_FILE)
    }

    /// Makes one for each role, named after it, if there are none. Whether it did.
    pub fn make_first(&self) -> Result<bool, TokenError> {
        if self.file().symlink_metadata().is_ok() {
            // Told now rather than at the first request.
            self.all()?;
            return Ok(false);
        }
        make_dir(&self.dir)?;
        let mut tokens = Vec::new();
        for role in Role::ALL {
            let text = random()?;
            if role == Role::Admin {
                // First, so that whoever finds tokens finds this one too.
                private::write(&Tokens::admin_file(&self.dir), &format!("{text}\n"))?;
            }
            tokens.push(Token {
                name: role.name().to_owned(),
                role,
                digest: digest(&text),
                text: Some(text),
            });
        }
        private::make(&self.file(), &document(&tokens))?;
        Ok(true)
    }

    /// Whose token this is; none: nobody's.
    pub fn find(&self, text: &str) -> Result<Option<Caller>, TokenError> {
        let digest = digest(text);
        let mut found = None;
        // All of them, whichever it is.
        for token in self.all()?.iter() {
            if bool::from(token.digest.ct_eq(&digest)) {
                found = Some(Caller { token: token.name.clone(), role: token.role });
            }
        }
        Ok(found)
    }

    /// All of them, as they are now.
    pub fn all(&self) -> Result<Arc<Vec<Token>>, TokenError> {
        let path = self.file();
        let file = open_itself(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => TokenError::Missing(path.display().to_string()),
            kind => io::Error::new(kind, format!("cannot read {}: {error}", path.display())).into(),
        })?;
        let version = Version::of(&file.metadata()?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read.as_ref().filter(|read| read.settled && read.version == version) {
            return Ok(read.tokens.clone());
        }
        let tokens = Arc::new(parse(&file, &path)?);
        *read = Some(Read { version, settled: version.is_settled(), tokens: tokens.clone() });
        Ok(tokens)
    }

    /// Makes one. Its text is told once: only the digest is kept.
    pub fn create(&self, name: &str, role: Role) -> Result<String, TokenError> {
        if !is_name(name) || name.len() > MOST_NAME {
            return Err(TokenError::Name(format!(
                "{name:?} is no name of a token: up to {MOST_NAME} letters, digits, \"_\", \"-\" and \".\" (not first) are allowed"
            )));
        }
        make_dir(&self.dir)?;
        let _lock = self.lock()?;
        let mut tokens = match self.all() {
            Ok(tokens) => tokens.to_vec(),
            Err(TokenError::Missing(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        if tokens.iter().any(|token| token.name == name) {
            return Err(TokenError::Name(format!(
                "there is a token {name:?} already; choose another name, or revoke that one first"
            )));
        }
        if tokens.len() >= MOST_TOKENS {
            return Err(TokenError::Name(format!(
                "there are {MOST_TOKENS} tokens already, the most there may be; revoke some first"
            )));
        }
        let text = random()?;
        tokens.push(Token { name: name.to_owned(), role, text: None, digest: digest(&text) });
        private::write(&self.file(), &document(&tokens))?;
        Ok(text)
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Result<Token, TokenError> {
        let tokens = self.all()?;
        let found = tokens.iter().find(|token| token.name == name).cloned();
        found.ok_or_else(|| {
            let names: Vec<&str> = tokens.iter().map(|token| token.name.as_str()).collect();
            TokenError::Name(format!("there is no token {name:?}; there are {}", names.join(", ")))
        })
    }

    /// Takes one out.
    pub fn revoke(&self, name: &str) -> Result<Token, TokenError> {
        let _lock = self.lock()?;
        let token = self.get(name)?;
        let mut left = self.all()?.to_vec();
        left.retain(|token| token.name != name);
        private::write(&self.file(), &document(&left))?;
        Ok(token)
    }

    /// Held while they are changed, so that no change is lost in another.
    fn lock(&self) -> io::Result<Lock> {
        lock(&self.dir.join(".tokens.lock"), "changes the tokens here")
    }
}

impl Version {
    fn of(metadata: &Metadata) -> Version {
        Version {
            inode: (metadata.dev(), metadata.ino()),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            bytes: metadata.len(),
        }
    }

    /// Whether its last change is so long ago that another one would show in its times.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        i64::try_from(now).unwrap_or(i64::MAX) > self.changed.0.saturating_add(TICK_SECONDS)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    token: Vec<Written>,
}

/// A token as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    role: Role,
    token: Option<String>,
    sha256: Option<String>,
}

fn parse(file: &File, path: &Path) -> Result<Vec<Token>, TokenError> {
    let wrong = |reason: String| TokenError::Content { path: path.display().to_string(), reason };
    let text = private::read_open(file, path, MOST_BYTES)?;
    // Not what the error shows of the file, which could be a token.
    let document: Document = toml::from_str(&text).map_err(|error| {
        let line = error.span().and_then(|span| Some(text.get(..span.start)?.matches('\n').count() + 1));
        let message = error.message();
        let message = if message.contains(PREFIX) { "a token stands where none belongs" } else { message };
        wrong(format!("line {}: {message}", line.unwrap_or(1)))
    })?;
    if document.token.len() > MOST_TOKENS {
        return Err(wrong(format!("it has {} tokens; {MOST_TOKENS} is the most", document.token.len())));
    }
    let mut names = BTreeSet::new();
    let mut tokens = Vec::new();
    for Written { name, role, token, sha256 } in document.token {
        let wrong = |reason: &str| wrong(format!("token {name:?}: {reason}"));
        if !is_name(&name) || name.len() > MOST_NAME {
            return Err(wrong("letters, digits, \"_\", \"-\" and \".\" (not first) are allowed in a name"));
        }
        if !names.insert(name.clone()) {
            return Err(wrong("there are two of this name"));
        }
        let digest = match (&token, &sha256) {
            (Some(text), None) if is_token(text) => digest(text),
            (Some(_), None) => return Err(wrong("its token is not what `hookaroon token create` makes")),
            (None, Some(sha256)) => from_hex(sha256).ok_or_else(|| wrong("sha256 is not 64 hex digits"))?,
            _ => return Err(wrong("either token or sha256 is needed")),
        };
        tokens.push(Token { name, role, text: token, digest });
    }
    Ok(tokens)
}

fn document(tokens: &[Token]) -> String {
    let mut text = INTRO.to_owned();
    for Token { name, role, text: token, digest } in tokens {
        let _ = write!(text, "\n[[token]]\nname = \"{name}\"\nrole = \"{role}\"\n");
        let _ = match token {
            Some(token) => writeln!(text, "token = \"{token}\""),
            None => writeln!(text, "sha256 = \"{}\"", hex(digest)),
        };
    }
    text
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn random() -> Result<String, TokenError> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(TokenError::Random)?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// Whether it could have been made here: nobody chooses a token, so none can be guessed.
fn is_token(text: &str) -> bool {
    let bytes = text.strip_prefix(PREFIX).and_then(|rest| URL_SAFE_NO_PAD.decode(rest).ok());
    bytes.is_some_and(|bytes| bytes.len() == TOKEN_BYTES)
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
