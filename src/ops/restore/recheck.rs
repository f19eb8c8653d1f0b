//! A second look at tables whose digests differ: the text of some types depends on settings of whoever wrote the archive, which
//! archives of others do not tell. The other columns have to be the same.

use std::collections::BTreeSet;

use super::Ready;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::{Literal, QualName, Sql};
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
        for table in again {
            let (mut checked, mut left_out) = (Checked::default(), BTreeSet::new());
            for (entry, rows) in self.toc.entries().iter().filter_map(rows_of) {
                if rows.into.as_ref().unwrap_or(&rows.table) != &table || !self.packed.is_comparable(entry.id, rows) {
                    continue;
                }
                let columns = dependent(&session, &rows.table).await?;
                let of_columns = self.packed.compare_without(entry.id, rows, &columns, &session).await?;
                checked.old.merge(&of_columns.old);
                checked.new.merge(&of_columns.new);
                left_out.extend(columns);
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

/// The columns of a table whose text depends on settings that `pg_dump` leaves as they are.
async fn dependent(session: &Session, table: &QualName) -> Result<BTreeSet<String>> {
    let query = sql!(
        "{} SELECT DISTINCT p.name FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type \
         JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'pg_catalog' \
         AND (t.typname IN ('timestamptz', 'bytea', 'money') OR t.typname ~ '^reg')",
        sql!("{}{}{}", Sql::constant(PARTS), Literal(&table.to_string()), Sql::constant(OF_PARTS))
    );
    session.rows(&query).await?.iter().map(|row| row.get("name")).collect()
}

/// The types that the columns of a table are made of, however deep.
const PARTS: &str = "\
WITH RECURSIVE parts (name, type) AS ( \
  SELECT attname::text, atttypid FROM pg_catalog.pg_attribute \
  WHERE attnum > 0 AND NOT attisdropped AND attrelid = ";
const OF_PARTS: &str = "::pg_catalog.regclass \
  UNION SELECT p.name, x.type FROM parts p JOIN pg_catalog.pg_type t ON t.oid = p.type CROSS JOIN LATERAL ( \
    SELECT t.typelem AS type WHERE t.typelem <> 0 UNION ALL SELECT t.typbasetype WHERE t.typbasetype <> 0 \
    UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a \
      WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped \
    UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g \
      WHERE g.rngtypid = t.oid OR pg_catalog.to_jsonb(g) ->> 'rngmultitypid' = t.oid::text) AS x)";
