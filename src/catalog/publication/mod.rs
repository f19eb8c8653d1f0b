//! Publications (`pg_publication`). What is in one comes by itself: see `table.rs` and `schema.rs`.

mod schema;
mod table;

pub use schema::PublicationSchema;
pub(super) use schema::{QUERY as SCHEMAS, decode as decode_schema};
pub use table::PublicationTable;
pub(super) use table::{QUERY as TABLES, decode as decode_table};

use super::query::{Query, expr};
use super::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All publications.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "p.oid"),
        expr("name", "p.pubname::text"),
        expr("owner", "pg_get_userbyid(p.pubowner)::text"),
        expr("all_tables", "p.puballtables"),
        expr("insert", "p.pubinsert"),
        expr("update", "p.pubupdate"),
        expr("delete", "p.pubdelete"),
        expr("truncate", "p.pubtruncate").since(11, "false"),
        expr("via_root", "p.pubviaroot").since(13, "false"),
        expr("generated", "p.pubgencols::text").since(18, "'n'::text"),
    ],
    "FROM pg_publication p ORDER BY p.pubname",
);

/// A publication.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its owner.
    pub owner: Ident,
    /// Whether it is for all tables, whatever there will be.
    pub all_tables: bool,
    /// What is published: of insert, update, delete, truncate. May be nothing.
    pub verbs: Vec<&'static str>,
    /// Whether changes in partitions are published as those of the partitioned table.
    pub via_root: bool,
    /// Whether stored generated columns are published (18 and later).
    pub generated: bool,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Publication> {
    let name: String = row.get("name")?;
    let mut verbs = Vec::new();
    for verb in ["insert", "update", "delete", "truncate"] {
        if row.get(verb)? {
            verbs.push(verb);
        }
    }
    let generated = match row.get::<String>("generated")?.as_str() {
        "n" => false,
        "s" => true,
        _ => return Err(Error::malformed("cannot read which generated columns are published").about(name)),
    };
    Ok(Publication {
        id: ObjectId::new(Class::PUBLICATION, row.get("oid")?),
        name: name.into(),
        owner: Ident::new(row.get::<String>("owner")?),
        all_tables: row.get("all_tables")?,
        verbs,
        via_root: row.get("via_root")?,
        generated,
    })
}

impl Render for Publication {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("PUBLICATION {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Publication
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (String::new(), self.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {}", identity);
        if self.all_tables {
            create.push_str(" FOR ALL TABLES");
        }
        // Always said: without it everything is published.
        create.push_str(" WITH (publish = '");
        for (i, verb) in self.verbs.iter().enumerate() {
            if i > 0 {
                create.push_str(", ");
            }
            create.push_str(verb);
        }
        create.push_str("'");
        if self.via_root {
            create.push_str(", publish_via_partition_root = true");
        }
        if self.generated {
            create.push_str(", publish_generated_columns = stored");
        }
        create.push_str(")");
        let mut draft = Draft::new(Kind::Publication, Section::PostData, self.name.as_str(), vec![create])
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn what_is_published_is_always_said() {
        let publication = Publication {
            id: ObjectId::new(Class::PUBLICATION, 1),
            name: "p".into(),
            owner: "own".into(),
            all_tables: true,
            verbs: vec!["insert", "truncate"],
            via_root: true,
            generated: true,
        };
        let create = |publication: &Publication| {
            let draft = publication.draft(Part::Definition, &catalog(18), &Decisions::default()).unwrap();
            texts(&draft.create).concat()
        };
        assert_eq!(
            create(&publication),
            "CREATE PUBLICATION \"p\" FOR ALL TABLES WITH (publish = 'insert, truncate', \
             publish_via_partition_root = true, publish_generated_columns = stored)"
        );
        let nothing =
            Publication { all_tables: false, verbs: vec![], via_root: false, generated: false, ..publication };
        assert_eq!(create(&nothing), "CREATE PUBLICATION \"p\" WITH (publish = '')");
    }
}
