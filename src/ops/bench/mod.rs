//! `bench`: how fast every leg of a way is, alone and together, and what that means for a run.
//!
//! Samples of the user's own tables are read in one snapshot, kept in memory (at most 160 MB, usually half of that), compressed,
//! and written into a database of the bench's own on the new server. That database bears a name that no other run gives, is
//! marked as ours, and goes at the end, however that comes; what a killed bench has left, the next one replaces. A file beside
//! the archive has no name in its folder. So nothing is left behind on either server, or here.

mod advice;
mod codecs;
mod disk;
mod leg;
mod reading;
mod run;
mod sample;
mod target;
mod together;
mod writing;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use advice::Advice;
pub use leg::{Flow, Leg, Place, Work};

use super::check::{Clearance, Preflight};
use super::means;
use super::prepare::{choose, read, table_of_contents};
use super::report::Phases;
use super::staging::{self, Staging};
use super::upgrade::{NOTICES, unless_cancelled};
use crate::catalog::{Catalog, Database};
use crate::error::{Error, Result};
use crate::event::{Finding, Phase, Reporter, Severity};
pub use crate::plan::forecast::{Forecast, Part};
use crate::plan::means::Means;
use crate::plan::select::Selection;
use crate::sql::Sql;
use crate::toc::Toc;
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;
use crate::wire::version::ServerVersion;
use disk::Scratch;

/// More lanes than these are not tried.
const MOST_LANES: usize = 8;

/// The options of a bench.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The old database.
    pub from: ConnInfo,
    /// The new one: the name that it would bear. A database beside it is made, and removed.
    pub to: Option<ConnInfo>,
    /// Where an archive would be. This file is neither read nor written.
    pub archive: Option<PathBuf>,
    /// For how long each leg is measured, about.
    pub time: Duration,
}

/// What a bench has found out.
#[derive(Clone, Debug, Default)]
pub struct Benched {
    /// The old database's name.
    pub database: String,
    /// Where it is, without a password.
    pub old_url: String,
    /// Where the new one would be, without a password.
    pub new_url: Option<String>,
    /// The old server's version.
    pub old_version: ServerVersion,
    /// The new server's version.
    pub new_version: Option<ServerVersion>,
    /// What all tables and large objects weigh on the old server, in bytes.
    pub bytes: u64,
    /// What all indexes weigh there, in bytes.
    pub index_bytes: u64,
    /// The tables of which there were samples, the largest first ("shop.orders").
    pub tables: Vec<String>,
    /// What these weigh there, in bytes.
    pub sampled_bytes: u64,
    /// How long the way to the old server and back takes.
    pub old_round_trip: Duration,
    /// The same of the new one.
    pub new_round_trip: Option<Duration>,
    /// Every leg, in the order in which they were measured.
    pub legs: Vec<Leg>,
    /// What that means for an upgrade, where there is a new server.
    pub upgrade: Option<Advice>,
    /// What that means for a dump.
    pub dump: Option<Advice>,
    /// Everything worth telling.
    pub findings: Vec<Finding>,
    /// From beginning to end.
    pub elapsed: Duration,
}

/// Both sides, before anything is measured.
struct Ready {
    snapshot: Arc<SnapshotHold>,
    catalog: Catalog,
    toc: Toc,
    target: Option<Target>,
    /// How long it took to connect and to read the catalog.
    elapsed: Duration,
    /// The numbers of lanes that are tried.
    lanes: Vec<usize>,
}

/// The new server.
struct Target {
    staging: Staging,
    control: Arc<Session>,
    means: Means,
    clearance: Clearance,
}

impl Bench {
    /// Measures everything.
    ///
    /// # Errors
    ///
    /// - `Connect` where a server cannot be reached;
    /// - `Refused` where something stands in the way: no right to read, or to make a database; a server that is too old;
    /// - `Io` where nothing can be written beside the archive;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. Nothing is left behind then either, or the
    ///   error says what.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Benched> {
        let begun = Instant::now();
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let scratch = self.archive.as_deref().map(Scratch::beside).transpose()?;
        let ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let measure = self.measure(&ready, scratch, &mut phases, &notices, &cancel);
        let measured = unless_cancelled(&cancel, measure).await;
        let removed = match &ready.target {
            Some(target) => target.staging.remove().await,
            None => Ok(()),
        };
        let benched = match (measured, removed) {
            (measured, Ok(())) => measured?,
            (Err(error), Err(left)) => {
                tracing::warn!(error = %left, "cannot remove the database of a bench");
                return Err(error.and_hint(&self.left()));
            }
            (Ok(_), Err(left)) => return Err(left.and_hint(&self.left())),
        };
        let url = self.to.as_ref().map(ConnInfo::redacted);
        Ok(Benched {
            database: self.from.database().to_owned(),
            old_url: self.from.redacted(),
            new_url: url,
            old_version: ready.snapshot.session().version(),
            new_version: ready.target.as_ref().map(|target| target.control.version()),
            findings: phases.into_findings(),
            elapsed: begun.elapsed(),
            ..benched
        })
    }

    fn left(&self) -> String {
        let database = self.to.as_ref().map_or("", |to| to.database());
        format!(
            "A database for {database} that ends in __tandem_bench stays on the new server; the next bench removes it."
        )
    }

    /// Connects, reads the catalog, and looks for what stands in the way.
    async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Ready> {
        let begun = Instant::now();
        phases.begin(Phase::Connect, None);
        let old = Session::connect(&self.from, Side::Old, "catalog", notices.clone()).await?;
        let new = match &self.to {
            Some(to) => {
                let control = staging::connect_control(to, &[], notices).await?;
                let staging = Staging::open_for_bench(&control, to, notices).await?;
                Some((staging, control))
            }
            None => None,
        };
        let versions = match &new {
            Some((_, control)) => format!("old {}, new {}", old.version(), control.version()),
            None => format!("server {}", old.version()),
        };
        phases.end(Phase::Connect, versions);

        phases.begin(Phase::Catalog, None);
        let mut preflight = Preflight::default();
        let means = match &new {
            Some((staging, control)) => {
                preflight.versions(&old, control);
                for obstacle in staging.obstacles().await?.into_iter().chain(no_right_to_create(control).await?) {
                    preflight.obstacle(obstacle);
                }
                means::of(control, Some(&old), None).await?
            }
            None => means::of(&old, None, None).await?,
        };
        let (snapshot, selected) = choose(old, self.from.database(), &Selection::default(), &mut preflight).await?;
        preflight.insist_on_hope()?;
        let (catalog, _) = read(snapshot.session(), &selected).await?;
        let version = new.as_ref().map_or(catalog.version, |(_, control)| control.version());
        let (toc, _) = table_of_contents(&catalog, &selected, version, None)?;
        phases.found(preflight.take_findings());
        let clearance = preflight.clear()?;
        phases.end(Phase::Catalog, format!("{} entries", toc.entries().len()));
        let lanes = tried(means.most);
        let target = new.map(|(staging, control)| Target { staging, control, means, clearance });
        Ok(Ready { snapshot, catalog, toc, target, elapsed: begun.elapsed(), lanes })
    }
}

impl Target {
    /// Makes the database, with the old one's encoding and locale.
    async fn create(&self, database: &Database, old: &str) -> Result<()> {
        // Where it lies is for a real run to look at.
        let like = Database { tablespace: None, ..database.clone() };
        let made = self.staging.create_for_bench(&self.clearance, &like, old).await;
        made.map_err(|error| {
            error.and_hint(
                "An upgrade needs a database like that, too; without --to, what can be measured on the old server is.",
            )
        })
    }
}

/// Whoever may not make databases can measure nothing on the new server.
async fn no_right_to_create(control: &Session) -> Result<Option<String>> {
    let query = Sql::constant(
        "SELECT rolname::text AS role, rolsuper OR rolcreatedb AS may FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER",
    );
    let row = control.row(&query).await?;
    let role: String = row.get("role")?;
    Ok((!row.get::<bool>("may")?).then(|| {
        format!(
            "role {role} may not make databases on the new server, and what is measured there needs one of its own. Give it \
             the right to (ALTER ROLE .. CREATEDB), or leave --to out."
        )
    }))
}

/// 1, 2, 4 and so on.
fn tried(most: NonZeroUsize) -> Vec<usize> {
    let most = most.get().min(MOST_LANES);
    std::iter::successors(Some(1), |lanes| Some(lanes * 2)).take_while(|lanes| *lanes <= most).collect()
}

/// There is little to stand on.
fn little(bytes: u64, database: &str) -> Finding {
    let text = match bytes {
        0 => "no table of it holds anything, so that nothing can be said about its rows".to_owned(),
        _ => "there is so little in it that a run is over before anything matters; the forecast has little to stand on"
            .to_owned(),
    };
    Finding { severity: Severity::Warning, subject: format!("database {database}"), text, remedy: None }
}

/// Something that is not there although it was made a moment ago.
fn missing() -> Error {
    Error::malformed("there are no lanes to be measured; this is a bug")
}
