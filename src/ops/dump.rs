//! `dump`: a database becomes an archive.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::arrived::large_objects;
use super::check::Preflight;
use super::prepare::{choose, read, table_of_contents};
use super::report::Phases;
use super::space;
use super::upgrade::{JOBS, NOTICES, unless_cancelled};
use crate::archive::codec::Codec;
use crate::archive::header::{Date, Header, Version};
use crate::archive::manifest::{Manifest, Remark};
use crate::archive::primitive::Sizes;
use crate::archive::records::{self, Records};
use crate::archive::write::{Draft, Place, Written};
use crate::catalog::{Catalog, Decisions};
use crate::error::{Error, Result};
use crate::event::{Finding, Phase, Reporter, Severity};
use crate::plan::schedule::Schedule;
use crate::plan::select::Selection;
use crate::sql;
use crate::sql::{Ident, Literal, join};
use crate::toc::{Kind, Toc};
use crate::transfer::{self, Archivist, Desk, Dumper, Lane, Moved, OpenLane, Transfer};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};
use crate::wire::snapshot::SnapshotHold;
use crate::wire::version::ServerVersion;

/// Settings that decide how rows are written.
const SETTINGS: [&str; 6] =
    ["DateStyle", "IntervalStyle", "TimeZone", "extra_float_digits", "bytea_output", "lc_monetary"];

/// Where an archive goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A file, which appears under this name when it is whole.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether one that is there may be replaced.
        overwrite: bool,
    },
    /// Standard output.
    Stdout,
}

/// Who has to be able to read an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readers {
    /// `pg_restore` 16 and later (version 1.15 of the format).
    #[default]
    Since16,
    /// `pg_restore` 12 and later (version 1.14): gzip or nothing.
    Since12,
}

/// How an archive is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where it goes.
    pub to: Destination,
    /// How it is compressed.
    pub codec: Codec,
    /// Who has to be able to read it.
    pub readers: Readers,
}

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
    toc: Arc<Toc>,
    records: Records,
    header: Header,
    encoding: String,
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
        let records = std::mem::take(&mut ready.records.records);
        let data = Draft::new(ready.header.clone(), records).begin(self.archive.place())?;
        let archivist = Archivist::new(data, codec)?;
        let moved = self.transfer(&ready, archivist.desk(), &mut phases, &notices, begun, cancel).await;
        let moved = match moved {
            Ok(moved) => moved,
            Err(error) => {
                let error = archivist.discard().await.unwrap_or(error);
                return Err(error.and_hint("Nothing was left of the archive."));
            }
        };
        phases.begin(Phase::Finish, None);
        let findings = phases.found_so_far().iter().map(remark).collect();
        let manifest = ready.manifest(findings).await?;
        let written = archivist.finish(manifest).await?;
        phases.end(Phase::Finish, "the archive is whole".to_owned());
        let version = ready.snapshot.session().version();
        let done = self.dumped(&ready.toc, &moved, &written, codec, version);
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
        let (toc, how) = table_of_contents(&catalog, &selected, version, None)?;
        let bytes: u64 = toc.entries().iter().filter(|entry| entry.data.is_some()).map(|entry| entry.weight).sum();
        if let Destination::File { path, .. } = &self.archive.to {
            preflight.note(space::check(path, bytes, self.archive.codec)?);
        }
        phases.found(preflight.take_findings());
        preflight.clear()?;
        phases.end(Phase::Catalog, format!("{} entries, {:.0} MB", toc.entries().len(), bytes as f64 / 1e6));
        let encoding = encoding(&catalog);
        let records = records_of(&catalog, &how, &toc, &encoding, version);
        let header = self.archive.header(&catalog, version);
        Ok(Ready { snapshot, toc: Arc::new(toc), records, header, encoding })
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
            encoding: ready.encoding.clone(),
            desk,
            notices: notices.clone(),
        };
        let database = transfer::Database { name: self.from.database().to_owned(), toc: Arc::clone(&ready.toc) };
        let schedule = Schedule::of_data(&ready.toc);
        let jobs = self.jobs.unwrap_or(JOBS);
        let transfer =
            Transfer { databases: vec![database], schedule, jobs, opener: Arc::new(door), monitor: None, begun };
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

impl Ready {
    async fn manifest(&self, findings: Vec<Remark>) -> Result<Manifest> {
        let names = join(SETTINGS.map(Literal), ", ");
        let query = sql!(
            "SELECT n AS name, pg_catalog.current_setting(n) AS value FROM pg_catalog.unnest(ARRAY[{}]) AS n",
            names
        );
        let mut settings = Vec::with_capacity(SETTINGS.len());
        for row in self.snapshot.session().rows(&query).await? {
            settings.push((row.get("name")?, row.get("value")?));
        }
        Ok(Manifest {
            writer: concat!("pgtandem ", env!("CARGO_PKG_VERSION")).to_owned(),
            snapshot: self.snapshot.id().to_owned(),
            encoding: self.encoding.clone(),
            settings,
            findings,
            hints: self.records.hints.clone(),
            ..Manifest::default()
        })
    }
}

impl Options {
    /// How it is compressed, if its readers can read that.
    fn checked(&self) -> Result<Codec> {
        match (self.readers, self.codec) {
            (Readers::Since12, Codec::Lz4 | Codec::Zstd(_)) => {
                Err(Error::usage(format!("pg_restore before 16 cannot read {}", self.codec))
                    .with_hint("With --compat, say --compress gzip or --compress none."))
            }
            (_, codec) => Ok(codec),
        }
    }

    fn place(&self) -> Place {
        match &self.to {
            Destination::File { path, overwrite } => Place::File { path: path.clone(), overwrite: *overwrite },
            Destination::Stdout => Place::Stream(Box::new(std::io::stdout())),
        }
    }

    fn header(&self, catalog: &Catalog, version: ServerVersion) -> Header {
        Header {
            version: match self.readers {
                Readers::Since16 => Version::NAMED_COMPRESSION,
                Readers::Since12 => Version::ACCESS_METHODS,
            },
            sizes: Sizes::USUAL,
            compression: self.codec.compression(),
            date: now(),
            database: catalog.database.name.clone().into(),
            server: version.to_string().into(),
            writer: concat!("pgtandem ", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// That of the rows: a database without an encoding keeps its bytes, everything else goes as what all servers understand.
fn encoding(catalog: &Catalog) -> String {
    match catalog.database.encoding.as_str() {
        "SQL_ASCII" => "SQL_ASCII".to_owned(),
        _ => "UTF8".to_owned(),
    }
}

fn records_of(catalog: &Catalog, how: &Decisions, toc: &Toc, encoding: &str, version: ServerVersion) -> Records {
    let name = Ident::new(catalog.database.name.as_str());
    // The owner is for whoever restores to give, or not to.
    let properties = Decisions { without_owners: true, ..how.clone() };
    let database = records::Database {
        oid: catalog.database.oid,
        owner: catalog.database.owner().filter(|_| !how.without_owners).cloned(),
        encoding: encoding.to_owned(),
        create: catalog.database.create_statement(&name, version),
        properties: catalog.database.properties(&name, catalog, &properties),
        name,
    };
    records::records(&database, toc, &Schedule::of_data(toc).entries())
}

fn remark(finding: &Finding) -> Remark {
    Remark {
        warning: finding.severity == Severity::Warning,
        subject: finding.subject.clone(),
        text: finding.text.clone(),
        remedy: finding.remedy.clone().unwrap_or_default(),
    }
}

/// The date in UTC, by the calendar that has been in use since 1582.
fn now() -> Date {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin with March here, so that the day that some have comes last. 400 of them are an era of 146,097 days.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let small = |number: u64| u8::try_from(number).unwrap_or(0);
    Date {
        second: small(second % 60),
        minute: small(second / 60 % 60),
        hour: small(second / 3600),
        day: small(of_year - (153 * from_march + 2) / 5 + 1),
        month: small(month),
        year: i32::try_from(year).unwrap_or(i32::MAX),
        summer: 0,
    }
}

/// How lanes get at the database and at the archive.
struct Door {
    from: ConnInfo,
    snapshot: Arc<SnapshotHold>,
    encoding: String,
    desk: Desk,
    notices: NoticeSink,
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
