//! What can only be asked once the schema is made: which rows of an extension's tables are users', and which tables have
//! floating-point numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Ready;
use crate::error::Result;
use crate::sql::{QualName, Sql};
use crate::toc::{Data, Entry, Toc};
use crate::wire::session::{Row, Session, Side};

impl Ready {
    /// Asks the database that is being made how its rows can be read back. Returns of how many tables they can only be
    /// counted.
    pub(super) async fn settle(&mut self) -> Result<u64> {
        let session = self.staging.connect(Side::New, "settle").await?;
        let filters = filters(&session).await?;
        let floats = if self.packed.has_long_floats() { tables_with_floats(&session).await? } else { HashSet::new() };
        session.close().await;
        let (mut toc, mut counted) = (Toc::default(), 0);
        for entry in self.toc.entries() {
            let mut entry: Entry = entry.clone();
            if let Some(Data::Rows(rows)) = &mut entry.data {
                rows.filter = filters.get(&rows.table).cloned();
                rows.floats = floats.contains(&rows.table);
                counted += u64::from(!self.packed.is_comparable(entry.id, rows));
            }
            toc.push(entry);
        }
        self.toc = Arc::new(toc);
        Ok(counted)
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
