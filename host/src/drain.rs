//! The end of a run: asked for once, everything that was read is still delivered.
//!
//! Sources look at it between reads; whoever waits for something outside (a full disk, a slow reader) waits on
//! it, so that nothing outlives the request. It is set once and never taken back.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::bell::{Bell, Wake};

/// Whether the run is to end.
#[derive(Debug, Default)]
pub struct Drain {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Drain {
    /// Asks for the end.
    pub fn request(&self) {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether the end was asked for.
    pub fn requested(&self) -> bool {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the end is asked for, `longest` at most. Whether it was.
    pub fn wait(&self, longest: Duration) -> bool {
        let requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let (requested, _) = self
            .changed
            .wait_timeout_while(requested, longest, |requested| !*requested)
            .unwrap_or_else(PoisonError::into_inner);
        *requested
    }

    /// The same, but does not wait while the bell rings, which has to know this drain.
    pub fn wait_unless_called(&self, longest: Duration, bell: &Bell) -> bool {
        let until = Instant::now() + longest;
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        while !*requested && !bell.is_ringing() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            requested = self.changed.wait_timeout(requested, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *requested
    }
}

impl Wake for Drain {
    fn wake(&self) {
        // With the lock, so that nobody is between looking at the bell and waiting.
        let _requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
    }
}
