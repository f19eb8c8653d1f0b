//! From entries to tasks: what each of them needs, and what it locks.

use std::collections::{BTreeSet, HashMap};

use super::{Class, Extras, Task, TaskNumber, Work};
use crate::sql::QualName;
use crate::toc::{Data, Entry, EntryId, Kind, Part, Section, Toc};

/// The cost of a statement that moves next to nothing.
const SMALL: u64 = 64 * 1024;

/// The cost of ANALYZE, which reads a sample: 300 pages for each unit of the statistics target, at most 30,000 pages.
const ANALYZE: u64 = 16 * 1024 * 1024;

/// Makes the tasks of a table of contents.
pub(super) struct Builder<'a> {
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
    pub fn new(toc: &'a Toc, extras: Extras) -> Self {
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

    pub fn build(mut self) -> Vec<Task> {
        let (data, rest): (Vec<_>, Vec<_>) = self
            .toc
            .entries()
            .iter()
            .filter(|e| e.section > Section::PreData)
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
        let number = push_data(&mut self.tasks, entry, needs);
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
        // What is made from then on would get them, and those that it has are told by itself.
        if entry.kind == Kind::DefaultAcl {
            let granted = self.toc.entries().iter().filter(|other| has_default_privileges(other.kind));
            needs.extend(granted.filter_map(|other| self.made_by.get(&other.id)));
        }
        // One that also marks its table (CLUSTER ON, REPLICA IDENTITY) has it for itself.
        let shared = |relation: &&EntryId| entry.kind == Kind::Index && !entry.locks.contains(relation);
        let shares = relations.iter().filter(shared).copied().collect();
        let number = self.push(Task {
            database: 0,
            work: Work::Entry(entry.id),
            cost: entry.weight.max(SMALL),
            class: class_of(entry),
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
        let told = self.told();
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
                    class: Class::Other,
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
            if told.contains(&entry.id) {
                continue;
            }
            let touched = self.touched_by.get(&entry.id).cloned().unwrap_or_default();
            let needs = filled.into_iter().chain(touched).collect();
            let (work, cost) = match self.extras.carry_statistics && !self.redealt.contains(&entry.id) {
                true => (Work::Statistics(entry.id), SMALL),
                false => (Work::Analyze(entry.id), ANALYZE),
            };
            let (shares, locks) = (Vec::new(), vec![entry.id]);
            self.push(Task { database: 0, work, cost, class: Class::Other, brief: false, needs, shares, locks });
        }
    }

    /// The relations whose statistics come with the entries, all of them: extended ones do not.
    fn told(&self) -> BTreeSet<EntryId> {
        let of = |kind: Kind| self.toc.entries().iter().filter(move |e| e.kind == kind).flat_map(|e| self.relations(e));
        let extended: BTreeSet<EntryId> = of(Kind::Statistics).collect();
        of(Kind::StatisticsData).filter(|relation| !extended.contains(relation)).collect()
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
            let parts = match &entry.data {
                Some(Data::Rows(rows)) if self.extras.verify_parts => rows.parts.max(1),
                _ => 1,
            };
            for number in 0..parts {
                let part = Part { number, of: parts };
                self.push(Task {
                    database: 0,
                    work: if parts == 1 { Work::Verify(entry.id) } else { Work::VerifyPart(entry.id, part) },
                    cost: entry.weight / 2 / u64::from(parts),
                    class: Class::ReadBack,
                    brief: false,
                    needs: needs.clone(),
                    shares: Vec::new(),
                    locks: Vec::new(),
                });
            }
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

/// The class of what makes an entry that has no data.
const fn class_of(entry: &Entry) -> Class {
    match entry.kind {
        Kind::Index | Kind::Constraint => Class::Build,
        Kind::ForeignKey => Class::ForeignKey,
        _ => Class::Other,
    }
}

/// What default privileges are about (documentation, ALTER DEFAULT PRIVILEGES). Some of it has its turn after the data: views
/// that need a primary key.
const fn has_default_privileges(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Schema
            | Kind::ShellType
            | Kind::Type
            | Kind::Domain
            | Kind::Function
            | Kind::Procedure
            | Kind::Aggregate
            | Kind::Table
            | Kind::ForeignTable
            | Kind::View
            | Kind::MaterializedView
            | Kind::Sequence
            | Kind::LargeObject
            | Kind::SingleLargeObject
    )
}

/// Adds what copies the data of an entry: one task, or one for each part and one that comes last. Returns that one.
pub(super) fn push_data(tasks: &mut Vec<Task>, entry: &Entry, needs: BTreeSet<TaskNumber>) -> TaskNumber {
    let parts = match &entry.data {
        Some(Data::Rows(rows)) => rows.parts,
        _ => 1,
    };
    let mut push = |work, cost, needs| {
        let (brief, locks) = (entry.kind == Kind::SequenceSet, entry.locks.clone());
        let class = if matches!(work, Work::Joined(_)) { Class::Other } else { Class::Copy };
        tasks.push(Task { database: 0, work, cost, class, brief, needs, shares: Vec::new(), locks });
        TaskNumber(tasks.len() - 1)
    };
    if parts <= 1 {
        return push(Work::Entry(entry.id), entry.weight.max(SMALL), needs);
    }
    let part = |number| Work::Part(entry.id, Part { number, of: parts });
    let cost = (entry.weight / u64::from(parts)).max(SMALL);
    let all = (0..parts).map(|number| push(part(number), cost, needs.clone())).collect();
    push(Work::Joined(entry.id), 0, all)
}
