//! How long an upgrade takes beside what users would use instead, in pairs: ours, theirs, ours, theirs.
//!
//! `cargo bench --bench paired [-- --orders N --runs N --jobs N --verify HOW --also OPTIONS --alone --not-durable
//! --set NAME=VALUE]`
//!
//! Every run begins with a fresh target and a CHECKPOINT on both servers. What counts are the ratios of the medians. Where
//! `pgcopydb` is installed, it takes part.

mod pairs;

use std::process::{Command, ExitCode, Stdio};

use pairs::{DATABASE, Line, Options, Pair, Result, Took, bytes_of, pgtandem, remove, stock};

const USAGE: &str = "\
usage: cargo bench --bench paired [-- OPTIONS]

  --verify HOW       as for pgtandem upgrade (default none: the others do not verify)
  --also OPTIONS     a run of ours with these options, too; may be given again
  --alone            without what others do";

/// A run of something.
type Way = fn(&Pair) -> Result<Took>;

/// What others do: a name, and how.
const OTHERS: [(&str, Way); 5] = [
    ("pg_dump -Fd -j2 -Z gzip, pg_restore -j4", |pair| dump_and_restore(pair, "gzip")),
    ("pg_dump -Fd -j2 -Z zstd:3, pg_restore -j4", |pair| dump_and_restore(pair, "zstd:3")),
    ("pg_dump -Fc, pg_restore", dump_and_restore_alone),
    ("pgcopydb clone --table-jobs 4 --index-jobs 4", |pair| copydb(pair, "4")),
    ("pgcopydb clone --table-jobs 2 --index-jobs 2", |pair| copydb(pair, "2")),
];

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
    let (mut verify, mut also, mut alone) = ("none".to_owned(), Vec::new(), false);
    let options = Options::read(USAGE, |argument, value| {
        match argument {
            "--verify" => verify = value()?,
            "--also" => also.push(value()?),
            "--alone" => alone = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(options) = options else { return Ok(()) };
    let words = |more: String| {
        let more: Vec<String> = more.split_whitespace().map(str::to_owned).collect();
        let verify = ["--verify".to_owned(), verify.clone()];
        let verify = verify.into_iter().filter(|_| !more.iter().any(|word| word == "--verify"));
        options.jobs.iter().cloned().chain(verify).chain(more.clone()).collect()
    };
    let ours: Vec<Vec<String>> = std::iter::once(String::new()).chain(also).map(words).collect();
    let line = |name: String, against| Line { name, against, took: Vec::new() };
    let mut lines: Vec<Line> = Vec::new();
    for arguments in &ours {
        lines.push(line(format!("pgtandem upgrade {}", arguments.join(" ")), (!lines.is_empty()).then_some(0)));
    }
    let installed = Command::new("pgcopydb").arg("version").stdout(Stdio::null()).status().is_ok();
    let others: Vec<_> =
        OTHERS.into_iter().filter(|(name, _)| !alone && (installed || !name.starts_with("pgcopydb"))).collect();
    lines.extend(others.iter().map(|(name, _)| line((*name).to_owned(), Some(0))));
    Pair::start(&options)?.compare(options.runs, &mut lines, |pair, way| {
        match (ours.get(way), others.get(way.saturating_sub(ours.len()))) {
            (Some(arguments), _) => {
                let (from, to) = (pair.old.url(DATABASE), pair.new.url(DATABASE));
                let ends = ["upgrade", "--from", &from, "--to", &to].map(str::to_owned);
                pgtandem(ends.iter().chain(arguments))
            }
            (None, Some((_, other))) => other(pair),
            (None, None) => Err("there is no such way".into()),
        }
    })
}

/// One file and one connection at a time, as most people do it.
fn dump_and_restore_alone(pair: &Pair) -> Result<Took> {
    let file = pair.scratch.join("dump");
    remove(&file)?;
    let mut dump = pair.old.client("pg_dump")?;
    dump.args(["-Fc", "-d", DATABASE, "-f"]).arg(&file);
    let mut restore = pair.new.client("pg_restore")?;
    restore.args(["--create", "--exit-on-error", "-d", "postgres"]).arg(&file);
    let took = stock([dump, restore])?;
    Ok(Took { bytes: Some(bytes_of(&file)?), ..took })
}

/// It copies into a database that is there, and keeps its notes in a folder. The stock tools that it runs are those of its
/// package's own choice.
fn copydb(pair: &Pair, jobs: &str) -> Result<Took> {
    let folder = pair.scratch.join("pgcopydb");
    remove(&folder)?;
    pair.new.create_database(DATABASE)?;
    let mut command = Command::new("pgcopydb");
    command.args(["clone", "--table-jobs", jobs, "--index-jobs", jobs, "--no-owner", "--not-consistent"]);
    command.args(["--source", &pair.old.url(DATABASE), "--target", &pair.new.url(DATABASE), "--dir"]).arg(&folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    stock([command])
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
