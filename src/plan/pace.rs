//! How many lanes work at once, found out while they do: one more, or one less, is tried for a while, and kept if that is
//! faster.
//!
//! Tables differ too much to be compared by their bytes a second: a row of text takes several times as long a byte as one of a
//! large value. So a trial is judged by what was copied before and after: how much each of these was slowed down by one more
//! lane, or sped up by one less. Where no table lasts long enough, it is judged by how many came to their end.

use std::collections::HashMap;
use std::time::Duration;

use super::schedule::TaskNumber;

/// For how long a number of lanes is watched.
const WATCH: Duration = Duration::from_millis(1500);
/// How long lanes may take to get under way, before they are watched.
const SETTLE: Duration = Duration::from_millis(500);
/// How long a number of lanes is kept that was better than one more, or one less.
const KEEP: Duration = Duration::from_secs(15);
/// What a trial has to bring: less than this is noise.
const WORTH: f64 = 1.05;
/// So many tasks that come to their end tell as much as one that lasts.
const MANY: usize = 20;

/// What the lanes that copy are doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The bytes that every task under way has copied so far.
    pub under_way: Vec<(TaskNumber, u64)>,
    /// How many have come to their end since the run began.
    pub ended: usize,
    /// Whether more could begin if there were more lanes.
    pub more: bool,
}

/// How many lanes may copy.
#[derive(Debug)]
pub struct Pace {
    lanes: usize,
    most: usize,
    /// Whether the next trial is with one more.
    upwards: bool,
    stage: Stage,
    /// What was seen when the lanes began to be watched, and when that was.
    begun: Option<(Duration, Look)>,
}

#[derive(Debug)]
enum Stage {
    /// Nothing is tried before then.
    Kept { until: Duration },
    /// These lanes are watched, to be compared with others.
    Watched,
    /// The lanes are others since then, and this is what they did before.
    Tried { since: Duration, before: Speeds },
}

/// What was done in a second.
#[derive(Debug)]
struct Speeds {
    bytes: HashMap<TaskNumber, f64>,
    ended: f64,
    lanes: usize,
    /// Whether so many have ended that their number tells something.
    many: bool,
}

impl Pace {
    /// So many lanes to begin with, and so many at most. If these are the same, somebody has said how many.
    pub fn new(lanes: usize, most: usize) -> Self {
        let stage = if most > lanes { Stage::Watched } else { Stage::Kept { until: Duration::MAX } };
        Self { lanes, most, upwards: true, stage, begun: None }
    }

    /// How many may copy now.
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Looks at the work, so long after the run began.
    pub fn look(&mut self, now: Duration, look: Look) {
        match self.stage {
            Stage::Kept { until } if now < until => return,
            Stage::Kept { .. } => self.stage = Stage::Watched,
            Stage::Tried { since, .. } if now < since.saturating_add(SETTLE) => return,
            _ => {}
        }
        // Lanes that have nothing to do tell nothing, nor do more of them than there should be, until one has ended its task.
        if !look.more || look.under_way.len() != self.lanes {
            self.begun = None;
            return;
        }
        match &self.begun {
            None => self.begun = Some((now, look)),
            Some((at, _)) if now < at.saturating_add(WATCH) => {}
            Some((at, first)) => {
                let speeds = Speeds::between(first, &look, now.saturating_sub(*at));
                self.begun = None;
                self.decide(now, speeds);
            }
        }
    }

    fn decide(&mut self, now: Duration, speeds: Speeds) {
        let Stage::Tried { before, .. } = &self.stage else { return self.try_next(now, speeds) };
        match speeds.against(before) {
            // What lasted long enough to be compared has ended: what is there now is watched.
            None => self.stage = Stage::Watched,
            Some(gain) if gain >= WORTH => self.try_next(now, speeds),
            Some(_) => {
                self.lanes = before.lanes;
                self.upwards = !self.upwards;
                self.stage = Stage::Kept { until: now.saturating_add(KEEP) };
            }
        }
    }

    fn try_next(&mut self, now: Duration, before: Speeds) {
        let next = if self.upwards { self.lanes + 1 } else { self.lanes - 1 };
        if (1..=self.most).contains(&next) {
            self.lanes = next;
            self.stage = Stage::Tried { since: now, before };
        } else {
            self.upwards = !self.upwards;
            self.stage = Stage::Kept { until: now.saturating_add(KEEP) };
        }
    }
}

impl Speeds {
    /// Between two looks at the same number of lanes, with so much time between.
    fn between(first: &Look, last: &Look, elapsed: Duration) -> Self {
        let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
        let begun: HashMap<TaskNumber, u64> = first.under_way.iter().copied().collect();
        let lasted =
            last.under_way.iter().filter_map(|(task, bytes)| Some((*task, bytes.checked_sub(*begun.get(task)?)?)));
        let ended = last.ended.saturating_sub(first.ended);
        Self {
            bytes: lasted.map(|(task, bytes)| (task, bytes as f64 / seconds)).collect(),
            ended: ended as f64 / seconds,
            lanes: last.under_way.len(),
            many: ended >= MANY,
        }
    }

    /// How many times as fast all lanes together are as before; `None` where nothing is there to be compared.
    fn against(&self, before: &Self) -> Option<f64> {
        let both = self.bytes.iter().filter_map(|(task, now)| Some((*now, *before.bytes.get(task)?)));
        let (now, then) = both.fold((0.0, 0.0), |(now, then), both| (now + both.0, then + both.1));
        if then > 0.0 {
            return Some(now / then * self.lanes as f64 / before.lanes as f64);
        }
        (self.many && before.many).then(|| self.ended / before.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lanes that copy tables without end, each at the speed that so many of them have.
    struct Servers {
        speed: fn(usize) -> f64,
        now: Duration,
        copied: Vec<f64>,
    }

    impl Servers {
        fn new(speed: fn(usize) -> f64) -> Self {
            Self { speed, now: Duration::ZERO, copied: Vec::new() }
        }

        /// Lets so much time pass, and returns the numbers of lanes in it, each once.
        fn work(&mut self, pace: &mut Pace, time: Duration) -> Vec<usize> {
            const STEP: Duration = Duration::from_millis(250);
            let (end, mut seen) = (self.now + time, vec![pace.lanes()]);
            while self.now < end {
                self.now += STEP;
                // Tables do not end when a lane is taken away: the last begun is the one that ends.
                self.copied.resize(pace.lanes(), 0.0);
                let speed = (self.speed)(pace.lanes());
                self.copied.iter_mut().for_each(|bytes| *bytes += speed * STEP.as_secs_f64());
                let under_way =
                    self.copied.iter().enumerate().map(|(n, bytes)| (TaskNumber(n), *bytes as u64)).collect();
                pace.look(self.now, Look { under_way, ended: 0, more: true });
                if seen.last() != Some(&pace.lanes()) {
                    seen.push(pace.lanes());
                }
            }
            seen
        }
    }

    #[test]
    fn more_are_taken_while_that_is_faster() {
        // Every lane has its own share, up to five.
        let mut servers = Servers::new(|lanes| 1e6 * 5.0 / (lanes.max(5) as f64));
        let mut pace = Pace::new(2, 16);
        assert_eq!(servers.work(&mut pace, Duration::from_secs(14)), [2, 3, 4, 5, 6, 5]);
    }

    #[test]
    fn fewer_are_taken_where_that_is_faster() {
        // Each one more costs all of them.
        let mut servers = Servers::new(|lanes| 1e6 / (lanes * lanes) as f64);
        let mut pace = Pace::new(4, 8);
        let seen = servers.work(&mut pace, Duration::from_secs(60));
        assert_eq!(seen[..6], [4, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn as_fast_is_not_faster() {
        let mut servers = Servers::new(|lanes| 1e6 / lanes as f64);
        let mut pace = Pace::new(2, 8);
        servers.work(&mut pace, Duration::from_secs(300));
        assert!((1..=3).contains(&pace.lanes()), "{pace:?}");
    }

    #[test]
    fn what_somebody_said_stays() {
        let mut servers = Servers::new(|_| 1e6);
        let mut pace = Pace::new(2, 2);
        assert_eq!(servers.work(&mut pace, Duration::from_secs(100)), [2]);
    }

    #[test]
    fn idle_lanes_tell_nothing() {
        let mut pace = Pace::new(2, 8);
        for second in 0..100 {
            let under_way = vec![(TaskNumber(0), second * 1000), (TaskNumber(1), second * 1000)];
            pace.look(Duration::from_secs(second), Look { under_way, ended: 0, more: false });
        }
        assert_eq!(pace.lanes(), 2);
    }

    #[test]
    fn many_small_tables_are_counted() {
        let mut pace = Pace::new(2, 4);
        let mut ended = 0;
        for tick in 0..60 {
            ended += 10 * pace.lanes();
            // None of them is seen twice.
            let under_way = (0..pace.lanes()).map(|lane| (TaskNumber(tick * 100 + lane), 0)).collect();
            pace.look(Duration::from_millis(250 * tick as u64), Look { under_way, ended, more: true });
        }
        assert_eq!(pace.lanes(), 4);
    }
}
