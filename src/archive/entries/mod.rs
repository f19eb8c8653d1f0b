//! From records to entries: what an archive holds, as what crosses to a sink.
//!
//! The rules are those by which `pg_restore` takes an archive (PostgreSQL 18, `src/bin/pg_dump/pg_backup_archiver.c`:
//! `_tocEntryRestorePass` for what comes last, `identify_locking_dependencies` for what is locked). What is not an entry is
//! told apart: the settings under which the archive was written, the database itself, and warnings.

mod copy;
mod database;
mod graph;
mod one;
mod order;
mod roles;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, HashMap, HashSet};

pub use database::Database;
pub use text::Settings;

use super::toc::Record;
use crate::error::{Error, Result};
use crate::sql::Sql;
use crate::toc::{Entry, EntryId, Kind, Section, Toc};
use graph::Graph;

/// What an archive holds.
#[derive(Debug)]
pub struct Contents {
    /// The entries, in an order that works.
    pub toc: Toc,
    /// The blocks of those that carry data.
    pub blocks: HashMap<EntryId, Block>,
    /// How it was written.
    pub settings: Settings,
    /// The database, if its record was chosen.
    pub database: Option<Database>,
    /// What the archive wants to be told to whoever restores it.
    pub warnings: Vec<String>,
    /// The roles that it names, each with something that does.
    pub roles: BTreeMap<String, String>,
    /// The extensions that it makes.
    pub extensions: Vec<String>,
    /// The providers of its security labels.
    pub label_providers: Vec<String>,
}

/// Where the data of an entry lies, and in what form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of the record.
    pub record: i64,
    /// The form.
    pub form: Form,
    /// What has to be set for the statements in it.
    pub path: Option<Sql>,
}

/// The form of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Rows in the text form of COPY.
    Text,
    /// Rows in the binary form of COPY.
    Binary,
    /// Statements that insert rows.
    Statements,
    /// Large objects.
    LargeObjects,
}

/// What is left out of all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// Nobody is made the owner of anything.
    pub owners: bool,
    /// Nothing is granted or revoked.
    pub privileges: bool,
}

/// What is known of records apart from what they say, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// What their data, or what they make, weighs, in bytes.
    pub sizes: HashMap<i64, u64>,
    /// Expressions that are true where they are to be made ([`Entry::only_if`]).
    pub conditions: HashMap<i64, String>,
}

/// Makes entries of the records that were chosen, out of all; and of some that `stand` already, so that others can need them.
///
/// # Errors
/// * `Malformed` for a kind of record that is not known, texts that are no text, statements that cannot be understood, or
///   records that need each other in a circle.
/// * `Refused` for names in another encoding than UTF-8.
pub fn contents(
    all: &[Record],
    chosen: &[&Record],
    standing: &[&Record],
    without: Without,
    known: &Known,
) -> Result<Contents> {
    let settings = Settings::read(all)?;
    let mut reading = Reading { all, settings, without, ..Reading::of(chosen) };
    for record in standing {
        reading.take(record).map_err(|error| error.about(label(record)))?;
    }
    // Nobody has to have what those name.
    reading = Reading {
        standing: standing.iter().map(|record| record.id).collect(),
        drafts: reading.drafts,
        all,
        settings: reading.settings,
        without,
        ..Reading::of(chosen)
    };
    for record in chosen {
        reading.take(record).map_err(|error| error.about(label(record)))?;
    }
    reading.finish(known)
}

/// What a record is called in errors.
fn label(record: &Record) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("entry {}, {} {}", record.id, text(&record.desc), text(&record.tag))
}

/// Records on their way.
struct Reading<'a> {
    all: &'a [Record],
    settings: Settings,
    without: Without,
    /// The record of the database among those that were chosen.
    database_id: Option<i64>,
    database: Option<Database>,
    properties: Vec<String>,
    warnings: Vec<String>,
    roles: BTreeMap<String, String>,
    extensions: Vec<String>,
    label_providers: Vec<String>,
    /// The numbers of the records of what stands already.
    standing: HashSet<i64>,
    /// What becomes of single records; needs and locks come later.
    drafts: Vec<(&'a Record, Entry, Option<Block>)>,
}

impl<'a> Reading<'a> {
    fn of(chosen: &[&Record]) -> Self {
        Self {
            all: &[],
            settings: Settings::default(),
            without: Without::default(),
            database_id: chosen.iter().find(|record| record.desc == b"DATABASE").map(|record| record.id),
            database: None,
            properties: Vec::new(),
            warnings: Vec::new(),
            roles: BTreeMap::new(),
            extensions: Vec::new(),
            label_providers: Vec::new(),
            standing: HashSet::new(),
            drafts: Vec::new(),
        }
    }

    fn take(&mut self, record: &'a Record) -> Result<()> {
        let definition = self.settings.text(record.definition.as_deref().unwrap_or_default())?;
        match record.desc.as_slice() {
            b"ENCODING" | b"STDSTRINGS" | b"SEARCHPATH" => return Ok(()),
            b"WARNING" => {
                self.warnings.push(definition.trim().trim_start_matches("--").trim().to_owned());
                return Ok(());
            }
            b"DATABASE" => {
                let mut database = Database::parse(&definition, self.settings.backslashes())?;
                database.owner = self.owner_of(record)?;
                self.database = Some(database);
                return Ok(());
            }
            _ => {}
        }
        let desc = String::from_utf8_lossy(&record.desc);
        let Some(kind) = Kind::from_desc(&desc) else {
            let empty = |text: &Option<Vec<u8>>| text.as_ref().is_none_or(Vec::is_empty);
            if empty(&record.definition) && empty(&record.drop) && empty(&record.copy) && !record.has_block {
                return Ok(());
            }
            return Err(Error::malformed("the archive holds a kind of entry that is not known").with_hint(
                "Look for a newer pgtandem, restore with the pg_restore that came with the archive's pg_dump, or leave the \
                 entry out with --use-list.",
            ));
        };
        if self.without.privileges && matches!(kind, Kind::Acl | Kind::DefaultAcl) {
            return Ok(());
        }
        for role in roles::named(kind, &definition, self.settings.backslashes()) {
            self.roles.entry(role).or_insert_with(|| format!("{desc} {}", String::from_utf8_lossy(&record.tag)));
        }
        if kind == Kind::SecurityLabel {
            self.label_providers.extend(roles::label_provider(&definition, self.settings.backslashes()));
        }
        if kind == Kind::Database || self.is_on_database(record, kind) {
            self.properties.push(definition);
            return Ok(());
        }
        if kind == Kind::Extension {
            self.extensions.push(self.settings.text(&record.tag)?);
        }
        let (entry, block) = self.draft(record, kind, definition)?;
        self.drafts.push((record, entry, block));
        Ok(())
    }

    /// Whether a record is about the database itself.
    fn is_on_database(&self, record: &Record, kind: Kind) -> bool {
        matches!(kind, Kind::Acl | Kind::Comment | Kind::SecurityLabel)
            && record.tag.starts_with(b"DATABASE ")
            && (record.needs.is_empty() || self.database_id.is_some_and(|id| record.needs.contains(&id)))
    }

    fn finish(mut self, known: &Known) -> Result<Contents> {
        if let Some(database) = &mut self.database {
            for text in &self.properties {
                database.add(text, self.settings.backslashes());
            }
        }
        self.fill_large_objects()?;
        self.settle_fresh();
        for (record, entry, _) in &mut self.drafts {
            entry.weight = known.sizes.get(&record.id).copied().unwrap_or_default();
            entry.only_if = known.conditions.get(&record.id).map(|text| Sql::archived(text.as_str()));
        }
        let graph = Graph::new(self.all, &mut self.drafts)?;
        let order = graph.order()?;
        let (mut toc, mut blocks) = (Toc::default(), HashMap::new());
        let mut ids: Vec<EntryId> = vec![EntryId(0); order.len()];
        for (place, &number) in order.iter().enumerate() {
            if let Some(id) = ids.get_mut(number) {
                *id = EntryId(u32::try_from(place + 1).unwrap_or(u32::MAX));
            }
        }
        let in_toc = |numbers: &mut dyn Iterator<Item = usize>| -> Vec<EntryId> {
            numbers.filter_map(|number| ids.get(number).copied()).collect()
        };
        for &number in &order {
            let Some((record, entry, block)) = self.drafts.get(number) else { continue };
            let needs = in_toc(&mut graph.needs(number));
            let locks = in_toc(&mut graph.locks(number));
            let section = if self.standing.contains(&record.id) { Section::Standing } else { entry.section };
            let id = toc.push(Entry { section, needs, locks, ..entry.clone() });
            blocks.extend(block.clone().map(|block| (id, block)));
        }
        let Self { settings, database, warnings, roles, extensions, label_providers, .. } = self;
        Ok(Contents { toc, blocks, settings, database, warnings, roles, extensions, label_providers })
    }
}
