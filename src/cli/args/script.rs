//! What a user may type after `script`.

use std::path::PathBuf;

use clap::Args;

use super::{Output, Tablespaces, UseList, exit_codes};
use crate::cli::selection::SelectionArgs;

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
