//! What can be had of an archive that is damaged, and what is lost of it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::unpack::{Lines, hand_over_object};
use crate::archive::read::{Block as Packed, FileArchive, Lost, label};
use crate::archive::toc::Record;
use crate::archive::verify::words;
use crate::error::{Error, ErrorKind, Result};
use crate::wire::large_object::Chunk;
use crate::wire::tap::Block;

/// How many losses are listed; an archive that has more is not worth a longer list.
const LISTED: usize = 1000;

/// Something that is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// What it is lost of: "TABLE DATA app.orders".
    pub subject: String,
    /// The bytes of the archive that are damaged, if it is that.
    pub bytes: Option<Range<u64>>,
    /// How many rows are lost, if that is known.
    pub rows: Option<u64>,
    /// What is wrong, as a lower-case fragment.
    pub what: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)?;
        if let Some(bytes) = &self.bytes {
            write!(f, ", bytes {} to {}", bytes.start, bytes.end)?;
        }
        match self.rows {
            Some(1) => f.write_str(", 1 row lost")?,
            Some(rows) => write!(f, ", {rows} rows lost")?,
            None => {}
        }
        write!(f, ": {}", self.what)
    }
}

/// All that is lost.
#[derive(Debug, Default)]
pub struct Losses(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    /// By what it is lost of.
    listed: BTreeMap<String, Vec<Loss>>,
    more: u64,
}

impl Losses {
    /// Says that something is lost.
    pub fn add(&self, loss: Loss) {
        self.change(|list| match list.listed.values().map(Vec::len).sum::<usize>() {
            0..LISTED => list.listed.entry(loss.subject.clone()).or_default().push(loss),
            _ => list.more += 1,
        });
    }

    /// All of them, as far as they are listed, and how many more there are.
    pub fn list(&self) -> (Vec<Loss>, u64) {
        self.change(|list| (list.listed.values().flatten().cloned().collect(), list.more))
    }

    /// Forgets what is lost of something that is read anew.
    fn begin(&self, subject: &str) {
        self.change(|list| drop(list.listed.remove(subject)));
    }

    fn change<T>(&self, change: impl FnOnce(&mut List) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where data are salvaged from.
pub(super) struct Wreck<'a> {
    pub archive: &'a FileArchive,
    pub losses: &'a Losses,
    pub record: &'a Record,
}

impl Wreck<'_> {
    fn block(&self) -> Result<Packed<'static>> {
        self.archive.block(self.record)?.ok_or_else(|| Error::malformed("an entry with data has no block"))
    }

    fn lose(&self, lost: Lost) {
        let Lost { bytes, rows, what } = lost;
        self.losses.add(Loss { subject: label(self.record), bytes: Some(bytes), rows, what });
    }

    /// What an error says of a block is a loss; any other error ends the work.
    fn lose_rest(&self, block: &Packed<'_>, error: Error, what: &str) -> Result<()> {
        if error.kind() != ErrorKind::Malformed {
            return Err(error);
        }
        let bytes = block.begins_at()..block.position();
        self.lose(Lost { bytes, rows: None, what: format!("{what}: {}", words(&error)) });
        Ok(())
    }

    /// Rows in text form: of ours those in frames that are whole, of others those before the damage.
    pub fn rows(&self, hand_over: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        self.losses.begin(&label(self.record));
        let mut lines = Lines::default();
        let mut whole = |piece: Bytes| match lines.add(piece)? {
            block if block.bytes.is_empty() => Ok(()),
            block => hand_over(block),
        };
        if self.archive.salvage_rows(self.record, &mut whole, &mut |lost| self.lose(lost))?.is_some() {
            return Ok(());
        }
        let Some(rows) = self.rows_before_damage()? else { return self.rows_up_to(u64::MAX, hand_over) };
        self.rows_up_to(rows, hand_over)
    }

    /// How many rows come before the damage; nothing if there is none.
    fn rows_before_damage(&self) -> Result<Option<u64>> {
        let (mut block, mut lines, mut rows) = (self.block()?, Lines::default(), 0);
        let error = loop {
            let read = block.next_piece().and_then(|piece| match piece {
                Some(piece) => lines.add(piece).map(Some),
                None => lines.finish().map(|()| None),
            });
            match read {
                Ok(Some(piece)) => rows += piece.ends.len() as u64,
                Ok(None) => return Ok(None),
                Err(error) => break error,
            }
        };
        self.lose_rest(
            &block,
            error,
            &format!("the first {rows} rows are restored as they can be read, what follows is lost"),
        )?;
        Ok(Some(rows))
    }

    fn rows_up_to(&self, mut rows: u64, hand_over: &mut dyn FnMut(Block) -> Result<()>) -> Result<()> {
        let (mut block, mut lines) = (self.block()?, Lines::default());
        while rows > 0
            && let Some(piece) = block.next_piece()?
        {
            let mut piece = lines.add(piece)?;
            if piece.ends.len() as u64 >= rows {
                piece.ends.truncate(usize::try_from(rows).unwrap_or(usize::MAX));
                let end = piece.ends.last().map_or(0, |end| *end as usize);
                piece.bytes.truncate(end);
            }
            rows -= piece.ends.len() as u64;
            if !piece.bytes.is_empty() {
                hand_over(piece)?;
            }
        }
        Ok(())
    }

    /// Everything, or an error where there is damage.
    pub fn as_it_is(&self, mut each: impl FnMut(Bytes) -> Result<()>) -> Result<()> {
        let mut block = self.block()?;
        while let Some(piece) = block.next_piece()? {
            each(piece)?;
        }
        Ok(())
    }

    /// Statements up to the damage.
    pub fn pieces(&self, mut each: impl FnMut(Bytes) -> Result<()>) -> Result<()> {
        self.losses.begin(&label(self.record));
        let mut block = self.block()?;
        loop {
            match block.next_piece() {
                Ok(Some(piece)) => each(piece)?,
                Ok(None) => return Ok(()),
                Err(error) => return self.lose_rest(&block, error, "the statements that follow are lost"),
            }
        }
    }

    /// Large objects that are whole; the others stay empty.
    pub fn objects(&self, wanted: &[u32], hand_over: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        self.losses.begin(&label(self.record));
        let wanted: HashSet<u32> = wanted.iter().copied().collect();
        let whole = match self.block() {
            Ok(block) => self.whole_objects(block, &wanted)?,
            Err(error) if error.kind() == ErrorKind::Malformed => {
                let what = format!("all large objects are lost, and stay empty: {}", words(&error));
                self.losses.add(Loss { subject: label(self.record), bytes: None, rows: None, what });
                HashSet::new()
            }
            Err(error) => return Err(error),
        };
        let (mut left, mut block) = (whole.clone(), None);
        if !left.is_empty() {
            block = Some(self.block()?);
        }
        while let Some(block) = &mut block
            && !left.is_empty()
            && let Some(oid) = block.next_object()?
        {
            if !left.remove(&oid) {
                continue;
            }
            hand_over_object(block, oid, hand_over)?;
        }
        for oid in wanted.difference(&whole).copied() {
            hand_over(Chunk { oid, offset: 0, bytes: Bytes::new(), last: true })?;
        }
        Ok(())
    }

    /// Those that can be read to their ends.
    fn whole_objects(&self, mut block: Packed<'_>, wanted: &HashSet<u32>) -> Result<HashSet<u32>> {
        let (mut whole, mut told) = (HashSet::new(), 0);
        loop {
            let oid = match block.next_object() {
                Ok(Some(oid)) => oid,
                Ok(None) => break,
                Err(error) => {
                    self.lose_rest(&block, error, "the large objects that follow are lost")?;
                    break;
                }
            };
            let read = loop {
                match block.next_piece() {
                    Ok(Some(_)) => {}
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            match read {
                Ok(()) => drop(whole.insert(oid)),
                Err(error) => {
                    self.lose_rest(&block, error, &format!("large object {oid} is lost, and stays empty"))?;
                    told += usize::from(wanted.contains(&oid));
                }
            }
        }
        whole.retain(|oid| wanted.contains(oid));
        let missing = wanted.len().saturating_sub(whole.len() + told);
        if missing > 0 {
            let at = block.begins_at();
            let what = format!("{missing} large objects are lost, and stay empty");
            self.lose(Lost { bytes: at..block.position(), rows: None, what });
        }
        Ok(whole)
    }
}
