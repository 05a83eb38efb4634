//! A file that events are appended to, always a whole number of lines when nobody writes.
//!
//! A file that ends within a line, because whoever wrote it was cut off, gets a newline first. Devices and FIFOs
//! are written as they are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A file open for appending.
#[derive(Debug)]
pub struct Appended {
    file: File,
    is_regular: bool,
    /// The length up to the last whole line, for a regular file.
    whole: u64,
    /// What was written after it.
    partial: u64,
}

impl Appended {
    /// Opens `path`; makes it and the directories above it if need be. What is in it stays as it is.
    pub fn open(path: &Path) -> io::Result<Appended> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let is_regular = file.metadata()?.is_file();
        Ok(Appended { file, is_regular, whole: 0, partial: 0 })
    }

    /// From now on lines are appended.
    pub fn begin(&mut self, path: &Path) -> io::Result<()> {
        if self.is_regular {
            if self.file.metadata()?.len() > 0 && last_byte(path)? != b'\n' {
                self.file.write_all(b"\n")?;
            }
            self.whole = self.file.metadata()?.len();
        }
        Ok(())
    }

    /// Whether it is a file with an end, and no device or FIFO.
    pub fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Its device and inode.
    pub fn identity(&self) -> io::Result<(u64, u64)> {
        let metadata = self.file.metadata()?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// Writes as much of `bytes` as can be written now.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let lines =
            bytes.get(..written).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map_or(0, |at| at + 1);
        if lines > 0 {
            self.whole += self.partial + lines as u64;
            self.partial = 0;
        }
        self.partial += (written - lines) as u64;
        Ok(written)
    }

    /// Takes back what was written of a line that cannot be finished. If somebody else appended meanwhile, as a replay
    /// of dead letters may, the line is ended instead: theirs are not to go with it.
    pub fn cut_back(&mut self) -> io::Result<()> {
        let partial = std::mem::take(&mut self.partial);
        if !self.is_regular || partial == 0 {
            return Ok(());
        }
        if self.file.metadata()?.len() == self.whole + partial {
            return self.file.set_len(self.whole);
        }
        self.file.write_all(b"\n")
    }

    /// Waits until it is on disk.
    pub fn sync(&self) -> io::Result<()> {
        if self.is_regular { self.file.sync_data() } else { Ok(()) }
    }
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_cannot_be_finished_is_taken_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/for/it/out.ndjson");
        let mut file = Appended::open(&path).unwrap();
        file.begin(&path).unwrap();
        file.write(b"{\"a\":1}\n{\"b\"").unwrap();
        file.write(b":2").unwrap();
        file.cut_back().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n");
        file.write(b"{}\n").unwrap();
        file.cut_back().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n{}\n");
    }

    #[test]
    fn what_somebody_else_appended_is_not_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.ndjson");
        let mut ours = Appended::open(&path).unwrap();
        ours.begin(&path).unwrap();
        Appended::open(&path).unwrap().write(b"{\"theirs\":1}\n").unwrap();
        ours.write(b"{\"torn").unwrap();
        ours.cut_back().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"theirs\":1}\n{\"torn\n");
    }

    #[test]
    fn a_file_that_ends_within_a_line_gets_its_newline_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.ndjson");
        fs::write(&path, b"{\"torn").unwrap();
        let mut file = Appended::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"torn");
        file.begin(&path).unwrap();
        file.write(b"{}\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"torn\n{}\n");
    }
}
