//! Data directories to copy: what `initdb` makes is kept in the cache, so that a start costs a copy.

use std::env;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{Error, Result};
use crate::{cache, process, say, user};

/// The data directory `initdb` of this folder makes with these extra arguments.
pub(crate) fn fresh(major: u32, bin: &Path, arguments: &[String]) -> Result<PathBuf> {
    // Another build may be configured otherwise, so its binaries make a template of their own.
    let mut hasher = DefaultHasher::new();
    (bin, arguments).hash(&mut hasher);
    let folder = cache::once(&format!("template-{major}-{:016x}", hasher.finish()), |folder| {
        say(&format!("initialising a PostgreSQL {major} cluster"));
        user::give(folder)?;
        let mut initdb = user::command(&bin.join("initdb"), folder);
        initdb.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D"]);
        initdb.arg(folder.join("data"));
        // Arguments of the caller come last: initdb takes the last of two.
        initdb.arg(format!("--locale={}", locale())).args(arguments);
        process::run(&mut initdb).map(drop)
    })?;
    Ok(folder.join("data"))
}

/// Whether the archive of the regression databases of this major is at hand.
pub fn regression_available(major: u32) -> bool {
    regression_archive(major).is_file()
}

/// The data directory of PostgreSQL's regression databases of this major.
pub(crate) fn regression(major: u32) -> Result<PathBuf> {
    let name = format!("regression-{major}");
    let folder = cache::once(&name, |folder| {
        let archive = regression_archive(major);
        if !archive.is_file() {
            return Err(Error::Unsupported(format!("there is no {}", archive.display())));
        }
        say(&format!("unpacking the regression databases of PostgreSQL {major}"));
        unpack(&archive, folder)?;
        user::give_all(folder)
    })?;
    Ok(folder.join(name))
}

/// Copies a data directory.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut cp = Command::new("cp");
    cp.args(["-a", "--reflink=auto"]).arg(from).arg(to);
    process::run(&mut cp).map(drop)
}

fn regression_archive(major: u32) -> PathBuf {
    let folder = match env::var_os("PGTANDEM_REGRESSION_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => cache::workspace().join("../shared/regression"),
    };
    folder.join(format!("regression-{major}.tar.zst"))
}

fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let mut zstd = Command::new("zstd");
    zstd.args(["-dcq", "--long=27"]).arg(archive).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut zstd = process::spawn(&mut zstd)?;
    let mut tar = Command::new("tar");
    tar.args(["-xf", "-", "--no-same-owner", "--same-permissions", "-C"]).arg(folder);
    if let Some(stream) = zstd.stdout.take() {
        tar.stdin(stream);
    }
    let unpacked = process::run_piped(&mut tar);
    // A truncated stream is tar's complaint; the exit status of zstd adds nothing to it.
    let _ = zstd.wait();
    unpacked.map(drop)
}

/// UTF-8 with C ordering where the system has it, which most do.
fn locale() -> &'static str {
    let known = process::run(Command::new("locale").arg("-a")).unwrap_or_default();
    let utf8 = known.lines().any(|name| name == "C.utf8" || name == "C.UTF-8");
    if utf8 { "C.UTF-8" } else { "C" }
}
