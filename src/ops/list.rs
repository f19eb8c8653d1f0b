//! What is in an archive: the list that `pg_restore -l` prints, with sizes where they are known.

use std::collections::HashMap;

use super::Input;
use crate::archive::header::Header;
use crate::archive::listing::{self, Stored};
use crate::archive::manifest::Block;
use crate::archive::read::FileArchive;
use crate::archive::toc::Record;
use crate::error::Result;

/// The command `list`.
#[derive(Clone, Debug)]
pub struct List {
    /// The archive.
    pub archive: Input,
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
    /// Why sizes are not known although the archive should tell them: it is damaged.
    pub damage: Option<String>,
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
        let (header, records) = self.archive.contents()?;
        let (sizes, damage) = match self.sizes() {
            Ok(sizes) => (sizes, None),
            Err(error) => (Sizes::new(), Some(error.to_string())),
        };
        let text = listing::write(&header, &records, |_| true, |record| sizes.get(&record.id).copied());
        let entries = listing::listed(&records).map(|record| entry(record, sizes.get(&record.id))).collect();
        Ok(Listed { damage, ..listed(&header, text, entries) })
    }

    /// What a manifest tells of data. Stock archives have none, and it cannot be read before what precedes it.
    fn sizes(&self) -> Result<Sizes> {
        let Input::File(path) = &self.archive else { return Ok(Sizes::new()) };
        if !path.is_file() {
            return Ok(Sizes::new());
        }
        let manifest = FileArchive::open(path)?.manifest()?.unwrap_or_default();
        let stored = |block: &Block| Stored { rows: block.rows, size: block.content(), stored: block.length };
        Ok(manifest.blocks.iter().map(|block| (i64::from(block.id), stored(block))).collect())
    }
}

/// How large data are, by the numbers of their records.
type Sizes = HashMap<i64, Stored>;

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
        damage: None,
    }
}

fn entry(record: &Record, known: Option<&Stored>) -> ListedEntry {
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
