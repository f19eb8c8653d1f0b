//! The summary of a run that went well.

use std::collections::BTreeSet;

use crate::cli::style::Paint;
use crate::cli::text;
use crate::ops::{Dumped, IndexEvidence, Outcome, Restored, Verified};

/// Where the second column begins.
const INDENT: usize = 11;

/// More collations than this are counted, not listed.
const NAMED: usize = 3;

/// What moved, how long it took, how it was verified, what was found, what comes next, and the way back.
pub fn summary(outcome: &Outcome, width: usize, paint: Paint) -> String {
    let mut out = told(outcome, verified(outcome), width, paint);
    let old = format!("the old server (PostgreSQL {}) is untouched; the way back is its URL:", outcome.old_version);
    out += &format!("{} {old}\n", paint.bold("Back:"));
    out += &format!("  {}\n", paint.cyan(&text::safe(&outcome.old_url)));
    out
}

/// The same for what came out of an archive, to which there is no way back.
pub fn restored(restored: &Restored, width: usize, paint: Paint) -> String {
    let outcome = &restored.outcome;
    let counted = match restored.counted {
        0 => String::new(),
        1 => " (of one table: their number)".to_owned(),
        many => format!(" (of {} tables: their number)", text::count(many)),
    };
    let verified = match outcome.verified {
        Verified::None => verified(outcome),
        Verified::Counts => "the number of rows of every table is that in the archive".to_owned(),
        Verified::Digests => format!("a digest over every row of every table{counted} is that in the archive"),
    };
    told(outcome, verified, width, paint)
}

/// What both have in common.
fn told(outcome: &Outcome, verified: String, width: usize, paint: Paint) -> String {
    let mut out = String::new();
    let names: Vec<_> = outcome.databases.iter().map(|arrived| text::safe(&arrived.database)).collect();
    let title = match names.as_slice() {
        [name] => format!("Database {name} is on the new server, PostgreSQL {}.", outcome.new_version),
        names => format!(
            "{} databases are on the new server, PostgreSQL {}: {}.",
            names.len(),
            outcome.new_version,
            names.join(", ")
        ),
    };
    out += &format!("\n{}\n\n", paint.bold(&title));
    for (name, value) in [
        ("moved", moved(outcome)),
        ("time", time(outcome)),
        ("verified", verified),
        ("indexes", indexes(outcome)),
        ("planner", statistics(outcome)),
    ] {
        row(&mut out, name, &value, width, paint);
    }
    for archive in outcome.databases.iter().filter_map(|database| database.archive.as_ref()) {
        let path = text::safe(&archive.path.display().to_string()).into_owned();
        let value = format!("{path}, {} by {}; pg_restore reads it, too", text::size(archive.bytes), archive.codec);
        row(&mut out, "archive", &value, width, paint);
    }
    if !outcome.findings.is_empty() {
        out += "\n";
        out += &super::findings(&outcome.findings, width, paint);
    }
    out += &format!("\n{} point the workload to the new server:\n", paint.bold("Next:"));
    out += &format!("  {}\n", paint.cyan(&text::safe(&outcome.new_url)));
    out
}

/// What a dump has written, and how it is restored.
pub fn dumped(dumped: &Dumped, width: usize, paint: Paint) -> String {
    let mut out = String::new();
    let archive = dumped.archive.as_ref().map(|path| text::safe(&path.display().to_string()).into_owned());
    let title = match &archive {
        Some(path) => format!("The archive {path} is whole."),
        None => "The archive is whole.".to_owned(),
    };
    out += &format!("\n{}\n\n", paint.bold(&title));
    let mut holds = vec![
        text::counted(dumped.tables, "table", "tables"),
        text::counted(dumped.rows, "row", "rows"),
        text::counted(dumped.entries, "catalog entry", "catalog entries"),
    ];
    for (count, one, many) in
        [(dumped.sequences, "sequence", "sequences"), (dumped.large_objects, "large object", "large objects")]
    {
        if count > 0 {
            holds.push(text::counted(count, one, many));
        }
    }
    let ratio = dumped.content as f64 / (dumped.bytes.max(1)) as f64;
    let seconds = dumped.elapsed.as_secs_f64();
    let rate = match seconds < 0.05 || dumped.content == 0 {
        true => String::new(),
        false => format!(", {} from beginning to end", text::rate(dumped.content as f64 / seconds)),
    };
    for (name, value) in [
        ("holds", holds.join(", ")),
        (
            "size",
            format!(
                "{}, {} of data by {} ({ratio:.1} to 1)",
                text::size(dumped.bytes),
                text::size(dumped.content),
                dumped.codec
            ),
        ),
        ("time", format!("{}{rate}", text::duration(dumped.elapsed))),
    ] {
        row(&mut out, name, &value, width, paint);
    }
    if !dumped.findings.is_empty() {
        out += "\n";
        out += &super::findings(&dumped.findings, width, paint);
    }
    if let Some(path) = archive {
        out += &format!("\n{} stock tools restore it, too:\n", paint.bold("Restore:"));
        out += &format!("  {}\n", paint.cyan(&format!("pg_restore --create -d postgres {path}")));
    }
    out
}

pub(super) fn row(out: &mut String, name: &str, value: &str, width: usize, paint: Paint) {
    let mut head = format!("  {}", paint.dim(&text::left(name, INDENT - 2)));
    for line in text::wrapped(value, width.saturating_sub(INDENT)) {
        *out += &format!("{head}{line}\n");
        head = " ".repeat(INDENT);
    }
}

fn moved(outcome: &Outcome) -> String {
    let mut parts = vec![
        text::counted(outcome.total(|d| d.tables), "table", "tables"),
        text::counted(outcome.total(|d| d.rows), "row", "rows"),
        text::size(outcome.total(|d| d.bytes)),
        text::counted(outcome.total(|d| d.indexes.len() as u64), "index", "indexes"),
    ];
    for (count, one, many) in [
        (outcome.total(|d| d.sequences), "sequence", "sequences"),
        (outcome.total(|d| d.large_objects), "large object", "large objects"),
    ] {
        if count > 0 {
            parts.push(text::counted(count, one, many));
        }
    }
    let entries = outcome.total(|d| d.entries);
    format!("{}; {} in all", parts.join(", "), text::counted(entries, "catalog entry", "catalog entries"))
}

fn time(outcome: &Outcome) -> String {
    let seconds = outcome.elapsed.as_secs_f64();
    let whole = text::duration(outcome.elapsed);
    let bytes = outcome.total(|d| d.bytes);
    if seconds < 0.05 || bytes == 0 {
        return whole;
    }
    format!("{whole}, {} from beginning to end", text::rate(bytes as f64 / seconds))
}

fn verified(outcome: &Outcome) -> String {
    let stood = outcome.databases.iter().any(|arrived| arrived.stood);
    let schema = if stood { "what was added to the schema" } else { "schema" };
    match outcome.verified {
        Verified::None => "not at all (--verify none)".to_owned(),
        Verified::Counts => format!("{schema}, sequences and the number of rows of every table are the same"),
        Verified::Digests => {
            format!("{schema}, sequences, and a digest over every row of every table are the same on both sides")
        }
    }
}

/// One line about where planner statistics have come from.
fn statistics(outcome: &Outcome) -> String {
    let tables = |count| text::counted(count, "table", "tables");
    match (outcome.total(|d| d.carried), outcome.total(|d| d.analyzed)) {
        (0, 0) => "no statistics, as there are no rows".to_owned(),
        (0, analyzed) => format!("statistics of {} collected by ANALYZE", tables(analyzed)),
        (carried, 0) => format!("statistics of {} carried over", tables(carried)),
        (carried, analyzed) => {
            format!("statistics of {} carried over, of {} collected by ANALYZE", tables(carried), text::count(analyzed))
        }
    }
}

/// One line about the freshness of all indexes.
fn indexes(outcome: &Outcome) -> String {
    let what = match outcome.indexes().count() {
        0 => return "none".to_owned(),
        1 => "the one index was built in this run".to_owned(),
        many => format!("all {} were built in this run", text::count(many as u64)),
    };
    format!("{what}{}: no REINDEX needed", collations(outcome.indexes()))
}

fn collations<'a>(indexes: impl Iterator<Item = &'a IndexEvidence>) -> String {
    let all: BTreeSet<&str> = indexes.flat_map(|i| i.collations.iter().map(String::as_str)).collect();
    match all.len() {
        0 => String::new(),
        1..=NAMED => {
            let names: Vec<_> = all.iter().map(|name| text::safe(name)).collect();
            format!(" under {}", names.join(", "))
        }
        more => format!(" under {more} collations in their present versions"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event::{Finding, Severity};
    use crate::ops::{ArchiveFile, Arrived};
    use crate::wire::version::ServerVersion;

    fn outcome() -> Outcome {
        let index = |name: &str, collation: &str| IndexEvidence {
            index: name.to_owned(),
            built_at: Duration::from_secs(1),
            collations: vec![collation.to_owned()],
        };
        let finding = |severity, subject: &str, remedy: Option<&str>| Finding {
            severity,
            subject: subject.to_owned(),
            text: "is not as it was".to_owned(),
            remedy: remedy.map(str::to_owned),
        };
        let arrived = Arrived {
            stood: false,
            database: "shop".into(),
            tables: 42,
            rows: 12_345_678,
            bytes: 1_800_000_000,
            large_objects: 3,
            sequences: 7,
            entries: 218,
            carried: 40,
            analyzed: 2,
            archive: Some(ArchiveFile { path: "/data/shop.pgdump".into(), bytes: 510_000_000, codec: "zstd:3".into() }),
            indexes: vec![index("a.i", "de_DE.utf8 2.36"), index("a.j", "de_DE.utf8 2.36")],
        };
        Outcome {
            new_url: "postgresql://postgres@new:5432/shop".into(),
            old_url: "postgresql://postgres@old:5432/shop".into(),
            old_version: ServerVersion(150_018),
            new_version: ServerVersion(180_001),
            databases: vec![arrived],
            verified: Verified::Digests,
            findings: vec![
                finding(Severity::Note, "extension x", None),
                finding(Severity::Warning, "role \x1b[31mr", Some("Set its password.")),
            ],
            elapsed: Duration::from_millis(42_100),
        }
    }

    #[test]
    fn the_whole_summary() {
        let expected = "
Database shop is on the new server, PostgreSQL 18.1.

  moved    42 tables, 12,345,678 rows, 1.8 GB, 2 indexes, 7 sequences, 3 large
           objects; 218 catalog entries in all
  time     42.1 s, 42.8 MB/s from beginning to end
  verified schema, sequences, and a digest over every row of every table are the
           same on both sides
  indexes  all 2 were built in this run under de_DE.utf8 2.36: no REINDEX needed
  planner  statistics of 40 tables carried over, of 2 collected by ANALYZE
  archive  /data/shop.pgdump, 510 MB by zstd:3; pg_restore reads it, too

  warning  role \\x1b[31mr: is not as it was
           Set its password.
  note     extension x: is not as it was

Next: point the workload to the new server:
  postgresql://postgres@new:5432/shop
Back: the old server (PostgreSQL 15.18) is untouched; the way back is its URL:
  postgresql://postgres@old:5432/shop
";
        assert_eq!(summary(&outcome(), 80, Paint::PLAIN), expected);
        assert!(summary(&outcome(), usize::MAX, Paint::PLAIN).contains("3 large objects; 218"));
    }

    #[test]
    fn an_empty_database() {
        let text = summary(&Outcome { verified: Verified::None, ..Outcome::default() }, 80, Paint::PLAIN);
        assert!(text.contains("\n  moved    0 tables, 0 rows, 0 B, 0 indexes; 0 catalog entries in all\n"), "{text}");
        assert!(text.contains("\n  indexes  none\n"), "{text}");
        assert!(text.contains("not at all"), "{text}");
    }

    #[test]
    fn many_collations_are_counted() {
        let mut outcome = outcome();
        outcome.databases[0].indexes[0].collations = (0..9).map(|n| format!("c{n} 1")).collect();
        assert!(indexes(&outcome).contains("under 10 collations in their present versions: no REINDEX"));
    }
}
