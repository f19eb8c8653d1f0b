//! Where an archive is read from.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;

use crate::archive::header::Header;
use crate::archive::primitive::{Sizes, Source};
use crate::archive::toc::{self, Record};
use crate::error::{Error, ErrorKind, Result};

/// How much of an archive is read at once where it is read from its beginning.
const CHUNK: usize = 1 << 16;
/// The longest list of entries that is read, in bytes.
const LONGEST_LIST: u64 = 1 << 30;

/// An archive, or a list of what is wanted of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Standard,
}

impl Input {
    /// A path; `-` is standard input.
    pub fn named(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        if path.as_os_str() == "-" { Self::Standard } else { Self::File(path) }
    }

    /// Its bytes from the beginning.
    ///
    /// # Errors
    /// * `Io` if it cannot be opened; `Malformed` if it is a folder, which may be an archive of another kind.
    pub(super) fn open(&self) -> Result<Box<dyn Read>> {
        let Self::File(path) = self else { return Ok(Box::new(io::stdin().lock())) };
        let open = || -> io::Result<(File, bool)> {
            let file = File::open(path)?;
            let is_dir = file.metadata()?.is_dir();
            Ok((file, is_dir))
        };
        match open() {
            Ok((_, true)) if path.join("toc.dat").exists() => {
                Err(Error::malformed("this is a directory archive").about(self).with_hint(
                    "pgtandem reads archives in the custom format (pg_dump -Fc). pg_restore restores this one, into a server \
                     that can be dumped anew.",
                ))
            }
            Ok((_, true)) => Err(Error::malformed("this is a folder, not an archive").about(self)),
            Ok((file, false)) => Ok(Box::new(file)),
            Err(error) => Err(Error::new(ErrorKind::Io, "cannot open the file").about(self).with_source(error)),
        }
    }

    /// Header and records of the archive.
    ///
    /// # Errors
    /// * Those of opening and reading it.
    pub(super) fn contents(&self) -> Result<(Header, Vec<Record>)> {
        let mut source = Source::new(BufReader::with_capacity(CHUNK, self.open()?), 0, Sizes::USUAL);
        let header = Header::read(&mut source).map_err(|error| error.about(self))?;
        let records = toc::read(&mut source, header.version).map_err(|error| error.about(self))?;
        Ok((header, records))
    }

    /// All of it, which has to be a text of a size that makes sense.
    ///
    /// # Errors
    /// * `Io` if it cannot be read; `Usage` if it is too long.
    pub(super) fn text(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let read = self.open()?.take(LONGEST_LIST + 1).read_to_end(&mut text);
        read.map_err(|error| Error::new(ErrorKind::Io, "cannot read the file").about(self).with_source(error))?;
        if text.len() as u64 > LONGEST_LIST {
            return Err(Error::usage("this is too long for a list of entries").about(self));
        }
        Ok(text)
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Standard => f.write_str("standard input"),
        }
    }
}
