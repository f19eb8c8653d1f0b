//! The folder a running server lives in, and what becomes of those whose process was killed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Context, Error, Result};
use crate::{cache, user};

/// The longest folder a socket can have: 107 bytes go into a socket address, `/.s.PGSQL.65535` is part of them.
const SOCKET_FOLDER_LIMIT: usize = 90;

/// A folder for one server: `data`, `socket` and `log`.
///
/// The lock says that the process that made the folder still lives. It is its supervisor that removes the folder;
/// only where that one was killed too does a later [`Home::create`] find the lock free and remove it.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    socket: PathBuf,
    _lock: File,
}

impl Home {
    pub(crate) fn create(major: u32) -> Result<Home> {
        let running = cache::directory()?.join("running");
        // Held so that nobody takes our folder for an abandoned one before it is locked.
        let _held = cache::lock("running")?;
        cache::create(&running)?;
        // The supervisor runs as the server's user and is to remove the server's folder.
        user::give(&running)?;
        sweep(&running);
        let path = unused(&running, major)?;
        cache::create(&path)?;
        let lock = File::create(path.join("lock")).context(|| format!("create a lock in {}", path.display()))?;
        lock.lock().context(|| format!("lock {}", path.display()))?;
        user::give(&path)?;
        let socket = socket_folder(&path)?;
        Ok(Home { path, socket, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn log(&self) -> String {
        fs::read(self.path.join("log")).map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    /// An error about this server, with the end of its log.
    pub(crate) fn error(&self, what: impl Into<String>) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let log = lines[lines.len().saturating_sub(20)..].join("\n");
        Error::Server { what: what.into(), log }
    }
}

impl Drop for Home {
    /// Removes what is left when no supervisor did, as after a start that failed early.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_dir_all(&self.socket);
    }
}

/// A name no other server has, of this process or another.
fn unused(running: &Path, major: u32) -> Result<PathBuf> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    for _ in 0..1000 {
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = running.join(format!("{major}-{}-{count}", process::id()));
        if !path.exists() {
            return Ok(path);
        }
    }
    Err(Error::Unsupported(format!("{} is full of servers", running.display())))
}

/// Within the server's folder, unless that makes too long a name.
fn socket_folder(home: &Path) -> Result<PathBuf> {
    let mut socket = home.join("socket");
    if socket.as_os_str().len() > SOCKET_FOLDER_LIMIT {
        let name = home.file_name().unwrap_or_default().to_string_lossy();
        socket = std::env::temp_dir().join(format!("pgtandem-lab-{name}"));
        cache::remove(&socket)?;
    }
    cache::create(&socket)?;
    user::give(&socket)?;
    Ok(socket)
}

/// Removes the folders whose process is gone. What cannot be removed now is tried again next time.
///
/// Folders are made and locked while "running" is held, as it is here: one without a lock is abandoned too, such as
/// one whose removal was upset by a copy that outlived the process that asked for it.
fn sweep(running: &Path) {
    let entries = fs::read_dir(running).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let abandoned = match File::open(path.join("lock")) {
            Ok(lock) => lock.try_lock().is_ok(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if abandoned {
            let _ = fs::remove_dir_all(&path);
        }
    }
}
