//! Which databases a run moves.

use crate::error::{Error, Result};
use crate::event::{Finding, Severity};
use crate::sql::Sql;
use crate::wire::conninfo::ConnInfo;
use crate::wire::session::{NoticeSink, Session, Side};

/// Which databases are moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Databases {
    /// The one that the connection string names, to the one that the other string names.
    #[default]
    One,
    /// All of the old server, each to one of its own name.
    All,
}

/// A database to be moved: where it is, and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub from: ConnInfo,
    pub to: ConnInfo,
}

impl Databases {
    /// The databases, the largest first, and what there is to say about others.
    ///
    /// # Errors
    /// * What the old server says; `Refused` if there is nothing to be moved.
    pub(super) async fn pairs(
        self,
        from: &ConnInfo,
        to: &ConnInfo,
        notices: &NoticeSink,
    ) -> Result<(Vec<Pair>, Vec<Finding>)> {
        if self == Self::One {
            return Ok((vec![Pair { from: from.clone(), to: to.clone() }], Vec::new()));
        }
        let old = Session::connect(from, Side::Old, "databases", notices.clone()).await?;
        let (mut pairs, mut findings) = (Vec::new(), Vec::new());
        for row in old.rows(&Sql::constant(DATABASES)).await? {
            let (name, open): (String, bool) = (row.get("name")?, row.get("open")?);
            let pair = Pair { from: from.with_database(&name), to: to.with_database(&name) };
            match (name.as_str(), open) {
                (_, false) => findings.push(left_out(&name, "it takes no sessions (datallowconn)")),
                // Every cluster has these two. What somebody made in one of them is somebody's all the same.
                ("postgres", true) if is_empty(&pair.from, notices).await? => {}
                ("template1", true) if is_empty(&pair.from, notices).await? => {}
                ("template1", true) => findings.push(left_out(&name, "new databases are made from it")),
                _ => pairs.push(pair),
            }
        }
        old.close().await;
        if pairs.is_empty() {
            return Err(Error::refused("there is no database to be moved on the old server"));
        }
        Ok((pairs, findings))
    }
}

fn left_out(name: &str, why: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        subject: format!("database {name}"),
        text: format!("is not moved: {why}"),
        remedy: Some("Move it by itself, if it is of use: with --from and --to.".to_owned()),
    }
}

/// Whether a database holds nothing but what every new one has.
///
/// # Errors
/// * What the server says.
async fn is_empty(info: &ConnInfo, notices: &NoticeSink) -> Result<bool> {
    let session = Session::connect(info, Side::Old, "databases", notices.clone()).await?;
    let empty = super::staging::is_empty(&session).await;
    session.close().await;
    empty
}

/// Invalid databases (`datconnlimit` -2: a DROP DATABASE that was cut short) are none.
const DATABASES: &str = "\
SELECT datname::text AS name, datallowconn AS open FROM pg_catalog.pg_database \
WHERE datname <> 'template0' AND datconnlimit <> -2 \
ORDER BY CASE WHEN datallowconn THEN pg_catalog.pg_database_size(oid) END DESC NULLS LAST, datname";
