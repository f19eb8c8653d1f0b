//! What can be done side by side: tasks with what they need, what they lock, and what hangs on them.
//!
//! The schedule is a ready set. Of everything that may start, the task with the longest chain of work behind it goes first
//! (critical path), so that no lane is left with a long index at the end. There is no barrier between phases but the
//! dependencies themselves, and one for all: what comes before the data has been made, in order, when a schedule begins.
//!
//! Several databases can share a schedule, and with it the lanes: their tasks have nothing to do with each other.

mod build;
mod rates;
mod turns;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use crate::toc::{Entry, EntryId, Part, Toc};
use build::{Builder, push_data};
pub use rates::Class;
use rates::Rates;
use turns::Turns;

/// The number of a task within its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskNumber(pub usize);

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Makes an entry: copies its data, or runs its statements.
    Entry(EntryId),
    /// Copies a part of the data of an entry.
    Part(EntryId, Part),
    /// All parts of the data of an entry are there.
    Joined(EntryId),
    /// Brings the planner statistics of the relation that this entry makes, and of its indexes; collects them where they
    /// cannot be brought.
    Statistics(EntryId),
    /// Collects planner statistics for the relation that this entry makes.
    Analyze(EntryId),
    /// Reads the data of this entry back from the new server.
    Verify(EntryId),
    /// Reads a part of the rows of this entry back.
    VerifyPart(EntryId, Part),
}

impl Work {
    /// The entry that it is about.
    pub const fn entry(self) -> EntryId {
        let (Self::Entry(id)
        | Self::Part(id, _)
        | Self::Joined(id)
        | Self::Statistics(id)
        | Self::Analyze(id)
        | Self::Verify(id)
        | Self::VerifyPart(id, _)) = self;
        id
    }

    /// Whether this is all that is done about the data of its entry, or the last of it.
    pub const fn is_whole(self) -> bool {
        match self {
            Self::Part(..) => false,
            Self::VerifyPart(_, part) => part.is_last(),
            _ => true,
        }
    }

    /// Which part of the data of its entry it is about, if not all.
    pub const fn part(self) -> Option<Part> {
        match self {
            Self::Part(_, part) | Self::VerifyPart(_, part) => Some(part),
            _ => None,
        }
    }
}

/// A piece of work.
#[derive(Clone, Debug)]
pub struct Task {
    /// The database: its place in the list that the schedule was made from.
    pub database: usize,
    /// What it does, in the table of contents of that database.
    pub work: Work,
    /// What it costs, in bytes of plain copying that take as long.
    pub cost: u64,
    /// What else is as fast.
    pub class: Class,
    /// Whether it sets the state of a sequence.
    brief: bool,
    needs: BTreeSet<TaskNumber>,
    shares: Vec<EntryId>,
    locks: Vec<EntryId>,
}

/// What follows the entries of a table of contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extras {
    /// Read every table back when it has been loaded.
    pub verify: bool,
    /// What was loaded in parts is read back in parts, too.
    pub verify_parts: bool,
    /// `ANALYZE ONLY` is there, so that a partitioned table can be analyzed without its partitions.
    pub analyze_only: bool,
    /// Planner statistics can be brought from the old server. That takes `analyze_only`, for where they cannot.
    pub carry_statistics: bool,
    /// Only a part of the database is loaded, so that what was known of a table with all its children need not be true.
    pub partial: bool,
}

/// Tasks and their state.
#[derive(Debug)]
pub struct Schedule {
    tasks: Vec<Task>,
    needed_by: Vec<Vec<TaskNumber>>,
    waiting: Vec<usize>,
    /// Ready tasks, the longest chain last.
    ready: BTreeMap<(u64, std::cmp::Reverse<TaskNumber>), TaskNumber>,
    chain: Vec<u64>,
    /// How many running tasks share each relation; [`EXCLUSIVE`] where one has it for itself.
    held: HashMap<Relation, usize>,
    left: usize,
    /// What the tasks so far have cost; `None` where the ranks are not about that.
    rates: Option<Rates>,
    /// Where data come one after the other.
    turns: Option<Turns>,
}

/// A relation of one of the databases: the entry that makes it.
type Relation = (usize, EntryId);

const EXCLUSIVE: usize = usize::MAX;

impl Schedule {
    /// The schedule for everything after the pre-data section in the tables of contents of some databases.
    pub fn new<'a>(tocs: impl IntoIterator<Item = &'a Toc>, extras: Extras) -> Self {
        let mut tasks = Vec::new();
        for (database, toc) in tocs.into_iter().enumerate() {
            let before = tasks.len();
            tasks.extend(Builder::new(toc, extras).build().into_iter().map(|task| task.moved_to(database, before)));
        }
        let schedule = Self::of(tasks, |tasks, needed_by| chains(tasks, needed_by, &Rates::default()));
        Self { rates: Some(Rates::default()), ..schedule }
    }

    /// The schedule for reading all rows and large objects of a database, the largest first. Rows that have to be restored
    /// after others (those of an extension's tables that refer to each other) come last, and are read after those.
    ///
    /// A task never waits for one with a higher number, and of those that may start the lowest number does: so whoever takes
    /// turns by these numbers is never waited for by somebody who waits for him.
    pub fn of_data(toc: &Toc) -> Self {
        let data = toc.entries().iter().filter(|entry| entry.data.is_some());
        let waits = |entry: &&Entry| entry.needs.iter().any(|id| toc.get(*id).is_some_and(|need| need.data.is_some()));
        let (last, mut first): (Vec<&Entry>, Vec<&Entry>) = data.partition(waits);
        first.sort_by_key(|entry| (std::cmp::Reverse(entry.weight), entry.id));
        let mut made_by = HashMap::new();
        let mut tasks: Vec<Task> = Vec::new();
        for entry in first.into_iter().chain(last) {
            let needs = entry.needs.iter().filter_map(|need| made_by.get(need).copied()).collect();
            made_by.insert(entry.id, push_data(&mut tasks, entry, needs));
        }
        let ranks = (0..tasks.len() as u64).rev().collect();
        Self::of(tasks, |_, _| ranks)
    }

    fn of(tasks: Vec<Task>, rank: impl FnOnce(&[Task], &[Vec<TaskNumber>]) -> Vec<u64>) -> Self {
        let mut needed_by = vec![Vec::new(); tasks.len()];
        let mut waiting = Vec::with_capacity(tasks.len());
        for (number, task) in tasks.iter().enumerate() {
            waiting.push(task.needs.len());
            for needs in &task.needs {
                needed_by[needs.0].push(TaskNumber(number));
            }
        }
        let chain = rank(&tasks, &needed_by);
        let left = tasks.len();
        let (ready, held) = (BTreeMap::new(), HashMap::new());
        let mut schedule = Self { tasks, needed_by, waiting, ready, chain, held, left, rates: None, turns: None };
        for number in 0..left {
            if schedule.waiting[number] == 0 {
                schedule.make_ready(TaskNumber(number));
            }
        }
        schedule
    }

    /// The same schedule where data come one after the other, in this sequence, as those of a stream do. A task that loads some
    /// starts when all those before it have been started, and all but one of them have had their data: so whoever waits for
    /// data never waits for somebody who was not started, and at most one lane waits.
    pub fn in_turn(mut self, entries: &[EntryId]) -> Self {
        let loads = |(number, task): (usize, &Task)| match task.work {
            Work::Entry(id) => Some((id, TaskNumber(number))),
            _ => None,
        };
        let made_by: HashMap<EntryId, TaskNumber> = self.tasks.iter().enumerate().filter_map(loads).collect();
        let queue: VecDeque<TaskNumber> = entries.iter().filter_map(|id| made_by.get(id).copied()).collect();
        // What comes first holds up all that comes later.
        let mut behind = 0;
        for number in queue.iter().rev() {
            let chain = &mut self.chain[number.0];
            *chain = self.tasks[number.0].cost.saturating_add(behind).max(*chain);
            behind = *chain;
        }
        self.turns = Some(Turns::new(queue));
        self.rates = None;
        self.ready.clear();
        for number in 0..self.tasks.len() {
            if self.waiting[number] == 0 {
                self.make_ready(TaskNumber(number));
            }
        }
        self
    }

    /// Says how many of the tasks that take turns have had all their data.
    pub fn have_had(&mut self, count: usize) {
        if let Some(turns) = &mut self.turns {
            turns.have_had(count);
        }
    }

    /// The entries of all tasks, by the numbers of those that finish them.
    pub fn entries(&self) -> Vec<EntryId> {
        self.tasks.iter().filter(|task| task.work.is_whole()).map(|task| task.work.entry()).collect()
    }

    /// The task with this number.
    pub fn task(&self, number: TaskNumber) -> &Task {
        &self.tasks[number.0]
    }

    /// All tasks, in no particular order.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskNumber, &Task)> {
        self.tasks.iter().enumerate().map(|(n, t)| (TaskNumber(n), t))
    }

    /// How many tasks have not been [finished](Self::finish).
    pub fn left(&self) -> usize {
        self.left
    }

    /// The task that should start next of those that suit; `None` if none can, before something else is finished.
    pub fn next(&self, suits: impl Fn(&Task) -> bool) -> Option<TaskNumber> {
        let free = |number: &&TaskNumber| suits(&self.tasks[number.0]) && self.is_free(**number);
        self.ready.values().rev().find(free).copied()
    }

    /// How many tasks could start now, as far as that many are asked for.
    pub fn could_start(&self, at_most: usize) -> usize {
        self.ready.values().filter(|number| self.is_free(**number)).take(at_most).count()
    }

    /// Takes the task that should start now; `None` as for [`Schedule::next`].
    pub fn take(&mut self) -> Option<TaskNumber> {
        let number = self.next(|_| true)?;
        self.begin(number);
        Some(number)
    }

    /// Begins a task that [may start](Self::next).
    pub fn begin(&mut self, number: TaskNumber) {
        self.ready.remove(&self.rank(number));
        let task = &self.tasks[number.0];
        for &relation in &task.locks {
            self.held.insert((task.database, relation), EXCLUSIVE);
        }
        for &relation in &task.shares {
            *self.held.entry((task.database, relation)).or_default() += 1;
        }
        if let Some(next) = self.turns.as_mut().and_then(|turns| turns.begin(number))
            && self.waiting[next.0] == 0
        {
            self.make_ready(next);
        }
    }

    /// Says that a task that was taken has ended well, so that others may start.
    pub fn finish(&mut self, number: TaskNumber) {
        self.left -= 1;
        if let Some(turns) = &mut self.turns {
            turns.end(number);
        }
        let task = &self.tasks[number.0];
        for &relation in &task.locks {
            self.held.remove(&(task.database, relation));
        }
        for &relation in &task.shares {
            let relation = (task.database, relation);
            if let Some(count) = self.held.get_mut(&relation) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    self.held.remove(&relation);
                }
            }
        }
        for next in std::mem::take(&mut self.needed_by[number.0]) {
            self.waiting[next.0] -= 1;
            if self.waiting[next.0] == 0 {
                self.make_ready(next);
            }
        }
    }

    /// The same, and that it took so long: what is left has its turn by what was learnt from that.
    pub fn finish_after(&mut self, number: TaskNumber, elapsed: Duration) {
        self.finish(number);
        let task = &self.tasks[number.0];
        let Some(rates) = &mut self.rates else { return };
        rates.note(task.class, task.cost, elapsed);
        if rates.settle() {
            self.chain = chains(&self.tasks, &self.needed_by, rates);
            for number in std::mem::take(&mut self.ready).into_values() {
                self.make_ready(number);
            }
        }
    }

    fn make_ready(&mut self, number: TaskNumber) {
        if self.turns.as_ref().is_some_and(|turns| !turns.is_next(number)) {
            return;
        }
        self.ready.insert(self.rank(number), number);
    }

    /// Where a task stands among those that are ready.
    fn rank(&self, number: TaskNumber) -> (u64, std::cmp::Reverse<TaskNumber>) {
        // What takes next to no time and nothing waits for would come last of all, and leave its phase open until then.
        let brief = self.tasks[number.0].brief && self.needed_by[number.0].is_empty();
        (if brief { u64::MAX } else { self.chain[number.0] }, std::cmp::Reverse(number))
    }

    fn is_free(&self, number: TaskNumber) -> bool {
        let task = &self.tasks[number.0];
        let held = |relation: &EntryId| self.held.get(&(task.database, *relation));
        if self.turns.as_ref().is_some_and(|turns| turns.is_held_up(number)) {
            return false;
        }
        task.locks.iter().all(|relation| held(relation).is_none())
            && task.shares.iter().all(|relation| held(relation) != Some(&EXCLUSIVE))
    }
}

impl Task {
    /// The same task in a schedule of several databases, where `before` tasks come before those of this one.
    fn moved_to(self, database: usize, before: usize) -> Self {
        let needs = self.needs.iter().map(|needs| TaskNumber(needs.0 + before)).collect();
        Self { database, needs, ..self }
    }
}

/// For every task the cost of the costliest chain that begins with it.
fn chains(tasks: &[Task], needed_by: &[Vec<TaskNumber>], rates: &Rates) -> Vec<u64> {
    let cost = |task: &Task| (task.cost as f64 * rates.factor(task.class)) as u64;
    let mut chain: Vec<u64> = tasks.iter().map(cost).collect();
    // Tasks need only tasks with lower numbers, so one pass from the end is enough.
    for number in (0..tasks.len()).rev() {
        let behind = needed_by[number].iter().map(|n| chain[n.0]).max().unwrap_or(0);
        chain[number] = chain[number].saturating_add(behind);
    }
    chain
}

#[cfg(test)]
mod tests;
