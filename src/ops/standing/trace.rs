//! How a database is, in few bytes: enough to tell whether somebody has changed it.

use crate::error::Result;
use crate::sql::Sql;
use crate::wire::session::Session;

/// What tells whether somebody has changed anything in a database since.
///
/// Definitions count by the transactions that made them last, rows by the counters of the cumulative statistics system,
/// sequences by where they stand. Neither VACUUM nor ANALYZE, which the server may do at any time, changes anything of that
/// (PostgreSQL 18, `src/backend/commands/vacuum.c`, `vac_update_relstats`: in place). Counters that were reset in the
/// meantime look like a change, and a run ends for that rather than lose something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ops) struct Trace(String);

impl Trace {
    /// That of the session's database.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn of(session: &Session) -> Result<Self> {
        if session.version().has_statistics_collector() {
            session.rows(&Sql::constant(SETTLED)).await?;
        }
        Ok(Self(session.row(&Sql::constant(TRACE)).await?.get("trace")?))
    }
}

/// The collector hears of what a session has done at its end at the latest, and tells what it knows once in half a second
/// (PostgreSQL 14, `src/backend/postmaster/pgstat.c`, `PGSTAT_STAT_INTERVAL`).
const SETTLED: &str = "SELECT pg_catalog.pg_sleep(1)";

const TRACE: &str = "\
WITH made(id, xmin) AS ( \
  SELECT attrelid || ' ' || attnum, xmin FROM pg_catalog.pg_attribute \
  UNION ALL SELECT indexrelid::text, xmin FROM pg_catalog.pg_index \
  UNION ALL SELECT objoid || ' ' || objsubid, xmin FROM pg_catalog.pg_description \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_class \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_proc \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_type \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_constraint \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_trigger \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_rewrite \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_attrdef \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_namespace \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_policy \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_extension \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_publication \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_event_trigger \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_enum \
  UNION ALL SELECT oid::text, xmin FROM pg_catalog.pg_largeobject_metadata) \
SELECT pg_catalog.concat_ws(' ', \
  (SELECT pg_catalog.concat_ws(' ', count(*), sum(pg_catalog.hashtext(id || '/' || xmin::text))) FROM made), \
  (SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_catalog.pg_stat_all_tables \
   WHERE relid >= 16384 OR relname = 'pg_largeobject' AND schemaname = 'pg_catalog'), \
  (SELECT sum(pg_catalog.hashtext(schemaname || '.' || sequencename || last_value)) FROM pg_catalog.pg_sequences)) AS trace";
