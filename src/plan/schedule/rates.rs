//! What work of each class has cost so far, in time: what was thought of it beforehand is corrected by that.

use std::collections::HashMap;
use std::time::Duration;

/// Tasks that are as fast as each other, byte for byte of their cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Copies data.
    Copy,
    /// Reads data back.
    ReadBack,
    /// Builds an index, by itself or for a constraint.
    Build,
    /// Compares rows with others.
    ForeignKey,
    /// Everything else, about which nothing is learnt.
    Other,
}

impl Class {
    /// Whether it is as fast as both servers and the way between them, and not as the new server alone.
    pub const fn copies(self) -> bool {
        matches!(self, Self::Copy | Self::ReadBack)
    }
}

const ALL: [Class; 4] = [Class::Copy, Class::ReadBack, Class::Build, Class::ForeignKey];

/// The least cost that tells something, in bytes: of smaller tasks the most part is round trips.
const LEAST: u64 = 4 << 20;
/// What was learnt counts from a change by so much on.
const CHANGE: f64 = 1.25;

/// What was learnt.
#[derive(Debug, Default)]
pub(super) struct Rates {
    seen: HashMap<Class, (u64, Duration)>,
    /// The factors that count now.
    factors: HashMap<Class, f64>,
}

impl Rates {
    /// A task of this class and this cost took so long.
    pub fn note(&mut self, class: Class, cost: u64, elapsed: Duration) {
        if class != Class::Other && cost >= LEAST {
            let (sum, time) = self.seen.entry(class).or_default();
            *sum = sum.saturating_add(cost);
            *time = time.saturating_add(elapsed);
        }
    }

    /// Whether something else counts from now on.
    pub fn settle(&mut self) -> bool {
        let rate = |class| {
            let (cost, time) = self.seen.get(&class)?;
            Some(time.as_secs_f64() / *cost as f64).filter(|rate| *rate > 0.0)
        };
        let Some(copy) = rate(Class::Copy) else { return false };
        let now: HashMap<Class, f64> = ALL.into_iter().filter_map(|class| Some((class, rate(class)? / copy))).collect();
        let changed = now.iter().any(|(class, factor)| {
            let ratio = factor / self.factor(*class);
            !(1.0 / CHANGE..=CHANGE).contains(&ratio)
        });
        if changed {
            self.factors = now;
        }
        changed
    }

    /// How many times as long as a copy of as many bytes a task of this class takes, beyond what was thought beforehand.
    pub fn factor(&self, class: Class) -> f64 {
        self.factors.get(&class).copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn factors_are_against_copies() {
        let mut rates = Rates::default();
        rates.note(Class::Build, 100 * MB, Duration::from_secs(30));
        assert!(!rates.settle(), "nothing to compare it with");
        rates.note(Class::Copy, 100 * MB, Duration::from_secs(10));
        assert!(rates.settle());
        assert!((rates.factor(Class::Build) - 3.0).abs() < 1e-9);
        assert!((rates.factor(Class::ForeignKey) - 1.0).abs() < 1e-9);
        // A little more of the same changes nothing.
        rates.note(Class::Build, 10 * MB, Duration::from_secs(4));
        assert!(!rates.settle());
        rates.note(Class::Build, 1, Duration::from_secs(4000));
        assert!(!rates.settle(), "what is small tells nothing");
    }
}
