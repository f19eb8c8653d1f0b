//! Constraints on tables (`pg_constraint`). Those on domains are with the types.

pub(super) mod triggers;

use std::collections::HashMap;

use super::index::Index;
use super::query::{Query, expr, in_user_schema};
use super::reloptions::clauses;
use super::table::{Table, with_children, with_partitions};
use super::{Catalog, Class, Decisions, Draft, Node, Object, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// The constraints on all tables. A foreign key that a partition has from its table (`conparentid`, since 11) is made with
/// that one.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "k.oid"),
        expr("name", "k.conname::text"),
        expr("kind", "k.contype::text"),
        expr("relation", "k.conrelid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("partitioned", "c.relkind = 'p'"),
        expr("index", "k.conindid"),
        expr("referenced", "k.confrelid"),
        expr("key", "coalesce(k.conkey, '{}')"),
        expr("validated", "k.convalidated"),
        expr("local", "k.conislocal"),
        expr("no_inherit", "k.connoinherit"),
        expr("deferrable", "k.condeferrable"),
        expr("deferred", "k.condeferred"),
        expr("period", "k.conperiod").since(18, "false"),
        expr("definition", "pg_get_constraintdef(k.oid)"),
    ],
    concat!(
        "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "WHERE c.relkind IN ('r', 'p', 'f') AND k.contype IN ('c', 'f', 'n', 'p', 'u', 'x') ",
        "AND (k.contype <> 'f' OR coalesce(to_jsonb(k) ->> 'conparentid', '0') = '0') AND ",
        in_user_schema!(),
        " ORDER BY k.conrelid, k.conname"
    ),
);

/// What a constraint demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConstraintKind {
    /// A condition.
    Check,
    /// A row of another table.
    ForeignKey,
    /// No NULL in a column (catalogued since 18).
    NotNull,
    /// A unique key without NULLs.
    PrimaryKey,
    /// A unique key.
    Unique,
    /// No two rows that compare in some way.
    Exclude,
}

/// A constraint.
#[derive(Clone, Debug)]
pub struct Constraint {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// What it demands.
    pub kind: ConstraintKind,
    /// The table.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// Whether that is partitioned.
    pub partitioned: bool,
    /// The index behind it; for a foreign key that of the referenced table; 0 for others.
    pub index: u32,
    /// The referenced table, or 0.
    pub referenced: u32,
    /// The columns, by number.
    pub key: Vec<i16>,
    /// Whether all rows are known to satisfy it.
    pub validated: bool,
    /// Whether it is defined here, and not only inherited.
    pub local: bool,
    /// Whether children are free of it.
    pub no_inherit: bool,
    /// Whether it may be checked late.
    pub deferrable: bool,
    /// Whether it is, by default.
    pub deferred: bool,
    /// Whether it is about periods (`WITHOUT OVERLAPS`, `PERIOD`; 18).
    pub period: bool,
    /// What follows the name, as the server has it.
    pub definition: Sql,
    /// Whether the table is an extension's, so that no CREATE statement of ours holds it.
    pub alone: bool,
    /// The constraints (OIDs) of parents that it comes from, where no statement about its own table makes it.
    pub above: Vec<u32>,
    /// The states of the triggers that serve it, where these are not what is usual.
    pub triggers: Vec<triggers::State>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Constraint> {
    let name: String = row.get("name")?;
    let kind = match row.get::<String>("kind")?.as_str() {
        "c" => ConstraintKind::Check,
        "f" => ConstraintKind::ForeignKey,
        "n" => ConstraintKind::NotNull,
        "p" => ConstraintKind::PrimaryKey,
        "u" => ConstraintKind::Unique,
        "x" => ConstraintKind::Exclude,
        _ => return Err(Error::malformed("cannot read the constraints: unknown kind").about(name)),
    };
    Ok(Constraint {
        id: ObjectId::new(Class::CONSTRAINT, row.get("oid")?),
        name: name.into(),
        kind,
        relation: row.get("relation")?,
        on: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        partitioned: row.get("partitioned")?,
        index: row.get("index")?,
        referenced: row.get("referenced")?,
        key: row.get("key")?,
        validated: row.get("validated")?,
        local: row.get("local")?,
        no_inherit: row.get("no_inherit")?,
        deferrable: row.get("deferrable")?,
        deferred: row.get("deferred")?,
        period: row.get("period")?,
        definition: Sql::deparsed(row.get::<String>("definition")?),
        alone: false,
        above: Vec::new(),
        triggers: Vec::new(),
    })
}

/// Tells those that are only inherited where they come from: a comment on one has to wait for that.
pub(super) fn assemble(constraints: &mut [Constraint], tables: &[Table]) {
    let tables: HashMap<u32, &Table> = tables.iter().map(|table| (table.id.oid, table)).collect();
    let comes = |c: &Constraint| {
        let partition = || tables.get(&c.relation).is_some_and(|table| table.is_partition());
        matches!(c.kind, ConstraintKind::Check | ConstraintKind::NotNull) && !c.local && !(c.is_inline() && partition())
    };
    if !constraints.iter().any(comes) {
        return;
    }
    let named: HashMap<(u32, Ident), u32> =
        constraints.iter().map(|c| ((c.relation, c.name.clone()), c.id.oid)).collect();
    for constraint in constraints.iter_mut().filter(|c| comes(c)) {
        let parents = tables.get(&constraint.relation).map(|table| table.parents.as_slice()).unwrap_or_default();
        let above = parents.iter().filter_map(|parent| named.get(&(parent.oid, constraint.name.clone())));
        constraint.above = above.copied().collect();
    }
}

impl Constraint {
    /// The OID of the table.
    pub fn table(&self) -> u32 {
        self.relation
    }

    /// Whether it stands in the CREATE statement of its table (or of a parent), unless [`Decisions::apart`] says otherwise.
    pub fn is_inline(&self) -> bool {
        matches!(self.kind, ConstraintKind::Check | ConstraintKind::NotNull) && self.validated && !self.alone
    }

    /// Makes it stand by itself: the table is an extension's.
    pub(super) fn stands_alone(&mut self) {
        self.alone = true;
    }

    /// Whether the statement that adds it makes its index too. Otherwise it takes an index that is there
    /// (documentation, `ALTER TABLE`, "ADD table_constraint_using_index": not for partitioned tables, exclusion constraints
    /// and periods; and a primary key takes no index in which NULLs count as equal).
    pub fn makes_index(&self, catalog: &Catalog) -> bool {
        match (self.kind, self.index_of(catalog)) {
            (ConstraintKind::Exclude, _) | (ConstraintKind::PrimaryKey | ConstraintKind::Unique, None) => true,
            (ConstraintKind::PrimaryKey, Some(index)) => self.partitioned || self.period || index.nulls_not_distinct,
            (ConstraintKind::Unique, Some(_)) => self.partitioned || self.period,
            _ => false,
        }
    }

    fn index_of<'a>(&self, catalog: &'a Catalog) -> Option<&'a Index> {
        match catalog.get(ObjectId::relation(self.index))? {
            Object::Index(index) => Some(index),
            _ => None,
        }
    }

    fn draft_of(&self, kind: Kind, only: bool, what: Sql) -> Draft {
        let alter = sql!("ALTER TABLE {}{}", if only { "ONLY " } else { "" }, self.on);
        let create = sql!("{} ADD CONSTRAINT {} {}", alter, self.name, what);
        let tag = format!("{} {}", self.on.name.as_str(), self.name.as_str());
        let mut draft = Draft::new(kind, Section::PostData, tag, vec![create]).within(&self.on.schema);
        draft.remove = Some(sql!("{} DROP CONSTRAINT {}", alter, self.name));
        draft.locks = vec![ObjectId::relation(self.relation)];
        draft
    }

    /// A CHECK or NOT NULL by itself. Children get it from their parents, so it is only for the one that defines it.
    fn apart(&self, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let apart = !self.is_inline() || (self.kind == ConstraintKind::Check && how.apart.contains(&self.id));
        if !apart || !self.local {
            return None;
        }
        let kind = if self.kind == ConstraintKind::Check { Kind::CheckConstraint } else { Kind::Constraint };
        let mut draft = self.draft_of(kind, false, self.definition.clone());
        draft.locks = with_children(catalog, self.relation);
        if self.validated {
            draft.weight = size_of(catalog, &draft.locks) / 4;
        }
        Some(draft)
    }

    fn foreign_key(&self, catalog: &Catalog) -> Draft {
        let mut draft = self.draft_of(Kind::ForeignKey, !self.partitioned, self.definition.clone());
        draft.locks = with_partitions(catalog, self.relation);
        for referenced in with_partitions(catalog, self.referenced) {
            if !draft.locks.contains(&referenced) {
                draft.locks.push(referenced);
            }
        }
        draft.create.extend(triggers::set(self, catalog));
        if self.validated {
            // Both tables are read, and joined.
            draft.weight = size_of(catalog, &draft.locks) / 4;
        }
        draft
    }

    fn key(&self, catalog: &Catalog) -> Draft {
        let index = self.index_of(catalog);
        let mut draft = match index.filter(|_| !self.makes_index(catalog)) {
            Some(index) => {
                let word = if self.kind == ConstraintKind::PrimaryKey { "PRIMARY KEY" } else { "UNIQUE" };
                let what = sql!("{} USING INDEX {}{}", word, index.name.name, self.deferral());
                self.draft_of(Kind::Constraint, true, what)
            }
            None => {
                let mut draft = self.draft_of(Kind::Constraint, true, self.with_options(index));
                draft.tablespace = Some(index.and_then(|index| index.tablespace.clone()));
                draft.weight = index.map_or(0, |index| index.cost(catalog));
                draft.create.extend(index.into_iter().flat_map(Index::set_statistics));
                draft
            }
        };
        draft.create.extend(index.map(Index::mark).unwrap_or_default());
        draft.create.extend(triggers::set(self, catalog));
        draft
    }

    /// The definition with the storage parameters of the index, which the server leaves out for keys.
    fn with_options(&self, index: Option<&Index>) -> Sql {
        let options = index.and_then(|index| clauses(&index.options, &[]));
        let Some(options) = options.filter(|_| self.kind != ConstraintKind::Exclude) else {
            return self.definition.clone();
        };
        let deferral = self.deferral();
        let text = self.definition.as_str();
        let head = Sql::deparsed(text.strip_suffix(deferral).unwrap_or(text));
        sql!("{} WITH ({}){}", head, options, deferral)
    }

    /// How the server ends the definition of a constraint that may be checked late.
    fn deferral(&self) -> &'static str {
        match (self.deferrable, self.deferred) {
            (true, true) => " DEFERRABLE INITIALLY DEFERRED",
            (true, false) => " DEFERRABLE",
            _ => "",
        }
    }
}

fn size_of(catalog: &Catalog, tables: &[ObjectId]) -> u64 {
    tables.iter().filter_map(|table| catalog.table(table.oid)).map(|table| table.size).sum()
}

impl Render for Constraint {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("CONSTRAINT {} ON {}", self.name, self.on)
    }

    fn priority(&self, _part: Part) -> Priority {
        match self.kind {
            // It stands in its table's statement, so it has its turn there.
            _ if self.is_inline() => Priority::Relation,
            ConstraintKind::ForeignKey => Priority::ForeignKey,
            _ => Priority::Constraint,
        }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        let name = match self.kind {
            _ if self.is_inline() => format!("{}\0{}", self.on.name.as_str(), self.name.as_str()),
            _ => format!("{}\0{}", self.name.as_str(), self.on.name.as_str()),
        };
        (self.on.schema.as_str().to_owned(), name)
    }

    fn section(&self, _part: Part) -> Section {
        if self.is_inline() { Section::PreData } else { Section::PostData }
    }

    fn draft(&self, _part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        match self.kind {
            ConstraintKind::Check | ConstraintKind::NotNull => self.apart(catalog, how),
            ConstraintKind::ForeignKey => Some(self.foreign_key(catalog)),
            ConstraintKind::PrimaryKey | ConstraintKind::Unique | ConstraintKind::Exclude => Some(self.key(catalog)),
        }
    }

    fn edges(&self, catalog: &Catalog) -> Vec<(Node, Node)> {
        let own = Node::definition(self.id);
        match self.kind {
            ConstraintKind::Check | ConstraintKind::NotNull => Vec::new(),
            ConstraintKind::ForeignKey => {
                let mut edges = Vec::new();
                let mut next: Vec<&Index> = self.index_of(catalog).into_iter().collect();
                // The referenced index, its constraint, and every part of it: before, it is not valid.
                while let Some(index) = next.pop() {
                    let key = index.constraint.map(|oid| Node::definition(ObjectId::new(Class::CONSTRAINT, oid)));
                    let attach = Node { object: index.id, part: Part::Attach };
                    edges.extend([Some(Node::definition(index.id)), key].into_iter().flatten().map(|need| (own, need)));
                    if index.id.oid != self.index {
                        edges.push((own, attach));
                    }
                    next.extend(index.children.iter().filter_map(|&oid| match catalog.get(ObjectId::relation(oid)) {
                        Some(Object::Index(child)) => Some(child),
                        _ => None,
                    }));
                }
                edges
            }
            _ if self.makes_index(catalog) => Vec::new(),
            _ => vec![(own, Node::definition(ObjectId::relation(self.index)))],
        }
    }
}
