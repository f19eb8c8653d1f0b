//! What hangs on objects of any kind: comments, security labels, and membership in an extension; and what else is no object
//! of its own.

use std::collections::{HashMap, HashSet};

use super::attached::Remark;
use super::collation::UsedCollation;
use super::privileges::AlienAcl;
use super::query::{Query, expr};
use super::{Catalog, Class, Object, ObjectId};
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Literal, Sql, acl};
use crate::wire::session::Row;

/// What hangs on objects, for the whole database.
#[derive(Clone, Debug, Default)]
pub struct Aspects {
    /// Comments on what is ours.
    pub comments: Vec<Comment>,
    /// Security labels on what is ours.
    pub labels: Vec<Label>,
    /// The extension (`pg_extension`) that each of the members of extensions belongs to.
    pub members: HashMap<ObjectId, u32>,
    /// Privileges that were changed on what came with the server or an extension.
    pub alien_acls: Vec<AlienAcl>,
    /// What is said about relations of extensions.
    pub remarks: Vec<Remark>,
    /// Roles whose names are numbers, and which are none the less no dropped ones.
    pub numbered_roles: HashSet<Ident>,
    /// The collations of `pg_catalog` that are used.
    pub used_collations: Vec<UsedCollation>,
    /// Subscriptions whose connection strings may not be read.
    pub unreadable_subscriptions: Vec<String>,
}

impl Aspects {
    /// Whether a name in an access control list is the number of a role that has been dropped.
    pub fn is_dangling(&self, role: &Ident) -> bool {
        acl::may_be_dangling(role) && !self.numbered_roles.contains(role)
    }
}

/// The roles whose names an access control list does not tell from the number of a dropped role.
pub(super) const NUMBERED_ROLES: Query =
    Query::of(&[expr("name", "rolname::text")], "FROM pg_roles WHERE rolname ~ '^[0-9]+$'");

pub(super) fn decode_numbered_role(row: &Row) -> Result<Ident> {
    Ok(Ident::new(row.get::<String>("name")?))
}

/// Which objects belong to extensions.
pub(super) const MEMBERS: Query = Query::of(
    &[expr("class", "classid"), expr("oid", "objid"), expr("extension", "refobjid")],
    "FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass",
);

pub(super) fn decode_member(row: &Row) -> Result<(ObjectId, u32)> {
    Ok((ObjectId::new(Class(row.get("class")?), row.get("oid")?), row.get("extension")?))
}

/// What a comment or a security label is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The object.
    pub object: ObjectId,
    /// The column, or 0.
    pub subid: i32,
    /// What it is called, where it is no object of its own in the [`Catalog`]: a large object, an array or multirange type.
    pub derived: Option<Sql>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What it is on.
    pub on: Target,
    /// What it says; `None` takes one away that a new object has from the start.
    pub text: Option<String>,
}

/// A security label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What it is on.
    pub on: Target,
    /// Who knows what it means.
    pub provider: Ident,
    /// The label.
    pub text: String,
}

/// The name of a type that comes with another one or with a relation, for a query that has the object's `class` and `oid`
/// in `d`.
macro_rules! derived_type {
    () => {
        "CASE WHEN d.class = 'pg_type'::regclass THEN (SELECT format_type(t.oid, NULL)
            FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid = d.oid AND (t.typtype = 'm'
            OR c.relkind <> 'c' OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))) END"
    };
}

/// Comments on what is ours, that is, neither the server's nor an extension's (a large object may have any number); and on
/// `public`, on `plpgsql` and on extensions, where these are not what a new database has (PostgreSQL,
/// `src/bin/initdb/initdb.c` and `src/pl/plpgsql/src/plpgsql.control`; `CREATE EXTENSION` makes a comment of its own).
pub(super) const COMMENTS: Query = Query::of(
    &[
        expr("class", "d.class"),
        expr("oid", "d.oid"),
        expr("subid", "d.subid"),
        expr("comment", "d.comment"),
        expr("derived", derived_type!()),
    ],
    "FROM (
        SELECT classoid AS class, objoid AS oid, objsubid AS subid, description AS comment
        FROM pg_description
        WHERE objoid >= 16384 OR classoid = 'pg_largeobject'::regclass
        UNION ALL
        SELECT 'pg_namespace'::regclass, oid, 0, obj_description(oid, 'pg_namespace')
        FROM pg_namespace WHERE nspname = 'public' AND (oid < 16384 OR obj_description(oid, 'pg_namespace') IS NULL)
        UNION ALL
        SELECT 'pg_extension'::regclass, oid, 0, obj_description(oid, 'pg_extension')
        FROM pg_extension WHERE oid < 16384 OR obj_description(oid, 'pg_extension') IS NULL
    ) d
    LEFT JOIN pg_namespace n ON d.class = 'pg_namespace'::regclass AND n.oid = d.oid
    LEFT JOIN pg_extension x ON d.class = 'pg_extension'::regclass AND x.oid = d.oid
    WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.class AND e.objid = d.oid AND e.deptype = 'e')
        AND (n.nspname = 'public' AND d.comment = 'standard public schema') IS NOT TRUE
        AND (x.extname = 'plpgsql' AND d.comment = 'PL/pgSQL procedural language') IS NOT TRUE
    ORDER BY d.class, d.oid, d.subid",
);

pub(super) fn decode_comment(row: &Row) -> Result<Comment> {
    Ok(Comment { on: Target::decode(row)?, text: row.get("comment")? })
}

/// Security labels on what is ours. That of the database belongs to [`Database`](super::Database).
pub(super) const LABELS: Query = Query::of(
    &[
        expr("class", "d.class"),
        expr("oid", "d.oid"),
        expr("subid", "d.subid"),
        expr("provider", "d.provider"),
        expr("label", "d.label"),
        expr("derived", derived_type!()),
    ],
    "FROM (SELECT classoid AS class, objoid AS oid, objsubid AS subid, provider, label FROM pg_seclabel) d
    WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.class AND e.objid = d.oid AND e.deptype = 'e')
    ORDER BY d.class, d.oid, d.subid, d.provider",
);

pub(super) fn decode_label(row: &Row) -> Result<Label> {
    let provider = Ident::new(row.get::<String>("provider")?);
    Ok(Label { on: Target::decode(row)?, provider, text: row.get("label")? })
}

impl Target {
    fn decode(row: &Row) -> Result<Self> {
        let object = ObjectId::new(Class(row.get("class")?), row.get("oid")?);
        let derived = match row.get::<Option<String>>("derived")? {
            Some(name) => Some(sql!("TYPE {}", Sql::deparsed(name))),
            None if object.class == Class::LARGE_OBJECT => Some(sql!("LARGE OBJECT {}", object.oid)),
            None => None,
        };
        Ok(Self { object, subid: row.get("subid")?, derived })
    }

    /// What follows `ON`; `None` where the object is of a kind that is not carried (which the catalog lists as such).
    fn name(&self, catalog: &Catalog) -> Option<Sql> {
        if self.derived.is_some() {
            return self.derived.clone();
        }
        let object = catalog.get(self.object)?;
        if self.subid == 0 {
            return Some(object.render().identity(catalog));
        }
        let column = object.render().column(self.subid)?;
        let relation = match object {
            Object::Type(composite) => &composite.name,
            _ => catalog.relation_name(self.object.oid)?,
        };
        Some(sql!("COLUMN {}.{}", relation, column))
    }
}

impl Comment {
    /// The statement, and `None` where the object is of a kind that is not carried.
    pub fn statement(&self, catalog: &Catalog) -> Option<Sql> {
        let target = self.on.name(catalog)?;
        Some(match &self.text {
            Some(text) => sql!("COMMENT ON {} IS {}", target, Literal(text)),
            None => sql!("COMMENT ON {} IS NULL", target),
        })
    }
}

impl Label {
    /// The statement, and `None` where the object is of a kind that is not carried.
    pub fn statement(&self, catalog: &Catalog) -> Option<Sql> {
        Some(label(&self.provider, &self.on.name(catalog)?, &self.text))
    }
}

/// The statement that puts a label on something.
pub(super) fn label(provider: &Ident, target: &Sql, text: &str) -> Sql {
    sql!("SECURITY LABEL FOR {} ON {} IS {}", provider, target, Literal(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::table::{Column, testing::table};
    use crate::catalog::testing::holding;

    #[test]
    fn labels_are_on_objects_columns_and_what_comes_with_others() {
        let table = table(7, "t", vec![Column::plain(1, "a\"b", "integer")]);
        let catalog = holding(18, vec![table.into()]);
        let on = |object, subid, derived| Target { object, subid, derived };
        let text = |on| Label { on, provider: "dummy p".into(), text: "it's".into() }.statement(&catalog);
        let relation = ObjectId::relation(7);
        let shown = |on| text(on).map(|sql| sql.to_string());
        assert_eq!(
            shown(on(relation, 0, None)).unwrap(),
            r#"SECURITY LABEL FOR "dummy p" ON TABLE "s"."t" IS 'it''s'"#
        );
        assert!(shown(on(relation, 1, None)).unwrap().contains(r#" ON COLUMN "s"."t"."a""b" IS "#));
        let large = Some(Sql::constant("LARGE OBJECT 5"));
        assert!(shown(on(ObjectId::new(Class::LARGE_OBJECT, 5), 0, large)).unwrap().contains(" ON LARGE OBJECT 5 IS "));
        assert_eq!(shown(on(ObjectId::relation(8), 0, None)), None);
    }
}
