//! An archive as a script that `psql` runs.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::input::Archive;
use super::{Input, Tablespaces, Wanted};
use crate::archive::header::Header;
use crate::archive::listing::is_setting;
use crate::archive::read::{Block, FileArchive, StreamArchive};
use crate::archive::script::{Pass, Script as Text, Without};
use crate::archive::settings::Settings;
use crate::archive::toc::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Severity};

/// How much is collected for one write, in bytes.
const BUFFER_BYTES: usize = 256 << 10;

/// The command `script`.
#[derive(Clone, Debug)]
pub struct Script {
    /// The archive.
    pub archive: Input,
    /// What of it is wanted.
    pub wanted: Wanted,
    /// Whether what lies in a tablespace of its own does so again.
    pub tablespaces: Tablespaces,
    /// The file; without it the script goes where the caller says.
    pub file: Option<PathBuf>,
    /// Whether a file that is there may be replaced, once the new one is whole.
    pub overwrite: bool,
}

impl Script {
    /// Writes the script: into its file, which appears under its name when it is whole, or to `out`. Rows and large objects
    /// pass through in pieces. Returns what is worth telling.
    ///
    /// # Errors
    /// * If the archive cannot be read, is damaged, or holds what no script can.
    /// * `Refused` if the file is there; `Io` if it cannot be written.
    pub fn run(&self, out: impl Write) -> Result<Vec<Finding>> {
        let archive = self.archive.archive()?;
        let Some(path) = &self.file else {
            return Ok(self.write(archive, BufWriter::with_capacity(BUFFER_BYTES, out))?.1);
        };
        let draft = Draft::new(path, self.overwrite)?;
        let (draft, findings) = self.write(archive, draft)?;
        draft.publish()?;
        Ok(findings)
    }

    fn write<W: Write>(&self, archive: Archive, out: W) -> Result<(W, Vec<Finding>)> {
        match archive {
            Archive::File(archive) => self.entries(archive.header(), archive.records(), &mut &*archive, out),
            Archive::Stream(archive) => {
                let (header, records) = (archive.header().clone(), archive.records().to_vec());
                self.entries(&header, &records, &mut InOrder { archive, waiting: HashSet::new() }, out)
            }
        }
    }

    fn entries<W: Write>(
        &self,
        header: &Header,
        records: &[Record],
        blocks: &mut impl Blocks,
        out: W,
    ) -> Result<(W, Vec<Finding>)> {
        let picked = self.wanted.pick(header, records)?;
        let by_id: HashMap<i64, &Record> = records.iter().map(|record| (record.id, record)).collect();
        let without =
            Without { owners: self.wanted.selection.no_owner, tablespaces: self.tablespaces == Tablespaces::Default };
        let mut random = [0; 64];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(ErrorKind::Io, "the system gives no random numbers").with_source(error))?;
        let mut script = Text::begin(out, header, Settings::of(records)?, without, random)?;
        let mut turns: Vec<&Record> = picked.records.iter().copied().filter(|record| !is_setting(record)).collect();
        turns.sort_by_key(|record| Pass::of(record));
        blocks.expect(turns.iter().filter(|record| record.has_block).map(|record| record.id));
        for record in &turns {
            let done = script.entry(record, |id| by_id.get(&id).copied());
            done.and_then(|()| match record.has_block {
                true => blocks.with(record, &mut |block| script.data(record, block)),
                false => Ok(()),
            })
            .map_err(|error| error.about(super::pick::label(record)))?;
        }
        let mut findings: Vec<Finding> = turns.into_iter().filter_map(warning).collect();
        findings.extend(picked.into_findings("the database in which the script is run"));
        Ok((script.end()?, findings))
    }
}

/// What whoever has made the archive wanted to be told to whoever restores it.
fn warning(record: &Record) -> Option<Finding> {
    let text = record.definition.as_deref().filter(|_| record.desc == b"WARNING")?;
    let text = String::from_utf8_lossy(text);
    Some(Finding {
        severity: Severity::Warning,
        subject: "the archive says".to_owned(),
        text: text.trim_start_matches('-').trim().to_owned(),
        remedy: None,
    })
}

/// Where the blocks of records come from.
trait Blocks {
    /// Says which ones will be asked for, in their order.
    fn expect(&mut self, ids: impl Iterator<Item = i64>);

    /// Does something with the block of a record.
    fn with(&mut self, record: &Record, work: &mut dyn FnMut(&mut Block<'_>) -> Result<()>) -> Result<()>;
}

impl Blocks for &FileArchive {
    fn expect(&mut self, _ids: impl Iterator<Item = i64>) {}

    fn with(&mut self, record: &Record, work: &mut dyn FnMut(&mut Block<'_>) -> Result<()>) -> Result<()> {
        match self.block(record)? {
            Some(mut block) => work(&mut block),
            None => Ok(()),
        }
    }
}

/// The blocks of a stream, which come once.
struct InOrder {
    archive: Box<StreamArchive>,
    /// Those that will be asked for.
    waiting: HashSet<i64>,
}

impl Blocks for InOrder {
    fn expect(&mut self, ids: impl Iterator<Item = i64>) {
        self.waiting.extend(ids);
    }

    fn with(&mut self, record: &Record, work: &mut dyn FnMut(&mut Block<'_>) -> Result<()>) -> Result<()> {
        self.waiting.remove(&record.id);
        loop {
            let Some(mut block) = self.archive.next_block()? else {
                return Err(Error::malformed("the archive has no data for this entry, which should have some"));
            };
            let id = block.start().id;
            if id == record.id {
                return work(&mut block);
            }
            if self.waiting.contains(&id) {
                return Err(Error::refused("a stream cannot be read in this order: its data comes in another one")
                    .with_hint("Give the archive as a file."));
            }
        }
    }
}

/// A file under a temporary name.
struct Draft {
    file: BufWriter<File>,
    path: PathBuf,
    temporary: Temporary,
    overwrite: bool,
}

/// The temporary name, which goes if the file does not become whole; nothing if what is written has no other.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Whatever has failed before is what matters.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Draft {
    fn new(path: &Path, overwrite: bool) -> Result<Self> {
        let cannot = |error| cannot_write(error, path);
        // A device or a pipe is written as it is.
        let special = std::fs::metadata(path).ok().filter(|found| !found.is_file() && !found.is_dir());
        let (file, temporary) = match special {
            Some(_) => (OpenOptions::new().write(true).open(path).map_err(cannot)?, None),
            None => {
                insist_on_room(path, overwrite)?;
                let mut name = path.file_name().unwrap_or_default().to_owned();
                name.push(".part");
                let temporary = path.with_file_name(name);
                (File::create(&temporary).map_err(cannot)?, Some(temporary))
            }
        };
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { file, path: path.to_owned(), temporary: Temporary(temporary), overwrite })
    }

    /// Gives it its name.
    fn publish(mut self) -> Result<()> {
        let cannot = |error| cannot_write(error, &self.path);
        self.file.flush().map_err(cannot)?;
        let Some(temporary) = &self.temporary.0 else { return Ok(()) };
        self.file.get_ref().sync_all().map_err(cannot)?;
        insist_on_room(&self.path, self.overwrite)?;
        std::fs::rename(temporary, &self.path).map_err(cannot)?;
        self.temporary.0 = None;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The name comes to last with the folder that holds it; not every system opens folders.
        if cfg!(unix) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| cannot_write(error, &self.path))?;
        }
        Ok(())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn insist_on_room(path: &Path, overwrite: bool) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(Error::refused(format!("{} is a folder", path.display())).with_hint("Name a file in it."))
        }
        Ok(_) if !overwrite => Err(Error::refused(format!("{} exists already", path.display()))
            .with_hint("Name another file, or say --overwrite if it may be replaced once the new one is whole.")),
        _ => Ok(()),
    }
}

fn cannot_write(error: io::Error, path: &Path) -> Error {
    Error::new(ErrorKind::Io, "cannot write the script").about(path.display()).with_source(error)
}
