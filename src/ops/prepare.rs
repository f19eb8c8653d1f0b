//! Everything that is read and thought before the first byte is written.

use std::sync::Arc;

use super::archives::Wanted;
use super::check::{Clearance, Preflight};
use super::databases::{Databases, Pair};
use super::doors::Door;
use super::globals::Globals;
use super::means;
use super::report::Phases;
use super::staging::{self, Staging};
use super::standing::Standing;
use super::tuning;
use super::upgrade::{Archiving, Upgrade};
use crate::catalog::read::Names;
use crate::catalog::{self, Catalog, Decisions, Setting};
use crate::error::{Error, Result};
use crate::event::Phase;
use crate::plan;
use crate::plan::form::Format;
use crate::plan::means::Means;
use crate::plan::select::{Dangling, Selected, Selection};
use crate::plan::split;
use crate::sql::Sql;
use crate::toc::{Kind, Toc};
use crate::transfer::Tee;
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
    pub selected: Selected,
    pub catalog: Catalog,
    pub how: Decisions,
    pub toc: Arc<Toc>,
    /// What it is added to, where it is not made.
    pub standing: Option<Standing>,
    /// What is selected and needs what is not.
    dangling: Vec<Dangling>,
    /// The search path that the old one gives to its users: what follows SET.
    pub path: Sql,
    /// The archive that is written on the way.
    pub archive: Option<Wanted>,
}

impl Prepared {
    /// The name that it will bear.
    pub fn name(&self) -> &str {
        self.to.database()
    }

    /// How lanes connect to the staging database.
    fn for_lanes(&self) -> ConnInfo {
        let to = self.to.with_database(self.staging.name().as_str());
        self.standing.as_ref().map_or(to.clone(), |standing| standing.for_lanes(&to))
    }

    /// The statements about the database itself that give it everything else that it has.
    pub fn properties(&self) -> Vec<Sql> {
        match &self.standing {
            Some(standing) => standing.properties.clone(),
            None => self.catalog.database.properties(self.staging.name(), &self.catalog, &self.how),
        }
    }

    /// What lanes need to get at it on both sides.
    pub fn door(&self, first: &Sql, digests: bool, tee: Option<Arc<Tee>>, notices: &NoticeSink) -> Door {
        let encoding = match &self.archive {
            Some(archive) => archive.database.encoding.clone(),
            None => self.catalog.database.encoding.clone(),
        };
        Door {
            from: self.from.clone(),
            to: self.for_lanes(),
            snapshot: Arc::clone(&self.snapshot),
            encoding,
            tee,
            path: self.path.clone(),
            first: first.clone(),
            digests,
            notices: notices.clone(),
        }
    }
}

/// All databases of a run, and the permission to write.
pub(super) struct Ready {
    pub databases: Vec<Prepared>,
    /// Roles and the like.
    pub globals: Globals,
    pub clearance: Clearance,
    pub old_version: ServerVersion,
    /// What it works with.
    pub means: Means,
    /// A session on the new server, outside of what is made.
    pub control: Arc<Session>,
}

impl Ready {
    /// The names that the databases will bear.
    pub fn names(&self) -> Vec<String> {
        self.databases.iter().map(|database| database.name().to_owned()).collect()
    }

    /// What all databases weigh, in bytes.
    pub fn bytes(&self) -> u64 {
        weight(&self.databases)
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

/// The same, where it is known what is to be read.
struct Chosen {
    pair: Pair,
    snapshot: Arc<SnapshotHold>,
    staging: Staging,
    selected: Selected,
}

impl Upgrade {
    /// Connects, reads, orders, and looks for all that stands in the way.
    pub(super) async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Ready> {
        self.insist_on_one_database()?;
        if self.format == Format::Binary && (self.archive.is_some() || !self.selection.makes_objects()) {
            return Err(Error::usage("rows have to cross as text here, and --format binary was asked for").with_hint(
                "An archive beside an upgrade holds text, and so does what goes into a database that is there already.",
            ));
        }
        self.archive.iter().try_for_each(Archiving::check)?;
        phases.begin(Phase::Connect, None);
        let (pairs, others) = self.databases.pairs(&self.from, &self.to, notices).await?;
        let several = pairs.len() > 1;
        let control = {
            let made: Vec<&str> = pairs.iter().map(|pair| pair.to.database()).collect();
            staging::connect_control(&self.to, &made, notices).await?
        };
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
        preflight.insist_on_hope()?;

        phases.begin(Phase::Catalog, None);
        let means = means::of(&control, opened.first().map(|first| &first.old), self.jobs).await?;
        let first = opened.first().ok_or_else(|| Error::refused("there is no database to be moved"))?;
        let mut globals = Globals::read(&first.old, &control, self.roles).await?;
        let mut chosen = Vec::with_capacity(opened.len());
        for one in opened {
            preflight.about(several.then(|| one.pair.from.database().to_owned()));
            chosen.push(self.choose(one, &control, &mut preflight).await?);
        }
        preflight.insist_on_hope()?;
        let mut databases = Vec::with_capacity(chosen.len());
        for one in chosen {
            preflight.about(several.then(|| one.pair.from.database().to_owned()));
            databases.push(self.read(one, several, &control, &globals, means, &mut preflight).await?);
        }
        phases.end(Phase::Catalog, catalog_summary(&databases));

        phases.begin(Phase::Check, None);
        for database in &databases {
            preflight.about(several.then(|| database.from.database().to_owned()));
            preflight.gone(&database.toc, &control).await?;
            // What stands already is what it is.
            if database.standing.is_none() {
                preflight.dangling(&database.dangling);
                preflight.unhandled(&database.catalog);
                preflight.hazards(catalog::hazards(&database.catalog, control.version().major()));
                preflight.gone_from_system(database.snapshot.session(), &control).await?;
                preflight.collations(&database.catalog, &control).await?;
            }
        }
        preflight.about(None);
        let mut wanted = catalog::Wanted::default();
        for database in &databases {
            wanted.merge(catalog::wanted(&database.catalog, &database.toc, &database.how));
            if database.standing.is_none() {
                wanted.merge(catalog::wanted_by_database(&database.catalog, &database.how));
            }
        }
        preflight.missing(&wanted, &control).await?;
        globals.check(&wanted, &mut preflight).await?;
        preflight.note(tuning::look(&control, weight(&databases), self.tune).await?);
        phases.found(preflight.take_findings());
        let clearance = preflight.clear()?;
        phases.end(Phase::Check, "nothing stands in the way".to_owned());
        Ok(Ready { databases, globals, clearance, old_version, means, control })
    }

    /// What can be seen without reading the catalog.
    async fn look_at(&self, one: &Opened, control: &Session, preflight: &mut Preflight) -> Result<()> {
        let Opened { pair, old, staging } = one;
        preflight.same_database(old, pair.from.database(), control, pair.to.database()).await?;
        preflight.writers(old, self.writers).await?;
        if self.selection.makes_objects()
            && let Some(obstacle) = staging.target_obstacle().await?
        {
            preflight.obstacle(obstacle);
        }
        for obstacle in staging.obstacles().await? {
            preflight.obstacle(obstacle);
        }
        Ok(())
    }

    /// Selections that make no sense for several databases.
    fn insist_on_one_database(&self) -> Result<()> {
        if self.databases == Databases::All && self.selection.has_patterns() {
            return Err(Error::usage("what is selected by name is selected in one database, and all are to be moved")
                .with_hint("Leave --all-databases out, and name the database in --from and --to."));
        }
        Ok(())
    }

    /// Takes the snapshot, and looks whether what is wanted can be read.
    async fn choose(&self, one: Opened, control: &Session, preflight: &mut Preflight) -> Result<Chosen> {
        let Opened { pair, old, staging } = one;
        let (snapshot, selected) = choose(old, pair.from.database(), &self.selection, preflight).await?;
        preflight.compression(snapshot.session(), control, &selected).await?;
        Ok(Chosen { pair, snapshot, staging, selected })
    }

    /// Locks, reads, gives what was read the form that the new server takes, and orders it.
    async fn read(
        &self,
        one: Chosen,
        several: bool,
        control: &Session,
        globals: &Globals,
        means: Means,
        preflight: &mut Preflight,
    ) -> Result<Prepared> {
        let Chosen { pair: Pair { from, to }, snapshot, staging, selected } = one;
        let old = snapshot.session();
        let (mut catalog, dangling) = read(old, &selected).await?;
        // It holds the old database as it is.
        let archive = self.archive.as_ref().map(|archive| archive.of(&catalog, &selected, several, preflight));
        let archive = archive.transpose()?;
        let selected = if self.selection.makes_objects() { selected } else { selected.upon_standing() };
        preflight.hazards(catalog::adapt(&mut catalog, control.version().major()));
        preflight.settings(&mut catalog, control).await?;
        globals.rename_in(&mut catalog);
        let path = search_path(old).await?;
        let (mut toc, how) = table_of_contents(&catalog, &selected, control.version(), None)?;
        preflight.note(self.tablespaces.apply(&mut catalog.database, &mut toc));
        let standing = match self.selection.makes_objects() {
            true => None,
            false => Standing::look(&staging, &mut toc, preflight).await?,
        };
        // An archive beside has them as text, and columns that stand already may have other types.
        let text = archive.is_some() || standing.is_some();
        if text { Format::Text } else { self.format }.decide(&mut toc);
        // A part that has a second turn could not take back what an archive has of it.
        if archive.is_none() {
            split::for_loading(&mut toc, means.lanes);
        }
        Ok(Prepared {
            from,
            to,
            snapshot,
            staging,
            selected,
            catalog,
            how,
            toc: Arc::new(toc),
            standing,
            dangling,
            path,
            archive,
        })
    }
}

/// Takes the snapshot, asks what the patterns match there, and whether that can be read.
pub(super) async fn choose(
    old: Session,
    database: &str,
    selection: &Selection,
    preflight: &mut Preflight,
) -> Result<(Arc<SnapshotHold>, Selected)> {
    let snapshot = SnapshotHold::export(old).await?;
    let old = snapshot.session();
    let (schemas, relations) = (selection.schema_patterns(), selection.relation_patterns());
    for pattern in &relations {
        pattern.insist_on(database)?;
    }
    let names = match selection.has_patterns() {
        true => catalog::read::names(old, &schemas, &relations).await?,
        false => Names::default(),
    };
    let (selected, idle) = selection.settle(names)?;
    preflight.idle(&idle);
    preflight.privileges(old, &selected).await?;
    Ok((snapshot, selected))
}

/// Locks and reads what is selected.
pub(super) async fn read(old: &Session, selected: &Selected) -> Result<(Catalog, Vec<Dangling>)> {
    catalog::read::lock(old, |table| selected.has_relation(table)).await?;
    let (mut catalog, dangling) = selected.apply(catalog::read::database(old).await?);
    catalog::read::states(old, &mut catalog).await?;
    Ok((catalog, dangling))
}

/// The entries of what is selected, in order, for a server of this version. Of privileges only those count that the major
/// `known_by` knows.
pub(super) fn table_of_contents(
    catalog: &Catalog,
    selected: &Selected,
    target: ServerVersion,
    known_by: Option<u32>,
) -> Result<(Toc, Decisions)> {
    let (steps, how) = plan::order::order(catalog, target.major())?;
    let how = selected.decide(Decisions { as_known_by: known_by, ..how });
    let toc = catalog::toc(catalog, &steps, &how);
    Ok((selected.entries(&toc), how))
}

/// The search path that a database gives to its users.
pub(super) async fn search_path(old: &Session) -> Result<Sql> {
    let default = Sql::constant("SELECT reset_val AS path FROM pg_catalog.pg_settings WHERE name = 'search_path'");
    let value = old.row(&default).await?.get("path")?;
    Ok(Setting { name: "search_path".to_owned(), value }.assignment())
}

/// What databases weigh, in bytes.
fn weight(databases: &[Prepared]) -> u64 {
    databases.iter().map(|database| database.toc.weight()).fold(0, u64::saturating_add)
}

fn catalog_summary(databases: &[Prepared]) -> String {
    let entries = databases.iter().flat_map(|database| database.toc.entries());
    let entries: Vec<_> = entries.filter(|entry| entry.is_made()).collect();
    let data = entries.iter().filter(|e| e.kind == Kind::TableData);
    let (tables, bytes) = data.fold((0u64, 0u64), |(tables, bytes), entry| (tables + 1, bytes + entry.weight));
    let several = if databases.len() > 1 { format!("{} databases, ", databases.len()) } else { String::new() };
    format!("{several}{} entries, {tables} tables with {:.0} MB", entries.len(), bytes as f64 / 1e6)
}
