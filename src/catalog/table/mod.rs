//! Tables, partitioned or foreign or neither (`pg_class`), with their columns, parents and place among partitions.

mod assemble;
mod attribute;
mod create;
mod default;
mod family;
mod not_null;
mod read;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

pub(super) use assemble::{Rows as TableRows, assemble};
pub(super) use attribute::{ATTRIBUTES, by_relation, decode as decode_attribute};
pub(super) use default::{DEFAULTS, decode as decode_default};
pub(crate) use read::REHASHED;
pub(super) use read::{COLUMN_ACLS, INHERITS, RELATIONS, decode_column_acl, decode_inherits, decode_relation};

pub use attribute::{Column, Initial};
pub use default::AttributeDefault;
#[cfg(test)]
pub(super) use not_null::NotNull;

use super::reloptions::Reloption;
use super::{Acl, Catalog, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Data, Kind, Rows, Section};

/// What a row's old version shows of it in the log (`REPLICA IDENTITY`). That of an index belongs to the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaIdentity {
    /// The primary key, or an index.
    Key,
    /// Nothing.
    Nothing,
    /// The whole row.
    Full,
}

/// A parent, or the partitioned table above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inherits {
    /// The parent.
    pub oid: u32,
    /// Its name; it may belong to an extension and be none of ours.
    pub name: QualName,
}

/// Where the rows of a foreign table are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The server.
    pub server: Ident,
    /// What the wrapper has to know.
    pub options: Vec<Reloption>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// Whether its contents are not logged.
    pub unlogged: bool,
    /// Whether its rows have an identifier in a hidden column (`WITH OIDS`, before 12).
    pub oids: bool,
    /// `PARTITION BY`, for a partitioned table.
    pub partition_key: Option<Sql>,
    /// `FOR VALUES ...`, for a partition.
    pub bound: Option<Sql>,
    /// The composite type of a typed table.
    pub of_type: Option<Sql>,
    /// Storage parameters.
    pub options: Vec<Reloption>,
    /// Storage parameters of its TOAST table.
    pub toast_options: Vec<Reloption>,
    /// The tablespace, unless it is the database's.
    pub tablespace: Option<Ident>,
    /// The table access method; that of a partitioned table is only for partitions to come.
    pub access_method: Option<Ident>,
    /// What the log shows of old rows.
    pub replica_identity: ReplicaIdentity,
    /// Whether row-level security is on.
    pub row_security: bool,
    /// Whether it holds for the owner too.
    pub force_row_security: bool,
    /// Whether a row may belong into another partition on a new server.
    pub rehashed: bool,
    /// Its size in bytes with its TOAST table, without indexes.
    pub size: u64,
    /// Its pages, where ranges of them can be read; otherwise 0.
    pub pages: u32,
    /// The server, for a foreign table: its rows are not here, and not moved.
    pub foreign: Option<Foreign>,
    /// Its columns, dropped ones left out.
    pub columns: Vec<Column>,
    /// The parents, in their order; the partitioned table of a partition.
    pub parents: Vec<Inherits>,
    /// Whether it is made by itself and becomes a child afterwards: only so do its columns keep their order.
    pub joins: bool,
    /// The tables (OIDs) that inherit from this one, or are its partitions.
    pub children: Vec<u32>,
    /// The CHECK constraints (OIDs in `pg_constraint`) that stand in its CREATE statement.
    pub checks: Vec<u32>,
    /// The partitioned table that the rows must be loaded through, because they may belong elsewhere.
    pub into: Option<(u32, QualName)>,
    /// Its privileges.
    pub acl: Acl,
}

impl Table {
    /// Whether it is partitioned, and so has no rows of its own.
    pub fn is_partitioned(&self) -> bool {
        self.partition_key.is_some()
    }

    /// Whether its rows are in its own storage.
    fn has_rows(&self) -> bool {
        !self.is_partitioned() && self.foreign.is_none()
    }

    /// What statements that know foreign tables by another name call it: "TABLE s.t".
    fn target(&self) -> Sql {
        sql!("{}TABLE {}", if self.foreign.is_some() { "FOREIGN " } else { "" }, self.name)
    }

    /// Whether it is a partition.
    pub fn is_partition(&self) -> bool {
        self.bound.is_some()
    }

    /// Whether a column stands in the CREATE statement. Partitions are made by themselves and attached, so they have all.
    fn prints(&self, column: &Column) -> bool {
        column.local || self.is_partition()
    }

    /// How its rows are read and written: the generated columns are left out.
    pub fn rows(&self) -> Rows {
        let stored = self.columns.iter().filter(|column| column.generated.is_none());
        Rows {
            floats: stored.clone().any(|column| column.floats),
            into: self.into.as_ref().map(|(_, name)| name.clone()),
            fresh: self.into.is_none(),
            pages: self.pages,
            binary: attribute::binary_form(stored.clone()),
            ..Rows::of(self.name.clone(), stored.map(|column| column.name.clone()).collect())
        }
    }

    fn attach(&self) -> Option<Draft> {
        let (parent, bound) = (self.parents.first()?, self.bound.as_ref()?);
        let alter = sql!("ALTER TABLE ONLY {}", parent.name);
        let create = sql!("{} ATTACH PARTITION {} {}", alter, self.name, bound);
        let mut draft = Draft::new(Kind::TableAttach, Section::PreData, self.name.name.as_str(), vec![create])
            .within(&self.name.schema);
        draft.remove = Some(sql!("{} DETACH PARTITION {}", alter, self.name));
        draft.locks = vec![ObjectId::relation(parent.oid), self.id];
        Some(draft)
    }

    fn data(&self, catalog: &Catalog) -> Draft {
        let mut draft =
            Draft::new(Kind::TableData, Section::Data, self.name.name.as_str(), Vec::new()).within(&self.name.schema);
        let mut rows = self.rows();
        if let Some(root) = self.into.as_ref().and_then(|(root, _)| catalog.table(*root)) {
            // Partitions may have their columns in different orders; rows that change partition have to look the same.
            rows.columns.sort_by_key(|name| root.columns.iter().position(|column| column.name == *name));
        }
        draft.data = Some(Data::Rows(rows));
        draft.weight = self.size;
        draft
    }

    fn enable_row_security(&self) -> Draft {
        let alter = |what: &'static str| sql!("ALTER TABLE {} {} ROW LEVEL SECURITY", self.name, what);
        let name = self.name.name.as_str();
        let mut draft =
            Draft::new(Kind::RowSecurity, Section::PostData, name, vec![alter("ENABLE")]).within(&self.name.schema);
        draft.remove = Some(alter("DISABLE"));
        draft.locks = vec![self.id];
        draft
    }
}

/// The table with this OID and, if it is partitioned, all partitions below: what a statement on it locks, if it is one that
/// is handed down to partitions.
pub(super) fn with_partitions(catalog: &Catalog, oid: u32) -> Vec<ObjectId> {
    match catalog.table(oid) {
        Some(table) if table.is_partitioned() => with_children(catalog, oid),
        _ => vec![ObjectId::relation(oid)],
    }
}

/// The table with this OID and everything that inherits from it, at any remove.
pub(super) fn with_children(catalog: &Catalog, oid: u32) -> Vec<ObjectId> {
    let mut out = vec![ObjectId::relation(oid)];
    let mut seen = std::collections::HashSet::from([oid]);
    let mut next = 0;
    while let Some(&id) = out.get(next) {
        next += 1;
        let children = catalog.table(id.oid).map(|table| table.children.as_slice()).unwrap_or_default();
        out.extend(children.iter().filter(|&&child| seen.insert(child)).map(|&child| ObjectId::relation(child)));
    }
    out
}

impl Render for Table {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        self.target()
    }

    fn priority(&self, part: Part) -> Priority {
        match part {
            Part::Attach => Priority::TableAttach,
            Part::Data => Priority::TableData,
            Part::RowSecurity => Priority::Policy,
            _ => Priority::Relation,
        }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn parts(&self) -> Vec<Part> {
        let mut parts = vec![Part::Definition];
        if self.is_partition() {
            parts.push(Part::Attach);
        }
        if self.has_rows() {
            parts.push(Part::Data);
        }
        if self.row_security {
            parts.push(Part::RowSecurity);
        }
        parts
    }

    fn section(&self, part: Part) -> Section {
        match part {
            Part::Data => Section::Data,
            Part::RowSecurity => Section::PostData,
            _ => Section::PreData,
        }
    }

    fn draft(&self, part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        match part {
            Part::Definition => Some(self.definition(catalog, how)),
            Part::Attach => self.attach(),
            Part::Data if self.has_rows() => Some(self.data(catalog)),
            Part::RowSecurity if self.row_security => Some(self.enable_row_security()),
            _ => None,
        }
    }

    fn edges(&self, catalog: &Catalog) -> Vec<(Node, Node)> {
        let own = |part| Node { object: self.id, part };
        let definition = own(Part::Definition);
        let mut edges: Vec<(Node, Node)> = vec![(own(Part::Data), definition), (own(Part::RowSecurity), definition)];
        let mut above = Some(self);
        // No chain of partitions is longer than there are objects.
        for _ in catalog.objects() {
            let Some(partition) = above.filter(|table| table.is_partition()) else { break };
            edges.push((own(Part::Data), Node { object: partition.id, part: Part::Attach }));
            above = partition.parents.first().and_then(|parent| catalog.table(parent.oid));
        }
        if self.is_partition() {
            edges.push((own(Part::Attach), definition));
        }
        for parent in &self.parents {
            let parent = Node::definition(ObjectId::relation(parent.oid));
            // A partition is made by itself and needs its parent only then.
            edges.push((if self.is_partition() { own(Part::Attach) } else { definition }, parent));
        }
        // What stands in the statement must have what it needs.
        edges.extend(self.inline().map(|inline| (definition, Node::definition(inline))));
        edges
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }

    fn grant_target(&self, _catalog: &Catalog) -> Sql {
        sql!("TABLE {}", self.name)
    }

    fn column(&self, number: i32) -> Option<&Ident> {
        self.columns.iter().find(|column| i32::from(column.number) == number).map(|column| &column.name)
    }
}
