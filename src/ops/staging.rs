//! The staging database: where everything is loaded, under a name that no application connects to, until it is proved.
//!
//! All state is in the new server, so that a run which was killed leaves nothing that the next one cannot recognise: an
//! advisory lock says that a run is alive, a comment says whose a staging database is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::check::Clearance;
use super::standing::Trace;
use super::tuning;
use crate::catalog::Database;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Ident, Literal, Sql, join};
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};

/// What the comment of a staging database begins with.
const MARK: &str = "pgtandem staging database";

/// What follows the final name in the name of a staging database, and of the empty database that gave way.
const SUFFIX: &str = "__tandem";
const REPLACED: &str = "__tandem_replaced";
/// The same for a database in which things are only measured. No run of another kind gives such a name.
const BENCH: [&str; 2] = ["__tandem_bench", "__tandem_bench_replaced"];

/// The longest name that a server keeps, in bytes (`NAMEDATALEN` - 1).
const NAME_BYTES: usize = 63;

/// How long the server's process of a run that was killed may take to end what it is at, and to notice.
const PARTING: Duration = Duration::from_secs(5);

/// The new server's side of a run: a session outside of the database that is being made.
pub(super) struct Staging {
    control: Arc<Session>,
    to: ConnInfo,
    notices: NoticeSink,
    name: Ident,
    target: Ident,
    replaced: Ident,
}

impl Staging {
    /// Makes sure that no other run is making the same database. `control` is a session in another one.
    pub async fn open(control: &Arc<Session>, to: &ConnInfo, notices: &NoticeSink) -> Result<Self> {
        Self::named(control, to, notices, [SUFFIX, REPLACED]).await
    }

    /// The same for a database that never takes a final name: it is for measuring, and goes at the end.
    pub async fn open_for_bench(control: &Arc<Session>, to: &ConnInfo, notices: &NoticeSink) -> Result<Self> {
        Self::named(control, to, notices, BENCH).await
    }

    /// The same for one that is [marked], by its name; where that was cut, by the part that a run for the whole name uses, too.
    pub async fn open_marked(
        control: &Arc<Session>,
        to: &ConnInfo,
        notices: &NoticeSink,
        marked: &str,
    ) -> Result<Self> {
        let suffixes = if BENCH.iter().any(|suffix| marked.ends_with(suffix)) { BENCH } else { [SUFFIX, REPLACED] };
        let target = suffixes.iter().find_map(|suffix| marked.strip_suffix(suffix)).unwrap_or(marked);
        Self::named(control, &to.with_database(target), notices, suffixes).await
    }

    async fn named(
        control: &Arc<Session>,
        to: &ConnInfo,
        notices: &NoticeSink,
        [suffix, replaced]: [&str; 2],
    ) -> Result<Self> {
        let database = to.database();
        let staging = Self {
            control: Arc::clone(control),
            to: to.clone(),
            notices: notices.clone(),
            name: suffixed(database, suffix),
            target: Ident::new(database),
            replaced: suffixed(database, replaced),
        };
        staging.lock().await?;
        Ok(staging)
    }

    /// The name that it bears until it is proved.
    pub fn name(&self) -> &Ident {
        &self.name
    }

    /// A new session in the staging database.
    pub async fn connect(&self, side: Side, purpose: &'static str) -> Result<Session> {
        let info = self.to.with_database(self.name.as_str());
        Session::connect(&info, side, purpose, self.notices.clone()).await
    }

    /// The lock lives as long as this session, however the run ends.
    async fn lock(&self) -> Result<()> {
        let key = Literal(self.name.as_str());
        let sql = sql!(
            "SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtext('pgtandem'), pg_catalog.hashtext({})) AS free",
            key
        );
        let patience = Instant::now() + PARTING;
        while !self.control.row(&sql).await?.get::<bool>("free")? {
            if Instant::now() > patience {
                return Err(self.is_being_made());
            }
            tokio::time::sleep(PARTING / 50).await;
        }
        Ok(())
    }

    fn is_being_made(&self) -> Error {
        Error::refused("another run is making the same database")
            .about(format!("database {}", self.target.as_str()))
            .with_hint("Wait for it to end, or end it; then run the same command again.")
    }

    /// What stands in the way of a new database: a target that holds something.
    pub async fn target_obstacle(&self) -> Result<Option<String>> {
        let is_free = !self.exists(&self.target).await? || self.is_empty(&self.target).await?;
        Ok((!is_free).then(|| {
            format!(
                "database {} on the new server is not empty. Drop it, or name another one with --to.",
                self.target.as_str()
            )
        }))
    }

    /// What stands in the way on the new server: a database of somebody else's under a name that we need.
    pub async fn obstacles(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for name in [&self.name, &self.replaced] {
            if self.exists(name).await? && !self.is_ours(name).await? && !self.is_empty(name).await? {
                found.push(format!(
                    "database {} on the new server bears the name that this run needs, and was not made by pgtandem. Rename it.",
                    name.as_str()
                ));
            }
        }
        Ok(found)
    }

    /// Removes what an earlier run left behind, and makes the staging database with the old one's encoding and locale.
    pub async fn create(&self, _clearance: &Clearance, database: &Database, old: &str) -> Result<()> {
        self.create_by(&database.create_statement(&self.name, self.control.version()), &incomplete(old)).await
    }

    /// The same for measuring.
    pub async fn create_for_bench(&self, _clearance: &Clearance, database: &Database, old: &str) -> Result<()> {
        let mark = format!("{MARK}: for measuring, with samples of {old}. The next bench removes it.");
        self.create_by(&database.create_statement(&self.name, self.control.version()), &mark).await
    }

    /// The same, where the staging database begins as a copy of the one whose name it is to bear.
    pub async fn create_from_target(&self, _clearance: &Clearance, old: &str) -> Result<()> {
        let copy = sql!("CREATE DATABASE {} TEMPLATE {}", self.name, self.target);
        self.create_by(&copy, &incomplete(old)).await.map_err(|error| match error.sqlstate() {
            // object_in_use
            Some("55006") => error.with_hint("End the sessions in that database, and run the same command again."),
            _ => error,
        })
    }

    async fn create_by(&self, statement: &Sql, mark: &str) -> Result<()> {
        self.remove().await?;
        self.control.run(statement).await?;
        self.mark(mark).await
    }

    async fn mark(&self, comment: &str) -> Result<()> {
        self.control.run(&sql!("COMMENT ON DATABASE {} IS {}", self.name, Literal(comment))).await
    }

    /// Keeps a line for whoever finds the staging database, in place of the one that was kept before.
    pub async fn keep(&self, line: &str) -> Result<()> {
        let comment = self.comment(&self.name).await?;
        let mark = comment.lines().next().unwrap_or(MARK);
        self.mark(format!("{mark}\n{line}").trim_end()).await
    }

    /// The session outside of the database that is being made.
    pub fn control(&self) -> &Session {
        &self.control
    }

    /// Removes the staging database, if it is there.
    pub async fn remove(&self) -> Result<()> {
        for name in [&self.name, &self.replaced] {
            self.drop_database(name).await?;
        }
        Ok(())
    }

    /// Gives the proved database its own properties, by statements about it under the name that it has yet, and its final
    /// name, in one transaction. The database that bore the name goes: an empty one, or the one that this is a copy of, if
    /// it is as it was `seen`.
    pub async fn publish(&self, properties: Vec<Sql>, seen: Option<&Trace>) -> Result<()> {
        let taken = self.exists(&self.target).await?;
        let changed = match seen {
            Some(seen) => {
                self.end_sessions(&self.target).await?;
                !taken || self.trace().await? != *seen
            }
            None => taken && !self.is_empty(&self.target).await?,
        };
        if changed {
            let what = match seen {
                Some(_) => "the target has been changed by somebody else while this run was under way",
                None => "the target has been filled by somebody else while this run was under way",
            };
            return Err(Error::refused(what).about(format!("database {}", self.target.as_str())));
        }
        // Its commit is waited for, and with it everything that lanes have committed without waiting.
        self.control.run(&Sql::constant("SET synchronous_commit TO on")).await?;
        let mut statements = vec![sql!("COMMENT ON DATABASE {} IS NULL", self.name)];
        statements.extend(properties);
        if taken {
            let mark = format!("{MARK}: the one that {} was before. The next run of pgtandem removes it.", self.target);
            statements.push(sql!("COMMENT ON DATABASE {} IS {}", self.target, Literal(&mark)));
            statements.push(sql!("ALTER DATABASE {} RENAME TO {}", self.target, self.replaced));
            self.end_sessions(&self.target).await?;
        }
        statements.push(sql!("ALTER DATABASE {} RENAME TO {}", self.name, self.target));
        self.end_sessions(&self.name).await?;
        self.control.run(&join(statements, ";\n")).await?;
        self.drop_database(&self.replaced).await
    }

    /// Whether there is a database that bears the final name.
    pub async fn target_exists(&self) -> Result<bool> {
        self.exists(&self.target).await
    }

    /// A new session in the database that bears the final name.
    pub async fn connect_target(&self, purpose: &'static str) -> Result<Session> {
        Session::connect(&self.to, Side::New, purpose, self.notices.clone()).await
    }

    async fn trace(&self) -> Result<Trace> {
        let session = self.connect_target("check").await?;
        let trace = Trace::of(&session).await;
        session.close().await;
        trace
    }

    async fn exists(&self, name: &Ident) -> Result<bool> {
        let sql = sql!("SELECT 1 AS one FROM pg_catalog.pg_database WHERE datname = {}", Literal(name.as_str()));
        Ok(!self.control.rows(&sql).await?.is_empty())
    }

    async fn is_ours(&self, name: &Ident) -> Result<bool> {
        Ok(self.comment(name).await?.starts_with(MARK))
    }

    /// The comment on a database; empty where there is none.
    async fn comment(&self, name: &Ident) -> Result<String> {
        let sql = sql!(
            "SELECT COALESCE(pg_catalog.shobj_description(oid, 'pg_database'), '') AS comment \
             FROM pg_catalog.pg_database WHERE datname = {}",
            Literal(name.as_str())
        );
        self.control.row(&sql).await?.get("comment")
    }

    /// What the comment on a database of this role's says, if that is a staging database: nobody else's is believed.
    async fn own_mark(&self, name: &Ident) -> Result<Option<String>> {
        let sql = sql!(
            "SELECT pg_catalog.shobj_description(d.oid, 'pg_database') AS comment FROM pg_catalog.pg_database d \
             JOIN pg_catalog.pg_roles r ON r.oid = d.datdba WHERE d.datname = {} AND r.rolname = CURRENT_USER",
            Literal(name.as_str())
        );
        let Some(row) = self.control.maybe_row(&sql).await? else { return Ok(None) };
        Ok(row.get::<Option<String>>("comment")?.filter(|comment| comment.starts_with(MARK)))
    }

    async fn is_empty(&self, name: &Ident) -> Result<bool> {
        let info = self.to.with_database(name.as_str());
        let session = Session::connect(&info, Side::New, "check", self.notices.clone()).await?;
        is_empty(&session).await
    }

    async fn drop_database(&self, name: &Ident) -> Result<()> {
        if !self.exists(name).await? {
            return Ok(());
        }
        let is_template =
            sql!("SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = {}", Literal(name.as_str()));
        if self.control.row(&is_template).await?.get("datistemplate")? {
            self.control.run(&sql!("ALTER DATABASE {} IS_TEMPLATE false", name)).await?;
        }
        self.put_settings_back(name).await?;
        self.drop_subscriptions(name).await?;
        self.end_sessions(name).await?;
        self.control.run(&sql!("DROP DATABASE IF EXISTS {}", name)).await
    }

    /// Puts settings of the server back that a killed run has changed, and tells whether there were any.
    async fn put_settings_back(&self, name: &Ident) -> Result<bool> {
        match self.own_mark(name).await? {
            Some(comment) => tuning::put_back_from(&self.control, &comment).await,
            None => Ok(false),
        }
    }

    /// Removes a database that is [marked], and tells whether settings of the server were put back.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn remove_marked(&self, name: &str) -> Result<bool> {
        let name = Ident::new(name);
        let settings = self.put_settings_back(&name).await?;
        self.drop_database(&name).await?;
        Ok(settings)
    }

    /// A database cannot be dropped while it has subscriptions. Those of ours have never been connected, so that they can go
    /// without a word to the publisher; event triggers, which could object, are disabled first.
    async fn drop_subscriptions(&self, name: &Ident) -> Result<()> {
        let query = sql!(
            "SELECT s.subname::text AS name FROM pg_catalog.pg_subscription s \
             JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = {}",
            Literal(name.as_str())
        );
        let subscriptions = self.control.rows(&query).await?;
        if subscriptions.is_empty() {
            return Ok(());
        }
        let info = self.to.with_database(name.as_str());
        let session = Session::connect(&info, Side::New, "cleanup", self.notices.clone()).await?;
        let triggers = Sql::constant("SELECT evtname::text AS name FROM pg_catalog.pg_event_trigger");
        for trigger in session.rows(&triggers).await? {
            let trigger = Ident::new(trigger.get::<String>("name")?);
            session.run(&sql!("ALTER EVENT TRIGGER {} DISABLE", trigger)).await?;
        }
        for subscription in subscriptions {
            let subscription = Ident::new(subscription.get::<String>("name")?);
            let alter = sql!("ALTER SUBSCRIPTION {}", subscription);
            let statements =
                sql!("{} DISABLE; {} SET (slot_name = NONE); DROP SUBSCRIPTION {}", alter, alter, subscription);
            session.run(&statements).await?;
        }
        session.close().await;
        Ok(())
    }

    /// Ends whoever is connected to a database: backends that a killed run has left, or an application that waits for the
    /// database to be filled.
    async fn end_sessions(&self, name: &Ident) -> Result<()> {
        let sql = sql!(
            "SELECT pg_catalog.pg_terminate_backend(pid) AS ended FROM pg_catalog.pg_stat_activity WHERE datname = {}",
            Literal(name.as_str())
        );
        self.control.rows(&sql).await.map(drop)
    }
}

/// The same parameters, for sessions in which no event trigger fires, not even as they log in. Where that cannot be had,
/// there can be none that do: they belong to superusers.
///
/// # Errors
///
/// What the server says.
pub(super) async fn unbothered(to: &ConnInfo, control: &Session) -> Result<ConnInfo> {
    let superuser = Sql::constant("SELECT pg_catalog.current_setting('is_superuser') = 'on' AS superuser");
    let can_be_had = control.version().has_login_event_triggers() && control.row(&superuser).await?.get("superuser")?;
    Ok(if can_be_had { to.with_options("-c event_triggers=off") } else { to.clone() })
}

/// The databases that runs have marked as theirs, and left.
///
/// # Errors
///
/// What the server says.
pub(super) async fn marked(control: &Session) -> Result<Vec<String>> {
    let query = sql!(
        "SELECT datname::text AS name FROM pg_catalog.pg_database \
         WHERE pg_catalog.starts_with(pg_catalog.shobj_description(oid, 'pg_database'), {}) ORDER BY datname",
        Literal(MARK)
    );
    control.rows(&query).await?.iter().map(|row| row.get("name")).collect()
}

/// Whether the session's database holds nothing but what `CREATE DATABASE` puts there.
///
/// # Errors
///
/// What the server says.
pub(super) async fn is_empty(session: &Session) -> Result<bool> {
    session.row(&Sql::constant(IS_EMPTY)).await?.get("empty")
}

/// A session on the new server, in a database that is none of those to be made. It lives as long as the run, and with it
/// the locks on what is made.
///
/// # Errors
///
/// `Connect`, where there is none.
pub(super) async fn connect_control(to: &ConnInfo, made: &[&str], notices: &NoticeSink) -> Result<Arc<Session>> {
    let mut last = None;
    for name in ["postgres", "template1"] {
        if made.contains(&name) {
            continue;
        }
        match Session::connect(&to.with_database(name), Side::New, "control", notices.clone()).await {
            Ok(session) => return Ok(Arc::new(session)),
            Err(error) if error.sqlstate() == Some("3D000") => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::usage("there is no database to connect to on the new server")))
}

/// What says of a database that it is ours, and not complete.
fn incomplete(old: &str) -> String {
    format!("{MARK}: a copy of {old} that is not complete. The next run of pgtandem replaces it.")
}

/// A name with a suffix, cut so that the server keeps all of it.
fn suffixed(name: &str, suffix: &str) -> Ident {
    let mut end = name.len().min(NAME_BYTES - suffix.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    Ident::new(format!("{}{suffix}", &name[..end]))
}

const IS_EMPTY: &str = "\
SELECT NOT EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE oid >= 16384 AND relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast|temp)'))
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_proc WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type WHERE oid >= 16384 AND typnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname ~ '^pg_(toast|temp)'))
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp_')
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_operator WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_collation WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_foreign_data_wrapper)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_ts_dict WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_ts_config WHERE oid >= 16384)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_publication)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = pg_catalog.current_database())
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata) AS empty";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(suffixed("shop", SUFFIX).as_str(), "shop__tandem");
        let long = suffixed(&"é".repeat(31), SUFFIX);
        assert!(long.as_str().len() <= NAME_BYTES && long.as_str().ends_with("é__tandem"), "{long}");
    }
}
