//! What of a database is wanted: pg_dump's options for it, with pg_dump's meaning (PostgreSQL 18,
//! `src/bin/pg_dump/pg_dump.c`, `selectDumpable...`; documentation, "pg_dump").
//!
//! A [`Selection`] is what a user asks for. Once the server has said what its patterns match it becomes a [`Selected`],
//! which goes by names, so that it means the same on both servers. Three rules decide:
//!
//! * Where tables are asked for, these alone are selected, with what hangs on them; schemas do not count then.
//! * Where schemas are asked for, they and everything in them are; what is in no schema is not.
//! * Else everything is. What is excluded is so in any case; a sequence goes with the table that owns it.

mod dangling;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};

pub use dangling::Dangling;

use crate::catalog::read::Names;
use crate::catalog::{Catalog, Class, Config, Decisions, Object, ObjectId, Pattern, Place, Presence, Unhandled};
use crate::error::{Error, Result};
use crate::sql::{Ident, QualName};
use crate::toc::{Entry, EntryId, Kind, Section, Toc};

/// What a user asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these schemas, with everything in them.
    pub schemas: Vec<Pattern>,
    /// Not these schemas.
    pub exclude_schemas: Vec<Pattern>,
    /// Only these tables, views and sequences.
    pub tables: Vec<Pattern>,
    /// Not these.
    pub exclude_tables: Vec<Pattern>,
    /// Not the rows of these.
    pub exclude_table_data: Vec<Pattern>,
    /// Definitions, rows, or both.
    pub content: Content,
    /// Not these sections.
    pub exclude_sections: BTreeSet<Section>,
    /// Objects keep no owner.
    pub no_owner: bool,
    /// Nothing is granted or revoked.
    pub no_privileges: bool,
}

/// Definitions, rows, or both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// Both.
    #[default]
    All,
    /// Definitions alone.
    Schema,
    /// Rows, large objects and the states of sequences alone.
    Data,
}

/// What is selected, by names.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// The schemas that were asked for.
    schemas: Option<HashSet<Ident>>,
    /// The relations that were asked for.
    relations: Option<HashSet<QualName>>,
    without_schemas: HashSet<Ident>,
    without_relations: HashSet<QualName>,
    without_data: HashSet<QualName>,
    content: Content,
    without_sections: BTreeSet<Section>,
    without_owners: bool,
    without_privileges: bool,
    /// Whether what comes before the data, and is not selected, stands there already.
    standing: bool,
}

impl Selection {
    /// The patterns for schemas, in the order in which [`Selection::settle`] wants their names.
    pub fn schema_patterns(&self) -> Vec<&Pattern> {
        self.schemas.iter().chain(&self.exclude_schemas).collect()
    }

    /// The patterns for relations, in the order in which [`Selection::settle`] wants their names.
    pub fn relation_patterns(&self) -> Vec<&Pattern> {
        self.tables.iter().chain(&self.exclude_tables).chain(&self.exclude_table_data).collect()
    }

    /// Whether what it selects can be made in an empty database: it leaves no definitions out that rows need to exist.
    pub fn makes_objects(&self) -> bool {
        self.content != Content::Data && !self.exclude_sections.contains(&Section::PreData)
    }

    /// Whether objects are chosen by name.
    pub fn has_patterns(&self) -> bool {
        !self.schema_patterns().is_empty() || !self.relation_patterns().is_empty()
    }

    /// What is selected, given what the patterns match; and the patterns that match nothing.
    ///
    /// # Errors
    ///
    /// `Usage` where schemas or tables are asked for, and not one matches.
    pub fn settle(&self, names: Names) -> Result<(Selected, Vec<&Pattern>)> {
        let matched = names.schemas.iter().map(Vec::is_empty).chain(names.relations.iter().map(Vec::is_empty));
        let patterns = self.schema_patterns().into_iter().chain(self.relation_patterns());
        let idle = patterns.zip(matched).filter(|(_, idle)| *idle).map(|(pattern, _)| pattern).collect();
        let mut schemas = names.schemas.into_iter();
        let mut relations = names.relations.into_iter();
        let selected = Selected {
            schemas: asked_for(&self.schemas, take(&mut schemas, &self.schemas), "schemas")?,
            relations: asked_for(&self.tables, take(&mut relations, &self.tables), "tables")?,
            without_schemas: take(&mut schemas, &self.exclude_schemas),
            without_relations: take(&mut relations, &self.exclude_tables),
            without_data: take(&mut relations, &self.exclude_table_data),
            content: self.content,
            without_sections: self.exclude_sections.clone(),
            without_owners: self.no_owner,
            without_privileges: self.no_privileges,
            standing: false,
        };
        Ok((selected, idle))
    }
}

/// The names that the next of these patterns match.
fn take<T: std::hash::Hash + Eq>(names: &mut impl Iterator<Item = Vec<T>>, patterns: &[Pattern]) -> HashSet<T> {
    names.take(patterns.len()).flatten().collect()
}

/// The names that were asked for; `None` if there was no such question.
fn asked_for<T>(patterns: &[Pattern], names: HashSet<T>, what: &'static str) -> Result<Option<HashSet<T>>> {
    match (patterns, names.is_empty()) {
        ([], _) => Ok(None),
        (_, false) => Ok(Some(names)),
        (patterns, true) => {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            Err(Error::usage(format!("no {what} match what was asked for")).about(patterns.join(", ")))
        }
    }
}

impl Selected {
    /// Whether every object is selected, so that there is nothing to leave out.
    fn has_every_object(&self) -> bool {
        self.has_everything() && self.without_schemas.is_empty() && self.without_relations.is_empty()
    }

    /// The same, for a database that has already what data needs to exist.
    #[must_use]
    pub fn upon_standing(self) -> Self {
        Self { standing: true, ..self }
    }

    /// Whether what is in no schema is selected.
    pub fn has_everything(&self) -> bool {
        self.schemas.is_none() && self.relations.is_none()
    }

    /// Whether what is in a schema is selected.
    pub fn has_schema(&self, name: &Ident) -> bool {
        let asked = self.relations.is_none() && self.schemas.as_ref().is_none_or(|schemas| schemas.contains(name));
        asked && !self.without_schemas.contains(name)
    }

    /// Whether a table, view or sequence is selected by its name.
    pub fn has_relation(&self, name: &QualName) -> bool {
        let asked = match &self.relations {
            Some(relations) => relations.contains(name),
            None => self.has_schema(&name.schema),
        };
        asked && !self.without_relations.contains(name)
    }

    /// The objects that are selected.
    fn objects(&self, catalog: &Catalog) -> HashSet<ObjectId> {
        let mut held = HashSet::new();
        for object in catalog.objects() {
            let holds = match (object, object.place()) {
                (Object::Sequence(sequence), Place::Relation(name)) => match &sequence.column {
                    // One behind an identity column cannot be without it; one that a column owns comes with it.
                    Some(column) => {
                        let table = self.has_relation(&column.on);
                        table || sequence.is_owned() && self.has_relation(name)
                    }
                    None => self.has_relation(name),
                },
                // These two are about a table, and are nothing without it.
                (Object::Statistics(statistics), Place::Within(name)) => {
                    let table = catalog.relation_name(statistics.relation);
                    self.has_schema(name) && table.is_some_and(|table| self.has_relation(table))
                }
                (Object::PublicationTable(member), _) => self.has_everything() && self.has_relation(&member.table),
                (Object::PublicationSchema(member), _) => self.has_everything() && self.has_schema(&member.schema_name),
                (_, Place::Database) => self.has_everything(),
                (_, Place::Schema(name) | Place::Within(name)) => self.has_schema(name),
                (_, Place::Relation(name)) => self.has_relation(name),
                (_, Place::With(_)) => continue,
            };
            if holds {
                held.insert(object.id());
            }
        }
        let with = catalog.objects().iter().filter_map(|object| match object.place() {
            Place::With(other) if held.contains(&catalog.resolve(other)) => Some(object.id()),
            _ => None,
        });
        let with: Vec<ObjectId> = with.collect();
        held.extend(with);
        held
    }

    fn has_unhandled(&self, object: &Unhandled) -> bool {
        match (&object.relation, &object.schema) {
            (Some(name), _) => self.has_relation(name),
            (None, Some(schema)) => self.has_schema(schema),
            (None, None) => self.has_everything(),
        }
    }

    /// Whether the contents of one of an extension's tables are selected. Those of an extension that is not only are if the
    /// table or its schema was asked for.
    fn has_config(&self, config: &Config) -> bool {
        let asked = self.has_everything() || self.has_relation(&config.name);
        let excluded =
            self.without_relations.contains(&config.name) || self.without_schemas.contains(&config.name.schema);
        asked && !excluded
    }

    /// Only what is selected of a catalog; and what that leaves behind although it is needed.
    #[must_use]
    pub fn apply(&self, mut catalog: Catalog) -> (Catalog, Vec<Dangling>) {
        if self.has_every_object() {
            return (catalog, Vec::new());
        }
        let held = self.objects(&catalog);
        let dangling = dangling::find(self, &catalog, &held);
        let remarked = catalog.aspects.comments.iter().map(|comment| comment.on.object);
        let remarked = remarked.chain(catalog.aspects.labels.iter().map(|label| label.on.object));
        let here: HashSet<ObjectId> = remarked.filter(|object| held.contains(&catalog.resolve(*object))).collect();
        catalog.retain(|object| match object {
            Object::Extension(extension) => {
                extension.config.retain(|config| self.has_config(config));
                let whole = held.contains(&extension.id);
                if !whole {
                    extension.presence = Presence::Assumed;
                }
                whole || !extension.config.is_empty()
            }
            object => held.contains(&object.id()),
        });
        catalog.unhandled.retain(|object| self.has_unhandled(object));
        let aspects = &mut catalog.aspects;
        aspects.comments.retain(|comment| here.contains(&comment.on.object));
        aspects.labels.retain(|label| here.contains(&label.on.object));
        if !self.has_everything() {
            // What came with the server counts even so, if an extension that every database has brought it.
            let members = &aspects.members;
            aspects
                .alien_acls
                .retain(|acl| members.get(&acl.object).is_some_and(|&extension| is_systems_own(extension)));
        }
        (catalog, dangling)
    }

    /// The decisions, with what was asked for.
    #[must_use]
    pub fn decide(&self, how: Decisions) -> Decisions {
        Decisions { without_owners: self.without_owners, without_privileges: self.without_privileges, ..how }
    }

    /// Only what is selected of a table of contents: sections, definitions or rows. What an entry needed through one that is
    /// left out it needs itself.
    #[must_use]
    pub fn entries(&self, toc: &Toc) -> Toc {
        let mut out = Toc::default();
        let mut stands: HashMap<EntryId, BTreeSet<EntryId>> = HashMap::new();
        let mut kept: HashMap<EntryId, EntryId> = HashMap::new();
        for entry in toc.entries() {
            let needs: BTreeSet<EntryId> =
                entry.needs.iter().filter_map(|need| stands.get(need)).flatten().copied().collect();
            let section = match self.has_entry(entry, toc) {
                true => entry.section,
                false if self.standing && section(entry, toc) == Section::PreData => Section::Standing,
                false => {
                    stands.insert(entry.id, needs);
                    continue;
                }
            };
            let locks = entry.locks.iter().filter_map(|lock| kept.get(lock)).copied().collect();
            let id = out.push(Entry { section, needs: needs.into_iter().collect(), locks, ..entry.clone() });
            stands.insert(entry.id, BTreeSet::from([id]));
            kept.insert(entry.id, id);
        }
        out
    }

    fn has_entry(&self, entry: &Entry, toc: &Toc) -> bool {
        let section = section(entry, toc);
        let (is_data, fills) = (section == Section::Data, entry.kind == Kind::MaterializedViewData);
        let is_about = || {
            let schema = entry.namespace.as_ref()?;
            (is_data || fills).then(|| Ident::new(entry.tag.as_str()).within(schema))
        };
        self.has_part(section, fills, is_about().as_ref())
    }

    /// Whether a section is wanted, or the contents of a materialized view if it `fills` one; `is_about` names the relation
    /// whose contents these are.
    pub fn has_part(&self, section: Section, fills: bool, is_about: Option<&QualName>) -> bool {
        let is_data = section == Section::Data;
        let wanted = match self.content {
            Content::All => true,
            Content::Schema => !is_data && !fills,
            Content::Data => is_data,
        };
        wanted
            && !self.without_sections.contains(&section)
            && !is_about.is_some_and(|name| self.without_data.contains(name))
    }
}

/// The section that an entry counts to: privileges go with what they are on, and large objects are data.
fn section(entry: &Entry, toc: &Toc) -> Section {
    if entry.source.0 == Class::LARGE_OBJECT.0 {
        return Section::Data;
    }
    let on = || {
        let mut needs = entry.needs.iter().filter_map(|need| toc.get(*need));
        needs.find(|needed| needed.source == entry.source)
    };
    match (entry.kind, entry.section) {
        (Kind::Acl, _) => on().map_or(Section::PreData, |on| on.section),
        (_, Section::Last) => Section::PostData,
        (_, section) => section,
    }
}

/// Whether something came with the server (`src/include/access/transam.h`, `FirstNormalObjectId`).
fn is_systems_own(oid: u32) -> bool {
    oid < 16384
}
