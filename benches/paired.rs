//! How long an upgrade takes beside what users would use instead, in pairs: ours, theirs, ours, theirs.
//!
//! `cargo bench --bench paired [-- --orders N --runs N --jobs N --verify HOW --not-durable --set NAME=VALUE]`
//!
//! Every run begins with a fresh target and a CHECKPOINT on both servers. What counts are the ratios of the medians.

mod pairs;

use std::process::ExitCode;

use pairs::{DATABASE, Line, Options, Pair, Result, Took, bytes_of, pgtandem, remove, stock};

const USAGE: &str = "\
usage: cargo bench --bench paired [-- OPTIONS]

  --verify HOW       as for pgtandem upgrade (default none: the others do not verify)";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("upgrade") {
        return ExitCode::from(pgtandem::cli::main());
    }
    match compare() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("paired: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<()> {
    let mut verify = "none".to_owned();
    let options = Options::read(USAGE, |argument, value| {
        let known = argument == "--verify";
        if known {
            verify = value()?;
        }
        Ok(known)
    })?;
    let Some(options) = options else { return Ok(()) };
    let mut arguments = options.jobs.clone();
    arguments.extend(["--verify".to_owned(), verify]);
    let line = |name: String, against| Line { name, against, took: Vec::new() };
    let mut lines = [
        line(format!("pgtandem upgrade {}", arguments.join(" ")), None),
        line("pg_dump -Fd -j2 -Z gzip, pg_restore -j4".to_owned(), Some(0)),
        line("pg_dump -Fd -j2 -Z zstd:3, pg_restore -j4".to_owned(), Some(0)),
    ];
    Pair::start(&options)?.compare(options.runs, &mut lines, |pair, way| match way {
        0 => {
            let (from, to) = (pair.old.url(DATABASE), pair.new.url(DATABASE));
            let ends = ["upgrade", "--from", &from, "--to", &to].map(str::to_owned);
            pgtandem(ends.iter().chain(&arguments))
        }
        1 => dump_and_restore(pair, "gzip"),
        _ => dump_and_restore(pair, "zstd:3"),
    })
}

fn dump_and_restore(pair: &Pair, compression: &str) -> Result<Took> {
    let folder = pair.scratch.join("dump");
    remove(&folder)?;
    let mut dump = pair.old.client("pg_dump")?;
    dump.args(["-Fd", "-j2", "-Z", compression, "-d", DATABASE, "-f"]).arg(&folder);
    let mut restore = pair.new.client("pg_restore")?;
    restore.args(["-j4", "--create", "--exit-on-error", "-d", "postgres"]).arg(&folder);
    let took = stock([dump, restore])?;
    Ok(Took { bytes: Some(bytes_of(&folder)?), ..took })
}
