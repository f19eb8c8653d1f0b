//! Rows on their way into an archive: cut into pieces that end with a row, compressed beside the copying.

use tokio::sync::OwnedMutexGuard;
use tokio::task::JoinHandle;

use super::archivist::{AROUND, Block, Desk};
use super::digest::Digest;
use crate::archive::binary;
use crate::archive::block::END_OF_ROWS;
use crate::archive::codec::{self, Encoder};
use crate::archive::manifest::Frame;
use crate::error::{Error, Result};
use crate::toc::{EntryId, RowForm};
use crate::wire::tap;

/// How many bytes of rows are compressed together. More would make the archive a little smaller, and a lane that restores
/// larger.
const FRAME_BYTES: usize = 1 << 20;
/// How much of one row is collected before it is cut within.
const LONGEST_FRAME: usize = 4 << 20;

/// Takes the rows of one table, and makes a block of them.
pub(super) struct RowFramer {
    block: Block,
    form: RowForm,
    /// What is still to come of what stands before the rows.
    head: &'static [u8],
    /// Whether others bring rows of the same block.
    is_part: bool,
    /// As long as a row is handed in in pieces.
    turn: Option<OwnedMutexGuard<()>>,
    content: Vec<u8>,
    /// Rows that end in `content`, and where the last one does.
    rows: u32,
    last_end: usize,
    within_row: bool,
    work: Work,
}

/// One piece is compressed while the next is collected.
enum Work {
    Idle(Box<Encoder>),
    Busy(JoinHandle<Result<Compressed>>),
    /// Only while it is being looked at, or after an error.
    Nothing,
}

struct Compressed {
    encoder: Box<Encoder>,
    piece: codec::Frame,
    frame: Frame,
    /// Whether a row goes on after it.
    is_open: bool,
}

impl RowFramer {
    /// Begins the block of an entry.
    pub fn new(desk: &Desk, entry: EntryId, form: RowForm) -> Result<Self> {
        Self::into_block(desk.open(entry, form)?, form, false)
    }

    /// Takes a part of the rows of an entry. When all have come, [`join`] ends the block.
    pub fn of_part(desk: &Desk, entry: EntryId, form: RowForm) -> Result<Self> {
        Self::into_block(desk.share(entry, form)?, form, true)
    }

    fn into_block(block: Block, form: RowForm, is_part: bool) -> Result<Self> {
        let work = Work::Idle(Box::new(Encoder::new(block.codec())?));
        let head = if form == RowForm::Binary { binary::HEAD.as_slice() } else { &[] };
        Ok(Self {
            block,
            form,
            head,
            is_part,
            turn: None,
            content: Vec::new(),
            rows: 0,
            last_end: 0,
            within_row: false,
            work,
        })
    }

    pub async fn add(&mut self, block: &tap::Block) -> Result<()> {
        if self.block.is_lost() {
            return Ok(());
        }
        // Each part has a head of its own; the block has one for all.
        let (head, rest) = self.head.split_at(self.head.len().min(block.bytes.len()));
        let Some(bytes) = block.bytes.strip_prefix(head) else {
            return Err(Error::malformed("the server sends rows in another form than it was asked for"));
        };
        self.head = rest;
        let (begun, mut before) = (self.content.len(), self.last_end);
        self.content.extend_from_slice(bytes);
        for &end in &block.ends {
            let end = begun + (end as usize).saturating_sub(head.len());
            // A row is at least as long as this, and none is the same.
            let is_tail = self.form == RowForm::Binary
                && !(before == 0 && self.within_row)
                && self.content.get(before..end) == Some(&binary::TAIL);
            if is_tail {
                self.content.truncate(before);
                break;
            }
            self.rows = self.rows.saturating_add(1);
            before = end;
        }
        self.last_end = before;
        if self.content.len() < FRAME_BYTES || self.last_end == 0 && self.content.len() < LONGEST_FRAME {
            return Ok(());
        }
        let end = if self.last_end == 0 { self.content.len() } else { self.last_end };
        self.cut(end).await
    }

    /// Compresses what has been collected up to here.
    async fn cut(&mut self, end: usize) -> Result<()> {
        let rest = self.content.split_off(end);
        let content = std::mem::replace(&mut self.content, rest);
        let frame = Frame { rows: self.rows, within_row: self.within_row, ..Frame::default() };
        self.within_row = self.last_end != end;
        (self.rows, self.last_end) = (0, 0);
        self.compress(content, frame, self.within_row).await
    }

    async fn compress(&mut self, content: Vec<u8>, frame: Frame, is_open: bool) -> Result<()> {
        let mut encoder = self.settle().await?;
        self.work = Work::Busy(tokio::task::spawn_blocking(move || {
            let piece = encoder.frame(&content)?;
            let frame = Frame { content: u32::try_from(content.len()).unwrap_or(u32::MAX), ..frame };
            Ok(Compressed { encoder, piece, frame, is_open })
        }));
        Ok(())
    }

    /// Waits for the piece that is being compressed, and hands it in.
    async fn settle(&mut self) -> Result<Box<Encoder>> {
        match std::mem::replace(&mut self.work, Work::Nothing) {
            Work::Idle(encoder) => Ok(encoder),
            Work::Busy(busy) => {
                let done = busy.await.map_err(|error| Error::malformed("a compressor has died").with_source(error))?;
                let Compressed { encoder, piece, frame, is_open } = done?;
                let turn = match self.turn.take() {
                    Some(turn) => turn,
                    None => self.block.turn().await,
                };
                self.block.frame(piece, frame).await?;
                self.turn = is_open.then_some(turn);
                Ok(encoder)
            }
            Work::Nothing => Err(Error::malformed("this table has failed before")),
        }
    }

    /// Says that these were all rows, and ends the block unless there are more parts.
    pub async fn finish(mut self, rows: u64, digest: Option<u128>) -> Result<()> {
        if !self.content.is_empty() {
            self.cut(self.content.len()).await?;
        }
        if self.is_part {
            self.settle().await?;
            self.block.add(&Digest { rows, sum: digest.unwrap_or_default() });
            return Ok(());
        }
        let tail = if self.form == RowForm::Binary { binary::TAIL.as_slice() } else { END_OF_ROWS };
        self.compress(tail.to_vec(), AROUND, false).await?;
        self.settle().await?;
        self.block.tail().await?;
        self.block.close(rows, digest)
    }
}

/// Ends a block of which all parts have come.
pub(super) async fn join(desk: &Desk, entry: EntryId, form: RowForm) -> Result<Digest> {
    let block = desk.share(entry, form)?;
    let digest = block.parts();
    RowFramer::into_block(block, form, false)?.finish(digest.rows, Some(digest.sum)).await?;
    Ok(digest)
}
