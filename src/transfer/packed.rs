//! An archive, as where a lane takes data from.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use xxhash_rust::xxh3::Xxh3;

use super::digest::Digest;
use super::large_object::{ObjectSource, copy_objects};
use super::pipe::{Copied, DigestMode, RowSource, copy_rows, digest_table};
use super::run::Checked;
use super::sink::copy_in;
use super::source::{copy_out, count};
use super::unpack::{UnpackedObjects, UnpackedRows, UnpackedStatements};
use crate::archive::entries::{Block, Form};
use crate::archive::read::FileArchive;
use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::event::Tally;
use crate::sql::{Ident, QualName, Sql, join};
use crate::toc::{Data, EntryId, Rows, Toc};
use crate::wire::session::Session;

/// An archive and the blocks in it, by the entries whose data they hold.
#[derive(Clone, Debug)]
pub struct Packed {
    archive: Arc<FileArchive>,
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
}

impl Packed {
    /// The blocks of an archive. `major` is that of the server that it is from, where it is known.
    pub fn new(
        archive: Arc<FileArchive>,
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
        }
    }

    /// Looks again at what it is restored into.
    pub fn look_at(&mut self, toc: &Toc) {
        self.mixed = Self::mixed(toc);
    }

    /// The encoding of its rows.
    pub fn encoding(&self) -> &str {
        &self.encoding
    }

    /// Whether the digest of rows that were read back is that of the rows in the archive, if nothing got lost.
    pub fn is_comparable(&self, entry: EntryId, rows: &Rows) -> bool {
        self.is_text(entry) && !(rows.floats && self.long_floats) && !self.mixed.contains(&entry)
    }

    /// Whether its rows are in text form, so that they are digested as they come.
    pub fn is_text(&self, entry: EntryId) -> bool {
        self.blocks.get(&entry).is_some_and(|block| block.form == Form::Text)
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
    pub fn archive(&self) -> Arc<FileArchive> {
        Arc::clone(&self.archive)
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
        let kept: Vec<bool> = rows.columns.iter().map(|column| !without.contains(column.as_str())).collect();
        let columns = rows.columns.iter().zip(&kept).filter(|(_, kept)| **kept);
        let columns: Vec<Ident> = columns.map(|(column, _)| column.clone()).collect();
        let (_, record) = self.block(entry)?;
        let mut sent = Columns::new(&kept);
        let mut from = UnpackedRows::start(&self.archive, record, true);
        while let Some(block) = from.next().await? {
            sent.add(&block.bytes);
        }
        let rows = Rows { columns, ..rows.clone() };
        if rows.columns.is_empty() {
            let there: i64 = session.row(&count(&rows)).await?.get("rows")?;
            let of = |rows: u64| Digest { rows, sum: 0 };
            return Ok(Checked { old: of(sent.digest.rows), new: of(there.unsigned_abs()) });
        }
        let out = copy_out(&rows, &self.encoding);
        let there = digest_table(session, &out, &Tally::default(), &CancellationToken::new()).await?;
        Ok(Checked { old: sent.digest, new: there.digest })
    }

    fn block(&self, entry: EntryId) -> Result<(&Block, &Record)> {
        let block = self.blocks.get(&entry);
        let record = block.and_then(|block| self.archive.records().get(*self.records.get(&block.record)?));
        block.zip(record).ok_or_else(|| Error::malformed("an entry with data has no block"))
    }

    /// Copies the data of an entry to the new server. `first` is run before.
    pub(super) async fn copy(
        &self,
        entry: EntryId,
        data: &Data,
        sink: &Session,
        first: Option<&Sql>,
        digests: DigestMode,
        (tally, cancel): (&Tally, &CancellationToken),
    ) -> Result<Copied> {
        let (block, record) = self.block(entry)?;
        match (data, block.form) {
            (Data::LargeObjects(oids), _) => {
                let from = ObjectSource::Archive(UnpackedObjects::start(&self.archive, record, oids));
                copy_objects(from, sink, oids.len(), None, tally, digests, cancel).await
            }
            (Data::Rows(_), Form::Statements) => {
                let from = UnpackedStatements::start(&self.archive, record, self.backslashes);
                let before: Vec<&Sql> = block.path.iter().chain(first).collect();
                insert(from, sink, &before, tally, cancel).await
            }
            (Data::Rows(rows), form) => {
                let text = form == Form::Text;
                let into = copy_in(rows, &self.encoding, text);
                let into = join(first.cloned().into_iter().chain([into]), ";\n");
                let digests = if text { digests } else { DigestMode::None };
                let from = RowSource::Archive(UnpackedRows::start(&self.archive, record, text));
                copy_rows(from, sink, &into, None, tally, digests, cancel).await
            }
        }
    }
}

/// Digests rows in text form without some of their columns.
struct Columns<'a> {
    kept: &'a [bool],
    /// The field that the next byte belongs to, and whether one before it in this row was kept.
    field: usize,
    begun: bool,
    row: Xxh3,
    digest: Digest,
}

impl<'a> Columns<'a> {
    fn new(kept: &'a [bool]) -> Self {
        Self { kept, field: 0, begun: false, row: Xxh3::new(), digest: Digest::default() }
    }

    fn add(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr2(b'\t', b'\n', bytes) {
            let (field, rest) = bytes.split_at(end);
            self.part(field);
            let is_row = rest.first() == Some(&b'\n');
            bytes = rest.get(1..).unwrap_or_default();
            self.begun |= self.kept.get(self.field) == Some(&true);
            self.field += 1;
            if is_row {
                self.row.update(b"\n");
                self.digest.add(self.row.digest128());
                self.row.reset();
                (self.field, self.begun) = (0, false);
            } else if self.begun && self.kept.get(self.field) == Some(&true) {
                self.row.update(b"\t");
            }
        }
        self.part(bytes);
    }

    fn part(&mut self, bytes: &[u8]) {
        if self.kept.get(self.field) == Some(&true) {
            self.row.update(bytes);
        }
    }
}

/// Runs statements that insert rows, in one transaction, and counts these.
async fn insert(
    mut from: UnpackedStatements,
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

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_128;

    use super::*;

    #[test]
    fn rows_without_some_columns() {
        let text = b"1\ta\tx\n2\t\t\\N\n";
        for (kept, rows) in [
            ([true, false, true], [&b"1\tx\n"[..], b"2\t\\N\n"]),
            ([false, true, true], [b"a\tx\n", b"\t\\N\n"]),
            ([true, true, true], [b"1\ta\tx\n", b"2\t\t\\N\n"]),
            ([false, false, true], [b"x\n", b"\\N\n"]),
        ] {
            let mut expected = Digest::default();
            rows.iter().for_each(|row| expected.add(xxh3_128(row)));
            for length in 1..=text.len() {
                let mut columns = Columns::new(&kept);
                text.chunks(length).for_each(|piece| columns.add(piece));
                assert_eq!(columns.digest, expected, "{kept:?} in pieces of {length}");
            }
        }
    }
}
