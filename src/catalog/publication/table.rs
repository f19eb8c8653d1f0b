//! Tables of publications (`pg_publication_rel`).

use crate::catalog::query::{Query, expr};
use crate::catalog::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All tables of publications that are not for all tables. Lists of columns and filters are there since 15.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "r.oid"),
        expr("publication", "r.prpubid"),
        expr("publication_name", "p.pubname::text"),
        expr("relation", "r.prrelid"),
        expr("schema", "n.nspname::text"),
        expr("relation_name", "c.relname::text"),
        expr(
            "columns",
            "CASE WHEN r.prattrs IS NOT NULL THEN ARRAY(SELECT a.attname::text FROM pg_attribute a
                WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs) ORDER BY a.attnum) END",
        )
        .since(15, "NULL::text[]"),
        expr("filter", "pg_get_expr(r.prqual, r.prrelid)").since(15, "NULL::text"),
    ],
    "FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
        JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        ORDER BY p.pubname, n.nspname, c.relname",
);

/// A table of a publication.
#[derive(Clone, Debug)]
pub struct PublicationTable {
    /// Which object this is.
    pub id: ObjectId,
    /// The publication (OID).
    pub publication: u32,
    /// Its name.
    pub publication_name: Ident,
    /// The table (OID).
    pub relation: u32,
    /// Its name.
    pub table: QualName,
    /// The columns that are published; `None` for all.
    pub columns: Option<Vec<Ident>>,
    /// The rows that are published.
    pub filter: Option<Sql>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<PublicationTable> {
    let columns: Option<Vec<String>> = row.get("columns")?;
    Ok(PublicationTable {
        id: ObjectId::new(Class::PUBLICATION_REL, row.get("oid")?),
        publication: row.get("publication")?,
        publication_name: Ident::new(row.get::<String>("publication_name")?),
        relation: row.get("relation")?,
        table: QualName::new(row.get::<String>("schema")?, row.get::<String>("relation_name")?),
        columns: columns.map(|columns| columns.into_iter().map(Ident::from).collect()),
        filter: row.get::<Option<String>>("filter")?.map(Sql::deparsed),
    })
}

impl Render for PublicationTable {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("PUBLICATION {} TABLE {}", self.publication_name, self.table)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::PublicationTable
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        let within = format!("{}\0{}", self.table.name.as_str(), self.publication_name.as_str());
        (self.table.schema.as_str().to_owned(), within)
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, _catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        // Without ONLY the children of a table would be added, too; those that were have entries of their own.
        let mut create = sql!("ALTER PUBLICATION {} ADD TABLE ONLY {}", self.publication_name, self.table);
        if let Some(columns) = &self.columns {
            create.push(&sql!(" ({})", join(columns, ", ")));
        }
        if let Some(filter) = &self.filter {
            create.push(&sql!(" WHERE ({})", filter));
        }
        let tag = format!("{} {}", self.publication_name.as_str(), self.table.name.as_str());
        let mut draft =
            Draft::new(Kind::PublicationTable, Section::PostData, tag, vec![create]).within(&self.table.schema);
        draft.remove = Some(sql!("ALTER PUBLICATION {} DROP TABLE ONLY {}", self.publication_name, self.table));
        draft.locks = vec![ObjectId::relation(self.relation)];
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        let needs = [ObjectId::new(Class::PUBLICATION, self.publication), ObjectId::relation(self.relation)];
        needs.into_iter().map(|needs| (Node::definition(self.id), Node::definition(needs))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn columns_and_filter() {
        let table = PublicationTable {
            id: ObjectId::new(Class::PUBLICATION_REL, 1),
            publication: 2,
            publication_name: "p".into(),
            relation: 3,
            table: QualName::new("s", "t"),
            columns: Some(vec!["a".into(), "b c".into()]),
            filter: Some(Sql::constant("(a > 0)")),
        };
        let draft = table.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [r#"ALTER PUBLICATION "p" ADD TABLE ONLY "s"."t" ("a", "b c") WHERE ((a > 0))"#]
        );
    }
}
