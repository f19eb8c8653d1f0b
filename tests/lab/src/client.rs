//! The stock client programs, of major 18 or later.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::{apt, cache, process, say};

/// The programs a client consists of.
pub(crate) const PROGRAMS: [&str; 4] = ["psql", "pg_dump", "pg_restore", "pg_dumpall"];

/// The oldest client that reads every server the lab has.
const MINIMUM: u32 = 18;

/// A folder with `psql`, `pg_dump`, `pg_restore` and `pg_dumpall` of major 18 or later.
#[derive(Debug)]
pub struct Client {
    bin: PathBuf,
}

impl Client {
    /// The client of `$PGTANDEM_CLIENT_DIR`, else an installed one, else one that is provisioned.
    ///
    /// # Errors
    /// * If the folder that was set has no client of 18 or later.
    /// * If none is installed and none can be fetched.
    pub fn get() -> Result<&'static Client> {
        static CLIENT: OnceLock<Result<Client>> = OnceLock::new();
        CLIENT.get_or_init(find).as_ref().map_err(Clone::clone)
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
    if let Some(folder) = env::var_os("PGTANDEM_CLIENT_DIR") {
        let bin = PathBuf::from(folder);
        return match major(&bin) {
            Some(MINIMUM..) => Ok(Client { bin }),
            _ => Err(Error::Unsupported(format!("no client of {MINIMUM} or later in {}", bin.display()))),
        };
    }
    if let Some(bin) = installed() {
        return Ok(Client { bin });
    }
    let folder = cache::once("client-18", |folder| {
        say("fetching PostgreSQL 18 client (30 MB)");
        apt::provision_client(folder)?;
        match major(&folder.join("bin")) {
            Some(MINIMUM..) => Ok(()),
            _ => Err(Error::Unsupported("the client that was fetched does not run".to_owned())),
        }
    })?;
    Ok(Client { bin: folder.join("bin") })
}

/// The first folder of the search path, or of the distribution, with a client that will do.
fn installed() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let distribution = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    env::split_paths(&path)
        .filter(|folder| !is_dispatcher(&folder.join("pg_dump")))
        .chain(distribution.map(|entry| entry.path().join("bin")))
        .find(|folder| matches!(major(folder), Some(MINIMUM..)))
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
