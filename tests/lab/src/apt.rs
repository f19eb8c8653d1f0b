//! Stock clients, from Debian packages unpacked into a folder: nothing gets installed on the machine.
//!
//! apt runs with lists, archives and an empty status of its own, so it fetches the client with *all* it depends on,
//! down to the C library. What is unpacked therefore runs on any Linux, through the folder's own dynamic loader.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::client::PROGRAMS;
use crate::error::{Context, Error, Result};
use crate::{cache, process, say};

/// The majors whose client Debian has, and the suite that has it.
const SUITES: [(u32, &str); 3] = [(15, "bookworm"), (17, "trixie"), (18, "forky")];

/// Where Debian systems keep the keys that sign Debian's archive.
const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

/// Fills `folder` with the client of a major; its programs are then in `folder/bin`.
pub(crate) fn provision_client(major: u32, folder: &Path) -> Result<()> {
    let Some((_, suite)) = SUITES.iter().find(|(known, _)| *known == major) else {
        return Err(Error::Unsupported(format!(
            "no suite of Debian has a client of major {major}: point PGTANDEM_CLIENT_DIR_{major} to one"
        )));
    };
    say(&format!("fetching PostgreSQL {major} client (30 MB)"));
    let apt = folder.join("apt");
    download(&apt, suite, &package(major))?;
    let root = folder.join("root");
    cache::create(&root)?;
    for package in packages(&apt)? {
        process::run(Command::new("dpkg").arg("-x").arg(package).arg(&root))?;
    }
    cache::remove(&apt)?;
    write_wrappers(folder, &root, major)
}

fn package(major: u32) -> String {
    format!("postgresql-client-{major}")
}

/// Downloads a package and what it depends on from the first mirror that has it.
fn download(apt: &Path, suite: &str, package: &str) -> Result<()> {
    let mut last = Error::Unsupported(format!(
        "no apt source of this machine leads to Debian: install {package} of the suite {suite}, or set the variable \
         that points to a client"
    ));
    for mirror in mirrors()? {
        match download_from(apt, &mirror, suite, package) {
            Ok(()) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn download_from(apt: &Path, mirror: &str, suite: &str, package: &str) -> Result<()> {
    configure(apt, mirror, suite)?;
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.arg("-qq").arg("-c").arg(apt.join("apt.conf")).args(arguments);
        command
    };
    process::run_with_retries(|| apt_get(&["update"]))?;
    process::run_with_retries(|| apt_get(&["install", "-y", "--download-only", package])).map(drop)
}

/// The addresses this machine's own apt takes packages from, most promising first.
fn mirrors() -> Result<Vec<String>> {
    // Asking apt spares us both formats of its source lists.
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI) $(COMPONENT)", "Created-By: Packages"]);
    let listing = process::run(&mut command)?;
    let mut mirrors: Vec<String> = listing
        .lines()
        .filter_map(|line| line.strip_suffix(" main"))
        .map(|mirror| mirror.trim_end_matches('/').to_owned())
        .filter(|mirror| mirror.contains("debian") && !mirror.ends_with("security"))
        .collect();
    mirrors.sort_by_key(|mirror| !mirror.ends_with("/debian"));
    mirrors.dedup();
    Ok(mirrors)
}

/// Writes an apt configuration that touches nothing outside `apt`.
fn configure(apt: &Path, mirror: &str, suite: &str) -> Result<()> {
    for folder in ["lists/partial", "archives/partial", "log"] {
        cache::create(&apt.join(folder))?;
    }
    let keyring = KEYRINGS.iter().find(|path| Path::new(path).exists());
    let signed_by = keyring.map(|path| format!(" signed-by={path}")).unwrap_or_default();
    let source = format!("deb [target=Packages{signed_by}] {mirror} {suite} main\n");
    // The hooks would tidy the system's folders, not ours. The sandbox user could not write to ours.
    let configuration = format!(
        "#clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         #clear DPkg::Pre-Invoke;\n\
         #clear DPkg::Post-Invoke;\n\
         #clear DPkg::Pre-Install-Pkgs;\n\
         APT::Sandbox::User \"\";\n\
         APT::Install-Recommends \"false\";\n\
         Acquire::Languages \"none\";\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         Dir::State \"{folder}\";\n\
         Dir::State::lists \"{folder}/lists\";\n\
         Dir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}\";\n\
         Dir::Cache::archives \"{folder}/archives\";\n\
         Dir::Log \"{folder}/log\";\n",
        folder = apt.display()
    );
    for (name, text) in [("sources.list", source), ("apt.conf", configuration), ("status", String::new())] {
        let path = apt.join(name);
        fs::write(&path, text).context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// The packages to unpack.
fn packages(apt: &Path) -> Result<Vec<PathBuf>> {
    let mut packages = files(&apt.join("archives"))?;
    packages.retain(|path| path.extension() == Some(OsStr::new("deb")));
    // Perl serves the distribution's own wrappers only, and is more than half of the size.
    packages.retain(|path| !path.to_string_lossy().contains("perl"));
    Ok(packages)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).context(|| format!("read {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// Writes a script for each program that runs it through the folder's own loader.
///
/// Scripts, since `pg_dumpall` looks for an executable `pg_dump` beside itself.
fn write_wrappers(folder: &Path, root: &Path, major: u32) -> Result<()> {
    let (place, libraries, loader) = find_loader(root)?;
    let bin = folder.join("bin");
    cache::create(&bin)?;
    for program in PROGRAMS {
        let script = format!(
            "#!/bin/sh\n\
             root=${{0%/*}}/../root\n\
             libraries=$root/usr/lib/{libraries}:$root/lib/{libraries}\n\
             exec \"$root/{place}/{libraries}/{loader}\" --argv0 \"$0\" --library-path \"$libraries\" \
             \"$root/usr/lib/postgresql/{major}/bin/{program}\" \"$@\"\n"
        );
        let path = bin.join(program);
        fs::write(&path, script).context(|| format!("write {}", path.display()))?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))
            .context(|| format!("set the mode of {}", path.display()))?;
    }
    Ok(())
}

/// Where the loader is, from the root: the place of folders with libraries, the name of that folder, which depends on the
/// machine, and its own. Packages before trixie have some libraries in `/lib`, which is a link to the other on whole systems.
fn find_loader(root: &Path) -> Result<(&'static str, String, String)> {
    for place in ["usr/lib", "lib"] {
        let lib = root.join(place);
        let folders = if lib.is_dir() { files(&lib)? } else { Vec::new() };
        for folder in folders.iter().filter(|path| path.is_dir()) {
            for file in files(folder)? {
                let name = name(&file);
                // The loader is `ld-linux-<machine>.so.2`, or much like it.
                if name.starts_with("ld-linux") {
                    return Ok((place, self::name(folder), name));
                }
            }
        }
    }
    Err(Error::Unsupported(format!("no dynamic loader beneath {}", root.display())))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
