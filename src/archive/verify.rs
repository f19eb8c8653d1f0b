//! Whether an archive is whole: every byte of one of ours, and of one of others what can be told without a manifest.
//!
//! An archive with a manifest leaves no byte unlooked at: the length of the file, the header and the table of contents (their
//! SHA-256), blocks that follow each other without a gap, the beginning, the frames and the end of every block, and the
//! manifest itself (its SHA-256, and where it lies). Every frame is hashed and decoded, rows are counted and digested. So a
//! bit that is another one is found wherever it is, and so is a manifest that does not speak of what is there.
//!
//! An archive of stock `pg_dump` has neither counts nor hashes. Its structure is followed to the end of the file, and every
//! block is decoded to its end; [`Report::unproved`] says what that cannot tell.
//!
//! Memory is bounded: each thread has one frame of at most [`LONGEST_FRAME`] bytes, and the window of its decoder.

mod fault;
mod objects;
mod rows;
mod stock;
mod structure;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use fault::Faults;
pub use fault::{Fault, words};

use super::read::{FileArchive, Proof};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;

/// The longest frame that is looked at, in bytes, compressed or not; those that are written are far shorter.
pub const LONGEST_FRAME: u32 = 64 << 20;

/// What was found out about an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Who has written it, where it has a manifest that can be read.
    pub writer: Option<String>,
    /// Blocks that were looked at.
    pub blocks: u64,
    /// Frames that were looked at, where there is a manifest.
    pub frames: u64,
    /// Rows in what is whole. Where data are statements, lines.
    pub rows: u64,
    /// Large objects in what is whole.
    pub large_objects: u64,
    /// Bytes of rows and large objects before compression.
    pub content: u64,
    /// What is wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// How many more faults there are than are listed.
    pub more: u64,
    /// What cannot be told of this archive, as lower-case fragments.
    pub unproved: Vec<String>,
}

/// How much is hashed at once, in bytes.
const PART: usize = 1 << 20;

/// Under whose eyes it is done.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Grows with the bytes of the file that were looked at.
    pub tally: &'a Tally,
    /// Whether to stop.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

/// Looks at all of an archive, with so many threads. What is wrong with it is in the report.
///
/// # Errors
/// * `Io` if it cannot be read; `Cancelled` if it was.
pub fn verify(archive: &FileArchive, jobs: NonZeroUsize, watch: Watch<'_>) -> Result<Report> {
    let job = Job { archive, watch, faults: Mutex::default(), counts: Mutex::default() };
    let mut report = match archive.proof() {
        Ok(Some(proof)) => job.by_manifest(&proof, jobs)?,
        Ok(None) => job.of_others(jobs)?,
        Err(error) if error.kind() == ErrorKind::Io => return Err(error),
        Err(error) => {
            job.fault(Fault::damage("manifest", archive.blocks_from()..archive.length(), fault::words(&error)));
            job.of_others(jobs)?
        }
    };
    let counts = job.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    (report.rows, report.large_objects, report.content) = (counts.rows, counts.large_objects, counts.content);
    (report.faults, report.more) = job.faults.into_inner().unwrap_or_else(PoisonError::into_inner).in_order();
    Ok(report)
}

/// What all threads share.
struct Job<'a> {
    archive: &'a FileArchive,
    watch: Watch<'a>,
    faults: Mutex<Faults>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    rows: u64,
    large_objects: u64,
    content: u64,
}

impl Job<'_> {
    fn by_manifest(&self, proof: &Proof, jobs: NonZeroUsize) -> Result<Report> {
        let sound = structure::check(self, proof)?;
        let tables = rows::Tables::new(self, &proof.manifest);
        let works = tables.works(&sound);
        self.side_by_side(&works, jobs, |lane: &mut rows::Lane, work| match work {
            rows::Work::Rows(run) => tables.check(run, lane),
            rows::Work::Objects(block) => objects::check(self, block),
        })?;
        tables.finish();
        let blocks = &proof.manifest.blocks;
        Ok(Report {
            writer: Some(proof.manifest.writer.clone()),
            blocks: blocks.len() as u64,
            frames: blocks.iter().map(|block| block.frames.len() as u64).sum(),
            unproved: tables.unproved(),
            ..Report::default()
        })
    }

    fn of_others(&self, jobs: NonZeroUsize) -> Result<Report> {
        let walk = stock::walk(self)?;
        let works: Vec<_> = self.archive.records().iter().filter(|record| record.has_block).collect();
        self.side_by_side(&works, jobs, |(): &mut (), record| stock::check(self, record, &walk))?;
        Ok(Report {
            blocks: works.len() as u64,
            unproved: stock::unproved(self.archive.header().compression),
            ..Report::default()
        })
    }

    /// Lets threads take one work after the other. The first error ends all of them.
    fn side_by_side<W: Sync, L: Default>(
        &self,
        works: &[W],
        jobs: NonZeroUsize,
        each: impl Fn(&mut L, &W) -> Result<()> + Sync,
    ) -> Result<()> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let lane = || {
            let mut own = L::default();
            while let Some(work) = works.get(next.fetch_add(1, Ordering::Relaxed)) {
                if failed.load(Ordering::Relaxed) {
                    break;
                }
                each(&mut own, work).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..jobs.get().min(works.len())).map(|_| scope.spawn(lane)).collect();
            let own = lane();
            let died = |_| Err(Error::malformed("a thread has died; this is a bug"));
            others.into_iter().map(|thread| thread.join().unwrap_or_else(died)).fold(own, Result::and)
        })
    }

    fn fault(&self, fault: Fault) {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner).add(fault);
    }

    /// What an error says about the archive is a fault of it; any other error ends the work.
    fn fault_or_end(&self, error: Error, fault: impl FnOnce(String) -> Fault) -> Result<()> {
        if error.kind() != ErrorKind::Malformed {
            return Err(error);
        }
        self.fault(fault(fault::words(&error)));
        Ok(())
    }

    /// Shows all bytes of a part of the file, a piece at a time.
    fn bytes(&self, range: std::ops::Range<u64>, mut each: impl FnMut(&[u8])) -> Result<()> {
        let (mut at, mut buffer) = (range.start, Vec::new());
        while at < range.end {
            let length = usize::try_from(range.end - at).unwrap_or(PART).min(PART);
            self.archive.read_into(at, length, &mut buffer)?;
            each(&buffer);
            at += length as u64;
            self.passed(length as u64)?;
        }
        Ok(())
    }

    /// So many bytes of the file have been looked at.
    fn passed(&self, bytes: u64) -> Result<()> {
        self.watch.tally.add(bytes, 0);
        if (self.watch.stop)() { Err(Error::cancelled()) } else { Ok(()) }
    }

    fn count(&self, rows: u64, large_objects: u64, content: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.rows += rows;
        counts.large_objects += large_objects;
        counts.content += content;
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }
}

#[cfg(test)]
mod tests;
