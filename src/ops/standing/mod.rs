//! A database that stands already, and takes rows, or what comes after them: `--data-only`, and `--section` without pre-data.
//!
//! It is not touched. The staging database begins as a copy of it (documentation, "Template Databases"), is filled and
//! proved as any other, and takes its place at the end, if nobody has changed the original in the meantime. So a run that
//! fails or is killed leaves nothing half done here either, whatever it has loaded or built.
//!
//! What fires on rows there does not: lanes load as a replica would (`session_replication_role`), and triggers that fire even
//! then are disabled in the copy for as long. What such triggers would have found is looked for afterwards ([`references`]).

mod references;
mod trace;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub(super) use trace::Trace;

use super::check::Preflight;
use super::collation::IndexCollations;
use super::prepare::table_of_contents;
use super::staging::Staging;
use crate::catalog;
use crate::error::Result;
use crate::event::{Finding, Severity};
use crate::plan::select::Selected;
use crate::sql;
use crate::sql::{Ident, Literal, QualName, Sql, join};
use crate::toc::{Data, Entry, Kind, Rows, Section, Toc};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{Row, Session};

/// How many names a message lists; the rest is counted.
const LISTED: usize = 10;

/// How many tables one statement asks for rows.
const BATCH: usize = 200;

/// A database that stands already, and what has to be known of it.
pub(super) struct Standing {
    /// What a copy does not get by itself: owner, comment, privileges, limits, settings.
    pub properties: Vec<Sql>,
    /// How it was when it was looked at.
    pub seen: Trace,
    /// Its indexes, which the run does not build.
    indexes: HashSet<QualName>,
    /// The tables that take rows.
    filled: BTreeSet<QualName>,
    /// Whether lanes may load as a replica would.
    as_replica: bool,
    /// What disables the triggers that fire even so, and what enables them again.
    disable: Vec<Sql>,
    enable: Vec<Sql>,
    /// What makes its subscriptions, which are not copied with it: they are in a catalog of the whole server.
    subscribe: Vec<Sql>,
}

impl Standing {
    /// Looks whether the database can take what is made of these entries: what they need is there, and they are not. Says of
    /// each table whether its rows can be written frozen.
    ///
    /// Returns nothing where there is no such database, and that is an obstacle, too.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn look(staging: &Staging, toc: &mut Toc, preflight: &mut Preflight) -> Result<Option<Self>> {
        if !staging.target_exists().await? {
            preflight.obstacle(
                "there is no such database on the new server, and this selection leaves out what rows need to exist. Make it \
                 first: the same command with --schema-only, or --section pre-data.",
            );
            return Ok(None);
        }
        let session = staging.connect_target("standing").await?;
        let looked = Self::look_at(&session, staging, toc, preflight).await;
        session.close().await;
        looked.map(Some)
    }

    async fn look_at(session: &Session, staging: &Staging, toc: &mut Toc, preflight: &mut Preflight) -> Result<Self> {
        preflight.users_of_target(session).await?;
        for tie in session.rows(&Sql::constant(TIES)).await? {
            let tie: String = tie.get("tie")?;
            preflight.obstacle(format!(
                "{tie} in the database on the new server would be lost: a copy of that takes its place. Drop it there, or \
                 disable it if it is a subscription, and make or enable it again afterwards."
            ));
        }
        let as_replica = match session.run(&Sql::constant("SET session_replication_role TO replica")).await {
            // insufficient_privilege
            Err(error) if error.sqlstate() == Some("42501") => false,
            done => done.map(|()| true)?,
        };
        let seen = Trace::of(session).await?;
        session.run(&Sql::constant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?;
        let mut catalog = catalog::read::database(session).await?;
        catalog::read::states(session, &mut catalog).await?;
        let (there, how) = table_of_contents(&catalog, &Selected::default(), session.version(), None)?;
        let rows = match_up(toc, &there, preflight);
        let filled: BTreeSet<QualName> = rows.iter().flat_map(written).cloned().collect();
        preflight.filled(session, &rows).await?;
        let triggers = triggers(session).await?;
        if !as_replica {
            let firing = triggers.iter().filter(|trigger| filled.contains(&trigger.table) && trigger.enabled != "R");
            let firing: BTreeSet<String> = firing.map(|trigger| trigger.table.label()).collect();
            if !firing.is_empty() {
                preflight.obstacle(format!(
                    "triggers or foreign keys of {} would fire on the rows, and the role on the new server may not set \
                     session_replication_role. Log in as a superuser, GRANT SET ON PARAMETER session_replication_role to the \
                     role (15 and later), or load the rows before triggers and foreign keys are made: --section pre-data, \
                     then --section data, then --section post-data.",
                    listed(firing.into_iter())
                ));
            }
        }
        let referenced = referenced(session).await?;
        for entry in toc.entries_mut() {
            if let Some(Data::Rows(rows)) = &mut entry.data {
                // TRUNCATE refuses a table that another one refers to.
                rows.fresh = rows.fresh && !referenced.contains(&rows.table);
            }
        }
        let bytes: i64 = session.row(&Sql::constant(SIZE)).await?.get("bytes")?;
        session.run(&Sql::constant("COMMIT")).await?;
        preflight.note([Finding {
            severity: Severity::Note,
            subject: "the database on the new server".to_owned(),
            text: format!(
                "it is there already, with {:.0} MB: a copy is made of it, and takes its place when all is proved",
                bytes as f64 / 1e6
            ),
            remedy: None,
        }]);
        let always = triggers.iter().filter(|trigger| trigger.enabled != "O");
        let (disable, enable) =
            always.map(|trigger| (trigger.alter("DISABLE"), trigger.alter(trigger.state()))).unzip();
        let indexes = there.entries().iter().filter(|entry| matches!(entry.kind, Kind::Index | Kind::Constraint));
        Ok(Self {
            properties: catalog.database.properties(staging.name(), &catalog, &how),
            seen,
            indexes: indexes.filter_map(index).collect(),
            filled,
            as_replica,
            disable,
            enable,
            subscribe: subscriptions(&there),
        })
    }

    /// How lanes connect, so that nothing fires on what they load.
    pub fn for_lanes(&self, to: &ConnInfo) -> ConnInfo {
        match self.as_replica {
            true => to.with_options("-c session_replication_role=replica"),
            false => to.clone(),
        }
    }

    /// Disables in the copy what would fire even so.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn quiet(&self, copy: &Session) -> Result<()> {
        self.run(copy, &self.disable).await
    }

    /// Event triggers do not fire on it either.
    async fn run(&self, session: &Session, statements: &[Sql]) -> Result<()> {
        if statements.is_empty() {
            return Ok(());
        }
        let as_replica = Sql::constant("SET session_replication_role TO replica");
        let first = Some(&as_replica).filter(|_| self.as_replica);
        session.run(&join(first.into_iter().chain(statements), ";\n")).await
    }

    /// Makes everything fire again, and looks for rows that what did not fire would have refused. Returns what could not be
    /// looked at.
    ///
    /// # Errors
    ///
    /// `Differs` for such rows; what the server says.
    pub async fn prove(&self, copy: &Session) -> Result<Vec<Finding>> {
        self.run(copy, &self.enable).await?;
        self.run(copy, &self.subscribe).await?;
        let mut findings = references::prove(copy, &self.filled).await?;
        let empty: Vec<QualName> =
            copy.rows(&Sql::constant(NOT_FILLED)).await?.iter().map(name).collect::<Result<_>>()?;
        if !empty.is_empty() && !self.filled.is_empty() {
            findings.push(Finding {
                severity: Severity::Note,
                subject: format!("materialized views {}", listed(empty.iter().map(QualName::label))),
                text: "are not filled: that comes with what comes after the data".to_owned(),
                remedy: Some("REFRESH MATERIALIZED VIEW, if --section post-data does not follow.".to_owned()),
            });
        }
        Ok(findings)
    }

    /// Only the indexes that the run has built.
    pub fn built(&self, mut indexes: Vec<IndexCollations>) -> Vec<IndexCollations> {
        indexes.retain(|index| !self.indexes.contains(&index.index));
        indexes
    }
}

/// The tables that rows are written to.
fn written(rows: &Rows) -> impl Iterator<Item = &QualName> {
    rows.into.iter().chain([&rows.table])
}

/// The index that an entry makes.
fn index(entry: &Entry) -> Option<QualName> {
    // That of a constraint bears its name, which follows that of the table.
    let name = match entry.kind {
        Kind::Constraint => entry.tag.rsplit(' ').next()?,
        _ => &entry.tag,
    };
    Some(Ident::new(name).within(entry.namespace.as_ref()?))
}

/// What makes the subscriptions, with their owners and comments.
fn subscriptions(there: &Toc) -> Vec<Sql> {
    let entries = there.entries();
    let made: HashSet<_> = entries.iter().filter(|e| e.kind == Kind::Subscription).map(|e| e.source).collect();
    let about = entries.iter().filter(|entry| made.contains(&entry.source));
    about.flat_map(|entry| entry.create.iter().chain(entry.owner.iter().map(|owner| &owner.alter))).cloned().collect()
}

/// Looks what entries find on the other side. Returns the rows that are loaded, with the filters of the new server.
fn match_up(toc: &Toc, there: &Toc, preflight: &mut Preflight) -> Vec<Rows> {
    let key = |entry: &Entry| (entry.kind, entry.name().replace('"', ""));
    let theirs: HashMap<_, &Entry> = there.entries().iter().map(|entry| (key(entry), entry)).collect();
    let (mut rows, mut missing, mut taken) = (Vec::new(), Vec::new(), Vec::new());
    let mut columns: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for entry in toc.entries().iter().filter(|entry| entry.is_made()) {
        let found = theirs.get(&key(entry));
        match (&entry.data, found.map(|found| &found.data)) {
            (Some(Data::Rows(ours)), Some(Some(Data::Rows(theirs)))) => {
                let lacks = ours.columns.iter().filter(|column| !theirs.columns.contains(column));
                let lacks: Vec<&str> = lacks.map(Ident::as_str).collect();
                if !lacks.is_empty() {
                    columns.insert(ours.table.label(), lacks);
                }
                rows.push(Rows { filter: theirs.filter.clone(), ..ours.clone() });
            }
            // One of an extension, in another version: that is found out where it is met.
            (Some(Data::Rows(_)), _) if entry.only_if.is_some() => {}
            (Some(Data::Rows(ours)), _) => missing.push(format!("table {}", ours.table.label())),
            (None, None) if entry.kind == Kind::SequenceSet && entry.only_if.is_none() => {
                missing.push(format!("sequence {}", entry.name()));
            }
            // What an extension's script may have made is made where it has not.
            (None, Some(_)) if found.is_some_and(|found| found.only_if.is_some()) => {}
            (None, Some(_)) if is_made_once(entry) => taken.push(entry.label()),
            _ => {}
        }
    }
    if !missing.is_empty() {
        preflight.obstacle(format!(
            "the database on the new server lacks what takes the rows: {}. Make it there, or leave it out with \
             --exclude-table.",
            listed(missing.into_iter())
        ));
    }
    for (table, lacks) in columns {
        preflight.obstacle(format!(
            "table {table} on the new server lacks columns that rows have: {}.",
            listed(lacks.into_iter().map(str::to_owned))
        ));
    }
    if !taken.is_empty() {
        preflight.obstacle(format!(
            "the database on the new server has already what is to be made: {}. Drop it there, or leave it out.",
            listed(taken.into_iter())
        ));
    }
    rows
}

/// Whether an entry makes something that can be there but once.
fn is_made_once(entry: &Entry) -> bool {
    let said_again = matches!(
        entry.kind,
        Kind::SequenceSet
            | Kind::RowSecurity
            | Kind::Comment
            | Kind::SecurityLabel
            | Kind::Acl
            | Kind::DefaultAcl
            | Kind::MaterializedViewData
            | Kind::StatisticsData
    );
    entry.section != Section::Standing && !said_again && entry.only_if.is_none()
}

/// Names, as far as anybody would read them.
fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let shown: Vec<String> = names.take(LISTED).collect();
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A trigger of a table, one behind a constraint too.
struct Trigger {
    table: QualName,
    name: Ident,
    /// `O`, `A` or `R` (documentation, `pg_trigger.tgenabled`).
    enabled: String,
}

impl Trigger {
    fn alter(&self, how: &'static str) -> Sql {
        sql!("ALTER TABLE ONLY {} {} TRIGGER {}", self.table, Sql::constant(how), self.name)
    }

    fn state(&self) -> &'static str {
        if self.enabled == "R" { "ENABLE REPLICA" } else { "ENABLE ALWAYS" }
    }
}

fn name(row: &Row) -> Result<QualName> {
    Ok(QualName::new(row.get::<String>("schema")?, row.get::<String>("name")?))
}

async fn triggers(session: &Session) -> Result<Vec<Trigger>> {
    let trigger = |row: &Row| {
        let called = Ident::new(row.get::<String>("trigger")?);
        Ok(Trigger { table: name(row)?, name: called, enabled: row.get("enabled")? })
    };
    session.rows(&Sql::constant(TRIGGERS)).await?.iter().map(trigger).collect()
}

/// The tables that others refer to.
async fn referenced(session: &Session) -> Result<HashSet<QualName>> {
    session.rows(&Sql::constant(REFERENCED)).await?.iter().map(name).collect()
}

impl Preflight {
    /// Tables that are to take rows, and have some.
    async fn filled(&mut self, session: &Session, tables: &[Rows]) -> Result<()> {
        let mut filled = Vec::new();
        for batch in tables.chunks(BATCH) {
            let each = batch.iter().map(|rows| {
                let name = rows.table.label();
                let from = match &rows.filter {
                    None => sql!("ONLY {}", rows.table),
                    Some(filter) => sql!("{} {}", rows.table, filter),
                };
                sql!("SELECT {} AS name WHERE EXISTS (SELECT FROM {})", Literal(&name), from)
            });
            for row in session.rows(&join(each, " UNION ALL ")).await? {
                filled.push(row.get::<String>("name")?);
            }
        }
        if !filled.is_empty() {
            self.obstacle(format!(
                "tables on the new server have rows already: {}. TRUNCATE them there, or leave them out with \
                 --exclude-table-data.",
                listed(filled.into_iter())
            ));
        }
        Ok(())
    }
}

/// What is at work in a database, and is not copied with it.
const TIES: &str = "\
SELECT 'subscription ' || s.subname AS tie FROM pg_catalog.pg_subscription s \
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database() AND s.subenabled \
UNION ALL SELECT 'replication slot ' || slot_name FROM pg_catalog.pg_replication_slots \
WHERE database = pg_catalog.current_database()";

const TRIGGERS: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name, t.tgname::text AS trigger, t.tgenabled::text AS enabled \
FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE t.tgenabled <> 'D' AND c.relkind IN ('r', 'p', 'f') AND n.nspname <> 'pg_catalog' ORDER BY 1, 2, 3";

const REFERENCED: &str = "\
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS name \
FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.confrelid \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND k.conrelid <> k.confrelid";

const SIZE: &str = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS bytes";

const NOT_FILLED: &str = "\
SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND NOT c.relispopulated ORDER BY 1, 2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().into_iter();
        assert_eq!(listed(names(2)), "0, 1");
        assert_eq!(listed(names(12)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
