//! How an archive is written, and what of a database goes into one before the first row.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::check::Preflight;
use super::prepare::table_of_contents;
use super::space;
use crate::archive::codec::Codec;
use crate::archive::header::{Date, Header, Version};
use crate::archive::manifest::{Manifest, Remark};
use crate::archive::primitive::Sizes;
use crate::archive::records::{self, Records};
use crate::archive::write::{Draft, Place, insist_on_room};
use crate::catalog::{Catalog, Decisions};
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::plan::form::Format;
use crate::plan::schedule::Schedule;
use crate::plan::select::Selected;
use crate::plan::split;
use crate::sql;
use crate::sql::{Ident, Literal, join};
use crate::toc::Toc;
use crate::transfer::Archivist;
use crate::wire::snapshot::SnapshotHold;

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
    /// In which form rows are.
    pub format: Format,
}

/// A database of which everything is known that an archive holds, but its rows.
pub(super) struct Archivable {
    /// The entries, for a server of the database's own version.
    pub toc: Arc<Toc>,
    /// The encoding of rows.
    pub encoding: String,
    records: Records,
    header: Header,
}

impl Archivable {
    /// What of a catalog goes into an archive; and a look whether there is room for it, and a name.
    ///
    /// # Errors
    ///
    /// `Refused` if nothing like that fits onto the volume; and what [`table_of_contents`] has to say.
    pub fn of(catalog: &Catalog, selected: &Selected, to: &Options, preflight: &mut Preflight) -> Result<Self> {
        let (mut toc, how) = table_of_contents(catalog, selected, catalog.version, None)?;
        to.format.decide(&mut toc);
        let bytes: u64 = toc.entries().iter().filter(|entry| entry.data.is_some()).map(|entry| entry.weight).sum();
        if let Destination::File { path, overwrite } = &to.to {
            if let Err(error) = insist_on_room(path, *overwrite) {
                preflight.obstacle(format!("{error}. {}", error.hint().unwrap_or_default()));
            }
            preflight.note(space::check(path, bytes, to.codec)?);
        }
        let encoding = encoding(catalog);
        let records = records_of(catalog, &how, &toc, &encoding);
        Ok(Self { header: to.header(catalog), toc: Arc::new(toc), encoding, records })
    }

    /// The same of these entries alone, and without a look at the place.
    pub fn some(catalog: &Catalog, toc: Toc, to: &Options) -> Self {
        let encoding = encoding(catalog);
        let records = records_of(catalog, &Decisions::default(), &toc, &encoding);
        Self { header: to.header(catalog), toc: Arc::new(toc), encoding, records }
    }

    /// Lets lanes share what would keep one of them busy for longer than its part.
    pub fn share_among(&mut self, lanes: NonZeroUsize) {
        split::for_reading(Arc::make_mut(&mut self.toc), lanes);
    }

    /// Begins the archive.
    ///
    /// # Errors
    ///
    /// As for [`Draft::begin`].
    pub fn begin(&mut self, to: &Options) -> Result<Archivist> {
        self.begin_at(to.place(), to.codec)
    }

    /// The same at a place of the caller's.
    ///
    /// # Errors
    ///
    /// As for [`Draft::begin`].
    pub fn begin_at(&mut self, place: Place, codec: Codec) -> Result<Archivist> {
        let records = std::mem::take(&mut self.records.records);
        Archivist::new(Draft::new(self.header.clone(), records).begin(place)?, codec)
    }

    /// What goes last into it.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn manifest<'a>(
        &self,
        snapshot: &SnapshotHold,
        findings: impl Iterator<Item = &'a Finding>,
    ) -> Result<Manifest> {
        let names = join(SETTINGS.map(Literal), ", ");
        let query = sql!(
            "SELECT n AS name, pg_catalog.current_setting(n) AS value FROM pg_catalog.unnest(ARRAY[{}]) AS n",
            names
        );
        let mut settings = Vec::with_capacity(SETTINGS.len());
        for row in snapshot.session().rows(&query).await? {
            settings.push((row.get("name")?, row.get("value")?));
        }
        Ok(Manifest {
            writer: concat!("pgtandem ", env!("CARGO_PKG_VERSION")).to_owned(),
            snapshot: snapshot.id().to_owned(),
            encoding: self.encoding.clone(),
            settings,
            findings: findings.map(remark).collect(),
            hints: self.records.hints.clone(),
            ..Manifest::default()
        })
    }
}

impl Options {
    /// How it is compressed, if its readers can read that.
    pub(super) fn checked(&self) -> Result<Codec> {
        match (self.readers, self.codec) {
            (Readers::Since12, Codec::Lz4 | Codec::Zstd(_) | Codec::ZstdAdapted) => {
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

    fn header(&self, catalog: &Catalog) -> Header {
        Header {
            version: match self.readers {
                Readers::Since16 => Version::NAMED_COMPRESSION,
                Readers::Since12 => Version::ACCESS_METHODS,
            },
            sizes: Sizes::USUAL,
            compression: self.codec.compression(),
            date: now(),
            database: catalog.database.name.clone().into(),
            server: catalog.version.to_string().into(),
            writer: concat!("pgtandem ", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// That of the rows: a database without an encoding keeps its bytes, everything else goes as what all servers understand.
pub(super) fn encoding(catalog: &Catalog) -> String {
    match catalog.database.encoding.as_str() {
        "SQL_ASCII" => "SQL_ASCII".to_owned(),
        _ => "UTF8".to_owned(),
    }
}

fn records_of(catalog: &Catalog, how: &Decisions, toc: &Toc, encoding: &str) -> Records {
    let name = Ident::new(catalog.database.name.as_str());
    // The owner is for whoever restores to give, or not to.
    let properties = Decisions { without_owners: true, ..how.clone() };
    let database = records::Database {
        oid: catalog.database.oid,
        owner: catalog.database.owner().filter(|_| !how.without_owners).cloned(),
        encoding: encoding.to_owned(),
        create: catalog.database.create_statement(&name, catalog.version),
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
