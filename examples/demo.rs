//! An upgrade to look at: `cargo run --release --example demo [-- --rows N --jobs N --keep]`.
//!
//! Starts an old PostgreSQL 15 and a new 18, fills a database on the old one, and upgrades it as a user would.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;
use std::{env, thread};

use pgtandem_lab::{Client, Server};

const USAGE: &str = "\
An old PostgreSQL 15, a new 18, and an upgrade from one to the other.

usage: cargo run --release --example demo [-- OPTIONS]

  --rows N   how many orders the shop has (default 500000); everything else follows
  --jobs N   as for pgtandem upgrade
  --keep     keep both servers until this is interrupted, even if nobody sits at a terminal";

const SHOP: &str = include_str!("../testdata/shop.sql");
const DATABASE: &str = "shop";

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Options {
    rows: u64,
    jobs: Option<u64>,
    keep: bool,
}

fn main() -> ExitCode {
    // The upgrade is to be a program of its own, as it is for a user. It is this one, with other arguments.
    if env::args().nth(1).as_deref() == Some("upgrade") {
        return ExitCode::from(pgtandem::cli::main());
    }
    match options().and_then(|options| options.map_or(Ok(()), |options| demo(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What was asked for; nothing if that was help.
fn options() -> Result<Option<Options>> {
    let mut options = Options { rows: 500_000, jobs: None, keep: false };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> Result<u64> {
            let value = arguments.next().unwrap_or_default();
            value.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("{argument} takes a number from 1 up").into())
        };
        match argument.as_str() {
            "--rows" => options.rows = number()?.max(1000),
            "--jobs" => options.jobs = Some(number()?),
            "--keep" => options.keep = true,
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            other => return Err(format!("there is no option {other}\n\n{USAGE}").into()),
        }
    }
    Ok(Some(options))
}

fn demo(options: &Options) -> Result<()> {
    let (old, new) = step("Starting PostgreSQL 15, the old server, and 18, the new one", || {
        let settings = |major| Server::builder(major).set("shared_buffers", "256MB").set("max_wal_size", "4GB").start();
        Ok((settings(15)?, settings(18)?))
    })?;
    let what =
        format!("Filling the database {DATABASE} on the old server: {} orders, and what belongs to them", options.rows);
    step(&what, || {
        old.create_database(DATABASE)?;
        old.psql(DATABASE, &format!("\\set orders {}\n{SHOP}", options.rows))?;
        Ok(())
    })?;
    let size = old.psql(DATABASE, "SELECT pg_size_pretty(pg_database_size(current_database()))")?;
    let count = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'shop' AND relkind = ";
    let (tables, indexes) =
        (old.psql(DATABASE, &format!("{count} 'r'"))?, old.psql(DATABASE, &format!("{count} 'i'"))?);
    println!("  {} in {} tables with {} indexes", size.trim(), tables.trim(), indexes.trim());

    upgrade(options, &old.url(DATABASE), &new.url(DATABASE))?;

    println!("\nBoth servers are still there. The old one is as it was:");
    let psql = Client::get()?.bin().join("psql");
    for (server, name) in [(&old, "old"), (&new, "new")] {
        println!("  {name}: {} {}", psql.display(), server.url(DATABASE));
    }
    wait(options.keep)
}

/// Runs `pgtandem upgrade` and lets it show what it shows.
fn upgrade(options: &Options, from: &str, to: &str) -> Result<()> {
    let mut arguments =
        vec!["upgrade".to_owned(), "--from".to_owned(), from.to_owned(), "--to".to_owned(), to.to_owned()];
    if let Some(jobs) = options.jobs {
        arguments.extend(["--jobs".to_owned(), jobs.to_string()]);
    }
    println!("\n$ pgtandem {}\n", arguments.join(" "));
    let status = Command::new(env::current_exe()?).args(&arguments).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("the upgrade ended with {status}").into()) }
}

/// Says what is done, and how long it took.
fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    print!("{what} ... ");
    io::stdout().flush()?;
    let done = work();
    match &done {
        Ok(_) => println!("{:.1} s", begun.elapsed().as_secs_f64()),
        Err(_) => println!("failed"),
    }
    done
}

/// Waits for somebody who looks. The servers end with this program.
fn wait(keep: bool) -> Result<()> {
    if io::stdin().is_terminal() {
        print!("Enter stops them. ");
        io::stdout().flush()?;
        io::stdin().read_line(&mut String::new())?;
    } else if keep {
        println!("Interrupt this to stop them.");
        loop {
            thread::park();
        }
    }
    Ok(())
}
