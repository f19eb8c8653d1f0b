//! The command line: what is typed, what is shown, and the exit code. The only user of clap and serde_json.

pub mod args;
mod options;
mod print;
mod progress;
mod run;
mod secrets;
pub mod selection;
mod style;
mod terminal;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, ErrorKind, Result};
use args::{Cli, Command, UpgradeArgs};
use options::{Env, Streams};
use progress::json;
use run::Ended;
use secrets::Hidden;

/// The exit code of a run that went well.
const DONE: u8 = 0;

/// Does what the arguments of the process say, and returns its exit code. To be called first, and from the main thread.
pub fn main() -> u8 {
    let hidden = secrets::hide();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&error),
    };
    let env: Env<'_> = &|name| std::env::var(name).ok();
    match cli.command {
        Command::Upgrade(args) => upgrade(&args, hidden, env),
    }
}

/// Help and version, or what is wrong with the arguments.
fn not_parsed(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        // Nobody reads it: that is no error.
        let _ = error.print();
        return DONE;
    }
    let message = error.render();
    let stderr = std::io::stderr();
    let env: Env<'_> = &|name| std::env::var(name).ok();
    let coloured = style::Paint::for_stream(args::Color::Auto, &stderr, env) != style::Paint::PLAIN;
    let text = if coloured { message.ansi().to_string() } else { message.to_string() };
    tell(&secrets::scrubbed(&text, std::env::args_os()));
    ErrorKind::Usage.exit_code()
}

fn upgrade(args: &UpgradeArgs, hidden: Hidden, env: Env<'_>) -> u8 {
    let begun = Instant::now();
    let streams = Streams::of(&args.output, env);
    log(&streams);
    if hidden != Hidden::Nothing {
        tell(&about_passwords(hidden, &streams));
    }
    let ended = options::upgrade(args, env).and_then(|options| run::upgrade(options, args.dry_run, &streams, begun));
    let written = match ended {
        Ok(Ended::Aborted) => return ErrorKind::Cancelled.exit_code(),
        Ok(Ended::Planned(plan)) if streams.json => write(&json::plan(&plan, begun.elapsed())),
        Ok(Ended::Planned(plan)) => write(&print::plan(&plan, width(), streams.out)),
        // What was asked for is done, whether anybody reads the summary or not.
        Ok(Ended::Upgraded(outcome)) => {
            let text = match (streams.json, streams.quiet) {
                (true, _) => json::outcome(&outcome),
                (false, false) => print::summary(&outcome, width(), streams.out),
                (false, true) => String::new(),
            };
            if let Err(error) = write(&text) {
                tell(&print::error(&error, streams.err));
            }
            return DONE;
        }
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => DONE,
        Err(error) => {
            if streams.json {
                // Standard error has it, too.
                let _ = write(&json::error(&error, begun.elapsed()));
            }
            tell(&print::error(&error, streams.err));
            error.kind().exit_code()
        }
    }
}

fn about_passwords(hidden: Hidden, streams: &Streams) -> String {
    let word = streams.err.yellow("warning:");
    let seen = match hidden {
        Hidden::Visible => "everybody on this machine can see it with `ps`",
        _ => "`ps` does not show it any more, but your shell's history may",
    };
    format!(
        "{word} a connection string in the arguments holds a password; {seen}.\n         \
         Better places are PGTANDEM_FROM and PGTANDEM_TO, PGPASSWORD, or the password file.\n"
    )
}

/// How wide text for people may be: as wide as it likes where it goes to a file.
fn width() -> usize {
    if std::io::stdout().is_terminal() { progress::frame::usable(terminal::Size::now()) } else { usize::MAX }
}

/// Writes to standard output. A reader who has had enough is no error.
fn write(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(ErrorKind::Io, "cannot write to standard output").with_source(error))
        }
        _ => Ok(()),
    }
}

/// Writes to standard error. If that cannot be done there is nobody to tell.
fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Diagnosis, where it is asked for.
fn log(streams: &Streams) {
    let asked = std::env::var("PGTANDEM_LOG").ok().filter(|filter| !filter.is_empty());
    let filter = match (asked, streams.verbose) {
        (Some(filter), _) => EnvFilter::new(filter),
        (None, 0) => return,
        (None, 1) => EnvFilter::new("pgtandem=debug"),
        (None, _) => EnvFilter::new("pgtandem=trace,tokio_postgres=debug"),
    };
    let coloured = streams.err != style::Paint::PLAIN;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(coloured).init();
}
