//! The reading half of the tap: finds the messages in the byte stream of a server and cuts out the rows of a COPY.
//!
//! No I/O in here: bytes come in through an [`Inbox`], what the client library shall see goes out through a [`ReadBuf`], and
//! rows go to the [`Collector`]. PostgreSQL documentation, "Message Formats": every message is a type byte, then a length of
//! four bytes that counts itself but not the type byte, then the body.

use std::io;

use tokio::io::ReadBuf;

use super::block::{Collector, Format};
use super::{Armed, Link, feed::Feed};

/// Type byte and length.
const HEAD: usize = 5;
/// The longest message that a server can send: it builds every message in a buffer of less than 1 GiB
/// (`MaxAllocSize`, src/include/utils/memutils.h). A little slack costs nothing; more than this is not PostgreSQL.
const LONGEST: usize = 0x4000_0000 + 0x1_0000;
/// How many bytes are asked of the stream at a time.
const INBOX_BYTES: usize = 256 * 1024;
/// A row of which at least this much is still to come is read into its block directly, not through the inbox.
const DIRECT_BYTES: usize = 16 * 1024;

/// Bytes that were read and not looked at yet.
pub(super) struct Inbox {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; INBOX_BYTES].into_boxed_slice(), start: 0, end: 0 }
    }

    fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    /// Room to read into. What is left over (less than a head, or nothing) moves to the front first.
    pub(super) fn room(&mut self) -> ReadBuf<'_> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        ReadBuf::new(self.bytes.get_mut(self.end..).unwrap_or_default())
    }

    /// That many bytes of the room have been filled.
    pub(super) fn filled(&mut self, count: usize) {
        self.end = self.bytes.len().min(self.end + count);
    }
}

/// What has to happen before the cutter can go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The inbox has nothing more to look at.
    NeedInput,
    /// The library's buffer is full.
    NeedOutput,
    /// The collector has something to hand over.
    HandOver,
}

/// What becomes of the rest of the current message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The library gets it.
    Pass,
    /// It is a row, and goes into a block.
    Cut,
    /// Nobody gets it.
    Drop,
}

/// Where in the stream we stand: before the head of a message, or `left` bytes before its end.
#[derive(Clone, Copy, Debug)]
enum At {
    Head,
    Body { left: usize, fate: Fate },
}

/// Finds the messages and decides what becomes of each.
pub(super) struct Cutter {
    at: At,
    copy: Option<Collector>,
}

impl Cutter {
    pub(super) fn new() -> Self {
        Self { at: At::Head, copy: None }
    }

    /// The COPY that is being cut, if there is one.
    pub(super) fn copy(&mut self) -> Option<&mut Collector> {
        self.copy.as_mut()
    }

    /// How many bytes may be read into the current block directly, if that is worthwhile and nothing else comes before.
    pub(super) fn direct(&mut self, inbox: &Inbox) -> Option<(&mut Collector, usize)> {
        match (self.at, self.copy.as_mut()) {
            (At::Body { left, fate: Fate::Cut }, Some(copy)) if left >= DIRECT_BYTES && inbox.data().is_empty() => {
                let room = copy.room().min(left);
                (room > 0).then_some((copy, room))
            }
            _ => None,
        }
    }

    /// That many bytes of the current row went into its block directly.
    pub(super) fn direct_done(&mut self, count: usize) {
        if let At::Body { left, fate } = self.at {
            self.set_body(left.saturating_sub(count), fate);
        }
    }

    /// Works through the inbox as far as it can.
    pub(super) fn advance(
        &mut self,
        inbox: &mut Inbox,
        out: &mut ReadBuf<'_>,
        link: &Link,
        feed: &mut Feed,
    ) -> io::Result<Step> {
        loop {
            if self.copy.as_ref().is_some_and(Collector::has_cut) {
                return Ok(Step::HandOver);
            }
            match self.at {
                At::Head => {
                    if let Some(copy) = self.copy.as_mut().filter(|copy| !copy.is_gone()) {
                        let count = copy.take_rows(inbox.data(), row_len)?;
                        inbox.consume(count);
                    }
                    if !self.enter(inbox, link, feed)? {
                        return Ok(Step::NeedInput);
                    }
                }
                At::Body { left, fate } => match self.body(inbox, out, left, fate) {
                    Some(step) => return Ok(step),
                    None => continue,
                },
            }
        }
    }

    /// Reads the head of the next message. False if it is not there yet.
    fn enter(&mut self, inbox: &mut Inbox, link: &Link, feed: &mut Feed) -> io::Result<bool> {
        let Some((&head, rest)) = inbox.data().split_first_chunk::<HEAD>() else { return Ok(false) };
        let [tag, ..] = head;
        let body = body_len(head)?;
        let fate = match tag {
            b'd' => match &self.copy {
                Some(copy) if copy.is_gone() => Fate::Drop,
                Some(_) => Fate::Cut,
                None => Fate::Pass,
            },
            // CopyOutResponse: its first byte tells the format.
            b'H' => {
                let Some(&format) = rest.first() else { return Ok(false) };
                self.begin_out(link, format)
            }
            // CopyInResponse.
            b'G' => match link.take(Armed::is_in) {
                Some(Armed::In(blocks)) => {
                    feed.begin(blocks);
                    Fate::Drop
                }
                _ => Fate::Pass,
            },
            // CopyDone, ErrorResponse, CommandComplete, ReadyForQuery: whatever COPY there was has ended.
            b'c' | b'E' | b'C' | b'Z' => {
                if self.copy.as_mut().is_some_and(Collector::seal) {
                    // The last block goes first. We come back to this message.
                    return Ok(true);
                }
                let cut = self.copy.take().is_some();
                if tag != b'c' {
                    feed.end();
                }
                if cut && tag == b'c' { Fate::Drop } else { Fate::Pass }
            }
            _ => Fate::Pass,
        };
        if fate == Fate::Pass {
            self.set_body(HEAD + body, fate);
        } else {
            inbox.consume(HEAD);
            self.set_body(body, fate);
        }
        Ok(true)
    }

    fn begin_out(&mut self, link: &Link, format: u8) -> Fate {
        match link.take(Armed::is_out) {
            Some(Armed::Out(sender)) => {
                self.copy = Some(Collector::new(sender, if format == 0 { Format::Text } else { Format::Binary }));
                Fate::Drop
            }
            _ => Fate::Pass,
        }
    }

    fn body(&mut self, inbox: &mut Inbox, out: &mut ReadBuf<'_>, left: usize, fate: Fate) -> Option<Step> {
        let data = inbox.data();
        let here = data.get(..left).unwrap_or(data);
        if here.is_empty() {
            return Some(Step::NeedInput);
        }
        let count = match (fate, &mut self.copy) {
            (Fate::Pass, _) => {
                let count = here.len().min(out.remaining());
                if count == 0 {
                    return Some(Step::NeedOutput);
                }
                out.put_slice(here.get(..count).unwrap_or_default());
                count
            }
            (Fate::Cut, Some(copy)) => copy.take_part(here),
            (Fate::Drop | Fate::Cut, _) => here.len(),
        };
        inbox.consume(count);
        self.set_body(left - count, fate);
        None
    }

    /// `left` bytes of the message are still to come. With the last one of a row, the row ends.
    fn set_body(&mut self, left: usize, fate: Fate) {
        self.at = if left > 0 { At::Body { left, fate } } else { At::Head };
        if let (Fate::Cut, Some(copy)) = (fate, &mut self.copy) {
            copy.part_taken(left == 0);
        }
    }
}

/// The length of a message's body, from its head.
fn body_len([_, length @ ..]: [u8; HEAD]) -> io::Result<usize> {
    let length = u32::from_be_bytes(length) as usize;
    if !(4..=LONGEST).contains(&length) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the server sent a message of length {length}"),
        ));
    }
    Ok(length - 4)
}

/// The length of a row, if the head is that of one.
fn row_len(head: [u8; HEAD]) -> io::Result<Option<usize>> {
    let [tag, ..] = head;
    if tag == b'd' { body_len(head).map(Some) } else { Ok(None) }
}
