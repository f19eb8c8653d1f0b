//! `upgrade`: a database, or all of a server, moves from the old server to the new one.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::archives::Archives;
use super::archiving;
use super::arrived;
use super::check;
use super::compare;
use super::databases::Databases;
use super::doors::Doors;
use super::globals::Tablespaces;
use super::ground;
use super::prepare::{Prepared, Ready, table_of_contents};
use super::report::Phases;
use super::tuning::Tuning;
use super::{Arrived, Outcome, Plan, PlannedStep, Verified};
pub use crate::catalog::Carried;
use crate::catalog::{self, Catalog, Object};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Phase, Reporter};
use crate::plan::form::Format;
use crate::plan::schedule::{Extras, Schedule};
use crate::plan::select::Selection;
use crate::sql::Sql;
use crate::toc::Section;
use crate::transfer::{self, Moved, Sink, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Side};

/// How many notices of the servers may wait to be reported. More are dropped: nobody reads a thousand of the same.
pub(super) const NOTICES: usize = 256;

/// What to do about sessions that are connected to the old database, apart from our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writers {
    /// Refuse to start, and list them: what they write from now on would be lost.
    #[default]
    Refuse,
    /// Go on. The new database holds what the snapshot holds.
    Allow,
}

/// Where the planner statistics of the new database come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Statistics {
    /// From the old one, where the new server takes them and the old one has all of a table's; else as below. That saves
    /// time; the statistics are as old as they were.
    #[default]
    Carry,
    /// From the rows of the new one (`ANALYZE`).
    Analyze,
}

/// An archive that is written on the way, from one read of the old database.
#[derive(Clone, Debug)]
pub struct Archiving {
    /// How, and where to: a file, or, of several databases, a folder with a file for each.
    pub to: archiving::Options,
    /// Whether the run goes on without it if it cannot be written.
    pub optional: bool,
}

/// The options of an upgrade.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The old database.
    pub from: ConnInfo,
    /// The new one: the name that it will bear.
    pub to: ConnInfo,
    /// Whether it is this database alone, or all of that server.
    pub databases: Databases,
    /// How many lanes work side by side; `None` for as many as suit the servers, found out on the way.
    pub jobs: Option<NonZeroUsize>,
    /// How both sides are compared.
    pub verify: Verified,
    /// In which form rows cross.
    pub format: Format,
    /// What to do about other sessions.
    pub writers: Writers,
    /// Where planner statistics come from.
    pub statistics: Statistics,
    /// What is moved.
    pub selection: Selection,
    /// Which roles are made on the new server.
    pub roles: Carried,
    /// What to do about tablespaces.
    pub tablespaces: Tablespaces,
    /// The archive that is written on the way.
    pub archive: Option<Archiving>,
    /// Whether settings of the new server are changed for as long as the run lasts.
    pub tune: bool,
}

impl Upgrade {
    /// Finds out what a run would do, and writes nothing.
    ///
    /// # Errors
    ///
    /// As for [`Upgrade::run`], as far as they can be known beforehand.
    pub async fn plan(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Plan> {
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let roles = ready.globals.created().iter().map(PlannedStep::role);
        let steps = ready.databases.iter().flat_map(|database| {
            let entries = database.toc.entries().iter().filter(|entry| entry.is_made());
            entries.map(|entry| PlannedStep::entry(entry, ready.name_of(database, &entry.name())))
        });
        Ok(Plan {
            databases: ready.names(),
            new_url: self.to.redacted(),
            old_url: self.from.redacted(),
            old_version: ready.old_version,
            new_version: ready.control.version(),
            jobs: ready.means.lanes.get(),
            steps: roles.chain(steps).collect(),
            findings: phases.into_findings(),
        })
    }

    /// Moves the database, or the databases.
    ///
    /// # Errors
    ///
    /// - `Connect` where a server cannot be reached;
    /// - `Refused` where something stands in the way, with all of it in one error; nothing was written;
    /// - `Differs` where verification found a difference;
    /// - `Io` where the archive cannot be written;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. The old server is as it was; the new one has
    ///   at most staging databases, which the next run replaces. Nothing is left of the archive, unless it was whole when the
    ///   new database took its name.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Outcome> {
        let begun = Instant::now();
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let mut ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let optional = self.archive.as_ref().is_some_and(|archive| archive.optional);
        let archives = Archives::begin(&mut ready, optional).await?;
        // Short, and so not to be cut short: what it has made is known then, and can be taken back.
        let loaded = match ready.globals.create(&ready.clearance).await {
            Ok(()) => self.load(&ready, archives, &mut phases, &notices, begun, &cancel).await,
            Err(error) => {
                archives.discard().await;
                Err(error)
            }
        };
        match loaded {
            Ok(databases) => Ok(Outcome {
                new_url: self.to.redacted(),
                old_url: self.from.redacted(),
                old_version: ready.old_version,
                new_version: ready.control.version(),
                databases,
                verified: self.verify,
                findings: phases.into_findings(),
                elapsed: begun.elapsed(),
            }),
            Err(error) => Err(clean_up(&ready, error).await),
        }
    }

    /// Makes the staging databases, fills them, proves them, makes the archives whole, and gives the databases their names.
    async fn load(
        &self,
        ready: &Ready,
        archives: Archives,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        begun: Instant,
        cancel: &CancellationToken,
    ) -> Result<Vec<Arrived>> {
        let filled = async {
            unless_cancelled(cancel, self.make_schemas(ready, phases)).await?;
            let noted = ready.databases.first().map(|first| &first.staging).filter(|_| self.tune);
            let tuning = Tuning::begin(noted, ready.bytes(), phases).await?;
            let moved = self.transfer(ready, &archives, phases, notices, begun, cancel.clone()).await;
            let moved = Tuning::end(tuning, moved, phases).await?;
            unless_cancelled(cancel, self.prove(ready, &moved, phases)).await
        };
        let mut arrived = match filled.await {
            Ok(arrived) => arrived,
            Err(error) => {
                archives.discard().await;
                return Err(error);
            }
        };
        phases.begin(Phase::Finish, None);
        for (arrived, archive) in arrived.iter_mut().zip(archives.finish(ready, phases).await?) {
            arrived.archive = archive;
        }
        let published = unless_cancelled(cancel, self.publish(ready, phases)).await;
        let whole = arrived.iter().filter_map(|database| Some(database.archive.as_ref()?.path.display().to_string()));
        let whole: Vec<String> = whole.collect();
        match published {
            Err(error) if !whole.is_empty() => {
                Err(error.and_hint(&format!("The archive is whole all the same: {}.", whole.join(", "))))
            }
            published => published.map(|()| arrived),
        }
    }

    async fn make_schemas(&self, ready: &Ready, phases: &mut Phases<'_>) -> Result<()> {
        phases.begin(Phase::Schema, None);
        let mut made = 0;
        for database in &ready.databases {
            made += make_schema(ready, database).await?;
        }
        let roles = match ready.globals.created().len() {
            0 => String::new(),
            1 => "1 role, ".to_owned(),
            several => format!("{several} roles, "),
        };
        phases.end(Phase::Schema, format!("{roles}{made} objects"));
        Ok(())
    }

    async fn transfer(
        &self,
        ready: &Ready,
        archives: &Archives,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        begun: Instant,
        cancel: CancellationToken,
    ) -> Result<Vec<Moved>> {
        let new = ready.control.version();
        let extras = Extras {
            verify: self.verify != Verified::None,
            verify_parts: new.has_tid_ranges(),
            analyze_only: new.has_analyze_only(),
            carry_statistics: self.statistics == Statistics::Carry && new.has_statistics_import(),
            partial: self.selection.has_patterns(),
        };
        let watched = phases.reporter().tick().is_some() && new.has_index_progress();
        let monitor = match ready.databases.first().filter(|_| watched) {
            Some(database) => Some(database.staging.connect(Side::New, "monitor").await?),
            None => None,
        };
        let schedule = Schedule::new(ready.databases.iter().map(|database| database.toc.as_ref()), extras);
        let databases = ready
            .databases
            .iter()
            .map(|database| transfer::Database { name: database.name().to_owned(), toc: Arc::clone(&database.toc) });
        let (first, digests) = (ready.means.settings(), self.verify == Verified::Digests);
        let doors = ready
            .databases
            .iter()
            .enumerate()
            .map(|(place, database)| Ok(database.door(&first, digests, archives.tee(place, database)?, notices)));
        let opener = Arc::new(Doors { databases: doors.collect::<Result<_>>()? });
        let transfer = Transfer {
            databases: databases.collect(),
            schedule,
            means: ready.means,
            opener,
            monitor,
            had: None,
            begun,
        };
        transfer.run(phases.reporter(), cancel).await
    }

    /// Verifies everything.
    async fn prove(&self, ready: &Ready, moved: &[Moved], phases: &mut Phases<'_>) -> Result<Vec<Arrived>> {
        let mut arrived = Vec::new();
        for (database, moved) in ready.databases.iter().zip(moved) {
            phases.about(ready.prefix_of(database));
            phases.found(check::passed_over(&database.toc, moved));
            phases.found(check::by_path(&database.toc, moved));
            self.verify(database, moved, phases).await?;
            let indexes = ground::prove(&database.staging, database.standing.as_ref(), phases).await?;
            arrived.push(arrived::arrived(database.name(), &database.toc, moved, indexes));
        }
        phases.about(None);
        Ok(arrived)
    }

    /// Gives the databases their names.
    async fn publish(&self, ready: &Ready, phases: &mut Phases<'_>) -> Result<()> {
        for database in &ready.databases {
            let seen = database.standing.as_ref().map(|standing| &standing.seen);
            database.staging.publish(database.properties(), seen).await?;
        }
        phases.found(ready.globals.finish().await);
        let (word, verb) = if ready.databases.len() == 1 { ("database", "is") } else { ("databases", "are") };
        phases.end(Phase::Finish, format!("{word} {} {verb} in place", ready.names().join(", ")));
        Ok(())
    }

    async fn verify(&self, database: &Prepared, moved: &Moved, phases: &mut Phases<'_>) -> Result<()> {
        if self.verify == Verified::None {
            return Ok(());
        }
        let named = |error: Error| error.about(format!("database {}", database.name()));
        compare::data(&moved.checked, self.verify, "on the old server").map_err(named)?;
        let session = database.staging.connect(Side::Old, "verify").await?;
        let (old, new) = (database.catalog.version, session.version());
        session.run(&Sql::constant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
        let (mut arrived, _) = database.selected.apply(catalog::read::database(&session).await?);
        catalog::read::states(&session, &mut arrived).await?;
        session.close().await;
        let hidden = hidden_mappings(&arrived);
        let (arrived, _) = table_of_contents(&arrived, &database.selected, new, Some(old.major()))?;
        let sides = compare::Sides {
            old: &database.toc,
            new: &arrived,
            moved,
            hidden: &hidden,
            same_major: old.major() == new.major(),
            same_owners: !database.how.without_owners,
            shells: &database.how.shells,
            may_hold_more: database.standing.is_some(),
        };
        phases.found(compare::schemas(&sides).map_err(named)?);
        Ok(())
    }
}

/// Makes everything that data needs to exist.
async fn make_schema(ready: &Ready, database: &Prepared) -> Result<usize> {
    let (made_like, old) = (&database.catalog.database, database.from.redacted());
    let standing = database.standing.as_ref();
    let session = ground::make(&database.staging, &ready.clearance, made_like, standing, &old).await?;
    let entries: Vec<_> = database.toc.entries().iter().filter(|e| e.section == Section::PreData).collect();
    Sink::new(session).make_all(&entries, |_| {}).await?;
    Ok(entries.len())
}

/// Removes the staging databases after an error, and says so if that cannot be done either.
async fn clean_up(ready: &Ready, error: Error) -> Error {
    let kept = |error: Error| {
        let names: Vec<&str> = ready.databases.iter().map(|database| database.staging.name().as_str()).collect();
        error.and_hint(&format!(
            "The old server is untouched. What stays on the new server ({}) is replaced by the next run{}.",
            names.join(", "),
            if ready.globals.created().is_empty() { "" } else { ", which uses the roles that were made" },
        ))
    };
    if error.kind() == ErrorKind::ConnectionLost && ready.control.is_closed() {
        return kept(error);
    }
    for database in &ready.databases {
        if let Err(left) = database.staging.remove().await {
            tracing::warn!(error = %left, "cannot remove a staging database");
            return kept(error);
        }
    }
    match ready.globals.remove().await {
        None if ready.databases.iter().any(|database| database.standing.is_some()) => {
            error.and_hint("The old server is untouched, and so is the database on the new one.")
        }
        None => error.and_hint("The old server is untouched, and nothing was left on the new one."),
        Some(left) => {
            error.and_hint(&format!("The old server is untouched, and no database was left on the new one. {left}"))
        }
    }
}

/// Runs something that may be dropped at any point, unless the user asks to stop.
pub(super) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        done = work => done,
    }
}

/// The user mappings whose options the role on the new server made but may not read.
fn hidden_mappings(catalog: &Catalog) -> BTreeSet<String> {
    let hidden = |object: &Object| match object {
        Object::UserMapping(mapping) if mapping.hidden => Some(mapping.tag()),
        _ => None,
    };
    catalog.objects().iter().filter_map(hidden).collect()
}
