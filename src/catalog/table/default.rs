//! Column defaults and generation expressions (`pg_attrdef`).

use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// The defaults of all columns of tables and views.
pub(in crate::catalog) const DEFAULTS: Query = Query::of(
    &[
        expr("oid", "d.oid"),
        expr("relation", "d.adrelid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr("number", "d.adnum"),
        expr("column_name", "a.attname::text"),
        expr("generated", "a.attgenerated <> ''").since(12, "false"),
        expr("expression", "pg_get_expr(d.adbin, d.adrelid)"),
    ],
    concat!(
        "FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum ",
        "WHERE c.relkind IN ('r', 'p', 'v', 'f') AND ",
        in_user_schema!(),
        " ORDER BY d.adrelid, d.adnum"
    ),
);

/// A column's default, or the expression that computes it.
#[derive(Clone, Debug)]
pub struct AttributeDefault {
    /// Which object this is.
    pub id: ObjectId,
    /// The table or view.
    pub relation: u32,
    /// Its name.
    pub on: QualName,
    /// The column's number.
    pub number: i16,
    /// The column.
    pub column: Ident,
    /// The expression.
    pub expression: Sql,
    /// Whether the expression computes the column, and is no default. Such a one cannot be set by itself.
    pub generated: bool,
    /// Whether it stands in the CREATE statement of its table, unless [`Decisions::apart`] says otherwise. It does not where
    /// that statement has no clause for the column: on views, and on columns that are only inherited.
    pub inline: bool,
    /// Whether the relation is an extension's, so that it comes after what that brings.
    pub(super) alone: bool,
}

/// One row of [`DEFAULTS`]. Whether it is inline is found out later.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<AttributeDefault> {
    Ok(AttributeDefault {
        id: ObjectId::new(Class::ATTRDEF, row.get("oid")?),
        relation: row.get("relation")?,
        on: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        number: row.get("number")?,
        column: row.get::<String>("column_name")?.into(),
        expression: Sql::deparsed(row.get::<String>("expression")?),
        generated: row.get("generated")?,
        inline: false,
        alone: false,
    })
}

impl AttributeDefault {
    /// The OID of the relation.
    pub fn table(&self) -> u32 {
        self.relation
    }

    /// Makes it stand by itself, after the data: the table is an extension's.
    pub(in crate::catalog) fn stands_alone(&mut self) {
        (self.inline, self.alone) = (false, true);
    }

    /// Whether it stands in its table's CREATE statement but could stand by itself.
    pub fn is_separable(&self) -> bool {
        self.inline && !self.generated
    }
}

impl Render for AttributeDefault {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("COLUMN {}.{}", self.on, self.column)
    }

    fn priority(&self, _part: Part) -> Priority {
        // One that stands in its table's statement has its turn there.
        if self.inline { Priority::Relation } else { Priority::Default }
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.on.schema.as_str().to_owned(), format!("{}\0{:05}", self.on.name.as_str(), self.number))
    }

    fn section(&self, _part: Part) -> Section {
        if self.alone { Section::PostData } else { Section::PreData }
    }

    fn draft(&self, part: Part, _catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        if self.generated || (self.inline && !how.apart.contains(&self.id)) {
            return None;
        }
        let alter = sql!("ALTER TABLE ONLY {} ALTER COLUMN {}", self.on, self.column);
        let tag = format!("{} {}", self.on.name.as_str(), self.column.as_str());
        let mut draft =
            Draft::new(Kind::Default, self.section(part), tag, vec![sql!("{} SET DEFAULT {}", alter, self.expression)])
                .within(&self.on.schema);
        draft.remove = Some(sql!("{} DROP DEFAULT", alter));
        draft.locks = vec![ObjectId::relation(self.relation)];
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        // An inline one is part of its table's statement: then the table needs what it needs (see `Table`).
        if self.inline || self.generated {
            return Vec::new();
        }
        vec![(Node::definition(self.id), Node::definition(ObjectId::relation(self.relation)))]
    }
}
