//! What a user may type after `dump`, and of an archive that an upgrade writes.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CONNECTIONS, Output, exit_codes, jobs};
use crate::cli::selection::SelectionArgs;

/// Write a database into an archive, one compressed file that stock pg_restore reads
///
/// Schema, rows and large objects are read under one snapshot by several lanes, and compressed beside the reading. The file
/// has checksums of everything in it, and appears under its name only when it is whole.
#[derive(Args, Debug)]
#[command(after_help = format!("{DUMP_EXAMPLES}\n{}", exit_codes()), after_long_help = format!("{CONNECTIONS}\n{DUMP_EXAMPLES}\n{}", exit_codes()))]
pub struct DumpArgs {
    /// The database: a URI, or keywords with values [env: PGTANDEM_FROM]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// How the archive is written.
    #[command(flatten)]
    pub archive: ArchiveArgs,

    /// In which form rows are; text can be restored by every pg_restore, in every way
    #[arg(long, value_enum, value_name = "FORM", default_value_t)]
    pub format: ArchiveFormat,

    /// How many lanes read side by side; each takes a session on the server [default: 4]
    #[arg(short, long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,

    /// What is dumped.
    #[command(flatten)]
    pub selection: SelectionArgs,

    /// How a run is shown.
    #[command(flatten)]
    pub output: Output,
}

/// How an archive is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveArgs {
    /// The file, or - for standard output
    #[arg(short = 'f', long, value_name = "FILE")]
    pub archive: PathBuf,

    /// In what form it is written.
    #[command(flatten)]
    pub form: ArchiveForm,
}

/// An archive beside the new server.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveBeside {
    /// Write an archive, too, from the same read of the old database; with --all-databases a folder, for a file of each
    #[arg(long, value_name = "FILE")]
    pub archive: Option<PathBuf>,

    /// Go on without the archive if it cannot be written, and say so
    #[arg(long, requires = "archive")]
    pub archive_optional: bool,

    /// In what form it is written.
    #[command(flatten)]
    pub form: ArchiveForm,
}

/// In what form an archive is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Archive")]
pub struct ArchiveForm {
    /// Replace the file if it is there, once the new one is whole
    #[arg(long, requires = "archive")]
    pub overwrite: bool,

    /// How it is compressed: zstd, gzip or lz4, with a level after a colon, or none. zstd without a level is level 3,
    /// or 2 where a table is no larger then [default: zstd; gzip:6 with --compat]
    #[arg(short = 'Z', long, value_name = "CODEC[:LEVEL]", requires = "archive")]
    pub compress: Option<String>,

    /// Write what pg_restore 12 to 15 can read, too; newer ones always can
    #[arg(long, value_enum, value_name = "MAJOR", requires = "archive")]
    pub compat: Option<Compat>,
}

/// `--format`, of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ArchiveFormat {
    /// Text
    #[default]
    Text,
    /// Binary wherever it is safe: quicker to read and to restore, larger, and nothing for a script (pg_restore -f, pgtandem
    /// script)
    Binary,
}

/// `--compat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Compat {
    /// Version 1.14 of the format, which 12 and later read
    #[value(name = "14")]
    Fourteen,
}

const DUMP_EXAMPLES: &str = "\
Examples:
  Back a database up:
    pgtandem dump --from postgres://postgres@db/shop --archive /data/shop.pgdump

  Restore it with stock tools:
    pg_restore --create -d postgres /data/shop.pgdump

  To somewhere else, without a file here:
    pgtandem dump --from postgres://postgres@db/shop --archive - | ssh backup 'cat > shop.pgdump'
";
