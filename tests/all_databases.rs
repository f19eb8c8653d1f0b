//! All databases of a server in one run.

use pgtandem_lab::Server;

use crate::support::{Oracle, Program, assert_same, databases, prepare_server};

/// A server with two databases that were made, `postgres` in use, and one that takes no sessions.
fn old_server() -> Server {
    let old = Server::start(15).unwrap();
    prepare_server(&old);
    for name in ["first", "Second \"one\""] {
        old.create_database(name).unwrap();
        let sql = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 5000) i; \
            CREATE INDEX ON t (v); CREATE TABLE parent (a int PRIMARY KEY); CREATE TABLE child (a int REFERENCES parent)";
        old.psql(name, sql).unwrap();
    }
    old.psql("first", "CREATE TABLE only_here (a int); SELECT lo_from_bytea(4711, 'large')").unwrap();
    old.psql("postgres", "CREATE TABLE somebodys (a int); INSERT INTO somebodys VALUES (1)").unwrap();
    old.create_database("closed").unwrap();
    old.psql("postgres", "ALTER DATABASE closed ALLOW_CONNECTIONS false").unwrap();
    old
}

const MOVED: [&str; 3] = ["first", "Second \"one\"", "postgres"];

fn oracles(server: &Server) -> Vec<Oracle> {
    MOVED.iter().map(|name| Oracle::of(server, name)).collect()
}

#[test]
fn all_databases_of_a_server() {
    let (old, new) = (old_server(), Server::start(18).unwrap());
    prepare_server(&new);
    let before = oracles(&old);
    let upgrade = || Program::upgrade(&old.url("first"), &new.url("postgres")).args(["--all-databases", "--jobs", "3"]);

    let planned = upgrade().args(["--dry-run"]).succeed();
    planned.tells(&["first: public.only_here", "postgres: public.somebodys", "closed"]);
    assert_eq!(databases(&new, ""), ["postgres", "template0", "template1"]);

    upgrade().succeed().tells(&["3 databases", "first", "closed"]);
    for ((name, before), after) in MOVED.iter().zip(&before).zip(&oracles(&new)) {
        assert_same(name, before, 15, after, 18, &[]);
    }
    assert_same("the old database", &before[0], 0, &Oracle::of(&old, "first"), 0, &[]);
    assert_eq!(databases(&new, "").len(), 5, "{:?}", databases(&new, ""));
}

#[test]
fn what_stands_in_the_way_of_any_is_told_at_once() {
    let (old, new) = (old_server(), Server::start(18).unwrap());
    prepare_server(&new);
    new.create_database("first").unwrap();
    new.psql("first", "CREATE TABLE mine (a int)").unwrap();
    old.psql("postgres", "CREATE ROLE nobody_there; ALTER TABLE somebodys OWNER TO nobody_there").unwrap();
    let ran = Program::upgrade(&old.url("first"), &new.url("postgres"))
        .args(["--all-databases", "--roles", "none"])
        .run()
        .expect(4);
    ran.tells(&["first: database first on the new server is not empty", "nobody_there", "nothing was written"]);
    assert_eq!(databases(&new, "").len(), 4, "{:?}", databases(&new, ""));
}
