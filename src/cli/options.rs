//! From what was typed to what an operation takes: everything that can fail is decided here, once, before anything begins.

use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use super::args::{
    self, ArchiveBeside, ArchiveForm, BenchArgs, CleanArgs, Compat, DumpArgs, ListArgs, LogFormat, Output, ScriptArgs,
    UpgradeArgs, UseList, VerifyArgs,
};
use super::selection::SelectionArgs;
use super::style::{self, Paint};
use crate::error::{Error, Result};
use crate::ops::archiving::{self, Destination, Readers};
use crate::ops::upgrade::{Archiving, Carried, Statistics, Writers};
use crate::ops::{
    Bench, Clean, Codec, Databases, Dump, Format, Input, List, Script, Tablespaces, Upgrade, Verified, VerifyArchive,
    Wanted,
};
use crate::wire::conninfo::{ConnInfo, Side};

/// How variables of the environment are looked up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The options of an upgrade.
///
/// # Errors
///
/// `Usage` if a connection string is missing, or if it or a pattern makes no sense.
pub fn upgrade(args: &UpgradeArgs, env: Env<'_>) -> Result<Upgrade> {
    Ok(Upgrade {
        from: ConnInfo::resolve(Side::Old, args.from.as_deref(), env)?,
        to: ConnInfo::resolve(Side::New, args.to.as_deref(), env)?,
        databases: if args.all_databases { Databases::All } else { Databases::One },
        jobs: args.jobs.0,
        verify: verified(args.verify),
        format: match args.format {
            args::Format::Auto => Format::Auto,
            args::Format::Text => Format::Text,
            args::Format::Binary => Format::Binary,
        },
        writers: match args.writers {
            args::Writers::Refuse => Writers::Refuse,
            args::Writers::Allow => Writers::Allow,
        },
        statistics: match args.statistics {
            args::Statistics::Carry => Statistics::Carry,
            args::Statistics::Analyze => Statistics::Analyze,
        },
        selection: args.selection.resolve()?,
        roles: match args.roles {
            args::Roles::Missing => Carried::Missing,
            args::Roles::All => Carried::All,
            args::Roles::None => Carried::None,
        },
        tablespaces: tablespaces(args.tablespaces),
        archive: beside(&args.archive)?,
        tune: args.tune_target,
    })
}

/// The archive that an upgrade writes on the way.
fn beside(args: &ArchiveBeside) -> Result<Option<Archiving>> {
    let Some(path) = &args.archive else { return Ok(None) };
    Ok(Some(Archiving { to: archive(path, &args.form)?, optional: args.archive_optional }))
}

/// How both sides are compared.
pub const fn verified(verify: args::Verify) -> Verified {
    match verify {
        args::Verify::None => Verified::None,
        args::Verify::Counts => Verified::Counts,
        args::Verify::Digests => Verified::Digests,
    }
}

/// What to do about tablespaces.
pub const fn tablespaces(tablespaces: args::Tablespaces) -> Tablespaces {
    match tablespaces {
        args::Tablespaces::Keep => Tablespaces::Keep,
        args::Tablespaces::Default => Tablespaces::Default,
    }
}

/// The options of a list.
///
/// # Errors
///
/// `Usage` if a pattern makes no sense, or if two things are to be read from standard input.
pub fn list(args: &ListArgs) -> Result<List> {
    let archive = Input::named(&args.archive);
    Ok(List { wanted: wanted(&args.selection, &args.use_list, &archive, false)?, archive })
}

/// The options of a script.
///
/// # Errors
///
/// `Usage` if a pattern makes no sense, if two things are to be read from standard input, or if messages in JSON would come
/// amid the script.
pub fn script(args: &ScriptArgs) -> Result<Script> {
    let archive = Input::named(&args.archive);
    let file = args.file.clone().filter(|file| file.as_os_str() != "-");
    if file.is_none() && args.output.log_format == LogFormat::Json {
        return Err(Error::usage("the script and messages in JSON cannot both go to standard output")
            .with_hint("Name a file with --output."));
    }
    Ok(Script {
        wanted: wanted(&args.selection, &args.use_list, &archive, args.create)?,
        archive,
        tablespaces: tablespaces(args.tablespaces),
        file,
        overwrite: args.overwrite,
    })
}

/// What of an archive is wanted.
///
/// # Errors
///
/// `Usage` if a pattern makes no sense, or if the list is to be read from where the archive is.
pub fn wanted(selection: &SelectionArgs, list: &UseList, archive: &Input, database: bool) -> Result<Wanted> {
    let use_list = list.use_list.as_ref().map(Input::named);
    if use_list == Some(Input::Standard) && *archive == Input::Standard {
        return Err(Error::usage("the archive and the list cannot both be standard input"));
    }
    Ok(Wanted { selection: selection.resolve()?, use_list, database })
}

/// The options of a look at an archive.
///
/// # Errors
///
/// `Usage` for standard input.
pub fn verify(args: &VerifyArgs) -> Result<VerifyArchive> {
    if args.archive.as_os_str() == "-" {
        return Err(Error::usage("an archive is verified from its end, so it cannot come from standard input")
            .with_hint("Put it into a file first."));
    }
    Ok(VerifyArchive { archive: args.archive.clone(), jobs: args.jobs })
}

/// The options of a cleaning.
///
/// # Errors
///
/// `Usage` if the connection string is missing or makes no sense.
pub fn clean(args: &CleanArgs, env: Env<'_>) -> Result<Clean> {
    Ok(Clean { to: ConnInfo::resolve(Side::New, args.to.as_deref(), env)? })
}

/// The options of a dump.
///
/// # Errors
///
/// `Usage` if the connection string is missing, or if it, a pattern or the compression makes no sense.
pub fn dump(args: &DumpArgs, env: Env<'_>) -> Result<Dump> {
    let format = match args.format {
        args::ArchiveFormat::Text => Format::Text,
        args::ArchiveFormat::Binary => Format::Binary,
    };
    Ok(Dump {
        from: ConnInfo::resolve(Side::Old, args.from.as_deref(), env)?,
        archive: archiving::Options { format, ..archive(&args.archive.archive, &args.archive.form)? },
        jobs: args.jobs,
        selection: args.selection.resolve()?,
    })
}

/// The options of a bench.
///
/// # Errors
///
/// `Usage` if a connection string is missing or makes no sense. Without any for the new database there is no new server.
pub fn bench(args: &BenchArgs, env: Env<'_>) -> Result<Bench> {
    let to = args.to.is_some() || env("PGTANDEM_TO").is_some_and(|url| !url.is_empty());
    Ok(Bench {
        from: ConnInfo::resolve(Side::Old, args.from.as_deref(), env)?,
        to: to.then(|| ConnInfo::resolve(Side::New, args.to.as_deref(), env)).transpose()?,
        archive: args.archive.clone(),
        time: Duration::from_secs(args.seconds.get().into()),
    })
}

/// How an archive is written.
fn archive(path: &Path, form: &ArchiveForm) -> Result<archiving::Options> {
    let to = match path.as_os_str() == "-" {
        true => Destination::Stdout,
        false => Destination::File { path: path.to_owned(), overwrite: form.overwrite },
    };
    if to == Destination::Stdout && std::io::stdout().is_terminal() {
        return Err(Error::usage("an archive is nothing for a terminal")
            .with_hint("Send standard output to a file or a program, or name a file with --archive."));
    }
    let (readers, default) = match form.compat {
        None => (Readers::Since16, Codec::DEFAULT),
        Some(Compat::Fourteen) => (Readers::Since12, Codec::Gzip(6)),
    };
    let codec = form.compress.as_deref().map_or(Ok(default), str::parse)?;
    Ok(archiving::Options { to, codec, readers, format: Format::Text })
}

/// How people are told how far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Bars that move.
    Bars,
    /// Lines that stay.
    Lines,
    /// Warnings alone.
    Warnings,
    /// Nothing.
    Nothing,
}

/// What goes where.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    /// Whether standard output is for machines.
    pub json: bool,
    /// Whether machines are told how far a run is, too.
    pub json_progress: bool,
    /// Whether to leave out what is neither asked for nor wrong.
    pub quiet: bool,
    /// What people see on the way, on standard error.
    pub show: Show,
    /// Colours on standard output.
    pub out: Paint,
    /// Colours on standard error.
    pub err: Paint,
    /// How many times `-v` was given.
    pub verbose: u8,
}

impl Streams {
    /// Decides by what was typed and by what the streams are.
    pub fn of(output: &Output, env: Env<'_>) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let json = output.log_format == LogFormat::Json;
        let logs = output.verbose > 0 || env("PGTANDEM_LOG").is_some_and(|v| !v.is_empty());
        Self {
            json,
            json_progress: output.progress != args::Progress::None,
            quiet: output.quiet,
            show: show(output, err.is_terminal() && !style::is_dumb(env), logs),
            out: Paint::for_stream(output.color, &out, env),
            err: Paint::for_stream(output.color, &err, env),
            verbose: output.verbose,
        }
    }
}

/// Bars need a terminal that can move its cursor, and nobody else who writes on it.
fn show(output: &Output, terminal: bool, logs: bool) -> Show {
    use args::Progress::{Auto, Bars, Lines, None};
    let best = if terminal && !logs { Show::Bars } else { Show::Lines };
    match (output.log_format, output.progress) {
        (LogFormat::Json, Auto | None) => Show::Nothing,
        _ if output.quiet => Show::Warnings,
        (_, None) => Show::Warnings,
        (_, Lines) => Show::Lines,
        (_, Auto | Bars) => best,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::error::ErrorKind;

    fn parsed(more: &[&str]) -> UpgradeArgs {
        match Cli::try_parse_from([&["pgtandem", "upgrade"], more].concat()).unwrap().command {
            Command::Upgrade(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_sides_are_needed() {
        let nothing = |_: &str| None;
        let error = upgrade(&parsed(&["--from", "postgres://u@h/d"]), &nothing).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let env = |name: &str| (name == "PGTANDEM_TO").then(|| "postgres://u@n/e".to_owned());
        let options =
            upgrade(&parsed(&["--from", "postgres://u@h/d", "--verify=counts", "--writers=allow", "-j3"]), &env)
                .unwrap();
        assert_eq!((options.from.database(), options.to.database()), ("d", "e"));
        assert_eq!(options.verify, Verified::Counts);
        assert_eq!(options.writers, Writers::Allow);
        assert_eq!(options.jobs.map(usize::from), Some(3));
    }

    #[test]
    fn what_is_shown() {
        let of = |more: &[&str], terminal| show(&parsed(more).output, terminal, false);
        assert_eq!(of(&[], true), Show::Bars);
        assert_eq!(of(&[], false), Show::Lines);
        assert_eq!(of(&["--progress", "bars"], false), Show::Lines);
        assert_eq!(of(&["-q"], true), Show::Warnings);
        assert_eq!(of(&["--log-format", "json"], true), Show::Nothing);
        assert_eq!(of(&["--log-format", "json", "--progress", "bars"], true), Show::Bars);
        assert_eq!(show(&parsed(&[]).output, true, true), Show::Lines);
    }
}
