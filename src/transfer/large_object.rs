//! Large objects from one server to another, or past us for their digest alone.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::Xxh3;

use super::digest::Digest;
use super::object_framer::ObjectFramer;
use super::pipe::{Copied, DigestMode};
use super::unpack::UnpackedObjects;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;
use crate::sql::Sql;
use crate::wire::large_object::{Chunk, LargeObjectReader, LargeObjectWriter};
use crate::wire::session::Session;

/// Copies the contents of large objects. On the sink they exist already, empty; everything is written in one transaction.
///
/// The digest has one "row" for each object: the xxh3-128 of its OID (four bytes, big-endian) and contents.
///
/// # Errors
/// * What went wrong first, on whichever side. The sink's transaction is rolled back.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub async fn copy_large_objects(
    source: &Session,
    sink: &Session,
    oids: &[u32],
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    copy_with(source, sink, oids, None, tally, digest, cancel).await
}

/// The same, with an archive that takes them, too.
pub(super) async fn copy_with(
    source: &Session,
    sink: &Session,
    oids: &[u32],
    framer: Option<ObjectFramer>,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let source = ObjectSource::server(source, oids, framer.is_some());
    copy_objects(source, sink, oids.len(), framer, tally, digest, cancel).await
}

/// Where large objects come from.
pub(super) enum ObjectSource<'a> {
    /// A server.
    Server(Box<LargeObjectReader<'a>>),
    /// A block of an archive.
    Archive(&'a mut UnpackedObjects),
}

impl<'a> ObjectSource<'a> {
    fn server(session: &'a Session, oids: &[u32], one_by_one: bool) -> Self {
        Self::Server(Box::new(match one_by_one {
            true => LargeObjectReader::one_by_one(session, oids),
            false => LargeObjectReader::new(session, oids),
        }))
    }

    async fn next(&mut self) -> Result<Option<Chunk>> {
        match self {
            Self::Server(reader) => reader.next().await,
            Self::Archive(objects) => objects.next().await,
        }
    }

    async fn stop(self) {
        if let Self::Server(reader) = self
            && let Err(error) = reader.stop().await
        {
            tracing::warn!(%error, "cannot cancel the reading of large objects");
        }
    }
}

/// Copies so many large objects from anywhere. As [`copy_large_objects`].
pub(super) async fn copy_objects(
    source: ObjectSource<'_>,
    sink: &Session,
    count: usize,
    framer: Option<ObjectFramer>,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    sink.run(&Sql::constant("BEGIN")).await?;
    let done = async {
        let mut writer = LargeObjectWriter::new(sink).await?;
        let copied = read(source, count, tally, digest, cancel, Some(&mut writer), framer).await?;
        writer.finish().await?;
        Ok(copied)
    };
    match done.await {
        Ok(copied) => {
            sink.run(&Sql::constant("COMMIT")).await?;
            Ok(copied)
        }
        Err(error) => {
            // Statements that were sent ahead are answered before this one. Should it fail too, the connection is lost, and
            // the server rolls back by itself.
            let _ = sink.run(&Sql::constant("ROLLBACK")).await;
            Err(error)
        }
    }
}

/// Reads large objects and throws them away, for their number and digest.
///
/// # Errors
/// * What the server reports.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub async fn digest_large_objects(
    session: &Session,
    oids: &[u32],
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
) -> Result<Copied> {
    read(ObjectSource::server(session, oids, false), oids.len(), tally, digest, cancel, None, None).await
}

/// Reads large objects into an archive.
///
/// # Errors
/// * What the server reports, or why the archive cannot be written.
/// * [`ErrorKind::Cancelled`] if `cancel` was.
pub(super) async fn archive_large_objects(
    session: &Session,
    oids: &[u32],
    framer: ObjectFramer,
    tally: &Tally,
    cancel: &CancellationToken,
) -> Result<Copied> {
    let source = ObjectSource::server(session, oids, true);
    read(source, oids.len(), tally, DigestMode::Rows, cancel, None, Some(framer)).await
}

async fn read(
    mut reader: ObjectSource<'_>,
    count: usize,
    tally: &Tally,
    digest: DigestMode,
    cancel: &CancellationToken,
    mut writer: Option<&mut LargeObjectWriter<'_>>,
    mut framer: Option<ObjectFramer>,
) -> Result<Copied> {
    let mut meter = Meter::new(tally, digest);
    let ended = loop {
        let step = async {
            let Some(chunk) = reader.next().await? else { return Ok(false) };
            meter.add(&chunk);
            if let Some(framer) = &mut framer {
                framer.add(chunk.clone()).await?;
            }
            if let Some(writer) = &mut writer {
                writer.write(chunk).await?;
            }
            Ok(true)
        };
        let more = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::cancelled()),
            more = step => more,
        };
        match more {
            Ok(true) => {}
            Ok(false) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    if let Err(error) = ended {
        reader.stop().await;
        return Err(error);
    }
    let copied = meter.copied(count as u64)?;
    if let Some(framer) = framer {
        framer.finish(&copied, digest == DigestMode::Rows).await?;
    }
    Ok(copied)
}

/// Counts and digests what passes.
struct Meter<'a> {
    tally: &'a Tally,
    mode: DigestMode,
    digest: Digest,
    /// The hashes of objects of which a part has been read. At most as many as the reader takes at a time.
    open: HashMap<u32, Box<Xxh3>>,
    bytes: u64,
    objects: u64,
}

impl<'a> Meter<'a> {
    fn new(tally: &'a Tally, mode: DigestMode) -> Self {
        Self { tally, mode, digest: Digest::default(), open: HashMap::new(), bytes: 0, objects: 0 }
    }

    fn add(&mut self, chunk: &Chunk) {
        let bytes = chunk.bytes.len() as u64;
        self.bytes += bytes;
        self.objects += u64::from(chunk.last);
        self.tally.add(bytes, u64::from(chunk.last));
        if self.mode == DigestMode::None {
            return;
        }
        let mut hash = self.open.remove(&chunk.oid).unwrap_or_else(|| {
            let mut hash = Box::new(Xxh3::new());
            hash.update(&chunk.oid.to_be_bytes());
            hash
        });
        hash.update(&chunk.bytes);
        if chunk.last {
            self.digest.add(hash.digest128());
        } else {
            self.open.insert(chunk.oid, hash);
        }
    }

    fn copied(&self, expected: u64) -> Result<Copied> {
        if self.objects != expected {
            let what = format!("{expected} large objects were asked for, but {} have come", self.objects);
            return Err(Error::new(ErrorKind::Differs, what));
        }
        Ok(Copied { bytes: self.bytes, rows: self.objects, digest: self.digest })
    }
}
