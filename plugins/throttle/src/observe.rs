//! What was seen of a flow: how many events came in each window, and how many of them a limit would have dropped.
//!
//! Counts below 256 are kept exactly, larger ones to less than one in 128, in a table of 7,424 numbers whatever comes.

use hookaroon_flow::{Reader, Writer};

/// Counts below this have a place each.
const EXACT: u64 = 256;

/// And so many places has each doubling above.
const PLACES: u64 = 128;

/// The places of all counts of 64 bits.
const ALL: usize = (EXACT + 56 * PLACES) as usize;

/// What was seen.
#[derive(Debug)]
pub struct Observed {
    per_ns: u64,
    /// When the window that is counted ends, if one has begun.
    end: Option<u64>,
    /// All events.
    pub events: u64,
    /// Those that would have been dropped.
    pub would_drop: u64,
    /// How many events came, in windows in which some came: how often there were so many.
    windows: Vec<u64>,
    count: u64,
    most: u64,
}

impl Observed {
    /// Nothing yet.
    pub fn new(per_ns: u64) -> Observed {
        Observed { per_ns, end: None, events: 0, would_drop: 0, windows: vec![0; ALL], count: 0, most: 0 }
    }

    /// Whether a window is over; the next has then begun.
    #[inline]
    pub fn is_over(&mut self, now: u64) -> bool {
        let end = *self.end.get_or_insert_with(|| now.saturating_add(self.per_ns));
        if now < end {
            return false;
        }
        let past = (now - end) / self.per_ns + 1;
        self.end = Some(end.saturating_add(past.saturating_mul(self.per_ns)));
        true
    }

    /// So many events of a key came in a window; none do not count.
    pub fn add(&mut self, events: u64) {
        self.add_often(events, u64::from(events > 0));
        self.most = self.most.max(events);
    }

    fn add_often(&mut self, events: u64, often: u64) {
        if let Some(windows) = self.windows.get_mut(place(events)) {
            *windows = windows.saturating_add(often);
            self.count = self.count.saturating_add(often);
        }
    }

    /// In how many windows of a key there were events.
    pub fn windows(&self) -> u64 {
        self.count
    }

    /// The most events in a window.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// In so many of a hundred windows there were at most this many events.
    pub fn percentile(&self, percent: u8) -> u64 {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100);
        let mut before = 0;
        for (place, windows) in self.windows.iter().enumerate() {
            before += u128::from(*windows);
            if before >= rank.max(1) {
                return largest(place).min(self.most);
            }
        }
        self.most
    }

    /// The share that would have been dropped.
    pub fn share(&self) -> String {
        format!("{:.2}%", 100.0 * self.would_drop as f64 / self.events.max(1) as f64)
    }

    /// Adds what is needed to go on.
    pub fn save(&self, state: &mut Writer) {
        for number in [self.end.unwrap_or(0), self.events, self.would_drop, self.most] {
            state.number(number);
        }
        let some = || self.windows.iter().enumerate().filter(|(_, windows)| **windows > 0);
        state.number(some().count() as u64);
        for (place, windows) in some() {
            state.number(largest(place));
            state.number(*windows);
        }
    }

    /// Goes on with what another instance saw.
    pub fn restore(&mut self, state: &mut Reader<'_>) -> Result<(), String> {
        let end = state.number()?;
        self.end = self.end.max((end > 0).then_some(end));
        self.events = self.events.saturating_add(state.number()?);
        self.would_drop = self.would_drop.saturating_add(state.number()?);
        self.most = self.most.max(state.number()?);
        for _ in 0..state.number()? {
            let events = state.number()?;
            self.add_often(events, state.number()?);
        }
        Ok(())
    }
}

/// Where a count is noted.
fn place(events: u64) -> usize {
    if events < EXACT {
        return events as usize;
    }
    // So many low bits are left out that 8 remain.
    let out = u64::from(events.ilog2()) - 7;
    (EXACT + (out - 1) * PLACES + (events >> out) - PLACES) as usize
}

/// The largest count that is noted there.
fn largest(place: usize) -> u64 {
    let place = place as u64;
    let Some(above) = place.checked_sub(EXACT) else { return place };
    let out = above / PLACES + 1;
    let first = above % PLACES + PLACES;
    (first << out) | ((1 << out) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_a_place_and_is_at_most_one_in_128_too_large() {
        let mut last = None;
        let around = |n: u64| [n.saturating_sub(1), n, n.saturating_add(1)];
        let mut counts: Vec<u64> = (0..1000).chain((8..64).flat_map(|bit| around(1 << bit))).collect();
        counts.extend([u64::MAX / 3, u64::MAX - 1, u64::MAX]);
        counts.sort_unstable();
        for events in counts {
            let place = place(events);
            assert!(place < ALL && last <= Some(place), "{events}");
            assert!(largest(place) >= events && largest(place) - events <= events / 128, "{events}");
            assert!(events >= EXACT || largest(place) == events);
            last = Some(place);
        }
        assert_eq!(place(u64::MAX), ALL - 1);
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_counts() {
        let mut observed = Observed::new(1);
        assert_eq!((observed.percentile(50), observed.most()), (0, 0));
        for events in (0..=100).rev() {
            observed.add(events);
        }
        assert_eq!(observed.windows(), 100, "windows without events do not count");
        assert_eq!((observed.percentile(50), observed.percentile(99), observed.most()), (50, 99, 100));
        observed.add(1_000_000);
        assert_eq!((observed.percentile(99), observed.percentile(100)), (100, 1_000_000));
    }

    #[test]
    fn windows_follow_each_other_from_the_first_event_on() {
        let mut observed = Observed::new(10);
        let over: Vec<u64> = (3..50).filter(|now| observed.is_over(*now)).collect();
        assert_eq!(over, [13, 23, 33, 43]);
        assert!(observed.is_over(1000) && !observed.is_over(1002) && observed.is_over(1003));
        assert!(observed.is_over(u64::MAX));
    }

    #[test]
    fn what_was_saved_is_taken_over() {
        let mut observed = Observed::new(10);
        observed.is_over(5);
        for events in [3, 3, 70_000] {
            observed.add(events);
        }
        (observed.events, observed.would_drop) = (70_006, 6);
        let mut state = Writer::new("throttle", 1);
        observed.save(&mut state);
        let state = state.finish();
        let mut next = Observed::new(10);
        next.restore(&mut Reader::new(&state, "throttle", 1).unwrap()).unwrap();
        assert_eq!(format!("{observed:?}"), format!("{next:?}"));
        assert_eq!(next.share(), "0.01%");
    }
}
