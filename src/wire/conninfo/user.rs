//! The operating system's idea of who we are: the last default of the user name.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::error::{Error, Result};

/// The name of the user we run as.
///
/// # Errors
/// * `Usage` if the user has no name, as in a container that runs under a number nobody assigned.
pub(super) fn name(env: &dyn Fn(&str) -> Option<String>) -> Result<String> {
    let named = entry().map(|(name, _)| name).or_else(|| env("USER")).or_else(|| env("LOGNAME"));
    named.ok_or_else(|| {
        Error::usage("no user name to log in with, and the operating system has none for us")
            .with_hint("Put it into the connection string, as in postgresql://user@host/database, or set PGUSER.")
    })
}

/// The home folder by the user database, for when HOME is not set.
pub(super) fn home() -> Option<String> {
    entry().map(|(_, home)| home).filter(|home| !home.is_empty())
}

/// Name and home folder of our entry in the user database.
fn entry() -> Option<(String, String)> {
    // Our own entry in `/proc` is owned by the user we run as; the library forbids the unsafe call that would say it,
    // too.
    let uid = fs::metadata("/proc/self").ok()?.uid();
    find(&fs::read_to_string("/etc/passwd").ok()?, uid)
}

fn find(passwd: &str, uid: u32) -> Option<(String, String)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(())?;
        Some((name.to_owned(), fields.nth(2).unwrap_or_default().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000:,,,:/home/ann:/bin/sh\n";
        assert_eq!(find(passwd, 1000), Some(("ann".into(), "/home/ann".into())));
        assert_eq!(find(passwd, 1), None);
    }
}
