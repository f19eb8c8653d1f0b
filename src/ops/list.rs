//! What is in an archive: the list that `pg_restore -l` prints, with sizes where they are known.

use std::collections::HashMap;

use super::input::Archive;
use super::{Input, Wanted};
use crate::archive::header::Header;
use crate::archive::listing::{self, Stored};
use crate::archive::manifest::{Block, Manifest};
use crate::archive::toc::Record;
use crate::error::Result;
use crate::event::{Finding, Severity};

/// The command `list`.
#[derive(Clone, Debug)]
pub struct List {
    /// The archive.
    pub archive: Input,
    /// What of it is listed. The database itself never is.
    pub wanted: Wanted,
}

/// What is in an archive.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// The list as `pg_restore -l` prints it; names are bytes in the encoding of the database.
    pub text: Vec<u8>,
    /// The version of the format.
    pub version: String,
    /// How its blocks are compressed.
    pub compression: &'static str,
    /// When it was made, by the clock of whoever made it.
    pub created: String,
    /// The database.
    pub database: String,
    /// The version of the server.
    pub server_version: String,
    /// What has written the archive.
    pub writer_version: String,
    /// What is listed.
    pub entries: Vec<ListedEntry>,
    /// What is worth telling about the selection.
    pub findings: Vec<Finding>,
}

/// One entry of an archive. What is not UTF-8 in names is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListedEntry {
    /// Its number.
    pub id: i64,
    /// What it makes.
    pub kind: String,
    /// The schema.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
    /// The owner.
    pub owner: Option<String>,
    /// Whether the archive holds data for it.
    pub has_data: bool,
    /// How many rows or large objects that are, if it is known.
    pub rows: Option<u64>,
    /// How large they are for a server, in bytes, if it is known.
    pub bytes: Option<u64>,
    /// How large they are in the archive, in bytes, if it is known.
    pub stored_bytes: Option<u64>,
}

impl List {
    /// Reads header and table of contents; data is not looked at.
    ///
    /// # Errors
    /// * If it cannot be opened or read, or is no archive.
    pub fn run(&self) -> Result<Listed> {
        let archive = self.archive.archive()?;
        let (header, records) = (archive.header(), archive.records());
        let picked = self.wanted.pick(header, records)?;
        let wanted: Vec<&Record> =
            picked.records.iter().copied().filter(|record| !listing::is_setting(record)).collect();
        let (manifest, damaged) = match &archive {
            Archive::File(archive) => told(archive.manifest()),
            // It comes last.
            Archive::Stream(_) => (None, None),
        };
        let sizes = sizes(&manifest.unwrap_or_default());
        let stored = |record: &Record| sizes.get(&record.id).copied();
        let text = listing::write(header, records.len(), &wanted, stored);
        let entries = wanted.into_iter().map(|record| entry(record, stored(record))).collect();
        let findings =
            damaged.into_iter().chain(picked.into_findings("the database that it is restored into")).collect();
        Ok(Listed { findings, ..listed(header, text, entries) })
    }
}

/// What the archive says about itself; where that is damaged the list is all there is, and that is told.
fn told(manifest: Result<Option<Manifest>>) -> (Option<Manifest>, Option<Finding>) {
    match manifest {
        Ok(manifest) => (manifest, None),
        Err(error) => (
            None,
            Some(Finding {
                severity: Severity::Warning,
                subject: "the archive's manifest".to_owned(),
                text: format!("it is damaged, so that sizes are not known: {error}"),
                remedy: error.hint().map(str::to_owned),
            }),
        ),
    }
}

/// How large the data of each record is.
fn sizes(manifest: &Manifest) -> HashMap<i64, Stored> {
    let stored = |block: &Block| Stored { rows: block.rows, size: block.content(), stored: block.length };
    manifest.blocks.iter().map(|block| (i64::from(block.id), stored(block))).collect()
}

/// What the header says.
fn listed(header: &Header, text: Vec<u8>, entries: Vec<ListedEntry>) -> Listed {
    Listed {
        text,
        version: header.version.to_string(),
        compression: listing::compression_name(header.compression),
        created: listing::created(header),
        database: lossy(&header.database),
        server_version: lossy(&header.server),
        writer_version: lossy(&header.writer),
        entries,
        findings: Vec::new(),
    }
}

fn entry(record: &Record, known: Option<Stored>) -> ListedEntry {
    ListedEntry {
        id: record.id,
        kind: lossy(&record.desc),
        schema: record.namespace.as_deref().map(lossy),
        name: lossy(&record.tag),
        owner: record.owner.as_deref().filter(|owner| !owner.is_empty()).map(lossy),
        has_data: record.has_block,
        rows: known.map(|known| known.rows),
        bytes: known.and_then(|known| known.size),
        stored_bytes: known.map(|known| known.stored),
    }
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
