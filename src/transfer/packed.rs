//! An archive, as where a lane takes data from.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::blocks::Blocks;
use super::digest::Digest;
use super::large_object::{ObjectSource, copy_objects};
use super::pipe::{Copied, DigestMode, RowSource, copy_rows, digest_table};
use super::run::Checked;
use super::salvage::Loss;
use super::sink::copy_in;
use super::source::{copy_out, count};
use super::unpack::{UnpackedObjects, UnpackedRows, UnpackedStatements};
use crate::archive::entries::{Block, Form};
use crate::archive::manifest::Manifest;
use crate::archive::read::label;
use crate::archive::toc::Record;
use crate::archive::verify::words;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Tally;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Data, Entry, EntryId, Part, RowForm, Rows, Toc};
use crate::wire::session::Session;

/// An archive and the blocks in it, by the entries whose data they hold.
#[derive(Clone, Debug)]
pub struct Packed {
    archive: Blocks,
    blocks: HashMap<EntryId, Block>,
    /// The places of records, by their numbers.
    records: HashMap<i64, usize>,
    /// Its encoding.
    encoding: String,
    /// Whether backslashes escape in all strings of its statements.
    backslashes: bool,
    /// Whether its server wrote floating-point numbers with other digits than servers of today.
    long_floats: bool,
    /// Entries whose rows are read back with their columns in another order.
    mixed: HashSet<EntryId>,
    /// The columns of tables that need not come back to the letter, where that has to be known before the rows are read.
    inexact: HashMap<QualName, BTreeSet<String>>,
    /// The digests of rows without these columns.
    parts: Arc<Mutex<HashMap<EntryId, Digest>>>,
}

/// Data on their way out of the archive.
pub(super) enum Unpacked {
    Rows(Box<UnpackedRows>),
    Statements(UnpackedStatements),
    Objects(UnpackedObjects),
}

impl Packed {
    /// The blocks of an archive. `major` is that of the server that it is from, where it is known.
    pub fn new(
        archive: Blocks,
        toc: &Toc,
        blocks: HashMap<EntryId, Block>,
        encoding: &str,
        backslashes: bool,
        major: Option<u32>,
    ) -> Self {
        let records = archive.records().iter().enumerate().map(|(place, record)| (record.id, place)).collect();
        let long_floats = major.is_none_or(|major| major < 12);
        Self {
            archive,
            blocks,
            records,
            encoding: encoding.to_owned(),
            backslashes,
            long_floats,
            mixed: Self::mixed(toc),
            inexact: HashMap::new(),
            parts: Arc::default(),
        }
    }

    /// Looks again at what it is restored into.
    pub fn look_at(&mut self, toc: &Toc) {
        self.mixed = Self::mixed(toc);
    }

    /// Says which columns need not come back to the letter: a stream cannot be read once more without them.
    pub fn expect_inexact(&mut self, columns: HashMap<QualName, BTreeSet<String>>) {
        self.inexact = columns;
    }

    /// The encoding of its rows.
    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// Whether the digest of rows that were read back is that of the rows in the archive, if nothing got lost.
    pub fn is_comparable(&self, entry: EntryId, rows: &Rows) -> bool {
        let is_rounded = rows.form == RowForm::Text && rows.floats && self.long_floats;
        self.holds_rows(entry) && !is_rounded && !self.mixed.contains(&entry)
    }

    /// Whether it holds rows as servers send them, so that they are digested as they come; statements are not.
    pub fn holds_rows(&self, entry: EntryId) -> bool {
        self.blocks.get(&entry).is_some_and(|block| matches!(block.form, Form::Text | Form::Binary))
    }

    /// Finds the rows that go through a partitioned table whose partitions have their columns in different orders: where they
    /// come to lie they are read back in another order.
    fn mixed(toc: &Toc) -> HashSet<EntryId> {
        let mut through: HashMap<&QualName, Vec<(EntryId, &[Ident])>> = HashMap::new();
        for entry in toc.entries() {
            if let Some(Data::Rows(rows)) = &entry.data
                && let Some(root) = &rows.into
            {
                through.entry(root).or_default().push((entry.id, &rows.columns));
            }
        }
        let mixed = through.into_values().filter(|all| all.windows(2).any(|pair| pair[0].1 != pair[1].1));
        mixed.flatten().map(|(id, _)| id).collect()
    }

    /// The archive.
    pub fn archive(&self) -> Blocks {
        self.archive.clone()
    }

    /// Entries with data, in the sequence in which a stream brings them.
    pub fn in_turn(&self) -> Vec<EntryId> {
        let mut entries: Vec<_> =
            self.blocks.iter().map(|(id, block)| (self.records.get(&block.record), *id)).collect();
        entries.sort_unstable();
        entries.into_iter().map(|(_, id)| id).collect()
    }

    /// What an archive that comes as a stream says about itself at its end, which is read up to there.
    ///
    /// # Errors
    ///
    /// `Malformed`, `Io` for what is wrong after the data that were read.
    pub async fn end(&self) -> Result<Option<Manifest>> {
        match &self.archive {
            Blocks::File(_) | Blocks::Salvaged(..) => Ok(None),
            Blocks::Stream(stream) => stream.end().await,
        }
    }

    /// Whether floating-point numbers in it have other digits than servers of today write.
    pub fn has_long_floats(&self) -> bool {
        self.long_floats
    }

    /// The number of the record that holds an entry's data.
    pub fn record_of(&self, entry: EntryId) -> Option<i64> {
        self.blocks.get(&entry).map(|block| block.record)
    }

    /// Compares the rows of an entry, in the archive and in the new database, without some columns.
    ///
    /// # Errors
    ///
    /// What the server says, or why the archive cannot be read.
    pub async fn compare_without(
        &self,
        entry: EntryId,
        rows: &Rows,
        without: &BTreeSet<String>,
        session: &Session,
    ) -> Result<Checked> {
        let kept = kept(rows, without);
        let columns = rows.columns.iter().zip(&kept).filter(|(_, kept)| **kept);
        let columns: Vec<Ident> = columns.map(|(column, _)| column.clone()).collect();
        let (_, record) = self.block(entry)?;
        let sent = match &self.archive {
            Blocks::File(_) | Blocks::Salvaged(..) => {
                let mut from = UnpackedRows::start(&self.archive, record, RowForm::Text, Some(kept));
                while from.next().await?.is_some() {}
                from.part()
            }
            Blocks::Stream(_) => self.parts.lock().unwrap_or_else(PoisonError::into_inner).get(&entry).copied(),
        };
        let sent = sent.ok_or_else(|| Error::malformed("rows were not digested without some of their columns"))?;
        let rows = Rows { columns, ..rows.clone() };
        if rows.columns.is_empty() {
            let there: i64 = session.row(&count(&rows)).await?.get("rows")?;
            let of = |rows: u64| Digest { rows, sum: 0 };
            return Ok(Checked { old: of(sent.rows), new: of(there.unsigned_abs()) });
        }
        let out = copy_out(&rows, &self.encoding);
        let there = digest_table(session, &out, &Tally::default(), &CancellationToken::new()).await?;
        Ok(Checked { old: sent, new: there.digest })
    }

    fn block(&self, entry: EntryId) -> Result<(&Block, &Record)> {
        let block = self.blocks.get(&entry);
        let record = block.and_then(|block| self.archive.records().get(*self.records.get(&block.record)?));
        block.zip(record).ok_or_else(|| Error::malformed("an entry with data has no block"))
    }

    /// Begins to read the data of an entry.
    pub(super) fn open(&self, entry: EntryId, data: &Data, digests: DigestMode) -> Result<Unpacked> {
        let (block, record) = self.block(entry)?;
        Ok(match (data, block.form) {
            (Data::LargeObjects(oids), _) => Unpacked::Objects(UnpackedObjects::start(&self.archive, record, oids)),
            (Data::Rows(_), Form::Statements) => {
                Unpacked::Statements(UnpackedStatements::start(&self.archive, record, self.backslashes))
            }
            (Data::Rows(rows), form) => {
                let inexact =
                    self.inexact.get(&rows.table).filter(|_| digests == DigestMode::Rows && form == Form::Text);
                let part = inexact.map(|columns| kept(rows, columns));
                Unpacked::Rows(Box::new(UnpackedRows::start(&self.archive, record, rows.form, part)))
            }
        })
    }

    /// Begins to read a part of the rows of an entry.
    pub(super) fn open_part(&self, entry: EntryId, part: Part, form: RowForm) -> Result<Unpacked> {
        match (&self.archive, self.block(entry)?.1) {
            (Blocks::File(archive), record) => {
                Ok(Unpacked::Rows(Box::new(UnpackedRows::start_part(archive, record, part, form))))
            }
            _ => Err(Error::malformed("only a file that is whole is read in parts; this is a bug")),
        }
    }

    /// In how many frames the rows of an entry are, that can be told apart.
    pub fn frame_count(&self, entry: EntryId) -> u32 {
        match (&self.archive, self.blocks.get(&entry)) {
            (Blocks::File(archive), Some(block)) if self.holds_rows(entry) => archive.frame_count(block.record),
            _ => 0,
        }
    }

    /// Begins once more to read what was read in part.
    pub(super) fn reopen(
        &self,
        entry: EntryId,
        data: &Data,
        digests: DigestMode,
        mut begun: Unpacked,
    ) -> Result<Unpacked> {
        if !matches!(self.archive, Blocks::Stream(_)) {
            return self.open(entry, data, digests);
        }
        let is_there = match &mut begun {
            Unpacked::Rows(rows) => rows.rewind(),
            Unpacked::Statements(statements) => statements.rewind(),
            Unpacked::Objects(objects) => objects.rewind(),
        };
        match is_there {
            true => Ok(begun),
            false => Err(Error::malformed("rows have to be read once more, and a stream cannot be gone back in")
                .with_hint("Give the archive as a file.")),
        }
    }

    /// Takes an error with an entry for a loss, where what is whole is to be had of an archive that is damaged.
    pub(super) fn lose(&self, entry: &Entry, error: Error) -> Result<()> {
        let Blocks::Salvaged(_, losses) = &self.archive else { return Err(error) };
        // Large objects are there in any case, empty or not: what is wrong with them has been taken for a loss already.
        let is_large = matches!(entry.data, Some(Data::LargeObjects(_)));
        if is_large || !matches!(error.kind(), ErrorKind::Server | ErrorKind::Malformed) {
            return Err(error);
        }
        let (subject, what) = match self.block(entry.id) {
            Ok((_, record)) => (label(record), "nothing of it could be restored"),
            Err(_) => (entry.label(), "it could not be made"),
        };
        losses.add(Loss { subject, bytes: None, rows: None, what: format!("{what}: {}", words(&error)) });
        Ok(())
    }

    /// Passes over the data of an entry.
    pub(super) fn pass_over(&self, entry: EntryId) -> Result<()> {
        if let Blocks::Stream(stream) = &self.archive {
            // What is wrong before it is told to whoever takes the next block, or asks for the end.
            stream.pass_over(self.block(entry)?.1.id);
        }
        Ok(())
    }

    /// Copies the data of an entry to the new server. `first` is run before.
    pub(super) async fn copy(
        &self,
        (entry, data): (EntryId, &Data),
        from: &mut Unpacked,
        sink: &Session,
        first: Option<&Sql>,
        digests: DigestMode,
        (tally, cancel): (&Tally, &CancellationToken),
    ) -> Result<Copied> {
        let (block, _) = self.block(entry)?;
        match (from, data) {
            (Unpacked::Objects(objects), Data::LargeObjects(oids)) => {
                copy_objects(ObjectSource::Archive(objects), sink, oids.len(), None, tally, digests, cancel).await
            }
            (Unpacked::Statements(statements), _) => {
                let before: Vec<&Sql> = block.path.iter().chain(first).collect();
                insert(statements, sink, &before, tally, cancel).await
            }
            (Unpacked::Rows(unpacked), Data::Rows(rows)) => {
                let into = copy_in(rows, &self.encoding);
                let into = join(first.cloned().into_iter().chain([into]), ";\n");
                let copied = copy_rows(RowSource::Archive(unpacked), sink, &into, None, tally, digests, cancel).await?;
                if let Some(part) = unpacked.part() {
                    self.parts.lock().unwrap_or_else(PoisonError::into_inner).insert(entry, part);
                }
                Ok(copied)
            }
            _ => Err(Error::malformed("a block holds something else than its entry")),
        }
    }
}

/// Which columns of rows count without some of them.
fn kept(rows: &Rows, without: &BTreeSet<String>) -> Vec<bool> {
    rows.columns.iter().map(|column| !without.contains(column.as_str())).collect()
}

/// Runs statements that insert rows, in one transaction, and counts these.
async fn insert(
    from: &mut UnpackedStatements,
    sink: &Session,
    before: &[&Sql],
    tally: &Tally,
    cancel: &CancellationToken,
) -> Result<Copied> {
    sink.run(&Sql::constant("BEGIN")).await?;
    let done = async {
        if !before.is_empty() {
            sink.run(&join(before, ";\n")).await?;
        }
        let mut copied = Copied::default();
        while let Some(batch) = from.next().await? {
            let bytes = batch.len() as u64;
            let rows = sink.run_counting(&Sql::archived(batch)).await?;
            copied.bytes += bytes;
            copied.rows += rows;
            tally.add(bytes, rows);
        }
        sink.run(&Sql::constant("COMMIT")).await?;
        Ok(copied)
    };
    let done = tokio::select! {
        biased;
        done = done => done,
        () = cancel.cancelled() => {
            if let Err(error) = sink.cancel().await {
                tracing::warn!(%error, "cannot cancel statements that insert rows");
            }
            Err(Error::cancelled())
        }
    };
    if done.is_err() {
        // Should that fail too, the connection is lost, and the server rolls back by itself.
        let _ = sink.run(&Sql::constant("ROLLBACK")).await;
    }
    done
}
