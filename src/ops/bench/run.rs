//! The legs, one after the other: those on the old server, those here, and a dump.

use std::num::NonZeroUsize;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::advice::{self, Found, Measured};
use super::codecs::{CODECS, compress};
use super::disk::Scratch;
use super::leg::{Flow, Leg, Legs, Place, Work};
use super::reading::Readers;
use super::sample::{self, KEPT, Sample};
use super::together::Source;
use super::{Bench, Benched, Ready, little, missing};
use crate::error::Result;
use crate::ops::archiving;
use crate::ops::report::Phases;
use crate::sql::Sql;
use crate::toc::{Part, RowForm, Rows};
use crate::transfer::{copy_out, copy_part};
use crate::wire::session::NoticeSink;

/// No sample that is moved is more than so many times as large as what is kept of a table in memory.
const LARGEST: f64 = 16.0;

/// A bench under way.
pub(super) struct Course<'a, 'p> {
    pub bench: &'a Bench,
    pub ready: &'a Ready,
    /// What both kinds of a run read from.
    pub source: Source<'a>,
    pub cancel: &'a CancellationToken,
    /// The encoding in which rows cross.
    pub encoding: String,
    pub readers: Readers,
    pub samples: Vec<Sample>,
    pub found: Found,
    pub legs: Legs<'a, 'p>,
    pub measured: Measured,
}

impl Bench {
    /// Everything, in the order in which it builds on each other.
    pub(super) async fn measure(
        &self,
        ready: &Ready,
        scratch: Option<Scratch>,
        phases: &mut Phases<'_>,
        notices: &NoticeSink,
        cancel: &CancellationToken,
    ) -> Result<Benched> {
        let most = ready.lanes.last().copied().unwrap_or(1);
        let mut readers = Readers::open(&self.from, &ready.snapshot, most, notices).await?;
        let encoding = match ready.target {
            Some(_) => ready.catalog.database.encoding.clone(),
            None => archiving::encoding(&ready.catalog),
        };
        let found = advice::find(ready.snapshot.session(), &ready.toc).await?;
        let mut legs = Legs::new(phases);
        let samples = sample::take(&mut readers, &ready.toc, &encoding).await?;
        if found.weight < KEPT {
            legs.phases().found(vec![little(found.weight, self.from.database())]);
        }
        let measured = Measured::of(samples.len(), ready.elapsed);
        let source = Source { from: &self.from, snapshot: &ready.snapshot, catalog: &ready.catalog, notices };
        let mut course =
            Course { bench: self, ready, source, cancel, encoding, readers, samples, found, legs, measured };
        let old_round_trip = course.readers.round_trip().await?;
        course.wire().await?;
        if !course.samples.is_empty() {
            course.read().await?;
            course.compress().await?;
        }
        course.readers.keep_one().await;
        let scratch = course.disk(scratch).await?;
        let new_round_trip = course.write().await?;
        let dump = course.dump(scratch.as_ref()).await?;
        let upgrade = match new_round_trip {
            Some(_) => {
                Some(course.measured.upgrade(&course.found, &course.samples, &ready.lanes, self.archive.is_some()))
            }
            None => None,
        };
        let Course { readers, samples, found, legs, .. } = course;
        readers.close().await;
        Ok(Benched {
            bytes: found.weight,
            index_bytes: found.index_bytes(),
            tables: samples.iter().map(|sample| sample.rows.table.label()).collect(),
            sampled_bytes: samples.iter().map(|sample| sample.weight).sum(),
            old_round_trip,
            new_round_trip,
            legs: legs.done(),
            upgrade,
            dump: Some(dump),
            ..Benched::default()
        })
    }
}

impl Course<'_, '_> {
    /// How many times what is kept of the tables takes about as long as a leg, at so many bytes a second.
    pub fn times(&self, speed: f64) -> f64 {
        let kept: usize = self.samples.iter().map(|sample| sample.content(sample.usual()).rows.len()).sum();
        (speed * self.bench.time.as_secs_f64() / kept.max(1) as f64).clamp(1.0, LARGEST)
    }

    /// A leg's time, for one table of so many.
    pub fn slice(&self, tables: usize) -> Duration {
        self.bench.time / u32::try_from(tables.max(1)).unwrap_or(u32::MAX)
    }

    /// The numbers of lanes that are tried, but one.
    pub fn several(&self) -> impl Iterator<Item = usize> + use<> {
        self.ready.lanes.clone().into_iter().filter(|lanes| *lanes > 1)
    }

    /// The form in which rows cross if nobody says otherwise: without a new server into an archive, as text.
    fn usual(&self, sample: &Sample) -> RowForm {
        if self.ready.target.is_some() { sample.usual() } else { RowForm::Text }
    }

    /// What that is called, for all tables.
    pub fn usual_name(&self) -> &'static str {
        let binary = self.samples.iter().any(|sample| self.usual(sample) == RowForm::Binary);
        if binary { "auto" } else { "text" }
    }

    /// The way from the old server.
    async fn wire(&mut self) -> Result<()> {
        let most = self.ready.lanes.last().copied().filter(|most| *most > 1);
        for lanes in [1].into_iter().chain(most) {
            let leg = Leg::of(Work::Wire, Place::Old, "", lanes);
            let readers = &self.readers;
            let work = async { readers.wire(lanes, self.bench.time).await.map(|flow| (flow, flow)) };
            let flow = self.legs.measure(leg, work).await?;
            self.measured.speeds.wire.push(lanes, flow.speed());
        }
        Ok(())
    }

    /// Reading on the old server: every form with one lane, then what several gain with the rows as they will cross.
    async fn read(&mut self) -> Result<()> {
        for form in [RowForm::Text, RowForm::Binary] {
            let has = |sample: &Sample| form == RowForm::Text || sample.binary.is_some();
            let chosen: Vec<usize> = (0..self.samples.len()).filter(|&at| has(&self.samples[at])).collect();
            if chosen.is_empty() {
                continue;
            }
            let statements = chosen.iter().map(|&at| out_of(&self.samples[at].rows, form, None, &self.encoding));
            let lanes = vec![statements.collect()];
            let work = read(&self.readers, lanes, self.slice(chosen.len()));
            let flows = self.legs.measure(Leg::of(Work::Read, Place::Old, name(form), 1), work).await?;
            for (at, flow) in chosen.into_iter().zip(flows.into_iter().flatten()) {
                self.measured.rates[at].read(form, flow);
            }
        }
        let forms: Vec<RowForm> = self.samples.iter().map(|sample| self.usual(sample)).collect();
        let alone = self.measured.rates.iter().zip(&forms).filter_map(|(rates, form)| rates.reading(*form));
        let alone = alone.fold(Flow::default(), Flow::then);
        self.measured.speeds.read.push(1, alone.speed());
        let count = self.samples.len();
        for lanes in self.several() {
            let part = |lane: usize| Some(Part { number: lane as u32, of: lanes as u32 });
            let of_lane = |lane: usize| {
                let turns = (0..count).map(|at| (at + lane) % count);
                turns.map(|at| out_of(&self.samples[at].rows, forms[at], part(lane), &self.encoding)).collect()
            };
            let work = read(&self.readers, (0..lanes).map(of_lane).collect(), self.slice(count));
            let leg = Leg::of(Work::Read, Place::Old, self.usual_name(), lanes);
            let flows = self.legs.measure(leg, work).await?;
            self.measured.speeds.read.push(lanes, all(&flows).speed());
        }
        Ok(())
    }

    /// Compressing, in every way.
    async fn compress(&mut self) -> Result<()> {
        let content: Vec<_> = self.samples.iter().map(|sample| sample.text.rows.clone()).collect();
        for codec in CODECS {
            let (time, cancel) = (self.bench.time, self.cancel.clone());
            let work = async {
                let (flow, ratio) = compress(codec, content.clone(), time, cancel).await?;
                Ok((flow, (flow, ratio)))
            };
            let leg = Leg::of(Work::Compress, Place::Here, codec.to_string(), 1);
            let (flow, ratio) = self.legs.measure(leg, work).await?;
            self.legs.last().into_iter().for_each(|leg| leg.ratio = Some(ratio));
            self.measured.compressor(codec, flow, ratio);
        }
        Ok(())
    }

    /// Writing to the disk of the archive.
    async fn disk(&mut self, scratch: Option<Scratch>) -> Result<Option<Scratch>> {
        let Some(scratch) = scratch else { return Ok(None) };
        let (time, cancel) = (self.bench.time, self.cancel.clone());
        let work = async {
            let (flow, scratch) = scratch.write(time, cancel).await?;
            Ok((flow, (flow, scratch)))
        };
        let (flow, scratch) = self.legs.measure(Leg::of(Work::Disk, Place::Here, "", 1), work).await?;
        self.measured.speeds.disk = Some(flow.speed());
        Ok(Some(scratch))
    }

    /// A dump of samples, with what the legs alone recommend; and what is recommended then.
    async fn dump(&mut self, scratch: Option<&Scratch>) -> Result<advice::Advice> {
        let lanes = &self.ready.lanes;
        let before = self.measured.dump(&self.found, &self.samples, lanes);
        if self.samples.is_empty() {
            return Ok(before);
        }
        let codec = before.compress.unwrap_or_default();
        let jobs = NonZeroUsize::new(before.jobs).ok_or_else(missing)?;
        let times = self.times(self.measured.speeds.read.at(before.jobs).unwrap_or_default());
        let (source, samples, cancel) = (self.source, &self.samples, self.cancel.clone());
        let work = async {
            let flow = source.dump(samples, times, jobs, codec, scratch, cancel).await?;
            Ok((flow, flow))
        };
        let leg = Leg::of(Work::Dump, Place::Here, codec.to_string(), before.jobs);
        let flow = self.legs.measure(leg, work).await?;
        self.measured.dumped(&self.samples, times, before.jobs, flow);
        Ok(self.measured.dump(&self.found, &self.samples, lanes))
    }
}

/// Reads side by side.
pub(super) async fn read(readers: &Readers, lanes: Vec<Vec<Sql>>, slice: Duration) -> Result<(Flow, Vec<Vec<Flow>>)> {
    let flows = readers.read(&lanes, slice).await?;
    Ok((all(&flows), flows))
}

/// What lanes have done beside each other, each of them one thing after the other.
pub(super) fn all(lanes: &[Vec<Flow>]) -> Flow {
    let lanes = lanes.iter().map(|flows| flows.iter().copied().fold(Flow::default(), Flow::then));
    lanes.fold(Flow::default(), Flow::beside)
}

/// What a form is called.
pub(super) const fn name(form: RowForm) -> &'static str {
    match form {
        RowForm::Text => "text",
        RowForm::Binary => "binary",
    }
}

/// All rows of a table, or a part of them where its pages can be told apart.
fn out_of(rows: &Rows, form: RowForm, part: Option<Part>, encoding: &str) -> Sql {
    let rows = Rows { form, ..rows.clone() };
    match part.filter(|_| rows.pages > 0) {
        Some(part) => copy_part(&rows, part, encoding),
        None => copy_out(&rows, encoding),
    }
}
