//! Every query that the old server is asked, on every major.

#![cfg(test)]

use pgtandem::catalog;
use pgtandem::sql;
use pgtandem::wire::conninfo::{ConnInfo, Side};
use pgtandem::wire::session::Session;
use pgtandem::wire::version::{NEWEST_KNOWN, OLDEST_SOURCE};
use pgtandem_lab::shared;
use tokio::sync::mpsc;

use crate::support::Program;

async fn session(url: &str) -> Session {
    let info = ConnInfo::resolve(Side::Old, Some(url), &|_| None).unwrap();
    Session::connect(&info, Side::Old, "test", mpsc::channel(1).0).await.unwrap()
}

/// All of them are tried, so that one failure tells of all.
#[tokio::test]
async fn each_is_understood_by_each_major() {
    let mut refused = Vec::new();
    for major in OLDEST_SOURCE..=NEWEST_KNOWN {
        let session = session(&shared(major).unwrap().url("postgres")).await;
        let queries = catalog::read::queries(session.version()).await;
        assert!(queries.len() > 30, "only {} queries were found", queries.len());
        for query in &queries {
            if let Err(error) = session.run(&sql!("PREPARE q AS {}; DEALLOCATE q", query)).await {
                refused.push(format!("{major}: {error}: {query}"));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n\n"));
}

/// What else is asked before a run, the states of sequences included. A dry run asks it all.
#[test]
fn a_dry_run_reads_from_each_major() {
    let new = shared(NEWEST_KNOWN).unwrap();
    for major in OLDEST_SOURCE..=NEWEST_KNOWN {
        let (old, database) = (shared(major).unwrap(), format!("read_{major}"));
        old.create_database(&database).unwrap();
        old.psql(&database, "CREATE TABLE t (id serial, note text)").unwrap();
        let target = format!("{database}_there");
        for arguments in [&["--dry-run"][..], &["--dry-run", "--schema", "pub*", "--exclude-table", "public.u"]] {
            Program::upgrade(&old.url(&database), &new.url(&target)).args(arguments).succeed();
        }
    }
}
