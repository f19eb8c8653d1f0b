//! The unprivileged user servers run as when we are root: PostgreSQL refuses root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::error::{Context, Result};
use crate::process;

/// What most systems call `nobody`, for one without such an entry.
const OVERFLOW_ID: u32 = 65534;

/// A user to run servers as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    uid: u32,
    gid: u32,
}

/// The user to step down to, or `None` where we are not root and stay who we are.
pub(crate) fn account() -> Option<Account> {
    static ACCOUNT: OnceLock<Option<Account>> = OnceLock::new();
    *ACCOUNT.get_or_init(|| (own_uid() == Some(0)).then(nobody))
}

/// Our own user id, as the owner of our own process entry.
pub(crate) fn own_uid() -> Option<u32> {
    fs::metadata("/proc/self").ok().map(|entry| entry.uid())
}

fn nobody() -> Account {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let entry = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("nobody")).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    });
    entry.unwrap_or(Account { uid: OVERFLOW_ID, gid: OVERFLOW_ID })
}

/// A command that runs as the server's user, in a folder that user can enter.
pub(crate) fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    if let Some(Account { uid, gid }) = account() {
        command.uid(uid).gid(gid);
    }
    command
}

/// Gives a file or folder, but nothing beneath it, to the server's user.
pub(crate) fn give(path: &Path) -> Result<()> {
    let Some(Account { uid, gid }) = account() else {
        return Ok(());
    };
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).context(|| format!("give {} to user {uid}", path.display()))
}

/// Gives a whole folder to the server's user.
pub(crate) fn give_all(path: &Path) -> Result<()> {
    let Some(Account { uid, gid }) = account() else {
        return Ok(());
    };
    let mut chown = Command::new("chown");
    chown.arg("-R").arg(format!("{uid}:{gid}")).arg(path);
    process::run(&mut chown).map(drop)
}

/// Whether the server's user can enter `path`, or what of it exists.
pub(crate) fn can_enter(path: &Path) -> bool {
    let Some(account) = account() else {
        return true;
    };
    path.ancestors().all(|folder| match fs::metadata(folder) {
        Ok(entry) => enterable(account, &entry),
        Err(_) => true,
    })
}

fn enterable(account: Account, entry: &fs::Metadata) -> bool {
    let bit = if entry.uid() == account.uid {
        0o100
    } else if entry.gid() == account.gid {
        0o010
    } else {
        0o001
    };
    entry.mode() & bit != 0
}
