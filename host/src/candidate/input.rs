//! The events that a hook is tried on: a file, or standard input, read whole. Gzip is unpacked. Bound: [`MOST_BYTES`].

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::config::Config;
use crate::rehearsal::{Decoded, Rehearsal};
use crate::source::file::GZIP;

/// How much is read, unpacked.
pub const MOST_BYTES: u64 = 128 << 20;

/// The name of standard input.
pub const STDIN: &str = "-";

/// Why there is no input.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It cannot be read.
    #[error("cannot read the input {path:?}: {error}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is over [`MOST_BYTES`].
    #[error(
        "the input {path:?} has over {MOST_BYTES} bytes; take a part of it, for example with head -n 100000"
    )]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// There is no event in it.
    #[error("the input {path:?} holds no event; it needs at least one line")]
    Empty {
        /// Which file.
        path: PathBuf,
    },
}

/// The bytes of a file, unpacked.
#[derive(Debug)]
pub struct Input {
    /// Where they were read.
    pub path: PathBuf,
    /// What was read.
    pub text: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`.
    pub fn read(path: &Path) -> Result<Input, InputError> {
        let unreadable = |error| InputError::Unreadable { path: path.to_owned(), error };
        let packed: Box<dyn Read> = if path == Path::new(STDIN) {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(path).map_err(unreadable)?)
        };
        let text = unpacked(packed).map_err(unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(InputError::TooLarge { path: path.to_owned() });
        }
        Ok(Input { path: path.to_owned(), text })
    }

    /// What a rehearsal's source makes of it, at least one event.
    pub(crate) fn decode(
        &self,
        rehearsal: &Rehearsal,
        config: &Config,
        now_ns: u64,
    ) -> Result<Decoded, InputError> {
        let decoded = rehearsal.decode(config, 0, &self.text, now_ns);
        let empty = || InputError::Empty { path: self.path.clone() };
        decoded.filter(|decoded| decoded.events() > 0).ok_or_else(empty)
    }

    /// The line, from 1, that the byte at `offset` is in.
    pub fn line_at(&self, offset: u64) -> usize {
        let before = self.text.get(..offset as usize).unwrap_or(&self.text);
        memchr::memchr_iter(b'\n', before).count() + 1
    }
}

/// At most one byte over the bound.
fn unpacked(mut packed: impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    packed.by_ref().take(GZIP.len() as u64).read_to_end(&mut start)?;
    let is_gzip = start == GZIP;
    let whole = Cursor::new(start).chain(packed);
    let mut text = Vec::new();
    if is_gzip {
        MultiGzDecoder::new(whole).take(MOST_BYTES + 1).read_to_end(&mut text)?;
    } else {
        whole.take(MOST_BYTES + 1).read_to_end(&mut text)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn an_offset_is_in_a_line() {
        let input = Input { path: PathBuf::new(), text: b"{\"a\":1}\n\nplain\n{}".to_vec() };
        assert_eq!((input.line_at(0), input.line_at(9), input.line_at(15)), (1, 3, 4));
    }

    #[test]
    fn gzip_is_unpacked() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"{}\n{}\n").unwrap();
        assert_eq!(unpacked(packed.finish().unwrap().as_slice()).unwrap(), b"{}\n{}\n");
        assert_eq!(unpacked(&b"{"[..]).unwrap(), b"{");
    }
}
