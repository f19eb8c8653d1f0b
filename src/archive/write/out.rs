//! Where an archive goes: a file with a temporary name until it is whole, or a stream.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Place;
use crate::error::{Error, ErrorKind, Result};

/// How much is collected for one write, in bytes.
pub(super) const BUFFER_BYTES: usize = 256 << 10;

/// What does not fit into memory.
pub(super) struct Spool {
    pub file: File,
    pub bytes: u64,
}

/// Where bytes go.
pub(super) struct Out {
    to: To,
    /// How many bytes have been written.
    pub at: u64,
    name: String,
}

enum To {
    File { file: BufWriter<File>, draft: Temporary, path: PathBuf, overwrite: bool },
    Stream(Box<dyn Write + Send>),
}

/// A file that goes when it is dropped, unless it has got its final name.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "cannot remove an archive that is not complete");
        }
    }
}

impl Out {
    pub fn open(place: Place) -> Result<Self> {
        match place {
            Place::Stream(stream) => Ok(Self { to: To::Stream(stream), at: 0, name: "standard output".to_owned() }),
            Place::File { path, overwrite } => {
                let name = path.display().to_string();
                insist_on_room(&path, overwrite)?;
                let draft = draft_of(&path)?;
                let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&draft);
                let file = file.map_err(|error| failed(error, &name))?;
                match file.try_lock() {
                    Err(TryLockError::WouldBlock) => {
                        return Err(Error::refused("another run is writing the same archive").about(name));
                    }
                    // Some network file systems know no locks.
                    Err(TryLockError::Error(error)) => tracing::debug!(%error, "the archive cannot be locked"),
                    Ok(()) => {}
                }
                let draft = Temporary(Some(draft));
                file.set_len(0).map_err(|error| failed(error, &name))?;
                let file = BufWriter::with_capacity(BUFFER_BYTES, file);
                Ok(Self { to: To::File { file, draft, path, overwrite }, at: 0, name })
            }
        }
    }

    pub fn failed(&self, error: io::Error) -> Error {
        failed(error, &self.name)
    }

    pub const fn is_seekable(&self) -> bool {
        matches!(self.to, To::File { .. })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let done = match &mut self.to {
            To::File { file, .. } => file.write_all(bytes),
            To::Stream(stream) => stream.write_all(bytes),
        };
        done.map_err(|error| failed(error, &self.name))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// A file without a name in the archive's folder.
    pub fn spool(&self) -> Result<File> {
        let To::File { draft: Temporary(Some(draft)), .. } = &self.to else {
            return Err(Error::malformed("a stream has no spool; this is a bug"));
        };
        let mut number = 0u32;
        loop {
            let path = draft.with_extension(format!("spool{number}"));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // From here on it goes with whoever has it open.
                    std::fs::remove_file(&path).map_err(|error| self.failed(error))?;
                    return Ok(file);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => number += 1,
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    pub fn take(&mut self, spool: Spool) -> Result<()> {
        let Spool { mut file, bytes } = spool;
        let To::File { file: to, .. } = &mut self.to else { return Ok(()) };
        let copied = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| to.flush())
            // From file to file: the kernel does it.
            .and_then(|()| io::copy(&mut file.take(bytes), to.get_mut()));
        let copied = copied.map_err(|error| failed(error, &self.name))?;
        self.at += copied;
        if copied == bytes { Ok(()) } else { Err(self.failed(io::ErrorKind::UnexpectedEof.into())) }
    }

    pub fn rewind(&mut self, at: u64) -> Result<()> {
        let To::File { file, .. } = &mut self.to else {
            return Err(Error::malformed("what a stream has been given cannot be taken back; this is a bug"));
        };
        let done = file.flush().and_then(|()| file.get_mut().set_len(at)).and_then(|()| file.seek(SeekFrom::Start(at)));
        done.map_err(|error| failed(error, &self.name))?;
        self.at = at;
        Ok(())
    }

    pub fn rewrite_head(&mut self, head: &[u8]) -> Result<()> {
        let To::File { file, .. } = &mut self.to else { return Ok(()) };
        let done = file.flush().and_then(|()| {
            let file = file.get_mut();
            // What the head points at has to be there before it points.
            file.sync_data()?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(head)?;
            file.seek(SeekFrom::End(0)).map(drop)
        });
        done.map_err(|error| failed(error, &self.name))
    }

    pub fn publish(self) -> Result<()> {
        match self.to {
            To::Stream(mut stream) => stream.flush().map_err(|error| failed(error, &self.name)),
            To::File { file, mut draft, path, overwrite } => {
                let file = file.into_inner().map_err(|error| failed(error.into_error(), &self.name))?;
                file.sync_all().map_err(|error| failed(error, &self.name))?;
                insist_on_room(&path, overwrite)?;
                if let Some(draft) = &draft.0 {
                    std::fs::rename(draft, &path).map_err(|error| failed(error, &self.name))?;
                }
                draft.0 = None;
                sync_folder(&path).map_err(|error| failed(error, &self.name))
            }
        }
    }
}

/// The name comes to last with the folder that holds it.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The temporary name: in the same folder, so that it can be renamed.
fn draft_of(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        Error::usage(format!("`{}` is no name of a file", path.display())).with_hint("Name the archive to be written.")
    })?;
    let mut draft = name.to_owned();
    draft.push(".part");
    Ok(path.with_file_name(draft))
}

/// Looks whether an archive may take this name.
///
/// # Errors
///
/// `Refused` if a folder has it, or a file that may not be replaced.
pub fn insist_on_room(path: &Path, overwrite: bool) -> Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(Error::refused(format!("{} is a folder", path.display())).with_hint("Name a file in it."))
        }
        Ok(_) if !overwrite => Err(Error::refused(format!("{} exists already", path.display()))
            .with_hint("Name another file, or say --overwrite if it may be replaced once the new one is whole.")),
        _ => Ok(()),
    }
}

fn failed(error: io::Error, name: &str) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The volume is full. Free some space or name a file on another volume; nothing was left behind."
        }
        io::ErrorKind::FileTooLarge => {
            "The file may not become so large, by the limits of its volume or of this process (ulimit -f); nothing was \
             left behind."
        }
        io::ErrorKind::NotFound => "Make its folder first.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Name a file in a folder that may be written to."
        }
        _ => "",
    };
    let failed = Error::new(ErrorKind::Io, "cannot write the archive").about(name.to_owned()).with_source(error);
    if hint.is_empty() { failed } else { failed.with_hint(hint) }
}
