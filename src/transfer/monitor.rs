//! How far the index builds on the new server are, as it reports itself.

use crate::error::Result;
use crate::sql::Sql;
use crate::wire::session::Session;

/// The share of a build that the scan of the table takes, roughly; sorting and writing take the rest.
const SCAN: f64 = 0.5;

/// Asks for all builds under way: pairs of a server process and how far it is, from 0 to 1
/// (documentation, "CREATE INDEX Progress Reporting").
///
/// # Errors
///
/// What the server says.
pub(super) async fn builds(session: &Session) -> Result<Vec<(i32, f64)>> {
    let rows = session.rows(&Sql::constant(QUERY)).await?;
    let mut builds = Vec::with_capacity(rows.len());
    for row in &rows {
        let scanned = share(row.get("blocks_done")?, row.get("blocks_total")?);
        let loaded = share(row.get("tuples_done")?, row.get("tuples_total")?);
        builds.push((row.get("pid")?, scanned * SCAN + loaded * (1.0 - SCAN)));
    }
    Ok(builds)
}

fn share(done: i64, total: i64) -> f64 {
    if total > 0 { (done as f64 / total as f64).clamp(0.0, 1.0) } else { 0.0 }
}

/// A build in another database has another server process; nobody asks for that.
const QUERY: &str = "SELECT pid, blocks_done, blocks_total, tuples_done, tuples_total \
                     FROM pg_catalog.pg_stat_progress_create_index";
