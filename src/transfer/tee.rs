//! An archive that takes what crosses from an old server to a new one: the old one is read once.

use std::collections::HashMap;

use super::archivist::Desk;
use super::framer::RowFramer;
use super::object_framer::ObjectFramer;
use crate::error::{Error, Result};
use crate::sql::{Ident, QualName};
use crate::toc::{Data, Entry, EntryId, RowForm, Toc};

/// An archive beside the new server. Its entries are those of the old server, in its words: which of them an entry that
/// crosses is, is told by its data.
pub struct Tee {
    desk: Desk,
    archived: HashMap<EntryId, EntryId>,
}

/// What data is the same on both ways.
#[derive(PartialEq, Eq, Hash)]
enum Same<'a> {
    Rows(&'a QualName, &'a [Ident]),
    LargeObjects(&'a [u32]),
}

impl<'a> Same<'a> {
    fn of(data: &'a Data) -> Self {
        match data {
            Data::Rows(rows) => Self::Rows(&rows.table, &rows.columns),
            Data::LargeObjects(oids) => Self::LargeObjects(oids),
        }
    }
}

impl Tee {
    /// `crossing` are the entries on their way to the new server, `archived` those of the archive behind the desk.
    ///
    /// # Errors
    ///
    /// If the archive holds data that does not cross.
    pub fn new(desk: Desk, crossing: &Toc, archived: &Toc) -> Result<Self> {
        let found: HashMap<Same<'_>, EntryId> =
            with_data(crossing).map(|(entry, data)| (Same::of(data), entry.id)).collect();
        let mut pairs = HashMap::new();
        for (entry, data) in with_data(archived) {
            let crossing = found.get(&Same::of(data)).ok_or_else(|| {
                Error::malformed("the archive is to hold data that does not cross; this is a bug").about(entry.label())
            })?;
            pairs.insert(*crossing, entry.id);
        }
        Ok(Self { desk, archived: pairs })
    }

    /// Begins to take the rows of an entry, in text form.
    pub(super) fn rows(&self, entry: EntryId) -> Result<RowFramer> {
        RowFramer::new(&self.desk, self.archived(entry)?, RowForm::Text)
    }

    /// Begins to take large objects.
    pub(super) fn large_objects(&self, entry: EntryId) -> Result<ObjectFramer> {
        ObjectFramer::new(&self.desk, self.archived(entry)?)
    }

    /// Takes back what was taken of an entry that has another turn.
    pub(super) fn abandon(&self, entry: EntryId) -> Result<()> {
        self.desk.abandon(self.archived(entry)?)
    }

    fn archived(&self, entry: EntryId) -> Result<EntryId> {
        let found = self.archived.get(&entry).copied();
        found.ok_or_else(|| Error::malformed("data crosses that the archive does not know; this is a bug"))
    }
}

fn with_data(toc: &Toc) -> impl Iterator<Item = (&Entry, &Data)> {
    toc.entries().iter().filter_map(|entry| Some((entry, entry.data.as_ref()?)))
}
