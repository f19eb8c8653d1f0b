//! The new server's own settings: which of them would help a run, and `--tune-target`, which changes some for as long as it
//! lasts.
//!
//! Changed is only what a reload takes and what loses nothing if it stays: how much WAL may pile up between checkpoints, and how
//! much time. What the server had before stands in the comment of the staging database, before anything is changed: so a run
//! that was killed is put right by the next one into the same database, or by `pgtandem clean`.

use super::report::Phases;
use super::staging::Staging;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::sql;
use crate::sql::{Ident, Literal, Sql};
use crate::wire::session::Session;

const MB: u64 = 1 << 20;
const GB: u64 = 1 << 30;

/// `max_wal_size` in megabytes, `checkpoint_timeout` in seconds: the units in which the server counts them (PostgreSQL 18,
/// `src/backend/utils/misc/guc_parameters.dat`).
const NAMES: [&str; 2] = ["max_wal_size", "checkpoint_timeout"];

/// No more WAL than that piles up for our sake: it is on the same volume as the data, more often than not.
const MOST_WAL: u64 = 16 * GB;
/// Half an hour between checkpoints.
const TIMEOUT: u64 = 30 * 60;
/// What is smaller is loaded before any of it matters, in bytes.
const SMALL: u64 = GB;

/// What stands before the settings in the comment.
const NOTE: &str = "Settings of the server before:";

/// What is known of the new server's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// `max_wal_size`, in megabytes.
    wal: u64,
    /// `checkpoint_timeout`, in seconds.
    timeout: u64,
    wal_level: String,
}

/// What a run would like to have: names, values, and the units that they are in.
fn wanted(seen: &Seen, bytes: u64) -> Vec<(&'static str, String)> {
    // The whole load writes about as much WAL as there is data; a checkpoint now and then costs little.
    let wal = (bytes / 4).min(MOST_WAL) / MB;
    let mut wanted = Vec::new();
    if seen.wal < wal {
        wanted.push((NAMES[0], format!("{wal}MB")));
    }
    if seen.timeout < TIMEOUT {
        wanted.push((NAMES[1], format!("{TIMEOUT}s")));
    }
    wanted
}

/// What would help, for somebody who can change it.
fn advice(seen: &Seen, bytes: u64, tuned: bool) -> Vec<Finding> {
    let note = |subject: &str, text: String, remedy: &str| Finding {
        severity: Severity::Note,
        subject: subject.to_owned(),
        text,
        remedy: Some(remedy.to_owned()),
    };
    let mut notes = Vec::new();
    if bytes < SMALL {
        return notes;
    }
    let wanted = wanted(seen, bytes);
    if !tuned && wanted.iter().any(|(name, _)| *name == NAMES[0]) {
        let values: Vec<String> = wanted.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        notes.push(note(
            "settings of the new server",
            format!("its max_wal_size of {} MB makes for many checkpoints while so much is loaded", seen.wal),
            &format!("--tune-target sets {} for as long as the run lasts.", values.join(" and ")),
        ));
    }
    if seen.wal_level != "minimal" {
        notes.push(note(
            "settings of the new server",
            format!("with wal_level = {} everything that is loaded is written twice", seen.wal_level),
            "If nobody replicates from it yet, start it with -c wal_level=minimal -c max_wal_senders=0 for the run, and \
             without these afterwards: most of what is loaded is then not written to the WAL.",
        ));
    }
    notes
}

/// What the new server might do better, to be told before a run.
///
/// # Errors
///
/// What the server says.
pub(super) async fn look(control: &Session, bytes: u64, tuned: bool) -> Result<Vec<Finding>> {
    Ok(advice(&seen(control).await?, bytes, tuned))
}

async fn seen(control: &Session) -> Result<Seen> {
    let query = Sql::constant(
        "SELECT pg_catalog.max(setting) FILTER (WHERE name = 'max_wal_size') AS wal, \
         pg_catalog.max(setting) FILTER (WHERE name = 'checkpoint_timeout') AS timeout, \
         pg_catalog.max(setting) FILTER (WHERE name = 'wal_level') AS level \
         FROM pg_catalog.pg_settings WHERE name IN ('max_wal_size', 'checkpoint_timeout', 'wal_level')",
    );
    let row = control.row(&query).await?;
    // A server that has no such setting any more needs none of it.
    let number = |name: &str| -> Result<u64> {
        Ok(row.get::<Option<String>>(name)?.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX))
    };
    let wal_level = row.get::<Option<String>>("level")?.unwrap_or_default();
    Ok(Seen { wal: number("wal")?, timeout: number("timeout")?, wal_level })
}

/// Settings that are other than they were.
pub(super) struct Tuning<'a> {
    staging: &'a Staging,
    before: Vec<Before>,
}

/// What `postgresql.auto.conf` said before: a value, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Before {
    name: &'static str,
    value: Option<String>,
}

impl Before {
    /// What puts it back.
    fn statement(&self) -> Sql {
        let name = Ident::new(self.name);
        match &self.value {
            Some(value) => sql!("ALTER SYSTEM SET {} TO {}", name, Literal(value)),
            None => sql!("ALTER SYSTEM RESET {}", name),
        }
    }
}

impl<'a> Tuning<'a> {
    /// Changes what helps with so many bytes, where there is a database to note it down in. That it cannot be is no reason to
    /// give up: it is told.
    ///
    /// # Errors
    ///
    /// What the server says to anything but the change itself.
    pub async fn begin(staging: Option<&'a Staging>, bytes: u64, phases: &mut Phases<'_>) -> Result<Option<Self>> {
        let Some(staging) = staging else { return Ok(None) };
        let control = staging.control();
        let wanted = wanted(&seen(control).await?, bytes);
        if wanted.is_empty() {
            return Ok(None);
        }
        if !control.row(&try_lock()).await?.get("free")? {
            phases.found(vec![without("another run has changed the settings of the new server".to_owned())]);
            return Ok(None);
        }
        let before = match before(control).await {
            Ok(before) => before,
            Err(error) => {
                phases.found(vec![without(format!("the settings of the new server stay as they are: {error}"))]);
                return Ok(None);
            }
        };
        let fixed = fixed(control).await?;
        let mut tuning = Self { staging, before };
        tuning.before.retain(|one| wanted.iter().any(|(name, _)| *name == one.name));
        staging.keep(&note(&tuning.before)).await?;
        let mut told = Vec::new();
        for (name, value) in wanted {
            let change = sql!("ALTER SYSTEM SET {} TO {}", Ident::new(name), Literal(&value));
            let why = match fixed.iter().any(|fixed| fixed == name) {
                true => "it is set on the command line of the new server".to_owned(),
                false => match control.run(&change).await {
                    Ok(()) => continue,
                    Err(error) => error.to_string(),
                },
            };
            told.push(without(format!("{name} stays as it is: {why}")));
            // What was not changed is not to be put back.
            tuning.before.retain(|one| one.name != name);
        }
        if !told.is_empty() {
            staging.keep(&note(&tuning.before)).await?;
        }
        reload(control).await?;
        phases.found(told);
        Ok(Some(tuning))
    }

    /// Puts everything back, and passes on how the work that it was for has ended. That it cannot be put back undoes no work:
    /// it is told.
    ///
    /// # Errors
    ///
    /// That of the work.
    pub async fn end<T>(tuning: Option<Self>, done: Result<T>, phases: &mut Phases<'_>) -> Result<T> {
        let Some(tuning) = tuning else { return done };
        match (tuning.put_back().await, done) {
            (Ok(()), done) => done,
            (Err(left), Ok(done)) => {
                phases.found(vec![Finding {
                    severity: Severity::Warning,
                    subject: "--tune-target".to_owned(),
                    text: format!("settings of the new server are not what they were: {left}"),
                    remedy: Some(by_hand(&tuning.before)),
                }]);
                Ok(done)
            }
            (Err(_), Err(error)) => Err(error.and_hint(&by_hand(&tuning.before))),
        }
    }

    async fn put_back(&self) -> Result<()> {
        if self.before.is_empty() {
            return Ok(());
        }
        let control = self.staging.control();
        put_back(control, &self.before).await?;
        self.staging.keep("").await?;
        control.run(&unlock()).await
    }
}

/// Puts back what the comment of a staging database tells: of a run that was killed.
///
/// # Errors
///
/// What the server says.
pub(super) async fn put_back_from(control: &Session, comment: &str) -> Result<bool> {
    let before = told_by(comment);
    if before.is_empty() {
        return Ok(false);
    }
    put_back(control, &before).await.map(|()| true)
}

async fn put_back(control: &Session, before: &[Before]) -> Result<()> {
    for one in before {
        control.run(&one.statement()).await?;
    }
    reload(control).await
}

/// Something that could not be changed.
fn without(text: String) -> Finding {
    let remedy = Some("The run goes on without.".to_owned());
    Finding { severity: Severity::Warning, subject: "--tune-target".to_owned(), text, remedy }
}

/// What to do where nobody has put them back.
fn by_hand(before: &[Before]) -> String {
    let statements: Vec<String> = before.iter().map(|one| format!("{};", one.statement())).collect();
    format!(
        "Settings of the new server are those that --tune-target gave it. As long as its staging database is there, \
         `pgtandem clean` puts them back; by hand: {} SELECT pg_reload_conf();",
        statements.join(" ")
    )
}

async fn reload(control: &Session) -> Result<()> {
    control.row(&Sql::constant("SELECT pg_catalog.pg_reload_conf() AS done")).await.map(drop)
}

/// One run at a time: what a second one found would be what the first has set.
fn try_lock() -> Sql {
    Sql::constant(
        "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('settings')) AS free",
    )
}

fn unlock() -> Sql {
    Sql::constant(
        "SELECT pg_catalog.pg_advisory_unlock(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext('settings'))",
    )
}

/// What earlier `ALTER SYSTEM`s have left, of our names. The file is read anew, so that nothing is missed that waits for a
/// reload.
async fn before(control: &Session) -> Result<Vec<Before>> {
    let query = Sql::constant(
        "SELECT name, setting FROM pg_catalog.pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf' ORDER BY seqno",
    );
    let mut before: Vec<Before> = NAMES.iter().map(|name| Before { name, value: None }).collect();
    for row in control.rows(&query).await? {
        let name: String = row.get("name")?;
        if let Some(one) = before.iter_mut().find(|one| one.name == name) {
            one.value = row.get("setting")?;
        }
    }
    Ok(before)
}

/// Our names that stand on the command line, over everything that a file says.
async fn fixed(control: &Session) -> Result<Vec<String>> {
    let query = Sql::constant("SELECT name FROM pg_catalog.pg_settings WHERE source = 'command line'");
    control.rows(&query).await?.iter().map(|row| row.get("name")).collect()
}

/// What a comment says of them.
fn note(before: &[Before]) -> String {
    if before.is_empty() {
        return String::new();
    }
    let values = before.iter().map(|Before { name, value }| match value {
        Some(value) => format!("{name} = {value}"),
        None => format!("no {name}"),
    });
    format!("{NOTE} {}", values.collect::<Vec<_>>().join(", "))
}

/// The reverse. Nothing but our names comes out, whatever somebody has written there.
fn told_by(comment: &str) -> Vec<Before> {
    let Some((_, values)) = comment.split_once(NOTE) else { return Vec::new() };
    let of = |name: &'static str| {
        values.split(',').map(str::trim).find_map(|part| match part.split_once(" = ") {
            Some((first, value)) if first == name => Some(Before { name, value: Some(value.to_owned()) }),
            None if part.strip_prefix("no ") == Some(name) => Some(Before { name, value: None }),
            _ => None,
        })
    };
    NAMES.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock() -> Seen {
        Seen { wal: 1024, timeout: 300, wal_level: "replica".to_owned() }
    }

    #[test]
    fn what_is_wanted_grows_with_the_data() {
        let of = |bytes| wanted(&stock(), bytes);
        let timeout = || ("checkpoint_timeout", "1800s".to_owned());
        assert_eq!(of(GB), [timeout()]);
        assert_eq!(of(100 * GB), [("max_wal_size", "16384MB".to_owned()), timeout()]);
        assert_eq!(of(20 * GB), [("max_wal_size", "5120MB".to_owned()), timeout()]);
        assert_eq!(wanted(&Seen { wal: 65_536, timeout: 3600, ..stock() }, 100 * GB), []);
    }

    #[test]
    fn advice_is_for_what_matters() {
        let subjects = |seen: &Seen, bytes, tuned| advice(seen, bytes, tuned).len();
        assert_eq!(subjects(&stock(), 100 * MB, false), 0);
        assert_eq!(subjects(&stock(), 100 * GB, false), 2);
        assert_eq!(subjects(&stock(), 100 * GB, true), 1);
        assert_eq!(subjects(&Seen { wal_level: "minimal".to_owned(), wal: 65_536, ..stock() }, 100 * GB, false), 0);
    }

    #[test]
    fn comments_tell_what_was_before() {
        let before =
            vec![Before { name: NAMES[0], value: Some("2GB".to_owned()) }, Before { name: NAMES[1], value: None }];
        assert_eq!(told_by(&format!("pgtandem staging database: x. {}", note(&before))), before);
        assert_eq!(told_by("pgtandem staging database: x."), []);
        let forged = format!("{NOTE} archive_command = rm, no fsync, no checkpoint_timeout");
        assert_eq!(told_by(&forged), [Before { name: NAMES[1], value: None }]);
    }
}
