//! What Linux says of this process. What it does not say is none.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// This process as it is now.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its resident memory in bytes.
    pub resident: Option<u64>,
    /// The most that it was.
    pub resident_peak: Option<u64>,
    /// The CPU time of all its threads.
    pub cpu: Duration,
    /// How many threads it has.
    pub threads: Option<u64>,
    /// How many descriptors are open.
    pub open_fds: Option<u64>,
    /// How many may be; none: as many as it likes.
    pub max_fds: Option<u64>,
}

impl Process {
    /// Looks.
    pub fn now() -> Process {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let bytes = |name: &str| number(name).map(|kib| kib * 1024);
        let time = clock_gettime(ClockId::ProcessCPUTime);
        // Listing them takes one itself.
        let listed = fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as u64);
        Process {
            resident: bytes("VmRSS"),
            resident_peak: bytes("VmHWM"),
            cpu: Duration::new(
                u64::try_from(time.tv_sec).unwrap_or(0),
                u32::try_from(time.tv_nsec).unwrap_or(0),
            ),
            threads: number("Threads"),
            open_fds: listed.map(|listed| listed.saturating_sub(1)),
            max_fds: getrlimit(Resource::Nofile).current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_all_of_it() {
        let before = Process::now();
        let file = fs::File::open("/proc/self/status").unwrap();
        let now = Process::now();
        assert!(now.resident <= now.resident_peak && now.resident > Some(1 << 20), "{now:?}");
        assert!(now.cpu >= before.cpu && now.threads >= Some(1) && now.open_fds <= now.max_fds, "{now:?}");
        assert!(now.open_fds.is_some() && file.metadata().is_ok());
    }
}
