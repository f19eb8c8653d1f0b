//! Procedural languages (`pg_language`). Those of extensions come with them.

use super::query::{Query, expr};
use super::*;
use crate::error::Result;
use crate::sql;
use crate::sql::acl::AclKind;
use crate::wire::session::Row;

/// A procedural language.
#[derive(Clone, Debug)]
pub struct Language {
    /// Which object this is.
    pub id: ObjectId,
    /// Its name.
    pub name: Ident,
    /// Its privileges and owner. Only what is trusted can be granted.
    pub acl: Acl,
    /// Whether everybody may use it.
    pub trusted: bool,
    /// What runs its functions.
    pub handler: Sql,
    /// What runs `DO` blocks.
    pub inline: Option<Sql>,
    /// What looks at new functions.
    pub validator: Option<Sql>,
}

/// Languages that are no system objects (`src/include/access/transam.h`, `FirstNormalObjectId`).
pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "l.oid"),
        expr("name", "l.lanname::text"),
        expr("owner", "pg_get_userbyid(l.lanowner)::text"),
        expr("acl", "CASE WHEN l.lanpltrusted THEN l.lanacl::text[] END"),
        expr("acl_base", "acldefault('l', l.lanowner)::text[]"),
        expr("trusted", "l.lanpltrusted"),
        expr("handler", "l.lanplcallfoid::regproc::text"),
        expr("inline", "nullif(l.laninline, 0)::regproc::text"),
        expr("validator", "nullif(l.lanvalidator, 0)::regproc::text"),
    ],
    "FROM pg_language l WHERE l.lanispl AND l.oid >= 16384 ORDER BY l.lanname",
);

pub(super) fn decode(row: &Row) -> Result<Language> {
    let optional = |name| row.get::<Option<String>>(name).map(|text| text.map(Sql::deparsed));
    Ok(Language {
        id: ObjectId::new(Class::LANGUAGE, row.get("oid")?),
        name: Ident::new(row.get::<String>("name")?),
        acl: Acl::decode(row, AclKind::Language)?,
        trusted: row.get("trusted")?,
        handler: Sql::deparsed(row.get::<String>("handler")?),
        inline: optional("inline")?,
        validator: optional("validator")?,
    })
}

impl Render for Language {
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("LANGUAGE {}", self.name)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::Language
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        (self.name.as_str().to_owned(), String::new())
    }

    fn section(&self, _part: Part) -> Section {
        Section::PreData
    }

    fn draft(&self, _part: Part, catalog: &Catalog, _how: &Decisions) -> Option<Draft> {
        let trusted = if self.trusted { "TRUSTED " } else { "" };
        let mut create = sql!("CREATE {}LANGUAGE {} HANDLER {}", trusted, self.name, self.handler);
        if let Some(inline) = &self.inline {
            create.push(&sql!(" INLINE {}", inline));
        }
        if let Some(validator) = &self.validator {
            create.push(&sql!(" VALIDATOR {}", validator));
        }
        let identity = self.identity(catalog);
        let mut draft = Draft::new(Kind::Language, Section::PreData, self.name.as_str(), vec![create])
            .owned_by(&self.acl.owner, identity.clone());
        draft.remove = Some(sql!("DROP {}", identity));
        Some(draft)
    }

    fn acl(&self) -> Option<&Acl> {
        Some(&self.acl)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, plain, texts};
    use super::*;

    #[test]
    fn with_all_its_functions() {
        let language = Language {
            id: ObjectId::new(Class::LANGUAGE, 20_000),
            name: "pl\"x".into(),
            acl: plain(AclKind::Language, "own"),
            trusted: true,
            handler: Sql::constant("\"s\".\"call\""),
            inline: Some(Sql::constant("\"s\".\"inline\"")),
            validator: None,
        };
        let draft = language.draft(Part::Definition, &catalog(15), &Decisions::default()).unwrap();
        assert_eq!(
            texts(&draft.create),
            ["CREATE TRUSTED LANGUAGE \"pl\"\"x\" HANDLER \"s\".\"call\" INLINE \"s\".\"inline\""]
        );
    }
}
