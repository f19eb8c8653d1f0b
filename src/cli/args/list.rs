//! What a user may type after `list`.

use std::path::PathBuf;

use clap::Args;

use super::{LogFormat, Output, UseList, exit_codes};
use crate::cli::selection::SelectionArgs;

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
