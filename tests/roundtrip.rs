//! Everything that can be moved, moved from every major to a later one: the judge is the stock `pg_dump`, and plain SQL.

use pgtandem_lab::Server;

use crate::support::{Known, Oracle, Program, assert_same, fill, prepare_server};

/// Views that majors print in different words. The words are those of the stock servers, asked with the stock `pg_dump`.
const KNOWN: &[Known] = &[];

/// Tables of the new database that have no statistics yet.
const NOT_ANALYZED: &str = "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'm') AND c.relispopulated AND c.reltuples < 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

fn round_trip(old_server: &Server, new_server: &Server) {
    let (from, to) = (old_server.major(), new_server.major());
    let database = format!("shop_{from}_{to}");
    prepare_server(new_server);
    fill(old_server, &database, "roundtrip");
    let before = Oracle::of(old_server, &database);
    assert!(before.tables() > 50, "the test has lost its tables");

    let ran = Program::upgrade(&old_server.url(&database), &new_server.url(&database)).succeed();

    assert_same("the old server, before and after", &before, from, &Oracle::of(old_server, &database), from, &[]);
    assert_same("old and new", &before, from, &Oracle::of(new_server, &database), to, KNOWN);
    let databases = new_server.psql("postgres", &format!("SELECT datname FROM pg_database WHERE datname ~ '^{database}'"));
    assert_eq!(databases.unwrap().trim(), database, "nothing else is left on the new server");
    if to >= 14 {
        assert_eq!(new_server.psql(&database, NOT_ANALYZED).unwrap(), "", "without statistics");
    }
    ran.tells(&[&database]);
}

fn between(from: u32, to: u32) {
    let new_server = pgtandem_lab::shared(to).unwrap();
    if from == to {
        round_trip(&Server::start(from).unwrap(), new_server);
    } else {
        round_trip(pgtandem_lab::shared(from).unwrap(), new_server);
    }
}

#[test]
fn from_12_to_18() {
    between(12, 18);
}

#[test]
fn from_13_to_17() {
    between(13, 17);
}

#[test]
fn from_14_to_16() {
    between(14, 16);
}

#[test]
fn from_15_to_18() {
    between(15, 18);
}

#[test]
fn from_16_to_18() {
    between(16, 18);
}

#[test]
fn from_17_to_17() {
    between(17, 17);
}

#[test]
fn from_18_to_18() {
    between(18, 18);
}
