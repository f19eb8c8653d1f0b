//! Reading LZ4 frames (the LZ4 Frame Format Description, 1.6.4): those that the library for them reads, however they were
//! cut, with no more than a block of them in memory.

use lz4_flex::block;
use xxhash_rust::xxh32::{Xxh32, xxh32};

use super::decode::damaged;
use crate::error::Result;

const MAGIC: u32 = 0x184D_2204;
/// The first of the sixteen that begin a frame to skip.
const SKIPPABLE: u32 = 0x184D_2A50;
/// How far back a block may refer into those before it.
const WINDOW: usize = 64 << 10;
/// In the length of a block: that it is not compressed.
const STORED: u32 = 1 << 31;
const CHECKSUM: usize = 4;

/// Reads any number of frames, those to skip among them.
#[derive(Default)]
pub(super) struct Lz4 {
    state: State,
    /// What was taken of what comes next.
    held: Vec<u8>,
    /// A block that is decoded lies here up to `end`; what is before `handed` was handed over.
    block: Vec<u8>,
    handed: usize,
    end: usize,
    frame: Frame,
    frames: u64,
}

/// What comes next.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Magic,
    SkipLength,
    Skip(u32),
    /// The first two bytes of a descriptor, which say how long it is.
    Flags,
    Descriptor(usize),
    BlockLength,
    /// A block of so many bytes, and its checksum.
    Block {
        length: usize,
        stored: bool,
    },
    ContentChecksum,
}

/// What is known of the frame that is read.
#[derive(Default)]
struct Frame {
    largest_block: usize,
    linked: bool,
    block_checksums: bool,
    content_checksum: bool,
    content_size: Option<u64>,
    content: u64,
    hash: Xxh32,
    /// The end of the content so far, which linked blocks refer to.
    window: Vec<u8>,
}

impl Lz4 {
    pub(super) fn reset(&mut self) {
        (self.state, self.handed, self.end, self.frames) = (State::Magic, 0, 0, 0);
        self.held.clear();
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Magic) && self.held.is_empty() && self.handed == self.end
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    pub(super) fn fill(&mut self, input: &mut &[u8], to: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        loop {
            let waiting = &self.block[self.handed..self.end];
            let length = waiting.len().min(to.len() - filled);
            to[filled..filled + length].copy_from_slice(&waiting[..length]);
            filled += length;
            self.handed += length;
            if filled == to.len() || !self.advance(input)? {
                return Ok(filled);
            }
        }
    }

    /// Goes on to the next state; false if the input does not suffice.
    fn advance(&mut self, input: &mut &[u8]) -> Result<bool> {
        if let State::Skip(left) = self.state {
            let now = input.len().min(left as usize);
            *input = &input[now..];
            // No more than `left`.
            let left = left - now as u32;
            self.state = State::Skip(left);
            if left > 0 {
                return Ok(false);
            }
            self.end_frame();
            return Ok(true);
        }
        let wanted = self.wanted();
        let now = input.len().min(wanted - self.held.len());
        self.held.extend_from_slice(&input[..now]);
        *input = &input[now..];
        if self.held.len() < wanted {
            return Ok(false);
        }
        let held = std::mem::take(&mut self.held);
        let next = self.next(&held);
        self.held = held;
        self.state = next?;
        // A descriptor is gathered with its flags.
        if !matches!(self.state, State::Descriptor(_)) {
            self.held.clear();
        }
        Ok(true)
    }

    /// How many bytes the state takes.
    fn wanted(&self) -> usize {
        match self.state {
            State::Magic | State::SkipLength | State::BlockLength => 4,
            State::Skip(_) => 0,
            State::Flags => 2,
            State::Descriptor(length) => length,
            State::Block { length, .. } => length + if self.frame.block_checksums { CHECKSUM } else { 0 },
            State::ContentChecksum => CHECKSUM,
        }
    }

    fn next(&mut self, held: &[u8]) -> Result<State> {
        match self.state {
            State::Magic => match number(held) {
                MAGIC => Ok(State::Flags),
                magic if magic & !0xf == SKIPPABLE => Ok(State::SkipLength),
                _ => Err(damaged("where an LZ4 frame should begin, something else stands")),
            },
            State::SkipLength => Ok(State::Skip(number(held))),
            State::Skip(_) => Ok(self.state),
            State::Flags => {
                let flags = held[0];
                Ok(State::Descriptor(3 + if flags & 8 == 0 { 0 } else { 8 }))
            }
            State::Descriptor(_) => {
                self.frame = Frame::described(held)?;
                Ok(State::BlockLength)
            }
            State::BlockLength => self.block_length(number(held)),
            State::Block { length, stored } => {
                let (bytes, checksum) = held.split_at(length);
                if self.frame.block_checksums && number(checksum) != xxh32(bytes, 0) {
                    return Err(damaged("the checksum of an LZ4 block is wrong"));
                }
                (self.handed, self.end) = (0, 0);
                self.end = self.frame.decode(bytes, stored, &mut self.block)?;
                Ok(State::BlockLength)
            }
            State::ContentChecksum => {
                if number(held) != self.frame.hash.digest() {
                    return Err(damaged("the checksum of an LZ4 frame is wrong"));
                }
                self.end_frame();
                Ok(State::Magic)
            }
        }
    }

    fn block_length(&mut self, length: u32) -> Result<State> {
        if length == 0 {
            let frame = &self.frame;
            if frame.content_size.is_some_and(|size| size != frame.content) {
                return Err(damaged("an LZ4 frame does not hold as much as it says"));
            }
            if frame.content_checksum {
                return Ok(State::ContentChecksum);
            }
            self.end_frame();
            return Ok(State::Magic);
        }
        let (length, stored) = ((length & !STORED) as usize, length & STORED != 0);
        if length > self.frame.largest_block {
            return Err(damaged("an LZ4 block is longer than its frame admits"));
        }
        Ok(State::Block { length, stored })
    }

    fn end_frame(&mut self) {
        self.state = State::Magic;
        self.frames += 1;
    }
}

impl Frame {
    /// From a descriptor.
    fn described(descriptor: &[u8]) -> Result<Self> {
        let (&checksum, rest) = descriptor.split_last().unwrap_or((&0, &[]));
        let [flags, sizes, ..] = *rest else { return Err(damaged("an LZ4 frame has no descriptor")) };
        // The second byte of the hash is the checksum.
        if xxh32(rest, 0).to_le_bytes()[1] != checksum {
            return Err(damaged("the checksum of an LZ4 frame's descriptor is wrong"));
        }
        let version_and_reserved = flags & 0b1100_0010;
        let has_dictionary = flags & 1 != 0;
        let size = sizes >> 4;
        if version_and_reserved != 0b0100_0000 || has_dictionary || sizes & 0b1000_1111 != 0 || size < 4 {
            return Err(damaged("an LZ4 frame needs what is not known"));
        }
        Ok(Self {
            // 64 KiB, 256 KiB, 1 MiB, 4 MiB.
            largest_block: 1 << (8 + 2 * size),
            linked: flags & 0x20 == 0,
            block_checksums: flags & 0x10 != 0,
            content_checksum: flags & 4 != 0,
            content_size: rest
                .get(2..10)
                .map(|size| size.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte))),
            content: 0,
            hash: Xxh32::new(0),
            window: Vec::new(),
        })
    }

    /// Decodes a block, of which the next ones may repeat parts. Returns how long it is.
    fn decode(&mut self, bytes: &[u8], stored: bool, to: &mut Vec<u8>) -> Result<usize> {
        if to.len() < self.largest_block {
            *to = vec![0; self.largest_block];
        }
        let room = &mut to[..self.largest_block];
        let length = if stored {
            room[..bytes.len()].copy_from_slice(bytes);
            bytes.len()
        } else {
            block::decompress_into_with_dict(bytes, room, &self.window)
                .map_err(|error| damaged("an LZ4 block is damaged").with_source(error))?
        };
        let decoded = &room[..length];
        self.content += length as u64;
        if self.content_checksum {
            self.hash.update(decoded);
        }
        if self.linked {
            let kept = WINDOW.saturating_sub(length).min(self.window.len());
            self.window.drain(..self.window.len() - kept);
            self.window.extend_from_slice(&decoded[length.saturating_sub(WINDOW)..]);
        }
        Ok(length)
    }
}

/// Four bytes, the least significant first.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |all, byte| all << 8 | u32::from(*byte))
}
