//! Makes a file wrong in the ways in which files go wrong, and in those in which somebody would make them wrong.

use std::ops::Range;

use fastrand::Rng;
use wasmparser::Parser;

/// The most bytes that one step moves or repeats.
const MOST: usize = 64 << 10;

/// Changes files at random, the same way for the same seed.
pub struct Mutator {
    rng: Rng,
}

impl Mutator {
    pub fn new(seed: u64) -> Mutator {
        Mutator { rng: Rng::with_seed(seed) }
    }

    /// `bytes` after one to three changes, most often one; never what they were. Parts may come from `other`.
    pub fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let sections = sections(bytes);
        loop {
            let mut mutant = bytes.to_vec();
            for _ in 0..*self.rng.choice(&[1, 1, 1, 2, 3]).unwrap() {
                self.step(&mut mutant, other, &sections);
            }
            if mutant != bytes {
                return mutant;
            }
        }
    }

    fn step(&mut self, mutant: &mut Vec<u8>, other: &[u8], sections: &[usize]) {
        if mutant.is_empty() {
            return mutant.push(self.rng.u8(..));
        }
        let at = self.rng.usize(..mutant.len());
        match self.rng.u8(..14) {
            // What is most often still a plugin.
            0..7 => mutant[at] ^= 1 << self.rng.u8(..8),
            7 => mutant[at] = *self.rng.choice(&[0, 1, 0x0b, 0x7f, 0x80, 0xff]).unwrap(),
            8 => mutant.truncate(at),
            9 => drop(mutant.drain(self.range(mutant.len()))),
            10 => {
                let repeated = mutant[self.range(mutant.len())].to_vec();
                mutant.splice(at..at, repeated);
            }
            11 => {
                let range = self.range(other.len());
                let end = mutant.len().min(at + range.len());
                mutant.splice(at..end, other[range].iter().copied());
            }
            12 => {
                mutant.truncate(at);
                mutant.extend_from_slice(&other[other.len().min(at)..]);
            }
            _ => self.length(mutant, sections),
        }
    }

    /// Says something else about a section's length, or about whatever stands there after other changes.
    fn length(&mut self, mutant: &mut Vec<u8>, sections: &[usize]) {
        let last = match self.rng.choice(sections) {
            Some(&start) if start <= mutant.len() => start - 1,
            _ => self.rng.usize(..mutant.len()),
        };
        match self.rng.u8(..4) {
            0 => mutant[last] = mutant[last].wrapping_add(1),
            1 => mutant[last] = mutant[last].wrapping_sub(1),
            // Longer than it needs to be, which some readers take and others do not.
            2 => {
                mutant[last] |= 0x80;
                mutant.insert(last + 1, 0);
            }
            _ => drop(mutant.splice(last..=last, [0xff, 0xff, 0xff, 0xff, 0x0f])),
        }
    }

    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.rng.usize(..=length);
        start..self.rng.usize(start..=length.min(start + MOST))
    }
}

/// Where the contents of all sections start; before each is the last byte of its length.
fn sections(bytes: &[u8]) -> Vec<usize> {
    let payloads = Parser::new(0).parse_all(bytes).map_while(Result::ok);
    payloads.filter_map(|payload| Some(payload.as_section()?.1.start)).filter(|&start| start > 0).collect()
}
