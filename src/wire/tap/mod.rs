//! The tap: sits between the socket (or TLS) and the client library, and leads the rows of a COPY past the library.
//!
//! The library would hand over every row by itself, and take every block through its own buffers; at some millions of rows
//! that costs more than everything else that we do. The library only ever sees an ordinary query:
//!
//! ```text
//!   COPY TO STDOUT     server:  CopyOutResponse  CopyData ...  CopyDone  CommandComplete  ReadyForQuery
//!                                     |              |            |            |               |
//!                      armed tap:     +-- blocks of rows, to the handle        +--- library ---+
//!
//!   COPY FROM STDIN    server:  CopyInResponse                           CommandComplete  ReadyForQuery
//!                                     |                                        |               |
//!                      armed tap:     +-- CopyData ... CopyDone, to server     +--- library ---+
//! ```
//!
//! Everything else passes unchanged, and so does a COPY for which the tap was not armed. Errors of the server reach the
//! library in either direction, so a COPY fails like any other statement.
//!
//! Bounded: blocks wait in a queue of [`BLOCKS_QUEUED`]; while it is full, the tap reads nothing from the socket, and the
//! server waits.

mod block;
mod cut;
mod feed;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_postgres::tls::{ChannelBinding, TlsStream};
use tokio_util::io::poll_read_buf;
use tokio_util::sync::PollSender;

pub use block::{BLOCK_BYTES, BLOCK_ROWS, BLOCKS_QUEUED, Block, Cut, Format};
pub use feed::{FRAME_BYTES, Fed, PIECES_QUEUED};

use cut::{Cutter, Inbox, Step};
use feed::Feed;

/// After so many bytes the tap lets other tasks of the runtime have their turn.
const TURN_BYTES: usize = 4 * BLOCK_BYTES;

/// A stream to a server out of which rows can be led. See [the module](self).
///
/// It has to lie on top of the encryption, not beneath it.
pub struct Tap<S> {
    stream: S,
    link: Arc<Link>,
    inbox: Inbox,
    cutter: Cutter,
    feed: Feed,
    /// Why nothing can be written any more. See [`Tap::written`].
    broken: Option<io::Error>,
    /// Bytes read in this turn.
    turn: usize,
}

/// The other end of a [`Tap`]: arms it for the next COPY.
#[derive(Clone, Debug)]
pub struct TapHandle(Arc<Link>);

/// What tap and handle share.
#[derive(Debug, Default)]
struct Link {
    armed: Mutex<Armed>,
    unsettled: AtomicBool,
}

/// What the next COPY is to be connected to.
#[derive(Debug, Default)]
enum Armed {
    #[default]
    Nothing,
    Out(PollSender<Cut>),
    In(mpsc::Receiver<Fed>),
}

impl Armed {
    fn is_out(&self) -> bool {
        matches!(self, Self::Out(_))
    }

    fn is_in(&self) -> bool {
        matches!(self, Self::In(_))
    }
}

impl Link {
    fn armed(&self) -> MutexGuard<'_, Armed> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the tap is armed with, if it is of the right kind. It serves once.
    fn take(&self, right: impl Fn(&Armed) -> bool) -> Option<Armed> {
        let mut armed = self.armed();
        right(&armed).then(|| std::mem::take(&mut *armed))
    }
}

impl TapHandle {
    /// Connects the next COPY TO STDOUT: its rows come out of the receiver, which ends when the rows end, for whatever reason.
    ///
    /// The statement has to be sent next, and nothing else beside it: the tap goes by the order of messages.
    pub fn arm_out(&self) -> mpsc::Receiver<Cut> {
        let (sender, receiver) = mpsc::channel(BLOCKS_QUEUED);
        self.arm(Armed::Out(PollSender::new(sender)));
        receiver
    }

    /// Connects the next COPY FROM STDIN: what is sent becomes its rows. The receiving end closes when the server ends the
    /// COPY.
    ///
    /// The statement has to be sent next, as with [`TapHandle::arm_out`].
    pub fn arm_in(&self) -> mpsc::Sender<Fed> {
        let (sender, receiver) = mpsc::channel(PIECES_QUEUED);
        self.arm(Armed::In(receiver));
        sender
    }

    fn arm(&self, with: Armed) {
        *self.0.armed() = with;
        self.0.unsettled.store(true, Ordering::Relaxed);
    }

    /// The statement for which the tap was armed has come to its end, as the library told. True if it was not a COPY in the
    /// direction for which the tap was armed.
    pub(crate) fn settle(&self) -> bool {
        self.0.unsettled.store(false, Ordering::Relaxed);
        !matches!(std::mem::take(&mut *self.0.armed()), Armed::Nothing)
    }

    /// Whether the outcome of the last COPY was not waited for. Its messages may still be under way then, and have to be
    /// waited for before the tap can be armed again.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.0.unsettled.load(Ordering::Relaxed)
    }
}

impl<S> Tap<S> {
    /// A tap on a stream, and its handle.
    pub fn new(stream: S) -> (Self, TapHandle) {
        let link = Arc::new(Link::default());
        let handle = TapHandle(Arc::clone(&link));
        let (inbox, cutter, feed) = (Inbox::new(), Cutter::new(), Feed::default());
        (Self { stream, link, inbox, cutter, feed, broken: None, turn: 0 }, handle)
    }

    /// What a write came to. If the peer has closed the connection, the write counts as done: what the server said last, and
    /// that is why it closed the connection, may still wait to be read. After that the reading side reports the error.
    fn written(&mut self, done: io::Result<usize>, count: usize, cx: &Context<'_>) -> io::Result<usize> {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        match done {
            Err(error) if matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset) => {
                self.broken = Some(error);
                self.feed.abandon();
                cx.waker().wake_by_ref();
                Ok(count)
            }
            done => done,
        }
    }
}

impl<S: AsyncRead + Unpin> Tap<S> {
    /// Reads once, into the inbox or into the current block. 0 means that the stream has ended.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        if let Some((copy, room)) = self.cutter.direct(&self.inbox) {
            let count = ready!(poll_read_buf(stream, cx, &mut copy.buffer().limit(room)))?;
            self.cutter.direct_done(count);
            return Poll::Ready(Ok(count));
        }
        let mut room = self.inbox.room();
        ready!(stream.poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.inbox.filled(count);
        Poll::Ready(Ok(count))
    }

    /// [`Tap::poll_fill`], and what broke the writing side where that is why reading comes to an end.
    fn poll_input(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match (ready!(self.poll_fill(cx)), self.broken.take()) {
            (Ok(0) | Err(_), Some(error)) => Poll::Ready(Err(error)),
            (done, broken) => {
                self.broken = broken;
                Poll::Ready(done)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = out.filled().len();
        loop {
            let step = this.cutter.advance(&mut this.inbox, out, &this.link, &mut this.feed)?;
            // What the library is to see, it sees before anything is waited for.
            if out.filled().len() > before || step == Step::NeedOutput {
                return Poll::Ready(Ok(()));
            }
            if this.turn >= TURN_BYTES {
                this.turn = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if step == Step::HandOver {
                if let Some(copy) = this.cutter.copy() {
                    ready!(copy.poll_hand_over(cx));
                }
                continue;
            }
            match ready!(this.poll_input(cx))? {
                0 => return Poll::Ready(Ok(())),
                count => this.turn += count,
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.broken.is_some() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let done = match ready!(this.feed.poll(&mut this.stream, cx)) {
            Ok(()) => ready!(Pin::new(&mut this.stream).poll_write(cx, bytes)),
            Err(error) => Err(error),
        };
        Poll::Ready(this.written(done, bytes.len(), cx))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.broken.is_some() {
            return Poll::Ready(Ok(()));
        }
        // The library flushes whenever it has nothing else to do: that drives the feed. Where the feed waits for blocks, what
        // it has written has to go out all the same.
        if let Poll::Ready(Err(error)) = this.feed.poll(&mut this.stream, cx) {
            return Poll::Ready(this.written(Err(error), 0, cx).map(drop));
        }
        let done = ready!(Pin::new(&mut this.stream).poll_flush(cx));
        Poll::Ready(this.written(done.map(|()| 0), 0, cx).map(drop))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Tap<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.stream.channel_binding()
    }
}
