//! The command line: what a user may type, and how it is explained. Resolves nothing; that is the next room's.

mod verify;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::restore::RestoreArgs;
use super::selection::SelectionArgs;
use crate::error::ErrorKind;

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
}

/// Turn an archive into a script that psql runs
///
/// psql -X -v ON_ERROR_STOP=1 -f FILE, with the psql of August 2025 or later, makes in an empty database what the archive
/// holds. Nothing in an archive can give psql a command of its own; but its definitions are statements, and run with the
/// rights of whoever runs the script.
#[derive(Args, Debug)]
#[command(after_help = exit_codes())]
pub struct ScriptArgs {
    /// The archive, in the custom format (pg_dump -Fc); - for standard input
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,

    /// The file, which is there when it is whole; - for standard output [default: -]
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Replace the file if it is there, once the new one is whole
    #[arg(long)]
    pub overwrite: bool,

    /// Make the database of the archive first, with its settings and privileges, and connect to it
    #[arg(short = 'C', long)]
    pub create: bool,

    /// Whether what lies in a tablespace of its own does so again
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub tablespaces: Tablespaces,

    /// What of it is wanted.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// The entries that are wanted.
    #[command(flatten)]
    pub use_list: UseList,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

/// Show what is in an archive, as pg_restore -l does
///
/// The list can be edited (lines left out, or put in another order) and given to --use-list here, or to pg_restore -L. Where
/// the archive tells, each entry with data is followed by a comment with its rows and sizes.
#[derive(Args, Debug)]
#[command(after_help = exit_codes())]
pub struct ListArgs {
    /// The archive, in the custom format (pg_dump -Fc); - for standard input
    #[arg(value_name = "ARCHIVE")]
    pub archive: PathBuf,

    /// What of it is listed.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// The entries that are wanted.
    #[command(flatten)]
    pub use_list: UseList,

    /// One JSON object, the same as with --log-format json
    #[arg(long)]
    pub json: bool,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

impl ListArgs {
    /// How it is shown, in one place.
    #[must_use]
    pub fn output(&self) -> Output {
        let log_format = if self.json { LogFormat::Json } else { self.output.log_format };
        Output { log_format, ..self.output.clone() }
    }
}

/// Move a database from an old server to a new one, verified; the old one is only read
///
/// Schema, rows, large objects, owners and privileges are read under one snapshot, loaded into a staging database on the
/// new server, and compared. Only then does the staging database take its final name. Where the run fails, the same command
/// can be given again.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit_codes()), after_long_help = format!("{CONNECTIONS}\n{EXAMPLES}\n{}", exit_codes()))]
pub struct UpgradeArgs {
    /// The old database: a URI, or keywords with values [env: PGTANDEM_FROM]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// The new database; it need not be there [env: PGTANDEM_TO]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,

    /// Move every database of the old server, each to one of its own name; the two connection strings only say where the
    /// servers are
    #[arg(long)]
    pub all_databases: bool,

    /// How many lanes copy and build side by side; each takes a session on both servers [default: 4]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,

    /// How both sides are compared before the new database takes its name
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub verify: Verify,

    /// What to do if other sessions are connected to the old database
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub writers: Writers,

    /// Where the planner statistics of the new database come from
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub statistics: Statistics,

    /// Which roles are made on the new server, with passwords as far as they can be read; one that is there is left as it is
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    pub roles: Roles,

    /// Whether what lies in a tablespace of its own does so on the new server
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub tablespaces: Tablespaces,

    /// Show what would be done, in order and with sizes, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// The archive that is written on the way.
    #[command(flatten)]
    pub archive: ArchiveBeside,

    /// What is moved.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
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

/// Write a database into an archive, one compressed file that stock pg_restore reads
///
/// Schema, rows and large objects are read under one snapshot by several lanes, and compressed beside the reading. The file
/// has checksums of everything in it, and appears under its name only when it is whole.
#[derive(Args, Debug)]
#[command(after_help = format!("{DUMP_EXAMPLES}\n{}", exit_codes()), after_long_help = format!("{CONNECTIONS}\n{DUMP_EXAMPLES}\n{}", exit_codes()))]
pub struct DumpArgs {
    /// The database: a URI, or keywords with values [env: PGTANDEM_FROM]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// How the archive is written.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// How many lanes read side by side; each takes a session on the server [default: 4]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,

    /// What is dumped.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

/// How an archive is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveArgs {
    /// The file, or - for standard output
    #[arg(short = 'f', long, value_name = "FILE")]
    pub archive: PathBuf,

    /// In what form it is written.
    #[command(flatten)]
    pub form: ArchiveForm,
}

/// An archive beside the new server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveBeside {
    /// Write an archive, too, from the same read of the old database; with --all-databases a folder, for a file of each
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,

    /// Go on without the archive if it cannot be written, and say so
    #[arg(long, requires = "archive")]
    pub archive_optional: bool,

    /// In what form it is written.
    #[command(flatten)]
    pub form: ArchiveForm,
}

/// In what form an archive is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveForm {
    /// Replace the file if it is there, once the new one is whole
    #[arg(long, requires = "archive")]
    pub overwrite: bool,

    /// How it is compressed: zstd, gzip or lz4, with a level after a colon, or none [default: zstd:3; gzip:6 with --compat]
    #[arg(short = 'Z', long, value_name = "CODEC[:LEVEL]", requires = "archive")]
    pub compress: Option<String>,

    /// Write what pg_restore 12 to 15 can read, too; newer ones always can
    #[arg(long, value_enum, value_name = "MAJOR", requires = "archive")]
    pub compat: Option<Compat>,
}

/// `--compat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// Version 1.14 of the format, which 12 and later read
    #[value(name = "14")]
    Fourteen,
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

/// `--verify`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Not at all
    None,
    /// Schema, sequences, and the number of rows of every table
    Counts,
    /// All that, and a digest over every row and every large object
    #[default]
    Digests,
}

/// `--writers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Writers {
    /// List them and stop: what they write from now on would not arrive
    #[default]
    Refuse,
    /// Go on; the new database holds what the old one holds now
    Allow,
}

/// `--statistics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Statistics {
    /// From the old one, if the new server is 18 or later; ANALYZE where that is not all there is to know
    #[default]
    Carry,
    /// From its own rows, by ANALYZE
    Analyze,
}

/// `--roles`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Roles {
    /// Those that what is moved refers to and the new server lacks, with what they are members of
    #[default]
    Missing,
    /// All roles of the old server that the new one lacks
    All,
    /// None: all that are needed have to be there
    None,
}

/// `--tablespaces`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Tablespaces {
    /// In one of the same name, which has to be there
    #[default]
    Keep,
    /// Everything goes into the default tablespace
    Default,
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

const EXAMPLES: &str = "\
Examples:
  See what would be done:
    pgtandem upgrade --from postgres://postgres@old/shop --to postgres://postgres@new/shop --dry-run

  Do it:
    pgtandem upgrade --from postgres://postgres@old/shop --to postgres://postgres@new/shop

  Leave a schema and the rows of some tables behind:
    pgtandem upgrade --from postgres://postgres@old/shop --to postgres://postgres@new/shop \\
      --exclude-schema staging --exclude-table-data 'shop.log_*'

  Take a backup on the way, from the same read:
    pgtandem upgrade --from postgres://postgres@old/shop --to postgres://postgres@new/shop \\
      --archive /data/shop.pgdump

  In a pod, with the connection strings in its environment (PGTANDEM_FROM, PGTANDEM_TO):
    pgtandem upgrade --log-format json
";

const DUMP_EXAMPLES: &str = "\
Examples:
  Back a database up:
    pgtandem dump --from postgres://postgres@db/shop --archive /data/shop.pgdump

  Restore it with stock tools:
    pg_restore --create -d postgres /data/shop.pgdump

  To somewhere else, without a file here:
    pgtandem dump --from postgres://postgres@db/shop --archive - | ssh backup 'cat > shop.pgdump'
";

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
