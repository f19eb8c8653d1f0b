//! What can be done side by side: tasks with what they need, what they lock, and what hangs on them.
//!
//! The schedule is a ready set. Of everything that may start, the task with the longest chain of work behind it goes first
//! (critical path), so that no lane is left with a long index at the end. There is no barrier between phases but the
//! dependencies themselves, and one for all: what comes before the data has been made, in order, when a schedule begins.
//!
//! Several databases can share a schedule, and with it the lanes: their tasks have nothing to do with each other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::sql::QualName;
use crate::toc::{Data, Entry, EntryId, Kind, Section, Toc};

/// The number of a task within its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskNumber(pub usize);

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Makes an entry: copies its data, or runs its statements.
    Entry(EntryId),
    /// Brings the planner statistics of the relation that this entry makes, and of its indexes; collects them where they
    /// cannot be brought.
    Statistics(EntryId),
    /// Collects planner statistics for the relation that this entry makes.
    Analyze(EntryId),
    /// Reads the data of this entry back from the new server.
    Verify(EntryId),
}

impl Work {
    /// The entry that it is about.
    pub const fn entry(self) -> EntryId {
        let (Self::Entry(id) | Self::Statistics(id) | Self::Analyze(id) | Self::Verify(id)) = self;
        id
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
    /// `ANALYZE ONLY` is there, so that a partitioned table can be analyzed without its partitions.
    pub analyze_only: bool,
    /// Planner statistics can be brought from the old server. That takes `analyze_only`, for where they cannot.
    pub carry_statistics: bool,
    /// Only a part of the database is loaded, so that what was known of a table with all its children need not be true.
    pub partial: bool,
}

/// The cost of a statement that moves next to nothing.
const SMALL: u64 = 64 * 1024;

/// The cost of ANALYZE, which reads a sample: 300 pages for each unit of the statistics target, at most 30,000 pages.
const ANALYZE: u64 = 16 * 1024 * 1024;

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
        let mut needed_by = vec![Vec::new(); tasks.len()];
        let mut waiting = Vec::with_capacity(tasks.len());
        for (number, task) in tasks.iter().enumerate() {
            waiting.push(task.needs.len());
            for needs in &task.needs {
                needed_by[needs.0].push(TaskNumber(number));
            }
        }
        let chain = chains(&tasks, &needed_by);
        let left = tasks.len();
        let mut schedule =
            Self { tasks, needed_by, waiting, ready: BTreeMap::new(), chain, held: HashMap::new(), left };
        for number in 0..left {
            if schedule.waiting[number] == 0 {
                schedule.make_ready(TaskNumber(number));
            }
        }
        schedule
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

    /// Takes the task that should start now; `None` if nothing can, before something else is finished.
    pub fn take(&mut self) -> Option<TaskNumber> {
        let found =
            self.ready.iter().rev().find(|(_, number)| self.is_free(**number)).map(|(key, number)| (*key, *number));
        let (key, number) = found?;
        self.ready.remove(&key);
        let task = &self.tasks[number.0];
        for &relation in &task.locks {
            self.held.insert((task.database, relation), EXCLUSIVE);
        }
        for &relation in &task.shares {
            *self.held.entry((task.database, relation)).or_default() += 1;
        }
        Some(number)
    }

    /// Says that a task that was taken has ended well, so that others may start.
    pub fn finish(&mut self, number: TaskNumber) {
        self.left -= 1;
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

    fn make_ready(&mut self, number: TaskNumber) {
        let task = &self.tasks[number.0];
        // What takes next to no time and nothing waits for would come last of all, and leave its phase open until then.
        let brief = task.brief && self.needed_by[number.0].is_empty();
        let rank = if brief { u64::MAX } else { self.chain[number.0] };
        self.ready.insert((rank, std::cmp::Reverse(number)), number);
    }

    fn is_free(&self, number: TaskNumber) -> bool {
        let task = &self.tasks[number.0];
        let held = |relation: &EntryId| self.held.get(&(task.database, *relation));
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
fn chains(tasks: &[Task], needed_by: &[Vec<TaskNumber>]) -> Vec<u64> {
    let mut chain: Vec<u64> = tasks.iter().map(|t| t.cost).collect();
    // Tasks need only tasks with lower numbers, so one pass from the end is enough.
    for number in (0..tasks.len()).rev() {
        let behind = needed_by[number].iter().map(|n| chain[n.0]).max().unwrap_or(0);
        chain[number] = tasks[number].cost.saturating_add(behind);
    }
    chain
}

/// Makes the tasks of a table of contents.
struct Builder<'a> {
    toc: &'a Toc,
    extras: Extras,
    tasks: Vec<Task>,
    /// The task that makes an entry.
    made_by: HashMap<EntryId, TaskNumber>,
    /// The tasks that fill the table which an entry makes: its own data, or that of its partitions.
    filled_by: HashMap<EntryId, BTreeSet<TaskNumber>>,
    /// The tasks that load data of any kind.
    loads: BTreeSet<TaskNumber>,
    /// The tasks that load rows through a partitioned table.
    filled_through: HashMap<EntryId, BTreeSet<TaskNumber>>,
    /// The tables whose rows, their children's included, need not be those that they had on the old server.
    redealt: BTreeSet<EntryId>,
    /// The entries of tables, by name.
    tables: HashMap<QualName, EntryId>,
    /// The last tasks that change the table which an entry makes: its indexes and constraints.
    touched_by: HashMap<EntryId, Vec<TaskNumber>>,
}

impl<'a> Builder<'a> {
    fn new(toc: &'a Toc, extras: Extras) -> Self {
        let tables = toc.entries().iter().filter(|e| e.kind == Kind::Table).filter_map(|e| {
            let schema = e.namespace.clone()?;
            Some((QualName { schema, name: e.tag.as_str().into() }, e.id))
        });
        Self {
            toc,
            extras,
            tasks: Vec::new(),
            made_by: HashMap::new(),
            filled_by: HashMap::new(),
            loads: BTreeSet::new(),
            filled_through: HashMap::new(),
            redealt: BTreeSet::new(),
            tables: tables.collect(),
            touched_by: HashMap::new(),
        }
    }

    fn build(mut self) -> Vec<Task> {
        let (data, rest): (Vec<_>, Vec<_>) = self
            .toc
            .entries()
            .iter()
            .filter(|e| e.section != Section::PreData)
            .partition(|e| e.section == Section::Data);
        for entry in data {
            self.add_data(entry);
        }
        self.fill_parents();
        let (triggers, rest): (Vec<_>, Vec<_>) = rest.into_iter().partition(|entry| self.is_of_event_trigger(entry));
        for entry in rest {
            self.add_entry(entry);
        }
        self.add_analyze();
        if self.extras.verify {
            self.add_verify();
        }
        self.add_last(&triggers);
        self.tasks
    }

    /// Whether an entry makes an event trigger, or comments on one.
    fn is_of_event_trigger(&self, entry: &Entry) -> bool {
        let is_event_trigger = |id: &EntryId| self.toc.get(*id).is_some_and(|e| e.kind == Kind::EventTrigger);
        entry.kind == Kind::EventTrigger || entry.kind == Kind::Comment && entry.needs.iter().any(is_event_trigger)
    }

    /// Event triggers come when all else is done: they would fire on it. What is done to themselves they do not fire on.
    fn add_last(&mut self, triggers: &[&Entry]) {
        let before: Vec<TaskNumber> = (0..self.tasks.len()).map(TaskNumber).collect();
        for entry in triggers {
            self.add_entry(entry);
            if let Some(task) = self.tasks.last_mut() {
                task.needs.extend(&before);
            }
        }
    }

    fn push(&mut self, task: Task) -> TaskNumber {
        self.tasks.push(task);
        TaskNumber(self.tasks.len() - 1)
    }

    fn add_data(&mut self, entry: &Entry) {
        let needs = self.needs_of(entry);
        let number = self.push(Task {
            database: 0,
            work: Work::Entry(entry.id),
            cost: entry.weight.max(SMALL),
            brief: entry.kind == Kind::SequenceSet,
            needs,
            shares: Vec::new(),
            locks: entry.locks.clone(),
        });
        self.made_by.insert(entry.id, number);
        self.loads.insert(number);
        if let Some(Data::Rows(rows)) = &entry.data {
            for table in self.relations(entry) {
                self.filled_by.entry(table).or_default().insert(number);
            }
            // Rows that go through a partitioned table may come to lie in any partition below it.
            let root = rows.into.as_ref().and_then(|root| self.tables.get(root)).copied();
            if let Some(root) = root {
                self.filled_through.entry(root).or_default().insert(number);
            }
        }
    }

    /// A partitioned table is filled when its partitions are; the same for tables with children.
    fn fill_parents(&mut self) {
        let pairs = self.families();
        if self.extras.partial {
            self.redealt.extend(pairs.iter().map(|(_, parent)| *parent));
        }
        for root in self.filled_through.keys().copied().collect::<Vec<_>>() {
            self.fill_below(root, &pairs);
        }
        // A level of the hierarchy a pass; it ends when nothing is new.
        let mut changed = true;
        while changed {
            changed = false;
            for (child, parent) in &pairs {
                let filled = self.filled_by.get(child).cloned().unwrap_or_default();
                let list = self.filled_by.entry(*parent).or_default();
                let before = list.len();
                list.extend(filled);
                changed |= list.len() > before;
            }
        }
    }

    /// Every child with each of its parents, and every partition with the table above.
    fn families(&self) -> Vec<(EntryId, EntryId)> {
        let mut pairs: Vec<(EntryId, EntryId)> = Vec::new();
        for entry in self.toc.entries() {
            for relation in self.relations(entry) {
                match entry.kind {
                    Kind::Table | Kind::ForeignTable => pairs.push((entry.id, relation)),
                    Kind::TableAttach if !self.is_attached_by(relation, entry) => {
                        pairs.extend(self.attached(entry).map(|child| (child, relation)));
                    }
                    _ => {}
                }
            }
        }
        pairs
    }

    /// The tables with foreign tables below them: ANALYZE would read those, wherever they are.
    fn above_foreign(&self) -> BTreeSet<EntryId> {
        let foreign = self.toc.entries().iter().filter(|entry| entry.kind == Kind::ForeignTable);
        let (mut next, mut above): (Vec<EntryId>, BTreeSet<EntryId>) =
            (foreign.map(|e| e.id).collect(), BTreeSet::new());
        let pairs = if next.is_empty() { Vec::new() } else { self.families() };
        while let Some(below) = next.pop() {
            let parents = pairs.iter().filter(|(child, _)| *child == below).map(|(_, parent)| *parent);
            next.extend(parents.filter(|parent| above.insert(*parent)));
        }
        above
    }

    /// What is loaded through a partitioned table fills everything below it.
    fn fill_below(&mut self, root: EntryId, pairs: &[(EntryId, EntryId)]) {
        let through = self.filled_through.get(&root).cloned().unwrap_or_default();
        let mut below = vec![root];
        let mut seen = BTreeSet::from([root]);
        while let Some(table) = below.pop() {
            self.filled_by.entry(table).or_default().extend(&through);
            below.extend(
                pairs
                    .iter()
                    .filter(|(_, parent)| *parent == table)
                    .map(|(child, _)| *child)
                    .filter(|c| seen.insert(*c)),
            );
        }
        self.redealt.extend(seen.into_iter().filter(|table| *table != root));
    }

    /// The partition that a TABLE ATTACH entry, which bears its name, puts in place.
    fn attached(&self, attach: &Entry) -> impl Iterator<Item = EntryId> {
        self.relations(attach).into_iter().filter(|&relation| self.is_attached_by(relation, attach))
    }

    fn is_attached_by(&self, relation: EntryId, attach: &Entry) -> bool {
        self.toc.get(relation).is_some_and(|e| e.tag == attach.tag && e.namespace == attach.namespace)
    }

    fn add_entry(&mut self, entry: &Entry) {
        let relations = self.relations(entry);
        let mut needs = self.needs_of(entry);
        for relation in &relations {
            needs.extend(self.filled_by.get(relation).into_iter().flatten());
        }
        // Rows that a domain's CHECK would refuse may lie in any table, and a materialized view may read any, through
        // views and functions.
        let after_all_data = match entry.kind {
            Kind::CheckConstraint => relations.is_empty(),
            Kind::MaterializedViewData => true,
            _ => false,
        };
        if after_all_data {
            needs.extend(&self.loads);
        }
        // One that also marks its table (CLUSTER ON, REPLICA IDENTITY) has it for itself.
        let shared = |relation: &&EntryId| entry.kind == Kind::Index && !entry.locks.contains(relation);
        let shares = relations.iter().filter(shared).copied().collect();
        let number = self.push(Task {
            database: 0,
            work: Work::Entry(entry.id),
            cost: entry.weight.max(SMALL),
            brief: entry.kind == Kind::SequenceSet,
            needs,
            shares,
            locks: entry.locks.clone(),
        });
        self.made_by.insert(entry.id, number);
        for relation in relations {
            self.touched_by.entry(relation).or_default().push(number);
        }
        if entry.kind == Kind::MaterializedViewData {
            // Whatever reads the view next needs it filled.
            for &need in &entry.needs {
                if self.toc.get(need).is_some_and(|e| e.kind == Kind::MaterializedView) {
                    self.filled_by.entry(need).or_default().insert(number);
                }
            }
        }
    }

    fn add_analyze(&mut self) {
        let left_out = self.above_foreign();
        let mut above: HashMap<EntryId, EntryId> = HashMap::new();
        for attach in self.toc.entries().iter().filter(|e| e.kind == Kind::TableAttach) {
            let relations = self.relations(attach);
            if relations.iter().any(|table| left_out.contains(table)) {
                continue;
            }
            let parent = relations.iter().copied().find(|&relation| !self.is_attached_by(relation, attach));
            above.extend(parent.into_iter().flat_map(|parent| self.attached(attach).map(move |child| (child, parent))));
        }
        if !self.extras.analyze_only {
            self.hand_up(&above);
        }
        for entry in self.toc.entries() {
            // Where ANALYZE of a partitioned table includes its partitions, these need none of their own.
            let covered = !self.extras.analyze_only && above.contains_key(&entry.id);
            // A table of an extension has no entry but that of its rows.
            if let (Some(&rows), Kind::TableData, true) =
                (self.made_by.get(&entry.id), entry.kind, self.relations(entry).is_empty())
            {
                let needs = BTreeSet::from([rows]);
                let work = Work::Analyze(entry.id);
                self.push(Task {
                    database: 0,
                    work,
                    cost: ANALYZE,
                    brief: false,
                    needs,
                    shares: Vec::new(),
                    locks: Vec::new(),
                });
                continue;
            }
            let filled = self.filled_by.get(&entry.id).cloned().unwrap_or_default();
            let ours = matches!(entry.kind, Kind::Table | Kind::MaterializedView) && !left_out.contains(&entry.id);
            if !ours || covered || filled.is_empty() {
                continue;
            }
            let touched = self.touched_by.get(&entry.id).cloned().unwrap_or_default();
            let needs = filled.into_iter().chain(touched).collect();
            let (work, cost) = match self.extras.carry_statistics && !self.redealt.contains(&entry.id) {
                true => (Work::Statistics(entry.id), SMALL),
                false => (Work::Analyze(entry.id), ANALYZE),
            };
            self.push(Task { database: 0, work, cost, brief: false, needs, shares: Vec::new(), locks: vec![entry.id] });
        }
    }

    /// Where ANALYZE of a partitioned table includes its partitions, it has to wait for what they have of their own:
    /// statistics and indexes on expressions that it is to fill.
    fn hand_up(&mut self, above: &HashMap<EntryId, EntryId>) {
        let touched: Vec<(EntryId, Vec<TaskNumber>)> =
            above.keys().filter_map(|partition| Some((*partition, self.touched_by.get(partition)?.clone()))).collect();
        for (partition, tasks) in touched {
            let mut next = partition;
            // No table is deeper than there are partitions.
            for _ in 0..above.len() {
                let Some(&parent) = above.get(&next) else { break };
                self.touched_by.entry(parent).or_default().extend(&tasks);
                next = parent;
            }
        }
    }

    fn add_verify(&mut self) {
        for entry in self.toc.entries() {
            let Some(&made) = self.made_by.get(&entry.id) else { continue };
            if entry.data.is_none() {
                continue;
            }
            let mut needs = BTreeSet::from([made]);
            // What others load through the same partitioned table may come to lie here.
            if let Some(Data::Rows(rows)) = &entry.data
                && let Some(root) = rows.into.as_ref().and_then(|root| self.tables.get(root))
            {
                needs.extend(self.filled_through.get(root).into_iter().flatten());
            }
            let task = Task {
                database: 0,
                work: Work::Verify(entry.id),
                cost: entry.weight / 2,
                brief: false,
                needs,
                shares: Vec::new(),
                locks: Vec::new(),
            };
            self.push(task);
        }
    }

    /// The tasks behind what an entry needs. What comes before the data has been made already.
    fn needs_of(&self, entry: &Entry) -> BTreeSet<TaskNumber> {
        entry.needs.iter().filter_map(|need| self.made_by.get(need).copied()).collect()
    }

    /// The tables and materialized views among what an entry needs.
    fn relations(&self, entry: &Entry) -> Vec<EntryId> {
        let is_relation = |id: &&EntryId| {
            let kind = self.toc.get(**id).map(|entry| entry.kind);
            matches!(kind, Some(Kind::Table | Kind::ForeignTable | Kind::MaterializedView))
        };
        entry.needs.iter().filter(is_relation).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Ident;
    use crate::toc::Rows;

    fn entry(kind: Kind, section: Section, tag: &str, needs: &[EntryId]) -> Entry {
        Entry {
            id: EntryId(0),
            kind,
            section,
            source: (0, 0),
            tag: tag.to_owned(),
            namespace: Some(Ident::new("s")),
            owner: None,
            create: Vec::new(),
            only_if: None,
            remove: None,
            tablespace: None,
            table_am: None,
            data: None,
            needs: needs.to_vec(),
            locks: Vec::new(),
            weight: 0,
        }
    }

    fn table(toc: &mut Toc, name: &str) -> EntryId {
        toc.push(entry(Kind::Table, Section::PreData, name, &[]))
    }

    fn rows(toc: &mut Toc, table: EntryId, name: &str, weight: u64) -> EntryId {
        let rows = Rows {
            table: QualName::new("s", name),
            columns: vec![],
            filter: None,
            into: None,
            fresh: true,
            floats: false,
        };
        let data = entry(Kind::TableData, Section::Data, name, &[table]);
        toc.push(Entry { data: Some(Data::Rows(rows)), weight, ..data })
    }

    fn index(toc: &mut Toc, table: EntryId, name: &str, weight: u64) -> EntryId {
        let index = entry(Kind::Index, Section::PostData, name, &[table]);
        toc.push(Entry { weight, ..index })
    }

    const PLAIN: Extras = Extras { verify: false, analyze_only: true, carry_statistics: false, partial: false };

    /// Takes everything that may run at once.
    fn take_all(schedule: &mut Schedule) -> Vec<(TaskNumber, Work)> {
        let taken: Vec<TaskNumber> = std::iter::from_fn(|| schedule.take()).collect();
        taken.into_iter().map(|n| (n, schedule.task(n).work)).collect()
    }

    #[test]
    fn an_index_starts_when_its_own_table_is_loaded_and_beside_other_copies() {
        let mut toc = Toc::default();
        let (a, b) = (table(&mut toc, "a"), table(&mut toc, "b"));
        let (a_rows, b_rows) = (rows(&mut toc, a, "a", 1 << 30), rows(&mut toc, b, "b", 1 << 20));
        let b_index = index(&mut toc, b, "b_idx", 1 << 20);
        let mut schedule = Schedule::new([&toc], PLAIN);
        let first = take_all(&mut schedule);
        assert_eq!(first.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(a_rows), Work::Entry(b_rows)]);
        schedule.finish(first[1].0);
        assert_eq!(take_all(&mut schedule).iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(b_index)]);
    }

    #[test]
    fn nothing_is_analyzed_that_would_read_foreign_tables() {
        let mut toc = Toc::default();
        let (root, near) = (table(&mut toc, "root"), table(&mut toc, "near"));
        let far = toc.push(entry(Kind::ForeignTable, Section::PreData, "far", &[]));
        toc.push(entry(Kind::TableAttach, Section::PreData, "near", &[root, near]));
        toc.push(entry(Kind::TableAttach, Section::PreData, "far", &[root, far]));
        let near_rows = rows(&mut toc, near, "near", 1 << 20);
        for analyze_only in [true, false] {
            let schedule = Schedule::new([&toc], Extras { analyze_only, ..PLAIN });
            let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
            assert_eq!(works, [Work::Entry(near_rows), Work::Analyze(near)]);
        }
    }

    #[test]
    fn the_longest_chain_goes_first() {
        let mut toc = Toc::default();
        let (a, b) = (table(&mut toc, "a"), table(&mut toc, "b"));
        rows(&mut toc, a, "a", 50 << 20);
        let b_rows = rows(&mut toc, b, "b", 10 << 20);
        index(&mut toc, b, "b_gin", 500 << 20);
        let mut schedule = Schedule::new([&toc], PLAIN);
        let first = schedule.take().map(|n| schedule.task(n).work);
        assert_eq!(first, Some(Work::Entry(b_rows)));
    }

    #[test]
    fn a_constraint_waits_while_an_index_of_its_table_is_built() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        rows(&mut toc, a, "a", 1);
        let (key, other) = (index(&mut toc, a, "a_pkey", 1 << 20), index(&mut toc, a, "a_idx", 1 << 30));
        let constraint = entry(Kind::Constraint, Section::PostData, "a a_pkey", &[a, key]);
        let constraint = toc.push(Entry { locks: vec![a], ..constraint });
        let mut schedule = Schedule::new([&toc], PLAIN);
        let data = take_all(&mut schedule);
        schedule.finish(data[0].0);
        let built = take_all(&mut schedule);
        assert_eq!(built.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(other), Work::Entry(key)]);
        schedule.finish(built[1].0);
        assert_eq!(schedule.take(), None, "the table is still shared by an index build");
        schedule.finish(built[0].0);
        assert_eq!(schedule.take().map(|n| schedule.task(n).work), Some(Work::Entry(constraint)));
    }

    #[test]
    fn what_touches_a_partitioned_table_waits_for_all_its_partitions() {
        let mut toc = Toc::default();
        let (root, one, two) = (table(&mut toc, "root"), table(&mut toc, "one"), table(&mut toc, "two"));
        for (child, name) in [(one, "one"), (two, "two")] {
            toc.push(entry(Kind::TableAttach, Section::PreData, name, &[root, child]));
        }
        rows(&mut toc, one, "one", 1);
        rows(&mut toc, two, "two", 1);
        let key = toc.push(entry(Kind::ForeignKey, Section::PostData, "root fk", &[root]));
        let mut schedule = Schedule::new([&toc], PLAIN);
        let data = take_all(&mut schedule);
        assert_eq!(data.len(), 2);
        schedule.finish(data[0].0);
        assert!(!take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(key)));
        schedule.finish(data[1].0);
        assert!(take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(key)));
    }

    #[test]
    fn an_index_that_marks_its_table_has_it_for_itself() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        let plain = index(&mut toc, a, "i", 1);
        let marked = entry(Kind::Index, Section::PostData, "clustered", &[a]);
        let marked = toc.push(Entry { locks: vec![a], weight: 1 << 30, ..marked });
        let mut schedule = Schedule::new([&toc], PLAIN);
        let first = take_all(&mut schedule);
        assert_eq!(first.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(marked)]);
        schedule.finish(first[0].0);
        assert_eq!(take_all(&mut schedule).iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(plain)]);
    }

    #[test]
    fn a_materialized_view_is_filled_when_all_data_is_there() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        let view = toc.push(entry(Kind::MaterializedView, Section::PreData, "m", &[a]));
        rows(&mut toc, a, "a", 1);
        let refresh = toc.push(entry(Kind::MaterializedViewData, Section::Last, "m", &[view]));
        let mut schedule = Schedule::new([&toc], PLAIN);
        let first = take_all(&mut schedule);
        assert!(!first.iter().any(|t| t.1 == Work::Entry(refresh)));
        schedule.finish(first[0].0);
        assert!(take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(refresh)));
    }

    #[test]
    fn databases_share_lanes_and_nothing_else() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        rows(&mut toc, a, "a", 1);
        let index = entry(Kind::Index, Section::PostData, "i", &[a]);
        toc.push(Entry { locks: vec![a], ..index });
        let mut schedule = Schedule::new([&toc, &toc], PLAIN);
        let data = take_all(&mut schedule);
        assert_eq!(data.iter().map(|(number, _)| schedule.task(*number).database).collect::<Vec<_>>(), [0, 1]);
        data.iter().for_each(|(number, _)| schedule.finish(*number));
        assert_eq!(take_all(&mut schedule).len(), 2, "a lock in one database is none in the other");
    }

    #[test]
    fn statistics_are_there_before_they_are_filled() {
        let mut toc = Toc::default();
        let (root, one) = (table(&mut toc, "root"), table(&mut toc, "one"));
        toc.push(entry(Kind::TableAttach, Section::PreData, "one", &[root, one]));
        rows(&mut toc, one, "one", 1);
        let made = toc.push(entry(Kind::Statistics, Section::PostData, "x", &[one]));
        for analyze_only in [true, false] {
            let schedule = Schedule::new([&toc], Extras { analyze_only, ..PLAIN });
            let number = |work| schedule.tasks().find(|(_, task)| task.work == work).map(|(number, _)| number);
            let analyzed = if analyze_only { one } else { root };
            let needs = number(Work::Analyze(analyzed)).map(|analyze| schedule.task(analyze).needs.clone());
            assert!(needs.unwrap_or_default().contains(&number(Work::Entry(made)).unwrap()), "{analyze_only}");
        }
    }

    #[test]
    fn event_triggers_come_last_of_all() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        rows(&mut toc, a, "a", 1);
        let trigger = toc.push(entry(Kind::EventTrigger, Section::Last, "e", &[]));
        let comment = toc.push(entry(Kind::Comment, Section::Last, "e", &[trigger]));
        let view = toc.push(entry(Kind::MaterializedView, Section::PreData, "m", &[a]));
        toc.push(entry(Kind::MaterializedViewData, Section::Last, "m", &[view]));
        let mut schedule = Schedule::new([&toc], Extras { verify: true, ..PLAIN });
        let mut done = Vec::new();
        while let Some(number) = schedule.take() {
            done.push(schedule.task(number).work);
            schedule.finish(number);
        }
        assert_eq!(done[done.len() - 2..], [Work::Entry(trigger), Work::Entry(comment)]);
        assert_eq!(done.len(), 7);
    }

    #[test]
    fn statistics_are_carried_but_not_where_rows_change_partition() {
        let mut toc = Toc::default();
        let (root, one, other) = (table(&mut toc, "root"), table(&mut toc, "one"), table(&mut toc, "other"));
        toc.push(entry(Kind::TableAttach, Section::PreData, "one", &[root, one]));
        let moved = rows(&mut toc, one, "one", 1);
        rows(&mut toc, other, "other", 1);
        let mut through = Toc::default();
        for entry in toc.entries() {
            let mut entry = entry.clone();
            if let Some(Data::Rows(rows)) = entry.data.as_mut().filter(|_| entry.id == moved) {
                rows.into = Some(QualName::new("s", "root"));
            }
            through.push(entry);
        }
        let schedule = Schedule::new([&through], Extras { carry_statistics: true, ..PLAIN });
        let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
        assert!(works.contains(&Work::Statistics(root)) && works.contains(&Work::Statistics(other)), "{works:?}");
        assert!(works.contains(&Work::Analyze(one)), "{works:?}");
        let schedule = Schedule::new([&through], Extras { carry_statistics: true, partial: true, ..PLAIN });
        let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
        assert!(works.contains(&Work::Analyze(root)) && works.contains(&Work::Statistics(other)), "{works:?}");
    }

    #[test]
    fn everything_comes_to_an_end() {
        let mut toc = Toc::default();
        let a = table(&mut toc, "a");
        rows(&mut toc, a, "a", 1);
        index(&mut toc, a, "i", 1);
        let mut schedule = Schedule::new(
            [&toc],
            Extras { verify: true, analyze_only: false, carry_statistics: false, partial: false },
        );
        let mut done = 0;
        while let Some(number) = schedule.take() {
            schedule.finish(number);
            done += 1;
        }
        assert_eq!((done, schedule.left()), (4, 0), "rows, index, ANALYZE, read back");
    }
}
