//! Conversions between encodings (`pg_conversion`).

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::Literal;
use crate::wire::session::Row;

/// A conversion.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: QualName,
    /// Its owner.
    pub owner: Ident,
    /// Whether it is the one that its pair of encodings uses.
    pub default: bool,
    /// The encoding that it reads.
    pub from: String,
    /// The encoding that it writes.
    pub to: String,
    /// What does it.
    pub function: Sql,
}

pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.conname::text"),
        expr("owner", "pg_get_userbyid(c.conowner)::text"),
        expr("is_default", "c.condefault"),
        expr("source", "pg_encoding_to_char(c.conforencoding)::text"),
        expr("target", "pg_encoding_to_char(c.contoencoding)::text"),
        expr("function", "c.conproc::regproc::text"),
    ],
    concat!(
        "FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace WHERE ",
        in_user_schema!(),
        " ORDER BY n.nspname, c.conname"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Conversion> {
    Ok(Conversion {
        id: ObjectId::new(Class::CONVERSION, row.get("oid")?),
        name: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
        owner: Ident::new(row.get::<String>("owner")?),
        default: row.get("is_default")?,
        from: row.get("source")?,
        to: row.get("target")?,
        function: Sql::deparsed(row.get::<String>("function")?),
    })
}

impl Render for Conversion {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("CONVERSION {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Conversion
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.schema.as_str().to_owned(), self.name.name.as_str().to_owned())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let identity = self.identity(catalog);
        let default = if self.default { "DEFAULT " } else { "" };
        let (from, to) = (Literal(&self.from), Literal(&self.to));
        let create = sql!("CREATE {}{} FOR {} TO {} FROM {}", default, identity, from, to, self.function);
        let mut draft = Draft::new(Kind::Conversion, Section::PreData, self.name.name.as_str(), vec![create])
            .within(&self.name.schema)
            .owned_by(&self.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    #[test]
    fn one_that_is_the_default() {
        let conversion = Conversion {
            id: ObjectId::new(Class::CONVERSION, 20_000),
            name: QualName::new("s", "c"),
            owner: "own".into(),
            default: true,
            from: "LATIN1".into(),
            to: "UTF8".into(),
            function: Sql::constant("\"pg_catalog\".\"iso8859_1_to_utf8\""),
        };
        let draft = conversion.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        let expected =
            "CREATE DEFAULT CONVERSION \"s\".\"c\" FOR 'LATIN1' TO 'UTF8' FROM \"pg_catalog\".\"iso8859_1_to_utf8\"";
        assert_eq!(texts(&draft.create), [expected]);
    }
}
