//! Schemas of publications (`pg_publication_namespace`): all their tables, whatever there will be.

use crate::catalog::query::{Query, expr};
use crate::catalog::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All schemas of publications. For servers with `has_schema_publications` only.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "s.oid"),
        expr("publication", "s.pnpubid"),
        expr("publication_name", "p.pubname::text"),
        expr("schema", "s.pnnspid"),
        expr("schema_name", "n.nspname::text"),
    ],
    "FROM pg_publication_namespace s JOIN pg_publication p ON p.oid = s.pnpubid
        JOIN pg_namespace n ON n.oid = s.pnnspid ORDER BY p.pubname, n.nspname",
);

/// A schema of a publication.
#[derive(Clone, Debug)]
pub struct PublicationSchema {
    /// Which object this is.
    pub id: ObjectId,
    /// The publication (OID).
    pub publication: u32,
    /// Its name.
    pub publication_name: Ident,
    /// The schema (OID).
    pub schema: u32,
    /// Its name.
    pub schema_name: Ident,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<PublicationSchema> {
    Ok(PublicationSchema {
        id: ObjectId::new(Class::PUBLICATION_NAMESPACE, row.get("oid")?),
        publication: row.get("publication")?,
        publication_name: Ident::new(row.get::<String>("publication_name")?),
        schema: row.get("schema")?,
        schema_name: Ident::new(row.get::<String>("schema_name")?),
    })
}

impl Render for PublicationSchema {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("PUBLICATION {} TABLES IN SCHEMA {}", self.publication_name, self.schema_name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::PublicationSchema
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.schema_name.as_str().to_owned(), self.publication_name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, _catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let alter =
            |verb| sql!("ALTER PUBLICATION {} {} TABLES IN SCHEMA {}", self.publication_name, verb, self.schema_name);
        let tag = format!("{} {}", self.publication_name.as_str(), self.schema_name.as_str());
        let mut draft = Draft::new(Kind::PublicationSchema, Section::PostData, tag, vec![alter("ADD")]);
        draft.remove = Some(alter("DROP"));
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        let publication = ObjectId::new(Class::PUBLICATION, self.publication);
        let needs = [publication, ObjectId::new(Class::NAMESPACE, self.schema)];
        needs.into_iter().map(|needs| (Node::definition(self.id), Node::definition(needs))).collect()
    }
}
