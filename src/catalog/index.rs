//! Indexes (`pg_index`), those behind constraints included.
//!
//! The index of a primary key or unique constraint is built first, like any other and beside others, and then handed to its
//! constraint. Where that is impossible ([`Constraint::makes_index`](super::Constraint::makes_index)) the constraint makes
//! it: then the index has no statement of its own, and its definition needs the constraint's.
//!
//! An index of a partitioned table is made without its partitions, and theirs are attached; with the last one it becomes
//! valid. A foreign table has no index, so that it never would where one is a partition (stock pg_dump leaves it invalid).
//! There the partitions' indexes come first, and it is made over all partitions: the server takes the indexes that fit
//! (PostgreSQL 18, `src/backend/commands/indexcmds.c`, `DefineIndex`).

use std::collections::HashMap;

use super::query::{Query, expr, in_user_schema};
use super::reloptions::Reloption;
use super::table::{Table, with_children};
use super::{Catalog, Class, Constraint, Decisions, Draft, Node, Object, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All indexes that are valid; one on a partitioned table may still wait for its partitions' indexes.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "i.indexrelid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.relname::text"),
        expr("relation", "i.indrelid"),
        expr("relation_name", "t.relname::text"),
        expr("materialized", "t.relkind = 'm'"),
        expr("definition", "pg_get_indexdef(i.indexrelid)"),
        expr("valid", "i.indisvalid"),
        expr("constraint_oid", "k.oid"),
        expr("parent", "p.oid"),
        expr("parent_schema", "pn.nspname::text"),
        expr("parent_name", "p.relname::text"),
        expr("clustered", "i.indisclustered"),
        expr("replica_identity", "i.indisreplident"),
        expr("nulls_not_distinct", "i.indnullsnotdistinct").since(15, "false"),
        expr("tablespace", "s.spcname::text"),
        expr("method", "m.amname::text"),
        expr("options", "c.reloptions"),
        expr(
            "statistics",
            "ARRAY(SELECT a.attnum::int4 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0 ORDER BY 1)",
        ),
        expr(
            "targets",
            "ARRAY(SELECT a.attstattarget::int4 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0 \
             ORDER BY a.attnum)",
        ),
        expr("size", "CASE WHEN c.relkind = 'i' THEN coalesce(pg_relation_size(c.oid), 0) ELSE 0 END"),
    ],
    concat!(
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid ",
        "JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am m ON m.oid = c.relam ",
        "LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace ",
        // A foreign key names the index of the table it refers to.
        "LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') ",
        "LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid LEFT JOIN pg_class p ON p.oid = h.inhparent ",
        "LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace ",
        "WHERE t.relkind IN ('r', 'p', 'm') AND i.indisready AND (i.indisvalid OR t.relkind = 'p') AND ",
        in_user_schema!(),
        " ORDER BY i.indexrelid"
    ),
);

/// An index.
#[derive(Clone, Debug)]
pub struct Index {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// The table or materialized view.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// Whether it is on a materialized view, which has no rows when the index is built.
    pub materialized: bool,
    /// `CREATE INDEX ...`, as the server has it.
    pub definition: Sql,
    /// Whether it is complete: one on a partitioned table may lack those of partitions.
    pub valid: bool,
    /// The constraint (OID in `pg_constraint`) that it serves.
    pub constraint: Option<u32>,
    /// The index of the partitioned table that it is a part of.
    pub parent: Option<(u32, QualName)>,
    /// The indexes of partitions that are parts of it.
    pub children: Vec<u32>,
    /// Whether CLUSTER follows it.
    pub clustered: bool,
    /// Whether it identifies old rows in the log.
    pub replica_identity: bool,
    /// Whether NULLs count as equal.
    pub nulls_not_distinct: bool,
    /// The tablespace, unless it is the database's.
    pub tablespace: Option<Ident>,
    /// The access method ("btree").
    pub method: String,
    /// Storage parameters.
    pub options: Vec<Reloption>,
    /// Columns, by number, with a statistics target of their own.
    pub statistics: Vec<(i32, i32)>,
    /// Its size in bytes.
    pub size: u64,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Index> {
    let schema: String = row.get("schema")?;
    let parent: Option<(String, String)> =
        row.get::<Option<String>>("parent_schema")?.zip(row.get::<Option<String>>("parent_name")?);
    let parent = parent.map(|(schema, name)| QualName::new(schema, name));
    let (columns, targets): (Vec<i32>, Vec<i32>) = (row.get("statistics")?, row.get("targets")?);
    Ok(Index {
        id: ObjectId::relation(row.get("oid")?),
        name: QualName::new(schema.as_str(), row.get::<String>("name")?),
        relation: row.get("relation")?,
        on: QualName::new(schema.as_str(), row.get::<String>("relation_name")?),
        materialized: row.get("materialized")?,
        definition: Sql::deparsed(row.get::<String>("definition")?),
        valid: row.get("valid")?,
        constraint: row.get("constraint_oid")?,
        parent: row.get::<Option<u32>>("parent")?.zip(parent),
        children: Vec::new(),
        clustered: row.get("clustered")?,
        replica_identity: row.get("replica_identity")?,
        nulls_not_distinct: row.get("nulls_not_distinct")?,
        tablespace: row.get::<Option<String>>("tablespace")?.map(Ident::from),
        method: row.get("method")?,
        options: Reloption::parse(row.get("options")?),
        statistics: columns.into_iter().zip(targets).collect(),
        size: row.get::<i64>("size")?.unsigned_abs(),
    })
}

/// Tells every index of its parts.
pub(super) fn assemble(mut indexes: Vec<Index>) -> Vec<Index> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for index in &indexes {
        if let Some((parent, _)) = &index.parent {
            children.entry(*parent).or_default().push(index.id.oid);
        }
    }
    for index in &mut indexes {
        index.children = children.remove(&index.id.oid).unwrap_or_default();
    }
    indexes
}

impl Index {
    /// The OID of the table or materialized view.
    pub fn table(&self) -> u32 {
        self.relation
    }

    /// The constraint that makes the index, where the index does not come first.
    fn maker<'a>(&self, catalog: &'a Catalog) -> Option<&'a Constraint> {
        match catalog.get(ObjectId::new(Class::CONSTRAINT, self.constraint?))? {
            Object::Constraint(constraint) if constraint.makes_index(catalog) => Some(constraint),
            _ => None,
        }
    }

    /// What it costs to build, in bytes of plain copying that take as long: the table is read, and the index written.
    /// Inverted and tree-of-anything methods take several times as long a byte as btree. Nothing is in a materialized view
    /// yet.
    pub(super) fn cost(&self, catalog: &Catalog) -> u64 {
        if self.materialized {
            return 0;
        }
        let factor = if matches!(self.method.as_str(), "btree" | "hash" | "brin") { 1 } else { 4 };
        let table = catalog.table(self.relation).map_or(0, |table| table.size);
        (self.size * factor).saturating_add(table / 8)
    }

    /// The statements that give its columns their statistics targets.
    pub(super) fn set_statistics(&self) -> impl Iterator<Item = Sql> + '_ {
        self.statistics
            .iter()
            .map(|(column, target)| sql!("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", self.name, column, target))
    }

    /// The statements by which the table takes note of it. They lock the table.
    pub(super) fn mark(&self) -> Vec<Sql> {
        let cluster = sql!("ALTER TABLE {} CLUSTER ON {}", self.on, self.name.name);
        let identity = sql!("ALTER TABLE ONLY {} REPLICA IDENTITY USING INDEX {}", self.on, self.name.name);
        let marks = [self.clustered.then_some(cluster), self.replica_identity.then_some(identity)];
        marks.into_iter().flatten().collect()
    }

    fn create(&self, catalog: &Catalog) -> Option<Draft> {
        if self.maker(catalog).is_some() {
            return None;
        }
        let mut create = vec![self.statement(catalog)];
        create.extend(self.set_statistics());
        // A constraint's index is marked with the constraint, because a replica identity must be unique and not NULL.
        let marks = if self.constraint.is_none() { self.mark() } else { Vec::new() };
        let mut draft = self.draft_of(Kind::Index, create);
        draft.remove = Some(sql!("DROP INDEX {}", self.name));
        draft.tablespace = Some(self.tablespace.clone());
        draft.weight = self.cost(catalog);
        if !marks.is_empty() {
            draft.locks = vec![ObjectId::relation(self.relation)];
        }
        draft.create.extend(marks);
        Some(draft)
    }

    /// Whether it is made over partitions that have their indexes already.
    fn comes_last(&self, catalog: &Catalog) -> bool {
        let is_foreign = |id: &ObjectId| catalog.table(id.oid).is_some_and(|table| table.foreign.is_some());
        let partitioned = catalog.table(self.relation).is_some_and(Table::is_partitioned);
        self.valid && partitioned && with_children(catalog, self.relation).iter().any(is_foreign)
    }

    /// `CREATE INDEX`, without ONLY where that would leave it invalid.
    fn statement(&self, catalog: &Catalog) -> Sql {
        let head = sql!("CREATE INDEX {} ON ", self.name.name);
        let rest = self.definition.as_str().strip_prefix(head.as_str()).and_then(|rest| rest.strip_prefix("ONLY "));
        match rest.filter(|_| self.comes_last(catalog)) {
            Some(rest) => sql!("{}{}", head, Sql::deparsed(rest)),
            None => self.definition.clone(),
        }
    }

    fn attach(&self, catalog: &Catalog) -> Option<Draft> {
        let (oid, parent) = self.parent.as_ref()?;
        let create = sql!("ALTER INDEX {} ATTACH PARTITION {}", parent, self.name);
        let mut draft = self.draft_of(Kind::IndexAttach, vec![create]);
        let above = match catalog.get(ObjectId::relation(*oid)) {
            Some(Object::Index(above)) => above.made_by(),
            _ => ObjectId::relation(*oid),
        };
        draft.locks = vec![above, self.made_by()];
        Some(draft)
    }

    /// What has a statement that makes it: its constraint, if it is behind one.
    fn made_by(&self) -> ObjectId {
        match self.constraint {
            Some(constraint) => ObjectId::new(Class::CONSTRAINT, constraint),
            None => self.id,
        }
    }

    fn draft_of(&self, kind: Kind, create: Vec<Sql>) -> Draft {
        Draft::new(kind, Section::PostData, self.name.name.as_str(), create).within(&self.name.schema)
    }
}

impl Render for Index {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("INDEX {}", self.name)
    }

    fn priority(&self, part: Part) -> Priority {
        if part == Part::Attach { Priority::IndexAttach } else { Priority::Index }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn parts(&self) -> Vec<Part> {
        match self.parent {
            Some(_) => vec![Part::Definition, Part::Attach],
            None => vec![Part::Definition],
        }
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        match part {
            Part::Definition => self.create(catalog),
            Part::Attach => self.attach(catalog),
            _ => None,
        }
    }

    fn edges(&self, catalog: &Catalog) -> Vec<(Node, Node)> {
        let definition = Node::definition(self.id);
        // `pg_depend` ties an index behind a constraint to that alone.
        let mut edges = vec![(definition, Node::definition(ObjectId::relation(self.relation)))];
        if let Some(constraint) = self.maker(catalog) {
            edges.push((definition, Node::definition(constraint.id)));
        }
        if self.comes_last(catalog) {
            let parts = self.children.iter().map(|&child| Node::definition(ObjectId::relation(child)));
            edges.extend(parts.map(|part| (definition, part)));
        }
        let Some((parent, _)) = &self.parent else { return edges };
        let attach = Node { object: self.id, part: Part::Attach };
        let mut needs = vec![definition, Node::definition(ObjectId::relation(*parent))];
        needs.push(Node { object: ObjectId::relation(self.relation), part: Part::Attach });
        let above = match catalog.get(ObjectId::relation(*parent)) {
            Some(Object::Index(index)) => index.constraint,
            _ => None,
        };
        for constraint in [self.constraint, above].into_iter().flatten() {
            needs.push(Node::definition(ObjectId::new(Class::CONSTRAINT, constraint)));
        }
        // From below: whatever is attached is valid by then, and the one above becomes so with the last of its partitions.
        needs.extend(self.children.iter().map(|&child| Node { object: ObjectId::relation(child), part: Part::Attach }));
        edges.extend(needs.into_iter().map(|needs| (attach, needs)));
        edges
    }
}
