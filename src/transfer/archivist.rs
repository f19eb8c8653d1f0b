//! The thread that writes an archive, and how lanes hand it what they have compressed.
//!
//! Lanes never write: they wait at most until there is room for what they bring. Room is counted in bytes, for each block by
//! itself, so that a slow disk holds up its own lanes and nobody's memory fills. Where a run can do without the archive, a
//! disk that fails holds up nobody: see [`Desk::spared`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::digest::Digest;
use crate::archive::binary;
use crate::archive::block::Content;
use crate::archive::codec::{self, Codec, Encoder, Envelope};
use crate::archive::manifest::{Frame, Manifest};
use crate::archive::write::{Data, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::toc::{EntryId, RowForm};

/// What is no rows.
pub(super) const AROUND: Frame = Frame { stored: 0, content: 0, rows: 0, within_row: false, around: true, hash: 0 };

/// How many bytes of one block may be on their way to the disk.
const ROOM: u32 = 16 << 20;

/// Writes an archive. There is one for each, and it ends it.
pub struct Archivist {
    desk: Desk,
    thread: JoinHandle<()>,
}

/// Where lanes hand things in. Clones lead to the same archive.
#[derive(Clone)]
pub struct Desk {
    commands: mpsc::UnboundedSender<Command>,
    failure: Arc<Mutex<Option<Error>>>,
    codec: Codec,
    spared: bool,
    /// Blocks of rows that several lanes share.
    shared: Arc<Mutex<HashMap<EntryId, Arc<State>>>>,
}

/// A block that is being written, by one lane or by several.
pub(super) struct Block {
    id: i64,
    desk: Desk,
    state: Arc<State>,
}

/// What the lanes that write a block have in common.
struct State {
    room: Arc<Semaphore>,
    /// What holds together the pieces that were handed in, and the digest of the parts that have ended.
    envelope: Mutex<(Envelope, Digest)>,
    /// Who hands in the pieces of one row, between which nothing else may come.
    turn: Arc<tokio::sync::Mutex<()>>,
}

enum Command {
    Open { id: i64, content: Content },
    Frame { id: i64, bytes: Vec<u8>, frame: Frame, room: OwnedSemaphorePermit },
    LargeObjects { id: i64, bytes: Vec<u8>, room: OwnedSemaphorePermit },
    Close { id: i64, rows: u64, digest: Option<u128> },
    Abandon { id: i64 },
    Finish { manifest: Box<Manifest>, reply: oneshot::Sender<Result<Written>> },
}

impl Archivist {
    /// Takes over an archive that has been begun; its header says that it is compressed like this.
    ///
    /// # Errors
    ///
    /// `Io` if there is no thread to be had.
    pub fn new(data: Data, codec: Codec) -> Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let failure = Arc::default();
        let desk = Desk { commands, failure: Arc::clone(&failure), codec, spared: false, shared: Arc::default() };
        let service = Service { data, failure, held: HashMap::new() };
        let thread = std::thread::Builder::new().name("archivist".to_owned()).spawn(move || service.serve(inbox));
        let thread = thread.map_err(|error| Error::new(ErrorKind::Io, "cannot start a thread").with_source(error))?;
        Ok(Self { desk, thread })
    }

    /// Where lanes hand things in.
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// Makes the archive whole, when all blocks are.
    ///
    /// # Errors
    ///
    /// `Io` if it cannot be written; nothing of it is left then.
    pub async fn finish(self, manifest: Manifest) -> Result<Written> {
        let (reply, written) = oneshot::channel();
        let sent = self.desk.send(Command::Finish { manifest: Box::new(manifest), reply });
        let written = match sent {
            Ok(()) => written.await.unwrap_or_else(|_| Err(self.desk.failure())),
            Err(error) => Err(error),
        };
        self.join().await;
        written
    }

    /// Gives it up, and waits until nothing of it is left. Nobody may have a [`Desk`] any more.
    pub async fn discard(self) {
        self.join().await;
    }

    async fn join(self) {
        let Self { desk, thread } = self;
        drop(desk);
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::warn!("the thread that writes the archive has died");
        }
    }
}

impl Desk {
    /// The same for a run that goes on without the archive: if that fails, what lanes bring is thrown away, and
    /// [`Archivist::finish`] tells why.
    #[must_use]
    pub fn spared(self) -> Self {
        Self { spared: true, ..self }
    }

    /// How blocks are compressed.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Begins the block of an entry for large objects.
    pub(super) fn open_objects(&self, entry: EntryId) -> Result<Block> {
        self.send(Command::Open { id: entry.0.into(), content: Content::LargeObjects })?;
        Ok(self.block(entry, Envelope::new(self.codec)))
    }

    /// Begins the block of an entry for rows in this form.
    pub(super) fn open(&self, entry: EntryId, form: RowForm) -> Result<Block> {
        let (id, mut envelope) = (entry.0.into(), Envelope::new(self.codec));
        self.send(Command::Open { id, content: Content::Rows })?;
        let mut around = vec![(envelope.head().to_vec(), AROUND)];
        if form == RowForm::Binary {
            let head = Encoder::new(self.codec)?.frame(&binary::HEAD)?;
            envelope.add(&head);
            around.push((head.bytes, Frame { content: binary::HEAD.len() as u32, ..AROUND }));
        }
        let block = self.block(entry, envelope);
        for (bytes, frame) in around {
            let room = Arc::clone(&block.state.room).try_acquire_many_owned(0);
            let room = room.map_err(|_| self.failure())?;
            self.send(Command::Frame { id, bytes, frame, room })?;
        }
        Ok(block)
    }

    fn block(&self, entry: EntryId, envelope: Envelope) -> Block {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        let state = State { room, envelope: Mutex::new((envelope, Digest::default())), turn: Arc::default() };
        Block { id: entry.0.into(), desk: self.clone(), state: Arc::new(state) }
    }

    /// The block of an entry whose rows several lanes share: the first one begins it.
    pub(super) fn share(&self, entry: EntryId, form: RowForm) -> Result<Block> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = shared.get(&entry) {
            return Ok(Block { id: entry.0.into(), desk: self.clone(), state: Arc::clone(state) });
        }
        let block = self.open(entry, form)?;
        shared.insert(entry, Arc::clone(&block.state));
        Ok(block)
    }

    /// Takes back what the block of an entry was given.
    pub(super) fn abandon(&self, entry: EntryId) -> Result<()> {
        self.send(Command::Abandon { id: entry.0.into() })
    }

    fn send(&self, command: Command) -> Result<()> {
        match self.commands.send(command) {
            Err(_) if !self.spared => Err(self.failure()),
            _ => Ok(()),
        }
    }

    /// Why nothing more is taken; whoever asks hears the same.
    fn failure(&self) -> Error {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.as_ref() {
            Some(error) => {
                let again = Error::new(error.kind(), error.to_string());
                match error.hint() {
                    Some(hint) => again.with_hint(hint),
                    None => again,
                }
            }
            None => Error::new(ErrorKind::Io, "the archive could not be written"),
        }
    }
}

impl Block {
    /// Whether what is brought is thrown away.
    pub fn is_lost(&self) -> bool {
        self.desk.spared && self.desk.commands.is_closed()
    }

    /// How it is compressed.
    pub fn codec(&self) -> Codec {
        self.desk.codec
    }

    /// Hands in a piece of rows, as soon as there is room for it.
    pub async fn frame(&self, piece: codec::Frame, frame: Frame) -> Result<()> {
        let room = self.room(piece.bytes.len()).await?;
        // The envelope has to see pieces in the order in which they are written.
        let mut state = self.state.envelope.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.add(&piece);
        self.desk.send(Command::Frame { id: self.id, bytes: piece.bytes, frame, room })
    }

    /// Waits until nobody else is in the middle of a row, and keeps others from being so.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.state.turn).lock_owned().await
    }

    /// Hands in what stands after all pieces of rows.
    pub async fn tail(&self) -> Result<()> {
        let tail = {
            let state = self.state.envelope.lock().unwrap_or_else(PoisonError::into_inner);
            state.0.tail()
        };
        let room = self.room(tail.len()).await?;
        self.desk.send(Command::Frame { id: self.id, bytes: tail, frame: AROUND, room })
    }

    /// Says that a part of the rows has been handed in.
    pub fn add(&self, part: &Digest) {
        self.state.envelope.lock().unwrap_or_else(PoisonError::into_inner).1.merge(part);
    }

    /// What was said of parts so far.
    pub fn parts(&self) -> Digest {
        self.state.envelope.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Hands in large objects, as soon as there is room for them.
    pub async fn large_objects(&self, bytes: Vec<u8>) -> Result<()> {
        let room = self.room(bytes.len()).await?;
        self.desk.send(Command::LargeObjects { id: self.id, bytes, room })
    }

    /// Says that this is all.
    pub fn close(self, rows: u64, digest: Option<u128>) -> Result<()> {
        self.desk.send(Command::Close { id: self.id, rows, digest })
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let wanted = u32::try_from(bytes).unwrap_or(ROOM).min(ROOM);
        let room = Arc::clone(&self.state.room).acquire_many_owned(wanted).await;
        room.map_err(|_| self.desk.failure())
    }
}

/// What the thread works with.
struct Service {
    data: Data,
    failure: Arc<Mutex<Option<Error>>>,
    /// The room that blocks take which wait for their turn.
    held: HashMap<i64, Vec<OwnedSemaphorePermit>>,
}

impl Service {
    fn serve(mut self, mut inbox: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = inbox.blocking_recv() {
            let done = match command {
                Command::Open { id, content } => self.data.open(id, content),
                Command::Frame { id, bytes, frame, room } => {
                    self.data.frame(id, &bytes, frame).map(|()| self.hold(id, room))
                }
                Command::LargeObjects { id, bytes, room } => {
                    self.data.large_objects(id, &bytes).map(|()| self.hold(id, room))
                }
                Command::Close { id, rows, digest } => self.data.close(id, rows, digest),
                Command::Abandon { id } => self.data.abandon(id),
                Command::Finish { manifest, reply } => {
                    // It may be that nobody listens any more: the run was ended.
                    let _ = reply.send(self.data.finish(*manifest));
                    return;
                }
            };
            self.held.retain(|id, _| !self.data.is_out(*id));
            if let Err(error) = done {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
        }
    }

    fn hold(&mut self, id: i64, room: OwnedSemaphorePermit) {
        self.held.entry(id).or_default().push(room);
    }
}
