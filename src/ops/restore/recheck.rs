//! A second look at tables whose digests differ: the text of some types depends on settings of whoever wrote the archive, which
//! archives of others do not tell. The other columns have to be the same.

use std::collections::{BTreeSet, HashMap};

use super::Ready;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::sql::{QualName, Sql};
use crate::toc::{Data, Entry, Rows};
use crate::transfer::{Checked, Moved};
use crate::wire::session::{Session, Side};

impl Ready {
    /// Looks again at tables whose rows differ and need not be the same to the letter. What is found replaces what was
    /// compared.
    pub(super) async fn recheck(&self, moved: &mut Moved) -> Result<Vec<Finding>> {
        let differs = |checked: &Checked| checked.old.rows == checked.new.rows && checked.old != checked.new;
        let again = moved.checked.iter().filter(|(_, checked)| differs(checked));
        let again: Vec<QualName> = again.filter_map(|(name, _)| name.clone()).collect();
        let mut findings = Vec::new();
        // What an archive of ours holds was written under settings that are known.
        if again.is_empty() || self.manifest.is_some() {
            return Ok(findings);
        }
        let session = self.staging.connect(Side::New, "verify").await?;
        let inexact = inexact(&session).await?;
        'tables: for table in again {
            let (mut checked, mut left_out) = (Checked::default(), BTreeSet::new());
            for (entry, rows) in self.toc.entries().iter().filter_map(rows_of) {
                if rows.into.as_ref().unwrap_or(&rows.table) != &table || !self.packed.is_comparable(entry.id, rows) {
                    continue;
                }
                // Partitions have the same columns as the table that their rows went through.
                let Some(columns) = inexact.get(&rows.table) else { continue 'tables };
                let of_columns = self.packed.compare_without(entry.id, rows, columns, &session).await?;
                checked.old.merge(&of_columns.old);
                checked.new.merge(&of_columns.new);
                left_out.extend(columns.iter().cloned());
            }
            if !left_out.is_empty() {
                findings.push(told(&table, &left_out));
                moved.checked.insert(Some(table), checked);
            }
        }
        session.close().await;
        Ok(findings)
    }
}

fn rows_of(entry: &Entry) -> Option<(&Entry, &Rows)> {
    match &entry.data {
        Some(Data::Rows(rows)) => Some((entry, rows)),
        _ => None,
    }
}

fn told(table: &QualName, columns: &BTreeSet<String>) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: format!("table {}", table.label()),
        text: format!(
            "the text of column {} depends on settings that the archive does not tell (the time zone of whoever wrote it, \
             say), and is another one here; all other columns are the same",
            columns.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        ),
        remedy: None,
    }
}

/// The columns whose text depends on settings that `pg_dump` leaves as they are, by their tables.
pub(super) async fn inexact(session: &Session) -> Result<HashMap<QualName, BTreeSet<String>>> {
    let mut found: HashMap<QualName, BTreeSet<String>> = HashMap::new();
    for row in session.rows(&Sql::constant(INEXACT)).await? {
        let table = QualName::new(row.get::<String>("schema")?, row.get::<String>("table")?);
        found.entry(table).or_default().insert(row.get("name")?);
    }
    Ok(found)
}

/// Looks at the types that the columns of all tables are made of, however deep.
const INEXACT: &str = "\
WITH RECURSIVE parts (class, name, type) AS ( \
  SELECT a.attrelid, a.attname::text, a.atttypid FROM pg_catalog.pg_attribute a \
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND c.relnamespace NOT IN ( \
    SELECT oid FROM pg_catalog.pg_namespace WHERE nspname IN ('pg_catalog', 'pg_toast', 'information_schema')) \
  UNION SELECT p.class, p.name, x.type FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type CROSS JOIN LATERAL ( \
    SELECT t.typelem AS type WHERE t.typelem <> 0 UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0 \
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a \
      WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g \
      WHERE g.rngtypid = t.oid OR pg_catalog.to_jsonb(g) ->> 'rngmultitypid' = t.oid::text) AS x) \
SELECT DISTINCT s.nspname::text AS schema, c.relname::text AS table, p.name \
FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
JOIN pg_catalog.pg_class c ON c.oid = p.class JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace \
WHERE n.nspname = 'pg_catalog' AND (t.typname IN ('timestamptz', 'bytea', 'money') OR t.typname ~ '^reg')";
