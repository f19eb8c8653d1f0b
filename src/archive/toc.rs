//! The table of contents of an archive: its records, as they lie in the file.
//!
//! A [`Record`] holds bytes and numbers as they were written. What they mean is for whoever makes
//! [entries](crate::toc::Entry) of them.

use std::collections::HashSet;
use std::io::{self, Read};

use super::header::Version;
use super::primitive::{Offset, Sink, Source, malformed};
use crate::error::Result;

/// The highest number that a record may bear: others allocate memory for every number up to it.
const HIGHEST_ID: i64 = 100_000_000;
/// How many bytes the records of an archive may take in memory, all together.
const LARGEST: u64 = 4 << 30;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number, 1 and up; no two have the same.
    pub id: i64,
    /// Whether somebody has written a block for it.
    pub has_block: bool,
    /// The OID of the system catalog that the object is a row of, in decimal; "0" for none.
    pub catalog: Vec<u8>,
    /// The OID of the object, in decimal; "0" for none.
    pub object: Vec<u8>,
    /// The name that lists show and filters compare.
    pub tag: Vec<u8>,
    /// What it makes: "TABLE", "TABLE DATA".
    pub desc: Vec<u8>,
    /// When it has its turn: 1 none, 2 before the data, 3 the data, 4 after it. Other numbers are kept as they are.
    pub section: i64,
    /// The statements that make it.
    pub definition: Option<Vec<u8>>,
    /// The statement that removes it.
    pub drop: Option<Vec<u8>>,
    /// The COPY statement that takes its block; without it the block holds statements.
    pub copy: Option<Vec<u8>>,
    /// The schema; none for what lies in none.
    pub namespace: Option<Vec<u8>>,
    /// The tablespace; none where there cannot be one, empty for the database's own.
    pub tablespace: Option<Vec<u8>>,
    /// The table access method (since 1.14).
    pub table_am: Option<Vec<u8>>,
    /// `relkind` of a relation, else 0 (since 1.16).
    pub relation_kind: u8,
    /// The role that owns it.
    pub owner: Option<Vec<u8>>,
    /// The numbers of what it needs. Some may be of nothing, and one may come twice.
    pub needs: Vec<i64>,
    /// Where its block lies.
    pub offset: Offset,
}

/// Reads all records.
///
/// # Errors
/// * `Malformed` for numbers that make no sense, a number that two records bear, a missing text that every record has, or
///   more than fits into memory.
pub fn read(source: &mut Source<impl Read>, version: Version) -> Result<Vec<Record>> {
    let at = source.position();
    let count = source.int("the number of entries")?;
    if !(0..=HIGHEST_ID).contains(&count) {
        return Err(malformed(format!("there cannot be {count} entries"), at));
    }
    let (mut records, mut numbers) = (Vec::new(), HashSet::new());
    for _ in 0..count {
        let begun = source.position();
        let record = Record::read(source, version)?;
        if !numbers.insert(record.id) {
            return Err(malformed(format!("two entries bear the number {}", record.id), begun));
        }
        records.push(record);
        if source.position() - at > LARGEST {
            return Err(malformed("the table of contents is too large", begun));
        }
    }
    Ok(records)
}

/// Writes all records. Returns, for each, how many bytes lie between the beginning and its offset.
///
/// # Errors
/// * If it cannot be written.
pub fn write(records: &[Record], version: Version, to: &mut Vec<u8>) -> io::Result<Vec<usize>> {
    let begun = to.len();
    to.put_int(i64::try_from(records.len()).unwrap_or(i64::MAX))?;
    records
        .iter()
        .map(|record| {
            record.write(version, to)?;
            let place = to.len() - begun;
            to.put_offset(record.offset)?;
            Ok(place)
        })
        .collect()
}

impl Record {
    /// A record of the section before the data, with nothing but a number, a kind and a name.
    pub fn new(id: i64, desc: &str, tag: &str) -> Self {
        Self {
            id,
            has_block: false,
            catalog: b"0".to_vec(),
            object: b"0".to_vec(),
            tag: tag.into(),
            desc: desc.into(),
            section: 2,
            definition: None,
            drop: None,
            copy: None,
            namespace: None,
            tablespace: None,
            table_am: None,
            relation_kind: 0,
            owner: None,
            needs: Vec::new(),
            offset: Offset::NoData,
        }
    }

    fn read(source: &mut Source<impl Read>, version: Version) -> Result<Self> {
        let at = source.position();
        let id = source.int("an entry's number")?;
        if !(1..=HIGHEST_ID).contains(&id) {
            return Err(malformed(format!("no entry can have the number {id}"), at));
        }
        let has_block = source.int("an entry")? != 0;
        let catalog = required(source, "the catalog of an entry")?;
        let object = required(source, "the OID of an entry")?;
        let tag = required(source, "the name of an entry")?;
        let desc = required(source, "the kind of an entry")?;
        let section = source.int("an entry's section")?;
        let definition = source.string("an entry's definition")?;
        let drop = source.string("an entry's DROP statement")?;
        let copy = source.string("an entry's COPY statement")?;
        let namespace = source.string("an entry's schema")?;
        let tablespace = source.string("an entry's tablespace")?;
        let table_am = match version >= Version::ACCESS_METHODS {
            true => source.string("an entry's access method")?,
            false => None,
        };
        let relation_kind = match version >= Version::RELATION_KINDS {
            true => {
                let at = source.position();
                let kind = source.int("an entry's relation kind")?;
                u8::try_from(kind).map_err(|_| malformed(format!("there is no relation kind {kind}"), at))?
            }
            false => 0,
        };
        let owner = source.string("an entry's owner")?;
        // Whether a table had OIDs; nobody looks at it any more.
        source.string("an entry")?;
        let needs = read_needs(source)?;
        let offset = source.offset()?;
        Ok(Self {
            id,
            has_block,
            catalog,
            object,
            tag,
            desc,
            section,
            definition,
            drop,
            copy,
            namespace,
            tablespace,
            table_am,
            relation_kind,
            owner,
            needs,
            offset,
        })
    }

    /// All but the offset.
    fn write(&self, version: Version, to: &mut Vec<u8>) -> io::Result<()> {
        to.put_int(self.id)?;
        to.put_int(self.has_block.into())?;
        for text in [&self.catalog, &self.object, &self.tag, &self.desc] {
            to.put_string(Some(text))?;
        }
        to.put_int(self.section)?;
        for text in [&self.definition, &self.drop, &self.copy, &self.namespace, &self.tablespace] {
            to.put_string(text.as_deref())?;
        }
        if version >= Version::ACCESS_METHODS {
            to.put_string(self.table_am.as_deref())?;
        }
        if version >= Version::RELATION_KINDS {
            to.put_int(self.relation_kind.into())?;
        }
        to.put_string(self.owner.as_deref())?;
        to.put_string(Some(b"false"))?;
        for need in &self.needs {
            to.put_string(Some(need.to_string().as_bytes()))?;
        }
        to.put_string(None)
    }
}

fn required(source: &mut Source<impl Read>, what: &'static str) -> Result<Vec<u8>> {
    let at = source.position();
    source.string(what)?.ok_or_else(|| malformed(format!("{what} is missing"), at))
}

/// Numbers in decimal, up to a NULL.
fn read_needs(source: &mut Source<impl Read>) -> Result<Vec<i64>> {
    let mut needs = Vec::new();
    loop {
        let at = source.position();
        let Some(text) = source.string("an entry's dependencies")? else { return Ok(needs) };
        let number = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        needs.push(number.ok_or_else(|| malformed("a dependency is no number", at))?);
    }
}

#[cfg(test)]
mod tests {
    use super::super::primitive::Sizes;
    use super::*;

    fn record(id: i64) -> Record {
        Record {
            id,
            has_block: true,
            catalog: b"0".to_vec(),
            object: b"16385".to_vec(),
            tag: "Bestellungen \u{fc}".into(),
            desc: b"TABLE DATA".to_vec(),
            section: 3,
            definition: None,
            drop: Some(b"".to_vec()),
            copy: Some(b"COPY a.b (c) FROM stdin;\n".to_vec()),
            namespace: Some(b"a".to_vec()),
            tablespace: None,
            table_am: Some(b"heap".to_vec()),
            relation_kind: b'r',
            owner: Some(b"o".to_vec()),
            needs: vec![7, 9],
            offset: Offset::At(4096),
        }
    }

    fn back(bytes: &[u8], version: Version) -> Result<Vec<Record>> {
        read(&mut Source::new(bytes, 0, Sizes::USUAL), version)
    }

    #[test]
    fn what_is_written_is_read() {
        for version in [12, 13, 14, 15, 16].map(Version) {
            let mut records = vec![record(1), record(2)];
            for record in &mut records {
                if version < Version::RELATION_KINDS {
                    record.relation_kind = 0;
                }
                if version < Version::ACCESS_METHODS {
                    record.table_am = None;
                }
            }
            let mut bytes = Vec::new();
            let places = write(&records, version, &mut bytes).unwrap();
            assert_eq!(back(&bytes, version).unwrap(), records);
            // The place of an offset is where another one can be put.
            let place = places[1];
            bytes.splice(place..place + 9, {
                let mut to = Vec::new();
                to.put_offset(Offset::Unknown).unwrap();
                to
            });
            records[1].offset = Offset::Unknown;
            assert_eq!(back(&bytes, version).unwrap(), records);
            for cut in 0..bytes.len() {
                assert!(back(&bytes[..cut], version).is_err(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_number_that_two_bear_is_refused() {
        let mut bytes = Vec::new();
        write(&[record(1), record(1)], Version(16), &mut bytes).unwrap();
        let error = back(&bytes, Version(16)).unwrap_err();
        assert!(error.to_string().contains("two entries bear the number 1"), "{error}");
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        for id in [0, -1, HIGHEST_ID + 1] {
            let mut bytes = Vec::new();
            write(&[record(id)], Version(16), &mut bytes).unwrap();
            assert!(back(&bytes, Version(16)).is_err(), "{id}");
        }
        // More entries than there are.
        let mut bytes = Vec::new();
        bytes.put_int(HIGHEST_ID).unwrap();
        assert!(back(&bytes, Version(16)).is_err());
    }
}
