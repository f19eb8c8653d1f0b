//! Everything that reads an archive which may be hostile. The fuzz targets and `tests/archive_fuzz.rs` share it.
//!
//! What comes back is either read or refused with words; what must not be, panics.

use std::collections::{HashMap, HashSet};
use std::io::{self, Cursor};
use std::num::NonZeroUsize;
use std::path::Path;

use pgtandem::archive::entries::{self, Known};
use pgtandem::archive::header::Header;
use pgtandem::archive::manifest::Manifest;
use pgtandem::archive::primitive::{Sizes, Source};
use pgtandem::archive::read::{Block, FileArchive, StreamArchive};
use pgtandem::archive::script::{self, Pass, Script};
use pgtandem::archive::settings::Settings;
use pgtandem::archive::toc::{self, Record};
use pgtandem::archive::verify::{Watch, verify};
use pgtandem::archive::{listing, owner};
use pgtandem::error::Result;
use pgtandem::event::Tally;
use pgtandem::toc::Part;

/// Reads an archive of these bytes, which lie in this file too, in every way there is. Returns whether it is whole.
///
/// # Errors
/// * If header or table of contents are refused.
pub fn archive(file: &Path, bytes: &[u8]) -> Result<bool> {
    let _ = told(stream(bytes));
    let _ = told(stream_of_records(bytes));
    let mut archive = told(FileArchive::open(file))?;
    let report = told(verify(&archive, NonZeroUsize::MIN, Watch { tally: &Tally::default(), stop: &|| false }))?;
    assert!(report.faults.iter().all(|fault| !fault.what.is_empty() && fault.bytes.start <= fault.bytes.end));
    for record in archive.records() {
        let drained = told(archive.block(record).and_then(|block| block.map(drain).transpose()));
        assert!(drained.is_ok() || !report.is_whole(), "whole, but not to be read: {drained:?}");
    }
    let _ = told(written_as_script(&archive));
    match told(archive.manifest()) {
        Ok(Some(mut manifest)) => {
            contents(archive.records(), &known(&manifest));
            archive.expect_frames(&mut manifest);
            by_frames(&archive, report.is_whole());
        }
        Ok(None) => contents(archive.records(), &Known::default()),
        Err(error) => {
            assert!(!report.is_whole(), "whole, but without a manifest: {error}");
            contents(archive.records(), &Known::default());
        }
    }
    Ok(report.is_whole())
}

/// Reads header and table of contents, and makes of them whatever is made of them without blocks.
///
/// # Errors
/// * If they are refused.
pub fn table_of_contents(bytes: &[u8]) -> Result<()> {
    let mut source = Source::new(bytes, 0, Sizes::USUAL);
    let header = told(Header::read(&mut source))?;
    let records = told(toc::read(&mut source, header.version))?;
    written_and_read(&header, &records);
    listed(&header, &records);
    contents(&records, &Known::default());
    for record in &records {
        let _ = told(owner::alter(record));
    }
    let _ = told(definitions(&header, &records, |_, _| Ok(())));
    Ok(())
}

/// What is refused, is with words.
fn told<T>(result: Result<T>) -> Result<T> {
    result.inspect_err(|error| assert!(error.to_string().len() > 10, "{error}"))
}

/// In one pass, with the blocks of no record too.
fn stream(bytes: &[u8]) -> Result<()> {
    let mut archive = StreamArchive::new(Cursor::new(bytes.to_vec()))?;
    while let Some(block) = archive.next_block_of_any()? {
        let _ = told(drain(block));
    }
    Ok(())
}

/// In one pass, with the manifest at its end.
fn stream_of_records(bytes: &[u8]) -> Result<()> {
    let mut archive = StreamArchive::new(Cursor::new(bytes.to_vec()))?;
    while let Some(mut block) = archive.next_block()? {
        // The rest is passed over.
        block.next_object()?;
        let _ = told(block.next_piece());
    }
    archive.manifest().map(drop)
}

fn drain(mut block: Block<'_>) -> Result<()> {
    while block.next_piece()?.is_some() {}
    while block.next_object()?.is_some() {
        while block.next_piece()?.is_some() {}
    }
    Ok(())
}

/// What a manifest knows that records do not say.
fn known(manifest: &Manifest) -> Known {
    let hints = || manifest.hints.iter().map(|hint| (i64::from(hint.id), hint));
    Known {
        sizes: hints().map(|(id, hint)| (id, hint.weight)).collect(),
        conditions: hints().map(|(id, hint)| (id, hint.condition.clone())).collect(),
    }
}

/// The rows of each block by its frames: in parts, and what can be salvaged.
fn by_frames(archive: &FileArchive, is_whole: bool) {
    for record in archive.records() {
        let _ = told(archive.block(record).and_then(|block| block.map(drain).transpose()));
        if archive.frame_count(record.id) == 0 {
            continue;
        }
        let part = |number, of| {
            let mut length = 0;
            let part = Part { number, of };
            told(archive.part(record, part, &mut |piece| {
                length += piece.len() as u64;
                Ok(())
            }))
            .map(|()| length)
        };
        let parts: Result<u64> = (0..3).map(|number| part(number, 3)).sum();
        let (mut salvaged, mut lost) = (0, 0u64);
        let done = told(archive.salvage_rows(
            record,
            &mut |piece| {
                salvaged += piece.len() as u64;
                Ok(())
            },
            &mut |_| lost += 1,
        ));
        if is_whole {
            let all = part(0, 1).ok();
            assert!(all.is_some() && all == parts.ok(), "parts are not the whole of entry {}", record.id);
            assert!(done.is_ok() && lost == 0 && all == Some(salvaged), "entry {} is not salvaged", record.id);
        }
    }
}

/// What is written of records is read as the same.
fn written_and_read(header: &Header, records: &[Record]) {
    let mut bytes = Vec::new();
    // Numbers may be wider than those that are written.
    if header.write(&mut bytes).is_err() || toc::write(records, header.version, &mut bytes).is_err() {
        return;
    }
    let mut source = Source::new(bytes.as_slice(), 0, Sizes::USUAL);
    let again = told(Header::read(&mut source)).and_then(|header| toc::read(&mut source, header.version));
    assert!(again.is_ok_and(|again| again == records), "records are read as others than were written");
}

/// A list of records is read as those.
fn listed(header: &Header, records: &[Record]) {
    let wanted: Vec<&Record> = listing::listed(records).collect();
    let list = listing::write(header, records.len(), &wanted, |_| None);
    let ids: Vec<i64> = wanted.iter().map(|record| record.id).collect();
    assert!(told(listing::read(&list, records)).is_ok_and(|read| read == ids), "a list is read as another one");
}

/// Entries of records: of all, and of those that are restored where nothing is selected; the others stand then.
fn contents(records: &[Record], known: &Known) {
    let listed: Vec<&Record> = listing::listed(records).collect();
    let ids: HashSet<i64> = listed.iter().map(|record| record.id).collect();
    let (with_database, standing): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| listing::is_of_database(record) || ids.contains(&record.id));
    for (chosen, standing, owners) in [(&with_database, &vec![], false), (&listed, &standing, true)] {
        let without = entries::Without { owners, privileges: owners };
        let Ok(contents) = told(entries::contents(records, chosen, standing, without, known)) else { continue };
        let backslashes = contents.settings.backslashes();
        if let Some(database) = &contents.database {
            let _ = (database.properties(&"other".into(), backslashes), database.search_path(backslashes));
        }
        let mut come = HashSet::new();
        for entry in contents.toc.entries() {
            assert!(entry.needs.iter().all(|need| come.contains(need)), "an entry comes before what it needs");
            come.insert(entry.id);
        }
    }
}

/// A script of everything.
fn written_as_script(archive: &FileArchive) -> Result<()> {
    definitions(archive.header(), archive.records(), |script, record| match archive.block(record)? {
        Some(mut block) => script.data(record, &mut block),
        None => Ok(()),
    })
}

fn definitions(
    header: &Header,
    records: &[Record],
    data: impl Fn(&mut Script<io::Sink>, &Record) -> Result<()>,
) -> Result<()> {
    let settings = Settings::of(records)?;
    let by_id: HashMap<i64, &Record> = records.iter().map(|record| (record.id, record)).collect();
    let mut script = Script::begin(io::sink(), header, settings, script::Without::default(), [7; 64])?;
    for pass in Pass::ALL {
        for record in records.iter().filter(|record| Pass::of(record) == pass) {
            // What one of them is refused for says nothing of the next one.
            let _ =
                told(script.entry(record, |id| by_id.get(&id).copied())).and_then(|()| told(data(&mut script, record)));
        }
    }
    script.end().map(drop)
}
