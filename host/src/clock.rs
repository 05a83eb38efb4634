//! Host time: nanoseconds since 1970 that never go back, whatever is done to the machine's clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

static LATEST: AtomicU64 = AtomicU64::new(0);

/// The time now, at least as late as all that was told before.
pub fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = nanos(now);
    LATEST.fetch_max(now, Ordering::Relaxed).max(now)
}

/// A time in nanoseconds; what is over 584 years is as long as that.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
