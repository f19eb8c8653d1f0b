//! Text search parsers (`pg_ts_parser`): what cuts a document into tokens. They have no owner.

use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Users' parsers.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "p.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "p.prsname::text"),
        expr("start", "p.prsstart::regproc::text"),
        expr("token", "p.prstoken::regproc::text"),
        expr("end", "p.prsend::regproc::text"),
        expr("headline", "nullif(p.prsheadline::oid, 0)::regproc::text"),
        expr("types", "p.prslextype::regproc::text"),
    ],
    concat!(
        "FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, p.prsname"
    ),
);

/// A text search parser.
#[derive(Clone, Debug)]
pub struct TextSearchParser {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// The function that begins a document.
    pub start: Sql,
    /// The function that gives the next token.
    pub token: Sql,
    /// The function that ends a document.
    pub end: Sql,
    /// The function that marks what was found.
    pub headline: Option<Sql>,
    /// The function that lists the types of tokens.
    pub types: Sql,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<TextSearchParser> {
    let function = |name| row.get::<String>(name).map(Sql::deparsed);
    Ok(TextSearchParser {
        id: ObjectId::new(Class::TS_PARSER, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        start: function("start")?,
        token: function("token")?,
        end: function("end")?,
        headline: row.get::<Option<String>>("headline")?.map(Sql::deparsed),
        types: function("types")?,
    })
}

impl Render for TextSearchParser {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        super::identity(Kind::TextSearchParser, &self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::TextSearchParser
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        super::sort_key(&self.name)
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let mut create = sql!(
            "CREATE {} (START = {}, GETTOKEN = {}, END = {}",
            self.identity(catalog),
            self.start,
            self.token,
            self.end
        );
        if let Some(headline) = &self.headline {
            create.push(&sql!(", HEADLINE = {}", headline));
        }
        create.push(&sql!(", LEXTYPES = {})", self.types));
        Some(super::draft(Kind::TextSearchParser, &self.name, vec![create]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn all_functions() {
        let parser = TextSearchParser {
            id: ObjectId::new(Class::TS_PARSER, 1),
            name: QualName::new("s", "p"),
            start: Sql::constant("a"),
            token: Sql::constant("b"),
            end: Sql::constant("c"),
            headline: Some(Sql::constant("d")),
            types: Sql::constant("e"),
        };
        let draft = parser.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [r#"CREATE TEXT SEARCH PARSER "s"."p" (START = a, GETTOKEN = b, END = c, HEADLINE = d, LEXTYPES = e)"#]
        );
        assert!(draft.owner.is_none());
    }
}
