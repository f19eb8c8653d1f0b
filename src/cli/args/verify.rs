//! What a user may type after `verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::{LogFormat, Output, exit_codes, jobs};

/// Look whether an archive is whole; no server is needed
///
/// Every block is decoded. In an archive of pgtandem every byte is compared with the checksums that it holds, rows are counted,
/// and their digest is compared with that of what the server has sent. Archives of pg_dump hold no checksums: what they cannot
/// tell is said. What is damaged is named, with its place in the file.
#[derive(Args, Debug)]
#[command(after_help = exit_codes())]
pub struct VerifyArgs {
    /// The archive, in the custom format (pgtandem dump, pg_dump -Fc)
    #[arg(short = 'f', long, value_name = "FILE")]
    pub archive: PathBuf,

    /// How many threads look at it [default: one for each processor]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,

    /// JSON objects, the same as with --log-format json
    #[arg(long)]
    pub json: bool,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

impl VerifyArgs {
    /// How it is shown, in one place.
    #[must_use]
    pub fn output(&self) -> Output {
        let log_format = if self.json { LogFormat::Json } else { self.output.log_format };
        Output { log_format, ..self.output.clone() }
    }
}
