//! Default privileges (`pg_default_acl`): what objects are given that a role makes from now on.

use super::query::{Query, expr, in_user_schema};
use super::*;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::acl::{AclItem, AclKind, Grants};
use crate::wire::session::Row;

/// Default privileges of one role, for one kind of objects, in one schema or in all.
#[derive(Clone, Debug)]
pub struct DefaultAcl {
    /// Which object this is.
    pub id: ObjectId,
    /// Whose objects they are for.
    pub role: Ident,
    /// The schema, unless they are for all.
    pub schema: Option<Ident>,
    /// What they are for.
    pub objects: DefaultFor,
    /// What they are without this: for one schema nothing, since they are added to those for all.
    pub base: Vec<AclItem>,
    /// What they are.
    pub items: Vec<AclItem>,
}

/// The kinds of objects that have default privileges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultFor {
    /// Tables and views.
    Tables,
    /// Sequences.
    Sequences,
    /// Functions, procedures, aggregates.
    Functions,
    /// Types and domains.
    Types,
    /// Schemas.
    Schemas,
    /// Large objects (18 and later).
    LargeObjects,
}

impl DefaultFor {
    /// The kind behind `defaclobjtype`.
    const fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'r' => Self::Tables,
            'S' => Self::Sequences,
            'f' => Self::Functions,
            'T' => Self::Types,
            'n' => Self::Schemas,
            'L' => Self::LargeObjects,
            _ => return None,
        })
    }

    /// The word for them, and which privileges there are.
    const fn described(self) -> (&'static str, AclKind) {
        match self {
            Self::Tables => ("TABLES", AclKind::Table),
            Self::Sequences => ("SEQUENCES", AclKind::Sequence),
            Self::Functions => ("FUNCTIONS", AclKind::Function),
            Self::Types => ("TYPES", AclKind::Type),
            Self::Schemas => ("SCHEMAS", AclKind::Schema),
            Self::LargeObjects => ("LARGE OBJECTS", AclKind::LargeObject),
        }
    }
}

pub(super) const QUERY: Query = Query::of(
    &[
        expr("oid", "d.oid"),
        expr("role", "pg_get_userbyid(d.defaclrole)::text"),
        expr("schema", "n.nspname::text"),
        expr("kind", "d.defaclobjtype::text"),
        expr(
            "acl_base",
            "CASE WHEN n.oid IS NULL
                THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)::text[]
                ELSE '{}' END",
        ),
        expr("acl", "d.defaclacl::text[]"),
    ],
    concat!(
        "FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
        WHERE n.oid IS NULL OR ",
        in_user_schema!(),
        " ORDER BY role, schema, kind"
    ),
);

pub(super) fn decode(row: &Row) -> Result<DefaultAcl> {
    let kind: String = row.get("kind")?;
    let objects = kind.chars().next().and_then(DefaultFor::from_letter);
    let objects = objects.ok_or_else(|| Error::malformed("cannot read default privileges").about(kind))?;
    let (base, items): (Vec<String>, Vec<String>) = (row.get("acl_base")?, row.get("acl")?);
    let (_, acl_kind) = objects.described();
    Ok(DefaultAcl {
        id: ObjectId::new(Class::DEFAULT_ACL, row.get("oid")?),
        role: Ident::new(row.get::<String>("role")?),
        schema: row.get::<Option<String>>("schema")?.map(Ident::new),
        objects,
        base: AclItem::parse_all(&base, acl_kind)?,
        items: AclItem::parse_all(&items, acl_kind)?,
    })
}

impl DefaultAcl {
    /// The roles in it, with repetitions.
    pub fn roles(&self) -> impl Iterator<Item = &Ident> {
        [&self.role].into_iter().chain(sql::acl::roles(&self.items))
    }

    /// The roles in it, to be changed.
    pub(super) fn roles_mut(&mut self) -> impl Iterator<Item = &mut Ident> {
        let lists = sql::acl::roles_mut(&mut self.base).chain(sql::acl::roles_mut(&mut self.items));
        [&mut self.role].into_iter().chain(lists)
    }

    fn prefix(&self) -> Sql {
        match &self.schema {
            Some(schema) => sql!("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA {}", self.role, schema),
            None => sql!("ALTER DEFAULT PRIVILEGES FOR ROLE {}", self.role),
        }
    }
}

impl Render for DefaultAcl {
    /// They take neither comments nor owners; this is what to call them.
    fn identity(&self, _catalog: &Catalog) -> Sql {
        sql!("{} ON {}", self.prefix(), self.objects.described().0)
    }

    fn priority(&self, _part: Part) -> Priority {
        Priority::DefaultAcl
    }

    fn sort_key(&self, _catalog: &Catalog) -> (String, String) {
        let schema = self.schema.as_ref().map_or("", Ident::as_str);
        (schema.to_owned(), format!("{} {}", self.role.as_str(), self.objects.described().0))
    }

    fn section(&self, _part: Part) -> Section {
        Section::Last
    }

    fn draft(&self, _part: Part, catalog: &Catalog, how: &Decisions) -> Option<Draft> {
        let (word, kind) = self.objects.described();
        let (target, prefix) = (Sql::constant(word), self.prefix());
        let grants = Grants { kind, target: &target, column: None, prefix: Some(&prefix), owner: &self.role };
        let (base, items) = (how.counted(&self.base, kind), how.counted(&self.items, kind));
        let create = grants.statements(&base, &items, |role| catalog.aspects.is_dangling(role));
        if create.is_empty() || how.without_privileges {
            return None;
        }
        let draft = Draft::new(Kind::DefaultAcl, Section::Last, format!("DEFAULT PRIVILEGES FOR {word}"), create);
        Some(match &self.schema {
            Some(schema) => draft.within(schema),
            None => draft,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{catalog, texts};
    use super::*;

    fn created(schema: Option<&str>, objects: DefaultFor, base: &[&str], items: &[&str]) -> Vec<String> {
        let parse = |list: &[&str]| AclItem::parse_all(list, objects.described().1).unwrap();
        let id = ObjectId::new(Class::DEFAULT_ACL, 1);
        let acl = DefaultAcl {
            id,
            role: "own".into(),
            schema: schema.map(Ident::from),
            objects,
            base: parse(base),
            items: parse(items),
        };
        let draft = acl.draft(Part::Definition, &catalog(18), &Decisions::default());
        draft.map(|d| texts(&d.create).into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    #[test]
    fn for_all_schemas_what_everybody_had_is_revoked() {
        assert_eq!(
            created(None, DefaultFor::Functions, &["=X/own", "own=X/own"], &["own=X/own", "b=X/own"]),
            [
                "ALTER DEFAULT PRIVILEGES FOR ROLE \"own\" REVOKE ALL ON FUNCTIONS FROM PUBLIC",
                "ALTER DEFAULT PRIVILEGES FOR ROLE \"own\" GRANT ALL ON FUNCTIONS TO \"b\"",
            ]
        );
    }

    #[test]
    fn for_one_schema_they_are_added() {
        assert_eq!(
            created(Some("s"), DefaultFor::Tables, &[], &["own=r/own"]),
            ["ALTER DEFAULT PRIVILEGES FOR ROLE \"own\" IN SCHEMA \"s\" GRANT SELECT ON TABLES TO \"own\""]
        );
        assert!(created(Some("s"), DefaultFor::Sequences, &[], &[]).is_empty());
    }
}
