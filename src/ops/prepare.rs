//! Everything that is read and thought before the first byte is written.

use std::sync::Arc;

use super::check::{Clearance, Preflight};
use super::databases::Pair;
use super::doors::Door;
use super::report::Phases;
use super::staging::{self, Staging};
use super::upgrade::Upgrade;
use crate::catalog::{self, Catalog, Decisions};
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan;
use crate::toc::{Kind, Toc};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;
use crate::wire::version::ServerVersion;

/// A database of which everything is known, and nothing written.
pub(super) struct Prepared {
    /// Where it is on the old server.
    pub from: ConnInfo,
    /// Where it is to be on the new one.
    pub to: ConnInfo,
    pub snapshot: Arc<SnapshotHold>,
    pub staging: Staging,
    pub catalog: Catalog,
    pub how: Decisions,
    pub toc: Arc<Toc>,
}

impl Prepared {
    /// The name that it will bear.
    pub fn name(&self) -> &str {
        self.to.database()
    }

    /// What lanes need to get at it on both sides.
    pub fn door(&self, digests: bool, notices: &NoticeSink) -> Door {
        Door {
            from: self.from.clone(),
            to: self.to.with_database(self.staging.name().as_str()),
            snapshot: Arc::clone(&self.snapshot),
            encoding: self.catalog.database.encoding.clone(),
            digests,
            notices: notices.clone(),
        }
    }
}

/// All databases of a run, and the permission to write.
pub(super) struct Ready {
    pub databases: Vec<Prepared>,
    pub clearance: Clearance,
    pub old_version: ServerVersion,
    /// A session on the new server, outside of what is made.
    pub control: Arc<Session>,
}

impl Ready {
    /// The names that the databases will bear.
    pub fn names(&self) -> Vec<String> {
        self.databases.iter().map(|database| database.name().to_owned()).collect()
    }

    /// The database, where there are several.
    pub fn prefix_of(&self, database: &Prepared) -> Option<String> {
        (self.databases.len() > 1).then(|| database.name().to_owned())
    }

    /// What something in a database is called: with the database where there are several.
    pub fn name_of(&self, database: &Prepared, what: &str) -> String {
        match self.prefix_of(database) {
            Some(prefix) => format!("{prefix}: {what}"),
            None => what.to_owned(),
        }
    }
}

/// A pair of databases with a session in the old one, and nothing read yet.
struct Opened {
    pair: Pair,
    old: Session,
    staging: Staging,
}

impl Upgrade {
    /// Connects, reads, orders, and looks for all that stands in the way.
    pub(super) async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Ready> {
        phases.begin(Phase::Connect, None);
        let (pairs, others) = self.databases.pairs(&self.from, &self.to, notices).await?;
        let several = pairs.len() > 1;
        let control = staging::connect_control(&self.to, &pairs, notices).await?;
        let mut opened = Vec::with_capacity(pairs.len());
        for Pair { from, to } in pairs {
            let pair = Pair { from, to: staging::unbothered(&to, &control).await? };
            let (old, staging) = futures::try_join!(
                Session::connect(&pair.from, Side::Old, "catalog", notices.clone()),
                Staging::open(&control, &pair.to, notices),
            )?;
            opened.push(Opened { pair, old, staging });
        }
        let old_version = opened.first().map(|first| first.old.version()).unwrap_or_default();
        phases.end(Phase::Connect, format!("old {old_version}, new {}", control.version()));

        let mut preflight = Preflight::default();
        preflight.note(others);
        if let Some(first) = opened.first() {
            preflight.versions(&first.old, &control);
        }
        for one in &opened {
            preflight.about(several.then(|| one.pair.from.database().to_owned()));
            self.look_at(one, &control, &mut preflight).await?;
        }
        if preflight.is_hopeless() {
            preflight.clear()?;
            return Err(Error::refused("the old database cannot be read"));
        }

        phases.begin(Phase::Catalog, None);
        let mut databases = Vec::with_capacity(opened.len());
        for one in opened {
            databases.push(read(one, &control).await?);
        }
        phases.end(Phase::Catalog, catalog_summary(&databases));

        phases.begin(Phase::Check, None);
        for database in &databases {
            preflight.about(several.then(|| database.from.database().to_owned()));
            preflight.unhandled(&database.catalog);
            preflight.hazards(&database.catalog, control.version().major());
            preflight.gone(&database.toc, &control).await?;
            preflight.collations(&database.catalog, &control).await?;
        }
        preflight.about(None);
        let mut wanted = catalog::Wanted::default();
        for database in &databases {
            wanted.merge(catalog::wanted(&database.catalog, &database.toc));
        }
        preflight.missing(&wanted, &control).await?;
        phases.found(preflight.take_findings());
        let clearance = preflight.clear()?;
        phases.end(Phase::Check, "nothing stands in the way".to_owned());
        Ok(Ready { databases, clearance, old_version, control })
    }

    /// What can be seen without reading the catalog.
    async fn look_at(&self, one: &Opened, control: &Session, preflight: &mut Preflight) -> Result<()> {
        let Opened { pair, old, staging } = one;
        preflight.same_database(old, pair.from.database(), control, pair.to.database()).await?;
        preflight.writers(old, self.writers).await?;
        preflight.privileges(old).await?;
        preflight.compression(old, control).await?;
        for obstacle in staging.obstacles().await? {
            preflight.obstacle(obstacle);
        }
        Ok(())
    }
}

/// Takes the snapshot, locks, reads, and orders.
async fn read(one: Opened, control: &Session) -> Result<Prepared> {
    let Opened { pair: Pair { from, to }, old, staging } = one;
    let snapshot = SnapshotHold::export(old).await?;
    catalog::read::lock(snapshot.session()).await?;
    let catalog = catalog::read::database(snapshot.session()).await?;
    let (steps, how) = plan::order::order(&catalog, control.version().major())?;
    let toc = Arc::new(catalog::toc(&catalog, &steps, &how));
    Ok(Prepared { from, to, snapshot, staging, catalog, how, toc })
}

fn catalog_summary(databases: &[Prepared]) -> String {
    let entries: Vec<_> = databases.iter().flat_map(|database| database.toc.entries()).collect();
    let data = entries.iter().filter(|e| e.kind == Kind::TableData);
    let (tables, bytes) = data.fold((0u64, 0u64), |(tables, bytes), entry| (tables + 1, bytes + entry.weight));
    let several = if databases.len() > 1 { format!("{} databases, ", databases.len()) } else { String::new() };
    format!("{several}{} entries, {tables} tables with {:.0} MB", entries.len(), bytes as f64 / 1e6)
}
