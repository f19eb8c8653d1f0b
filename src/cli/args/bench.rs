//! What a user may type after `bench`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::{CONNECTIONS, Output, exit_codes};

/// Measure how fast two servers and a disk are, and what to expect of an upgrade or a dump
///
/// Samples of the database's own tables are read, as text and in binary form, compressed in several ways, written to a
/// database on the new server that goes at the end, and indexed there: each alone, and then together. What limits, how many
/// lanes, which form and which compression suit these servers, and how long it will take, is told at the end. Nothing is left
/// behind on either server.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit_codes()), after_long_help = format!("{CONNECTIONS}\n{EXAMPLES}\n{}", exit_codes()))]
pub struct BenchArgs {
    /// The old database, which is only read: a URI, or keywords with values [env: PGTANDEM_FROM]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// The new database, as an upgrade would have it; it need not be there, and is not touched [env: PGTANDEM_TO]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,

    /// Where an archive would be: the disk is measured in its folder, and this file is not touched
    #[arg(short = 'f', long, value_name = "FILE")]
    pub archive: Option<PathBuf>,

    /// For how long each leg is measured, about
    #[arg(long, value_name = "N", value_parser = seconds, default_value = "3")]
    pub seconds: NonZeroU32,

    /// What was found out as one JSON document on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

/// More seconds than anybody waits for a leg.
const MOST_SECONDS: u32 = 600;

fn seconds(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse().ok().filter(|number: &NonZeroU32| number.get() <= MOST_SECONDS);
    number.ok_or_else(|| format!("give a number of seconds from 1 to {MOST_SECONDS}"))
}

const EXAMPLES: &str = "\
Examples:
  What to expect of an upgrade:
    pgtandem bench --from postgres://postgres@old/shop --to postgres://postgres@new/shop

  What to expect of a dump, and which compression suits the disk:
    pgtandem bench --from postgres://postgres@db/shop --archive /data/shop.pgdump

  For machines:
    pgtandem bench --from postgres://postgres@old/shop --to postgres://postgres@new/shop --json
";
