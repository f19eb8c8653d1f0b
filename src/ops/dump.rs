//! `dump`: a database becomes an archive.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::archiving::{Archivable, Destination, Options};
use super::arrived::large_objects;
use super::check::Preflight;
use super::prepare::{choose, read};
use super::report::Phases;
use super::upgrade::{NOTICES, unless_cancelled};
use crate::archive::codec::Codec;
use crate::archive::write::Written;
use crate::error::Result;
use crate::event::{Finding, Phase, Reporter};
use crate::plan::means::{LANES, Means};
use crate::plan::schedule::Schedule;
use crate::plan::select::Selection;
use crate::toc::{Kind, Toc};
use crate::transfer::{self, Desk, Dumper, Lane, Moved, OpenLane, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;
use crate::wire::version::ServerVersion;

/// The options of a dump.
#[derive(Clone, Debug)]
pub struct Dump {
    /// The database.
    pub from: ConnInfo,
    /// The archive.
    pub archive: Options,
    /// How many lanes read side by side; `None` for a number that suits most machines.
    pub jobs: Option<NonZeroUsize>,
    /// What is dumped.
    pub selection: Selection,
}

/// What a dump did.
#[derive(Clone, Debug, Default)]
pub struct Dumped {
    /// The archive's name; nothing for standard output.
    pub archive: Option<PathBuf>,
    /// Where the database is, without a password.
    pub url: String,
    /// The server's version.
    pub version: ServerVersion,
    /// How the archive is compressed ("zstd:3").
    pub codec: String,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Bytes of rows and large objects before they were compressed.
    pub content: u64,
    /// Tables that hold rows of their own.
    pub tables: u64,
    /// Rows.
    pub rows: u64,
    /// Large objects.
    pub large_objects: u64,
    /// Sequences.
    pub sequences: u64,
    /// All entries.
    pub entries: u64,
    /// Everything worth telling.
    pub findings: Vec<Finding>,
    /// From beginning to end.
    pub elapsed: Duration,
}

/// A database of which everything is known but its rows.
struct Ready {
    snapshot: Arc<SnapshotHold>,
    database: Archivable,
}

impl Dump {
    /// Dumps the database.
    ///
    /// # Errors
    ///
    /// - `Connect` where the server cannot be reached;
    /// - `Refused` where something stands in the way: an archive of that name, a volume without enough room;
    /// - `Io` where the archive cannot be written;
    /// - `Server`, `ConnectionLost`, `Cancelled` for what happens on the way. Nothing is left of the archive then.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<Dumped> {
        let begun = Instant::now();
        let (notices, mut heard) = mpsc::channel(NOTICES);
        let mut phases = Phases::new(reporter, &mut heard);
        let codec = self.archive.checked()?;
        let mut ready = unless_cancelled(&cancel, self.prepare(&mut phases, &notices)).await?;
        let archivist = ready.database.begin(&self.archive)?;
        let moved = self.transfer(&ready, archivist.desk(), &mut phases, &notices, begun, cancel).await;
        let moved = match moved {
            Ok(moved) => moved,
            Err(error) => {
                archivist.discard().await;
                return Err(error.and_hint("Nothing was left of the archive."));
            }
        };
        phases.begin(Phase::Finish, None);
        let manifest = ready.database.manifest(&ready.snapshot, phases.found_so_far().iter()).await?;
        let written = archivist.finish(manifest).await?;
        phases.end(Phase::Finish, "the archive is whole".to_owned());
        let version = ready.snapshot.session().version();
        let done = self.dumped(&ready.database.toc, &moved, &written, codec, version);
        Ok(Dumped { findings: phases.into_findings(), elapsed: begun.elapsed(), ..done })
    }

    async fn prepare(&self, phases: &mut Phases<'_>, notices: &NoticeSink) -> Result<Ready> {
        phases.begin(Phase::Connect, None);
        let session = Session::connect(&self.from, Side::Old, "catalog", notices.clone()).await?;
        let version = session.version();
        phases.end(Phase::Connect, format!("server {version}"));

        phases.begin(Phase::Catalog, None);
        let mut preflight = Preflight::default();
        let (snapshot, selected) = choose(session, self.from.database(), &self.selection, &mut preflight).await?;
        preflight.insist_on_hope()?;
        let (catalog, dangling) = read(snapshot.session(), &selected).await?;
        preflight.dangling(&dangling);
        preflight.unhandled(&catalog);
        let mut database = Archivable::of(&catalog, &selected, &self.archive, &mut preflight)?;
        database.share_among(self.jobs.unwrap_or(LANES));
        phases.found(preflight.take_findings());
        preflight.clear()?;
        let entries = database.toc.entries();
        let bytes: u64 = entries.iter().filter(|entry| entry.data.is_some()).map(|entry| entry.weight).sum();
        phases.end(Phase::Catalog, format!("{} entries, {:.0} MB", entries.len(), bytes as f64 / 1e6));
        Ok(Ready { snapshot, database })
    }

    async fn transfer(
        &self,
        ready: &Ready,
        desk: Desk,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        begun: Instant,
        cancel: CancellationToken,
    ) -> Result<Moved> {
        let door = Door {
            from: self.from.clone(),
            snapshot: Arc::clone(&ready.snapshot),
            encoding: ready.database.encoding.clone(),
            desk,
            notices: notices.clone(),
        };
        let database =
            transfer::Database { name: self.from.database().to_owned(), toc: Arc::clone(&ready.database.toc) };
        let schedule = Schedule::of_data(&ready.database.toc);
        let means = Means::only(self.jobs.unwrap_or(LANES));
        let transfer = Transfer {
            databases: vec![database],
            schedule,
            means,
            opener: Arc::new(door),
            monitor: None,
            had: None,
            begun,
        };
        let mut moved = transfer.run(phases.reporter(), cancel).await?;
        Ok(moved.pop().unwrap_or_default())
    }

    fn dumped(&self, toc: &Toc, moved: &Moved, written: &Written, codec: Codec, version: ServerVersion) -> Dumped {
        let entries = toc.entries();
        let count = |kind: Kind| entries.iter().filter(|entry| entry.kind == kind).count() as u64;
        let large_objects = large_objects(toc);
        Dumped {
            archive: match &self.archive.to {
                Destination::File { path, .. } => Some(path.clone()),
                Destination::Stdout => None,
            },
            url: self.from.redacted(),
            version,
            codec: codec.to_string(),
            bytes: written.bytes,
            content: moved.bytes,
            tables: count(Kind::TableData),
            rows: moved.rows - large_objects.min(moved.rows),
            large_objects,
            sequences: count(Kind::SequenceSet),
            entries: entries.len() as u64,
            findings: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }
}

/// How lanes get at the database and at the archive.
pub(super) struct Door {
    /// The database.
    pub from: ConnInfo,
    /// What is read.
    pub snapshot: Arc<SnapshotHold>,
    /// The encoding of rows.
    pub encoding: String,
    /// Where what was read is handed in.
    pub desk: Desk,
    /// Where warnings of the server go.
    pub notices: NoticeSink,
}

impl OpenLane for Door {
    fn open(&self, _database: usize) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let source = Session::connect(&self.from, Side::Old, "lane", self.notices.clone()).await?;
            let dumper = Dumper::new(&self.snapshot, source, self.desk.clone(), &self.encoding).await?;
            Ok(Box::new(dumper) as Box<dyn Lane>)
        })
    }
}
