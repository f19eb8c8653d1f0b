//! How long it takes to write and to restore an archive, beside stock tools, in turn; how large it is, and what it costs an
//! upgrade to write one on its way.
//!
//! `cargo bench --bench archive [-- --orders N --runs N --jobs N --not-durable --set NAME=VALUE --only WAY]`
//!
//! Every run begins with a fresh target and a CHECKPOINT on both servers. What counts are the ratios of the medians.

mod pairs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pairs::{DATABASE, Line, Options, Pair, Result, Took, bytes_of, pgtandem, remove, stock};

const USAGE: &str = "\
usage: cargo bench --bench archive [-- OPTIONS]

  --only WAY         dump, restore or upgrade (default: all of them)";

fn main() -> ExitCode {
    if let Some("dump" | "restore" | "upgrade") = std::env::args().nth(1).as_deref() {
        return ExitCode::from(pgtandem::cli::main());
    }
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("archive: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is compared: ways with a name, and the place of that among them that each is measured by.
const WAYS: [(Way, &str, Option<Way>); 8] = [
    (Way::Dump, "pgtandem dump", None),
    (Way::DumpFolder, "pg_dump -Fd -j2 -Z zstd:3", Some(Way::Dump)),
    (Way::DumpGzip, "pg_dump -Fc", Some(Way::Dump)),
    (Way::DumpZstd, "pg_dump -Fc -Z zstd:3", Some(Way::Dump)),
    (Way::Restore, "pgtandem restore --verify none", None),
    (Way::RestoreFolder, "pg_restore -j4, from a folder of zstd:3", Some(Way::Restore)),
    (Way::UpgradeArchive, "pgtandem upgrade --verify none --archive", None),
    (Way::Upgrade, "pgtandem upgrade --verify none --format text", Some(Way::UpgradeArchive)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Dump,
    DumpFolder,
    DumpGzip,
    DumpZstd,
    Restore,
    RestoreFolder,
    UpgradeArchive,
    Upgrade,
}

impl Way {
    /// The command that it is about.
    fn group(self) -> &'static str {
        match self {
            Self::Dump | Self::DumpFolder | Self::DumpGzip | Self::DumpZstd => "dump",
            Self::Restore | Self::RestoreFolder => "restore",
            Self::UpgradeArchive | Self::Upgrade => "upgrade",
        }
    }
}

fn compare() -> Result<()> {
    let mut only = String::new();
    let options = Options::read(USAGE, |argument, value| {
        let known = argument == "--only";
        if known {
            only = value()?;
        }
        Ok(known)
    })?;
    let Some(options) = options else { return Ok(()) };
    let ways: Vec<_> = WAYS.into_iter().filter(|(way, ..)| only.is_empty() || way.group() == only).collect();
    if ways.is_empty() {
        return Err(format!("there is no {only} to be compared\n\n{USAGE}").into());
    }
    let place = |wanted: Way| ways.iter().position(|(way, ..)| *way == wanted);
    let mut lines: Vec<Line> = ways
        .iter()
        .map(|(_, name, against)| Line { name: (*name).to_owned(), against: against.and_then(place), took: Vec::new() })
        .collect();
    let pair = Pair::start(&options)?;
    // What is restored is the same in all runs.
    let (archive, folder) = (pair.scratch.join("kept.pgdump"), pair.scratch.join("kept"));
    if place(Way::Restore).is_some() {
        dump(&pair, &archive, &options.jobs)?;
        stock_dump(&pair, &folder, &["-Fd", "-j2", "-Z", "zstd:3"])?;
    }
    pair.compare(options.runs, &mut lines, |pair, number| {
        let (from, to) = (pair.old.url(DATABASE), pair.new.url(DATABASE));
        let ours =
            |arguments: &[&str]| pgtandem(arguments.iter().copied().chain(options.jobs.iter().map(String::as_str)));
        match ways.get(number).map(|(way, ..)| *way) {
            Some(Way::Dump) => dump(pair, &fresh(pair)?, &options.jobs),
            Some(Way::DumpFolder) => stock_dump(pair, &fresh(pair)?, &["-Fd", "-j2", "-Z", "zstd:3"]),
            Some(Way::DumpGzip) => stock_dump(pair, &fresh(pair)?, &["-Fc"]),
            Some(Way::DumpZstd) => stock_dump(pair, &fresh(pair)?, &["-Fc", "-Z", "zstd:3"]),
            Some(Way::Restore) => ours(&["restore", "--verify", "none", "--to", &to, "--archive", name(&archive)?]),
            Some(Way::RestoreFolder) => {
                let mut restore = pair.new.client("pg_restore")?;
                restore.args(["-j4", "--create", "--exit-on-error", "-d", "postgres"]).arg(&folder);
                stock([restore])
            }
            Some(Way::UpgradeArchive) => {
                let archive = fresh(pair)?;
                let upgrade =
                    ["upgrade", "--verify", "none", "--from", &from, "--to", &to, "--archive", name(&archive)?];
                let took = ours(&upgrade)?;
                Ok(Took { bytes: Some(bytes_of(&archive)?), ..took })
            }
            // Rows that go into an archive, too, cross as text.
            Some(Way::Upgrade) | None => {
                ours(&["upgrade", "--verify", "none", "--format", "text", "--from", &from, "--to", &to])
            }
        }
    })
}

/// A name where nothing is.
fn fresh(pair: &Pair) -> Result<PathBuf> {
    let path = pair.scratch.join("written");
    remove(&path)?;
    Ok(path)
}

fn name(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("the folder of the lab has a name that is no text")?)
}

fn dump(pair: &Pair, to: &Path, jobs: &[String]) -> Result<Took> {
    let from = pair.old.url(DATABASE);
    let arguments = ["dump", "--from", &from, "--archive", name(to)?];
    let took = pgtandem(arguments.into_iter().chain(jobs.iter().map(String::as_str)))?;
    Ok(Took { bytes: Some(bytes_of(to)?), ..took })
}

fn stock_dump(pair: &Pair, to: &Path, how: &[&str]) -> Result<Took> {
    let mut dump = pair.old.client("pg_dump")?;
    dump.args(how).args(["-d", DATABASE, "-f"]).arg(to);
    let took = stock([dump])?;
    Ok(Took { bytes: Some(bytes_of(to)?), ..took })
}
