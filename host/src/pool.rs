//! Large buffers that go round: whoever is done with one drops it, and its memory goes back to where it came from.
//!
//! Without that, two threads of which one fills buffers and the other frees them would have the allocator map, zero
//! and unmap memory without end, and the process grow by what lies scattered in between.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// A pool keeps so many buffers at most: what is on its way at a time, and not what once was.
const KEPT: usize = 16;

/// Keeps buffers for the next use. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct Pool {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
    largest: usize,
}

/// Bytes that go back to their pool when they are dropped.
#[derive(Debug, Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    home: Option<Pool>,
}

impl Pool {
    /// An empty pool, which keeps no buffer that is larger than `largest` bytes.
    pub fn new(largest: usize) -> Pool {
        Pool { free: Arc::default(), largest }
    }

    /// A buffer that has been used before, with its bytes still in it, or a new and empty one.
    pub fn take(&self) -> Buffer {
        let bytes = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Buffer { bytes: bytes.unwrap_or_default(), home: Some(self.clone()) }
    }
}

impl From<Vec<u8>> for Buffer {
    /// Of no pool.
    fn from(bytes: Vec<u8>) -> Buffer {
        Buffer { bytes, home: None }
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(home) = self.home.take() else { return };
        if self.bytes.capacity() > home.largest {
            return;
        }
        let mut free = home.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_the_next_one_taken() {
        let pool = Pool::new(100);
        let mut one = pool.take();
        one.extend_from_slice(b"used");
        let memory = one.as_ptr();
        drop(one);
        let again = pool.take();
        assert_eq!((again.as_ptr(), again.as_slice()), (memory, &b"used"[..]));
        assert!(pool.take().is_empty(), "one buffer is not given out twice");
    }

    #[test]
    fn what_is_too_large_or_too_many_is_freed() {
        let pool = Pool::new(100);
        pool.take().reserve_exact(101);
        assert_eq!(pool.take().capacity(), 0);
        let many: Vec<Buffer> = (0..2 * KEPT)
            .map(|_| {
                let mut buffer = pool.take();
                buffer.reserve_exact(100);
                buffer
            })
            .collect();
        drop(many);
        assert_eq!(pool.free.lock().unwrap().len(), KEPT);
    }

    #[test]
    fn a_buffer_outlives_its_pool() {
        let pool = Pool::new(100);
        let mut buffer = pool.take();
        drop(pool);
        buffer.push(1);
        assert_eq!(buffer.as_slice(), [1]);
    }
}
