//! `upgrade`: a database moves from the old server to the new one.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::check::{self, Clearance, Preflight};
use super::collation::{self, IndexCollations};
use super::compare;
use super::report::Phases;
use super::staging::Staging;
use super::{IndexEvidence, Outcome, Plan, PlannedStep, Verified};
use crate::catalog::{self, Catalog, Decisions};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Phase, Reporter};
use crate::plan;
use crate::plan::schedule::{Extras, Schedule};
use crate::sql::Sql;
use crate::toc::{Data, Kind, Section, Toc};
use crate::transfer::{self, Lane, Moved, OpenLane, Sink, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;

/// How many lanes work if nobody says: enough that copies and index builds overlap on a small machine, and not so many that
/// they take the servers from each other.
const JOBS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// How many notices of the servers may wait to be reported. More are dropped: nobody reads a thousand of the same.
const NOTICES: usize = 256;

/// What to do about sessions that are connected to the old database, apart from our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writers {
    /// Refuse to start, and list them: what they write from now on would be lost.
    #[default]
    Refuse,
    /// Go on. The new database holds what the snapshot holds.
    Allow,
}

/// The options of an upgrade.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The old database.
    pub from: ConnInfo,
    /// The new one: the name that it will bear.
    pub to: ConnInfo,
    /// How many lanes work side by side; `None` for a number that suits most machines.
    pub jobs: Option<NonZeroUsize>,
    /// How both sides are compared.
    pub verify: Verified,
    /// What to do about other sessions.
    pub writers: Writers,
}

/// What is known when everything has been read and thought, and nothing written.
struct Prepared {
    snapshot: Arc<SnapshotHold>,
    staging: Staging,
    catalog: Catalog,
    how: Decisions,
    toc: Arc<Toc>,
    clearance: Clearance,
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
        let prepared = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let steps = prepared.toc.entries().iter().map(|entry| PlannedStep {
            section: entry.section,
            kind: entry.kind.desc(),
            name: entry.name(),
            bytes: (entry.weight > 0).then_some(entry.weight),
        });
        Ok(Plan {
            database: self.to.database().to_owned(),
            new_url: self.to.redacted(),
            old_url: self.from.redacted(),
            old_version: prepared.catalog.version,
            new_version: prepared.staging.control().version(),
            jobs: self.jobs().get(),
            steps: steps.collect(),
            findings: phases.into_findings(),
        })
    }

    /// Moves the database.
    ///
    /// # Errors
    ///
    /// - `Connect` where a server cannot be reached;
    /// - `Refused` where something stands in the way, with all of it in one error; nothing was written;
    /// - `Differs` where verification found a difference;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. The old server is as it was; the new one has
    ///   at most a staging database, which the next run replaces.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Outcome> {
        let begun = Instant::now();
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let prepared = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        match self.load(&prepared, &mut phases, begun, &cancel).await {
            Ok(outcome) => Ok(Outcome { findings: phases.into_findings(), elapsed: begun.elapsed(), ..outcome }),
            Err(error) => Err(self.clean_up(&prepared.staging, &notices, error).await),
        }
    }

    fn jobs(&self) -> NonZeroUsize {
        self.jobs.unwrap_or(JOBS)
    }

    /// What lanes need to get at a database on both sides.
    fn door(&self, prepared: &Prepared) -> Door {
        Door {
            from: self.from.clone(),
            to: self.to.with_database(prepared.staging.name().as_str()),
            snapshot: Arc::clone(&prepared.snapshot),
            encoding: prepared.catalog.database.encoding.clone(),
            digests: self.verify == Verified::Digests,
            notices: prepared.staging.notices(),
        }
    }

    /// Everything that is read and thought before the first byte is written.
    async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Prepared> {
        phases.begin(Phase::Connect, None);
        let (old, staging) = futures::try_join!(
            Session::connect(&self.from, Side::Old, "catalog", notices.clone()),
            Staging::open(&self.to, notices),
        )?;
        phases.end(Phase::Connect, format!("old {}, new {}", old.version(), staging.control().version()));

        let mut preflight = Preflight::default();
        preflight.versions(&old, staging.control());
        preflight.same_database(&old, self.from.database(), staging.control(), self.to.database()).await?;
        preflight.writers(&old, self.writers).await?;
        preflight.privileges(&old).await?;
        preflight.compression(&old, staging.control()).await?;
        for obstacle in staging.obstacles().await? {
            preflight.obstacle(obstacle);
        }
        if preflight.is_hopeless() {
            preflight.clear()?;
            return Err(Error::refused("the old database cannot be read"));
        }

        phases.begin(Phase::Catalog, None);
        let snapshot = SnapshotHold::export(old).await?;
        catalog::read::lock(snapshot.session()).await?;
        let catalog = catalog::read::database(snapshot.session()).await?;
        let (steps, how) = plan::order::order(&catalog, staging.control().version().major())?;
        let toc = Arc::new(catalog::toc(&catalog, &steps, &how));
        phases.end(Phase::Catalog, catalog_summary(&toc));

        phases.begin(Phase::Check, None);
        preflight.unhandled(&catalog);
        preflight.hazards(&catalog, staging.control().version().major());
        preflight.missing(&catalog, &toc, staging.control()).await?;
        preflight.gone(&toc, staging.control()).await?;
        phases.found(preflight.take_findings());
        let clearance = preflight.clear()?;
        phases.end(Phase::Check, "nothing stands in the way".to_owned());
        Ok(Prepared { snapshot, staging, catalog, how, toc, clearance })
    }

    /// Makes the staging database, fills it, proves it, and gives it its name.
    async fn load(
        &self,
        prepared: &Prepared,
        phases: &mut Phases<'_>,
        begun: Instant,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let Prepared { staging, catalog, how, toc, clearance, .. } = prepared;
        phases.begin(Phase::Schema, None);
        let schema = async {
            staging.create(clearance, &catalog.database, &self.from.redacted()).await?;
            self.make_schema(staging, toc).await
        };
        unless_cancelled(cancel, schema).await?;
        let before = toc.entries().iter().filter(|e| e.section == Section::PreData).count();
        phases.end(Phase::Schema, format!("{before} objects"));

        let moved = self.transfer(prepared, phases, begun, cancel.clone()).await?;
        phases.found(check::passed_over(toc, &moved.passed_over));
        let finish = async {
            self.verify(staging, toc, &moved, catalog, phases).await?;
            phases.begin(Phase::Finish, None);
            let indexes = collation::prove_indexes(&staging.connect(Side::New, "indexes").await?).await?;
            staging.publish(catalog, how).await?;
            phases.end(Phase::Finish, format!("database {} is in place", self.to.database()));
            Ok(indexes)
        };
        let indexes = unless_cancelled(cancel, finish).await?;
        let outcome = self.outcome(catalog, staging, toc, &moved);
        Ok(Outcome { indexes: evidence(toc, &moved, indexes), ..outcome })
    }

    /// Makes everything that data needs to exist. The collation versions are refreshed before the first index is there.
    async fn make_schema(&self, staging: &Staging, toc: &Toc) -> Result<()> {
        let session = staging.connect(Side::New, "schema").await?;
        collation::refresh(&session, staging.name()).await?;
        let entries: Vec<_> = toc.entries().iter().filter(|e| e.section == Section::PreData).collect();
        Sink::new(session).make_all(&entries, |_| {}).await
    }

    async fn transfer(
        &self,
        prepared: &Prepared,
        phases: &mut Phases<'_>,
        begun: Instant,
        cancel: CancellationToken,
    ) -> Result<Moved> {
        let Prepared { staging, toc, .. } = prepared;
        let new = staging.control().version();
        let extras = Extras { verify: self.verify != Verified::None, analyze_only: new.has_analyze_only() };
        let watched = phases.reporter().tick().is_some() && new.has_index_progress();
        let monitor = if watched { Some(staging.connect(Side::New, "monitor").await?) } else { None };
        let schedule = Schedule::new([toc.as_ref()], extras);
        let databases = vec![transfer::Database { name: self.to.database().to_owned(), toc: Arc::clone(toc) }];
        let opener = Arc::new(Doors { databases: vec![self.door(prepared)] });
        let transfer = Transfer { databases, schedule, jobs: self.jobs(), opener, monitor, begun };
        let moved = transfer.run(phases.reporter(), cancel).await?;
        moved.into_iter().next().ok_or_else(|| Error::malformed("nothing was moved"))
    }

    async fn verify(
        &self,
        staging: &Staging,
        toc: &Toc,
        moved: &Moved,
        catalog: &Catalog,
        phases: &mut Phases<'_>,
    ) -> Result<()> {
        if self.verify == Verified::None {
            return Ok(());
        }
        compare::data(&moved.checked, self.verify)?;
        let session = staging.connect(Side::Old, "verify").await?;
        let new = staging.control().version();
        session.run(&Sql::constant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
        let arrived = catalog::read::database(&session).await?;
        let (steps, how) = plan::order::order(&arrived, new.major())?;
        let how = Decisions { as_known_by: Some(catalog.version.major()), ..how };
        let same_major = catalog.version.major() == new.major();
        let arrived = catalog::toc(&arrived, &steps, &how);
        phases.found(compare::schemas(toc, &arrived, &moved.passed_over, same_major)?);
        Ok(())
    }

    fn outcome(&self, catalog: &Catalog, staging: &Staging, toc: &Toc, moved: &Moved) -> Outcome {
        let count = |kind: Kind| toc.entries().iter().filter(|e| e.kind == kind).count() as u64;
        let large_objects = toc.entries().iter().filter_map(|e| match &e.data {
            Some(Data::LargeObjects(oids)) => Some(oids.len() as u64),
            _ => None,
        });
        Outcome {
            database: self.to.database().to_owned(),
            new_url: self.to.redacted(),
            old_url: self.from.redacted(),
            old_version: catalog.version,
            new_version: staging.control().version(),
            tables: count(Kind::TableData),
            rows: moved.rows,
            bytes: moved.bytes,
            large_objects: large_objects.sum(),
            sequences: count(Kind::SequenceSet),
            entries: toc.entries().len() as u64,
            verified: self.verify,
            ..Outcome::default()
        }
    }

    /// Removes the staging database after an error, and says so if that cannot be done either.
    async fn clean_up(&self, staging: &Staging, notices: &NoticeSink, error: Error) -> Error {
        let kept = |error: Error| {
            error.and_hint(&format!(
                "The old server is untouched. The staging database {} stays on the new server; the next run replaces it.",
                staging.name().as_str()
            ))
        };
        if error.kind() == ErrorKind::ConnectionLost && staging.control().is_closed() {
            return kept(error);
        }
        let _ = notices;
        match staging.remove().await {
            Ok(()) => error.and_hint("The old server is untouched, and nothing was left on the new one."),
            Err(left) => {
                tracing::warn!(error = %left, "cannot remove the staging database");
                kept(error)
            }
        }
    }
}

/// How lanes get at the databases.
struct Doors {
    databases: Vec<Door>,
}

/// How lanes get at one database, on both sides.
struct Door {
    from: ConnInfo,
    /// Where it is being made.
    to: ConnInfo,
    snapshot: Arc<SnapshotHold>,
    encoding: String,
    digests: bool,
    notices: NoticeSink,
}

impl OpenLane for Doors {
    fn open(&self, database: usize) -> BoxFuture<'_, Result<Lane>> {
        Box::pin(async move {
            let door = self.databases.get(database).ok_or_else(|| Error::malformed("there is no such database"))?;
            let (source, sink) = futures::try_join!(
                Session::connect(&door.from, Side::Old, "lane", door.notices.clone()),
                Session::connect(&door.to, Side::New, "lane", door.notices.clone()),
            )?;
            Lane::new(&door.snapshot, source, Sink::new(sink), door.digests, &door.encoding).await
        })
    }
}

/// Runs something that may be dropped at any point, unless the user asks to stop.
async fn unless_cancelled<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::cancelled()),
        done = work => done,
    }
}

/// What is known of every index: when it was built, and under which collations. One that has no entry of its own (an
/// exclusion constraint's, an extension's) was made by this run all the same, since the database was.
fn evidence(toc: &Toc, moved: &Moved, indexes: Vec<IndexCollations>) -> Vec<IndexEvidence> {
    let built: HashMap<String, Duration> =
        moved.indexes.iter().filter_map(|(id, at)| Some((toc.get(*id)?.name(), *at))).collect();
    let evidence = indexes.into_iter().map(|proof| {
        let index = proof.index.label();
        let built_at = built.get(&index).copied().unwrap_or_default();
        IndexEvidence { index, built_at, collations: proof.collations }
    });
    evidence.collect()
}

fn catalog_summary(toc: &Toc) -> String {
    let (mut tables, mut bytes) = (0u64, 0u64);
    for entry in toc.entries().iter().filter(|e| e.kind == Kind::TableData) {
        tables += 1;
        bytes += entry.weight;
    }
    format!("{} entries, {tables} tables with {:.0} MB", toc.entries().len(), bytes as f64 / 1e6)
}
