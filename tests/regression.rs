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
    SELECT 'operator', 'pg_operator'::regclass, oid FROM pg_operator WHERE oprcode <> 0 AND oprnamespace IN (TABLE schemas)
    UNION ALL SELECT 'operator class', 'pg_opclass'::regclass, oid FROM pg_opclass WHERE opcnamespace IN (TABLE schemas)
    UNION ALL SELECT 'operator family', 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE opfnamespace IN (TABLE schemas)
    UNION ALL SELECT 'conversion', 'pg_conversion'::regclass, oid FROM pg_conversion WHERE connamespace IN (TABLE schemas)
    UNION ALL SELECT 'shell type', 'pg_type'::regclass, oid FROM pg_type WHERE typtype = 'p' AND NOT typisdefined AND typnamespace IN (TABLE schemas)
    UNION ALL SELECT 'base type', 'pg_type'::regclass, t.oid FROM pg_type t WHERE typtype = 'b' AND typnamespace IN (TABLE schemas)
        AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    UNION ALL SELECT 'language', 'pg_language'::regclass, oid FROM pg_language WHERE oid >= 16384
    UNION ALL SELECT 'access method', 'pg_am'::regclass, oid FROM pg_am WHERE oid >= 16384
    UNION ALL SELECT 'transform', 'pg_transform'::regclass, oid FROM pg_transform WHERE oid >= 16384
    UNION ALL SELECT 'cast', 'pg_cast'::regclass, c.oid FROM pg_cast c WHERE c.oid >= 16384 AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i'))
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
    assert!(counted.len() > 5, "the regression database has lost its objects: {counted:?}");
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
