//! What a run begins with on the new server, and what it says of the indexes at its end: a database of its own, or a copy of
//! one that stands already.

use super::check::Clearance;
use super::collation::{self, IndexCollations};
use super::report::Phases;
use super::staging::Staging;
use super::standing::Standing;
use crate::catalog::Database;
use crate::error::Result;
use crate::wire::session::{Session, Side};

/// Makes the staging database, and returns a session in it. The collation versions of a new one are refreshed before the first
/// index is there; those of a copy are what its indexes were built with. `old` says where it all is from.
///
/// # Errors
///
/// What the server says.
pub(super) async fn make(
    staging: &Staging,
    clearance: &Clearance,
    database: &Database,
    standing: Option<&Standing>,
    old: &str,
) -> Result<Session> {
    match standing {
        None => staging.create(clearance, database, old).await?,
        Some(_) => staging.create_from_target(clearance, old).await?,
    }
    let session = staging.connect(Side::New, "schema").await?;
    match standing {
        None => collation::refresh(&session, staging.name()).await?,
        Some(standing) => standing.quiet(&session).await?,
    }
    Ok(session)
}

/// The indexes that the run has built, each with the evidence that it is fresh. In a copy everything fires again from here on,
/// and what should have fired is looked at.
///
/// # Errors
///
/// What the server says; `Differs`, as for [`Standing::prove`].
pub(super) async fn prove(
    staging: &Staging,
    standing: Option<&Standing>,
    phases: &mut Phases<'_>,
) -> Result<Vec<IndexCollations>> {
    let session = staging.connect(Side::New, "indexes").await?;
    let mut indexes = collation::prove_indexes(&session).await?;
    if let Some(standing) = standing {
        phases.found(standing.prove(&session).await?);
        indexes = standing.built(indexes);
    }
    session.close().await;
    Ok(indexes)
}
