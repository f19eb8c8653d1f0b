//! `restore`: an archive becomes a database, with the guarantees of an upgrade: a staging name until everything is proved, and
//! nothing left behind where it is not.

mod known;
mod manifest;
mod prepare;
mod properties;
mod recheck;
mod roles;
mod settle;
mod stream;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::report::Phases;
use super::tuning::Tuning;
use super::upgrade::{NOTICES, unless_cancelled};
use super::{Arrived, Outcome, Plan, PlannedStep, Tablespaces, Verified, arrived, check, compare, ground};
use super::{Input, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Phase, Reporter};
use crate::plan::schedule::{Extras, Schedule};
use crate::sql::Sql;
use crate::toc::{Kind, Section};
use crate::transfer::{self, Lane, Loss, Moved, Mover, OpenLane, Packed, Sink, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use prepare::Ready;

/// What to do about roles that an archive names and the server lacks: an archive has nothing but their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingRoles {
    /// Refuse to start, and list them.
    #[default]
    Refuse,
    /// Make them, without any right and without a login.
    Create,
}

/// The options of a restore.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The archive.
    pub archive: Input,
    /// The new database: the name that it will bear.
    pub to: ConnInfo,
    /// How many lanes work side by side; `None` for as many as suit the server, found out on the way.
    pub jobs: Option<NonZeroUsize>,
    /// How the new database is compared with the archive.
    pub verify: Verified,
    /// What is restored.
    pub wanted: Wanted,
    /// What to do about roles that are missing.
    pub roles: MissingRoles,
    /// What to do about tablespaces.
    pub tablespaces: Tablespaces,
    /// Whether what is whole is restored of an archive that is not: see [`Restored::verdict`].
    pub salvage: bool,
    /// Whether settings of the server are changed for as long as the run lasts.
    pub tune: bool,
}

/// What a restore did.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// What has arrived, as an upgrade tells it; the old side is the archive.
    pub outcome: Outcome,
    /// Tables of which the rows were counted, since their form in the archive cannot be compared.
    pub counted: u64,
    /// What is lost, where what is whole was salvaged.
    pub losses: Vec<Loss>,
    /// How many more losses there are than are listed.
    pub more_losses: u64,
}

impl Restored {
    /// Whether all of the archive has arrived.
    ///
    /// # Errors
    ///
    /// `Differs` if something is lost, with a list of it. The database is there, and not whole.
    pub fn verdict(&self) -> Result<()> {
        if self.losses.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.outcome.databases.iter().map(|arrived| arrived.database.as_str()).collect();
        let mut text = format!("database {} is in place, and is NOT WHOLE. What is lost:", names.join(", "));
        for loss in &self.losses {
            text += &format!("\n  - {loss}");
        }
        if self.more_losses > 0 {
            text += &format!("\n  - and {} more", self.more_losses);
        }
        Err(Error::new(ErrorKind::Differs, text).with_hint(
            "What is not named here has arrived. Restore from another copy of the archive or an older one if there is one, \
             and keep this database beside it.",
        ))
    }
}

impl Restore {
    /// Finds out what a run would do, and writes nothing.
    ///
    /// # Errors
    ///
    /// As for [`Restore::run`], as far as they can be known beforehand.
    pub async fn plan(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Plan> {
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let roles = ready.roles.missing().iter().map(PlannedStep::role);
        let made = ready.toc.entries().iter().filter(|entry| entry.is_made());
        let steps = made.map(|entry| PlannedStep::entry(entry, entry.name()));
        Ok(Plan {
            databases: vec![self.to.database().to_owned()],
            new_url: self.to.redacted(),
            old_url: self.archive.to_string(),
            old_version: ready.archive_version,
            new_version: ready.control.version(),
            jobs: ready.means.lanes.get(),
            steps: roles.chain(steps).collect(),
            findings: phases.into_findings(),
        })
    }

    /// Restores the archive.
    ///
    /// # Errors
    ///
    /// - `Io`, `Malformed` for an archive that cannot be read, or is damaged;
    /// - `Connect` where the server cannot be reached;
    /// - `Refused` where something stands in the way, with all of it in one error; nothing was written;
    /// - `Differs` where verification found a difference;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. Nothing is left on the server then, or a staging
    ///   database, which the next run replaces.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Restored> {
        let begun = Instant::now();
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let mut ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        // Short, and so not to be cut short: what it has made is known then, and can be taken back.
        let loaded = match ready.roles.create(&ready.control).await {
            Ok(()) => self.load(&mut ready, &mut phases, &notices, begun, &cancel).await,
            Err(error) => Err(error),
        };
        let (losses, more_losses) = ready.losses().map(|losses| losses.list()).unwrap_or_default();
        match loaded {
            Ok((arrived, counted)) => Ok(Restored {
                outcome: Outcome {
                    new_url: self.to.redacted(),
                    old_url: self.archive.to_string(),
                    old_version: ready.archive_version,
                    new_version: ready.control.version(),
                    databases: vec![arrived],
                    verified: self.verify,
                    findings: phases.into_findings(),
                    elapsed: begun.elapsed(),
                },
                counted,
                losses,
                more_losses,
            }),
            Err(error) => Err(clean_up(&ready, error).await),
        }
    }

    /// Makes the staging database, fills it, proves it, and gives it its name.
    async fn load(
        &self,
        ready: &mut Ready,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        begun: Instant,
        cancel: &CancellationToken,
    ) -> Result<(Arrived, u64)> {
        phases.begin(Phase::Schema, None);
        let made = unless_cancelled(cancel, make_schema(ready, &self.archive.to_string())).await?;
        phases.found(unless_cancelled(cancel, ready.rehearse()).await?);
        let counted = unless_cancelled(cancel, ready.settle()).await?;
        phases.end(Phase::Schema, format!("{made} objects"));
        let tuning = Tuning::begin(self.tune.then_some(&ready.staging), ready.toc.weight(), phases).await?;
        let moved = self.transfer(ready, phases, notices, begun, cancel.clone()).await;
        let mut moved = Tuning::end(tuning, moved, phases).await?;
        // It comes last in a stream.
        if let Some(manifest) = unless_cancelled(cancel, ready.packed.end()).await? {
            ready.manifest = Some(manifest);
        }
        let arrived = unless_cancelled(cancel, self.finish(ready, &mut moved, phases)).await?;
        Ok((arrived, counted))
    }

    async fn transfer(
        &self,
        ready: &Ready,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        begun: Instant,
        cancel: CancellationToken,
    ) -> Result<Moved> {
        let new = ready.control.version();
        let extras = Extras {
            verify: self.verify != Verified::None,
            verify_parts: new.has_tid_ranges(),
            analyze_only: new.has_analyze_only(),
            carry_statistics: false,
            partial: self.wanted.selection.has_patterns(),
        };
        let watched = phases.reporter().tick().is_some() && new.has_index_progress();
        let monitor = match watched {
            true => Some(ready.staging.connect(Side::New, "monitor").await?),
            false => None,
        };
        let schedule = Schedule::new([ready.toc.as_ref()], extras);
        let stream = ready.stream();
        let schedule = match &stream {
            Some(stream) => ready.in_turn(stream, schedule),
            None => schedule,
        };
        let had = stream.map(|stream| stream.read());
        let to = ready.to.with_database(ready.staging.name().as_str());
        let opener = Door {
            to: ready.standing.as_ref().map_or(to.clone(), |standing| standing.for_lanes(&to)),
            packed: Arc::clone(&ready.packed),
            path: ready.path.clone(),
            first: ready.first.clone(),
            digests: self.verify == Verified::Digests,
            notices: notices.clone(),
        };
        let database = transfer::Database { name: self.to.database().to_owned(), toc: Arc::clone(&ready.toc) };
        let (databases, means) = (vec![database], ready.means);
        let transfer = Transfer { databases, schedule, means, opener: Arc::new(opener), monitor, had, begun };
        let mut moved = transfer.run(phases.reporter(), cancel).await?;
        Ok(moved.pop().unwrap_or_default())
    }

    /// Verifies everything, and only then gives the database its name.
    async fn finish(&self, ready: &Ready, moved: &mut Moved, phases: &mut Phases<'_>) -> Result<Arrived> {
        phases.found(check::passed_over(&ready.toc, moved));
        phases.found(check::by_path(&ready.toc, moved));
        if self.verify == Verified::Digests {
            ready.compare_with_manifest(moved)?;
            ready.count_only(moved);
            phases.found(ready.recheck(moved).await?);
        }
        if self.verify != Verified::None {
            compare::data(&moved.checked, self.verify, "in the archive")?;
        }
        phases.begin(Phase::Finish, None);
        let indexes = ground::prove(&ready.staging, ready.standing.as_ref(), phases).await?;
        let arrived = arrived::arrived(self.to.database(), &ready.toc, moved, indexes);
        // They came as entries of their own.
        let carried = ready.toc.entries().iter().filter(|entry| entry.kind == Kind::StatisticsData).count() as u64;
        let arrived = Arrived { carried, ..arrived };
        let seen = ready.standing.as_ref().map(|standing| &standing.seen);
        ready.staging.publish(ready.properties.clone(), seen).await?;
        phases.end(Phase::Finish, format!("database {} is in place", self.to.database()));
        Ok(arrived)
    }
}

/// Makes everything that data needs to exist.
async fn make_schema(ready: &Ready, archive: &str) -> Result<usize> {
    let standing = ready.standing.as_ref();
    let session = ground::make(&ready.staging, &ready.clearance, &ready.database, standing, archive).await?;
    session.run(&ready.first).await?;
    let entries: Vec<_> = ready.toc.entries().iter().filter(|e| e.section == Section::PreData).collect();
    // What is on an extension's relations, or the server's own, may have no place here.
    let mut sink = Sink::new(session);
    let mut made = Vec::with_capacity(entries.len());
    let mut count = 0;
    for entry in entries {
        if entry.only_if.is_some() {
            sink.make_all(&made, |_| {}).await?;
            count += made.len();
            made.clear();
            if !sink.has_place_for(entry).await? {
                continue;
            }
        }
        made.push(entry);
    }
    sink.make_all(&made, |_| {}).await?;
    Ok(count + made.len())
}

/// Removes the staging database after an error, and says so if that cannot be done either.
async fn clean_up(ready: &Ready, error: Error) -> Error {
    let kept = |error: Error| {
        let name = ready.staging.name().as_str();
        error.and_hint(&format!("What stays on the server ({name}) is replaced by the next run."))
    };
    if error.kind() == ErrorKind::ConnectionLost && ready.control.is_closed() {
        return kept(error);
    }
    if let Err(left) = ready.staging.remove().await {
        tracing::warn!(error = %left, "cannot remove a staging database");
        return kept(error);
    }
    match ready.roles.remove(&ready.control).await {
        None if ready.standing.is_some() => error.and_hint("The database on the server is as it was."),
        None => error.and_hint("Nothing was left on the server."),
        Some(left) => error.and_hint(&format!("No database was left on the server. {left}")),
    }
}

/// How lanes get from the archive to the server.
struct Door {
    to: ConnInfo,
    packed: Arc<Packed>,
    path: Sql,
    /// What every session sets first.
    first: Sql,
    digests: bool,
    notices: NoticeSink,
}

impl OpenLane for Door {
    fn open(&self, _database: usize) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let session = Session::connect(&self.to, Side::New, "lane", self.notices.clone()).await?;
            session.run(&self.first).await?;
            let mover = Mover::from_archive(&self.packed, Sink::new(session), self.digests, &self.path);
            Ok(Box::new(mover) as Box<dyn Lane>)
        })
    }
}
