//! Whether a hook is called at all: not while it fails again and again, or costs more than its operator allows.
//!
//! The breaker is closed while all is well. It opens after so many failed batches within a window, or when it is
//! tripped; then nobody is let through until a pause is over. One batch probes it: if that goes well the breaker
//! closes, else the pause doubles, up to a longest one. Pure: the caller says what time it is, and calls the hook.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::nanos;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// After so many failed batches ...
    pub failures: u32,
    /// ... within this time.
    pub window: Duration,
    /// The first pause.
    pub pause: Duration,
    /// The longest.
    pub max_pause: Duration,
}

/// Why it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Too many batches failed.
    Failures,
    /// The batch that probed it failed.
    ProbeFailed,
    /// The batch that probed it cost too much.
    ProbeDear,
    /// Each row cost too much CPU time.
    Cost,
    /// It took too large a share of a worker while others waited.
    Share,
}

/// A batch that may be handed to the hook. What became of it is [reported](Breaker::report) with it.
#[derive(Debug, PartialEq, Eq)]
pub enum Ticket {
    /// All is well.
    Regular,
    /// The breaker closes if this goes well.
    Probe,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The hook processed it.
    Well,
    /// It could not.
    Failed,
    /// It did, for more CPU time than it may take.
    Dear,
}

/// Whether a batch may be handed to the hook.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may.
    Granted(Ticket),
    /// Not before so long; then it is worth asking again.
    Refused(Duration),
}

/// What the state became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Nobody is let through for so long.
    Opened(Cause, Duration),
    /// All are let through again.
    Closed,
}

/// How long somebody waits who finds another batch probing.
const WHILE_PROBED: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until_ns: u64,
    },
    /// One batch is under way.
    Probed,
}

/// The breaker of one hook, all its workers together.
#[derive(Debug)]
pub struct Breaker {
    settings: Settings,
    state: State,
    /// When batches failed, while it is closed; as many as it opens after at most.
    failed_ns: VecDeque<u64>,
    /// The pause that it opened with last.
    pause: Duration,
    /// When it closed last.
    closed_ns: Option<u64>,
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: Settings) -> Breaker {
        Breaker {
            settings,
            state: State::Closed,
            failed_ns: VecDeque::new(),
            pause: settings.pause,
            closed_ns: None,
        }
    }

    /// Whether not every batch is let through.
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Its state, in a word.
    pub fn name(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::Probed => "probed",
        }
    }

    /// Whether a batch may be handed to the hook now. Whoever is granted that reports what became of it.
    pub fn admit(&mut self, now_ns: u64) -> Admission {
        match self.state {
            State::Closed => Admission::Granted(Ticket::Regular),
            State::Probed => Admission::Refused(WHILE_PROBED),
            State::Open { until_ns } if now_ns >= until_ns => {
                self.state = State::Probed;
                Admission::Granted(Ticket::Probe)
            }
            State::Open { until_ns } => Admission::Refused(Duration::from_nanos(until_ns - now_ns)),
        }
    }

    /// A batch ended now.
    pub fn report(&mut self, ticket: Ticket, outcome: Outcome, now_ns: u64) -> Option<Transition> {
        match (ticket, self.state, outcome) {
            (Ticket::Probe, State::Probed, Outcome::Well) => {
                self.state = State::Closed;
                self.closed_ns = Some(now_ns);
                Some(Transition::Closed)
            }
            (Ticket::Probe, State::Probed, Outcome::Failed) => Some(self.reopen(Cause::ProbeFailed, now_ns)),
            (Ticket::Probe, State::Probed, Outcome::Dear) => Some(self.reopen(Cause::ProbeDear, now_ns)),
            (Ticket::Regular, State::Closed, Outcome::Failed) => self.failed(now_ns),
            // What was under way when it opened says nothing new.
            _ => None,
        }
    }

    /// Opens it, unless it is open.
    pub fn trip(&mut self, cause: Cause, now_ns: u64) -> Option<Transition> {
        (self.state == State::Closed).then(|| self.open(cause, now_ns))
    }

    fn failed(&mut self, now_ns: u64) -> Option<Transition> {
        let oldest_ns = now_ns.saturating_sub(nanos(self.settings.window));
        self.failed_ns.retain(|failed_ns| *failed_ns >= oldest_ns);
        self.failed_ns.push_back(now_ns);
        (self.failed_ns.len() >= self.settings.failures as usize).then(|| self.open(Cause::Failures, now_ns))
    }

    /// Opens a closed one. If it closed only just now, the pauses go on growing where they were.
    fn open(&mut self, cause: Cause, now_ns: u64) -> Transition {
        let window_ns = nanos(self.settings.window);
        if self.closed_ns.is_some_and(|closed_ns| now_ns.saturating_sub(closed_ns) < window_ns) {
            return self.reopen(cause, now_ns);
        }
        self.open_for(self.settings.pause, cause, now_ns)
    }

    fn reopen(&mut self, cause: Cause, now_ns: u64) -> Transition {
        self.open_for(self.pause.saturating_mul(2).min(self.settings.max_pause), cause, now_ns)
    }

    fn open_for(&mut self, pause: Duration, cause: Cause, now_ns: u64) -> Transition {
        self.failed_ns.clear();
        self.pause = pause;
        self.state = State::Open { until_ns: now_ns.saturating_add(nanos(pause)) };
        Transition::Opened(cause, pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;
    const SETTINGS: Settings = Settings {
        failures: 3,
        window: Duration::from_secs(10),
        pause: Duration::from_secs(1),
        max_pause: Duration::from_secs(5),
    };

    fn opened(cause: Cause, seconds: u64) -> Option<Transition> {
        Some(Transition::Opened(cause, Duration::from_secs(seconds)))
    }

    #[test]
    fn it_opens_after_enough_failures_within_the_window_and_not_before() {
        let mut breaker = Breaker::new(SETTINGS);
        // The first is out of the window when the third comes.
        for second in [0, 6, 11] {
            assert_eq!(breaker.report(Ticket::Regular, Outcome::Failed, second * SECOND), None);
        }
        assert_eq!(breaker.report(Ticket::Regular, Outcome::Well, 12 * SECOND), None);
        assert_eq!(breaker.report(Ticket::Regular, Outcome::Failed, 13 * SECOND), opened(Cause::Failures, 1));
        assert_eq!(breaker.admit(13 * SECOND), Admission::Refused(Duration::from_secs(1)));
    }

    #[test]
    fn one_batch_probes_it_and_pauses_grow_until_that_goes_well() {
        let mut breaker = Breaker::new(SETTINGS);
        assert_eq!(breaker.trip(Cause::Cost, 0), opened(Cause::Cost, 1));
        assert_eq!(breaker.trip(Cause::Share, 0), None);
        let mut now = 0;
        for pause in [1, 2, 4, 5, 5] {
            assert_eq!(breaker.admit(now), Admission::Refused(Duration::from_secs(pause)));
            now += pause * SECOND;
            assert_eq!(breaker.admit(now), Admission::Granted(Ticket::Probe));
            assert_eq!(breaker.admit(now), Admission::Refused(WHILE_PROBED));
            // A call from before it opened.
            assert_eq!(breaker.report(Ticket::Regular, Outcome::Failed, now), None);
            assert_eq!(
                breaker.report(Ticket::Probe, Outcome::Failed, now),
                opened(Cause::ProbeFailed, 5.min(pause * 2))
            );
        }
        now += 5 * SECOND;
        assert_eq!(breaker.admit(now), Admission::Granted(Ticket::Probe));
        assert_eq!(breaker.report(Ticket::Probe, Outcome::Well, now), Some(Transition::Closed));
        assert_eq!(breaker.admit(now), Admission::Granted(Ticket::Regular));
        // It closed only just now; after a quiet while it begins anew.
        assert_eq!(breaker.trip(Cause::Cost, now + SECOND), opened(Cause::Cost, 5));
        assert_eq!(breaker.admit(now + 6 * SECOND), Admission::Granted(Ticket::Probe));
        assert_eq!(breaker.report(Ticket::Probe, Outcome::Well, now + 6 * SECOND), Some(Transition::Closed));
        assert_eq!(breaker.trip(Cause::Cost, now + 60 * SECOND), opened(Cause::Cost, 1));
    }

    proptest! {
        /// Batches that come and end in any order, in any number of workers at once.
        #[test]
        fn at_most_one_batch_probes_and_whoever_is_refused_is_let_through_in_time(
            steps in proptest::collection::vec((0u64..4 * SECOND, any::<bool>(), 0usize..4), 1..200),
        ) {
            let mut breaker = Breaker::new(SETTINGS);
            let mut under_way: Vec<Ticket> = Vec::new();
            let (mut now, mut failures) = (0, Vec::new());
            for (later, went_well, which) in steps {
                now += later;
                match breaker.admit(now) {
                    Admission::Granted(ticket) => under_way.push(ticket),
                    Admission::Refused(wait) => {
                        prop_assert!(!wait.is_zero() && wait <= SETTINGS.max_pause);
                        let probes = under_way.contains(&Ticket::Probe);
                        let next = breaker.admit(now + nanos(wait));
                        prop_assert_eq!(next == Admission::Granted(Ticket::Probe), !probes);
                        if !probes {
                            under_way.push(Ticket::Probe);
                            now += nanos(wait);
                        }
                    }
                }
                prop_assert!(under_way.iter().filter(|ticket| **ticket == Ticket::Probe).count() <= 1);
                if which < under_way.len() {
                    let ticket = under_way.remove(which);
                    let is_regular = ticket == Ticket::Regular;
                    if is_regular && !went_well {
                        failures.push(now);
                    }
                    let outcome = if went_well { Outcome::Well } else { Outcome::Failed };
                    let transition = breaker.report(ticket, outcome, now);
                    let recent = failures.iter().filter(|failed| now - **failed <= 10 * SECOND).count();
                    let opened = matches!(transition, Some(Transition::Opened(Cause::Failures, _)));
                    prop_assert!(!opened || recent >= 3);
                    prop_assert!(transition != Some(Transition::Closed) || !is_regular && went_well);
                }
            }
        }
    }
}
