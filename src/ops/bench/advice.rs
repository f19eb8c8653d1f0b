//! From measurements to what they mean.

use std::collections::BTreeMap;
use std::time::Duration;

use super::leg::Flow;
use super::sample::Sample;
use super::writing::Built;
use crate::archive::codec::Codec;
use crate::error::Result;
use crate::plan::forecast::{Compressor, Contents, Crossing, Forecast, Part, Speeds, Table, Together};
use crate::plan::form::Format;
use crate::sql::Sql;
use crate::toc::{BinaryForm, RowForm, Toc};
use crate::wire::session::Session;

/// What one statement of a schema takes beside the way there and back.
const STATEMENT: Duration = Duration::from_micros(500);

/// What is recommended, and what is to be expected then.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// How many lanes.
    pub jobs: usize,
    /// In which form rows should cross.
    pub format: Format,
    /// How an archive is best compressed, where one is written.
    pub compress: Option<Codec>,
    /// The part that limits the run.
    pub limit: Option<Part>,
    /// How long each part would take by itself.
    pub parts: Vec<(Part, Duration)>,
    /// How long all of it would take: from, to.
    pub elapsed: (Duration, Duration),
}

/// What there is on the old server.
pub(super) struct Found {
    /// What all data weigh, in bytes.
    pub weight: u64,
    /// What the indexes of each access method weigh.
    indexes: BTreeMap<String, u64>,
    /// What the tables with foreign keys weigh, once for each key.
    foreign_keys: u64,
}

impl Found {
    /// What all indexes weigh.
    pub fn index_bytes(&self) -> u64 {
        self.indexes.values().sum()
    }
}

/// Looks at what is not in a table of contents.
///
/// # Errors
///
/// What the server says.
pub(super) async fn find(old: &Session, toc: &Toc) -> Result<Found> {
    let weight = toc.entries().iter().filter(|entry| entry.data.is_some()).map(|entry| entry.weight).sum();
    let mut indexes = BTreeMap::new();
    for row in old.rows(&Sql::constant(INDEXES)).await? {
        indexes.insert(row.get("method")?, row.get::<i64>("bytes")?.unsigned_abs());
    }
    let foreign_keys = old.row(&Sql::constant(FOREIGN_KEYS)).await?.get::<i64>("bytes")?.unsigned_abs();
    Ok(Found { weight, indexes, foreign_keys })
}

/// Everything that was measured.
#[derive(Default)]
pub(super) struct Measured {
    pub speeds: Speeds,
    /// Of every sample.
    pub rates: Vec<Rates>,
    codecs: Vec<Codec>,
    /// Bytes of indexes a second, by access method.
    builds: BTreeMap<String, Flow>,
    /// What every dump, and every upgrade, takes beside its data.
    fixed_dump: Duration,
    fixed_upgrade: Duration,
    dumped: Option<Together>,
    upgraded: Option<Together>,
}

/// How fast the rows of one table are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    text: (Option<Flow>, Option<Flow>),
    binary: (Option<Flow>, Option<Flow>),
}

impl Rates {
    fn of(&mut self, form: RowForm) -> &mut (Option<Flow>, Option<Flow>) {
        match form {
            RowForm::Text => &mut self.text,
            RowForm::Binary => &mut self.binary,
        }
    }

    /// They were read like this.
    pub fn read(&mut self, form: RowForm, flow: Flow) {
        self.of(form).0 = Some(flow).filter(|flow| flow.bytes > 0);
    }

    /// They were written like this.
    pub fn load(&mut self, form: RowForm, flow: Flow) {
        self.of(form).1 = Some(flow).filter(|flow| flow.bytes > 0);
    }

    /// How they were read.
    pub fn reading(mut self, form: RowForm) -> Option<Flow> {
        self.of(form).0
    }

    /// How they were written.
    pub fn loading(mut self, form: RowForm) -> Option<Flow> {
        self.of(form).1
    }
}

impl Measured {
    /// Of so many samples. It took so long to connect and to read the catalog.
    pub fn of(samples: usize, prepared: Duration) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            speeds: Speeds { threads, ..Speeds::default() },
            rates: vec![Rates::default(); samples],
            fixed_dump: prepared,
            ..Self::default()
        }
    }

    /// A way to compress.
    pub fn compressor(&mut self, codec: Codec, flow: Flow, ratio: f64) {
        self.codecs.push(codec);
        self.speeds.compressors.push(Compressor { ratio, speed: flow.speed() });
    }

    /// Indexes, by one lane.
    pub fn built(&mut self, built: Vec<Built>) {
        for Built { method, bytes, elapsed } in built {
            let flow = self.builds.entry(method).or_default();
            *flow = flow.then(Flow { bytes, rows: 0, elapsed });
        }
    }

    /// What an upgrade has to do whatever is in the tables: the catalog is read of both, a database and its schema are made.
    pub fn fixed(&mut self, toc: &Toc, database: Duration, round_trip: Duration) {
        let entries = u32::try_from(toc.entries().len()).unwrap_or(u32::MAX);
        self.fixed_upgrade = self.fixed_dump * 2 + database + (STATEMENT + round_trip).saturating_mul(entries);
    }

    /// A dump of samples took so long.
    pub fn dumped(&mut self, samples: &[Sample], times: f64, lanes: usize, flow: Flow) {
        let all: Vec<usize> = (0..samples.len()).collect();
        let contents = self.part(samples, &all, times);
        self.dumped = Some(Together { contents, lanes, seconds: flow.elapsed.as_secs_f64() });
    }

    /// An upgrade of these samples took so long.
    pub fn upgraded(&mut self, samples: &[Sample], made: &[usize], times: f64, lanes: usize, flow: Flow) {
        let mut contents = self.part(samples, made, times);
        // These are the very indexes that were built before.
        contents.indexes = self.builds.values().map(|flow| (flow.bytes, Some(flow.speed()))).collect();
        self.upgraded = Some(Together { contents, lanes, seconds: flow.elapsed.as_secs_f64() });
    }

    /// What a dump would be like.
    pub fn dump(&self, found: &Found, samples: &[Sample], lanes: &[usize]) -> Advice {
        let contents = Contents { fixed: self.fixed_dump.as_secs_f64(), ..self.contents(found, samples) };
        self.advice(self.speeds.dump(&contents, lanes, self.dumped.as_ref()))
    }

    /// What an upgrade would be like.
    pub fn upgrade(&self, found: &Found, samples: &[Sample], lanes: &[usize], archive: bool) -> Advice {
        let contents = Contents { fixed: self.fixed_upgrade.as_secs_f64(), ..self.contents(found, samples) };
        self.advice(self.speeds.upgrade(&contents, lanes, archive, self.upgraded.as_ref()))
    }

    fn advice(&self, forecast: Forecast) -> Advice {
        let time = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
        Advice {
            jobs: forecast.lanes,
            format: forecast.format,
            compress: forecast.compressor.and_then(|at| self.codecs.get(at).copied()),
            limit: forecast.limit(),
            parts: forecast.parts.iter().map(|(part, seconds)| (*part, time(*seconds))).collect(),
            elapsed: (time(forecast.seconds.0), time(forecast.seconds.1)),
        }
    }

    fn contents(&self, found: &Found, samples: &[Sample]) -> Contents {
        let speed = |method: &str| self.builds.get(method).map(Flow::speed);
        Contents {
            tables: samples.iter().zip(&self.rates).map(|(sample, rates)| table(sample, *rates, 1.0)).collect(),
            weight: found.weight,
            indexes: found.indexes.iter().map(|(method, bytes)| (*bytes, speed(method))).collect(),
            foreign_keys: found.foreign_keys,
            fixed: 0.0,
        }
    }

    /// Some of the rows of some tables.
    fn part(&self, samples: &[Sample], which: &[usize], times: f64) -> Contents {
        let mut contents = Contents::default();
        for &at in which {
            if let (Some(sample), Some(rates)) = (samples.get(at), self.rates.get(at)) {
                let (_, part) = sample.larger(times, RowForm::Text);
                let table = table(sample, *rates, part);
                contents.weight = contents.weight.saturating_add(table.weight);
                contents.tables.push(table);
            }
        }
        contents
    }
}

/// A part of a table, as it was measured.
fn table(sample: &Sample, rates: Rates, part: f64) -> Table {
    let crossing = |form| {
        let read = rates.reading(form)?.speed();
        Some(Crossing { bytes: sample.bytes(form) * part, read, load: rates.loading(form).map(|flow| flow.speed()) })
    };
    Table {
        weight: (sample.weight as f64 * part) as u64,
        pays: sample.rows.binary == BinaryForm::Pays,
        text: crossing(RowForm::Text).unwrap_or_default(),
        binary: crossing(RowForm::Binary),
    }
}

const INDEXES: &str = "\
SELECT m.amname::text AS method, pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))::int8 AS bytes \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am m ON m.oid = c.relam \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relkind = 'i' AND c.oid >= 16384 AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_(toast|temp)' \
GROUP BY m.amname ORDER BY m.amname";

const FOREIGN_KEYS: &str = "\
SELECT COALESCE(pg_catalog.sum(pg_catalog.pg_relation_size(conrelid)), 0)::int8 AS bytes \
FROM pg_catalog.pg_constraint WHERE contype = 'f'";
