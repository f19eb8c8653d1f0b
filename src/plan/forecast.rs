//! What measured speeds mean for a whole run: the part that limits it, how many lanes suit it, in which form rows should
//! cross, how an archive is best compressed, and how long it will take.
//!
//! The model is a simple one. What is copied passes through all parts of its way at once, so that the slowest of them decides.
//! Indexes, foreign keys and reading back want the same processors as the copying, so that their times are added to it. What
//! several lanes gain is what they gained when they were measured. A short run of everything together tells by how much the
//! model is wrong on this pair of servers.

use super::form::Format;

/// What a better choice has to bring to be worth another number of lanes, another form, or more compression.
const WORTH: f64 = 1.05;
/// How far a forecast may be wrong that rests on the measurements alone.
const MARGIN: f64 = 0.15;
/// A run of everything together that took less, in seconds, corrects nothing: it is mostly beginnings and ends.
const LEAST_TOGETHER: f64 = 0.5;

/// Speeds at so many lanes, in any unit: more is better.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByLanes(Vec<(usize, f64)>);

impl ByLanes {
    /// Adds a measurement.
    pub fn push(&mut self, lanes: usize, speed: f64) {
        self.0.push((lanes, speed));
        self.0.sort_by_key(|(lanes, _)| *lanes);
    }

    /// The speed at so many lanes, or at the next smaller number that was measured.
    pub fn at(&self, lanes: usize) -> Option<f64> {
        let below = self.0.iter().rev().find(|(measured, _)| *measured <= lanes);
        below.or(self.0.first()).map(|(_, speed)| *speed)
    }

    /// How many times as fast so many lanes are as one.
    fn gain(&self, lanes: usize) -> f64 {
        match (self.at(1), self.at(lanes)) {
            (Some(one), Some(many)) if one > 0.0 && many > 0.0 => many / one,
            _ => 1.0,
        }
    }
}

/// The rows of one table in one form.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Crossing {
    /// Bytes of all of them.
    pub bytes: f64,
    /// Bytes a second that one lane reads on the old server.
    pub read: f64,
    /// Bytes a second that one lane writes on the new one, where that was measured.
    pub load: Option<f64>,
}

/// A table that was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Table {
    /// Its size on the old server, in bytes.
    pub weight: u64,
    /// Whether binary form is taken for it unless somebody says otherwise.
    pub pays: bool,
    /// As text.
    pub text: Crossing,
    /// In binary form, where that is safe.
    pub binary: Option<Crossing>,
}

/// A way to compress.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compressor {
    /// Bytes that come out for each that goes in.
    pub ratio: f64,
    /// Bytes that go in, a second and thread.
    pub speed: f64,
}

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speeds {
    /// Reading on the old server, bytes a second.
    pub read: ByLanes,
    /// The way from the old server, bytes a second.
    pub wire: ByLanes,
    /// The way between us and the new one, bytes a second of one lane.
    pub wire_new: Option<f64>,
    /// Writing on the new server, bytes a second.
    pub load: ByLanes,
    /// Index builds, bytes of indexes a second.
    pub build: ByLanes,
    /// Reading back on the new server with one lane, bytes a second.
    pub read_back: Option<f64>,
    /// Ways to compress.
    pub compressors: Vec<Compressor>,
    /// Writing to the disk of an archive, bytes a second.
    pub disk: Option<f64>,
    /// How many threads can compress at once.
    pub threads: usize,
}

/// What there is to be moved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The tables that were measured.
    pub tables: Vec<Table>,
    /// The size of everything that holds data, measured or not, in bytes on the old server.
    pub weight: u64,
    /// For every access method: bytes of its indexes on the old server, and bytes a second that one lane builds, where that
    /// was measured.
    pub indexes: Vec<(u64, Option<f64>)>,
    /// The size of the tables that have foreign keys, once for each key, in bytes on the old server.
    pub foreign_keys: u64,
    /// Seconds that connecting, reading the catalog and making the schema take.
    pub fixed: f64,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Reading rows on the old server.
    Read,
    /// The way between the servers and us.
    Wire,
    /// Writing rows on the new server.
    Load,
    /// Compressing here.
    Compress,
    /// Writing the archive.
    Disk,
    /// Building indexes on the new server.
    Build,
    /// Looking foreign keys up on the new server.
    ForeignKeys,
    /// Reading everything back from the new server.
    Verify,
    /// Connecting, reading the catalog, making the schema.
    Fixed,
}

impl Part {
    /// A stable lower-case name, for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Wire => "wire",
            Self::Load => "load",
            Self::Compress => "compress",
            Self::Disk => "disk",
            Self::Build => "build",
            Self::ForeignKeys => "foreign_keys",
            Self::Verify => "verify",
            Self::Fixed => "fixed",
        }
    }

    /// Whether it is one of those through which rows pass at once.
    const fn is_on_the_way(self) -> bool {
        matches!(self, Self::Read | Self::Wire | Self::Load | Self::Compress | Self::Disk)
    }
}

/// A run, as it is to be expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// How many lanes.
    pub lanes: usize,
    /// In which form rows cross.
    pub format: Format,
    /// Which of [`Speeds::compressors`], where an archive is written.
    pub compressor: Option<usize>,
    /// How long each part would take, in seconds.
    pub parts: Vec<(Part, f64)>,
    /// From how many seconds to how many all of it would take.
    pub seconds: (f64, f64),
}

impl Forecast {
    /// The part that takes longest, if anything takes time.
    pub fn limit(&self) -> Option<Part> {
        let longest = self.parts.iter().filter(|(part, seconds)| *part != Part::Fixed && *seconds > 0.0);
        longest.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(part, _)| *part)
    }
}

/// What a run of everything together has shown, on a part of the contents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Together {
    /// What was moved, without foreign keys, and without what is fixed.
    pub contents: Contents,
    /// With so many lanes.
    pub lanes: usize,
    /// How long it took.
    pub seconds: f64,
}

/// One choice, and what it would cost.
#[derive(Clone, Copy)]
struct Choice {
    lanes: usize,
    format: Format,
    compressor: Option<usize>,
}

impl Speeds {
    /// An upgrade. With `archive` it writes one on the way, so that rows cross as text. `lanes` are those that were tried.
    pub fn upgrade(
        &self,
        contents: &Contents,
        lanes: &[usize],
        archive: bool,
        together: Option<&Together>,
    ) -> Forecast {
        let compressor = archive.then(|| self.best_compressor(contents, lanes)).flatten();
        let choice = |lanes, format| Choice { lanes, format, compressor };
        let cost = |choice: Choice| total(&self.parts(contents, choice, true));
        let lanes = least(lanes, |lanes| cost(choice(lanes, if archive { Format::Text } else { Format::Auto })));
        let format = if archive { Format::Text } else { self.best_format(|format| cost(choice(lanes, format))) };
        let choice = choice(lanes, format);
        let correction = together.and_then(|together| self.correction(together)).unwrap_or(1.0);
        self.forecast(contents, choice, true, correction)
    }

    /// A dump. `lanes` are those that were tried.
    pub fn dump(&self, contents: &Contents, lanes: &[usize], together: Option<&Together>) -> Forecast {
        let compressor = self.best_compressor(contents, lanes);
        let choice = |lanes| Choice { lanes, format: Format::Text, compressor };
        let lanes = least(lanes, |lanes| total(&self.parts(contents, choice(lanes), false)));
        let wrong = together.and_then(|together| {
            let expected = total(&self.parts(&together.contents, choice(together.lanes), false));
            ratio_of(together.seconds, expected)
        });
        self.forecast(contents, choice(lanes), false, wrong.unwrap_or(1.0))
    }

    fn forecast(&self, contents: &Contents, choice: Choice, upgrade: bool, correction: f64) -> Forecast {
        let parts = self.parts(contents, choice, upgrade);
        let model = total(&parts);
        let shown = (model - contents.fixed).mul_add(correction, contents.fixed);
        // What was seen together is nearer to the truth than the sum of parts, and not on the same rows as all of it.
        let between = f64::midpoint(model, shown);
        let seconds = (between.min(shown) * (1.0 - MARGIN), between.max(shown) * (1.0 + MARGIN));
        let Choice { lanes, format, compressor } = choice;
        Forecast { lanes, format, compressor, parts, seconds }
    }

    /// By how much the model is wrong: what was together took so many times as long.
    fn correction(&self, together: &Together) -> Option<f64> {
        let choice = Choice { lanes: together.lanes, format: Format::Auto, compressor: None };
        let parts = self.parts(&together.contents, choice, true);
        let without: Vec<_> = parts.into_iter().filter(|(part, _)| *part != Part::Verify).collect();
        ratio_of(together.seconds, total(&without))
    }

    /// The one that makes the smallest archive of those that hold up nobody: a slower one only where that is clearly smaller.
    fn best_compressor(&self, contents: &Contents, lanes: &[usize]) -> Option<usize> {
        let cost = |compressor| {
            let best = lanes.iter().map(|&lanes| {
                let choice = Choice { lanes, format: Format::Text, compressor: Some(compressor) };
                total(&self.parts(contents, choice, false))
            });
            best.min_by(f64::total_cmp).unwrap_or_default()
        };
        let costs: Vec<f64> = (0..self.compressors.len()).map(cost).collect();
        let quickest = costs.iter().copied().min_by(f64::total_cmp)?;
        let mut quick: Vec<usize> = (0..costs.len()).filter(|&at| costs[at] <= quickest * WORTH).collect();
        quick.sort_by(|&a, &b| self.compressors[b].speed.total_cmp(&self.compressors[a].speed));
        // One that takes more of the processors has to bring something.
        let smaller = |a: usize, b: usize| self.compressors[a].ratio * WORTH < self.compressors[b].ratio;
        quick.into_iter().reduce(|best, next| if smaller(next, best) { next } else { best })
    }

    /// What is taken anyway, unless another one is clearly better.
    fn best_format(&self, cost: impl Fn(Format) -> f64) -> Format {
        let auto = cost(Format::Auto);
        let others = [Format::Text, Format::Binary].map(|format| (format, cost(format)));
        let best = others.into_iter().filter(|(_, seconds)| seconds * WORTH < auto);
        best.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(Format::Auto, |(format, _)| format)
    }

    /// How long each part takes by itself.
    fn parts(&self, contents: &Contents, choice: Choice, upgrade: bool) -> Vec<(Part, f64)> {
        let Choice { lanes, format, compressor } = choice;
        let Cost { bytes, read, load } = contents.cost(format);
        let there = over(bytes, self.wire_new.map(|speed| speed * lanes as f64));
        let mut parts = vec![
            (Part::Read, read / self.read.gain(lanes)),
            (Part::Wire, over(bytes, self.wire.at(lanes)).max(if upgrade { there } else { 0.0 })),
            (Part::Fixed, contents.fixed),
        ];
        if let Some(compressor) = compressor.and_then(|at| self.compressors.get(at)) {
            let threads = lanes.min(self.threads.max(1)) as f64;
            parts.push((Part::Compress, over(bytes, Some(compressor.speed * threads))));
            parts.push((Part::Disk, over(bytes * compressor.ratio, self.disk)));
        }
        if upgrade {
            let back = self.read_back.map(|speed| speed * self.read.gain(lanes));
            let rows_a_byte = if contents.weight > 0 { bytes / contents.weight as f64 } else { 0.0 };
            parts.extend([
                (Part::Load, load / self.load.gain(lanes)),
                (Part::Build, contents.build(self.build.at(1)) / self.build.gain(lanes)),
                (Part::ForeignKeys, over(contents.foreign_keys as f64 * rows_a_byte, back)),
                (Part::Verify, over(bytes, back)),
            ]);
        }
        parts.sort_by_key(|(part, _)| *part);
        parts
    }
}

/// What copying everything costs one lane.
#[derive(Clone, Copy, Default)]
struct Cost {
    bytes: f64,
    /// Seconds on either server.
    read: f64,
    load: f64,
}

impl Contents {
    /// In this form. What was not measured is taken to be like what was.
    fn cost(&self, format: Format) -> Cost {
        let mut cost = Cost::default();
        let (mut loaded, mut weight) = (0.0, 0u64);
        for table in &self.tables {
            let crossing = table.crossing(format);
            weight = weight.saturating_add(table.weight);
            cost.bytes += crossing.bytes;
            cost.read += over(crossing.bytes, Some(crossing.read));
            if let Some(load) = crossing.load {
                loaded += crossing.bytes;
                cost.load += over(crossing.bytes, Some(load));
            }
        }
        if loaded > 0.0 {
            cost.load *= cost.bytes / loaded;
        }
        let scale = if weight > 0 { (self.weight as f64 / weight as f64).max(1.0) } else { 1.0 };
        Cost { bytes: cost.bytes * scale, read: cost.read * scale, load: cost.load * scale }
    }

    /// Seconds that one lane builds indexes.
    fn build(&self, usual: Option<f64>) -> f64 {
        self.indexes.iter().fold(0.0, |sum, (bytes, speed)| sum + over(*bytes as f64, speed.or(usual)))
    }
}

impl Table {
    fn crossing(&self, format: Format) -> &Crossing {
        match (format, &self.binary) {
            (Format::Binary, Some(binary)) => binary,
            (Format::Auto, Some(binary)) if self.pays => binary,
            _ => &self.text,
        }
    }
}

/// All parts: the slowest of those on the way, and the others one after the other.
fn total(parts: &[(Part, f64)]) -> f64 {
    let way = parts.iter().filter(|(part, _)| part.is_on_the_way()).map(|(_, seconds)| *seconds);
    let others = parts.iter().filter(|(part, _)| !part.is_on_the_way()).map(|(_, seconds)| *seconds);
    way.fold(0.0, f64::max) + others.sum::<f64>()
}

/// The smallest number of lanes with which it costs no more than it has to.
fn least(lanes: &[usize], cost: impl Fn(usize) -> f64) -> usize {
    let mut costs: Vec<(usize, f64)> = lanes.iter().map(|&lanes| (lanes, cost(lanes))).collect();
    costs.sort_by_key(|(lanes, _)| *lanes);
    let best = costs.iter().map(|(_, cost)| *cost).min_by(f64::total_cmp).unwrap_or_default();
    costs.iter().find(|(_, cost)| *cost <= best * WORTH).map_or(1, |(lanes, _)| *lanes)
}

fn over(bytes: f64, speed: Option<f64>) -> f64 {
    match speed {
        Some(speed) if speed > 0.0 => bytes / speed,
        _ => 0.0,
    }
}

fn ratio_of(seconds: f64, expected: f64) -> Option<f64> {
    (seconds >= LEAST_TOGETHER && expected > 0.0).then(|| (seconds / expected).clamp(0.25, 4.0))
}

#[cfg(test)]
mod tests;
