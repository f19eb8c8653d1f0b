//! What needs what among the entries of an archive, and what locks what.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::order::order;
use super::{Block, label};
use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::toc::{Entry, Kind, Section};

/// Up to so many pairs, each materialized view is filled after every privilege was granted; beyond, after the first one has
/// been filled, which is.
const PAIRS: usize = 1_000_000;

/// How often one entry may be found to need or lock another, or a record be passed on the way there. Databases of a hundred
/// thousand tables stay far below; what an archive makes up could fill any memory.
const MOST: usize = 5_000_000;

/// How many levels of partitions are looked through.
const DEEPEST: usize = 100;

/// A record on its way to an entry.
type Draft<'a> = (&'a Record, Entry, Option<Block>);

/// Entries by their places among the drafts, and what each of them needs and locks.
pub(super) struct Graph<'a> {
    records: Vec<&'a Record>,
    sections: Vec<(Section, bool)>,
    needs: Vec<BTreeSet<usize>>,
    locks: Vec<BTreeSet<usize>>,
}

impl<'a> Graph<'a> {
    /// Finds out what drafts need, through records that were not chosen too; and when those have their turn that go with
    /// others.
    ///
    /// # Errors
    /// * `Malformed` if they need each other in more ways than any archive of a database.
    pub fn new(all: &'a [Record], drafts: &mut [Draft<'a>]) -> Result<Self> {
        let mut budget = Budget(MOST);
        let places: HashMap<i64, usize> =
            drafts.iter().enumerate().map(|(place, (record, ..))| (record.id, place)).collect();
        let records: HashMap<i64, &Record> = all.iter().map(|record| (record.id, record)).collect();
        let resolved = drafts.iter().map(|(record, ..)| resolve(record, &places, &records, &mut budget));
        let mut needs: Vec<BTreeSet<usize>> = resolved.collect::<Result<_>>()?;
        settle_sections(drafts, &mut needs);
        let mut families: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, (_, entry, _)) in drafts.iter().enumerate().filter(|(_, (_, e, _))| e.kind == Kind::TableAttach) {
            let named = |other: &usize| {
                drafts.get(*other).is_some_and(|(_, e, _)| (&e.namespace, &e.tag) == (&entry.namespace, &entry.tag))
            };
            let tables: Vec<usize> = needs[place].iter().copied().filter(|other| is_table(drafts, *other)).collect();
            let (child, parent): (Vec<usize>, Vec<usize>) = tables.iter().partition(|other| named(other));
            if let (Some(child), Some(parent)) = (child.first(), parent.first()) {
                families.entry(*parent).or_default().push(*child);
            }
        }
        chain_foreign_data(drafts, &mut needs);
        order_triggers(drafts, &mut needs, &families);
        let locks = (0..drafts.len()).map(|place| locks(place, drafts, &needs, &families, &mut budget));
        let locks = locks.collect::<Result<_>>()?;
        add_what_comes_last(drafts, &mut needs, &mut budget)?;
        let sections = drafts.iter().map(|(_, entry, _)| (entry.section, is_after_privileges(entry.kind))).collect();
        Ok(Self { records: drafts.iter().map(|(record, ..)| *record).collect(), sections, needs, locks })
    }

    /// An order that works.
    pub fn order(&self) -> Result<Vec<usize>> {
        let ranks: Vec<_> = self.sections.iter().copied().zip(0usize..).collect();
        order(&ranks, &self.needs, |place| self.records.get(place).map(|record| label(record)).unwrap_or_default())
    }

    /// What an entry needs.
    pub fn needs(&self, place: usize) -> impl Iterator<Item = usize> {
        self.needs.get(place).into_iter().flatten().copied()
    }

    /// What it locks.
    pub fn locks(&self, place: usize) -> impl Iterator<Item = usize> {
        self.locks.get(place).into_iter().flatten().copied()
    }
}

/// How much may still be found: see [`MOST`].
struct Budget(usize);

impl Budget {
    fn spend(&mut self, found: usize) -> Result<()> {
        self.0 = self.0.checked_sub(found).ok_or_else(|| {
            Error::malformed("the entries of the archive need each other in more ways than those of any database")
                .with_hint("Restore a part of it at a time, with --use-list, or with pg_restore.")
        })?;
        Ok(())
    }
}

/// What a record needs of what was chosen; through one that was not, what that one needs.
fn resolve(
    record: &Record,
    places: &HashMap<i64, usize>,
    records: &HashMap<i64, &Record>,
    budget: &mut Budget,
) -> Result<BTreeSet<usize>> {
    let (mut out, mut seen) = (BTreeSet::new(), HashSet::new());
    let mut next: Vec<i64> = record.needs.clone();
    while let Some(need) = next.pop() {
        budget.spend(1)?;
        if let Some(&place) = places.get(&need) {
            out.insert(place);
        } else if seen.insert(need) {
            next.extend(records.get(&need).into_iter().flat_map(|record| &record.needs));
        }
    }
    Ok(out)
}

/// A partition's trigger is made with that of the table above it, and what is said of it has to come after what is said of
/// that one: stock archives have them in an order that works, and do not say why.
fn order_triggers(drafts: &[Draft<'_>], needs: &mut [BTreeSet<usize>], families: &HashMap<usize, Vec<usize>>) {
    let above: HashMap<usize, usize> =
        families.iter().flat_map(|(parent, children)| children.iter().map(move |child| (*child, *parent))).collect();
    if above.is_empty() {
        return;
    }
    let mut last: HashMap<(usize, &str), usize> = HashMap::new();
    for (place, (_, entry, _)) in drafts.iter().enumerate().filter(|(_, (_, e, _))| e.kind == Kind::Trigger) {
        let on_table = |need: &usize| {
            let table = drafts.get(*need).filter(|_| is_table(drafts, *need))?;
            let name = entry.tag.strip_prefix(table.1.tag.as_str())?.strip_prefix(' ')?;
            (table.1.namespace == entry.namespace).then_some((*need, name))
        };
        let Some((table, name)) = needs[place].iter().find_map(on_table) else { continue };
        last.insert((table, name), place);
        // No table is deeper than there are partitions; a hostile archive may have it that they stand in a circle.
        let mut parent = above.get(&table);
        for _ in 0..DEEPEST {
            let Some(table) = parent else { break };
            needs[place].extend(last.get(&(*table, name)).filter(|other| **other != place));
            parent = above.get(table);
        }
    }
}

/// Tables that nothing here makes, those of extensions say, may refer to each other already. Their rows come one after the
/// other: stock archives have them in an order that works, and do not say why. Ours do say. And nothing says of a foreign key
/// that it refers to such a table.
fn chain_foreign_data(drafts: &[Draft<'_>], needs: &mut [BTreeSet<usize>]) {
    let is_data = |place: &usize| kind(drafts, *place) == Some(Kind::TableData);
    let foreign = |place: &usize| is_data(place) && !needs[*place].iter().any(|need| is_table(drafts, *need));
    let foreign: Vec<usize> = (0..drafts.len()).filter(foreign).collect();
    for place in (0..drafts.len()).filter(|place| kind(drafts, *place) == Some(Kind::ForeignKey)) {
        needs[place].extend(&foreign);
    }
    if foreign.iter().any(|place| needs[*place].iter().any(is_data)) {
        return;
    }
    for pair in foreign.windows(2) {
        if let [before, place] = pair {
            needs[*place].insert(*before);
        }
    }
}

/// Comments and security labels go with what they are on, and what an archive gives no section, with what stands before it.
fn settle_sections(drafts: &mut [Draft<'_>], needs: &mut [BTreeSet<usize>]) {
    let (mut before, mut later) = ((Section::PreData, None), Vec::new());
    for place in 0..drafts.len() {
        let on = needs.get(place).into_iter().flatten().filter_map(|need| drafts.get(*need));
        let on = on.map(|(_, entry, _)| entry.section).max();
        let Some((record, entry, _)) = drafts.get_mut(place) else { continue };
        let says_nothing = !(2..=4).contains(&record.section) && entry.section != Section::Last;
        match entry.kind {
            Kind::Comment | Kind::SecurityLabel if on == Some(Section::Last) => entry.section = Section::Last,
            // One that stands later than what it is on needs something that is made there.
            Kind::Comment | Kind::SecurityLabel => {
                entry.section = on.map_or(before.0, |on| on.max(before.0));
                later.extend(before.1.filter(|_| on.is_some_and(|on| on < before.0)).map(|other| (place, other)));
            }
            _ if says_nothing => entry.section = before.0,
            _ if entry.section != Section::Last => before = (entry.section, Some(place)),
            _ => {}
        }
    }
    for (place, other) in later {
        if let Some(needs) = needs.get_mut(place) {
            needs.insert(other);
        }
    }
}

fn kind(drafts: &[Draft<'_>], place: usize) -> Option<Kind> {
    drafts.get(place).map(|(_, entry, _)| entry.kind)
}

fn is_table(drafts: &[Draft<'_>], place: usize) -> bool {
    matches!(kind(drafts, place), Some(Kind::Table | Kind::ForeignTable))
}

/// The relations that an entry has for itself: those that it needs, unless it only makes an index on them.
fn locks(
    place: usize,
    drafts: &[Draft<'_>],
    needs: &[BTreeSet<usize>],
    families: &HashMap<usize, Vec<usize>>,
    budget: &mut Budget,
) -> Result<BTreeSet<usize>> {
    let Some((_, entry, _)) = drafts.get(place) else { return Ok(BTreeSet::new()) };
    let is_relation = |place: &usize| is_table(drafts, *place) || kind(drafts, *place) == Some(Kind::MaterializedView);
    let of = |place: usize| needs.get(place).into_iter().flatten().copied().filter(is_relation);
    let can_be_granted_on = |place: &usize| {
        matches!(
            kind(drafts, *place),
            Some(Kind::Table | Kind::ForeignTable | Kind::MaterializedView | Kind::View | Kind::Sequence)
        )
    };
    let found: BTreeSet<usize> = match (entry.section, entry.kind) {
        (Section::PreData | Section::Data, _) | (_, Kind::Index) => BTreeSet::new(),
        // It is about two indexes, each on a table.
        (_, Kind::IndexAttach) => needs.get(place).into_iter().flatten().flat_map(|index| of(*index)).collect(),
        (_, Kind::Acl) => needs.get(place).into_iter().flatten().copied().filter(can_be_granted_on).collect(),
        (_, Kind::Constraint | Kind::ForeignKey | Kind::CheckConstraint | Kind::Trigger) => {
            let mut locks: BTreeSet<usize> = of(place).collect();
            let mut next: Vec<usize> = locks.iter().copied().collect();
            while let Some(parent) = next.pop() {
                let children = families.get(&parent).into_iter().flatten().copied();
                let before = next.len();
                next.extend(children.filter(|child| locks.insert(*child)));
                budget.spend(next.len() - before)?;
            }
            locks
        }
        _ => of(place).collect(),
    };
    Ok(found)
}

/// What comes after all privileges.
const fn is_after_privileges(kind: Kind) -> bool {
    matches!(kind, Kind::EventTrigger | Kind::MaterializedViewData | Kind::StatisticsData)
}

/// What is not written down in archives, since `pg_restore` does it in passes: privileges on what is in a schema come after
/// those on the schema; materialized views are filled after all privileges, rules, and what is built on them; and what is
/// known of a table is told after everything that counts its rows anew.
fn add_what_comes_last(drafts: &[Draft<'_>], needs: &mut [BTreeSet<usize>], budget: &mut Budget) -> Result<()> {
    let of_kind = |wanted: Kind| (0..drafts.len()).filter(move |place| kind(drafts, *place) == Some(wanted));
    let mut on_schemas = HashMap::new();
    for place in of_kind(Kind::Acl) {
        if let Some((_, entry, _)) = drafts.get(place)
            && let Some(schema) = entry.tag.strip_prefix("SCHEMA ")
        {
            on_schemas.insert(schema.trim_matches('"').replace("\"\"", "\""), place);
        }
    }
    for place in of_kind(Kind::Acl) {
        let schema = drafts.get(place).and_then(|(_, entry, _)| entry.namespace.as_ref());
        needs[place].extend(schema.and_then(|schema| on_schemas.get(schema.as_str())).filter(|on| **on != place));
    }
    let (mut built_on, mut refreshed): (HashMap<usize, Vec<usize>>, HashMap<usize, Vec<usize>>) = Default::default();
    for (place, (_, entry, _)) in drafts.iter().enumerate() {
        if entry.section == Section::PostData {
            needs[place].iter().for_each(|need| built_on.entry(*need).or_default().push(place));
        }
    }
    let before_refresh: Vec<usize> = of_kind(Kind::Acl).chain(of_kind(Kind::Rule)).collect();
    let refreshes: Vec<usize> = of_kind(Kind::MaterializedViewData).collect();
    let first = refreshes.first().copied();
    for &place in &refreshes {
        if refreshes.len().saturating_mul(before_refresh.len()) <= PAIRS || Some(place) == first {
            needs[place].extend(&before_refresh);
        } else {
            needs[place].extend(first);
        }
    }
    for &place in &refreshes {
        let filled: Vec<usize> =
            needs[place].iter().copied().filter(|need| kind(drafts, *need) == Some(Kind::MaterializedView)).collect();
        filled.into_iter().for_each(|view| refreshed.entry(view).or_default().push(place));
    }
    for place in of_kind(Kind::StatisticsData) {
        let more: Vec<usize> = needs[place].iter().filter_map(|need| refreshed.get(need)).flatten().copied().collect();
        needs[place].extend(more);
    }
    for place in refreshes.into_iter().chain(of_kind(Kind::StatisticsData)) {
        let more: Vec<usize> = needs[place].iter().filter_map(|need| built_on.get(need)).flatten().copied().collect();
        budget.spend(more.len())?;
        needs[place].extend(more.into_iter().filter(|other| *other != place));
    }
    Ok(())
}
