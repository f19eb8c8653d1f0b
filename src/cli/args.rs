//! The command line: what a user may type, and how it is explained. Resolves nothing; that is the next room's.

mod bench;
mod clean;
mod dump;
mod list;
mod script;
mod upgrade;
mod verify;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::restore::RestoreArgs;
use crate::error::ErrorKind;

pub use bench::BenchArgs;
pub use clean::CleanArgs;
pub use dump::{ArchiveBeside, ArchiveForm, ArchiveFormat, Compat, DumpArgs};
pub use list::ListArgs;
pub use script::ScriptArgs;
pub use upgrade::{Format, Roles, Statistics, Tablespaces, UpgradeArgs, Verify, Writers};
pub use verify::VerifyArgs;

/// Moves a PostgreSQL database to a new major version, over the wire protocol alone
#[derive(Debug, Parser)]
#[command(name = "pgtandem", version, max_term_width = 100, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = exit_codes())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Move a database from an old server to a new one, verified; the old one is only read
    Upgrade(UpgradeArgs),
    /// Write a database into an archive, one compressed file that stock pg_restore reads
    Dump(DumpArgs),
    /// Make a database of an archive, verified; of pg_dump -Fc or pgtandem dump
    Restore(RestoreArgs),
    /// Show what is in an archive, as pg_restore -l does
    List(ListArgs),
    /// Turn an archive into a script that psql runs
    Script(ScriptArgs),
    /// Look whether an archive is whole; no server is needed
    Verify(VerifyArgs),
    /// Remove what runs that were killed have left on a server
    Clean(CleanArgs),
    /// Measure how fast two servers and a disk are, and what to expect of an upgrade or a dump
    Bench(BenchArgs),
}

/// Entries of an archive by a list.
#[derive(Args, Clone, Debug, Default)]
pub struct UseList {
    /// Only the entries of this list, in its order; a list is what `pgtandem list` and `pg_restore -l` print
    #[arg(
        short = 'L',
        long,
        value_name = "FILE",
        help_heading = "Selection (patterns are those of pg_dump, and can be given several times)"
    )]
    pub use_list: Option<PathBuf>,
}

/// What a run shows, and how.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Text for people, or one JSON object a line on standard output for machines
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub log_format: LogFormat,

    /// How progress is shown, on standard error
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub progress: Progress,

    /// Whether to use colours; NO_COLOR is honoured
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,

    /// Show only warnings and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Show diagnostics on standard error; twice for more. PGTANDEM_LOG takes a filter such as "pgtandem=trace"
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// `--log-format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
}

/// `--progress`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, lines elsewhere
    #[default]
    Auto,
    /// Bars, if standard error is a terminal
    Bars,
    /// A line for each event, and one every 10 seconds
    Lines,
    /// Nothing but warnings
    None,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// More lanes than any server has sessions to give.
const MOST_JOBS: usize = 1000;

pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number: usize = text.parse().map_err(|_| format!("give a number from 1 to {MOST_JOBS}"))?;
    match NonZeroUsize::new(number) {
        None => Err("nothing would be done with no lanes at all; give 1 or more, or leave the option out".to_owned()),
        Some(number) if number.get() > MOST_JOBS => Err(format!("give a number from 1 to {MOST_JOBS}")),
        Some(number) => Ok(number),
    }
}

/// `--jobs` where the number can be left to the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jobs(pub Option<NonZeroUsize>);

pub(super) fn jobs_or_auto(text: &str) -> Result<Jobs, String> {
    match text {
        "auto" => Ok(Jobs(None)),
        number => jobs(number).map(|number| Jobs(Some(number))).map_err(|error| format!("{error}, or auto")),
    }
}

const CONNECTIONS: &str = "\
Connections:
  Connection strings are libpq's: postgres://user@host:5432/database?sslmode=verify-full, or
  \"host=h dbname=d\". What they leave out comes from the service file, the PG* variables and the
  password file (~/.pgpass), then from POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD and
  POSTGRES_PASSWORD_FILE. Passwords belong into these places: what stands in the arguments is seen
  by `ps` and kept by the shell.
";

/// The table of exit codes, as [`ErrorKind::exit_code`] has it.
pub fn exit_codes() -> String {
    let rows = [
        (0, "done, and verified as far as asked for"),
        (ErrorKind::Server.exit_code(), "failed on the way; the same command can be given again"),
        (ErrorKind::Usage.exit_code(), "the command line, a connection string or a variable makes no sense"),
        (ErrorKind::Connect.exit_code(), "a server cannot be reached, or refuses the login"),
        (ErrorKind::Refused.exit_code(), "something stands in the way; nothing was written"),
        (ErrorKind::Differs.exit_code(), "both sides do not hold the same"),
        (ErrorKind::Cancelled.exit_code(), "interrupted"),
    ];
    let lines: String = rows.iter().map(|(code, meaning)| format!("\n{code:>5}  {meaning}")).collect();
    format!("Exit codes:{lines}")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn jobs_are_a_number_that_makes_sense() {
        assert_eq!(jobs("8"), Ok(NonZeroUsize::new(8).unwrap()));
        assert_eq!(jobs_or_auto("8"), Ok(Jobs(NonZeroUsize::new(8))));
        assert_eq!(jobs_or_auto("auto"), Ok(Jobs(None)));
        for text in ["0", "-1", "x", "", "1001", "99999999999999999999999"] {
            assert!(jobs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_exit_code_is_explained() {
        let table = exit_codes();
        for kind in [
            ErrorKind::Usage,
            ErrorKind::Connect,
            ErrorKind::Refused,
            ErrorKind::Server,
            ErrorKind::ConnectionLost,
            ErrorKind::Differs,
            ErrorKind::Cancelled,
            ErrorKind::Io,
            ErrorKind::Malformed,
        ] {
            assert!(table.contains(&format!("\n{:>5}  ", kind.exit_code())), "{}", kind.name());
        }
    }
}
