//! Text search dictionaries (`pg_ts_dict`). The files that some of them read have to be on the new server: it says so when
//! the dictionary is made.

use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::{Catalog, Class, Decisions, Draft, ObjectId, Part, Priority, Render};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql};
use crate::toc::{Kind, Section};
use crate::wire::session::Row;

/// Users' dictionaries.
pub(in crate::catalog) const QUERY: Query = Query::of(
    &[
        expr("oid", "d.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "d.dictname::text"),
        expr("owner", "pg_get_userbyid(d.dictowner)::text"),
        expr("template_schema", "tn.nspname::text"),
        expr("template", "t.tmplname::text"),
        expr("options", "nullif(d.dictinitoption, '')"),
    ],
    concat!(
        "FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
        JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, d.dictname"
    ),
);

/// A text search dictionary.
#[derive(Clone, Debug)]
pub struct TextSearchDictionary {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// Its template.
    pub template: QualName,
    /// Its options: `name = value, ...`, quoted by the server that stored them (PostgreSQL,
    /// `src/backend/commands/tsearchcmds.c`, `serialize_deflist`).
    pub options: Option<Sql>,
}

/// One row of [`QUERY`].
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode(row: &Row) -> Result<TextSearchDictionary> {
    Ok(TextSearchDictionary {
        id: ObjectId::new(Class::TS_DICT, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        template: QualName::new(row.get::<String>("template_schema")?, row.get::<String>("template")?),
        options: row.get::<Option<String>>("options")?.map(Sql::deparsed),
    })
}

impl Render for TextSearchDictionary {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        super::identity(Kind::TextSearchDictionary, &self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::TextSearchDictionary
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        super::sort_key(&self.name)
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let mut create = sql!("CREATE {} (TEMPLATE = {}", identity, self.template);
        if let Some(options) = &self.options {
            create.push(&sql!(", {}", options));
        }
        create.push_str(")");
        let draft = super::draft(Kind::TextSearchDictionary, &self.name, vec![create]);
        Some(draft.owned_by(&self.owner, identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::testing::{catalog, texts};

    #[test]
    fn options_follow_the_template() {
        let dictionary = TextSearchDictionary {
            id: ObjectId::new(Class::TS_DICT, 1),
            name: QualName::new("s", "d"),
            owner: "own".into(),
            template: QualName::new("pg_catalog", "simple"),
            options: Some(Sql::constant("stopwords = 'x'")),
        };
        let draft = dictionary.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            [r#"CREATE TEXT SEARCH DICTIONARY "s"."d" (TEMPLATE = "pg_catalog"."simple", stopwords = 'x')"#]
        );
    }
}
