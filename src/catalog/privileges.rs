//! Privileges: those that an object of ours carries, and those that were changed on what is not ours.

use std::borrow::Cow;

use super::query::{Query, expr};
use super::{Catalog, Class, Decisions, ObjectId};
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::acl::{self, AclItem, AclKind, Grants};
use crate::sql::{Ident, Literal, QualName, Sql};
use crate::wire::session::Row;

/// The privileges on one object, with its columns where it has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Which privileges there are.
    pub kind: AclKind,
    /// The object's owner.
    pub owner: Ident,
    /// What was set; `None` is what every new object has. An empty list is no privilege at all, not even the owner's.
    pub items: Option<Vec<AclItem>>,
    /// What a new object has.
    pub base: Vec<AclItem>,
    /// What it has on servers of this major and later, where that differs: the schema `public` is there from the start.
    pub base_since: Option<(u32, Vec<AclItem>)>,
    /// What was set on columns, system columns included.
    pub columns: Vec<(Ident, Vec<AclItem>)>,
}

impl Acl {
    /// The privileges on an object. The lists are in the server's text form: `base` is `acldefault(..)::text[]`,
    /// `items` the catalog's own column.
    ///
    /// # Errors
    /// * If an item is malformed.
    pub fn new(kind: AclKind, owner: Ident, base: &[String], items: Option<&[String]>) -> Result<Self> {
        Ok(Self {
            kind,
            owner,
            items: items.map(|items| AclItem::parse_all(items, kind)).transpose()?,
            base: AclItem::parse_all(base, kind)?,
            base_since: None,
            columns: Vec::new(),
        })
    }

    /// The privileges in a row with the columns `owner` (text), `acl` and `acl_base` (text[]).
    pub(super) fn decode(row: &Row, kind: AclKind) -> Result<Self> {
        let (owner, base): (String, Vec<String>) = (row.get("owner")?, row.get("acl_base")?);
        let items: Option<Vec<String>> = row.get("acl")?;
        Self::new(kind, Ident::new(owner), &base, items.as_deref())
    }

    /// Adds what was set on a column (`attacl::text[]`).
    ///
    /// # Errors
    /// * If an item is malformed.
    pub fn add_column(&mut self, name: Ident, items: &[String]) -> Result<()> {
        self.columns.push((name, AclItem::parse_all(items, AclKind::Column)?));
        Ok(())
    }

    /// The statements that give a new object these privileges; `target` is what they are granted on
    /// ([`Render::grant_target`](super::Render::grant_target)). Some come in threes that must run in one session: become
    /// the grantor, grant, become oneself again.
    pub fn statements(&self, target: &Sql, catalog: &Catalog, how: &Decisions) -> Vec<Sql> {
        let base = match &self.base_since {
            Some((major, base)) if how.target >= *major => base,
            _ => &self.base,
        };
        let grants = Grants { kind: self.kind, target, column: None, prefix: None, owner: &self.owner };
        let dangling = |role: &Ident| catalog.aspects.is_dangling(role);
        let mut out = match &self.items {
            Some(items) => grants.statements(&how.counted(base, self.kind), &how.counted(items, self.kind), dangling),
            None => Vec::new(),
        };
        for (column, items) in &self.columns {
            let grants = Grants { kind: AclKind::Column, column: Some(column), ..grants };
            out.extend(grants.statements(&[], items, dangling));
        }
        out
    }

    /// The roles that have been granted something or have granted it, with repetitions.
    pub fn roles(&self) -> impl Iterator<Item = &Ident> {
        let columns = self.columns.iter().flat_map(|(_, items)| acl::roles(items));
        acl::roles(self.items.as_deref().unwrap_or_default()).chain(columns)
    }
}

impl Acl {
    /// The roles in it, the owner included, to be changed.
    pub(super) fn roles_mut(&mut self) -> impl Iterator<Item = &mut Ident> {
        let lists =
            self.items.iter_mut().chain([&mut self.base]).chain(self.base_since.iter_mut().map(|(_, base)| base));
        let lists = lists.chain(self.columns.iter_mut().map(|(_, items)| items));
        [&mut self.owner].into_iter().chain(lists.flat_map(|items| acl::roles_mut(items)))
    }
}

impl Decisions {
    /// The items of a list as far as their privileges count: see [`Decisions::as_known_by`].
    pub(super) fn counted<'a>(&self, items: &'a [AclItem], kind: AclKind) -> Cow<'a, [AclItem]> {
        match self.as_known_by {
            Some(major) => items.iter().map(|item| item.known_to(major, kind)).collect(),
            None => Cow::Borrowed(items),
        }
    }
}

/// Privileges that were changed on an object which is not ours, because it came with the server or with an extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlienAcl {
    /// The object.
    pub object: ObjectId,
    /// What it is called, for people.
    pub label: String,
    /// What they are granted on.
    pub target: Sql,
    /// An expression that is true where the new server has such an object: a later version may have dropped or changed it.
    pub exists: Sql,
    /// Which privileges there are.
    pub kind: AclKind,
    /// The column, for privileges on one.
    pub column: Option<Ident>,
    /// The object's owner.
    pub owner: Ident,
    /// What it had when it was made (`pg_init_privs`, else what every object of its kind has).
    pub base: Vec<AclItem>,
    /// What it has.
    pub items: Vec<AclItem>,
}

/// Where the privileges on an object that came with the server or an extension are not those that it came with.
/// Types of arrays and TOAST tables have none of their own. `public` is treated as a user's. What initdb grants on the
/// information schema (`src/backend/catalog/information_schema.sql`, the same from 12 to 18) is in no `pg_init_privs`.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("class", "o.class"),
        expr("oid", "o.oid"),
        expr("kind", "o.kind"),
        expr("schema", "o.schema::text"),
        expr("name", "o.name::text"),
        expr("attribute", "o.attribute::text"),
        expr(
            "types",
            "CASE WHEN o.kind = 'f' THEN (SELECT coalesce(string_agg(format_type(a.type, NULL), ', ' ORDER BY a.n), '')
                FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY AS a(type, n) WHERE p.oid = o.oid) END",
        ),
        expr("owner", "pg_get_userbyid(o.owner)::text"),
        expr("acl", "coalesce(o.acl, o.usual)::text[]"),
        expr("acl_base", "coalesce(i.initprivs, o.usual)::text[]"),
        expr("member", "m.member"),
    ],
    "FROM (
        SELECT 'pg_class'::regclass::oid AS class, c.oid, 0 AS subid, CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END AS kind,
            n.nspname AS schema, c.relname AS name, NULL::name AS attribute, c.relowner AS owner, c.relacl AS acl,
            acldefault(CASE c.relkind WHEN 'S' THEN 's'::\"char\" ELSE 'r' END, c.relowner)
                || CASE WHEN n.nspname = 'information_schema' AND c.relname NOT IN ('sql_parts', 'transforms')
                    AND c.relname !~ '^_' THEN ARRAY[makeaclitem(0, c.relowner, 'SELECT', false)] ELSE '{}' END AS usual
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'v', 'm', 'S', 'f', 'p')
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid, a.attnum, 'c', n.nspname, c.relname, a.attname, c.relowner, a.attacl, '{}'
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT a.attisdropped AND (a.attacl IS NOT NULL
            OR a.attrelid IN (SELECT i.objoid FROM pg_init_privs i WHERE i.classoid = 'pg_class'::regclass AND i.objsubid <> 0))
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, 0, 'f', n.nspname, p.proname, NULL, p.proowner, p.proacl,
            acldefault('f', p.proowner)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        UNION ALL
        SELECT 'pg_type'::regclass, t.oid, 0, 'T', n.nspname, t.typname, NULL, t.typowner, t.typacl,
            acldefault('T', t.typowner)
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        UNION ALL
        SELECT 'pg_namespace'::regclass, n.oid, 0, 'n', NULL, n.nspname, NULL, n.nspowner, n.nspacl,
            acldefault('n', n.nspowner) || CASE WHEN n.nspname = 'information_schema'
                THEN ARRAY[makeaclitem(0, n.nspowner, 'USAGE', false)] ELSE '{}' END
        FROM pg_namespace n WHERE n.nspname <> 'public' AND n.nspname !~ '^pg_(toast|temp)'
        UNION ALL
        SELECT 'pg_language'::regclass, l.oid, 0, 'l', NULL, l.lanname, NULL, l.lanowner, l.lanacl,
            acldefault('l', l.lanowner)
        FROM pg_language l WHERE l.lanpltrusted
        UNION ALL
        SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, 'F', NULL, w.fdwname, NULL, w.fdwowner, w.fdwacl,
            acldefault('F', w.fdwowner)
        FROM pg_foreign_data_wrapper w
        UNION ALL
        SELECT 'pg_foreign_server'::regclass, s.oid, 0, 'S', NULL, s.srvname, NULL, s.srvowner, s.srvacl,
            acldefault('S', s.srvowner)
        FROM pg_foreign_server s
    ) o
    LEFT JOIN pg_init_privs i ON i.classoid = o.class AND i.objoid = o.oid AND i.objsubid = o.subid
    CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e') AS member) m
    WHERE coalesce(o.acl, o.usual) IS DISTINCT FROM coalesce(i.initprivs, o.usual) AND (o.oid < 16384 OR m.member)
    ORDER BY o.class, o.schema, o.name, o.oid, o.subid",
);

pub(super) fn decode(row: &Row) -> Result<AlienAcl> {
    let (class, oid): (u32, u32) = (row.get("class")?, row.get("oid")?);
    let (letter, name): (String, String) = (row.get("kind")?, row.get("name")?);
    let schema: Option<String> = row.get("schema")?;
    let kind = letter.chars().next().and_then(AclKind::from_letter);
    let kind = kind.ok_or_else(|| Error::malformed("cannot read privileges").about(&letter))?;
    let (base, items): (Vec<String>, Vec<String>) = (row.get("acl_base")?, row.get("acl")?);
    let types: Option<String> = row.get("types")?;
    let column = row.get::<Option<String>>("attribute")?.map(Ident::new);
    let label = schema.iter().chain([&name]).map(String::as_str).collect::<Vec<_>>().join(".");
    let full = match schema {
        Some(schema) => sql!("{}", QualName::new(schema, name.as_str())),
        None => sql!("{}", Ident::new(name.as_str())),
    };
    let (target, exists) = named(kind, full, &name, column.as_ref(), types.map(Sql::deparsed));
    Ok(AlienAcl {
        object: ObjectId::new(Class(class), oid),
        label,
        target,
        exists,
        kind,
        column,
        owner: Ident::new(row.get::<String>("owner")?),
        base: AclItem::parse_all(&base, kind)?,
        items: AclItem::parse_all(&items, kind)?,
    })
}

/// What privileges are granted on, and the expression that is true where it exists. `full` is the name as statements have
/// it, `types` those of a function's input arguments.
fn named(kind: AclKind, full: Sql, bare: &str, column: Option<&Ident>, types: Option<Sql>) -> (Sql, Sql) {
    let by_name = |word: &'static str, catalog: &'static str, attribute: &'static str| {
        let exists = sql!("EXISTS (SELECT FROM pg_catalog.{} WHERE {} = {})", catalog, attribute, Literal(bare));
        (sql!("{} {}", word, full), exists)
    };
    let resolved = |word: &'static str, function: &'static str, full: &Sql| {
        (sql!("{} {}", word, full), sql!("pg_catalog.{}({}) IS NOT NULL", function, Literal(full.as_str())))
    };
    match kind {
        AclKind::Table => resolved("TABLE", "to_regclass", &full),
        AclKind::Sequence => resolved("SEQUENCE", "to_regclass", &full),
        AclKind::Column => {
            let exists = sql!(
                "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) AND attname = {})",
                Literal(full.as_str()),
                Literal(column.map_or("", Ident::as_str)),
            );
            (sql!("TABLE {}", full), exists)
        }
        AclKind::Function => resolved("ROUTINE", "to_regprocedure", &sql!("{}({})", full, types.unwrap_or_default())),
        AclKind::Type => resolved("TYPE", "to_regtype", &full),
        AclKind::Schema => resolved("SCHEMA", "to_regnamespace", &full),
        AclKind::Language => by_name("LANGUAGE", "pg_language", "lanname"),
        AclKind::ForeignDataWrapper => by_name("FOREIGN DATA WRAPPER", "pg_foreign_data_wrapper", "fdwname"),
        AclKind::Server => by_name("FOREIGN SERVER", "pg_foreign_server", "srvname"),
        AclKind::Database => by_name("DATABASE", "pg_database", "datname"),
        AclKind::Tablespace => by_name("TABLESPACE", "pg_tablespace", "spcname"),
        // These two never come from an extension or with the server.
        AclKind::LargeObject => (sql!("LARGE OBJECT {}", full), Sql::constant("true")),
        AclKind::Parameter => (sql!("PARAMETER {}", full), Sql::constant("true")),
    }
}

impl AlienAcl {
    /// The statements that make the same change on another server. As [`Acl::statements`].
    pub fn statements(&self, catalog: &Catalog) -> Vec<Sql> {
        let (target, column) = (&self.target, self.column.as_ref());
        let grants = Grants { kind: self.kind, target, column, prefix: None, owner: &self.owner };
        grants.statements(&self.base, &self.items, |role| catalog.aspects.is_dangling(role))
    }

    /// The roles in it, with repetitions.
    pub fn roles(&self) -> impl Iterator<Item = &Ident> {
        acl::roles(&self.items)
    }

    /// The roles in it, the owner included, to be changed.
    pub(super) fn roles_mut(&mut self) -> impl Iterator<Item = &mut Ident> {
        let lists = acl::roles_mut(&mut self.base).chain(acl::roles_mut(&mut self.items));
        [&mut self.owner].into_iter().chain(lists)
    }
}
