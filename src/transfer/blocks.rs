//! Blocks of an archive, read and decoded beside the lane that uses them: what was read waits in a channel that is bounded in
//! bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::salvage::{Losses, Wreck};
use super::stream::Stream;
use crate::archive::codec::PIECE;
use crate::archive::header::Header;
use crate::archive::read::{Block as Packed, FileArchive};
use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::wire::large_object::Chunk;
use crate::wire::tap::Block;

/// How many pieces wait at most: 1 MiB.
const QUEUED: usize = (1 << 20) / PIECE;
/// How much of what has come first is kept of a stream, in bytes, so that it can come once more.
const KEPT: usize = 4 << 20;

/// What a thread that reads has come to; nothing for the end.
type Read<T> = Result<Option<T>>;

/// Where blocks are read from.
#[derive(Clone, Debug)]
pub enum Blocks {
    /// A file, in any order.
    File(Arc<FileArchive>),
    /// A file that may be damaged: what of a block is whole, and what is lost.
    Salvaged(Arc<FileArchive>, Arc<Losses>),
    /// A stream, in the order in which they come.
    Stream(Arc<Stream>),
}

impl Blocks {
    /// The header of the archive.
    pub fn header(&self) -> &Header {
        match self {
            Self::File(archive) | Self::Salvaged(archive, _) => archive.header(),
            Self::Stream(stream) => stream.header(),
        }
    }

    /// Its table of contents.
    pub fn records(&self) -> &[Record] {
        match self {
            Self::File(archive) | Self::Salvaged(archive, _) => archive.records(),
            Self::Stream(stream) => stream.records(),
        }
    }
}

/// Something that is read from a block.
pub(super) trait Piece: Clone + Send + 'static {
    /// About how much memory it takes, in bytes.
    fn bytes(&self) -> usize;
}

impl Piece for Block {
    fn bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * size_of::<u32>()
    }
}

impl Piece for Chunk {
    fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

impl Piece for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// What a thread reads.
pub(super) struct Reading<T> {
    from: mpsc::Receiver<Read<T>>,
    /// What has come, if all of it can come once more.
    kept: Option<(usize, Vec<T>)>,
    /// What comes once more, before anything else.
    again: VecDeque<T>,
}

impl<T: Piece> Reading<T> {
    /// Reads the block of a record in another thread; `read` hands over what it finds, and stops when that fails, and `salvage`
    /// what it finds in one that may be damaged.
    pub fn start(
        blocks: &Blocks,
        record: &Record,
        read: impl FnOnce(&mut Packed<'_>, &mut dyn FnMut(T) -> Result<()>) -> Result<()> + Send + 'static,
        salvage: impl FnOnce(&Wreck<'_>, &mut dyn FnMut(T) -> Result<()>) -> Result<()> + Send + 'static,
    ) -> Self {
        let (sender, from) = mpsc::channel(QUEUED);
        let told = sender.clone();
        let work = move |block: Result<&mut Packed<'_>>| {
            let mut hand_over = |piece| sender.blocking_send(Ok(Some(piece))).map_err(|_| Error::cancelled());
            let done = block.and_then(|block| read(block, &mut hand_over));
            let is_read = done.is_ok();
            // Where nobody listens any more, nobody wants to know.
            let _ = sender.blocking_send(done.map(|()| None));
            is_read
        };
        match blocks {
            Blocks::File(archive) => {
                let (archive, record) = (Arc::clone(archive), record.clone());
                tokio::task::spawn_blocking(move || match archive.block(&record) {
                    Ok(Some(mut block)) => work(Ok(&mut block)),
                    Ok(None) => work(Err(Error::malformed("an entry with data has no block"))),
                    Err(error) => work(Err(error)),
                });
            }
            Blocks::Salvaged(archive, losses) => {
                let (archive, losses, record) = (Arc::clone(archive), Arc::clone(losses), record.clone());
                tokio::task::spawn_blocking(move || {
                    let mut hand_over = |piece| told.blocking_send(Ok(Some(piece))).map_err(|_| Error::cancelled());
                    let wreck = Wreck { archive: &archive, losses: &losses, record: &record };
                    let done = salvage(&wreck, &mut hand_over);
                    // Where nobody listens any more, nobody wants to know.
                    let _ = told.blocking_send(done.map(|()| None));
                });
            }
            Blocks::Stream(stream) => stream.order(record.id, Box::new(work)),
        }
        let kept = matches!(blocks, Blocks::Stream(_)).then(Default::default);
        Self { from, kept, again: VecDeque::new() }
    }

    /// Reads something of a file in another thread; `read` hands over what it finds, and stops when that fails.
    pub fn beside(read: impl FnOnce(&mut dyn FnMut(T) -> Result<()>) -> Result<()> + Send + 'static) -> Self {
        let (sender, from) = mpsc::channel(QUEUED);
        tokio::task::spawn_blocking(move || {
            let mut hand_over = |piece| sender.blocking_send(Ok(Some(piece))).map_err(|_| Error::cancelled());
            let done = read(&mut hand_over);
            // Where nobody listens any more, nobody wants to know.
            let _ = sender.blocking_send(done.map(|()| None));
        });
        Self { from, kept: None, again: VecDeque::new() }
    }

    pub async fn next(&mut self) -> Read<T> {
        if let Some(piece) = self.again.pop_front() {
            return Ok(Some(piece));
        }
        // A thread that ends otherwise has sent its end before.
        let broken = || Err(Error::malformed("the reading of the archive has broken off"));
        let read = self.from.recv().await.unwrap_or_else(broken)?;
        if let (Some(piece), Some((bytes, kept))) = (&read, &mut self.kept) {
            *bytes += piece.bytes();
            kept.push(piece.clone());
            if *bytes > KEPT {
                self.kept = None;
            }
        }
        // The end comes once more, too.
        if read.is_none() {
            let (sender, ended) = mpsc::channel(1);
            let _ = sender.try_send(Ok(None));
            self.from = ended;
        }
        Ok(read)
    }

    /// Begins anew with what has come; false if that is not there any more.
    pub fn rewind(&mut self) -> bool {
        let Some((_, kept)) = &self.kept else { return false };
        self.again = kept.iter().cloned().collect();
        true
    }
}
