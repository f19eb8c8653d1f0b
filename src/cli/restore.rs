//! The command `restore`: what may be typed, what it means, and what is said at the end.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::{Jobs, Output, Tablespaces, UseList, Verify, exit_codes, jobs_or_auto};
use super::options::{Env, tablespaces, verified, wanted};
use super::progress::json;
use super::run::{self, Ended};
use super::selection::SelectionArgs;
use super::{Run, Said, planned, print, width, write};
use crate::error::Result;
use crate::ops::restore::MissingRoles;
use crate::ops::{Input, Restore};
use crate::wire::conninfo::{ConnInfo, Side};

/// Make a database of an archive, verified; of pg_dump -Fc or pgtandem dump
///
/// The archive is loaded into a staging database by several lanes, and what has arrived is compared with what the archive
/// holds. Only then does the staging database take its final name. Where the run fails, nothing is left, and the same command
/// can be given again.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{}", exit_codes()))]
pub struct RestoreArgs {
    /// The archive, in the custom format; - for standard input, which is read once, table after table
    #[arg(short = 'f', long, value_name = "FILE")]
    pub archive: PathBuf,

    /// The new database; it need not be there [env: PGTANDEM_TO]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,

    /// How many lanes copy and build side by side; each takes a session on the server. With auto there is one for each processor
    /// of the new server, and others are tried while tables are copied
    #[arg(short, long, value_name = "N|auto", value_parser = jobs_or_auto, default_value = "auto")]
    pub jobs: Jobs,

    /// How the new database is compared with the archive before it takes its name
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub verify: Verify,

    /// What to do about roles that the archive names and the server lacks
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    pub roles: RestoredRoles,

    /// Whether what lies in a tablespace of its own does so on the server
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub tablespaces: Tablespaces,

    /// Let WAL pile up for longer between checkpoints of the server while the run lasts (max_wal_size, checkpoint_timeout),
    /// and put its settings back at the end; `pgtandem clean` does so after a run that was killed
    #[arg(long)]
    pub tune_target: bool,

    /// Restore what is whole of an archive that is damaged, list what is lost, and end with exit code 5 if anything is
    #[arg(long)]
    pub salvage: bool,

    /// Show what would be done, in order and with sizes, and write nothing
    #[arg(long)]
    pub dry_run: bool,

    /// What is restored.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// The entries that are wanted.
    #[command(flatten)]
    pub use_list: UseList,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

/// `--roles`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RestoredRoles {
    /// None: all that are needed have to be there
    #[default]
    None,
    /// Make them, without a login and without any right
    Create,
}

const EXAMPLES: &str = "\
Examples:
  See what would be done:
    pgtandem restore --archive /data/shop.pgdump --to postgres://postgres@new/shop --dry-run

  Do it:
    pgtandem restore --archive /data/shop.pgdump --to postgres://postgres@new/shop

  From standard input:
    pg_dump -Fc shop | pgtandem restore --archive - --to postgres://postgres@new/shop

  Part of it, chosen from a list:
    pgtandem list /data/shop.pgdump > shop.list
    pgtandem restore --archive /data/shop.pgdump --to postgres://postgres@new/shop --use-list shop.list
";

/// The options.
///
/// # Errors
///
/// `Usage` if the connection string is missing, or if it or a pattern makes no sense.
fn options(args: &RestoreArgs, env: Env<'_>) -> Result<Restore> {
    let archive = Input::named(&args.archive);
    Ok(Restore {
        wanted: wanted(&args.selection, &args.use_list, &archive, true)?,
        archive,
        to: ConnInfo::resolve(Side::New, args.to.as_deref(), env)?,
        jobs: args.jobs.0,
        verify: verified(args.verify),
        roles: match args.roles {
            RestoredRoles::None => MissingRoles::Refuse,
            RestoredRoles::Create => MissingRoles::Create,
        },
        tablespaces: tablespaces(args.tablespaces),
        salvage: args.salvage,
        tune: args.tune_target,
    })
}

/// Does it.
///
/// # Errors
///
/// Those of the options, and of [`Restore::run`].
pub(super) fn restore(args: &RestoreArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str = "the server may hold a staging database, which the next run replaces";
    let Run { streams, begun, env } = run;
    let options = options(args, *env)?;
    if args.dry_run {
        let plan = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.plan(reporter, cancel).await)?;
        return Ok(planned(plan, run));
    }
    let restored = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.run(reporter, cancel).await)?;
    let Ended::Done(restored) = restored else { return Ok(Said::Aborted) };
    let verdict = restored.verdict();
    if verdict.is_err() && streams.json {
        write(json::restored(&restored).as_bytes())?;
    }
    verdict?;
    Ok(Said::Summary(match (streams.json, streams.quiet) {
        (true, _) => json::restored(&restored),
        (false, false) => print::restored(&restored, width(), streams.out),
        (false, true) => String::new(),
    }))
}
