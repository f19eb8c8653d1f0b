//! Where an archive is read from.

use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::header::Header;
use crate::archive::manifest::Manifest;
use crate::archive::read::{FileArchive, StreamArchive};
use crate::archive::toc::Record;
use crate::archive::verify::words;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::{Blocks, Loss, Losses, Stream};

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

    /// The archive, as far as its table of contents.
    ///
    /// # Errors
    /// * Those of [`FileArchive::open`] and [`StreamArchive::new`].
    pub(super) fn archive(&self) -> Result<Archive> {
        match self {
            Self::File(path) => FileArchive::open(path).map(|archive| Archive::File(Box::new(archive))),
            Self::Standard => standard().map(|archive| Archive::Stream(Box::new(archive))),
        }
    }

    /// The same for lanes, and what the archive says about itself, as far as that can be known before its data.
    ///
    /// # Errors
    /// * Those of [`FileArchive::open`], [`FileArchive::manifest`] and [`StreamArchive::new`].
    pub(super) async fn blocks(&self) -> Result<(Blocks, Option<Manifest>)> {
        let Self::File(path) = self.clone() else {
            return Ok((Blocks::Stream(Arc::new(Stream::open(standard).await?)), None));
        };
        let opened = tokio::task::spawn_blocking(move || {
            let mut archive = FileArchive::open(path)?;
            let mut manifest = archive.manifest()?;
            if let Some(manifest) = &mut manifest {
                archive.expect_frames(manifest);
            }
            Ok((Blocks::File(Arc::new(archive)), manifest))
        });
        opened.await.map_err(|error| Error::new(ErrorKind::Io, "cannot read the archive").with_source(error))?
    }

    /// The same of a file that may be damaged after its table of contents, and what is lost of it so far.
    ///
    /// # Errors
    /// * Those of [`FileArchive::open`]; `Usage` for standard input.
    pub(super) async fn salvaged(&self) -> Result<(Blocks, Option<Manifest>)> {
        let Self::File(path) = self.clone() else {
            return Err(Error::usage("what is whole cannot be salvaged from standard input")
                .with_hint("What follows damage is not found again in a stream. Put the archive into a file first."));
        };
        let opened = tokio::task::spawn_blocking(move || {
            let (mut archive, losses) = (FileArchive::open(path)?, Losses::default());
            let mut manifest = match archive.manifest() {
                Err(error) if error.kind() == ErrorKind::Malformed => {
                    let what = format!("what the archive says about itself is lost: {}", words(&error));
                    losses.add(Loss { subject: "the manifest".to_owned(), bytes: None, rows: None, what });
                    None
                }
                read => read?,
            };
            if let Some(manifest) = &mut manifest {
                archive.expect_frames(manifest);
            }
            Ok((Blocks::Salvaged(Arc::new(archive), Arc::new(losses)), manifest))
        });
        opened.await.map_err(|error| Error::new(ErrorKind::Io, "cannot read the archive").with_source(error))?
    }

    /// All of it, which has to be a text of a size that makes sense.
    ///
    /// # Errors
    /// * `Io` if it cannot be read; `Usage` if it is too long.
    pub(super) fn text(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut read = || -> io::Result<usize> {
            match self {
                Self::File(path) => File::open(path)?.take(LONGEST_LIST + 1).read_to_end(&mut text),
                Self::Standard => io::stdin().lock().take(LONGEST_LIST + 1).read_to_end(&mut text),
            }
        };
        read().map_err(|error| Error::new(ErrorKind::Io, "cannot read the list").about(self).with_source(error))?;
        if text.len() as u64 > LONGEST_LIST {
            return Err(Error::usage("this is too long for a list of entries").about(self));
        }
        Ok(text)
    }
}

/// The archive that comes through standard input.
fn standard() -> Result<StreamArchive> {
    let archive = match io::stdin().is_terminal() {
        true => Err(Error::usage("an archive cannot be typed in")
            .with_hint("Name its file, redirect it to standard input, or put whoever writes it before a pipe.")),
        false => StreamArchive::new(io::stdin()),
    };
    archive.map_err(|error| error.about(Input::Standard))
}

/// An archive, as it can be read.
pub(super) enum Archive {
    /// In any order.
    File(Box<FileArchive>),
    /// From the beginning to the end.
    Stream(Box<StreamArchive>),
}

impl Archive {
    /// The header.
    pub fn header(&self) -> &Header {
        match self {
            Self::File(archive) => archive.header(),
            Self::Stream(archive) => archive.header(),
        }
    }

    /// The table of contents.
    pub fn records(&self) -> &[Record] {
        match self {
            Self::File(archive) => archive.records(),
            Self::Stream(archive) => archive.records(),
        }
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
