//! What is read of tables: `pg_class`, `pg_inherits`, and the privileges of columns.

use super::{Foreign, Inherits, ReplicaIdentity, Table};
use crate::catalog::query::{Query, expr, in_user_schema};
use crate::catalog::reloptions::Reloption;
use crate::catalog::{Acl, ObjectId};
use crate::error::{Error, Result};
use crate::sql::acl::AclKind;
use crate::sql::{Ident, QualName, Sql};
use crate::wire::session::Row;

/// Whether a value of the key of a partitioned table, `c`, may belong elsewhere than it did: the hash of an enum is that of its
/// OID, also within arrays, rows and ranges; that of a nondeterministic collation follows the collation's library; and nothing
/// is known about operator classes that are not built in. For 12 and later.
pub(crate) const REHASHED: &str = "\
EXISTS (SELECT FROM pg_catalog.pg_partitioned_table k, \
               unnest(k.partclass, k.partcollation) AS u (opclass, locale) \
        JOIN pg_catalog.pg_opclass p ON p.oid = u.opclass LEFT JOIN pg_catalog.pg_collation l ON l.oid = u.locale \
        WHERE k.partrelid = c.oid AND k.partstrat = 'h' AND (p.opcnamespace <> 'pg_catalog'::regnamespace \
        OR p.opcname IN ('enum_ops', 'array_ops', 'record_ops', 'range_ops', 'multirange_ops') \
        OR NOT l.collisdeterministic))";

/// Tables, partitioned and foreign tables.
pub(in crate::catalog) const RELATIONS: Query = Query::of(
    &[
        expr("oid", "c.oid"),
        expr("schema", "n.nspname::text"),
        expr("name", "c.relname::text"),
        expr("owner", "pg_get_userbyid(c.relowner)::text"),
        expr("partition_key", "CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END"),
        expr("bound", "CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END"),
        expr("unlogged", "c.relpersistence = 'u'"),
        expr("oids", "false").since(12, "c.relhasoids"),
        expr("of_type", "CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END"),
        expr("options", "c.reloptions"),
        // Partitioned tables of 11 and before had a TOAST table.
        expr("toast_options", "CASE WHEN c.relkind = 'r' THEN o.reloptions END"),
        expr("tablespace", "s.spcname::text"),
        expr("access_method", "m.amname::text"),
        // What has no rows of its own says that it shows nothing of them.
        expr("replica_identity", "CASE WHEN c.relkind = 'f' THEN 'd' ELSE c.relreplident::text END"),
        expr("row_security", "c.relrowsecurity"),
        expr("force_row_security", "c.relforcerowsecurity"),
        expr(
            "size",
            "CASE WHEN c.relkind = 'r' THEN coalesce(pg_relation_size(c.oid), 0) + coalesce(pg_relation_size(o.oid), 0) ELSE 0 END",
        ),
        // Ranges of them are read as fast as all of them since 14.
        expr(
            "pages",
            "CASE WHEN c.relkind = 'r' AND m.amname = 'heap' \
             THEN coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::bigint ELSE 0 END",
        )
        .since(14, "0::bigint"),
        expr("rehashed", REHASHED)
            // There are no nondeterministic ones.
            .since(
                12,
                "EXISTS (SELECT FROM pg_partitioned_table k, unnest(k.partclass) AS u (opclass) \
             JOIN pg_opclass p ON p.oid = u.opclass \
             WHERE k.partrelid = c.oid AND k.partstrat = 'h' AND (p.opcnamespace <> 'pg_catalog'::regnamespace \
             OR p.opcname IN ('enum_ops', 'array_ops', 'record_ops', 'range_ops')))",
            ),
        expr("server", "v.srvname::text"),
        expr("server_options", "f.ftoptions"),
        expr("acl", "c.relacl::text[]"),
        expr("acl_base", "acldefault('r', c.relowner)::text[]"),
    ],
    concat!(
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_class o ON o.oid = c.reltoastrelid ",
        "LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace LEFT JOIN pg_am m ON m.oid = c.relam ",
        "LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid LEFT JOIN pg_foreign_server v ON v.oid = f.ftserver ",
        "WHERE c.relkind IN ('r', 'p', 'f') AND ",
        in_user_schema!(),
        " ORDER BY c.oid"
    ),
);

/// Which table inherits from which, or is a partition of which.
pub(in crate::catalog) const INHERITS: Query = Query::of(
    &[
        expr("child", "h.inhrelid"),
        expr("parent", "h.inhparent"),
        expr("parent_schema", "pn.nspname::text"),
        expr("parent_name", "p.relname::text"),
    ],
    concat!(
        "FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace ",
        "WHERE c.relkind IN ('r', 'p', 'f') AND ",
        in_user_schema!(),
        // The order of the parents is that of the columns.
        " ORDER BY h.inhrelid, h.inhseqno"
    ),
);

/// The privileges of columns, system columns included.
pub(in crate::catalog) const COLUMN_ACLS: Query = Query::of(
    &[expr("relation", "a.attrelid"), expr("name", "a.attname::text"), expr("acl", "a.attacl::text[]")],
    concat!(
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace ",
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT a.attisdropped AND a.attacl IS NOT NULL ",
        // The hidden column of 11 and before goes, whatever is granted on it.
        "AND (a.attnum > 0 OR a.attname <> 'oid') AND ",
        in_user_schema!(),
        " ORDER BY a.attrelid, a.attnum"
    ),
);

/// One row of [`RELATIONS`]: a table that has no columns and no relatives yet.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode_relation(row: &Row) -> Result<Table> {
    let name = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
    let replica_identity = match row.get::<String>("replica_identity")?.as_str() {
        "n" => ReplicaIdentity::Nothing,
        "f" => ReplicaIdentity::Full,
        "d" | "i" => ReplicaIdentity::Key,
        _ => return Err(Error::malformed("cannot read the tables: unknown replica identity").about(name.label())),
    };
    let deparsed = |column| Ok(row.get::<Option<String>>(column)?.map(Sql::deparsed));
    let ident = |column| Ok(row.get::<Option<String>>(column)?.map(Ident::from));
    let options = Reloption::parse(row.get("server_options")?);
    let foreign = ident("server")?.map(|server| Foreign { server, options });
    Ok(Table {
        id: ObjectId::relation(row.get("oid")?),
        name,
        owner: row.get::<String>("owner")?.into(),
        unlogged: row.get("unlogged")?,
        oids: row.get("oids")?,
        partition_key: deparsed("partition_key")?,
        bound: deparsed("bound")?,
        of_type: deparsed("of_type")?,
        options: Reloption::parse(row.get("options")?),
        toast_options: Reloption::parse(row.get("toast_options")?),
        tablespace: ident("tablespace")?,
        access_method: ident("access_method")?,
        replica_identity,
        row_security: row.get("row_security")?,
        force_row_security: row.get("force_row_security")?,
        rehashed: row.get("rehashed")?,
        size: row.get::<i64>("size")?.unsigned_abs(),
        pages: u32::try_from(row.get::<i64>("pages")?).unwrap_or(0),
        foreign,
        columns: Vec::new(),
        parents: Vec::new(),
        joins: false,
        children: Vec::new(),
        checks: Vec::new(),
        into: None,
        acl: Acl::decode(row, AclKind::Table)?,
    })
}

/// One row of [`INHERITS`]: the child and one of its parents.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode_inherits(row: &Row) -> Result<(u32, Inherits)> {
    let name = QualName::new(row.get::<String>("parent_schema")?, row.get::<String>("parent_name")?);
    Ok((row.get("child")?, Inherits { oid: row.get("parent")?, name }))
}

/// One row of [`COLUMN_ACLS`]: the relation, the column, its items.
///
/// # Errors
/// If the row is not what the query promises.
pub(in crate::catalog) fn decode_column_acl(row: &Row) -> Result<(u32, Ident, Vec<String>)> {
    Ok((row.get("relation")?, row.get::<String>("name")?.into(), row.get("acl")?))
}
