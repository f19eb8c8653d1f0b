//! What hangs on objects of any kind: comments, and membership in an extension.

use std::collections::{HashMap, HashSet};

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
    /// The extension (`pg_extension`) that each of the members of extensions belongs to.
    pub members: HashMap<ObjectId, u32>,
    /// Privileges that were changed on what came with the server or an extension.
    pub alien_acls: Vec<AlienAcl>,
    /// Roles whose names are numbers, and which are none the less no dropped ones.
    pub numbered_roles: HashSet<Ident>,
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

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The object.
    pub object: ObjectId,
    /// The column, or 0.
    pub subid: i32,
    /// What it says; `None` takes one away that a new object has from the start.
    pub text: Option<String>,
    /// What it is on, where that is no object of its own in the [`Catalog`]: a large object, an array or multirange type.
    pub target: Option<Sql>,
}

/// Comments on what is ours, that is, neither the server's nor an extension's; and on `public`, on `plpgsql` and on
/// extensions, where these are not what a new database has (PostgreSQL, `src/bin/initdb/initdb.c` and
/// `src/pl/plpgsql/src/plpgsql.control`; `CREATE EXTENSION` makes a comment of its own).
pub(super) const COMMENTS: Query = Query::of(
    &[
        expr("class", "d.class"),
        expr("oid", "d.oid"),
        expr("subid", "d.subid"),
        expr("comment", "d.comment"),
        expr(
            "derived",
            "CASE WHEN d.class = 'pg_type'::regclass THEN (SELECT format_type(t.oid, NULL)
                FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid = d.oid AND (t.typtype = 'm'
                OR c.relkind <> 'c' OR EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid))) END",
        ),
    ],
    "FROM (
        SELECT classoid AS class, objoid AS oid, objsubid AS subid, description AS comment
        FROM pg_description
        WHERE objoid >= 16384
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
    let object = ObjectId::new(Class(row.get("class")?), row.get("oid")?);
    let derived: Option<String> = row.get("derived")?;
    let target = match derived {
        Some(name) => Some(sql!("TYPE {}", Sql::deparsed(name))),
        None if object.class == Class::LARGE_OBJECT => Some(sql!("LARGE OBJECT {}", object.oid)),
        None => None,
    };
    Ok(Comment { object, subid: row.get("subid")?, text: row.get("comment")?, target })
}

impl Comment {
    /// The statement, and `None` where the object is of a kind that is not carried (which the catalog lists as such).
    pub fn statement(&self, catalog: &Catalog) -> Option<Sql> {
        let target = match &self.target {
            Some(target) => target.clone(),
            None => self.on(catalog)?,
        };
        Some(match &self.text {
            Some(text) => sql!("COMMENT ON {} IS {}", target, Literal(text)),
            None => sql!("COMMENT ON {} IS NULL", target),
        })
    }

    fn on(&self, catalog: &Catalog) -> Option<Sql> {
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
