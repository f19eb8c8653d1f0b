//! What can only be asked once the schema is made: which rows of an extension's tables are users', which tables have
//! floating-point numbers, and which rows may belong to another partition than they did.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Ready, recheck};
use crate::catalog::REHASHED;
use crate::error::Result;
use crate::sql;
use crate::sql::{QualName, Sql};
use crate::toc::{Data, Entry, Toc};
use crate::wire::session::{Row, Session, Side};

impl Ready {
    /// Asks the database that is being made how its rows can be read back. Returns of how many tables they can only be
    /// counted.
    pub(super) async fn settle(&mut self) -> Result<u64> {
        let session = self.staging.connect(Side::New, "settle").await?;
        let filters = filters(&session).await?;
        let roots = roots(&session).await?;
        let floats = if self.packed.has_long_floats() { tables_with_floats(&session).await? } else { HashSet::new() };
        if self.stream().is_some_and(|stream| !stream.has_manifest()) {
            Arc::make_mut(&mut self.packed).expect_inexact(recheck::inexact(&session).await?);
        }
        session.close().await;
        let mut toc = Toc::default();
        for entry in self.toc.entries() {
            let mut entry: Entry = entry.clone();
            if let Some(Data::Rows(rows)) = &mut entry.data {
                rows.filter = filters.get(&rows.table).cloned();
                rows.floats = floats.contains(&rows.table);
                // pg_dump knows of enums alone, and not within other types.
                if let Some(root) = roots.get(&rows.table) {
                    rows.fresh = false;
                    rows.into.get_or_insert_with(|| root.clone());
                }
            }
            toc.push(entry);
        }
        Arc::make_mut(&mut self.packed).look_at(&toc);
        self.toc = Arc::new(toc);
        let counted = |entry: &&Entry| match &entry.data {
            Some(Data::Rows(rows)) => !self.packed.is_comparable(entry.id, rows),
            _ => false,
        };
        Ok(self.toc.entries().iter().filter(counted).count() as u64)
    }
}

fn name(row: &Row) -> Result<QualName> {
    Ok(QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?))
}

async fn filters(session: &Session) -> Result<HashMap<QualName, Sql>> {
    let mut out = HashMap::new();
    for row in session.rows(&Sql::constant(CONFIGURATION)).await? {
        let condition: String = row.get("condition")?;
        if !condition.is_empty() {
            out.insert(name(&row)?, Sql::deparsed(condition));
        }
    }
    Ok(out)
}

async fn tables_with_floats(session: &Session) -> Result<HashSet<QualName>> {
    session.rows(&Sql::constant(FLOATS)).await?.iter().map(name).collect()
}

/// The partitions whose rows may belong elsewhere, and the topmost table above each that knows where.
async fn roots(session: &Session) -> Result<HashMap<QualName, QualName>> {
    let query = sql!(
        "SELECT n.nspname::text AS schema, r.relname::text AS name, up.schema AS root_schema, up.name AS root_name \
         FROM pg_catalog.pg_class r JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace, \
         LATERAL (SELECT s.nspname::text AS schema, c.relname::text AS name \
                  FROM pg_catalog.pg_partition_ancestors(r.oid) WITH ORDINALITY AS a(relid, place) \
                  JOIN pg_catalog.pg_class c ON c.oid = a.relid JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace \
                  WHERE {} ORDER BY a.place DESC LIMIT 1) AS up \
         WHERE r.relispartition AND r.relkind <> 'p'",
        Sql::constant(REHASHED)
    );
    let pair = |row: &Row| {
        let root = QualName::new(row.get::<String>("root_schema")?, row.get::<String>("root_name")?);
        Ok((name(row)?, root))
    };
    session.rows(&query).await?.iter().map(pair).collect()
}

/// The tables of extensions that hold users' rows, and which these are (documentation, "Extension Configuration Tables").
const CONFIGURATION: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name, e.condition \
FROM (SELECT pg_catalog.unnest(extconfig) AS oid, pg_catalog.unnest(extcondition) AS condition \
      FROM pg_catalog.pg_extension) AS e \
JOIN pg_catalog.pg_class c ON c.oid = e.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";

/// Tables with columns of floating-point numbers, or of types that may hold some.
const FLOATS: &str = "\
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS name \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND t.typcategory = 'A' \
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') \
  AND (coalesce(e.oid, t.oid) IN ('real'::pg_catalog.regtype, 'double precision'::pg_catalog.regtype) \
    OR coalesce(e.typcategory, t.typcategory) = 'G' OR coalesce(e.typtype, t.typtype) IN ('c', 'd', 'r', 'm') \
    OR coalesce(e.oid, t.oid) >= 16384 AND coalesce(e.typtype, t.typtype) = 'b')";
