//! An archive that comes as a stream, as where lanes take blocks from: a thread reads it once, from the beginning to the end.
//!
//! Whoever wants a block leaves an order for it. The thread goes from block to block, passes over those that nobody wants, and
//! at one that somebody does it waits for the order, and carries it out. So lanes have to order in the sequence of the stream
//! ([`Schedule::in_turn`](crate::plan::schedule::Schedule::in_turn)); what was read waits in the channel of the order, which
//! is bounded in bytes, while the thread reads on.
//!
//! The thread belongs to no runtime: a read of standard input cannot be broken off, and nobody waits for it. It ends when the
//! [`Stream`] is dropped and its last read has come to an end, or with the process.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::archive::header::Header;
use crate::archive::manifest::Manifest;
use crate::archive::read::{Block, StreamArchive};
use crate::archive::toc::Record;
use crate::error::{Error, ErrorKind, Result};

/// What is to be done with a block, or with what is wrong before it. Returns whether there is any use in reading on.
pub(super) type Order = Box<dyn for<'a> FnOnce(Result<&mut Block<'a>>) -> bool + Send>;

/// The end of a stream: what it says about itself, or what is wrong after the last block that somebody wants.
type End = oneshot::Sender<Result<Option<Manifest>>>;

/// An archive on its way in.
pub struct Stream {
    header: Header,
    records: Vec<Record>,
    has_manifest: bool,
    office: Arc<Office>,
    read: watch::Receiver<usize>,
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Where orders are left.
#[derive(Default)]
struct Office {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    /// The numbers of the records whose blocks will be ordered, in the sequence of the stream; nothing as long as that is
    /// not known.
    wanted: Option<VecDeque<i64>>,
    /// Nothing where a block is to be passed over.
    orders: HashMap<i64, Option<Order>>,
    end: Option<End>,
    /// Nobody wants anything any more.
    closed: bool,
}

impl Office {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nobody dies with the desk in a state that makes no sense.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Desk)) {
        change(&mut self.desk());
        self.changed.notify_all();
    }

    fn close(&self) {
        self.change(|desk| {
            desk.closed = true;
            desk.end = None;
        });
    }

    /// Waits for something on the desk; nothing if it was closed.
    fn wait<T>(&self, mut find: impl FnMut(&mut Desk) -> Option<T>) -> Option<T> {
        let mut desk = self.desk();
        loop {
            if desk.closed {
                return None;
            }
            if let Some(found) = find(&mut desk) {
                return Some(found);
            }
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Stream {
    /// Opens an archive in the thread that will read it, and waits for its table of contents.
    ///
    /// # Errors
    ///
    /// Those of `open`; `Io` if there is no thread to be had.
    pub async fn open(open: impl FnOnce() -> Result<StreamArchive> + Send + 'static) -> Result<Self> {
        let office = Arc::new(Office::default());
        let (begun, opened) = oneshot::channel();
        let (count, read) = watch::channel(0);
        let reader = Reader { office: Arc::clone(&office), count };
        let work = move || match open() {
            Ok(archive) => {
                let head = (archive.header().clone(), archive.records().to_vec(), archive.has_manifest());
                if begun.send(Ok(head)).is_ok() {
                    reader.serve(archive);
                    reader.office.close();
                }
            }
            // Where nobody listens any more, nobody wants to know.
            Err(error) => drop(begun.send(Err(error))),
        };
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(work);
        thread.map_err(|error| Error::new(ErrorKind::Io, "cannot start a thread").with_source(error))?;
        let broken = |_| Err(Error::malformed("the reading of the archive has broken off"));
        let (header, records, has_manifest) = opened.await.unwrap_or_else(broken)?;
        Ok(Self { header, records, has_manifest, office, read })
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its table of contents.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether it should end with a manifest.
    pub fn has_manifest(&self) -> bool {
        self.has_manifest
    }

    /// Begins to read: the blocks of these records will be ordered, in the sequence in which they come.
    pub fn begin(&self, wanted: impl IntoIterator<Item = i64>) {
        let wanted = wanted.into_iter().collect();
        self.office.change(|desk| desk.wanted = Some(wanted));
    }

    /// How many of the blocks that are wanted have been read to their ends.
    pub fn read(&self) -> watch::Receiver<usize> {
        self.read.clone()
    }

    /// Orders the block of a record.
    pub(super) fn order(&self, id: i64, order: Order) {
        self.office.change(|desk| drop(desk.orders.insert(id, Some(order))));
    }

    /// Lets the block of a record be passed over: it is wanted no more.
    pub(super) fn pass_over(&self, id: i64) {
        self.office.change(|desk| drop(desk.orders.insert(id, None)));
    }

    /// Reads what is left to the end, and returns what the archive says about itself, if it does.
    ///
    /// # Errors
    ///
    /// `Malformed`, `Io` for whatever is wrong after the blocks that were wanted, or with the manifest.
    pub(super) async fn end(&self) -> Result<Option<Manifest>> {
        let (end, ended) = oneshot::channel();
        self.office.change(|desk| desk.end = Some(end).filter(|_| !desk.closed));
        ended.await.unwrap_or_else(|_| Err(Error::malformed("the reading of the archive has broken off")))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.office.close();
    }
}

/// The thread.
struct Reader {
    office: Arc<Office>,
    count: watch::Sender<usize>,
}

impl Reader {
    fn serve(&self, mut archive: StreamArchive) {
        let Some(mut wanted) = self.office.wait(|desk| desk.wanted.take()) else { return };
        match self.read(&mut archive, &mut wanted) {
            Ok(true) => self.tell_end(archive.manifest()),
            Ok(false) => {}
            Err(error) => self.tell(error, wanted),
        }
    }

    /// Carries out the orders for all blocks that are wanted, and reads on to the end; false if it was stopped before, by one
    /// of them or because nobody wants anything any more.
    fn read(&self, archive: &mut StreamArchive, wanted: &mut VecDeque<i64>) -> Result<bool> {
        let mut later: HashSet<i64> = wanted.iter().copied().collect();
        while let Some(mut block) = archive.next_block()? {
            let (id, at) = (block.start().id, block.begins_at());
            if wanted.front() != Some(&id) {
                if later.contains(&id) {
                    return Err(out_of_order(id, at));
                }
                if self.office.desk().closed {
                    return Ok(false);
                }
                continue;
            }
            let Some(order) = self.office.wait(|desk| desk.orders.remove(&id)) else { return Ok(false) };
            if order.is_some_and(|order| !order(Ok(&mut block))) {
                return Ok(false);
            }
            later.remove(&id);
            wanted.pop_front();
            self.count.send_modify(|count| *count += 1);
        }
        Ok(true)
    }

    /// Tells what is wrong to whoever wants the next block. It is told once: the orders for later ones stay where they are, so
    /// that nobody takes them for lost.
    fn tell(&self, error: Error, wanted: VecDeque<i64>) {
        for id in wanted {
            match self.office.wait(|desk| desk.orders.remove(&id)) {
                Some(Some(order)) => {
                    order(Err(error));
                    return;
                }
                Some(None) => {}
                None => return,
            }
        }
        self.tell_end(Err(error));
    }

    fn tell_end(&self, end: Result<Option<Manifest>>) {
        if let Some(to) = self.office.wait(|desk| desk.end.take()) {
            // Where nobody listens any more, nobody wants to know.
            let _ = to.send(end);
        }
    }
}

fn out_of_order(id: i64, at: u64) -> Error {
    let what = format!(
        "the data of entry {id} begin at byte {at} of the archive, before others that stand before them in the table of contents"
    );
    Error::malformed(what).with_hint("A stream cannot be gone back in. Give the archive as a file.")
}
