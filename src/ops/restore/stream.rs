//! What is different where an archive comes as a stream: data come in its sequence, once.

use std::collections::HashMap;
use std::sync::Arc;

use super::Ready;
use crate::archive::entries::{Block, Contents};
use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::plan::schedule::Schedule;
use crate::toc::EntryId;
use crate::transfer::{Blocks, Stream};

impl Ready {
    /// The stream, if the archive comes as one.
    pub(super) fn stream(&self) -> Option<Arc<Stream>> {
        match self.packed.archive() {
            Blocks::Stream(stream) => Some(stream),
            Blocks::File(_) | Blocks::Salvaged(..) => None,
        }
    }

    /// Lets the stream bring what is wanted, and tasks wait for their turns in it.
    pub(super) fn in_turn(&self, stream: &Stream, schedule: Schedule) -> Schedule {
        let turns = self.packed.in_turn();
        stream.begin(turns.iter().filter_map(|id| self.packed.record_of(*id)));
        schedule.in_turn(&turns)
    }
}

/// Puts records with data into the sequence of the archive, whatever a list says: other records keep their places.
pub(super) fn in_turn(chosen: &mut [&Record], all: &[Record]) {
    let places: HashMap<i64, usize> = all.iter().enumerate().map(|(place, record)| (record.id, place)).collect();
    let mut with_data: Vec<&Record> = chosen.iter().copied().filter(|record| record.has_block).collect();
    with_data.sort_by_key(|record| places.get(&record.id));
    let slots = chosen.iter_mut().filter(|record| record.has_block);
    slots.zip(with_data).for_each(|(slot, record)| *slot = record);
}

/// Looks whether rows that have to come after others do so in the sequence of the archive.
///
/// # Errors
/// * `Refused` where they come before.
pub(super) fn insist_on_turns(contents: &Contents, all: &[Record]) -> Result<()> {
    let by_id: HashMap<i64, usize> = all.iter().enumerate().map(|(place, record)| (record.id, place)).collect();
    let place = |(id, block): (&EntryId, &Block)| Some((*id, *by_id.get(&block.record)?));
    let places: HashMap<EntryId, usize> = contents.blocks.iter().filter_map(place).collect();
    for entry in contents.toc.entries() {
        let Some(place) = places.get(&entry.id) else { continue };
        let later = entry.needs.iter().find(|need| places.get(need).is_some_and(|needed| needed > place));
        if let Some(other) = later.and_then(|id| contents.toc.get(*id)) {
            let what =
                format!("its rows have to come after those of {}, and do not do so in this archive", other.name());
            return Err(Error::refused(what)
                .about(entry.label())
                .with_hint("A stream cannot be gone back in. Give the archive as a file."));
        }
    }
    Ok(())
}
