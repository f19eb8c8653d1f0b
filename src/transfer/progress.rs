//! What the dispatcher tells the reporter: which phases have begun and ended, and how far the work has come.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::run::Database;
use crate::event::{Event, Phase, Reporter, Tally, TaskId};
use crate::plan::schedule::{Schedule, Task, TaskNumber, Work};
use crate::toc::{Entry, Kind, Section};

/// The phase that a task belongs to.
fn phase_of(databases: &[Database], task: &Task) -> Phase {
    match task.work {
        Work::Entry(_) | Work::Part(..) | Work::Joined(_) => {
            match entry(databases, task.database, task.work).map(|e| e.section) {
                Some(Section::Data) => Phase::Data,
                _ => Phase::Indexes,
            }
        }
        Work::Statistics(_) | Work::Analyze(_) => Phase::Analyze,
        Work::Verify(_) | Work::VerifyPart(..) => Phase::Verify,
    }
}

fn entry(databases: &[Database], database: usize, work: Work) -> Option<&Entry> {
    databases.get(database)?.toc.get(work.entry())
}

/// One phase of the run.
#[derive(Debug, Default)]
struct State {
    left: usize,
    tasks: usize,
    total: u64,
    done: u64,
    begun: Option<Instant>,
}

/// A task under way.
pub(super) struct Running {
    pub tally: Arc<Tally>,
    pub database: usize,
    pub work: Work,
    phase: Phase,
    total: u64,
    begun: Instant,
}

/// The state of all phases and of the tasks under way.
pub(super) struct Progress<'a> {
    databases: &'a [Database],
    reporter: &'a mut dyn Reporter,
    phases: HashMap<Phase, State>,
    running: HashMap<TaskNumber, Running>,
}

impl<'a> Progress<'a> {
    pub fn new(databases: &'a [Database], schedule: &Schedule, reporter: &'a mut dyn Reporter) -> Self {
        let mut phases: HashMap<Phase, State> = HashMap::new();
        for (_, task) in schedule.tasks() {
            let state = phases.entry(phase_of(databases, task)).or_default();
            state.left += 1;
            state.tasks += usize::from(task.work.is_whole());
            state.total += weight(databases, task);
        }
        Self { databases, reporter, phases, running: HashMap::new() }
    }

    /// How often the reporter wants to hear how far the work has come.
    pub fn tick(&self) -> Option<Duration> {
        self.reporter.tick()
    }

    /// Hands an event on.
    pub fn event(&mut self, event: &Event) {
        self.reporter.event(event);
    }

    /// A task has begun; its tally is what its lane adds to.
    pub fn begin(&mut self, number: TaskNumber, task: &Task) -> Arc<Tally> {
        let phase = phase_of(self.databases, task);
        let total = weight(self.databases, task);
        if let Some(state) = self.phases.get_mut(&phase)
            && state.begun.is_none()
        {
            state.begun = Some(Instant::now());
            let total = (state.total > 0).then_some(state.total);
            self.reporter.event(&Event::PhaseStarted { phase, total });
        }
        let tally = Arc::new(Tally::default());
        let begun = Instant::now();
        let (database, work) = (task.database, task.work);
        self.running.insert(number, Running { tally: Arc::clone(&tally), database, work, phase, total, begun });
        let label = self.label(task);
        self.reporter.event(&Event::TaskStarted { task: id(number), phase, label, total });
        tally
    }

    /// A task has ended well. Returns how long it took.
    pub fn end(&mut self, number: TaskNumber) -> Duration {
        let Some(task) = self.running.remove(&number) else { return Duration::ZERO };
        let elapsed = task.begun.elapsed();
        let rows = (task.phase == Phase::Data || task.phase == Phase::Verify).then(|| task.tally.rows());
        let bytes = match task.phase {
            Phase::Indexes | Phase::Analyze => task.total,
            _ => task.tally.bytes(),
        };
        self.reporter.event(&Event::TaskDone { task: id(number), bytes, rows, elapsed });
        let Some(state) = self.phases.get_mut(&task.phase) else { return elapsed };
        state.left -= 1;
        state.done += task.total;
        if state.left == 0 {
            let elapsed = state.begun.map(|b| b.elapsed()).unwrap_or_default();
            let summary = summary(task.phase, state.tasks);
            self.reporter.event(&Event::PhaseDone { phase: task.phase, summary, elapsed });
        }
        elapsed
    }

    /// The entry that a running task builds, if it is one whose server reports how far it is.
    pub fn is_building(&self, number: TaskNumber) -> bool {
        self.running.get(&number).is_some_and(|t| t.phase == Phase::Indexes && t.total > 0)
    }

    /// How far a build has come, from 0 to 1, as its server says.
    pub fn built(&mut self, number: TaskNumber, share: f64) {
        if let Some(task) = self.running.get(&number) {
            let now = (task.total as f64 * share.clamp(0.0, 1.0)) as u64;
            task.tally.add(now.saturating_sub(task.tally.bytes()), 0);
        }
    }

    /// Tells how far everything is.
    pub fn sample(&mut self) {
        let mut sums: HashMap<Phase, u64> =
            self.phases.iter().filter(|(_, s)| s.begun.is_some() && s.left > 0).map(|(p, s)| (*p, s.done)).collect();
        for (number, task) in &self.running {
            // COPY data and table size are not the same thing; an estimate that is exceeded waits for the end.
            let done = task.tally.bytes().min(task.total);
            if let Some(sum) = sums.get_mut(&task.phase) {
                *sum += done;
            }
            self.reporter.event(&Event::TaskProgress { task: id(*number), done });
        }
        for (phase, done) in sums {
            self.reporter.event(&Event::PhaseProgress { phase, done });
        }
    }

    /// What a task is about, for people: with the database where there are several.
    fn label(&self, task: &Task) -> String {
        let mut name = entry(self.databases, task.database, task.work).map(Entry::name).unwrap_or_default();
        if let Some(part) = task.work.part() {
            name += &format!(" ({} of {})", part.number + 1, part.of);
        }
        match self.databases.get(task.database) {
            Some(database) if self.databases.len() > 1 => format!("{}: {name}", database.name),
            _ => name,
        }
    }

    /// A task under way.
    pub fn running(&self, number: TaskNumber) -> Option<&Running> {
        self.running.get(&number)
    }
}

fn id(number: TaskNumber) -> TaskId {
    TaskId(u32::try_from(number.0).unwrap_or(u32::MAX))
}

/// Bytes on the old server.
fn weight(databases: &[Database], task: &Task) -> u64 {
    // A foreign key is checked without a word about how far the check is.
    let weight =
        entry(databases, task.database, task.work).filter(|e| e.kind != Kind::ForeignKey).map_or(0, |e| e.weight);
    match (task.work, task.work.part()) {
        (Work::Analyze(_) | Work::Joined(_), _) => 0,
        (_, Some(part)) => part.next().begins_at(weight) - part.begins_at(weight),
        (_, None) => weight,
    }
}

fn summary(phase: Phase, tasks: usize) -> String {
    let (one, many) = match phase {
        Phase::Data => ("table, sequence or set of large objects", "tables, sequences and sets of large objects"),
        Phase::Indexes => ("object", "indexes, constraints and other objects"),
        Phase::Analyze => ("table", "tables"),
        _ => ("object", "tables and sets of large objects"),
    };
    format!("{tasks} {}", if tasks == 1 { one } else { many })
}
