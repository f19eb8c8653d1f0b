//! Transforms (`pg_transform`): how the values of a type look to a language.

use super::query::{Query, expr};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::join;
use crate::wire::session::Row;

/// A transform. It has neither owner nor privileges.
#[derive(Clone, Debug)]
pub struct Transform {
    /// Which object this is.
    pub id: ObjectId,
    /// The type.
    pub data_type: Sql,
    /// The language.
    pub language: Ident,
    /// The function, with its arguments' types, by which values get to the language; the usual way where there is none.
    pub from_sql: Option<Sql>,
    /// The function by which they come back.
    pub to_sql: Option<Sql>,
}

/// Transforms that are no system objects.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "t.oid"),
        expr("data_type", "format_type(t.trftype, NULL)"),
        expr("language", "l.lanname::text"),
        expr("from_sql", "nullif(t.trffromsql::oid, 0)::regprocedure::text"),
        expr("to_sql", "nullif(t.trftosql::oid, 0)::regprocedure::text"),
    ],
    "FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE t.oid >= 16384 ORDER BY 2, 3",
);

pub(super) fn decode(row: &Row) -> Result<Transform> {
    let function = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    Ok(Transform {
        id: ObjectId::new(Class::TRANSFORM, row.get("oid")?),
        data_type: Sql::deparsed(row.get::<String>("data_type")?),
        language: Ident::new(row.get::<String>("language")?),
        from_sql: function("from_sql")?,
        to_sql: function("to_sql")?,
    })
}

impl Render for Transform {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("TRANSFORM FOR {} LANGUAGE {}", self.data_type, self.language)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Transform
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.data_type.as_str().to_owned(), self.language.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let sides = [("FROM SQL", &self.from_sql), ("TO SQL", &self.to_sql)];
        let functions = sides.into_iter().filter_map(|(word, function)| {
            function.as_ref().map(|function| sql!("{} WITH FUNCTION {}", word, function))
        });
        let create = sql!("CREATE {} ({})", identity, join(functions, ", "));
        let tag = format!("{} LANGUAGE {}", self.data_type.as_str(), self.language.as_str());
        let mut draft = Draft::new(Kind::Transform, Section::PreData, tag, vec![create]);
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}
