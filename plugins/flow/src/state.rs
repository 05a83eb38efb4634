//! What a hook saves, as bytes: numbers of 8 bytes, least first, and texts with their length before them.
//!
//! It begins with the hook's name and the version of its format. What is not such a state, or is cut off, is an error:
//! a plugin that cannot read what its predecessor saved must not take over.

use crate::by::By;

/// Writes a state.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// A state of this hook in this version of its format.
    pub fn new(hook: &str, version: u64) -> Writer {
        let mut writer = Writer { bytes: Vec::new() };
        writer.text(hook);
        writer.number(version);
        writer
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The state.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Reads a state.
#[derive(Debug)]
pub struct Reader<'s> {
    rest: &'s [u8],
    hook: &'static str,
}

impl<'s> Reader<'s> {
    /// A state of this hook in this version of its format.
    pub fn new(state: &'s [u8], hook: &'static str, version: u64) -> Result<Reader<'s>, String> {
        let mut reader = Reader { rest: state, hook };
        if reader.text()? != hook || reader.number()? != version {
            return Err(reader.wrong());
        }
        Ok(reader)
    }

    /// The next number.
    pub fn number(&mut self) -> Result<u64, String> {
        let (number, rest) = self.rest.split_first_chunk().ok_or_else(|| self.wrong())?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*number))
    }

    /// The next text.
    pub fn text(&mut self) -> Result<&'s str, String> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.wrong())?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| self.wrong())
    }

    /// Reads which fields told events apart. Others than those of `by` are an error: what was kept for their keys would
    /// be lost.
    pub fn same_by(&mut self, by: &By) -> Result<(), String> {
        if self.text()? == by.identity() {
            return Ok(());
        }
        Err(format!(
            "by: the {} that runs tells events apart by other fields; unload the hook and load it again",
            self.hook
        ))
    }

    fn wrong(&self) -> String {
        format!(
            "the saved state is not one that this version of {} reads; unload the hook and load it again",
            self.hook
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_cut_off_is_refused() {
        let mut writer = Writer::new("count", 1);
        writer.number(u64::MAX);
        writer.text("größe");
        let state = writer.finish();
        let read = |state: &[u8]| -> Result<(u64, String), String> {
            let mut reader = Reader::new(state, "count", 1)?;
            Ok((reader.number()?, reader.text()?.to_owned()))
        };
        assert_eq!(read(&state).unwrap(), (u64::MAX, "größe".to_owned()));
        for length in 0..state.len() {
            assert!(read(&state[..length]).unwrap_err().contains("this version of count"));
        }
        assert!(Reader::new(&state, "count", 2).is_err() && Reader::new(&state, "dedupe", 1).is_err());
        assert!(read(&[&state[..37], &[0xff; 6]].concat()).is_err());
    }
}
