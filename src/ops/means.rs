//! What both servers have for a run: asked once, before it begins.

use std::num::NonZeroUsize;

use crate::error::Result;
use crate::plan::means::{Known, Means};
use crate::sql::Sql;
use crate::wire::host::Host;
use crate::wire::session::Session;

/// The means of a run, with so many lanes if somebody has said how many. Every lane takes a session of `new`, and one of `old`
/// if rows are from a server.
///
/// # Errors
///
/// What a server says.
pub(super) async fn of(new: &Session, old: Option<&Session>, asked: Option<NonZeroUsize>) -> Result<Means> {
    let host = Host::read(new).await?;
    let row = new.row(&settings()).await?;
    let kilobytes = |value: i64| value.unsigned_abs() << 10;
    let own = |name: &str| -> Result<Option<i64>> { row.get(name) };
    let mut sessions = free_sessions(new).await?;
    if let Some(old) = old {
        sessions = sessions.min(free_sessions(old).await?);
    }
    let known = Known {
        processors: host.processors,
        memory: host.memory,
        shared_buffers: row.get::<i64>("buffers")?.unsigned_abs(),
        maintenance_work_mem: own("memory")?.map(kilobytes),
        workers: own("workers")?.and_then(|workers| usize::try_from(workers).ok()),
        sessions,
    };
    Ok(Means::of(known, asked))
}

/// What the connection string asks for (`options=-c ..`) is not ours to change.
fn settings() -> Sql {
    Sql::constant(
        "SELECT pg_catalog.max(setting::int8) FILTER (WHERE name = 'shared_buffers') \
         * pg_catalog.current_setting('block_size')::int8 AS buffers, \
         pg_catalog.max(setting::int8) FILTER (WHERE name = 'maintenance_work_mem' AND source <> 'client') AS memory, \
         pg_catalog.max(setting::int8) FILTER (WHERE name = 'max_parallel_maintenance_workers' AND source <> 'client') \
         AS workers FROM pg_catalog.pg_settings \
         WHERE name IN ('shared_buffers', 'maintenance_work_mem', 'max_parallel_maintenance_workers')",
    )
}

/// How many more sessions a server takes of this login in this database, beside those that it keeps for superusers. Whose
/// sessions others are is not told to everybody: those count.
async fn free_sessions(session: &Session) -> Result<usize> {
    let query = Sql::constant(
        "SELECT LEAST(pg_catalog.current_setting('max_connections')::int8 \
         - pg_catalog.current_setting('superuser_reserved_connections')::int8 \
         - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity \
         WHERE COALESCE(backend_type, 'client backend') = 'client backend'), \
         CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper THEN r.rolconnlimit \
         - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE usename = r.rolname) END, \
         CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper THEN d.datconnlimit \
         - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = d.datname) END) AS free \
         FROM pg_catalog.pg_roles r, pg_catalog.pg_database d \
         WHERE r.rolname = SESSION_USER AND d.datname = pg_catalog.current_database()",
    );
    let free: i64 = session.row(&query).await?.get("free")?;
    Ok(usize::try_from(free).unwrap_or(0))
}
