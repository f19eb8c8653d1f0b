//! The legs on the new server, and an upgrade.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::leg::{Flow, Leg, Place, Work};
use super::missing;
use super::run::{Course, all, name, read};
use super::sample::Sample;
use super::together::Target;
use super::writing::{Form, Writers};
use crate::error::Result;
use crate::ops::prepare::search_path;
use crate::plan::means::Means;
use crate::toc::RowForm;

impl Course<'_, '_> {
    /// Everything on the new server, if there is one: how long the way there and back takes.
    pub async fn write(&mut self) -> Result<Option<Duration>> {
        let Some(target) = &self.ready.target else { return Ok(None) };
        let begun = Instant::now();
        target.create(&self.ready.catalog.database, &self.bench.from.redacted()).await?;
        let made = begun.elapsed();
        let most = self.ready.lanes.last().copied().unwrap_or(1);
        let mut writers = Writers::open(&target.staging, target.means, most, &self.encoding).await?;
        let findings = writers.make(&self.samples).await?;
        self.legs.phases().found(findings);
        let round_trip = writers.there.round_trip().await?;
        self.measured.fixed(&self.ready.toc, made, round_trip);

        let (time, there) = (self.bench.time, &writers.there);
        let work = async { there.wire(1, time).await.map(|flow| (flow, flow)) };
        let flow = self.legs.measure(Leg::of(Work::Wire, Place::New, "", 1), work).await?;
        self.measured.speeds.wire_new = Some(flow.speed());
        if !writers.made.is_empty() {
            self.load(&writers).await?;
            let times = self.fill(&writers).await?;
            self.build(&writers).await?;
            writers.there.keep_one().await;
            self.read_back(&writers).await?;
            self.upgrade(&writers, times).await?;
        }
        writers.close().await;
        Ok(Some(round_trip))
    }

    /// Writing rows: every form with one lane, then what several gain.
    async fn load(&mut self, writers: &Writers) -> Result<()> {
        let slice = self.slice(writers.made.len());
        for (form, row_form) in [(Form::Text, RowForm::Text), (Form::Binary, RowForm::Binary)] {
            if !writers.made.iter().any(|&at| form.of(&self.samples[at]).is_some()) {
                continue;
            }
            let samples = &self.samples;
            let work = async {
                let flows = writers.load(samples, form, 1, slice).await?;
                Ok((all(&flows), flows))
            };
            let flows = self.legs.measure(Leg::of(Work::Write, Place::New, name(row_form), 1), work).await?;
            for (&at, flow) in writers.made.iter().zip(flows.into_iter().flatten()) {
                self.measured.rates[at].load(row_form, flow);
            }
        }
        let alone = writers.made.iter().filter_map(|&at| self.measured.rates[at].loading(self.samples[at].usual()));
        let alone = alone.fold(Flow::default(), Flow::then);
        self.measured.speeds.load.push(1, alone.speed());
        for lanes in self.several() {
            let samples = &self.samples;
            let work = async {
                let flow = all(&writers.load(samples, Form::Usual, lanes, slice).await?);
                Ok((flow, flow))
            };
            let flow = self.legs.measure(Leg::of(Work::Write, Place::New, self.usual_name(), lanes), work).await?;
            self.measured.speeds.load.push(lanes, flow.speed());
        }
        Ok(())
    }

    /// Copying from the old server to the new one, with one lane, as much as takes about the time of a leg.
    async fn fill(&mut self, writers: &Writers) -> Result<f64> {
        let speeds = &self.measured.speeds;
        let speed = [speeds.read.at(1), speeds.load.at(1)].into_iter().flatten().fold(f64::INFINITY, f64::min);
        let times = self.times(if speed.is_finite() { speed } else { 0.0 });
        let (readers, samples, cancel) = (&self.readers, &self.samples, self.cancel);
        let work = async { writers.fill(readers, samples, times, cancel).await.map(|flow| (flow, ())) };
        self.legs.measure(Leg::of(Work::Copy, Place::Both, self.usual_name(), 1), work).await?;
        Ok(times)
    }

    /// Building indexes.
    async fn build(&mut self, writers: &Writers) -> Result<()> {
        let methods = writers.methods(&self.samples);
        if methods.is_empty() {
            return Ok(());
        }
        for lanes in [1].into_iter().chain(self.several()) {
            let samples = &self.samples;
            let work = async {
                let (flow, built) = writers.build(samples, lanes).await?;
                Ok((flow, (flow, built)))
            };
            let leg = Leg::of(Work::Build, Place::New, methods.join(", "), lanes);
            let (flow, built) = self.legs.measure(leg, work).await?;
            self.measured.speeds.build.push(lanes, flow.speed());
            if lanes == 1 {
                self.measured.built(built);
            }
        }
        Ok(())
    }

    /// Reading back, which is how an upgrade proves itself.
    async fn read_back(&mut self, writers: &Writers) -> Result<()> {
        let statements = writers.read_back(&self.samples);
        let slice = self.slice(statements.len());
        let work = read(&writers.there, vec![statements], slice);
        let flows = self.legs.measure(Leg::of(Work::ReadBack, Place::New, self.usual_name(), 1), work).await?;
        self.measured.speeds.read_back = Some(all(&flows).speed());
        Ok(())
    }

    /// An upgrade of samples, with the lanes that the legs alone recommend.
    async fn upgrade(&mut self, writers: &Writers, times: f64) -> Result<()> {
        let Some(target) = &self.ready.target else { return Ok(()) };
        writers.make_originals(&self.samples).await?;
        let jobs = self.measured.upgrade(&self.found, &self.samples, &self.ready.lanes, false).jobs;
        let lanes = NonZeroUsize::new(jobs).ok_or_else(missing)?;
        let means = Means { lanes, most: lanes, ..target.means };
        let to = Target {
            to: self.bench.to.as_ref().ok_or_else(missing)?.with_database(target.staging.name().as_str()),
            version: target.control.version(),
            path: search_path(self.ready.snapshot.session()).await?,
        };
        let moved: Vec<&Sample> = writers.made.iter().filter_map(|&at| self.samples.get(at)).collect();
        let (source, cancel) = (self.source, self.cancel.clone());
        let work = async {
            let flow = source.upgrade(&moved, times, means, to, cancel).await?;
            Ok((flow, flow))
        };
        let leg = Leg::of(Work::Upgrade, Place::Both, self.usual_name(), jobs);
        let flow = self.legs.measure(leg, work).await?;
        self.measured.upgraded(&self.samples, &writers.made, times, jobs, flow);
        Ok(())
    }
}
