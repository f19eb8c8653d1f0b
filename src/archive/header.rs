//! The header of an archive: that it is one, its version, how it was compressed, and where it comes from.

use std::fmt;
use std::io::{self, Read, Write};

use super::primitive::{Sink, Sizes, Source, malformed};
use crate::error::{Error, ErrorKind, Result};

/// What every archive begins with.
const MAGIC: &[u8; 5] = b"PGDMP";
/// The format byte of the custom format, and those of the others (`pg_backup.h`, `ArchiveFormat`). What a directory holds
/// says that it is from a tar archive (`pg_backup_directory.c`, `_CloseArchive`).
const CUSTOM: u8 = 1;
const TAR: u8 = 3;
const DIRECTORY: u8 = 5;
/// The widest int that anybody has written is 8 bytes; the stock tools admit 32.
const WIDEST: u8 = 32;

/// The version of the format: what follows "1.".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u8);

impl Version {
    /// The oldest that is read: `pg_dump` 9.0 to 9.5.
    pub const OLDEST: Self = Self(12);
    /// The first one with access methods: `pg_dump` 12 to 15.
    pub const ACCESS_METHODS: Self = Self(14);
    /// The first one whose compression has a name: `pg_dump` 16.
    pub const NAMED_COMPRESSION: Self = Self(15);
    /// The first one with relation kinds, the newest that is known: `pg_dump` 17 and 18.
    pub const RELATION_KINDS: Self = Self(16);
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

/// How the blocks are compressed, all of them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// A zlib stream for each table.
    Gzip,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames.
    Zstd,
}

/// When an archive was made, by the clock on its writer's wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Date {
    /// 0 to 60.
    pub second: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1 to 12.
    pub month: u8,
    /// "2026".
    pub year: i32,
    /// Whether it was summer time; negative where nobody knows.
    pub summer: i8,
}

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the format.
    pub version: Version,
    /// How wide its numbers are.
    pub sizes: Sizes,
    /// How its blocks are compressed.
    pub compression: Compression,
    /// When it was made.
    pub date: Date,
    /// The name of the database.
    pub database: Vec<u8>,
    /// The version of the server, as it says it itself ("15.18 (Debian 15.18-1)").
    pub server: Vec<u8>,
    /// Who wrote the archive ("18.4", "18.4 (pgtandem 0.1.0)").
    pub writer: Vec<u8>,
}

impl Header {
    /// Reads a header. From here on, `source` reads numbers as wide as the header says.
    ///
    /// # Errors
    /// * `Malformed` for what is no archive, is one of another kind or of a newer version; says what to do.
    pub fn read(source: &mut Source<impl Read>) -> Result<Self> {
        let mut magic = [0; MAGIC.len()];
        let begun = source.exact(&mut magic, "its first bytes");
        match begun {
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            Ok(()) if magic == *MAGIC => {}
            _ => return Err(not_an_archive(&magic)),
        }
        let version = read_version(source)?;
        let sizes = Sizes { int: source.byte("the header")?, offset: source.byte("the header")? };
        for size in [sizes.int, sizes.offset] {
            if size == 0 || size > WIDEST {
                return Err(malformed(format!("numbers of {size} bytes make no sense"), source.position()));
            }
        }
        source.set_sizes(sizes);
        match source.byte("the header")? {
            CUSTOM => {}
            TAR | DIRECTORY => {
                return Err(other_kind("the table of contents of a directory archive or of a tar archive"));
            }
            other => return Err(malformed(format!("there is no archive format {other}"), source.position())),
        }
        let compression = read_compression(source, version)?;
        let date = read_date(source)?;
        let mut text = || Ok::<_, Error>(source.string("the header")?.unwrap_or_default());
        let (database, server, writer) = (text()?, text()?, text()?);
        Ok(Self { version, sizes, compression, date, database, server, writer })
    }

    /// Writes it. Numbers are written in the usual sizes, whatever [`Header::sizes`] says.
    ///
    /// # Errors
    /// * If it cannot be written.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all(MAGIC)?;
        to.write_all(&[1, self.version.0, 0, Sizes::USUAL.int, Sizes::USUAL.offset, CUSTOM])?;
        let compression = match self.compression {
            Compression::None => 0u8,
            Compression::Gzip => 1,
            Compression::Lz4 => 2,
            Compression::Zstd => 3,
        };
        if self.version >= Version::NAMED_COMPRESSION {
            to.write_all(&[compression])?;
        } else {
            // A level: every one but 0 means zlib, and -1 the one that zlib chooses.
            to.put_int(if self.compression == Compression::None { 0 } else { -1 })?;
        }
        let Date { second, minute, hour, day, month, year, summer } = self.date;
        for part in [second, minute, hour, day, month.saturating_sub(1)] {
            to.put_int(part.into())?;
        }
        to.put_int(i64::from(year) - 1900)?;
        to.put_int(summer.into())?;
        for text in [&self.database, &self.server, &self.writer] {
            to.put_string(Some(text))?;
        }
        Ok(())
    }
}

fn read_version(source: &mut Source<impl Read>) -> Result<Version> {
    let at = source.position();
    let mut bytes = [0; 3];
    source.exact(&mut bytes, "the version")?;
    let [major, minor, _] = bytes;
    let version = Version(minor);
    if major != 1 || version > Version::RELATION_KINDS {
        return Err(malformed(format!("version {major}.{minor} of the format is not known"), at).with_hint(
            "The archive was made by something newer. A newer pgtandem can read it, and so can the pg_restore \
                that came with the pg_dump that has made it.",
        ));
    }
    if version < Version::OLDEST {
        return Err(malformed(format!("version {version} of the format is too old"), at)
            .with_hint("A pg_restore of 9.0 to 18 can restore it into a server, which can be dumped anew."));
    }
    Ok(version)
}

fn read_compression(source: &mut Source<impl Read>, version: Version) -> Result<Compression> {
    if version < Version::NAMED_COMPRESSION {
        let level = source.int("the compression")?;
        return Ok(if level == 0 { Compression::None } else { Compression::Gzip });
    }
    let at = source.position();
    match source.byte("the compression")? {
        0 => Ok(Compression::None),
        1 => Ok(Compression::Gzip),
        2 => Ok(Compression::Lz4),
        3 => Ok(Compression::Zstd),
        other => Err(malformed(format!("there is no compression {other}"), at)),
    }
}

fn read_date(source: &mut Source<impl Read>) -> Result<Date> {
    let at = source.position();
    let mut parts = [0i64; 7];
    for part in &mut parts {
        *part = source.int("the date")?;
    }
    let [second, minute, hour, day, month, year, summer] = parts;
    let date = || {
        Some(Date {
            second: second.try_into().ok()?,
            minute: minute.try_into().ok()?,
            hour: hour.try_into().ok()?,
            day: day.try_into().ok()?,
            month: u8::try_from(month.checked_add(1)?).ok()?,
            year: i32::try_from(year.checked_add(1900)?).ok()?,
            summer: summer.try_into().ok()?,
        })
    };
    date().ok_or_else(|| malformed("the date makes no sense", at))
}

/// What else people take for an archive.
fn not_an_archive(first: &[u8]) -> Error {
    // A tar archive of pg_dump begins with the name of its table of contents, toc.dat.
    if first.starts_with(b"toc.d") {
        return other_kind("a tar archive (pg_dump -Ft)");
    }
    let (what, hint) = if first.starts_with(b"--") || first.starts_with(b"SET") || first.starts_with(b"\\") {
        ("this is not an archive but looks like a script", "psql runs it: psql -X -v ON_ERROR_STOP=1 -f FILE.")
    } else if first.starts_with(&[0x1f, 0x8b]) || first.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        ("this is a compressed file", "Decompress it first; what is inside may be an archive or a script.")
    } else {
        ("this is not an archive", "What pgtandem dump and pg_dump -Fc have written can be read.")
    };
    Error::malformed(what).with_hint(hint)
}

fn other_kind(what: &str) -> Error {
    Error::malformed(format!("this is {what}")).with_hint(
        "pgtandem reads archives in the custom format (pg_dump -Fc). pg_restore restores this one, into a server that can \
         be dumped anew.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: Version, compression: Compression) -> Header {
        Header {
            version,
            sizes: Sizes::USUAL,
            compression,
            date: Date { second: 1, minute: 2, hour: 3, day: 24, month: 11, year: 2026, summer: 0 },
            database: b"shop".to_vec(),
            server: b"15.18".to_vec(),
            writer: b"18.4".to_vec(),
        }
    }

    fn read(bytes: &[u8]) -> Result<Header> {
        Header::read(&mut Source::new(bytes, 0, Sizes::USUAL))
    }

    fn told(bytes: &[u8]) -> String {
        let error = read(bytes).unwrap_err();
        format!("{error} {}", error.hint().unwrap_or_default())
    }

    #[test]
    fn what_is_written_is_read() {
        for version in [14, 15, 16].map(Version) {
            for compression in [Compression::None, Compression::Gzip, Compression::Lz4, Compression::Zstd] {
                if version < Version::NAMED_COMPRESSION && [Compression::Lz4, Compression::Zstd].contains(&compression)
                {
                    continue;
                }
                let written = header(version, compression);
                let mut bytes = Vec::new();
                written.write(&mut bytes).unwrap();
                assert_eq!(read(&bytes).unwrap(), written);
                for cut in 0..bytes.len() {
                    assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_archive_is_told() {
        assert!(told(b"-- PostgreSQL database dump").contains("psql"));
        assert!(told(b"\x1f\x8b\x08\0\0\0\0").contains("Decompress"));
        assert!(told(b"").contains("not an archive"));
        assert!(told(b"toc.dat\0\0\0").contains("tar archive"));
        assert!(told(b"PGDMP\x01\x11\0\x04\x08\x01").contains("version 1.17"));
        assert!(told(b"PGDMP\x01\x0a\0\x04\x08\x01").contains("too old"));
        for other in [b"PGDMP\x01\x10\0\x04\x08\x03", b"PGDMP\x01\x10\0\x04\x08\x05"] {
            assert!(told(other).contains("of a directory archive or of a tar archive"));
        }
        assert!(told(b"PGDMP\x01\x10\0\x00\x08\x01").contains("0 bytes"));
        assert!(told(b"PGDMP\x01\x10\0\x04\x08\x01\x07").contains("no compression 7"));
    }
}
