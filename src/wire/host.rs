//! What the machine of a server has for it: processors and memory, as far as the login may look.
//!
//! The server reads the files of its own machine for us (`pg_read_file`), so that the limits of a container are those of the
//! server's, wherever we run. That takes a superuser or `pg_read_server_files` (documentation of 18, 9.28.9, Generic File
//! Access Functions), and Linux; of other servers nothing is known, and nothing goes wrong.

use std::num::NonZeroUsize;

use super::session::Session;
use super::version::ServerVersion;
use crate::error::Result;
use crate::sql;
use crate::sql::{Literal, Sql, join};

/// The longest file that is read, in bytes.
const LONGEST: i64 = 64 * 1024;
/// How many control groups above each other are looked at.
const DEEPEST: usize = 16;

/// What a server has for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// How many processors may work for it at once: those that it may run on, or less where its control group has a quota.
    pub processors: Option<NonZeroUsize>,
    /// How many bytes of memory it could take now without taking them from others, or from what its control group grants.
    pub memory: Option<u64>,
}

impl Host {
    /// Asks a server. What cannot be learned is not known: that is no error.
    ///
    /// # Errors
    ///
    /// - As for [`Session::row`], where the session itself is at an end.
    pub async fn read(session: &Session) -> Result<Self> {
        match read(session).await {
            Err(error) if session.is_closed() => Err(error),
            Err(error) => {
                tracing::debug!(%error, "the machine of a server is not known");
                Ok(Self::default())
            }
            host => host,
        }
    }
}

async fn read(session: &Session) -> Result<Host> {
    if !may_look_at(session.version()) || !session.row(&may_read()).await?.get("may")? {
        return Ok(Host::default());
    }
    let own = files(session, &["/proc/self/status", "/proc/meminfo", "/proc/self/cgroup"]).await?;
    let [status, memory, groups] = own.as_slice() else { return Ok(Host::default()) };
    let mut host = Host { processors: allowed(status), memory: available(memory) };
    let folders = folders(groups);
    let names = ["cpu.max", "memory.max", "memory.current", "memory.stat"];
    let paths: Vec<String> = folders.iter().flat_map(|folder| names.map(|name| format!("{folder}/{name}"))).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(FIRST_VERSION).collect();
    let limits = files(session, &paths).await?;
    let (unified, first) =
        limits.split_at_checked(limits.len().saturating_sub(FIRST_VERSION.len())).unwrap_or_default();
    for group in unified.chunks(names.len()) {
        if let [processors, most, taken, of_that] = group {
            host.at_most(quota(processors), room(most, taken, of_that));
        }
    }
    if let [quota, period, most, taken] = first {
        // Without a limit the first version names the largest number of pages that there can be, in bytes.
        host.at_most(
            share(number(quota), number(period)),
            number(most).map(|most| most.saturating_sub(number(taken).unwrap_or(0))),
        );
    }
    Ok(host)
}

/// Where the first version of control groups keeps its limits, in a container.
const FIRST_VERSION: [&str; 4] = [
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
    "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes",
];

impl Host {
    fn at_most(&mut self, processors: Option<NonZeroUsize>, memory: Option<u64>) {
        self.processors = least(self.processors, processors);
        self.memory = least(self.memory, memory);
    }
}

fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The role came with 11; before that nobody reads files outside of the data directory.
const fn may_look_at(version: ServerVersion) -> bool {
    version.major() >= 11
}

fn may_read() -> Sql {
    Sql::constant(
        "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_read_file(text, bigint, bigint, boolean)', 'EXECUTE') \
         AND pg_catalog.pg_has_role('pg_read_server_files', 'USAGE') AS may",
    )
}

/// The texts of these files, in their order; empty for those that are not there.
async fn files(session: &Session, paths: &[&str]) -> Result<Vec<String>> {
    let paths = join(paths.iter().map(|path| sql!("{}", Literal(path))), ", ");
    let query = sql!(
        "SELECT COALESCE(pg_catalog.pg_read_file(f.path, 0, {}, true), '') AS text \
         FROM pg_catalog.unnest(ARRAY[{}]::pg_catalog.text[]) WITH ORDINALITY AS f (path, place) ORDER BY f.place",
        LONGEST,
        paths
    );
    session.rows(&query).await?.iter().map(|row| row.get("text")).collect()
}

/// How many processors a process may run on, by its `/proc/PID/status` (`proc_pid_status(5)`).
fn allowed(status: &str) -> Option<NonZeroUsize> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut count = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (number(first)?, number(last)?);
        last.checked_sub(first)?.checked_add(1)
    });
    let count = count.try_fold(0u64, |sum, part| sum.checked_add(part?))?;
    NonZeroUsize::new(usize::try_from(count).ok()?)
}

/// The memory that could be taken without swapping, by `/proc/meminfo` (`proc_meminfo(5)`).
fn available(memory: &str) -> Option<u64> {
    let line = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    number(line.trim().strip_suffix("kB")?)?.checked_mul(1024)
}

/// The folders of the control group that `/proc/self/cgroup` names, and of all above it (`cgroups(7)`, version 2).
fn folders(groups: &str) -> Vec<String> {
    let Some(path) = groups.lines().find_map(|line| line.strip_prefix("0::")) else { return Vec::new() };
    let mut folder = "/sys/fs/cgroup".to_owned();
    let mut folders = vec![folder.clone()];
    for name in path.split('/').filter(|name| !name.is_empty() && *name != "..").take(DEEPEST) {
        folder = format!("{folder}/{name}");
        folders.push(folder.clone());
    }
    folders
}

/// `cpu.max`: so many microseconds in so many.
fn quota(text: &str) -> Option<NonZeroUsize> {
    let (quota, period) = text.trim().split_once(' ')?;
    share(number(quota), number(period))
}

/// Processors that are full for a part of the time, rounded up.
fn share(quota: Option<u64>, period: Option<u64>) -> Option<NonZeroUsize> {
    let period = period.filter(|period| *period > 0)?;
    NonZeroUsize::new(usize::try_from(quota?.div_ceil(period)).ok()?)
}

/// What a control group has left: what it keeps of files can be had again, apart from shared memory, which counts as such.
fn room(most: &str, taken: &str, of_that: &str) -> Option<u64> {
    let (most, taken) = (number(most)?, number(taken)?);
    let of = |name: &str| {
        let value = of_that.lines().find_map(|line| number(line.strip_prefix(name)?.strip_prefix(' ')?));
        value.unwrap_or(0)
    };
    let again = of("file").saturating_sub(of("shmem"));
    Some(most.saturating_sub(taken.saturating_sub(again)))
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn processors(count: usize) -> Option<NonZeroUsize> {
        NonZeroUsize::new(count)
    }

    #[test]
    fn processors_that_it_may_run_on() {
        for (list, expected) in [("0-1", 2), ("0", 1), ("0-3,8-11", 8), ("0,2,4", 3), ("", 0), ("3-1", 0), ("x", 0)] {
            let status = format!("Name:\tpostgres\nCpus_allowed:\tf\nCpus_allowed_list:\t{list}\nMems_allowed:\t1\n");
            assert_eq!(allowed(&status), processors(expected), "{list:?}");
        }
        assert_eq!(allowed("Name:\tpostgres\n"), None);
    }

    #[test]
    fn quotas_of_processors() {
        for (text, expected) in [
            ("max 100000\n", 0),
            ("200000 100000\n", 2),
            ("150000 100000\n", 2),
            ("50000 100000", 1),
            ("1 0", 0),
            ("", 0),
        ] {
            assert_eq!(quota(text), processors(expected), "{text:?}");
        }
    }

    #[test]
    fn memory_that_is_left() {
        assert_eq!(available("MemTotal:  2000 kB\nMemAvailable:     1000 kB\n"), Some(1_024_000));
        assert_eq!(available("MemTotal:  2000 kB\n"), None);
        let stat = "anon 100\nfile 700\nfile_mapped 5\nshmem 300\n";
        // 400 of the files can be had again.
        assert_eq!(room("1000\n", "900\n", stat), Some(500));
        assert_eq!(room("1000\n", "900\n", ""), Some(100));
        assert_eq!(room("max\n", "900\n", stat), None);
        assert_eq!(room("1000\n", "3000\n", stat), Some(0));
    }

    #[test]
    fn control_groups() {
        assert_eq!(folders("0::/\n"), ["/sys/fs/cgroup"]);
        let expected = ["/sys/fs/cgroup", "/sys/fs/cgroup/a.slice", "/sys/fs/cgroup/a.slice/b.service"];
        assert_eq!(folders("1:cpu:/x\n0::/a.slice/b.service\n"), expected);
        // From a namespace that is not the one of the files.
        assert_eq!(folders("0::/../../x\n"), ["/sys/fs/cgroup", "/sys/fs/cgroup/x"]);
        assert!(folders("4:memory:/\n").is_empty());
    }
}
