//! Extended statistics (`pg_statistic_ext`): which there are. What is in them comes from ANALYZE.

use super::query::{Query, expr, in_user_schema};
use super::{Catalog, Class, Decisions, Draft, Node, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// All extended statistics. "No target" was -1 up to 16, and is NULL since.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "s.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "s.stxname::text"),
        expr("owner", "pg_get_userbyid(s.stxowner)::text"),
        expr("relation", "s.stxrelid"),
        expr("definition", "pg_get_statisticsobjdef(s.oid)"),
        expr("target", "nullif(s.stxstattarget, -1)::integer").since(13, "NULL::integer"),
    ],
    concat!(
        "FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, s.stxname"
    ),
);

/// Extended statistics.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name. The schema need not be that of the table.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// The table (OID).
    pub relation: u32,
    /// What makes it.
    pub definition: Sql,
    /// How much ANALYZE gathers, where that is not as usual.
    pub target: Option<i32>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(super) fn decode(row: &Row) -> Result<Statistics> {
    Ok(Statistics {
        id: ObjectId::new(Class::STATISTIC_EXT, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        relation: row.get("relation")?,
        definition: Sql::deparsed(row.get::<String>("definition")?),
        target: row.get("target")?,
    })
}

impl Render for Statistics {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("STATISTICS {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Statistics
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PostData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = vec![self.definition.clone()];
        create.extend(self.target.map(|target| sql!("ALTER {} SET STATISTICS {}", identity, target)));
        let mut draft = Draft::new(Kind::Statistics, Section::PostData, self.name.name.as_str(), create)
            .within(&self.name.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        draft.locks = vec![ObjectId::relation(self.relation)];
        Some(draft)
    }

    fn edges(&self, _catalog: &Catalog) -> Vec<(Node, Node)> {
        vec![(Node::definition(self.id), Node::definition(ObjectId::relation(self.relation)))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn a_target_follows() {
        let statistics = Statistics {
            id: ObjectId::new(Class::STATISTIC_EXT, 1),
            name: QualName::new("s", "x"),
            owner: "own".into(),
            relation: 2,
            definition: Sql::constant("CREATE STATISTICS s.x ON a, b FROM s.t"),
            target: Some(0),
        };
        let draft = statistics.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(texts(&draft.create)[1], r#"ALTER STATISTICS "s"."x" SET STATISTICS 0"#);
        assert_eq!(draft.locks, [ObjectId::relation(2)]);
    }
}
