//! What cannot be carried yet, so that nothing is left behind in silence: objects of kinds that have no room here, and
//! users' objects in the schemas of the system.

use super::query::{Query, expr, in_user_schema};
use super::{Class, ObjectId, Unhandled};
use crate::error::Result;
use crate::sql::Ident;
use crate::wire::session::Row;

/// A condition that the object is no system object (`src/include/access/transam.h`, `FirstNormalObjectId`).
macro_rules! not_initial {
    ($oid:literal) => {
        concat!($oid, " >= 16384")
    };
}

/// A query for the objects of one kind: in users' schemas.
macro_rules! in_schemas {
    ($kind:literal, $catalog:literal, $prefix:literal) => {
        in_schemas!($kind, $catalog, $prefix, "true")
    };
    ($kind:literal, $catalog:literal, $prefix:literal, $condition:literal) => {
        concat!(
            "SELECT '",
            $kind,
            "', n.nspname || '.' || o.",
            $prefix,
            "name, '",
            $catalog,
            "'::regclass::oid, o.oid
            FROM ",
            $catalog,
            " o JOIN pg_namespace n ON n.oid = o.",
            $prefix,
            "namespace
            WHERE ",
            in_user_schema!(),
            " AND ",
            $condition,
            " UNION ALL "
        )
    };
}

/// A query for the objects of one kind: in no schema.
macro_rules! outside_schemas {
    ($kind:literal, $catalog:literal, $name:literal) => {
        concat!(
            "SELECT '",
            $kind,
            "', o.",
            $name,
            ", '",
            $catalog,
            "'::regclass, o.oid
            FROM ",
            $catalog,
            " o WHERE ",
            not_initial!("o.oid"),
            " UNION ALL "
        )
    };
}

/// A query for the users' objects of one kind in the schemas of the system. An extension may have put its own there.
macro_rules! in_system_schemas {
    ($kind:literal, $catalog:literal, $prefix:literal, $condition:literal) => {
        concat!(
            "SELECT '",
            $kind,
            " in a system schema', n.nspname || '.' || o.",
            $prefix,
            "name, '",
            $catalog,
            "'::regclass, o.oid
            FROM ",
            $catalog,
            " o JOIN pg_namespace n ON n.oid = o.",
            $prefix,
            "namespace
            WHERE n.nspname IN ('pg_catalog', 'information_schema') AND ",
            not_initial!("o.oid"),
            " AND ",
            $condition,
            " UNION ALL "
        )
    };
}

/// Left out: members of extensions; casts of range types to their multirange types, which come with the type; operators
/// that were only named by another; collations in `pg_catalog`, which are the operating system's; types that come with
/// tables or other types.
pub(super) const QUERY: Query = Query::of(
    &[
        expr("kind", "u.kind"),
        expr("name", "u.name"),
        expr("class", "u.class::oid"),
        expr("oid", "u.oid"),
        // A server before 14 refuses to identify what is not there.
        expr("schema", "CASE WHEN u.oid <> 0 THEN (pg_identify_object(u.class, u.oid, 0)).schema END"),
        expr(
            "relation",
            "(SELECT c.relname::text FROM pg_class c WHERE u.class = 'pg_class'::regclass AND c.oid = u.oid)",
        ),
    ],
    concat!(
        "FROM (",
        outside_schemas!("event trigger", "pg_event_trigger", "evtname"),
        outside_schemas!("publication", "pg_publication", "pubname"),
        in_schemas!("collation", "pg_collation", "coll"),
        in_schemas!("text search parser", "pg_ts_parser", "prs"),
        in_schemas!("text search template", "pg_ts_template", "tmpl"),
        in_schemas!("text search dictionary", "pg_ts_dict", "dict"),
        in_schemas!("text search configuration", "pg_ts_config", "cfg"),
        in_schemas!("extended statistics", "pg_statistic_ext", "stx"),
        in_system_schemas!("relation", "pg_class", "rel", "o.relkind IN ('r', 'v', 'm', 'S', 'f', 'p', 'c')"),
        in_system_schemas!("function", "pg_proc", "pro", "true"),
        in_system_schemas!("operator", "pg_operator", "opr", "o.oprcode <> 0"),
        in_system_schemas!("operator class", "pg_opclass", "opc", "true"),
        in_system_schemas!(
            "type",
            "pg_type",
            "typ",
            "o.typrelid = 0 AND o.typtype <> 'm' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid)"
        ),
        "SELECT 'subscription', o.subname, 'pg_subscription'::regclass, 0
        FROM pg_subscription o JOIN pg_database d ON d.oid = o.subdbid WHERE d.datname = current_database()
        ) AS u(kind, name, class, oid)
        WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = u.class AND e.objid = u.oid AND e.deptype = 'e')
        ORDER BY 1, 2"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Unhandled> {
    let schema = row.get::<Option<String>>("schema")?.map(Ident::from);
    let relation = row.get::<Option<String>>("relation")?.map(Ident::from);
    Ok(Unhandled {
        id: ObjectId::new(Class(row.get("class")?), row.get("oid")?),
        relation: schema.as_ref().zip(relation).map(|(schema, name)| name.within(schema)),
        schema,
        kind: row.get("kind")?,
        name: row.get("name")?,
    })
}
