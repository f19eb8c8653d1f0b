//! The command line: what is typed, what is shown, and the exit code. The only user of clap and serde_json.

pub mod args;
mod options;
mod print;
mod progress;
mod reader;
pub mod restore;
mod run;
mod secrets;
pub mod selection;
mod style;
mod terminal;
mod text;

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use clap::Parser as _;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Finding, Reporter};
use crate::ops::Plan;
use crate::ops::archiving::Destination;
use args::{BenchArgs, CleanArgs, Cli, Command, DumpArgs, ListArgs, ScriptArgs, UpgradeArgs, VerifyArgs};
use options::{Env, Streams};
use progress::json;
use reader::Reader;
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
        Command::Upgrade(args) => command(&args.output, hidden, env, |run| upgrade(&args, run)),
        Command::Dump(args) => command(&args.output, hidden, env, |run| dump(&args, run)),
        Command::Restore(args) => command(&args.output, hidden, env, |run| restore::restore(&args, run)),
        Command::List(args) => command(&args.output(), hidden, env, |run| list(&args, run)),
        Command::Script(args) => command(&args.output, hidden, env, |run| script(&args, run)),
        Command::Bench(args) => command(&args.output, hidden, env, |run| bench(&args, run)),
        Command::Verify(args) => command(&args.output(), hidden, env, |run| verify(&args, run)),
        Command::Clean(args) => command(&args.output, hidden, env, |run| clean(&args, run)),
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

/// What a command works with.
struct Run<'a> {
    streams: Streams,
    begun: Instant,
    env: Env<'a>,
}

/// What a command has to say at its end.
enum Said {
    /// What was asked for: it is done only if this can be written.
    Answer(String),
    /// The same, where it holds what others wrote and need not be UTF-8.
    Bytes(Vec<u8>),
    /// What was done, whether anybody reads about it or not.
    Summary(String),
    /// Nothing: it was asked to stop at once.
    Aborted,
}

/// Does a command, writes what it says, and returns its exit code.
fn command(output: &args::Output, hidden: Hidden, env: Env<'_>, work: impl FnOnce(&Run<'_>) -> Result<Said>) -> u8 {
    let run = Run { streams: Streams::of(output, env), begun: Instant::now(), env };
    let streams = &run.streams;
    log(streams);
    if hidden != Hidden::Nothing {
        tell(&about_passwords(hidden, streams));
    }
    let written = match work(&run) {
        Ok(Said::Aborted) => return ErrorKind::Cancelled.exit_code(),
        Ok(Said::Answer(text)) => write(text.as_bytes()),
        Ok(Said::Bytes(bytes)) => write(&bytes),
        Ok(Said::Summary(text)) => {
            if let Err(error) = write(text.as_bytes()) {
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
                let _ = write(json::error(&error, run.begun.elapsed()).as_bytes());
            }
            tell(&print::error(&error, streams.err));
            error.kind().exit_code()
        }
    }
}

/// What a dry run has to say.
fn planned(plan: Ended<Plan>, run: &Run<'_>) -> Said {
    match plan {
        Ended::Done(plan) if run.streams.json => Said::Answer(json::plan(&plan, run.begun.elapsed())),
        Ended::Done(plan) => Said::Answer(print::plan(&plan, width(), run.streams.out)),
        Ended::Aborted => Said::Aborted,
    }
}

fn upgrade(args: &UpgradeArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str = "the new server may hold a staging database, which the next run replaces";
    let Run { streams, begun, env } = run;
    let options = options::upgrade(args, *env)?;
    if args.dry_run {
        let plan = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.plan(reporter, cancel).await)?;
        return Ok(planned(plan, run));
    }
    let outcome = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.run(reporter, cancel).await)?;
    let Ended::Done(outcome) = outcome else { return Ok(Said::Aborted) };
    Ok(Said::Summary(match (streams.json, streams.quiet) {
        (true, _) => json::outcome(&outcome),
        (false, false) => print::summary(&outcome, width(), streams.out),
        (false, true) => String::new(),
    }))
}

fn list(args: &ListArgs, run: &Run<'_>) -> Result<Said> {
    let listed = options::list(args)?.run()?;
    tell_findings(&listed.findings, &run.streams);
    Ok(match (run.streams.json, std::io::stdout().is_terminal()) {
        (true, _) => Said::Answer(json::list(&listed, run.begun.elapsed())),
        (false, true) => Said::Answer(print::list::safe(&listed.text)),
        (false, false) => Said::Bytes(listed.text),
    })
}

fn script(args: &ScriptArgs, run: &Run<'_>) -> Result<Said> {
    let options = options::script(args)?;
    let mut out = Reader::new(std::io::stdout().lock());
    let done = options.run(&mut out);
    if out.has_gone() {
        // It has had enough.
        return Ok(Said::Summary(String::new()));
    }
    let findings = done?;
    tell_findings(&findings, &run.streams);
    Ok(Said::Summary(if run.streams.json { json::script(&findings, run.begun.elapsed()) } else { String::new() }))
}

/// What was found is told beside an answer; for machines it is in the answer.
fn tell_findings(findings: &[Finding], streams: &Streams) {
    if !streams.json {
        tell(&print::findings(findings, usize::MAX, streams.err));
    }
}

fn verify(args: &VerifyArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str = "nothing was written";
    let Run { streams, begun, .. } = run;
    let options = options::verify(args)?;
    let verified = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.run(reporter, cancel).await)?;
    let Ended::Done(verified) = verified else { return Ok(Said::Aborted) };
    if streams.json {
        write(json::verified(&verified).as_bytes())?;
    }
    verified.verdict()?;
    Ok(Said::Summary(match streams.json || streams.quiet {
        true => String::new(),
        false => print::verified(&verified, width(), streams.out),
    }))
}

fn clean(args: &CleanArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str = "what is left can be removed by the same command";
    let Run { streams, begun, env } = run;
    let options = options::clean(args, *env)?;
    let work = async move |_: &mut dyn Reporter, cancel: CancellationToken| {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::cancelled()),
            cleaned = options.run() => cleaned,
        }
    };
    let Ended::Done(cleaned) = run::run(streams, *begun, LEFT, work)? else { return Ok(Said::Aborted) };
    tell_findings(&cleaned.findings, streams);
    Ok(Said::Summary(match (streams.json, streams.quiet) {
        (true, _) => json::cleaned(&cleaned, begun.elapsed()),
        (false, false) => print::cleaned(&cleaned),
        (false, true) => String::new(),
    }))
}

fn dump(args: &DumpArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str = "a file that ends in .part may be left, which the next run replaces";
    let Run { streams, begun, env } = run;
    let options = options::dump(args, *env)?;
    // Standard output is the archive's: what is said goes to standard error.
    let taken = options.archive.to == Destination::Stdout;
    if taken && streams.json {
        return Err(Error::usage("standard output cannot be for JSON and for the archive")
            .with_hint("Name a file with --archive, or leave --log-format out."));
    }
    let dumped = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.run(reporter, cancel).await)?;
    let Ended::Done(dumped) = dumped else { return Ok(Said::Aborted) };
    let text = match (streams.json, streams.quiet) {
        (true, _) => json::dumped(&dumped),
        (false, false) => print::dumped(&dumped, width(), if taken { streams.err } else { streams.out }),
        (false, true) => String::new(),
    };
    if taken {
        tell(&text);
        return Ok(Said::Summary(String::new()));
    }
    Ok(Said::Summary(text))
}

fn bench(args: &BenchArgs, run: &Run<'_>) -> Result<Said> {
    const LEFT: &str =
        "the new server may hold a database whose name ends in __tandem_bench, which the next bench removes";
    let Run { streams, begun, env } = run;
    let options = options::bench(args, *env)?;
    let benched = run::run(streams, *begun, LEFT, async move |reporter, cancel| options.run(reporter, cancel).await)?;
    let Ended::Done(benched) = benched else { return Ok(Said::Aborted) };
    // It was asked for, so that it is told even to who wants to hear little.
    Ok(Said::Answer(match streams.json || args.json {
        true => json::benched(&benched),
        false => print::benched(&benched, width(), streams.out),
    }))
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
fn write(text: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
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
