//! What cannot be carried yet, so that nothing is left behind in silence: objects of kinds that have no room here, and
//! users' objects in the schemas of the system.

use super::Unhandled;
use super::query::{Query, expr, in_user_schema};
use crate::error::Result;
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
    &[expr("kind", "u.kind"), expr("name", "u.name")],
    concat!(
        "FROM (",
        outside_schemas!("language", "pg_language", "lanname"),
        outside_schemas!("access method", "pg_am", "amname"),
        in_schemas!("operator", "pg_operator", "opr", "o.oprcode <> 0"),
        in_schemas!("operator family", "pg_opfamily", "opf"),
        in_schemas!("operator class", "pg_opclass", "opc"),
        in_schemas!(
            "collation for another encoding",
            "pg_collation",
            "coll",
            "o.collencoding NOT IN (-1, pg_char_to_encoding(getdatabaseencoding()))"
        ),
        in_schemas!("conversion", "pg_conversion", "con"),
        in_schemas!(
            "base type",
            "pg_type",
            "typ",
            "o.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = o.oid)"
        ),
        in_schemas!("shell type", "pg_type", "typ", "o.typtype = 'p' AND NOT o.typisdefined"),
        in_schemas!(
            "range type with a canonical function",
            "pg_type",
            "typ",
            "o.typtype = 'r' AND EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = o.oid AND r.rngcanonical <> 0)"
        ),
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
        "SELECT 'cast', format_type(o.castsource, NULL) || ' AS ' || format_type(o.casttarget, NULL),
            'pg_cast'::regclass, o.oid
        FROM pg_cast o WHERE ",
        not_initial!("o.oid"),
        " AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_cast'::regclass AND d.objid = o.oid AND d.deptype = 'i')
        UNION ALL
        SELECT 'transform', format_type(o.trftype, NULL) || ' ' || l.lanname, 'pg_transform'::regclass, o.oid
        FROM pg_transform o JOIN pg_language l ON l.oid = o.trflang WHERE ",
        not_initial!("o.oid"),
        "
        ) AS u(kind, name, class, oid)
        WHERE NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = u.class AND e.objid = u.oid AND e.deptype = 'e')
        ORDER BY 1, 2"
    ),
);

pub(super) fn decode(row: &Row) -> Result<Unhandled> {
    Ok(Unhandled { kind: row.get("kind")?, name: row.get("name")? })
}
