//! What cannot be carried, so that nothing is left behind in silence: users' objects in the schemas of the system, which
//! stock tools lose, and collations that are for another encoding.

use super::query::{Query, expr, in_user_schema};
use super::{Class, ObjectId, Unhandled};
use crate::error::Result;
use crate::sql::Ident;
use crate::wire::session::Row;

/// A query for the users' objects of one kind in the schemas of the system (`src/include/access/transam.h`,
/// `FirstNormalObjectId`).
macro_rules! in_system_schemas {
    ($kind:literal, $catalog:literal, $prefix:literal, $condition:literal) => {
        concat!(
            "SELECT '",
            $kind,
            " in a system schema', n.nspname || '.' || o.",
            $prefix,
            "name, '",
            $catalog,
            "'::regclass::oid, o.oid
            FROM ",
            $catalog,
            " o JOIN pg_namespace n ON n.oid = o.",
            $prefix,
            "namespace
            WHERE n.nspname IN ('pg_catalog', 'information_schema') AND o.oid >= 16384 AND ",
            $condition,
            " UNION ALL "
        )
    };
}

/// An extension may have put its own into a schema of the system. Operators that were only named by another are none;
/// types come with tables and with other types.
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
        in_system_schemas!("conversion", "pg_conversion", "con", "true"),
        in_system_schemas!("text search parser", "pg_ts_parser", "prs", "true"),
        in_system_schemas!("text search template", "pg_ts_template", "tmpl", "true"),
        in_system_schemas!("text search dictionary", "pg_ts_dict", "dict", "true"),
        in_system_schemas!("text search configuration", "pg_ts_config", "cfg", "true"),
        in_system_schemas!("extended statistics", "pg_statistic_ext", "stx", "true"),
        "SELECT 'collation for another encoding', n.nspname || '.' || o.collname, 'pg_collation'::regclass, o.oid
        FROM pg_collation o JOIN pg_namespace n ON n.oid = o.collnamespace
        WHERE o.collencoding NOT IN (-1, pg_char_to_encoding(getdatabaseencoding())) AND ",
        in_user_schema!(),
        ") AS u(kind, name, class, oid)
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
