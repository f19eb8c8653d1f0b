//! One snapshot for many sessions (documentation, "Snapshot Synchronization Functions").

use std::sync::Arc;

use super::session::Session;
use crate::error::Result;
use crate::sql;
use crate::sql::{Literal, Sql};

/// How every transaction begins that reads from the source.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// An open transaction that has exported its snapshot.
///
/// A snapshot can be imported as long as the transaction that exported it is open. Everybody who reads under it holds this in
/// an `Arc`, so it cannot end too early. It ends with its session, when the last one lets go.
pub struct SnapshotHold {
    session: Session,
    id: String,
}

impl SnapshotHold {
    /// Begins a transaction on this session and exports its snapshot.
    ///
    /// # Errors
    /// * What the server reports. A server in recovery, for one, cannot export a snapshot.
    pub async fn export(session: Session) -> Result<Arc<Self>> {
        session.run(&Sql::constant(BEGIN)).await?;
        let row = session.row(&Sql::constant("SELECT pg_catalog.pg_export_snapshot() AS id")).await?;
        let id = row.get("id")?;
        Ok(Arc::new(Self { session, id }))
    }

    /// The name of the snapshot, as the server gave it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The session that holds it, inside the transaction. It may be used for reading, but with care: a statement that fails
    /// aborts the transaction, and after that nobody can import the snapshot any more.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Begins a transaction on another session of the same database that sees exactly what the snapshot shows.
    ///
    /// # Errors
    /// * What the server reports.
    pub async fn import(&self, session: &Session) -> Result<()> {
        let enter = sql!("{}; SET TRANSACTION SNAPSHOT {}", BEGIN, Literal(&self.id));
        session.run(&enter).await
    }
}
