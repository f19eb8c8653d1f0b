//! The writing half of the tap: puts the blocks of a COPY FROM STDIN on the wire, past the client library.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

/// What the one who armed the tap gives to it. Dropping the sender without [`Fed::Done`] makes the server undo the COPY.
#[derive(Debug)]
pub enum Fed {
    /// Rows, cut anywhere. At most [`FRAME_BYTES`].
    Data(Bytes),
    /// All rows have been sent.
    Done,
}

/// How much goes into one CopyData message at most. The server reads each into memory as a whole.
pub const FRAME_BYTES: usize = 1024 * 1024;
/// How many pieces wait at most between the one who sends them and the connection. One COPY in holds this many and two more.
pub const PIECES_QUEUED: usize = 2;

/// A message on its way: what is left of its head, and of its body.
struct Frame {
    head: Bytes,
    body: Bytes,
}

impl Frame {
    fn new(tag: u8, body: Bytes) -> Self {
        // A body is at most `FRAME_BYTES` long, see `CopyIn::send`.
        let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes();
        Self { head: Bytes::from_iter(std::iter::once(tag).chain(length)), body }
    }

    fn is_done(&self) -> bool {
        self.head.is_empty() && self.body.is_empty()
    }

    fn advance(&mut self, count: usize) {
        let of_head = count.min(self.head.len());
        self.head.advance(of_head);
        self.body.advance((count - of_head).min(self.body.len()));
    }
}

/// The COPY FROM STDIN that is under way, if there is one.
#[derive(Default)]
pub(super) struct Feed {
    blocks: Option<mpsc::Receiver<Fed>>,
    frame: Option<Frame>,
}

impl Feed {
    /// The server is ready to take rows.
    pub(super) fn begin(&mut self, blocks: mpsc::Receiver<Fed>) {
        self.blocks = Some(blocks);
    }

    /// The server has ended the COPY, so nothing more may be sent but the rest of the current message.
    pub(super) fn end(&mut self) {
        self.blocks = None;
    }

    /// Nothing can be sent any more.
    pub(super) fn abandon(&mut self) {
        self.blocks = None;
        self.frame = None;
    }

    /// Sends what there is. Ready once no COPY is under way; until then nothing else may be written to the stream.
    pub(super) fn poll<S: AsyncWrite + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while let Some(frame) = self.frame.as_mut().filter(|frame| !frame.is_done()) {
                let parts = [IoSlice::new(&frame.head), IoSlice::new(&frame.body)];
                let count = ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &parts))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                frame.advance(count);
            }
            self.frame = None;
            let Some(blocks) = &mut self.blocks else { return Poll::Ready(Ok(())) };
            self.frame = match ready!(blocks.poll_recv(cx)) {
                Some(Fed::Data(bytes)) if bytes.is_empty() => None,
                Some(Fed::Data(bytes)) => Some(Frame::new(b'd', bytes)),
                end => {
                    self.blocks = None;
                    Some(match end {
                        Some(_) => Frame::new(b'c', Bytes::new()),
                        None => Frame::new(b'f', Bytes::from_static(b"the client has given up\0")),
                    })
                }
            };
        }
    }
}
