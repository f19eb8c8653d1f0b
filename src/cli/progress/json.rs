//! One JSON object a line, for machines.
//!
//! Every object has `event` and `elapsed_ms` (since the run began). The names are stable; fields may be added. Sizes are in
//! bytes, and a field that says nothing is null.
//!
//! | event | fields |
//! |---|---|
//! | `phase_started` | `phase`, `total_bytes` |
//! | `phase_progress` | `phase`, `bytes` |
//! | `phase_done` | `phase`, `summary`, `duration_ms` |
//! | `task_started` | `task`, `phase`, `object`, `total_bytes` |
//! | `task_progress` | `task`, `bytes` |
//! | `task_done` | `task`, `bytes`, `rows`, `duration_ms` |
//! | `finding` | `severity` (`note`, `warning`), `subject`, `text`, `remedy` |
//! | `notice` | `server` (`old`, `new`), `severity`, `text` |
//! | `cancelling` | |
//! | `outcome` | `old_url`, `new_url`, `old_version`, `new_version`, `databases` (`database`, `tables`, `rows`, `bytes`, `large_objects`, `sequences`, `entries`, `statistics_carried`, `statistics_analyzed`, `indexes` (`index`, `built_at_ms`, `collations`), `archive` (null, or `path`, `bytes`, `codec`)), `verified`, `findings`, `duration_ms` |
//! | `restored` | `archive`, `new_url`, `archive_version`, `new_version`, `databases` (as above), `verified`, `tables_counted_only`, `losses` (`subject`, `from`, `to`, `rows`, `text`), `more_losses`, `findings`, `duration_ms` |
//! | `dumped` | `archive`, `url`, `version`, `codec`, `archive_bytes`, `bytes` (before compression), `tables`, `rows`, `large_objects`, `sequences`, `entries`, `findings`, `duration_ms` |
//! | `plan` | `databases`, `old_url`, `new_url`, `old_version`, `new_version`, `jobs`, `steps` (`section`, `kind`, `name`, `bytes`, `parts`, `binary`), `findings` |
//! | `list` | `database`, `version`, `compression`, `created` (local to the writer), `server_version`, `writer_version`, `entries` (`id`, `kind`, `schema`, `name`, `owner`, `has_data`, `rows`, `bytes`, `stored_bytes`), `findings` |
//! | `script` | `findings` |
//! | `verified` | `archive`, `version`, `compression`, `writer` (null without a manifest), `archive_bytes`, `bytes` (before compression), `entries`, `blocks`, `frames`, `rows`, `large_objects`, `whole`, `faults` (`subject`, `frame`, `frames`, `from`, `to`, `text`, `differs`), `more_faults`, `findings`, `duration_ms` |
//! | `cleaned` | `databases`, `settings` (whether those of the server were put back), `findings` |
//! | `benched` | `database`, `old_url`, `new_url`, `old_version`, `new_version` (null without a new server), `bytes` (of tables and large objects there), `index_bytes`, `tables` (those of which there were samples), `sampled_bytes`, `old_round_trip_us`, `new_round_trip_us`, `legs` (`leg`: `read`, `wire`, `compress`, `disk`, `write`, `build`, `read_back`, `copy`, `dump`, `upgrade`; `place`: `old`, `new`, `both`, `here`; `form`, `lanes`, `bytes`, `rows`, `duration_ms`, `bytes_per_second`, `ratio`), `upgrade` (null without a new server) and `dump` (`jobs`, `format`, `compress`, `limited_by`, `parts` (`part`, `duration_ms`), `forecast_from_ms`, `forecast_to_ms`), `findings`, `duration_ms` |
//! | `error` | `kind`, `message`, `subject`, `statement`, `sqlstate`, `hint`, `exit_code` |
//!
//! The last line is one of `outcome`, `plan`, `dumped`, `restored`, `list`, `script`, `verified`, `cleaned`, `benched`
//! and `error`.

mod bench;

use std::fmt::Write as _;
use std::io::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::text;
use crate::error::Error;
use crate::event::{Event, Finding, Reporter};
use crate::ops::verify::Fault;
use crate::ops::{
    ArchiveFile, ArchiveVerified, Arrived, Cleaned, Dumped, IndexEvidence, Listed, ListedEntry, Loss, Outcome, Plan,
    PlannedStep, Restored,
};
use crate::toc::Section;

pub use bench::benched;

/// How often progress is told.
const TICK: Duration = Duration::from_secs(1);

/// The reporter with JSON.
pub struct Json<W> {
    out: W,
    begun: Instant,
    progress: bool,
}

impl<W: Write + Send> Json<W> {
    /// Objects to `out`; `progress` tells whether those that come with the tick are wanted, too.
    pub fn new(out: W, begun: Instant, progress: bool) -> Self {
        Self { out, begun, progress }
    }
}

impl<W: Write + Send> Reporter for Json<W> {
    fn event(&mut self, event: &Event) {
        let line = line(event, self.begun.elapsed());
        // The run goes on when nobody reads any more.
        let _ = self.out.write_all(line.as_bytes()).and_then(|()| self.out.flush());
    }

    fn tick(&self) -> Option<Duration> {
        self.progress.then_some(TICK)
    }
}

/// An object under construction. Fields keep the order in which they are given.
struct Object(String);

impl Object {
    fn new(event: &str, elapsed: Duration) -> Self {
        Self(format!("{{\"event\":{}", Value::from(event))).with("elapsed_ms", millis(elapsed))
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, ",{}:{}", Value::from(name), value.into());
        self
    }

    /// The line. What JSON lets through and a terminal might obey is escaped, too.
    fn line(self) -> String {
        let mut out = String::with_capacity(self.0.len() + 2);
        for c in self.0.chars() {
            if text::is_unsafe(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            } else {
                out.push(c);
            }
        }
        out.push_str("}\n");
        out
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// One event as a line.
fn line(event: &Event, elapsed: Duration) -> String {
    let object = |name| Object::new(name, elapsed);
    match event {
        Event::PhaseStarted { phase, total } => {
            object("phase_started").with("phase", phase.name()).with("total_bytes", *total)
        }
        Event::PhaseDone { phase, summary, elapsed } => object("phase_done")
            .with("phase", phase.name())
            .with("summary", summary.as_str())
            .with("duration_ms", millis(*elapsed)),
        Event::TaskStarted { task, phase, label, total } => object("task_started")
            .with("task", task.0)
            .with("phase", phase.name())
            .with("object", label.as_str())
            .with("total_bytes", *total),
        Event::TaskProgress { task, done } => object("task_progress").with("task", task.0).with("bytes", *done),
        Event::TaskDone { task, bytes, rows, elapsed } => object("task_done")
            .with("task", task.0)
            .with("bytes", *bytes)
            .with("rows", *rows)
            .with("duration_ms", millis(*elapsed)),
        Event::PhaseProgress { phase, done } => {
            object("phase_progress").with("phase", phase.name()).with("bytes", *done)
        }
        Event::Found(finding) => object("finding")
            .with("severity", super::severity(finding.severity))
            .with("subject", finding.subject.as_str())
            .with("text", finding.text.as_str())
            .with("remedy", finding.remedy.as_deref()),
        Event::Notice { server, severity, text } => {
            object("notice").with("server", *server).with("severity", severity.as_str()).with("text", text.as_str())
        }
        Event::Cancelling => object("cancelling"),
    }
    .line()
}

fn findings(findings: &[Finding]) -> Value {
    let one = |f: &Finding| json!({ "severity": super::severity(f.severity), "subject": f.subject, "text": f.text, "remedy": f.remedy });
    findings.iter().map(one).collect()
}

/// The end of a run that went well.
pub fn outcome(outcome: &Outcome) -> String {
    Object::new("outcome", outcome.elapsed)
        .with("old_url", outcome.old_url.as_str())
        .with("new_url", outcome.new_url.as_str())
        .with("old_version", outcome.old_version.to_string())
        .with("new_version", outcome.new_version.to_string())
        .with("databases", outcome.databases.iter().map(arrived).collect::<Value>())
        .with("verified", outcome.verified.name())
        .with("findings", findings(&outcome.findings))
        .with("duration_ms", millis(outcome.elapsed))
        .line()
}

fn loss(loss: &Loss) -> Value {
    let (from, to) = loss.bytes.as_ref().map(|bytes| (bytes.start, bytes.end)).unzip();
    json!({ "subject": loss.subject, "from": from, "to": to, "rows": loss.rows, "text": loss.what })
}

/// The end of a restore.
pub fn restored(restored: &Restored) -> String {
    let outcome = &restored.outcome;
    Object::new("restored", outcome.elapsed)
        .with("archive", outcome.old_url.as_str())
        .with("new_url", outcome.new_url.as_str())
        .with("archive_version", outcome.old_version.to_string())
        .with("new_version", outcome.new_version.to_string())
        .with("databases", outcome.databases.iter().map(arrived).collect::<Value>())
        .with("verified", outcome.verified.name())
        .with("tables_counted_only", restored.counted)
        .with("losses", restored.losses.iter().map(loss).collect::<Value>())
        .with("more_losses", restored.more_losses)
        .with("findings", findings(&outcome.findings))
        .with("duration_ms", millis(outcome.elapsed))
        .line()
}

/// The end of a dump.
pub fn dumped(dumped: &Dumped) -> String {
    Object::new("dumped", dumped.elapsed)
        .with("archive", dumped.archive.as_ref().map(|path| path.display().to_string()))
        .with("url", dumped.url.as_str())
        .with("version", dumped.version.to_string())
        .with("codec", dumped.codec.as_str())
        .with("archive_bytes", dumped.bytes)
        .with("bytes", dumped.content)
        .with("tables", dumped.tables)
        .with("rows", dumped.rows)
        .with("large_objects", dumped.large_objects)
        .with("sequences", dumped.sequences)
        .with("entries", dumped.entries)
        .with("findings", findings(&dumped.findings))
        .with("duration_ms", millis(dumped.elapsed))
        .line()
}

fn arrived(arrived: &Arrived) -> Value {
    let index =
        |i: &IndexEvidence| json!({ "index": i.index, "built_at_ms": millis(i.built_at), "collations": i.collations });
    json!({
        "database": arrived.database,
        "tables": arrived.tables,
        "rows": arrived.rows,
        "bytes": arrived.bytes,
        "large_objects": arrived.large_objects,
        "sequences": arrived.sequences,
        "entries": arrived.entries,
        "statistics_carried": arrived.carried,
        "statistics_analyzed": arrived.analyzed,
        "indexes": arrived.indexes.iter().map(index).collect::<Value>(),
        "archive": arrived.archive.as_ref().map(archive),
    })
}

fn archive(file: &ArchiveFile) -> Value {
    json!({ "path": file.path.display().to_string(), "bytes": file.bytes, "codec": file.codec })
}

/// A section's name for machines.
const fn section(section: Section) -> &'static str {
    match section {
        Section::Standing => "standing",
        Section::PreData => "pre_data",
        Section::Data => "data",
        Section::PostData => "post_data",
        Section::Last => "last",
    }
}

/// The end of a dry run.
pub fn plan(plan: &Plan, elapsed: Duration) -> String {
    let step = |s: &PlannedStep| json!({ "section": section(s.section), "kind": s.kind, "name": s.name, "bytes": s.bytes, "parts": s.parts, "binary": s.binary });
    Object::new("plan", elapsed)
        .with("databases", plan.databases.clone())
        .with("old_url", plan.old_url.as_str())
        .with("new_url", plan.new_url.as_str())
        .with("old_version", plan.old_version.to_string())
        .with("new_version", plan.new_version.to_string())
        .with("jobs", plan.jobs)
        .with("steps", plan.steps.iter().map(step).collect::<Value>())
        .with("findings", findings(&plan.findings))
        .line()
}

/// What is in an archive.
pub fn list(listed: &Listed, elapsed: Duration) -> String {
    let entry = |e: &ListedEntry| {
        json!({
            "id": e.id, "kind": e.kind, "schema": e.schema, "name": e.name, "owner": e.owner, "has_data": e.has_data,
            "rows": e.rows, "bytes": e.bytes, "stored_bytes": e.stored_bytes,
        })
    };
    Object::new("list", elapsed)
        .with("database", listed.database.as_str())
        .with("version", listed.version.as_str())
        .with("compression", listed.compression)
        .with("created", listed.created.as_str())
        .with("server_version", listed.server_version.as_str())
        .with("writer_version", listed.writer_version.as_str())
        .with("entries", listed.entries.iter().map(entry).collect::<Value>())
        .with("findings", findings(&listed.findings))
        .line()
}

/// What was found out about an archive.
pub fn verified(verified: &ArchiveVerified) -> String {
    let fault = |fault: &Fault| {
        let (frame, frames) = fault.frame.unzip();
        json!({
            "subject": fault.subject, "frame": frame, "frames": frames, "from": fault.bytes.start, "to": fault.bytes.end,
            "text": fault.what, "differs": fault.differs,
        })
    };
    Object::new("verified", verified.elapsed)
        .with("archive", verified.archive.display().to_string())
        .with("version", verified.version.as_str())
        .with("compression", verified.compression)
        .with("writer", verified.writer.as_deref())
        .with("archive_bytes", verified.bytes)
        .with("bytes", verified.content)
        .with("entries", verified.entries)
        .with("blocks", verified.blocks)
        .with("frames", verified.frames)
        .with("rows", verified.rows)
        .with("large_objects", verified.large_objects)
        .with("whole", verified.faults.is_empty())
        .with("faults", verified.faults.iter().map(fault).collect::<Value>())
        .with("more_faults", verified.more_faults)
        .with("findings", findings(&verified.findings))
        .with("duration_ms", millis(verified.elapsed))
        .line()
}

/// The end of a script.
pub fn script(found: &[Finding], elapsed: Duration) -> String {
    Object::new("script", elapsed).with("findings", findings(found)).line()
}

/// The end of a cleaning.
pub fn cleaned(cleaned: &Cleaned, elapsed: Duration) -> String {
    Object::new("cleaned", elapsed)
        .with("databases", cleaned.databases.clone())
        .with("settings", cleaned.settings)
        .with("findings", findings(&cleaned.findings))
        .line()
}

/// The end of a run that failed.
pub fn error(error: &Error, elapsed: Duration) -> String {
    Object::new("error", elapsed)
        .with("kind", error.kind().name())
        .with("message", error.to_string())
        .with("subject", error.subject())
        .with("statement", error.statement())
        .with("sqlstate", error.sqlstate())
        .with("hint", error.hint())
        .with("exit_code", error.kind().exit_code())
        .line()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ServerMessage};
    use crate::event::{Phase, Severity, TaskId};
    use crate::ops::IndexEvidence;

    fn read(line: &str) -> Value {
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(!line.trim_end().contains(text::is_unsafe), "{line:?}");
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn every_event_reads_back() {
        let finding = Finding {
            severity: Severity::Warning,
            subject: "a\u{9b}\"b\u{e0001}".into(),
            text: "t\n\u{202e}".into(),
            remedy: None,
        };
        let time = Duration::from_millis(1500);
        let events = [
            (
                Event::PhaseStarted { phase: Phase::Data, total: Some(7) },
                json!({"event": "phase_started", "phase": "data", "total_bytes": 7}),
            ),
            (
                Event::PhaseStarted { phase: Phase::Check, total: None },
                json!({"event": "phase_started", "phase": "check", "total_bytes": null}),
            ),
            (
                Event::PhaseDone { phase: Phase::Data, summary: "s".into(), elapsed: time },
                json!({"event": "phase_done", "phase": "data", "summary": "s", "duration_ms": 1500}),
            ),
            (
                Event::TaskStarted { task: TaskId(3), phase: Phase::Indexes, label: "a.b".into(), total: 9 },
                json!({"event": "task_started", "task": 3, "phase": "indexes", "object": "a.b", "total_bytes": 9}),
            ),
            (
                Event::TaskProgress { task: TaskId(3), done: 4 },
                json!({"event": "task_progress", "task": 3, "bytes": 4}),
            ),
            (
                Event::TaskDone { task: TaskId(3), bytes: 9, rows: Some(2), elapsed: time },
                json!({"event": "task_done", "task": 3, "bytes": 9, "rows": 2, "duration_ms": 1500}),
            ),
            (
                Event::PhaseProgress { phase: Phase::Data, done: 4 },
                json!({"event": "phase_progress", "phase": "data", "bytes": 4}),
            ),
            (
                Event::Found(finding),
                json!({"event": "finding", "severity": "warning", "subject": "a\u{9b}\"b\u{e0001}", "text": "t\n\u{202e}", "remedy": null}),
            ),
            (
                Event::Notice { server: "new", severity: "WARNING".into(), text: "x".into() },
                json!({"event": "notice", "server": "new", "severity": "WARNING", "text": "x"}),
            ),
            (Event::Cancelling, json!({"event": "cancelling"})),
        ];
        for (event, mut expected) in events {
            let mut out = Vec::new();
            Json::new(&mut out, Instant::now(), true).event(&event);
            let line = String::from_utf8(out).unwrap();
            assert!(line.starts_with("{\"event\":"), "{line}");
            let value = read(&line);
            expected["elapsed_ms"] = value["elapsed_ms"].clone();
            assert_eq!(value, expected);
        }
    }

    #[test]
    fn the_last_lines_read_back() {
        let index =
            IndexEvidence { index: "a.i".into(), built_at: Duration::from_secs(2), collations: vec!["x 1".into()] };
        let shop = Arrived { database: "shop".into(), rows: 5, indexes: vec![index], ..Arrived::default() };
        let value = read(&outcome(&Outcome { databases: vec![shop], ..Outcome::default() }));
        assert_eq!((&value["event"], &value["verified"]), (&json!("outcome"), &json!("digests")));
        let shop = &value["databases"][0];
        assert_eq!((&shop["database"], &shop["rows"]), (&json!("shop"), &json!(5)));
        assert_eq!(shop["indexes"], json!([{"index": "a.i", "built_at_ms": 2000, "collations": ["x 1"]}]));

        let step = PlannedStep {
            section: Section::PostData,
            kind: "INDEX",
            name: "a.i".into(),
            bytes: Some(3),
            parts: 1,
            binary: false,
        };
        let value = read(&plan(&Plan { steps: vec![step], jobs: 4, ..Plan::default() }, Duration::ZERO));
        assert_eq!(
            value["steps"],
            json!([{"section": "post_data", "kind": "INDEX", "name": "a.i", "bytes": 3, "parts": 1, "binary": false}])
        );

        let server = ServerMessage { sqlstate: "42P01".into(), message: "no\x1b".into(), ..ServerMessage::default() };
        let failed =
            Error::new(ErrorKind::Server, "cannot create").about("table a.b").with_statement("X").with_server(server);
        let expected = json!({
            "event": "error", "elapsed_ms": 0, "kind": "server", "subject": "table a.b", "statement": "X",
            "message": "cannot create: table a.b: no\x1b (SQLSTATE 42P01)\n  statement: X",
            "sqlstate": "42P01", "hint": null, "exit_code": 1
        });
        assert_eq!(read(&error(&failed, Duration::ZERO)), expected);
    }
}
