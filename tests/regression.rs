//! The databases that PostgreSQL's own regression suite leaves behind: nearly every kind of object there is. They move, or
//! are refused with a complete list of what cannot be moved yet.

use std::collections::BTreeMap;

use pgtandem_lab::{regression, regression_available, shared};

use crate::support::{Oracle, Program, assert_same, databases};

/// What cannot be moved yet, counted without pgtandem: kind and number. Members of extensions do not count.
const UNHANDLED: &str = "\
WITH schemas AS (SELECT oid FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
members AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'),
found (kind, class, oid) AS (
    SELECT 'collation', 'pg_collation'::regclass, oid FROM pg_collation WHERE collnamespace IN (TABLE schemas)
    UNION ALL SELECT 'text search parser', 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE prsnamespace IN (TABLE schemas)
    UNION ALL SELECT 'text search template', 'pg_ts_template'::regclass, oid FROM pg_ts_template WHERE tmplnamespace IN (TABLE schemas)
    UNION ALL SELECT 'text search dictionary', 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE dictnamespace IN (TABLE schemas)
    UNION ALL SELECT 'text search configuration', 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE cfgnamespace IN (TABLE schemas)
    UNION ALL SELECT 'extended statistics', 'pg_statistic_ext'::regclass, oid FROM pg_statistic_ext WHERE stxnamespace IN (TABLE schemas)
    UNION ALL SELECT 'event trigger', 'pg_event_trigger'::regclass, oid FROM pg_event_trigger
    UNION ALL SELECT 'publication', 'pg_publication'::regclass, oid FROM pg_publication)
SELECT kind || '=' || count(*) FROM found WHERE (class, oid) NOT IN (TABLE members) GROUP BY kind ORDER BY kind";

/// The lines of a refusal that name an object of a kind that cannot be moved, by kind.
fn listed(told: &str, kinds: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in told.lines().filter(|line| line.contains("cannot be moved yet")) {
        let line = line.trim_start_matches([' ', '-']);
        // The longest that fits: an operator class is no operator.
        let kind =
            kinds.keys().filter(|kind| line.strip_prefix(kind.as_str()).is_some_and(|rest| rest.starts_with(' ')));
        if let Some(kind) = kind.max_by_key(|kind| kind.len()) {
            *counts.entry(kind.clone()).or_default() += 1;
        }
    }
    counts
}

fn moves_or_is_refused(major: u32) {
    if !regression_available(major) {
        eprintln!(
            "NOT TESTED: there are no regression databases of {major}; PGTANDEM_REGRESSION_DIR says where they are"
        );
        return;
    }
    let (old, new) = (regression(major).unwrap(), shared(18).unwrap());
    let database = format!("regression_{major}");
    // Some rows were compressed by a method that not every build of a server has, so the schema has to do.
    let before = Oracle::schema_of(&old, "regression");
    let counted = old.psql("regression", UNHANDLED).unwrap();
    let counted: BTreeMap<String, usize> = counted
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(kind, n)| (kind.to_owned(), n.parse().unwrap()))
        .collect();
    assert!(counted.len() > 10, "the regression database has lost its objects: {counted:?}");
    // The roles that it needs are part of the cluster.
    let roles =
        "SELECT format('CREATE ROLE %I', rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'";
    for statement in old.psql("postgres", roles).unwrap().lines() {
        let _ = new.psql("postgres", statement);
    }
    let ran = Program::upgrade(&old.url("regression"), &new.url(&database)).run();
    assert_same("the old database", &before, major, &Oracle::schema_of(&old, "regression"), major, &[]);
    if ran.status.success() {
        assert_eq!(databases(new, &database), [database.as_str()]);
        return;
    }
    let ran = ran.expect(4);
    ran.tells(&["nothing was written"]);
    assert_eq!(listed(&ran.stderr, &counted), counted, "{}", ran.told());
    assert_eq!(databases(new, &database), [""; 0]);
}

#[test]
fn regression_15() {
    moves_or_is_refused(15);
}

#[test]
fn regression_18() {
    moves_or_is_refused(18);
}
