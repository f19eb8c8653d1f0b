//! What is known about a run at this moment, gathered from its events. Pure: the time is given, nothing is printed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::meter::Meter;
use crate::event::{Event, Phase, TaskId};

/// A phase that has begun.
#[derive(Debug)]
pub struct PhaseRow {
    /// Which one.
    pub phase: Phase,
    /// When.
    pub begun: Instant,
    /// Bytes to move or build, where bytes say anything.
    pub total: Option<u64>,
    /// Bytes so far.
    pub done: u64,
    /// Whether it is over.
    pub ended: bool,
}

/// A piece of work under way.
#[derive(Debug)]
pub struct TaskRow {
    /// Its name in events.
    pub task: TaskId,
    /// The phase it belongs to.
    pub phase: Phase,
    /// The object.
    pub label: String,
    /// Bytes to move or build; 0 where bytes say nothing.
    pub total: u64,
    /// Bytes so far.
    pub done: u64,
    /// When it began.
    pub begun: Instant,
    /// How fast it gets on.
    pub meter: Meter,
}

/// How far everything is that is under way together.
#[derive(Clone, Copy, Debug)]
pub struct Overall {
    /// Bytes so far.
    pub done: u64,
    /// Bytes to move, build and compare.
    pub total: u64,
    /// Bytes a second, lately.
    pub rate: Option<f64>,
    /// What remains at that rate.
    pub left: Option<Duration>,
}

/// A row on the screen: a task's, or one that waits for the next task since the last one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Of(TaskId),
    Free(Instant),
}

/// How long a row waits for another task before the rows below it move up.
const PATIENCE: Duration = Duration::from_secs(1);

/// The state of a run.
#[derive(Debug)]
pub struct Board {
    /// When the run began.
    pub begun: Instant,
    /// Tasks that have ended.
    pub tasks_done: u64,
    /// The phases under way, and those that ended since all of them were last over: they make up one whole.
    phases: Vec<PhaseRow>,
    tasks: HashMap<TaskId, TaskRow>,
    /// Rows on the screen: a task keeps its own, so that nothing jumps.
    slots: Vec<Slot>,
    meter: Meter,
}

impl Board {
    /// Nothing has happened yet.
    pub fn new(begun: Instant) -> Self {
        Self {
            begun,
            tasks_done: 0,
            phases: Vec::new(),
            tasks: HashMap::new(),
            slots: Vec::new(),
            meter: Meter::default(),
        }
    }

    /// Takes one event in.
    pub fn apply(&mut self, event: &Event, now: Instant) {
        match event {
            Event::PhaseStarted { phase, total } => self.begin_phase(*phase, *total, now),
            Event::PhaseDone { phase, .. } => {
                if let Some(row) = self.phases.iter_mut().find(|r| r.phase == *phase) {
                    row.done = row.total.unwrap_or_default();
                    row.ended = true;
                }
            }
            Event::PhaseProgress { phase, done } => {
                if let Some(row) = self.phases.iter_mut().find(|r| r.phase == *phase && !r.ended) {
                    row.done = (*done).min(row.total.unwrap_or(*done));
                }
                let (done, _) = self.sums();
                self.meter.update(now, done);
            }
            Event::TaskStarted { task, phase, label, total } => {
                let (meter, label) = (Meter::begin(now), super::super::text::safe(label).into_owned());
                let row = TaskRow { task: *task, phase: *phase, label, total: *total, done: 0, begun: now, meter };
                self.tasks.insert(*task, row);
            }
            Event::TaskProgress { task, done } => {
                if let Some(row) = self.tasks.get_mut(task) {
                    row.done = *done;
                    row.meter.update(now, *done);
                }
            }
            Event::TaskDone { task, .. } => {
                self.tasks.remove(task);
                self.tasks_done += 1;
            }
            Event::Found(_) | Event::Notice { .. } | Event::Cancelling => {}
        }
    }

    fn begin_phase(&mut self, phase: Phase, total: Option<u64>, now: Instant) {
        if self.active().next().is_none() {
            self.phases.clear();
            self.meter = Meter::begin(now);
        }
        self.phases.push(PhaseRow { phase, begun: now, total, done: 0, ended: false });
    }

    /// The phases under way, in the order in which they began.
    pub fn active(&self) -> impl Iterator<Item = &PhaseRow> {
        self.phases.iter().filter(|r| !r.ended)
    }

    fn sums(&self) -> (u64, u64) {
        let done = self.phases.iter().fold(0u64, |sum, r| sum.saturating_add(r.total.map_or(0, |_| r.done)));
        let total = self.phases.iter().fold(0u64, |sum, r| sum.saturating_add(r.total.unwrap_or_default()));
        (done, total)
    }

    /// How far everything is; `None` where bytes say nothing.
    pub fn overall(&self) -> Option<Overall> {
        let (done, total) = self.sums();
        let known = total > 0 && self.active().any(|r| r.total.is_some());
        known.then(|| Overall { done, total, rate: self.meter.rate(), left: self.meter.left(done, total) })
    }

    /// The tasks that have lasted for `least` or longer, the oldest first.
    pub fn lasting(&self, now: Instant, least: Duration) -> Vec<&TaskRow> {
        let mut rows: Vec<_> =
            self.tasks.values().filter(|r| now.saturating_duration_since(r.begun) >= least).collect();
        rows.sort_by_key(|r| (r.begun, r.task));
        rows
    }

    /// The same tasks in rows that they keep for as long as they last; a row that was left waits a while for the next one.
    pub fn rows(&mut self, now: Instant, least: Duration) -> Vec<Option<&TaskRow>> {
        for slot in &mut self.slots {
            if matches!(slot, Slot::Of(task) if !self.tasks.contains_key(task)) {
                *slot = Slot::Free(now);
            }
        }
        let known = |task: TaskId| self.slots.contains(&Slot::Of(task));
        let new: Vec<TaskId> = self.lasting(now, least).iter().map(|r| r.task).filter(|t| !known(*t)).collect();
        for task in new {
            match self.slots.iter_mut().find(|s| matches!(s, Slot::Free(_))) {
                Some(free) => *free = Slot::Of(task),
                None => self.slots.push(Slot::Of(task)),
            }
        }
        self.slots
            .retain(|slot| !matches!(slot, Slot::Free(since) if now.saturating_duration_since(*since) >= PATIENCE));
        while matches!(self.slots.last(), Some(Slot::Free(_))) {
            self.slots.pop();
        }
        let row = |slot: &Slot| match slot {
            Slot::Of(task) => self.tasks.get(task),
            Slot::Free(_) => None,
        };
        self.slots.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn started(task: u32) -> Event {
        Event::TaskStarted { task: TaskId(task), phase: Phase::Data, label: format!("t{task}"), total: MB }
    }

    fn done(task: u32) -> Event {
        Event::TaskDone { task: TaskId(task), bytes: MB, rows: None, elapsed: Duration::ZERO }
    }

    #[test]
    fn phases_that_overlap_are_one_whole() {
        let begun = Instant::now();
        let mut board = Board::new(begun);
        board.apply(&Event::PhaseStarted { phase: Phase::Data, total: Some(30 * MB) }, begun);
        board.apply(&Event::PhaseStarted { phase: Phase::Indexes, total: Some(10 * MB) }, begun);
        for second in 1..=10 {
            let now = begun + Duration::from_secs(second);
            board.apply(&Event::PhaseProgress { phase: Phase::Data, done: second * MB }, now);
        }
        let overall = board.overall().unwrap();
        assert_eq!((overall.done, overall.total), (10 * MB, 40 * MB));
        assert!((overall.rate.unwrap() - 1e6).abs() < 1.0);
        assert_eq!(overall.left.unwrap().as_secs_f64().round(), 30.0);
        for phase in [Phase::Data, Phase::Indexes] {
            board.apply(&Event::PhaseDone { phase, summary: String::new(), elapsed: Duration::ZERO }, begun);
        }
        assert!(board.overall().is_none());
        board.apply(&Event::PhaseStarted { phase: Phase::Verify, total: Some(5 * MB) }, begun);
        assert_eq!(board.overall().unwrap().total, 5 * MB);
    }

    #[test]
    fn tasks_keep_their_rows() {
        let begun = Instant::now();
        let (least, later) = (Duration::from_millis(300), begun + Duration::from_secs(1));
        let mut board = Board::new(begun);
        for task in 1..=3 {
            board.apply(&started(task), begun);
        }
        assert!(board.rows(begun, least).is_empty(), "none has lasted yet");
        assert_eq!(board.rows(later, least).len(), 3);
        board.apply(&done(2), later);
        board.apply(&started(4), later);
        let labels = |board: &mut Board, now| -> Vec<String> {
            board.rows(now, least).iter().map(|r| r.map(|r| r.label.clone()).unwrap_or_default()).collect()
        };
        assert_eq!(labels(&mut board, later), ["t1", "", "t3"]);
        assert_eq!(labels(&mut board, later + least), ["t1", "t4", "t3"]);
        board.apply(&done(3), later);
        assert_eq!(labels(&mut board, later + least), ["t1", "t4"]);
        board.apply(&done(1), later);
        assert_eq!(labels(&mut board, later + least), ["", "t4"]);
        assert_eq!(labels(&mut board, later + least + PATIENCE), ["t4"]);
        assert_eq!(board.tasks_done, 3);
    }
}
