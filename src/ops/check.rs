//! The preflight: everything that stands in the way, found before anything is written, and told all at once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::catalog::{self, Catalog, Hazard, Pattern, Wanted};
use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::plan::select::{Dangling, Selected};
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::toc::{Entry, Kind, Section, Toc};
use crate::transfer::Moved;
use crate::wire::session::{Row, Session};
use crate::wire::version::{NEWEST_KNOWN, OLDEST_SOURCE, OLDEST_TARGET};

use super::upgrade::Writers;

/// The proof that a preflight has found nothing in the way. An upgrade demands it before it writes.
#[derive(Debug)]
pub(super) struct Clearance(());

/// What a preflight collects.
#[derive(Debug, Default)]
pub(super) struct Preflight {
    obstacles: Vec<String>,
    findings: Vec<Finding>,
    hopeless: bool,
    /// The database that is looked at, where there are several.
    about: Option<String>,
}

impl Preflight {
    /// Adds something that stands in the way: what, why, and what to do.
    pub fn obstacle(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.obstacles.push(match &self.about {
            Some(database) => format!("{database}: {text}"),
            None => text,
        });
    }

    /// What is looked at from here on; `None` for everything, or the only database.
    pub fn about(&mut self, database: Option<String>) {
        self.about = database;
    }

    /// Adds what is worth telling.
    pub fn note(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for mut finding in findings {
            if let Some(database) = &self.about {
                finding.subject = format!("{database}: {}", finding.subject);
            }
            self.findings.push(finding);
        }
    }

    /// What is worth telling, although it stands in nobody's way.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Ends the preflight where it is of no use to look any further.
    ///
    /// # Errors
    ///
    /// `Refused`, with everything that was found so far.
    pub fn insist_on_hope(&self) -> Result<()> {
        if self.hopeless { Err(refusal(&self.obstacles)) } else { Ok(()) }
    }

    /// The clearance, or one error with everything that stands in the way.
    pub fn clear(self) -> Result<Clearance> {
        if self.obstacles.is_empty() { Ok(Clearance(())) } else { Err(refusal(&self.obstacles)) }
    }

    /// Versions that do not go together.
    pub fn versions(&mut self, old: &Session, new: &Session) {
        let (from, to) = (old.version(), new.version());
        if from.major() < OLDEST_SOURCE {
            self.obstacle(format!("the old server is {from}; the oldest that can be read is {OLDEST_SOURCE}."));
        }
        if to.major() < OLDEST_TARGET {
            self.obstacle(format!("the new server is {to}; the oldest that can be written is {OLDEST_TARGET}."));
        }
        self.hopeless = from.major() < OLDEST_SOURCE;
        if to.major() < from.major() {
            self.obstacle(format!(
                "the new server ({to}) is older than the old one ({from}). Were --from and --to swapped?"
            ));
        }
        for (side, version) in [("old", from), ("new", to)] {
            if version.major() > NEWEST_KNOWN {
                self.note([Finding {
                    severity: Severity::Warning,
                    subject: format!("the {side} server"),
                    text: format!(
                        "{version} is newer than the newest version that this pgtandem was tried with ({NEWEST_KNOWN})"
                    ),
                    remedy: Some("Look for a newer pgtandem.".to_owned()),
                }]);
            }
        }
    }

    /// Source and target that are one and the same database.
    pub async fn same_database(&mut self, old: &Session, old_name: &str, new: &Session, new_name: &str) -> Result<()> {
        if old_name != new_name {
            return Ok(());
        }
        let identity = Sql::constant(
            "SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::text AS system, \
             pg_catalog.pg_postmaster_start_time()::text AS started",
        );
        let (a, b) = futures::try_join!(old.row(&identity), new.row(&identity))?;
        let of = |row: &Row| -> Result<(String, String)> { Ok((row.get("system")?, row.get("started")?)) };
        if of(&a)? == of(&b)? {
            self.obstacle(format!("source and target are the same database ({old_name} on the same server)."));
        }
        Ok(())
    }

    /// Other sessions in the old database, and workers of its subscriptions: what they write after the snapshot stays behind.
    pub async fn writers(&mut self, old: &Session, writers: Writers) -> Result<()> {
        let sessions = other_sessions(old).await?;
        if sessions.is_empty() {
            return Ok(());
        }
        match writers {
            Writers::Refuse => self.obstacle(format!(
                "other sessions are connected to the old database; what they write from now on would be lost. \
                 Stop the workload, or say --writers allow: {}.",
                sessions.join("; ")
            )),
            Writers::Allow => self.note(sessions.into_iter().map(|subject| Finding {
                severity: Severity::Warning,
                subject,
                text: "is connected to the old database; what it writes during the run is not moved".to_owned(),
                remedy: None,
            })),
        }
        Ok(())
    }

    /// Other sessions in a database on the new server that is to be copied: it cannot be, and what they write would be lost.
    pub async fn users_of_target(&mut self, new: &Session) -> Result<()> {
        let sessions = other_sessions(new).await?;
        if !sessions.is_empty() {
            self.obstacle(format!(
                "other sessions are connected to the database on the new server, of which a copy is made. End them: {}.",
                sessions.join("; ")
            ));
        }
        Ok(())
    }

    /// Tables and sequences that this role may not read, or not wholly, although they are selected. A sequence is with the
    /// table that owns it.
    pub async fn privileges(&mut self, old: &Session, selected: &Selected) -> Result<()> {
        for row in old.rows(&Sql::constant(UNREADABLE)).await? {
            let (name, why): (String, String) = (row.get("name")?, row.get("why")?);
            let owner = row.get::<Option<String>>("owner_schema")?.zip(row.get::<Option<String>>("owner")?);
            let by_owner = owner.is_some_and(|(schema, owner)| selected.has_relation(&QualName::new(schema, owner)));
            if !by_owner && !selected.has_relation(&relation(&row)?) {
                continue;
            }
            self.obstacle(format!("{name}: {why}."));
            // Neither can it be locked, so that the catalog cannot be read.
            self.hopeless = true;
        }
        Ok(())
    }

    /// Columns of what is selected whose compression method the new server was built without.
    pub async fn compression(&mut self, old: &Session, new: &Session, selected: &Selected) -> Result<()> {
        if !old.version().has_column_compression() {
            return Ok(());
        }
        let known = new.row(&Sql::constant(COMPRESSION_METHODS)).await?.get::<Vec<String>>("methods")?;
        if known.iter().any(|method| method == "lz4") {
            return Ok(());
        }
        for row in old.rows(&Sql::constant(LZ4_COLUMNS)).await? {
            if !selected.has_relation(&relation(&row)?) {
                continue;
            }
            self.obstacle(format!(
                "column {} is compressed with lz4, and the new server was built without it. Use an image that has it, or \
                 ALTER TABLE .. ALTER COLUMN .. SET COMPRESSION pglz.",
                row.get::<String>("name")?
            ));
        }
        Ok(())
    }

    /// What a server of the new major refuses, or makes differently.
    pub fn hazards(&mut self, hazards: Vec<Hazard>) {
        for hazard in hazards {
            if hazard.fatal {
                self.obstacle(format!("{}: {}. {}", hazard.subject, hazard.text, hazard.remedy));
                continue;
            }
            self.note([Finding {
                severity: Severity::Warning,
                subject: hazard.subject,
                text: hazard.text,
                remedy: Some(hazard.remedy.to_owned()),
            }]);
        }
    }

    /// What is selected and needs what is not.
    pub fn dangling(&mut self, dangling: &[Dangling]) {
        for found in dangling {
            if found.fatal {
                self.obstacle(format!(
                    "{} needs {}, which is not selected and is in no new database.",
                    found.object, found.needs
                ));
                continue;
            }
            self.note([Finding {
                severity: Severity::Note,
                subject: found.object.clone(),
                text: format!("it comes without its tie to {}, which is not selected", found.needs),
                remedy: None,
            }]);
        }
    }

    /// Patterns that match nothing: likely enough they were to match something.
    pub fn idle(&mut self, patterns: &[&Pattern]) {
        self.note(patterns.iter().map(|pattern| Finding {
            severity: Severity::Warning,
            subject: format!("pattern {pattern}"),
            text: "it matches nothing in the old database".to_owned(),
            remedy: None,
        }));
    }

    /// Objects of kinds that cannot be moved yet.
    pub fn unhandled(&mut self, catalog: &Catalog) {
        for object in &catalog.unhandled {
            self.obstacle(format!("{} {}: this kind of object cannot be moved yet.", object.kind, object.name));
        }
    }

    /// What the databases refer to and the new server's system does not have: extensions, locales.
    pub async fn missing(&mut self, wanted: &Wanted, new: &Session) -> Result<()> {
        let here = |names: &BTreeSet<String>, query: &'static str| {
            let list = join(names.iter().map(|n| Literal(n)), ", ");
            sql!(
                "SELECT w.name FROM pg_catalog.unnest(ARRAY[{}]::text[]) AS w(name) WHERE w.name NOT IN ({})",
                list,
                query
            )
        };
        let query = "SELECT name FROM pg_catalog.pg_available_extensions";
        for row in new.rows(&here(&wanted.extensions, query)).await? {
            let name: String = row.get("name")?;
            let gone = catalog::gone_extension(&name, new.version().major());
            let remedy = gone.as_deref().unwrap_or("Install its package there");
            self.obstacle(format!("extension {name} is missing on the new server. {remedy}."));
        }
        self.label_providers(&wanted.label_providers, new).await?;
        self.superusers(wanted, new).await?;
        self.locales(&wanted.locales, new).await
    }

    /// Roles that own what only superusers can own, and are none on the new server.
    async fn superusers(&mut self, wanted: &Wanted, new: &Session) -> Result<()> {
        let ordinary = Sql::constant("SELECT rolname::text AS name FROM pg_catalog.pg_roles WHERE NOT rolsuper");
        if wanted.superusers.is_empty() {
            return Ok(());
        }
        for row in new.rows(&ordinary).await? {
            let role: String = row.get("name")?;
            if let Some(owned) = wanted.superusers.get(&role) {
                self.obstacle(format!(
                    "role {role} owns {owned}, and is no superuser on the new server. ALTER ROLE .. SUPERUSER there, or give it \
                     to another owner on the old one."
                ));
            }
        }
        Ok(())
    }

    /// The providers of security labels. They are in no catalog; but the server looks for the provider before it looks for
    /// the object (PostgreSQL, `src/backend/commands/seclabel.c`, `ExecSecLabelStmt`), and says so if it is not loaded. The
    /// schema in question cannot exist, as it has no name that a schema may have.
    async fn label_providers(&mut self, providers: &BTreeSet<String>, new: &Session) -> Result<()> {
        for provider in providers {
            let name = Ident::new(provider.as_str());
            let tried = new.run(&sql!("SECURITY LABEL FOR {} ON SCHEMA pg_no_such_schema IS NULL", name)).await;
            match tried {
                Err(error) if error.sqlstate() == Some("22023") => self.obstacle(format!(
                    "security label provider {provider} is not loaded on the new server. Name its library in \
                     shared_preload_libraries there."
                )),
                Err(error) if error.sqlstate() != Some("3F000") => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Privileges on what came with the old server and is gone from the new one.
    pub async fn gone(&mut self, toc: &Toc, new: &Session) -> Result<()> {
        let asked: Vec<(&Entry, &Sql)> = toc
            .entries()
            .iter()
            .filter(|entry| is_systems_own(entry))
            .filter_map(|entry| Some((entry, entry.only_if.as_ref()?)))
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let conditions = join(asked.iter().map(|(_, condition)| *condition), ", ");
        let here: Vec<bool> = new.row(&sql!("SELECT ARRAY[{}] AS here", conditions)).await?.get("here")?;
        let gone = asked.iter().zip(here).filter(|(_, here)| !here);
        self.note(gone.map(|((entry, _), _)| nothing_to_grant_on(entry)).collect::<Vec<_>>());
        Ok(())
    }
}

/// Who else is connected to the session's database, after a while for those that are about to leave.
async fn other_sessions(session: &Session) -> Result<Vec<String>> {
    let query = Sql::constant(OTHER_SESSIONS);
    let patience = Instant::now() + PARTING;
    let mut rows = session.rows(&query).await?;
    while !rows.is_empty() && Instant::now() < patience {
        tokio::time::sleep(PARTING / 20).await;
        rows = session.rows(&query).await?;
    }
    let mut sessions = Vec::new();
    for row in &rows {
        let (pid, user): (i32, Option<String>) = (row.get("pid")?, row.get("usename")?);
        let (name, client): (Option<String>, Option<String>) = (row.get("application_name")?, row.get("client")?);
        let state: Option<String> = row.get("state")?;
        sessions.push(format!(
            "pid {pid}, user {}, application \"{}\", from {}, {}",
            user.as_deref().unwrap_or("?"),
            name.as_deref().unwrap_or_default(),
            client.as_deref().unwrap_or("a local socket"),
            state.as_deref().unwrap_or("state unknown"),
        ));
    }
    Ok(sessions)
}

fn refusal(obstacles: &[String]) -> Error {
    match obstacles {
        [] => Error::refused("the old database cannot be read"),
        [only] => Error::refused(format!("cannot start, and nothing was written: {only}")),
        many => {
            let list: String = many.iter().map(|o| format!("\n  - {o}")).collect();
            Error::refused(format!(
                "cannot start, and nothing was written; {} things stand in the way:{list}",
                many.len()
            ))
        }
    }
}

/// The relation that a row names.
fn relation(row: &Row) -> Result<QualName> {
    Ok(QualName::new(row.get::<String>("schema")?, row.get::<String>("relation")?))
}

/// What was found when entries had their turn: privileges that were not granted, because they are on a part of an extension
/// that the new server's version does not have (what the server itself no longer has was told beforehand), its rows there,
/// if there were none; and what was made on relations of extensions, or could not be.
pub(super) fn passed_over(toc: &Toc, moved: &Moved) -> Vec<Finding> {
    let mut out = Vec::new();
    for entry in toc.entries().iter().filter(|entry| entry.only_if.is_some() && !is_systems_own(entry)) {
        let passed_over = moved.passed_over.contains(&entry.id);
        match (entry.kind, moved.left_out.get(&entry.id)) {
            (Kind::Acl, _) if passed_over => out.push(nothing_to_grant_on(entry)),
            _ if passed_over && entry.section == Section::Data => out.push(no_place(entry)),
            _ if entry.section == Section::Data => {}
            (Kind::Acl | Kind::Comment, None) => {}
            (_, Some(error)) => out.push(refused_on_extension(entry, error)),
            (_, None) if !passed_over => out.push(made_on_extension(entry)),
            _ => {}
        }
    }
    out
}

fn made_on_extension(entry: &Entry) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: entry.label(),
        text: "was made on a relation of an extension, which does not bring it along".to_owned(),
        remedy: None,
    }
}

fn refused_on_extension(entry: &Entry, error: &Error) -> Finding {
    let said = error.server().map_or_else(|| error.to_string(), |said| said.message.clone());
    Finding {
        severity: Severity::Warning,
        subject: entry.label(),
        text: format!("is left out, as it does not fit the extension of the new server: {said}"),
        remedy: Some(format!(
            "If it is yours and not the old version's, make it in another way. It was: {}.",
            join(&entry.create, "; ").shown()
        )),
    }
}

/// What could only be made with the search path of the old database. It works on the new one as well as it did, which is to
/// say not everywhere: a dump of the new database would meet the same.
pub(super) fn by_path(toc: &Toc, moved: &Moved) -> Vec<Finding> {
    let entries = moved.by_path.iter().filter_map(|id| toc.get(*id));
    let finding = |entry: &Entry| Finding {
        severity: Severity::Warning,
        subject: entry.name(),
        text:
            "a function that it calls names something without its schema, and found it only by way of the search_path \
               that the old database gives to its users"
                .to_owned(),
        remedy: Some("Say which it means: ALTER FUNCTION .. SET search_path = ... 17 and later demand it.".to_owned()),
    };
    entries.map(finding).collect()
}

/// Whether an entry is about an object that came with the server (`src/include/access/transam.h`, `FirstNormalObjectId`).
fn is_systems_own(entry: &Entry) -> bool {
    entry.source.1 < 16384
}

fn no_place(entry: &Entry) -> Finding {
    Finding {
        severity: Severity::Note,
        subject: entry.name(),
        text: format!("{} left out: the new server's version of the extension has no such relation", entry.kind),
        remedy: None,
    }
}

fn nothing_to_grant_on(entry: &Entry) -> Finding {
    Finding {
        severity: Severity::Warning,
        subject: entry.name(),
        text: "privileges on it are left out: the new server has no such object, or calls it otherwise".to_owned(),
        remedy: Some(format!(
            "Grant what is needed on what took its place. They were: {}.",
            join(&entry.create, "; ").shown()
        )),
    }
}

/// How long a session may take to leave: a client that has just hung up is listed until its server process has ended.
const PARTING: Duration = Duration::from_secs(1);

const OTHER_SESSIONS: &str = "\
SELECT pid, usename::text AS usename, application_name, host(client_addr) AS client, state \
FROM pg_catalog.pg_stat_activity \
WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() \
AND backend_type ~ '^(client backend|logical replication .*worker)$' AND application_name !~ '^pgtandem' ORDER BY pid";

const COMPRESSION_METHODS: &str =
    "SELECT enumvals AS methods FROM pg_catalog.pg_settings WHERE name = 'default_toast_compression'";

const LZ4_COLUMNS: &str = "\
SELECT pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name, n.nspname::text AS schema, \
       c.relname::text AS relation \
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE a.attcompression = 'l' AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm') \
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1";

const UNREADABLE: &str = "\
SELECT pg_catalog.format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, n.nspname, c.relname) AS name, \
       CASE WHEN NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') THEN 'no privilege USAGE on its schema' \
            WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN 'no privilege to read it' \
            ELSE 'row-level security would hide rows from this role, which has no BYPASSRLS' END AS why, \
       n.nspname::text AS schema, c.relname::text AS relation, tn.nspname::text AS owner_schema, t.relname::text AS owner \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_catalog.pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
  AND d.objid = c.oid AND d.refclassid = d.classid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i') \
LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace \
WHERE c.relkind IN ('r', 'p', 'S', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
  AND (NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') \
       OR c.relkind IN ('r', 'p') AND c.relrowsecurity AND pg_catalog.row_security_active(c.oid)) \
ORDER BY 1";
