//! Large objects: their contents in chunks, read and written with few round trips.
//!
//! Reading is a COPY of `lo_get` over many objects at once, so that it streams, and is bounded, like the rows of a table;
//! `pg_largeobject` itself may only be read by superusers. Writing is `lo_put` over arrays, a few statements ahead of the
//! answers (documentation, "Large Objects: Server-Side Functions").

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tokio_postgres::Statement;
use tokio_postgres::types::Type;

use super::copy::CopyOut;
use super::session::Session;
use super::tap::Block;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Sql, join};

/// How much of a large object is read and written at a time: whole pages of `pg_largeobject`.
pub const CHUNK_BYTES: usize = 1024 * 1024;
/// How many objects are read with one statement.
const OBJECTS_A_STATEMENT: usize = 1000;
/// How many chunks are written with one statement at most.
const CHUNKS_A_STATEMENT: usize = 1000;
/// How many statements that write are sent ahead of the answers. With [`CHUNK_BYTES`] collected for each, or a chunk more, a
/// writer holds at most 2 MiB for each of them, and again that much in the buffers of the connection.
const STATEMENTS_AHEAD: usize = 3;

/// A piece of a large object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The object.
    pub oid: u32,
    /// Where in the object it lies.
    pub offset: u64,
    /// What lies there, at most [`CHUNK_BYTES`]. Empty for an empty object, and after the end of one whose last chunk is full.
    pub bytes: Bytes,
    /// Whether the object ends here.
    pub last: bool,
}

/// Reads large objects.
///
/// The chunks of one object come in order, but other objects come between them: first the beginnings of up to 1,000 objects,
/// then the rest of those that are long.
pub struct LargeObjectReader<'a> {
    session: &'a Session,
    waiting: VecDeque<u32>,
    /// The objects of this batch that are longer than a chunk.
    long: Vec<u32>,
    /// Long objects are read anew from their beginnings, so that nothing comes between the chunks of one.
    one_by_one: bool,
    /// The number of the last chunk of each long object.
    lengths: VecDeque<(u32, i64)>,
    reading: Option<Reading<'a>>,
    ready: VecDeque<Chunk>,
}

struct Reading<'a> {
    copy: CopyOut<'a>,
    tuples: Tuples,
    firsts: bool,
}

impl<'a> LargeObjectReader<'a> {
    /// Reads these objects, all of which have to exist.
    pub fn new(session: &'a Session, oids: &[u32]) -> Self {
        let waiting = oids.iter().copied().collect();
        let (long, lengths, ready) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self { session, waiting, long, one_by_one: false, lengths, reading: None, ready }
    }

    /// The same, but nothing comes between the chunks of one object. The beginnings of long objects are read twice for that.
    pub fn one_by_one(session: &'a Session, oids: &[u32]) -> Self {
        Self { one_by_one: true, ..Self::new(session, oids) }
    }

    /// The next chunk, or `None` when all objects have been read to their ends.
    ///
    /// # Errors
    /// * What the server reports: no such object, no right to read it.
    pub async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(Some(chunk));
            }
            let Some(reading) = &mut self.reading else {
                if self.begin().await? {
                    continue;
                }
                return Ok(None);
            };
            match reading.copy.next().await? {
                Some(block) => {
                    reading.tuples.add(&block);
                    self.sort()?;
                }
                None => {
                    reading.tuples.finish()?;
                    self.reading = None;
                }
            }
        }
    }

    /// Begins the next statement. False if there is nothing more to read.
    async fn begin(&mut self) -> Result<bool> {
        let (copy, firsts) = if !self.long.is_empty() {
            self.measure().await?;
            (self.session.copy_out(&rest_of(&self.lengths, self.one_by_one)).await?, false)
        } else if !self.waiting.is_empty() {
            let count = self.waiting.len().min(OBJECTS_A_STATEMENT);
            let oids: Vec<u32> = self.waiting.drain(..count).collect();
            (self.session.copy_out(&beginnings_of(&oids)).await?, true)
        } else {
            return Ok(false);
        };
        self.reading = Some(Reading { copy, tuples: Tuples::new(), firsts });
        Ok(true)
    }

    /// Asks for the lengths of the long objects.
    async fn measure(&mut self) -> Result<()> {
        self.lengths.clear();
        for row in self.session.rows(&lengths_of(&self.long)).await? {
            // One chunk beyond the last full one: then the last chunk is always short, if only empty.
            self.lengths.push_back((row.get("o")?, row.get::<i64>("length")? / CHUNK_BYTES as i64));
        }
        self.long.clear();
        Ok(())
    }

    /// Makes chunks of the tuples that have come.
    fn sort(&mut self) -> Result<()> {
        let Some(reading) = &mut self.reading else { return Ok(()) };
        while let Some(mut tuple) = reading.tuples.next() {
            let (oid, number, bytes) =
                fields(&mut tuple).ok_or_else(|| Error::malformed("a chunk of a large object that is none"))?;
            let last = bytes.len() < CHUNK_BYTES;
            if reading.firsts && !last {
                self.long.push(oid);
                if self.one_by_one {
                    continue;
                }
            }
            self.ready.push_back(Chunk { oid, offset: number * CHUNK_BYTES as u64, bytes, last });
        }
        Ok(())
    }

    /// Ends the reading early. The transaction is aborted by that.
    ///
    /// # Errors
    /// * If the server cannot be asked.
    pub async fn stop(self) -> Result<()> {
        match self.reading {
            Some(reading) => reading.copy.stop().await,
            None => Ok(()),
        }
    }
}

fn beginnings_of(oids: &[u32]) -> Sql {
    sql!(
        "COPY (SELECT o, 0::pg_catalog.int8, pg_catalog.lo_get(o, 0, {}) FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o) \
         TO STDOUT (FORMAT binary)",
        CHUNK_BYTES,
        join(oids, ", ")
    )
}

fn lengths_of(oids: &[u32]) -> Sql {
    // The functions are volatile, so each level is evaluated once for each row of the one below. 262144 is INV_READ, 2 is
    // SEEK_END (src/include/libpq/libpq-fs.h).
    sql!(
        "SELECT o, length, pg_catalog.lo_close(fd) FROM (\
         SELECT o, fd, pg_catalog.lo_lseek64(fd, 0, 2) AS length FROM (\
         SELECT o, pg_catalog.lo_open(o, 262144) AS fd FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o OFFSET 0) AS opened \
         OFFSET 0) AS measured",
        join(oids, ", ")
    )
}

fn rest_of(lengths: &VecDeque<(u32, i64)>, from_the_beginning: bool) -> Sql {
    let first = i64::from(!from_the_beginning);
    let objects =
        join(lengths.iter().map(|(oid, last)| sql!("({}::pg_catalog.oid, {}::pg_catalog.int8)", *oid, *last)), ", ");
    sql!(
        "COPY (SELECT o, n, pg_catalog.lo_get(o, n * {}, {}) FROM (\
         SELECT o, pg_catalog.generate_series({}::pg_catalog.int8, last) AS n FROM (VALUES {}) AS object (o, last)) AS chunk) \
         TO STDOUT (FORMAT binary)",
        CHUNK_BYTES,
        CHUNK_BYTES,
        first,
        objects
    )
}

/// Number of the object, number of the chunk, contents, out of a tuple of a binary COPY (documentation, COPY, "Tuples").
fn fields(tuple: &mut Bytes) -> Option<(u32, u64, Bytes)> {
    let columns = tuple.try_get_i16().ok()?;
    let mut field = || {
        let length = usize::try_from(tuple.try_get_i32().ok()?).ok()?;
        (length <= tuple.len()).then(|| tuple.split_to(length))
    };
    let (mut oid, mut number, bytes) = (field()?, field()?, field()?);
    (columns == 3 && bytes.len() <= CHUNK_BYTES).then_some(())?;
    Some((oid.try_get_u32().ok()?, number.try_get_u64().ok()?, bytes))
}

/// Puts the tuples of a binary COPY together again. Not for long ones: each is held in memory.
struct Tuples {
    open: BytesMut,
    whole: VecDeque<Bytes>,
    /// Bytes of the header that are still to come.
    header: usize,
}

impl Tuples {
    fn new() -> Self {
        Self { open: BytesMut::new(), whole: VecDeque::new(), header: 19 }
    }

    fn add(&mut self, block: &Block) {
        let mut from = 0;
        for &end in &block.ends {
            let end = end as usize;
            let part = self.after_header(block.bytes.slice(from.min(end)..end.min(block.bytes.len())));
            let tuple = if self.open.is_empty() {
                part
            } else {
                self.open.extend_from_slice(&part);
                self.open.split().freeze()
            };
            self.whole.push_back(tuple);
            from = end;
        }
        let rest = self.after_header(block.bytes.slice(from.min(block.bytes.len())..));
        self.open.extend_from_slice(&rest);
    }

    fn after_header(&mut self, mut part: Bytes) -> Bytes {
        let skip = self.header.min(part.len());
        self.header -= skip;
        part.advance(skip);
        part
    }

    /// The next whole tuple; the trailer, which is the last, is left standing.
    fn next(&mut self) -> Option<Bytes> {
        if self.whole.front().is_some_and(|tuple| tuple.as_ref() == [0xff, 0xff]) {
            return None;
        }
        self.whole.pop_front()
    }

    fn finish(&self) -> Result<()> {
        if self.whole.len() == 1 && self.open.is_empty() {
            Ok(())
        } else {
            Err(Error::malformed("a binary COPY without an end"))
        }
    }
}

/// Writes large objects, which have to exist already and be empty.
///
/// Everything should happen in one transaction that the caller has begun.
pub struct LargeObjectWriter<'a> {
    session: &'a Session,
    statement: Statement,
    next: Batch,
    ahead: FuturesOrdered<BoxFuture<'a, Result<()>>>,
}

/// Chunks to be written with one statement.
#[derive(Default)]
struct Batch {
    oids: Vec<u32>,
    offsets: Vec<i64>,
    chunks: Vec<Bytes>,
    bytes: usize,
}

const PUT: &str = "SELECT pg_catalog.lo_put(o, n, b) \
                   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2), pg_catalog.unnest($3)) AS chunk (o, n, b)";

impl<'a> LargeObjectWriter<'a> {
    /// A writer on this session.
    ///
    /// # Errors
    /// * What the server reports.
    pub async fn new(session: &'a Session) -> Result<Self> {
        let types = [Type::OID_ARRAY, Type::INT8_ARRAY, Type::BYTEA_ARRAY];
        let statement = session.client().prepare_typed(PUT, &types).await;
        let statement = statement.map_err(|error| session.server_error(error, &Sql::constant(PUT)))?;
        Ok(Self { session, statement, next: Batch::default(), ahead: FuturesOrdered::new() })
    }

    /// Writes a chunk, sooner or later. The chunks of an object may come in any order.
    ///
    /// # Errors
    /// * What the server reports about this or an earlier chunk.
    pub async fn write(&mut self, chunk: Chunk) -> Result<()> {
        if chunk.bytes.is_empty() {
            return Ok(());
        }
        self.next.bytes += chunk.bytes.len();
        self.next.oids.push(chunk.oid);
        self.next.offsets.push(chunk.offset as i64);
        self.next.chunks.push(chunk.bytes);
        if self.next.bytes >= CHUNK_BYTES || self.next.oids.len() >= CHUNKS_A_STATEMENT {
            self.send().await
        } else {
            Ok(())
        }
    }

    async fn send(&mut self) -> Result<()> {
        while self.ahead.len() >= STATEMENTS_AHEAD {
            self.answered().await?;
        }
        let (session, statement, batch) = (self.session, self.statement.clone(), std::mem::take(&mut self.next));
        self.ahead.push_back(Box::pin(async move {
            let chunks: Vec<&[u8]> = batch.chunks.iter().map(Bytes::as_ref).collect();
            let done = session.client().execute(&statement, &[&batch.oids, &batch.offsets, &chunks]).await;
            match done.map_err(|error| session.server_error(error, &Sql::constant(PUT)))? {
                count if count == batch.oids.len() as u64 => Ok(()),
                count => Err(Error::malformed(format!(
                    "{count} chunks of large objects were written, not {}",
                    batch.oids.len()
                ))),
            }
        }));
        Ok(())
    }

    async fn answered(&mut self) -> Result<()> {
        self.ahead.next().await.unwrap_or(Ok(()))
    }

    /// Sends what is left and waits for all answers.
    ///
    /// # Errors
    /// * What the server reports.
    pub async fn finish(mut self) -> Result<()> {
        if !self.next.oids.is_empty() {
            self.send().await?;
        }
        while !self.ahead.is_empty() {
            self.answered().await?;
        }
        Ok(())
    }
}
