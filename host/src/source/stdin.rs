//! Standard input: one stream, to its end.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use super::file::{Readable, wait_readable};
use super::{Arrival, Context, End, Stream};
use crate::queue::Sender;

/// Reads standard input to its end, or until the run is to end; then what was read is still delivered, the last
/// line even if it has no end yet, because nobody else has it.
pub fn read(context: &Context, to: &Sender<Arrival>) -> io::Result<()> {
    // Unbuffered, so that nothing lies read in a buffer when the run ends.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut stream = Stream::new(context, "stdin", None, to);
    loop {
        if wait_readable(&input, &context.drain)? == Readable::Draining {
            stream.finish();
            return Ok(());
        }
        match stream.read(&mut input)? {
            Some(End::Fine) => {}
            Some(End::Unwanted) => return Ok(()),
            None => {
                stream.finish();
                return Ok(());
            }
        }
    }
}
