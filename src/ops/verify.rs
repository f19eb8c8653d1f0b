//! `verify --archive`: whether an archive is whole. No server is asked.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::archive::listing;
use crate::archive::read::FileArchive;
use crate::archive::verify::{Report, Watch, verify};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Finding, Phase, Reporter, Severity, Tally};

pub use crate::archive::verify::Fault;

/// How many faults an error tells.
const TOLD: usize = 20;
/// How often to look how far it is, if nobody says.
const TICK: Duration = Duration::from_secs(1);

/// The command `verify --archive`.
#[derive(Clone, Debug)]
pub struct VerifyArchive {
    /// The archive.
    pub archive: PathBuf,
    /// How many threads look at it; `None` for as many as the machine has processors.
    pub jobs: Option<NonZeroUsize>,
}

/// What was found out about an archive.
#[derive(Clone, Debug, Default)]
pub struct ArchiveVerified {
    /// Its name.
    pub archive: PathBuf,
    /// The version of its format.
    pub version: String,
    /// How its blocks are compressed.
    pub compression: &'static str,
    /// Who has written it, if it is one of ours and its manifest can be read: then every byte was looked at.
    pub writer: Option<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of rows and large objects before compression, in what is whole.
    pub content: u64,
    /// Entries of the table of contents.
    pub entries: u64,
    /// Blocks of data.
    pub blocks: u64,
    /// Frames that were hashed; none without a manifest.
    pub frames: u64,
    /// Rows in what is whole.
    pub rows: u64,
    /// Large objects in what is whole.
    pub large_objects: u64,
    /// What is wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// How many more faults there are than are listed.
    pub more_faults: u64,
    /// What cannot be told of this archive.
    pub findings: Vec<Finding>,
    /// From beginning to end.
    pub elapsed: Duration,
}

impl VerifyArchive {
    /// Looks at all of the archive. What is wrong with it is in the result: see [`ArchiveVerified::verdict`].
    ///
    /// # Errors
    ///
    /// * `Io` if it cannot be read;
    /// * `Malformed` if it is no archive, or so damaged at its beginning that its table of contents cannot be read;
    /// * `Cancelled` if it was.
    pub async fn run(&self, reporter: &mut dyn Reporter, cancel: CancellationToken) -> Result<ArchiveVerified> {
        let begun = Instant::now();
        let path = self.archive.clone();
        let archive = Arc::new(blocking(move || FileArchive::open(path)).await?);
        reporter.event(&Event::PhaseStarted { phase: Phase::Verify, total: Some(archive.length()) });
        let report = self.watched(&archive, reporter, cancel).await?;
        let done = ArchiveVerified::of(&archive, report, begun.elapsed());
        let summary = match done.faults.len() as u64 + done.more_faults {
            0 => format!("{} blocks, {} rows", done.blocks, done.rows),
            faults => format!("{faults} faults"),
        };
        for finding in &done.findings {
            reporter.event(&Event::Found(finding.clone()));
        }
        reporter.event(&Event::PhaseDone { phase: Phase::Verify, summary, elapsed: done.elapsed });
        Ok(done)
    }

    /// Tells how far it is while threads look at it.
    async fn watched(
        &self,
        archive: &Arc<FileArchive>,
        reporter: &mut dyn Reporter,
        cancel: CancellationToken,
    ) -> Result<Report> {
        let jobs = self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
        let (tally, archive) = (Arc::new(Tally::default()), Arc::clone(archive));
        let work = {
            let tally = Arc::clone(&tally);
            move || {
                let stop = || cancel.is_cancelled();
                verify(&archive, jobs, Watch { tally: &tally, stop: &stop })
            }
        };
        let mut ended = std::pin::pin!(blocking(work));
        let mut ticks = tokio::time::interval(reporter.tick().unwrap_or(TICK));
        loop {
            tokio::select! {
                report = &mut ended => return report,
                _ = ticks.tick() => reporter.event(&Event::PhaseProgress { phase: Phase::Verify, done: tally.bytes() }),
            }
        }
    }
}

/// Does something in a thread that may wait for files.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::malformed("a thread has died; this is a bug").with_source(error))?
}

impl ArchiveVerified {
    fn of(archive: &FileArchive, report: Report, elapsed: Duration) -> Self {
        let finding = |text: String| Finding {
            severity: Severity::Note,
            subject: archive.path().display().to_string(),
            text,
            remedy: None,
        };
        Self {
            archive: archive.path().to_owned(),
            version: archive.header().version.to_string(),
            compression: listing::compression_name(archive.header().compression),
            writer: report.writer,
            bytes: archive.length(),
            content: report.content,
            entries: archive.records().len() as u64,
            blocks: report.blocks,
            frames: report.frames,
            rows: report.rows,
            large_objects: report.large_objects,
            faults: report.faults,
            more_faults: report.more,
            findings: report.unproved.into_iter().map(finding).collect(),
            elapsed,
        }
    }

    /// Whether it is whole.
    ///
    /// # Errors
    ///
    /// * `Malformed` if bytes of it are not as they were written, with what and where;
    /// * `Differs` if all are, and what it says about itself is not so.
    pub fn verdict(&self) -> Result<()> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let faults = self.faults.len() as u64 + self.more_faults;
        let mut text = match faults {
            1 => format!("the archive {} is not whole:", self.archive.display()),
            _ => format!("the archive {} is not whole, {faults} things are wrong:", self.archive.display()),
        };
        for fault in self.faults.iter().take(TOLD) {
            let _ = write!(text, "\n  - {fault}");
        }
        let more = faults.saturating_sub(TOLD as u64);
        if more > 0 {
            let _ = write!(text, "\n  - and {more} more");
        }
        let kind = match self.faults.iter().all(|fault| fault.differs) {
            true => ErrorKind::Differs,
            false => ErrorKind::Malformed,
        };
        Err(Error::new(kind, text).with_hint(
            "If the file was copied or downloaded, do that again. What is not named here is whole, and can be restored.",
        ))
    }
}
