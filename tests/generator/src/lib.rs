//! A stream of logs as an application around large language models writes them, from a seed.
//!
//! The same seed and options give the same bytes on every machine and in every version that does not say otherwise,
//! so that tests and benchmarks can be repeated. A usual line is a JSON object of about 330 bytes and 11 fields:
//! `time`, `level`, `event`, `trace_id`, `duration_ms`, `app_id`, `user_id`, `client_ip`, `status`, `usage` (an
//! object of `prompt` and `completion`) and `message`. Some messages hold what must not leave a company: e-mail
//! addresses, card numbers, bearer tokens, API keys. All of them are made up; addresses are from the ranges that
//! RFC 5737 and RFC 3849 reserve for documentation.
//!
//! Unless [`Options::plain`] is set, some lines are what real streams hold as well: see [`odd`].
//!
//! Memory: the pool of hosts, and what a caller keeps of the lines.

mod clock;
mod event;
mod hosts;
mod message;
mod odd;
#[cfg(test)]
mod tests;

use fastrand::Rng;

pub use hosts::hosts_csv;

use clock::Clock;
use event::Request;
use hosts::Host;

/// What is generated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Chooses the stream.
    pub seed: u64,
    /// Only whole JSON objects, compact, each key once.
    pub plain: bool,
}

impl Default for Options {
    /// Seed 1, with all that real streams hold.
    fn default() -> Options {
        Options { seed: 1, plain: false }
    }
}

/// A stream of lines without an end.
#[derive(Clone, Debug)]
pub struct Generator {
    plain: bool,
    rng: Rng,
    clock: Clock,
    hosts: Vec<Host>,
    request: Request,
}

impl Generator {
    /// The stream of `options`, from its beginning.
    pub fn new(options: Options) -> Generator {
        let mut rng = Rng::with_seed(options.seed);
        let hosts = hosts::all();
        let request = Request::new(&mut rng, hosts.len());
        Generator { plain: options.plain, rng, clock: Clock::default(), hosts, request }
    }

    /// Appends the next line and its newline.
    pub fn line(&mut self, out: &mut Vec<u8>) {
        self.clock.advance(self.rng.u64(0..40));
        // A request writes three lines on the average.
        if self.rng.u8(0..3) == 0 {
            self.request = Request::new(&mut self.rng, self.hosts.len());
        }
        if self.plain {
            self.event(event::COMPACT, event::Extra::None, out);
        } else {
            odd::line(self, out);
        }
        out.push(b'\n');
    }
}

/// One of `choices`, all as likely.
fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    rng.choice(choices).copied().unwrap_or("")
}

/// Appends a number in decimal.
fn push_number(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut rest = number;
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    out.extend(digits.iter().skip(digits.len() - used));
}

/// Appends the last `width` decimal digits of a number, zeros in front.
fn push_padded(number: u64, width: u32, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        out.push(b'0' + (number / 10u64.pow(place) % 10) as u8);
    }
}

/// Appends `count` characters of `alphabet`.
fn push_random(rng: &mut Rng, alphabet: &[u8], count: usize, out: &mut Vec<u8>) {
    out.extend((0..count).filter_map(|_| rng.choice(alphabet).copied()));
}
