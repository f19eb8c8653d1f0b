//! Text search templates (`pg_ts_template`): the code of dictionaries. They have no owner.

use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Users' templates.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "t.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "t.tmplname::text"),
        expr("init", "nullif(t.tmplinit::oid, 0)::regproc::text"),
        expr("lexize", "t.tmpllexize::regproc::text"),
    ],
    concat!(
        "FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, t.tmplname"
    ),
);

/// A text search template.
#[derive(Clone, Debug)]
pub struct TextSearchTemplate {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// The function that prepares a dictionary.
    pub init: Option<Sql>,
    /// The function that looks a token up.
    pub lexize: Sql,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<TextSearchTemplate> {
    Ok(TextSearchTemplate {
        id: ObjectId::new(Class::TS_TEMPLATE, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        init: row.get::<Option<String>>("init")?.map(Sql::deparsed),
        lexize: Sql::deparsed(row.get::<String>("lexize")?),
    })
}

impl Render for TextSearchTemplate {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        super::identity(Kind::TextSearchTemplate, &self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::TextSearchTemplate
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        super::sort_key(&self.name)
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let init = self.init.as_ref().map(|init| sql!("INIT = {}, ", init)).unwrap_or_default();
        let create = sql!("CREATE {} ({}LEXIZE = {})", self.identity(catalog), init, self.lexize);
        Some(super::draft(Kind::TextSearchTemplate, &self.name, vec![create]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn with_and_without_preparation() {
        let template = |init| TextSearchTemplate {
            id: ObjectId::new(Class::TS_TEMPLATE, 1),
            name: QualName::new("s", "t"),
            init,
            lexize: Sql::constant("b"),
        };
        let create = |init| {
            let draft = template(init).draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
            texts(&draft.create).concat()
        };
        assert_eq!(create(None), r#"CREATE TEXT SEARCH TEMPLATE "s"."t" (LEXIZE = b)"#);
        assert_eq!(create(Some(Sql::constant("a"))), r#"CREATE TEXT SEARCH TEMPLATE "s"."t" (INIT = a, LEXIZE = b)"#);
    }
}
