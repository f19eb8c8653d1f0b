//! The disk of an archive.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::leg::Flow;
use crate::error::{Error, ErrorKind, Result};

/// How much is written at once.
const PIECE: usize = 1 << 20;
/// How much is written before it is brought to the disk.
const SYNC: u64 = 64 << 20;
/// The most that is written.
const MOST: u64 = 1 << 30;

/// A file in the folder of an archive, without a name there: it goes with whoever has it open, however that ends.
pub(super) struct Scratch {
    file: File,
    name: String,
}

impl Scratch {
    /// Makes one beside a file, which itself is not touched.
    ///
    /// # Errors
    ///
    /// `Io` if nothing can be written there.
    pub fn beside(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        if path.is_dir() {
            return Err(Error::usage("an archive is a file, and this is a folder")
                .about(name)
                .with_hint("Name a file in it; it is not written."));
        }
        for number in 0..10_000u32 {
            let mut draft = path.as_os_str().to_owned();
            draft.push(format!(".bench{number}"));
            match OpenOptions::new().write(true).create_new(true).open(&draft) {
                Ok(file) => {
                    std::fs::remove_file(&draft).map_err(|error| failed(error, &name))?;
                    return Ok(Self { file, name });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error, &name)),
            }
        }
        Err(failed(io::ErrorKind::AlreadyExists.into(), &name))
    }

    /// Writes what cannot be compressed for so long, and brings all of it to the disk. The file is empty then.
    ///
    /// # Errors
    ///
    /// `Io` if that fails; `Cancelled`.
    pub async fn write(self, time: Duration, cancel: CancellationToken) -> Result<(Flow, Self)> {
        let done = tokio::task::spawn_blocking(move || {
            let flow = self.write_here(time, &cancel)?;
            Ok((flow, self))
        });
        done.await.map_err(|error| Error::malformed("the thread that writes has died").with_source(error))?
    }

    fn write_here(&self, time: Duration, cancel: &CancellationToken) -> Result<Flow> {
        let (piece, mut to) = (noise(), &self.file);
        let mut flow = Flow::default();
        let begun = Instant::now();
        while begun.elapsed() < time && flow.bytes < MOST {
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            to.write_all(&piece).map_err(|error| failed(error, &self.name))?;
            flow.bytes += piece.len() as u64;
            if flow.bytes.is_multiple_of(SYNC) {
                self.sync()?;
            }
        }
        self.sync()?;
        flow.elapsed = begun.elapsed();
        self.file.set_len(0).and_then(|()| to.rewind()).map_err(|error| failed(error, &self.name))?;
        Ok(flow)
    }

    /// Brings to the disk what was written.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| failed(error, &self.name))
    }

    /// The same file, for somebody else to write to.
    pub fn handle(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| failed(error, &self.name))
    }
}

/// Bytes that look like compressed ones, for disks that compress (xorshift64, Marsaglia, "Xorshift RNGs", 2003).
fn noise() -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let words = (0..PIECE / 8).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.collect()
}

fn failed(error: io::Error, name: &str) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "Make its folder first.",
        io::ErrorKind::StorageFull => "Make room on its volume, or name a file on another one.",
        _ => "Name a file in a folder that can be written to; a file without a name is made there for a while.",
    };
    Error::new(ErrorKind::Io, "cannot write to the place of the archive").about(name).with_source(error).with_hint(hint)
}
