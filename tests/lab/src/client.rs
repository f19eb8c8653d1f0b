//! The stock client programs: of major 18 or later for most uses, and of exactly one major for what only that one tells.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::{MAJORS, apt, cache, process};

/// The programs a client consists of.
pub(crate) const PROGRAMS: [&str; 4] = ["psql", "pg_dump", "pg_restore", "pg_dumpall"];

/// The oldest client that reads every server the lab has.
const MINIMUM: u32 = 18;

/// A folder with `psql`, `pg_dump`, `pg_restore` and `pg_dumpall`.
#[derive(Debug)]
pub struct Client {
    bin: PathBuf,
}

impl Client {
    /// A client of 18 or later: that of `$PGTANDEM_CLIENT_DIR`, else an installed one, else one that is provisioned.
    ///
    /// # Errors
    /// * If the folder that was set has no client of 18 or later.
    /// * If none is installed and none can be fetched.
    pub fn get() -> Result<&'static Client> {
        static CLIENT: OnceLock<Result<Client>> = OnceLock::new();
        CLIENT.get_or_init(find).as_ref().map_err(Clone::clone)
    }

    /// The client of exactly this major: that of `$PGTANDEM_CLIENT_DIR_<major>`, else an installed one, else one that is
    /// provisioned.
    ///
    /// # Errors
    /// * If the folder that was set has no client of this major.
    /// * If none is installed and none can be fetched: Debian has those of 15, 17 and 18.
    pub fn of(major: u32) -> Result<&'static Client> {
        static CLIENTS: [OnceLock<Result<Client>>; 9] = [const { OnceLock::new() }; 9];
        let slot = major.checked_sub(*MAJORS.start()).and_then(|index| CLIENTS.get(index as usize));
        let slot = slot.ok_or_else(|| Error::Unsupported(format!("the lab has no client of major {major}")))?;
        slot.get_or_init(|| find_of(major)).as_ref().map_err(Clone::clone)
    }

    /// The folder with the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// A command for `psql`, `pg_dump`, `pg_restore` or `pg_dumpall`.
    ///
    /// [`Server::client`](crate::Server::client) makes one that is connected to a server.
    pub fn command(&self, program: &str) -> Command {
        Command::new(self.bin.join(program))
    }
}

fn find() -> Result<Client> {
    find_as("PGTANDEM_CLIENT_DIR", MINIMUM, "or later ", |major| major >= MINIMUM)
}

fn find_of(major: u32) -> Result<Client> {
    find_as(&format!("PGTANDEM_CLIENT_DIR_{major}"), major, "", |found| found == major)
}

/// A client that will do, else one of `fetched`, which `more` says a bit more of.
fn find_as(variable: &str, fetched: u32, more: &str, will_do: impl Fn(u32) -> bool) -> Result<Client> {
    if let Some(folder) = env::var_os(variable) {
        let bin = PathBuf::from(folder);
        return match major(&bin) {
            Some(found) if will_do(found) => Ok(Client { bin }),
            _ => Err(Error::Unsupported(format!("no client of {fetched} {more}in {}", bin.display()))),
        };
    }
    if let Some(bin) = installed(&will_do) {
        return Ok(Client { bin });
    }
    let folder = cache::once(&format!("client-{fetched}"), |folder| {
        apt::provision_client(fetched, folder)?;
        match major(&folder.join("bin")) {
            Some(found) if found == fetched => Ok(()),
            _ => Err(Error::Unsupported(format!("the client of {fetched} that was fetched does not run"))),
        }
    })?;
    Ok(Client { bin: folder.join("bin") })
}

/// The first folder of the search path, or of the distribution, with a client that will do.
fn installed(will_do: impl Fn(u32) -> bool) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let distribution = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    env::split_paths(&path)
        .filter(|folder| !is_dispatcher(&folder.join("pg_dump")))
        .chain(distribution.map(|entry| entry.path().join("bin")))
        .find(|folder| major(folder).is_some_and(&will_do))
}

/// Whether this is the distribution's wrapper, which picks another version depending on how it is called.
fn is_dispatcher(program: &Path) -> bool {
    fs::canonicalize(program).is_ok_and(|real| real.ends_with("pg_wrapper"))
}

/// The major of the client in this folder, if there is a whole one.
fn major(folder: &Path) -> Option<u32> {
    if !PROGRAMS.iter().all(|program| folder.join(program).exists()) {
        return None;
    }
    let version = process::run(Command::new(folder.join("pg_dump")).arg("--version")).ok()?;
    // As in "pg_dump (PostgreSQL) 18.6 (Debian 18.6-3)", or "19beta1".
    let number = version.split_whitespace().nth(2)?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
