//! Whether there is room for an archive.

use std::path::Path;

use crate::archive::codec::Codec;
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};

/// What an archive is taken to need, in hundredths of the size of its tables on the server: less than the first is hopeless,
/// less than the second is worth a word. All are guesses: nobody knows how well rows compress before they are read.
const fn needed(codec: Codec) -> (u64, u64) {
    match codec {
        Codec::None => (50, 100),
        Codec::Gzip(_) | Codec::Lz4 | Codec::Zstd(_) | Codec::ZstdAdapted => (5, 40),
    }
}

/// Compares the free space of the volume with what so many bytes of tables may take.
///
/// # Errors
///
/// `Refused` where even data that compresses very well would not fit.
pub(super) fn check(path: &Path, bytes: u64, codec: Codec) -> Result<Option<Finding>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Whether the folder is there is seen when the file is made.
    let Some(free) = free(folder) else { return Ok(None) };
    let (least, usual) = needed(codec);
    let told = |what: &str| {
        format!(
            "{what}: {:.1} GB are free for an archive of a database with {:.1} GB of rows",
            free as f64 / 1e9,
            bytes as f64 / 1e9
        )
    };
    if free < bytes / 100 * least {
        return Err(Error::refused(told("the volume is too small"))
            .about(path.display())
            .with_hint("Name a file on another volume, or leave the rows of some tables out (--exclude-table-data)."));
    }
    Ok((free < bytes / 100 * usual).then(|| Finding {
        severity: Severity::Warning,
        subject: path.display().to_string(),
        text: told("the volume may be too small"),
        remedy: Some("If it fills, the dump fails and leaves nothing behind.".to_owned()),
    }))
}

/// The free bytes of a volume, as far as they are for us.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Option<u64> {
    None
}
