//! What a user may type after `clean`.

use clap::Args;

use super::{CONNECTIONS, Output, exit_codes};

/// Remove what runs that were killed have left on a server
///
/// Staging databases that no run is at work on are dropped, and settings that --tune-target had changed are put back. Nothing
/// else is touched. The next run of the same command does the same for its own database.
#[derive(Args, Debug)]
#[command(after_help = format!("{CONNECTIONS}\n{}", exit_codes()))]
pub struct CleanArgs {
    /// The new server; which database does not matter [env: PGTANDEM_TO]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}
