//! Blocks of rows, frame by frame. Frames of one table are looked at side by side, in runs that begin with a row.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};
use zlib_rs::adler32::adler32;

use super::structure::Sound;
use super::{Fault, Job};
use crate::archive::binary::{HEAD, TAIL, Tuples};
use crate::archive::block::{Content, END_OF_ROWS, INT_BYTES, START_BYTES};
use crate::archive::codec::{self, Codec, Envelope, FrameDecoder};
use crate::archive::header::Compression;
use crate::archive::manifest::{Frame, Manifest};
use crate::archive::read::as_written;
use crate::archive::records::BINARY;
use crate::error::Result;
use crate::toc::RowForm;

/// How much of a table makes a run, in bytes of the file.
const RUN_BYTES: u64 = 4 << 20;
/// The longest thing around rows that is kept to be looked at: the end line, the head of binary form, the ends of a stream.
const LONGEST_AROUND: usize = 32;

/// What a thread takes.
pub(super) enum Work<'a> {
    Rows(Run<'a>),
    Objects(&'a Sound<'a>),
}

/// Frames that follow each other.
pub(super) struct Run<'a> {
    sound: &'a Sound<'a>,
    /// Which table it is of.
    table: usize,
    frames: Range<usize>,
    /// Where the first of them begins, with its length.
    at: u64,
}

/// What a thread has of its own.
#[derive(Default)]
pub(super) struct Lane {
    buffer: Vec<u8>,
    decoder: Option<FrameDecoder>,
}

/// All tables, and what has been found out about them so far.
pub(super) struct Tables<'a> {
    job: &'a Job<'a>,
    compression: Compression,
    manifest: &'a Manifest,
    tables: Vec<Mutex<Table>>,
}

/// What the frames of a table add up to.
#[derive(Default)]
struct Table {
    label: String,
    form: RowForm,
    rows: u64,
    content: u64,
    sum: u128,
    /// Whether something is wrong with it already, so that sums say nothing.
    damaged: bool,
    /// Adler-32 and length of what is in each frame, where they have to make up a whole.
    parts: Vec<(u32, u32)>,
    /// What stands around the rows, by the number of its frame.
    around: Vec<(usize, Vec<u8>)>,
}

impl<'a> Tables<'a> {
    pub fn new(job: &'a Job<'a>, manifest: &'a Manifest) -> Self {
        let tables = manifest.blocks.iter().map(|_| Mutex::default()).collect();
        Self { job, compression: job.archive.header().compression, manifest, tables }
    }

    /// What there is to do.
    pub fn works(&self, sound: &'a [Sound<'a>]) -> Vec<Work<'a>> {
        let mut works = Vec::new();
        for sound in sound {
            if sound.content == Content::LargeObjects {
                works.push(Work::Objects(sound));
                continue;
            }
            let table = sound.number;
            self.change(table, |sums| {
                sums.label.clone_from(&sound.label);
                sums.form = form(sound);
                if self.compression == Compression::Gzip {
                    sums.parts = vec![(1, 0); sound.block.frames.len()];
                }
            });
            works.extend(runs(sound, table).into_iter().map(Work::Rows));
        }
        works
    }

    /// Looks at one run.
    pub fn check(&self, run: &Run<'_>, lane: &mut Lane) -> Result<()> {
        let Lane { buffer, decoder } = lane;
        let decoder = match decoder {
            Some(decoder) => decoder,
            none => none.insert(FrameDecoder::new(self.compression)?),
        };
        let frames = &run.sound.block.frames;
        let (mut at, mut rows) = (run.at, Rows::of(form(run.sound)));
        // Whether a row is open is known again after one that is damaged.
        let mut known = true;
        for n in run.frames.clone() {
            let frame = frames[n];
            let whole = at..at + INT_BYTES + u64::from(frame.stored);
            let fault = |what: String| Fault {
                frame: Some((n + 1, frames.len())),
                ..Fault::damage(&run.sound.label, whole.clone(), what)
            };
            at = whole.end;
            self.job.archive.read_into(whole.start, (whole.end - whole.start) as usize, buffer)?;
            // Where rows end in it is not known, unless they are lines.
            let blind = !known && frame.within_row && form(run.sound) == RowForm::Binary;
            let looked = match as_written(buffer, frame) {
                Err(what) => Err(fault(what)),
                Ok(_) if blind => {
                    self.job.passed(whole.end - whole.start)?;
                    continue;
                }
                Ok(bytes) if known && rows.open != frame.within_row => {
                    let _ = bytes;
                    let what = "by the manifest a row begins here, or goes on, and it is not so";
                    Err(Fault { differs: true, ..fault(what.to_owned()) })
                }
                Ok(bytes) => {
                    let looked = self.decoded(run, n, bytes, decoder, &mut rows);
                    looked?.map_err(|what| Fault { differs: true, ..fault(what) })
                }
            };
            known = looked.is_ok();
            if let Err(fault) = looked {
                self.change(run.table, |sums| sums.damaged = true);
                self.job.fault(fault);
                rows.begin_anew();
            }
            self.job.passed(whole.end - whole.start)?;
        }
        if known && rows.open {
            let what = "a row does not end where the last frame does that belongs to it";
            self.job.fault(Fault::differs(&run.sound.label, run.at..at, what));
            self.change(run.table, |sums| sums.damaged = true);
        }
        self.change(run.table, |sums| {
            sums.rows += rows.ended;
            sums.sum = sums.sum.wrapping_add(rows.sum);
        });
        Ok(())
    }

    /// Decodes a frame whose bytes are as they were written. What is wrong all the same is the inner error.
    fn decoded(
        &self,
        run: &Run<'_>,
        n: usize,
        bytes: &[u8],
        decoder: &mut FrameDecoder,
        rows: &mut Rows,
    ) -> Result<Result<(), String>> {
        let frame = run.sound.block.frames[n];
        let mut kept = Vec::new();
        if frame.around && frame.content == 0 {
            // The beginning or the end of a stream, which stands by itself.
            kept.extend(&bytes[..bytes.len().min(LONGEST_AROUND)]);
            self.change(run.table, |sums| sums.around.push((n, kept)));
            return Ok(Ok(()));
        }
        let (before, mut adler, mut no_rows) = (rows.ended, 1, None);
        let done = decoder.decode(bytes, frame.content.into(), &mut |piece| {
            if self.compression == Compression::Gzip {
                adler = adler32(adler, piece);
            }
            if frame.around {
                kept.extend(&piece[..piece.len().min(LONGEST_AROUND.saturating_sub(kept.len()))]);
            } else if no_rows.is_none() {
                no_rows = rows.add(piece).err();
            }
            Ok(())
        });
        match done {
            Err(error) if error.kind() != crate::error::ErrorKind::Malformed => return Err(error),
            Err(error) => return Ok(Err(super::fault::words(&error))),
            Ok(()) => {}
        }
        if let Some(error) = no_rows {
            return Ok(Err(super::fault::words(&error)));
        }
        self.change(run.table, |sums| {
            if let Some(part) = sums.parts.get_mut(n) {
                *part = (adler, frame.content);
            }
            if frame.around {
                sums.around.push((n, kept));
            } else {
                sums.content += u64::from(frame.content);
            }
        });
        let ended = rows.ended - before;
        if ended != u64::from(frame.rows) {
            return Ok(Err(format!("{ended} rows end in it, and {} by the manifest", frame.rows)));
        }
        Ok(Ok(()))
    }

    /// Holds what all frames of each table add up to against the manifest.
    pub fn finish(&self) {
        for (block, table) in self.manifest.blocks.iter().zip(&self.tables) {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            if table.label.is_empty() {
                continue;
            }
            table.around.sort();
            let whole = block.offset..block.offset.saturating_add(block.length);
            let mut wrong = Vec::new();
            if !table.damaged {
                wrong.extend(around(self.compression, table.form, &block.frames, &table));
                if table.rows != block.rows {
                    wrong.push(format!("it holds {} rows instead of {}", table.rows, block.rows));
                } else if block.digest.is_some_and(|digest| digest != table.sum) {
                    let what = "the rows are not those that the server has sent (their digest is another one)";
                    wrong.push(what.to_owned());
                }
            }
            for what in wrong {
                self.job.fault(Fault::differs(&table.label, whole.clone(), what));
            }
            self.job.count(table.rows, 0, table.content);
        }
    }

    /// What the manifest does not tell.
    pub fn unproved(&self) -> Vec<String> {
        let without = self.manifest.blocks.iter().filter(|block| block.digest.is_none()).count();
        match without {
            0 => Vec::new(),
            without => vec![format!(
                "{without} blocks have no digest of what the server has sent; their bytes are as they were written"
            )],
        }
    }

    fn change(&self, table: usize, change: impl FnOnce(&mut Table)) {
        if let Some(table) = self.tables.get(table) {
            change(&mut table.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A table in parts that can be looked at side by side: each begins where a row does.
fn runs<'a>(sound: &'a Sound<'a>, table: usize) -> Vec<Run<'a>> {
    let frames = &sound.block.frames;
    let mut at = sound.block.offset + START_BYTES;
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        match runs.last_mut().filter(|run| frame.within_row || at - run.at < RUN_BYTES) {
            Some(run) => run.frames.end = n + 1,
            None => runs.push(Run { sound, table, frames: n..n + 1, at }),
        }
        at += INT_BYTES + u64::from(frame.stored);
    }
    runs
}

/// What is wrong with what stands around the rows.
fn around(compression: Compression, form: RowForm, frames: &[Frame], table: &Table) -> Vec<String> {
    let (mut wrong, last) = (Vec::new(), frames.len().saturating_sub(1));
    let mut text = Vec::new();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for (n, bytes) in &table.around {
        match frames.get(*n).map(|frame| frame.content) {
            Some(0) if *n == 0 => head.clone_from(bytes),
            Some(0) if *n == last => tail.clone_from(bytes),
            Some(0) => wrong.push(format!("frame {} stands for nothing", n + 1)),
            _ => text.extend_from_slice(bytes),
        }
    }
    match form {
        RowForm::Text if text != END_OF_ROWS => {
            wrong.push("the line that ends the rows is not there, or is another one".to_owned());
        }
        RowForm::Binary if text != [&HEAD[..], &TAIL].concat() => {
            wrong.push("what stands around rows in binary form is not there, or is something else".to_owned());
        }
        _ => {}
    }
    let codec = if compression == Compression::Gzip { Codec::Gzip(6) } else { Codec::None };
    let mut envelope = Envelope::new(codec);
    for (adler, content) in &table.parts {
        envelope.add(&codec::Frame { bytes: Vec::new(), content: (*content).into(), adler: *adler });
    }
    if head != envelope.head() || tail != envelope.tail() {
        wrong.push("what stands around the frames is not what belongs there; stock tools cannot read it".to_owned());
    }
    wrong
}

/// The form of a block's rows, as its record says.
fn form(sound: &Sound<'_>) -> RowForm {
    let statement = sound.record.and_then(|record| record.copy.as_deref()).unwrap_or_default();
    match statement.ends_with(BINARY.as_bytes()) {
        true => RowForm::Binary,
        false => RowForm::Text,
    }
}

/// Counts and digests rows.
#[derive(Default)]
struct Rows {
    ended: u64,
    sum: u128,
    /// Whether a row has begun that has not ended, and what it is so far.
    open: bool,
    row: Xxh3,
    /// Finds the ends of rows in binary form. In text form each of them ends with a newline that is in none.
    tuples: Option<Tuples>,
}

impl Rows {
    fn of(form: RowForm) -> Self {
        Self { tuples: (form == RowForm::Binary).then(Tuples::rows), ..Self::default() }
    }

    /// What comes next is the beginning of a row.
    fn begin_anew(&mut self) {
        self.open = false;
        self.tuples = self.tuples.is_some().then(Tuples::rows);
    }

    fn add(&mut self, piece: &[u8]) -> Result<()> {
        let Some(tuples) = &mut self.tuples else {
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                self.take(part, part.ends_with(b"\n"));
            }
            return Ok(());
        };
        let mut ends = Vec::new();
        tuples.add(piece, |end| ends.push(end))?;
        let mut begun = 0;
        for end in ends {
            self.take(piece.get(begun..end).unwrap_or_default(), true);
            begun = end;
        }
        let rest = piece.get(begun..).unwrap_or_default();
        if !rest.is_empty() {
            self.take(rest, false);
        }
        Ok(())
    }

    /// Takes a row, or a part of one.
    fn take(&mut self, part: &[u8], ends: bool) {
        if ends && !self.open {
            self.end(xxh3_128(part));
            return;
        }
        if !std::mem::replace(&mut self.open, true) {
            self.row.reset();
        }
        self.row.update(part);
        if ends {
            self.open = false;
            self.end(self.row.digest128());
        }
    }

    fn end(&mut self, hash: u128) {
        self.ended += 1;
        self.sum = self.sum.wrapping_add(hash);
    }
}
