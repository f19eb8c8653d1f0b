//! The list of an archive: what `pg_restore -l` prints and `pg_restore -L` reads (PostgreSQL 18,
//! `src/bin/pg_dump/pg_backup_archiver.c`, `PrintTOCSummary` and `SortTocFromFile`).
//!
//! ```text
//! ;
//! ; Archive created at 2026-11-24 21:48:00
//! ;     dbname: shop
//! ...
//! 215; 1259 16386 TABLE shop orders owner
//! 3421; 0 16386 TABLE DATA shop orders owner
//! ;   rows 60000, size 8192000, stored 812000, ratio 10.1
//! ```
//!
//! Rows are those of a table, or large objects; sizes are in bytes.
//!
//! Names are written as they are; only what would end a line is a space. One thing is not as there: the date bears no time
//! zone, since an archive holds none (`pg_restore` prints the zone where it runs itself).

use std::collections::HashSet;
use std::io::Write as _;

use super::header::{Compression, Header};
use super::toc::Record;
use crate::error::{Error, Result};

/// How large the data of a record is, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Rows, or large objects.
    pub rows: u64,
    /// Bytes of them as a server takes them, if that is known.
    pub size: Option<u64>,
    /// Bytes that they take in the archive.
    pub stored: u64,
}

/// The whole list: `wanted` are those of the archive's `count` records that are listed, in their order; `stored` tells what is
/// known of their data.
pub fn write(header: &Header, count: usize, wanted: &[&Record], stored: impl Fn(&Record) -> Option<Stored>) -> Vec<u8> {
    let mut out = head(header, count);
    for record in wanted {
        line(record, &mut out);
        if let Some(known) = stored(record) {
            out.extend(size_line(known).into_bytes());
        }
    }
    out
}

/// The comment lines at the beginning.
fn head(header: &Header, records: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let compression = compression_name(header.compression);
    // Writing to a vector cannot fail.
    let _ = write!(out, ";\n; Archive created at {}\n;     dbname: ", created(header));
    out.extend(on_one_line(&header.database));
    let _ = write!(out, "\n;     TOC Entries: {records}\n;     Compression: {compression}\n");
    let _ = write!(out, ";     Dump Version: {}-0\n;     Format: CUSTOM\n", header.version);
    let _ = write!(out, ";     Integer: {} bytes\n;     Offset: {} bytes\n", header.sizes.int, header.sizes.offset);
    for (what, text) in [("from database", &header.server), ("by pg_dump", &header.writer)] {
        let _ = write!(out, ";     Dumped {what} version: ");
        out.extend(on_one_line(text));
        out.push(b'\n');
    }
    out.extend(b";\n;\n; Selected TOC Entries:\n;\n");
    out
}

/// When an archive was made, as its header says: "2026-11-24 21:48:00".
pub fn created(header: &Header) -> String {
    let date = header.date;
    let (day, time) = ((date.year, date.month, date.day), (date.hour, date.minute, date.second));
    format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", day.0, day.1, day.2, time.0, time.1, time.2)
}

/// What a compression is called.
pub const fn compression_name(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "none",
        Compression::Gzip => "gzip",
        Compression::Lz4 => "lz4",
        Compression::Zstd => "zstd",
    }
}

/// `id; catalog oid DESC schema tag owner`.
fn line(record: &Record, out: &mut Vec<u8>) {
    let _ = write!(out, "{}; {} {} ", record.id, number(&record.catalog), number(&record.object));
    let schema = record.namespace.as_deref().unwrap_or(b"-");
    let owner = record.owner.as_deref().unwrap_or_default();
    for (text, after) in [(record.desc.as_slice(), b' '), (schema, b' '), (&record.tag, b' '), (owner, b'\n')] {
        out.extend(on_one_line(text));
        out.push(after);
    }
}

/// An OID in decimal; what is none is 0.
fn number(text: &[u8]) -> u32 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// A comment line that follows the line of a record with data.
fn size_line(known: Stored) -> String {
    let Stored { rows, size, stored } = known;
    let ratio =
        |size: u64| if stored > 0 { format!(", ratio {:.1}", size as f64 / stored as f64) } else { String::new() };
    let before = size.map(|size| format!(", size {size}")).unwrap_or_default();
    format!(";\trows {rows}{before}, stored {stored}{}\n", size.map(ratio).unwrap_or_default())
}

/// The text with a space for each byte that would end its line, or a C string. Other control characters are in names as
/// `pg_restore` lets them be; whoever shows a list on a terminal has to take care of them.
pub fn on_one_line(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    text.iter().map(|byte| if b"\n\r\0".contains(byte) { b' ' } else { *byte })
}

/// The section that each record counts to: privileges and comments, which name none, are in that of what stands before them.
pub fn sections(records: &[Record]) -> impl Iterator<Item = (&Record, i64)> {
    records.iter().scan(PRE_DATA, |section, record| {
        if record.section != NONE {
            *section = record.section;
        }
        Some((record, *section))
    })
}

const NONE: i64 = 1;
/// What comes before data, as [`Record::section`] has it.
pub const PRE_DATA: i64 = 2;
/// Data, as [`Record::section`] has it.
pub const DATA: i64 = 3;
/// What comes after data, as [`Record::section`] has it.
pub const POST_DATA: i64 = 4;

/// The records that are listed where nothing is selected: those that a restore into a database that is there carries out.
pub fn listed(records: &[Record]) -> impl Iterator<Item = &Record> {
    let known = |(record, section): (_, i64)| (PRE_DATA..=POST_DATA).contains(&section).then_some(record);
    sections(records).filter_map(known).filter(|record| !is_setting(record) && !is_of_database(record) && does(record))
}

/// Whether a record is one of the three that are settings for all others.
pub fn is_setting(record: &Record) -> bool {
    [&b"ENCODING"[..], b"STDSTRINGS", b"SEARCHPATH"].contains(&record.desc.as_slice())
}

/// Whether a record makes the database itself, or is about it: that matters only to who makes it.
pub fn is_of_database(record: &Record) -> bool {
    match record.desc.as_slice() {
        b"DATABASE" | b"DATABASE PROPERTIES" => true,
        b"ACL" | b"COMMENT" | b"SECURITY LABEL" | b"STATISTICS DATA" => record.tag.starts_with(b"DATABASE "),
        _ => false,
    }
}

/// Whether a record is about large objects: it counts as data, whatever its section.
pub fn is_of_large_object(record: &Record) -> bool {
    match record.desc.as_slice() {
        b"BLOB" | b"BLOB METADATA" | b"BLOBS" | b"BLOB COMMENTS" => true,
        b"ACL" | b"COMMENT" | b"SECURITY LABEL" => record.tag.starts_with(b"LARGE OBJECT"),
        _ => false,
    }
}

/// How the definition begins of the rows of a partition that are loaded by way of its partitioned table; it is a comment.
pub const VIA_ROOT: &[u8] = b"-- load via partition root ";

/// Whether there is anything to do for a record.
fn does(record: &Record) -> bool {
    let obsolete = record.desc == b"<Init>" && record.tag == b"Max OID";
    let data = record.has_block
        || record.desc == b"SEQUENCE SET"
        || record.desc == b"STATISTICS DATA"
        || is_of_large_object(record);
    let definition = record.definition.as_deref().unwrap_or_default();
    !obsolete && (data || !definition.is_empty() && !definition.starts_with(VIA_ROOT))
}

/// Reads a list: the numbers of the records that are wanted, in the order wanted. A line begins with the number; `;` begins a
/// comment.
///
/// # Errors
/// * `Usage` for a line that begins with something else, a number that no record has, and one that comes twice; `pg_restore`
///   only warns of some of them. The line is named.
pub fn read(list: &[u8], records: &[Record]) -> Result<Vec<i64>> {
    let known: HashSet<i64> = records.iter().map(|record| record.id).collect();
    let (mut wanted, mut seen) = (Vec::new(), HashSet::new());
    for (at, line) in list.split(|byte| *byte == b'\n').enumerate() {
        let text = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let Some(word) = text.split(u8::is_ascii_whitespace).next().filter(|word| !word.is_empty()) else { continue };
        let number = std::str::from_utf8(word).ok().and_then(|word| word.parse::<i64>().ok());
        let wrong = match number {
            None => "does not begin with the number of an entry",
            Some(id) if !known.contains(&id) => "names an entry that the archive does not have",
            Some(id) if !seen.insert(id) => "names an entry for the second time",
            Some(id) => {
                wanted.push(id);
                continue;
            }
        };
        let shown: String = String::from_utf8_lossy(line).chars().take(SHOWN).collect();
        return Err(Error::usage(format!("line {} of the list {wrong}", at + 1)).about(shown.trim_end()).with_hint(
            "A list is what pgtandem list and pg_restore -l print, with lines left out or in another order.",
        ));
    }
    Ok(wanted)
}

/// How many characters of a line an error shows.
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::header::{Date, Version};
    use crate::archive::primitive::Sizes;

    fn header() -> Header {
        Header {
            version: Version(15),
            sizes: Sizes::USUAL,
            compression: Compression::Zstd,
            date: Date { second: 1, minute: 2, hour: 3, day: 24, month: 11, year: 2026, summer: 0 },
            database: b"shop\nof x".to_vec(),
            server: b"15.18".to_vec(),
            writer: b"18.4".to_vec(),
        }
    }

    fn defined(id: i64, desc: &str, tag: &str) -> Record {
        Record { definition: Some(b"x".to_vec()), ..Record::new(id, desc, tag) }
    }

    fn ids(records: &[Record]) -> Vec<i64> {
        listed(records).map(|record| record.id).collect()
    }

    #[test]
    fn the_whole_list() {
        let named = Record {
            catalog: b"1259".to_vec(),
            object: b"4000000000".to_vec(),
            namespace: Some(b"a".to_vec()),
            owner: Some(b"o".to_vec()),
            ..defined(7, "TABLE", "x")
        };
        let mut named = [named, Record { has_block: true, ..Record::new(9, "TABLE DATA", "t") }];
        named[0].tag = b"x\n\\! y\r;\x1b\xff".to_vec();
        let sizes = |record: &Record| record.has_block.then_some(Stored { rows: 3, size: Some(100), stored: 40 });
        let expected = b";\n; Archive created at 2026-11-24 03:02:01\n;     dbname: shop of x\n;     TOC Entries: 2\n\
            ;     Compression: zstd\n;     Dump Version: 1.15-0\n;     Format: CUSTOM\n;     Integer: 4 bytes\n\
            ;     Offset: 8 bytes\n;     Dumped from database version: 15.18\n;     Dumped by pg_dump version: 18.4\n\
            ;\n;\n; Selected TOC Entries:\n;\n7; 1259 4000000000 TABLE a x \\! y ;\x1b\xff o\n9; 0 0 TABLE DATA - t \n\
            ;\trows 3, size 100, stored 40, ratio 2.5\n";
        let list = write(&header(), 2, &[&named[0], &named[1]], sizes);
        assert_eq!(String::from_utf8_lossy(&list), String::from_utf8_lossy(expected));
        assert_eq!(read(&list, &named).unwrap(), [7, 9]);
        assert_eq!(read(&write(&header(), 2, &[&named[1]], sizes), &named).unwrap(), [9]);
    }

    #[test]
    fn what_nobody_carries_out_is_not_listed() {
        let records = [
            defined(1, "ENCODING", "ENCODING"),
            defined(2, "DATABASE", "d"),
            Record { section: NONE, ..defined(3, "ACL", "DATABASE d") },
            Record { section: NONE, ..Record::new(4, "ARCHIVE MANIFEST", "") },
            defined(5, "TABLE", "t"),
            Record { definition: Some(vec![]), ..Record::new(6, "TABLE", "t") },
            Record::new(7, "SEQUENCE SET", "s"),
            Record { definition: Some(b"-- load via partition root x".to_vec()), ..Record::new(8, "TABLE DATA", "t") },
            Record { section: 9, ..defined(9, "TABLE", "t") },
            Record { section: NONE, ..defined(10, "COMMENT", "TABLE t") },
            Record { section: POST_DATA, ..defined(11, "INDEX", "t") },
            Record { section: NONE, ..defined(12, "COMMENT", "INDEX t") },
            Record::new(13, "BLOB METADATA", "5"),
        ];
        assert_eq!(ids(&records), [5, 7, 11, 12, 13]);
    }

    #[test]
    fn lists_are_read_in_their_order() {
        let records = [Record::new(1, "TABLE", "a"), Record::new(2, "TABLE", "b"), Record::new(30, "TABLE", "c")];
        let list = b"; 1; comment\n\n  30; 0 0 TABLE - c \r\n\t;\n2 TABLE\n;1\n1";
        assert_eq!(read(list, &records).unwrap(), [30, 2, 1]);
        assert_eq!(read(b"", &records).unwrap(), [0; 0]);
        for (list, told) in [
            ("1;\n1;", "line 2 of the list names an entry for the second time: 1;"),
            ("\n\n4; x", "line 3 of the list names an entry that the archive does not have: 4; x"),
            ("1\nTABLE 1", "line 2 of the list does not begin with the number of an entry: TABLE 1"),
            ("1x", "line 1 of the list does not begin"),
            ("99999999999999999999", "line 1 of the list does not begin"),
        ] {
            let error = read(list.as_bytes(), &records).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
