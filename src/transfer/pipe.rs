//! One table from one server to another, or past us for its digest alone.

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::digest::{Digest, RowDigester};
use super::framer::RowFramer;
pub(super) use super::large_object::digest_large_objects;
use super::unpack::UnpackedRows;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;
use crate::sql::Sql;
use crate::wire::copy::{CopyIn, CopyOut};
use crate::wire::session::Session;
use crate::wire::tap::{Block, Format};

/// Whether a digest is made on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DigestMode {
    /// None: rows are only counted.
    #[default]
    None,
    /// One over all rows.
    Rows,
}

/// What was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of rows, in the form in which they crossed.
    pub bytes: u64,
    /// Rows, or large objects.
    pub rows: u64,
    /// The digest, if one was asked for; otherwise that of nothing.
    pub digest: Digest,
}

impl Copied {
    /// The digest, or, where none was asked for, one of which only the number of rows means anything.
    pub fn digest_or_rows(&self) -> Digest {
        if self.digest == Digest::default() { Digest { rows: self.rows, sum: 0 } } else { self.digest }
    }
}

/// Copies rows: what `out` (`COPY ... TO STDOUT`) yields on the source goes into `into` (`COPY ... FROM STDIN`) on the sink.
///
/// Both statements have to speak of the same columns in the same form. When this returns, well or in error, neither session
/// is busy with the statement any more, unless its connection is lost; after an error its transaction is aborted.
///
/// # Errors
/// * What went wrong first, on whichever side. The other side's COPY is cancelled.
/// * [`ErrorKind::Differs`] if the sink has stored another number of rows than the source has sent.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub async fn copy_table(
    source: &Session,
    sink: &Session,
    out: &Sql,
    into: &Sql,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    copy_with(source, sink, out, into, None, tally, digest, cancel).await
}

/// The same, with an archive that takes the rows, too.
#[expect(clippy::too_many_arguments, reason = "two ways that share what they share")]
pub(super) async fn copy_with(
    source: &Session,
    sink: &Session,
    out: &Sql,
    into: &Sql,
    framer: Option<RowFramer>,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let from = RowSource::Server(source.copy_out(out).await?);
    copy_rows(from, sink, into, framer, tally, digest, cancel).await
}

/// Where rows come from.
pub(super) enum RowSource<'a> {
    /// A COPY on the old server.
    Server(CopyOut<'a>),
    /// A block of an archive.
    Archive(&'a mut UnpackedRows),
}

impl RowSource<'_> {
    async fn next(&mut self) -> Result<Option<Block>> {
        match self {
            Self::Server(copy) => copy.next().await,
            Self::Archive(rows) => rows.next().await,
        }
    }

    /// The form of the rows whose ends the blocks tell.
    fn format(&self) -> Option<Format> {
        match self {
            Self::Server(copy) => copy.format(),
            Self::Archive(rows) => Some(rows.format()),
        }
    }

    /// How many rows have come.
    fn rows(&self) -> u64 {
        match self {
            Self::Server(copy) => copy.rows(),
            Self::Archive(rows) => rows.rows(),
        }
    }

    async fn stop(self) {
        match self {
            Self::Server(copy) => stop(copy).await,
            // Whoever reads the block stops when nobody takes what was read.
            Self::Archive(_) => {}
        }
    }
}

/// Copies rows from anywhere. As [`copy_table`].
pub(super) async fn copy_rows(
    mut from: RowSource<'_>,
    sink: &Session,
    into: &Sql,
    mut framer: Option<RowFramer>,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let mut to = match sink.copy_in(into).await {
        Ok(to) => to,
        Err(error) => {
            from.stop().await;
            return Err(error);
        }
    };
    let mut meter = Meter::new(tally, digest);
    match pump(&mut from, &mut to, framer.as_mut(), &mut meter, cancel).await {
        Ok(()) => {}
        Err(Stopped::Source(error)) => {
            to.abort().await;
            return Err(error);
        }
        Err(Stopped::Sink(error)) => {
            from.stop().await;
            return Err(error);
        }
        Err(Stopped::Archive(error)) => {
            tokio::join!(from.stop(), abort(to, sink));
            return Err(error);
        }
        Err(Stopped::Cancelled) => {
            tokio::join!(from.stop(), abort(to, sink));
            return Err(Error::cancelled());
        }
    }
    let stored = finish(to, sink, cancel).await?;
    let copied = meter.copied(from.rows());
    if stored != copied.rows {
        let what = format!("the source has sent {} rows, but the sink has stored {stored}", copied.rows);
        return Err(Error::new(ErrorKind::Differs, what).with_statement(into));
    }
    if let Some(framer) = framer {
        framer.finish(copied.rows, (digest == DigestMode::Rows).then_some(copied.digest.sum)).await?;
    }
    Ok(copied)
}

/// Reads rows into an archive.
///
/// # Errors
/// * What the server reports, or why the archive cannot be written.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub(super) async fn archive_table(
    session: &Session,
    out: &Sql,
    mut framer: RowFramer,
    tally: &Tally,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let copied = read(session, out, Some(&mut framer), tally, cancel).await?;
    framer.finish(copied.rows, Some(copied.digest.sum)).await?;
    Ok(copied)
}

/// Reads rows and throws them away, for their number and digest.
///
/// # Errors
/// * What the server reports.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub async fn digest_table(session: &Session, out: &Sql, tally: &Tally, cancel: &CancellationToken) -> Result<Copied> {
    read(session, out, None, tally, cancel).await
}

/// Reads rows, counts and digests them, and lets an archive have them.
async fn read(
    session: &Session,
    out: &Sql,
    mut framer: Option<&mut RowFramer>,
    tally: &Tally,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let mut from = session.copy_out(out).await?;
    let mut meter = Meter::new(tally, DigestMode::Rows);
    loop {
        let block = tokio::select! {
            biased;
            () = cancel.cancelled() => {
                stop(from).await;
                return Err(Error::cancelled());
            }
            block = from.next() => block?,
        };
        let Some(block) = block else { return Ok(meter.copied(from.rows())) };
        if let Some(framer) = &mut framer {
            let taken = tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::cancelled()),
                taken = framer.add(&block) => taken,
            };
            if let Err(error) = taken {
                stop(from).await;
                return Err(error);
            }
        }
        drop(meter.pass(from.format(), block));
    }
}

/// Counts and digests what passes.
struct Meter<'a> {
    tally: &'a Tally,
    mode: DigestMode,
    digester: Option<RowDigester>,
    bytes: u64,
}

impl<'a> Meter<'a> {
    fn new(tally: &'a Tally, mode: DigestMode) -> Self {
        Self { tally, mode, digester: None, bytes: 0 }
    }

    fn pass(&mut self, format: Option<Format>, block: Block) -> Bytes {
        self.bytes += block.bytes.len() as u64;
        self.tally.add(block.bytes.len() as u64, block.ends.len() as u64);
        if let (DigestMode::Rows, Some(format)) = (self.mode, format) {
            self.digester.get_or_insert_with(|| RowDigester::new(format)).add(&block);
        }
        block.bytes
    }

    fn copied(&self, rows: u64) -> Copied {
        // No block, no digester: the digest of nothing.
        let digest = self.digester.as_ref().map(RowDigester::digest).unwrap_or_default();
        Copied { bytes: self.bytes, rows, digest }
    }
}

/// Which side ended the pumping.
enum Stopped {
    Source(Error),
    Sink(Error),
    Archive(Error),
    Cancelled,
}

async fn pump(
    from: &mut RowSource<'_>,
    to: &mut CopyIn<'_>,
    mut framer: Option<&mut RowFramer>,
    meter: &mut Meter<'_>,
    cancel: &CancellationToken,
) -> Result<(), Stopped> {
    let mut cancelled = std::pin::pin!(cancel.cancelled());
    loop {
        // The sink is listened to while the source is slow: it may fail without being sent anything.
        let block = tokio::select! {
            biased;
            () = &mut cancelled => return Err(Stopped::Cancelled),
            error = to.failure() => return Err(Stopped::Sink(error)),
            block = from.next() => block.map_err(Stopped::Source)?,
        };
        let Some(block) = block else { return Ok(()) };
        if let Some(framer) = &mut framer {
            tokio::select! {
                biased;
                () = &mut cancelled => return Err(Stopped::Cancelled),
                taken = framer.add(&block) => taken.map_err(Stopped::Archive)?,
            }
        }
        let bytes = meter.pass(from.format(), block);
        tokio::select! {
            biased;
            () = &mut cancelled => return Err(Stopped::Cancelled),
            sent = to.send(bytes) => sent.map_err(Stopped::Sink)?,
        }
    }
}

/// Waits for the sink to store everything. A cancel reaches the server even then, which may be waiting for a lock.
async fn finish(to: CopyIn<'_>, sink: &Session, cancel: &CancellationToken) -> Result<u64> {
    let mut finish = std::pin::pin!(to.finish());
    tokio::select! {
        biased;
        stored = &mut finish => stored,
        () = cancel.cancelled() => {
            ask_to_cancel(sink).await;
            // Whatever comes of it, the user wants to stop.
            let _ = finish.await;
            Err(Error::cancelled())
        }
    }
}

async fn stop(from: CopyOut<'_>) {
    if let Err(error) = from.stop().await {
        tracing::warn!(%error, "cannot cancel a COPY, which ends when all rows are sent");
    }
}

async fn abort(to: CopyIn<'_>, sink: &Session) {
    ask_to_cancel(sink).await;
    to.abort().await;
}

async fn ask_to_cancel(session: &Session) {
    if let Err(error) = session.cancel().await {
        tracing::warn!(%error, "cannot cancel a COPY");
    }
}
