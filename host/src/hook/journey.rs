//! How far a batch has come in its chain, also when that changes while the batch waits in it. Pure.
//!
//! Every hook that was there when the batch set out meets it once, wherever the change puts that hook. One that is new is
//! met only if it comes after all that the batch has met: what came in before a hook was loaded need not meet it.

/// Which hooks of a chain a batch has met, by their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Journey {
    met: Vec<bool>,
}

impl Journey {
    /// A batch that sets out in front of the hook at `first`, in a chain of so many.
    pub(crate) fn from(first: usize, hooks: usize) -> Journey {
        Journey { met: (0..hooks).map(|place| place < first).collect() }
    }

    /// The same for the next batch, in the memory of this one.
    pub(crate) fn set_out(&mut self, first: usize, hooks: usize) {
        self.met.clear();
        self.met.extend((0..hooks).map(|place| place < first));
    }

    /// Whether the hook at a place was met.
    pub(crate) fn has_met(&self, place: usize) -> bool {
        self.met.get(place).copied().unwrap_or(true)
    }

    /// The hook at a place was met.
    pub(crate) fn meet(&mut self, place: usize) {
        if let Some(met) = self.met.get_mut(place) {
            *met = true;
        }
    }

    /// The same journey in a chain of other hooks, or in another order. `old` has the name of each hook that was there.
    pub(crate) fn moved<N: PartialEq>(&self, old: &[N], new: &[N]) -> Journey {
        let known = |name: &N| old.iter().position(|old| old == name);
        let mut met: Vec<bool> =
            new.iter().map(|name| known(name).is_some_and(|place| self.has_met(place))).collect();
        let last = met.iter().rposition(|&met| met).unwrap_or(0);
        for (place, (name, met)) in new.iter().zip(&mut met).enumerate() {
            *met |= known(name).is_none() && place < last;
        }
        Journey { met }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hooks that are still to be met, after those in `met` were, when the chain changes from `old` to `new`.
    fn left(old: &str, met: &str, new: &str) -> String {
        let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
        let mut journey = Journey::from(0, old.len());
        for name in met.chars() {
            journey.meet(old.iter().position(|old| *old == name).unwrap());
        }
        let moved = journey.moved(&old, &new);
        (0..new.len()).filter(|&place| !moved.has_met(place)).map(|place| new[place]).collect()
    }

    #[test]
    fn whoever_was_there_is_met_once_in_whatever_order() {
        assert_eq!(left("abc", "a", "abc"), "bc");
        assert_eq!(left("abc", "a", "cba"), "cb");
        assert_eq!(left("abc", "ab", "bac"), "c");
        assert_eq!(left("abc", "", "ca"), "ca");
        assert_eq!(left("abc", "abc", "cab"), "");
        assert_eq!(left("abc", "a", ""), "");
    }

    #[test]
    fn whoever_is_new_is_met_if_it_is_still_ahead() {
        assert_eq!(left("abc", "a", "xabc"), "bc");
        assert_eq!(left("abc", "a", "axbc"), "xbc");
        assert_eq!(left("abc", "", "xabc"), "xabc");
        assert_eq!(left("abc", "abc", "abcx"), "x");
        assert_eq!(left("abc", "ab", "xcba"), "c");
    }
}
