//! The new server, as something that entries are made on.

use futures::StreamExt as _;

use super::source::form;
use crate::error::Result;
use crate::sql;
use crate::sql::{Ident, Sql, join};
use crate::toc::{Entry, Kind, Rows};
use crate::wire::session::Session;

/// How many statements are under way at once while the schema is made. Each is a transaction of its own, so that locks do
/// not pile up; none waits for the round trip of the one before.
const PIPELINE: usize = 64;

/// A session on the new server, and the settings that entries have changed on it.
pub struct Sink {
    session: Session,
    set: Set,
    /// How many processes may help with an index build; `None` where the server decides.
    helpers: Option<usize>,
}

/// What a session has set.
#[derive(Clone, Default)]
struct Set {
    tablespace: Option<Ident>,
    table_am: Option<Ident>,
    helpers: Option<usize>,
}

impl Sink {
    /// A sink on a session that is connected to the staging database.
    pub fn new(session: Session) -> Self {
        Self { session, set: Set::default(), helpers: None }
    }

    /// How many processes of the server may help with each index build from now on.
    pub(super) fn set_helpers(&mut self, helpers: usize) {
        self.helpers = Some(helpers);
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Runs the statements of one entry, in one transaction, and gives the object to its owner.
    ///
    /// # Errors
    ///
    /// What the server says; names the entry.
    pub async fn make(&mut self, entry: &Entry) -> Result<()> {
        self.make_after(entry, None).await
    }

    /// The same, after a statement that sets something for this transaction.
    ///
    /// # Errors
    ///
    /// As for [`Sink::make`].
    pub async fn make_after(&mut self, entry: &Entry, first: Option<&Sql>) -> Result<()> {
        let before = self.set.clone();
        let script = join(first.cloned().into_iter().chain([self.script(entry)]), ";\n");
        let done = self.session.run(&script).await.map_err(|e| e.about(entry.label()));
        if done.is_err() {
            // The settings were undone with the rest.
            self.set = before;
        }
        done
    }

    /// Whether there is something to make an entry on ([`Entry::only_if`]).
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn has_place_for(&self, entry: &Entry) -> Result<bool> {
        let Some(condition) = &entry.only_if else { return Ok(true) };
        self.session.row(&sql!("SELECT {} AS here", condition)).await?.get("here")
    }

    /// Runs the statements of many entries, in order. `each` hears of every one that is done.
    ///
    /// # Errors
    ///
    /// The first one, in the order of the entries.
    pub async fn make_all(&mut self, entries: &[&Entry], mut each: impl FnMut(&Entry)) -> Result<()> {
        let scripts: Vec<(&Entry, Sql)> = entries.iter().map(|&entry| (entry, self.script(entry))).collect();
        let session = &self.session;
        let mut running = futures::stream::iter(scripts)
            .map(|(entry, script)| async move {
                let done = session.run(&script).await;
                (entry, done)
            })
            .buffered(PIPELINE);
        while let Some((entry, done)) = running.next().await {
            done.map_err(|e| e.about(entry.label()))?;
            each(entry);
        }
        Ok(())
    }

    /// The statements of an entry, after those that set what they cannot say themselves.
    fn script(&mut self, entry: &Entry) -> Sql {
        let mut statements = Vec::new();
        if let Some(tablespace) = &entry.tablespace
            && *tablespace != self.set.tablespace
        {
            statements.push(match tablespace {
                Some(name) => sql!("SET default_tablespace TO {}", name),
                None => Sql::constant("SET default_tablespace TO ''"),
            });
            self.set.tablespace.clone_from(tablespace);
        }
        if let Some(table_am) = &entry.table_am
            && Some(table_am) != self.set.table_am.as_ref()
        {
            statements.push(sql!("SET default_table_access_method TO {}", table_am));
            self.set.table_am = Some(table_am.clone());
        }
        if matches!(entry.kind, Kind::Index | Kind::Constraint)
            && let Some(helpers) = self.helpers
            && self.set.helpers != self.helpers
        {
            statements.push(sql!("SET max_parallel_maintenance_workers TO {}", helpers));
            self.set.helpers = self.helpers;
        }
        statements.extend(entry.create.iter().cloned());
        statements.extend(entry.owner.as_ref().map(|owner| owner.alter.clone()));
        join(statements, ";\n")
    }
}

/// The statement that takes the rows of one table, in the encoding and the form in which
/// [`copy_out`](super::source::copy_out) sends them.
///
/// A table that this run has made is truncated in the same transaction (a simple query is one), so that its rows can be
/// written frozen (documentation, COPY, FREEZE): no later VACUUM has to touch them all again. Where several tasks share the
/// rows, none of them can.
pub fn copy_in(rows: &Rows, encoding: &str) -> Sql {
    let target = rows.into.as_ref().unwrap_or(&rows.table);
    let columns = match rows.columns.is_empty() {
        true => Sql::default(),
        false => sql!(" ({})", join(&rows.columns, ", ")),
    };
    let encoding = form(rows, encoding);
    if rows.fresh && rows.into.is_none() && rows.parts <= 1 {
        sql!("TRUNCATE ONLY {};\nCOPY {}{} FROM STDIN (FREEZE, {})", target, target, columns, encoding)
    } else {
        sql!("COPY {}{} FROM STDIN ({})", target, columns, encoding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::QualName;

    fn rows() -> Rows {
        Rows { fresh: true, ..Rows::of(QualName::new("s", "t"), vec![Ident::new("a"), Ident::new("b")]) }
    }

    #[test]
    fn fresh_tables_are_loaded_frozen() {
        let sql = copy_in(&rows(), "UTF8");
        assert_eq!(
            sql.as_str(),
            "TRUNCATE ONLY \"s\".\"t\";\nCOPY \"s\".\"t\" (\"a\", \"b\") FROM STDIN (FREEZE, ENCODING 'UTF8')"
        );
    }

    #[test]
    fn what_several_share_is_not_frozen() {
        let sql = copy_in(&Rows { parts: 2, ..rows() }, "UTF8");
        assert_eq!(sql.as_str(), "COPY \"s\".\"t\" (\"a\", \"b\") FROM STDIN (ENCODING 'UTF8')");
    }

    #[test]
    fn rows_that_may_change_partition_go_through_the_root() {
        let sql = copy_in(&Rows { into: Some(QualName::new("s", "root")), ..rows() }, "UTF8");
        assert_eq!(sql.as_str(), "COPY \"s\".\"root\" (\"a\", \"b\") FROM STDIN (ENCODING 'UTF8')");
    }

    #[test]
    fn rows_without_columns_have_no_list() {
        let sql = copy_in(&Rows { columns: vec![], fresh: false, ..rows() }, "UTF8");
        assert_eq!(sql.as_str(), "COPY \"s\".\"t\" FROM STDIN (ENCODING 'UTF8')");
    }
}
