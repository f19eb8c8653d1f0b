//! Collation versions: refreshed before the first index is built, and the evidence for every index that it is fresh.
//!
//! An index on text is in the order of a collation library (glibc, ICU). When that library changes, the order may change,
//! and the index is wrong. A server records the version that it has seen; what is built after the record was refreshed is
//! right by construction, and needs no REINDEX.

use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, QualName, Sql, join};
use crate::wire::session::Session;

/// An index of the new database, and the collations that its keys use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexCollations {
    pub index: QualName,
    /// "de_DE.utf8 2.36"
    pub collations: Vec<String>,
    /// Whether the versions that the catalog records are the ones that the libraries have.
    pub current: bool,
}

/// Makes the catalog record the versions that the libraries of this server have, for the database and every collation.
///
/// # Errors
///
/// What the server says.
pub(super) async fn refresh(session: &Session, database: &Ident) -> Result<()> {
    let mut statements = Vec::new();
    if session.version().has_database_collation_version() {
        let stale = session.row(&Sql::constant(DATABASE_IS_STALE)).await?.get::<bool>("stale")?;
        if stale {
            statements.push(sql!("ALTER DATABASE {} REFRESH COLLATION VERSION", database));
        }
    }
    for row in session.rows(&Sql::constant(STALE)).await? {
        let name = QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?);
        statements.push(sql!("ALTER COLLATION {} REFRESH VERSION", name));
    }
    match statements.is_empty() {
        true => Ok(()),
        false => session.run(&join(statements, ";\n")).await,
    }
}

/// Every index, with the collations of its keys. One that is not current is rebuilt, and read again.
///
/// # Errors
///
/// What the server says.
pub(super) async fn prove_indexes(session: &Session) -> Result<Vec<IndexCollations>> {
    let mut indexes = read_indexes(session).await?;
    let stale: Vec<&QualName> = indexes.iter().filter(|i| !i.current).map(|i| &i.index).collect();
    if stale.is_empty() {
        return Ok(indexes);
    }
    for index in stale {
        session.run(&sql!("REINDEX INDEX {}", index)).await?;
    }
    for index in &mut indexes {
        index.current = true;
    }
    Ok(indexes)
}

async fn read_indexes(session: &Session) -> Result<Vec<IndexCollations>> {
    let query = match session.version().has_database_collation_version() {
        true => INDEXES,
        false => INDEXES_BEFORE_15,
    };
    let mut out = Vec::new();
    for row in session.rows(&Sql::constant(query)).await? {
        out.push(IndexCollations {
            index: QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?),
            collations: row.get("collations")?,
            current: row.get("current")?,
        });
    }
    Ok(out)
}

const DATABASE_IS_STALE: &str = "\
SELECT datcollversion IS DISTINCT FROM pg_catalog.pg_database_collation_actual_version(oid) \
       AND datcollversion IS NOT NULL AS stale \
FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";

const STALE: &str = "\
SELECT n.nspname::text AS schema, c.collname::text AS name \
FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace \
WHERE c.collversion IS NOT NULL AND c.collversion <> pg_catalog.pg_collation_actual_version(c.oid) ORDER BY 1, 2";

/// The default collation's own row has no version; the database has it.
const INDEXES: &str = "\
SELECT n.nspname::text AS schema, r.relname::text AS name, \
       COALESCE(array_agg(DISTINCT v.name || ' ' || v.actual) FILTER (WHERE v.actual IS NOT NULL), '{}')::text[] AS collations, \
       COALESCE(bool_and(v.recorded IS NOT DISTINCT FROM v.actual OR v.recorded IS NULL), true) AS current \
FROM pg_catalog.pg_index i \
JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
LEFT JOIN LATERAL ( \
  SELECT CASE WHEN c.collprovider = 'd' THEN d.datcollate::text ELSE c.collname::text END AS name, \
         CASE WHEN c.collprovider = 'd' THEN d.datcollversion ELSE c.collversion END AS recorded, \
         CASE WHEN c.collprovider = 'd' THEN pg_catalog.pg_database_collation_actual_version(d.oid) \
              ELSE pg_catalog.pg_collation_actual_version(c.oid) END AS actual \
  FROM pg_catalog.pg_collation c, pg_catalog.pg_database d \
  WHERE d.datname = pg_catalog.current_database() AND c.oid = ANY (i.indcollation::oid[])) v ON true \
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND r.relkind = 'i' \
GROUP BY 1, 2 ORDER BY 1, 2";

const INDEXES_BEFORE_15: &str = "\
SELECT n.nspname::text AS schema, r.relname::text AS name, \
       COALESCE(array_agg(DISTINCT v.name || ' ' || v.actual) FILTER (WHERE v.actual IS NOT NULL), '{}')::text[] AS collations, \
       COALESCE(bool_and(v.recorded IS NOT DISTINCT FROM v.actual OR v.recorded IS NULL), true) AS current \
FROM pg_catalog.pg_index i \
JOIN pg_catalog.pg_class r ON r.oid = i.indexrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace \
LEFT JOIN LATERAL ( \
  SELECT c.collname::text AS name, c.collversion AS recorded, pg_catalog.pg_collation_actual_version(c.oid) AS actual \
  FROM pg_catalog.pg_collation c WHERE c.oid = ANY (i.indcollation::oid[])) v ON true \
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND r.relkind = 'i' \
GROUP BY 1, 2 ORDER BY 1, 2";
