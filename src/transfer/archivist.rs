//! The thread that writes an archive, and how lanes hand it what they have compressed.
//!
//! Lanes never write: they wait at most until there is room for what they bring. Room is counted in bytes, for each block by
//! itself, so that a slow disk holds up its own lanes and nobody's memory fills.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::archive::block::Content;
use crate::archive::codec::Codec;
use crate::archive::manifest::{Frame, Manifest};
use crate::archive::write::{Data, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::toc::EntryId;

/// How many bytes of one block may be on their way to the disk.
const ROOM: u32 = 16 << 20;

/// Writes an archive. There is one for each, and it ends it.
pub struct Archivist {
    desk: Desk,
    thread: JoinHandle<()>,
    /// Why the thread has ended before its time.
    failure: Arc<Mutex<Option<Error>>>,
}

/// Where lanes hand things in. Clones lead to the same archive.
#[derive(Clone)]
pub struct Desk {
    commands: mpsc::UnboundedSender<Command>,
    codec: Codec,
}

/// A block that is being written by one or several lanes.
#[derive(Clone)]
pub(super) struct Block {
    id: i64,
    desk: Desk,
    room: Arc<Semaphore>,
}

enum Command {
    Open { id: i64, content: Content },
    Frame { id: i64, bytes: Vec<u8>, frame: Frame, room: OwnedSemaphorePermit },
    LargeObjects { id: i64, bytes: Vec<u8>, room: OwnedSemaphorePermit },
    Close { id: i64, rows: u64, digest: Option<u128> },
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
        let desk = Desk { commands, codec };
        let service = Service { data, failure: Arc::clone(&failure), held: HashMap::new() };
        let thread = std::thread::Builder::new().name("archivist".to_owned()).spawn(move || service.serve(inbox));
        let thread = thread.map_err(|error| Error::new(ErrorKind::Io, "cannot start a thread").with_source(error))?;
        Ok(Self { desk, thread, failure })
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
            Ok(()) => written.await.unwrap_or_else(|_| Err(unwritable())),
            Err(error) => Err(error),
        };
        match self.join().await {
            Some(cause) => Err(cause),
            None => written,
        }
    }

    /// Gives it up, and waits until nothing of it is left. Nobody may have a [`Desk`] any more. If it could not be written,
    /// that is why: lanes learn no more than that nothing is taken from them.
    pub async fn discard(self) -> Option<Error> {
        self.join().await
    }

    async fn join(self) -> Option<Error> {
        let Self { desk, thread, failure } = self;
        drop(desk);
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::warn!("the thread that writes the archive has died");
        }
        failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Desk {
    /// How blocks are compressed.
    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Begins the block of an entry.
    pub(super) fn open(&self, entry: EntryId, content: Content) -> Result<Block> {
        let id = entry.0.into();
        self.send(Command::Open { id, content })?;
        Ok(Block { id, desk: self.clone(), room: Arc::new(Semaphore::new(ROOM as usize)) })
    }

    fn send(&self, command: Command) -> Result<()> {
        self.commands.send(command).map_err(|_| unwritable())
    }
}

impl Block {
    /// Hands in a chunk of rows, as soon as there is room for it.
    pub async fn frame(&self, bytes: Vec<u8>, frame: Frame) -> Result<()> {
        let room = self.room(bytes.len()).await?;
        self.desk.send(Command::Frame { id: self.id, bytes, frame, room })
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
        let room = Arc::clone(&self.room).acquire_many_owned(wanted).await;
        room.map_err(|_| unwritable())
    }
}

/// That nothing more is taken. Why that is, the [`Archivist`] says.
fn unwritable() -> Error {
    Error::new(ErrorKind::Io, "the archive could not be written")
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
