//! What a user may type after `upgrade`.

use clap::{Args, ValueEnum};

use super::{ArchiveBeside, CONNECTIONS, Jobs, Output, exit_codes, jobs_or_auto};
use crate::cli::selection::SelectionArgs;

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

    /// How many lanes copy and build side by side; each takes a session on both servers. With auto there is one for each processor
    /// of the new server, and others are tried while tables are copied
    #[arg(short, long, value_name = "N|auto", value_parser = jobs_or_auto, default_value = "auto")]
    pub jobs: Jobs,

    /// How both sides are compared before the new database takes its name
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub verify: Verify,

    /// In which form rows cross; --dry-run shows what that is for each table
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub format: Format,

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

    /// Let WAL pile up for longer between checkpoints of the new server while the run lasts (max_wal_size, checkpoint_timeout),
    /// and put its settings back at the end; `pgtandem clean` does so after a run that was killed
    #[arg(long)]
    pub tune_target: bool,

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

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Binary where it saves the servers work: fractions, times, addresses, bytes
    #[default]
    Auto,
    /// Text
    Text,
    /// Binary wherever it is safe
    Binary,
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
