//! How fast something gets on, smoothed.

use std::time::{Duration, Instant};

/// Samples nearer together than this say more about the clock than about the work.
const LEAST: Duration = Duration::from_millis(100);

/// The time after which a change of speed shows for about two thirds.
const MEMORY: f64 = 5.0;

/// Nobody waits for longer than this; it keeps the arithmetic in range.
const LONGEST: f64 = 1000.0 * 24.0 * 3600.0;

/// A speedometer: the exponentially weighted mean of what was done a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    last: Option<(Instant, u64)>,
    rate: Option<f64>,
}

impl Meter {
    /// Work begins now.
    pub fn begin(now: Instant) -> Self {
        Self { last: Some((now, 0)), rate: None }
    }

    /// So much is done by now.
    pub fn update(&mut self, now: Instant, done: u64) {
        let Some((then, before)) = self.last else {
            self.last = Some((now, done));
            return;
        };
        let time = now.saturating_duration_since(then);
        if time < LEAST {
            return;
        }
        let latest = done.saturating_sub(before) as f64 / time.as_secs_f64();
        let share = 1.0 - (-time.as_secs_f64() / MEMORY).exp();
        self.rate = Some(self.rate.map_or(latest, |rate| rate + share * (latest - rate)));
        self.last = Some((now, done));
    }

    /// Bytes a second.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// How long the rest takes at this rate; `None` while nothing moves.
    pub fn left(&self, done: u64, total: u64) -> Option<Duration> {
        let rate = self.rate.filter(|rate| *rate >= 1.0)?;
        Some(Duration::from_secs_f64((total.saturating_sub(done) as f64 / rate).min(LONGEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_speed_and_forgets_a_burst() {
        let begun = Instant::now();
        let mut meter = Meter::begin(begun);
        assert_eq!(meter.left(0, 100), None);
        meter.update(begun + Duration::from_millis(1), 1_000_000);
        assert_eq!(meter.rate(), None, "too early to tell");
        let mut done = 0;
        for second in 1..60 {
            done += if second == 20 { 1000 } else { 100 };
            meter.update(begun + Duration::from_secs(second), done);
        }
        assert!((meter.rate().unwrap() - 100.0).abs() < 1.0);
        assert_eq!(meter.left(0, 1000).unwrap().as_secs(), 9);
        for second in 60..120 {
            meter.update(begun + Duration::from_secs(second), done);
        }
        assert_eq!(meter.left(done, u64::MAX), None, "it stands still");
    }
}
