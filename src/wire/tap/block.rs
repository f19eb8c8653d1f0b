//! Blocks of rows, and how they are collected.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio_util::sync::PollSender;

/// How many bytes of rows a block holds at most.
///
/// Larger blocks save wake-ups and system calls, smaller ones stay in the processor's cache. The choice is measured: see
/// `benches/lane.rs`.
pub const BLOCK_BYTES: usize = 256 * 1024;
/// How many row ends a block holds at most, so that a table of very short rows needs no more memory than any other: the ends
/// take at most as many bytes as the rows.
pub const BLOCK_ROWS: usize = BLOCK_BYTES / 4;
/// How many blocks wait at most between the connection and whoever takes them.
///
/// One COPY out holds at most this many blocks and four more (one being filled, one waiting for its turn, one in the hands of
/// the taker, one whose memory is to serve again), and the tap's inbox: 8 x (256 KiB rows + 256 KiB ends) + 256 KiB, which
/// is 4.25 MiB. With rows of 20 bytes and more the ends are a fifth of that at most.
pub const BLOCKS_QUEUED: usize = 4;

/// Rows as a server sent them, one after the other, without anything between them.
///
/// A row may begin in one block and end in a later one: nothing but `ends` says where rows are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The bytes, at most [`BLOCK_BYTES`].
    pub bytes: Bytes,
    /// The offsets in `bytes` at which a row ends, ascending. In text form a row is a line with its newline. In binary form
    /// the first row has the file header before it, and the file trailer counts as a row of its own (documentation, COPY,
    /// "Binary Format").
    pub ends: Vec<u32>,
}

/// The form of the rows of a COPY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Text (or CSV): one line a row.
    Text,
    /// PostgreSQL's binary form.
    Binary,
}

/// What a tap gives to the one who armed it.
#[derive(Debug)]
pub enum Cut {
    /// The server has begun to send rows of this form.
    Start(Format),
    /// Rows.
    Block(Block),
}

/// Collects rows into blocks and hands these over. Ends (and so tells the receiver) when it is dropped.
pub(super) struct Collector {
    sender: PollSender<Cut>,
    /// The receiver is gone: rows are dropped.
    gone: bool,
    block: BytesMut,
    ends: Vec<u32>,
    /// What is to be handed over before anything else happens.
    cut: Option<Cut>,
    /// Second references to the blocks handed over last, oldest first: once the receiver has dropped its own, the memory
    /// serves again.
    lent: VecDeque<Bytes>,
}

impl Collector {
    pub(super) fn new(sender: PollSender<Cut>, format: Format) -> Self {
        Self {
            sender,
            gone: false,
            block: BytesMut::with_capacity(BLOCK_BYTES),
            ends: Vec::new(),
            cut: Some(Cut::Start(format)),
            lent: VecDeque::new(),
        }
    }

    /// Whether something has to be handed over now.
    pub(super) fn has_cut(&self) -> bool {
        self.cut.is_some()
    }

    /// Whether the receiver is gone, so that collecting is in vain.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Room in the current block, in bytes. Never 0 while nothing has to be handed over.
    pub(super) fn room(&self) -> usize {
        BLOCK_BYTES - self.block.len().min(BLOCK_BYTES)
    }

    /// The block being filled, to be read into directly; not beyond [`Collector::room`].
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.block
    }

    /// Takes as many whole rows as are there and fit, and says how many bytes of `data` they were, heads included. `row_len`
    /// gives the length of a row, or nothing if the head is not that of a row.
    pub(super) fn take_rows(
        &mut self,
        data: &[u8],
        row_len: impl Fn([u8; 5]) -> io::Result<Option<usize>>,
    ) -> io::Result<usize> {
        let mut rest = data;
        while let Some((head, tail)) = rest.split_first_chunk() {
            let Some(length) = row_len(*head)? else { break };
            let Some((row, after)) = tail.split_at_checked(length) else { break };
            if length > self.room() || self.ends.len() >= BLOCK_ROWS {
                break;
            }
            self.block.extend_from_slice(row);
            self.ends.push(self.block.len() as u32);
            rest = after;
        }
        self.cut_if_full();
        Ok(data.len() - rest.len())
    }

    /// Takes a part of a row, or as much of it as fits, and says how much.
    pub(super) fn take_part(&mut self, part: &[u8]) -> usize {
        let part = part.get(..self.room()).unwrap_or(part);
        self.block.extend_from_slice(part);
        part.len()
    }

    /// A part of a row is in the block now, and perhaps its end.
    pub(super) fn part_taken(&mut self, row_ends: bool) {
        if row_ends {
            self.ends.push(self.block.len() as u32);
        }
        self.cut_if_full();
    }

    /// Puts what has been collected up for handing over, and says whether there was anything.
    pub(super) fn seal(&mut self) -> bool {
        if self.cut.is_none() && !(self.block.is_empty() && self.ends.is_empty()) {
            self.cut_now();
        }
        self.cut.is_some()
    }

    fn cut_if_full(&mut self) {
        if self.cut.is_none() && (self.room() == 0 || self.ends.len() >= BLOCK_ROWS) {
            self.cut_now();
        }
    }

    fn cut_now(&mut self) {
        if self.gone {
            self.block.clear();
            self.ends.clear();
            return;
        }
        let next = self.fresh();
        let bytes = std::mem::replace(&mut self.block, next).freeze();
        if self.lent.len() < BLOCKS_QUEUED + 3 {
            self.lent.push_back(bytes.clone());
        }
        let room = Vec::with_capacity(self.ends.len());
        self.cut = Some(Cut::Block(Block { bytes, ends: std::mem::replace(&mut self.ends, room) }));
    }

    /// An empty buffer: that of the oldest block if nobody uses it any more, otherwise a new one.
    fn fresh(&mut self) -> BytesMut {
        match self.lent.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(mut buffer)) if buffer.capacity() >= BLOCK_BYTES => {
                buffer.clear();
                return buffer;
            }
            Some(Err(in_use)) if self.lent.len() < BLOCKS_QUEUED + 2 => self.lent.push_front(in_use),
            _ => {}
        }
        BytesMut::with_capacity(BLOCK_BYTES)
    }

    /// Hands over what [`Collector::has_cut`] tells of. Pending while the queue is full; then the task is woken later.
    pub(super) fn poll_hand_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.cut.is_none() {
            return Poll::Ready(());
        }
        if !self.gone {
            self.gone = ready!(self.sender.poll_reserve(cx)).is_err();
        }
        if let Some(cut) = self.cut.take()
            && !self.gone
        {
            self.gone = self.sender.send_item(cut).is_err();
        }
        Poll::Ready(())
    }
}
