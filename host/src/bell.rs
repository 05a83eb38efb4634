//! Calls one thread away from wherever it waits: at an empty queue, at a full one, for a breaker to close.
//!
//! It rings until whoever is called stops it. What a thread waits at has to be [added](Bell::add) before; that keeps the
//! memory of it for as long as the bell lasts, and not its ends.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Something that a thread waits at.
pub trait Wake: Send + Sync {
    /// Lets all who wait look at the bell.
    fn wake(&self);
}

/// A bell; clones are the same one.
#[derive(Clone, Default)]
pub struct Bell(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rings: AtomicBool,
    places: Mutex<Vec<Arc<dyn Wake>>>,
}

impl Bell {
    /// From now on it is heard there.
    pub fn add(&self, place: Arc<dyn Wake>) {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).push(place);
    }

    /// Rings until it is stopped.
    pub fn ring(&self) {
        self.0.rings.store(true, Ordering::Release);
        for place in self.0.places.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            place.wake();
        }
    }

    /// Rings no more.
    pub fn stop(&self) {
        self.0.rings.store(false, Ordering::Release);
    }

    /// Whether it rings.
    pub fn is_ringing(&self) -> bool {
        self.0.rings.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bell").field(&self.is_ringing()).finish()
    }
}
