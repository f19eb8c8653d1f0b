//! Other ways to say what is to be done, and databases that are unusual as a whole.

use pgtandem_lab::{Server, shared};

use crate::support::{Oracle, Program, Ran, assert_same, databases, install_extension, prepare_server};

const TABLE: &str =
    "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i;";

/// A database on the shared server of this major, made so, with this in it.
fn database(major: u32, name: &str, options: &str, sql: &str) -> &'static Server {
    let server = shared(major).unwrap();
    prepare_server(server);
    server.psql("postgres", &format!("CREATE DATABASE {} TEMPLATE template0 {options}", quoted(name))).unwrap();
    server.psql(name, sql).unwrap();
    server
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Moves a database and insists that it arrives as it is.
fn arrives(old: &Server, new: &Server, name: &str) -> Ran {
    let before = Oracle::of(old, name);
    let ran = Program::upgrade(&old.url(name), &new.url(name)).succeed();
    assert_same(name, &before, old.major(), &Oracle::of(new, name), new.major(), &[]);
    assert_same("the old database", &before, 0, &Oracle::of(old, name), 0, &[]);
    ran
}

#[test]
fn the_way_of_a_pod() {
    let old = Server::builder(15).password("pass of both").start().unwrap();
    let new = Server::builder(18).password("pass of both").start().unwrap();
    old.create_database("shop").unwrap();
    old.psql("shop", TABLE).unwrap();
    let at = |server: &Server| format!("host={} port={}", server.host(), server.port());
    let ran = Program::new()
        .args(["upgrade", "--log-format", "json"])
        .env("PGTANDEM_FROM", at(&old))
        .env("PGTANDEM_TO", at(&new))
        .env("POSTGRES_USER", "postgres")
        .env("POSTGRES_DB", "shop")
        .env("POSTGRES_PASSWORD", "pass of both")
        .succeed();
    assert_eq!(new.psql("shop", "SELECT count(*) FROM t").unwrap().trim(), "100");
    assert!(!ran.told().contains("pass of both"), "{}", ran.told());
    assert!(ran.stdout.lines().count() > 5, "{}", ran.told());
    for line in ran.stdout.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "no JSON object: {line}");
    }
}

#[test]
fn by_way_of_the_sockets() {
    let (old, new) = (database(15, "way_socket", "", TABLE), shared(18).unwrap());
    let at = |server: &Server| {
        let folder = server.socket_dir().to_str().unwrap().replace('/', "%2F");
        format!("postgresql://postgres@{folder}:{}/way_socket", server.port())
    };
    Program::upgrade(&at(old), &at(new)).succeed();
    assert_eq!(new.psql("way_socket", "SELECT count(*) FROM t").unwrap().trim(), "100");
}

#[test]
fn a_plan_writes_nothing() {
    let (old, new) = (database(15, "way_plan", "", TABLE), shared(18).unwrap());
    let before = Oracle::of(old, "way_plan");
    let ran = Program::upgrade(&old.url("way_plan"), &new.url("way_plan")).args(["--dry-run"]).succeed();
    ran.tells(&["public.t", "TABLE DATA", "t_pkey"]);
    assert_eq!(databases(new, "way_plan"), [""; 0]);
    assert_same("the old database", &before, 0, &Oracle::of(old, "way_plan"), 0, &[]);
}

#[test]
fn every_way_to_verify_and_one_lane() {
    for how in ["none", "counts", "digests"] {
        let name = format!("way_verify_{how}");
        let (old, new) = (database(15, &name, "", TABLE), shared(18).unwrap());
        Program::upgrade(&old.url(&name), &new.url(&name)).args(["--verify", how, "--jobs", "1"]).succeed();
        assert_eq!(new.psql(&name, "SELECT count(*) FROM t").unwrap().trim(), "100");
    }
}

#[test]
fn names_that_are_hard_to_carry() {
    for name in [
        "Way \"of\" names é",
        "way'of %20 & ? names",
        "way_of_a_name_with_sixty_three_bytes_that_is_as_long_as_can_be__",
    ] {
        let old = database(15, name, "", TABLE);
        arrives(old, shared(18).unwrap(), name);
    }
}

/// Text that sorts and folds as the locale says, and indexes that depend on it.
const TEXT: &str = "CREATE TABLE t (v text); INSERT INTO t VALUES (E'gr\\u00fcn'), ('a'), ('B'); \
    CREATE INDEX ON t (v); CREATE INDEX ON t (lower(v))";

#[test]
fn encodings_and_locales() {
    let made = [
        (15, "way_latin", "ENCODING 'LATIN1' LOCALE 'C'"),
        (15, "way_icu", "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C'"),
        (16, "way_rules", "LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&a < g' LOCALE 'C'"),
        (17, "way_builtin", "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'"),
    ];
    for (major, name, options) in made {
        arrives(database(major, name, options, TEXT), shared(18).unwrap(), name);
    }
}

#[test]
fn bytes_that_no_encoding_explains() {
    let sql =
        "SET client_encoding = SQL_ASCII; CREATE TABLE t (v text); INSERT INTO t VALUES (E'\\xff\\xfe'), (E'gr\\xfcn')";
    let (old, new) = (database(15, "way_ascii", "ENCODING 'SQL_ASCII' LOCALE 'C'", sql), shared(18).unwrap());
    Program::upgrade(&old.url("way_ascii"), &new.url("way_ascii")).succeed();
    let hex = "SELECT encode(v::bytea, 'hex') FROM t ORDER BY v COLLATE \"C\"";
    assert_eq!(new.psql("way_ascii", hex).unwrap(), old.psql("way_ascii", hex).unwrap());
}

#[test]
fn settings_of_the_database_do_not_disturb_the_run() {
    let settings = [
        "statement_timeout = 20",
        "lock_timeout = 1",
        "idle_in_transaction_session_timeout = 1",
        "search_path = nowhere",
        "default_transaction_read_only = on",
        "default_transaction_isolation = serializable",
        "client_encoding = LATIN1",
        "DateStyle = 'German, DMY'",
        "IntervalStyle = sql_standard",
        "TimeZone = 'Asia/Kolkata'",
        "bytea_output = escape",
        "standard_conforming_strings = off",
        "row_security = off",
        "extra_float_digits = -3",
        "default_tablespace = pg_default",
        "xmloption = document",
        "check_function_bodies = on",
        "lc_monetary = 'C'",
        "array_nulls = off",
        "enable_seqscan = off",
        "client_min_messages = error",
        "backslash_quote = off",
        "quote_all_identifiers = on",
        "synchronize_seqscans = on",
    ];
    let sql = "CREATE TABLE t (id int PRIMARY KEY, d date, i interval, f float8, b bytea, m money, a text[], x xml, at timestamptz, v text);
        INSERT INTO t SELECT n, '2020-02-01', '1 mon 2 days -3 hours', 0.1 + n / 3.0, '\\x00ff5c', '1.10', '{a,NULL,\"NULL\"}', 'just text', '2020-02-01 10:00+01', E'gr\\u00fcn \\\\' FROM generate_series(1, 100) n;
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT v FROM t LIMIT 1'; CREATE VIEW late AS SELECT * FROM t WHERE at > '2020-01-01 00:00:00+00' AND v <> E'\\\\'";
    let (old, new) = (database(15, "way_settings", "", sql), shared(18).unwrap());
    let mut all =
        String::from("SET statement_timeout = 0; SET search_path = public; SET default_transaction_read_only = off;");
    all.extend(settings.map(|setting| format!("ALTER DATABASE way_settings SET {setting};")));
    old.psql("way_settings", &all).unwrap();
    let before = Oracle::of(old, "way_settings");
    Program::upgrade(&old.url("way_settings"), &new.url("way_settings")).succeed();
    assert_same("the rows", &data_of(&before), 15, &data_of(&Oracle::of(new, "way_settings")), 18, &[]);
}

/// The rows alone: the words of views differ between majors, and are judged by the round trips.
fn data_of(oracle: &Oracle) -> Oracle {
    Oracle { major: oracle.major, schema: Default::default(), data: oracle.data.clone() }
}

#[test]
fn a_staging_name_that_somebody_else_uses() {
    let (old, new) = (database(15, "way_taken", "", TABLE), shared(18).unwrap());
    new.create_database("way_taken__tandem").unwrap();
    new.psql("way_taken__tandem", "CREATE TABLE mine (a int)").unwrap();
    let ran = Program::upgrade(&old.url("way_taken"), &new.url("way_taken")).run().expect(4);
    ran.tells(&["way_taken__tandem"]);
    assert_eq!(new.psql("way_taken__tandem", "SELECT count(*) FROM mine").unwrap().trim(), "0");
}

#[test]
fn a_database_with_nothing_in_it() {
    let old = database(15, "way_empty", "", "");
    arrives(old, shared(18).unwrap(), "way_empty");
}

#[test]
fn the_other_server_of_fifteen() {
    // The distribution's may be newer than ours, and know what ours does not.
    let bin = std::path::Path::new("/usr/lib/postgresql/15/bin");
    if !bin.join("postgres").exists() {
        eprintln!("NOT TESTED: there is no PostgreSQL 15 of the distribution");
        return;
    }
    let old = Server::builder(15).binaries(bin).start().unwrap();
    let new = shared(18).unwrap();
    old.create_database("way_other").unwrap();
    old.psql("way_other", TABLE).unwrap();
    old.psql("way_other", "ALTER TABLE t ALTER v SET (n_distinct = 5); CREATE MATERIALIZED VIEW m AS SELECT 1 AS v; CREATE TYPE c AS (a int, b text)").unwrap();
    arrives(&old, new, "way_other");
}

#[test]
fn privileges_on_what_the_new_major_does_not_have() {
    let sql = "GRANT EXECUTE ON FUNCTION pg_start_backup(text, boolean, boolean) TO alice; \
        GRANT EXECUTE ON FUNCTION pg_stat_file(text) TO alice";
    let (old, new) = (database(14, "way_gone", "", sql), shared(18).unwrap());
    let of = ["pg_start_backup", "alice"];
    Program::upgrade(&old.url("way_gone"), &new.url("way_gone")).args(["--dry-run"]).succeed().tells(&of);
    Program::upgrade(&old.url("way_gone"), &new.url("way_gone")).succeed().tells(&of);
    let may = "SELECT has_function_privilege('alice', 'pg_stat_file(text)', 'EXECUTE')";
    assert_eq!(new.psql("way_gone", may).unwrap().trim(), "t");
}

#[test]
fn more_tables_than_can_be_locked() {
    let old = Server::builder(15).set("max_locks_per_transaction", "10").set("max_connections", "20").start().unwrap();
    let new = shared(18).unwrap();
    old.create_database("way_locks").unwrap();
    let tables = "DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE format('CREATE TABLE t%s (a int)', i); \
        IF i % 50 = 0 THEN COMMIT; END IF; END LOOP; END $$";
    old.psql("way_locks", tables).unwrap();
    let ran = Program::upgrade(&old.url("way_locks"), &new.url("way_locks")).run().expect(1);
    ran.tells(&["max_locks_per_transaction", "53200"]);
    assert_eq!(databases(new, "way_locks"), [""; 0]);
}

#[test]
fn an_extension_that_has_other_tables_now() {
    let (old, new) = (shared(15).unwrap(), shared(18).unwrap());
    install_extension(old, "tandem_moving", "1.0");
    install_extension(new, "tandem_moving", "2.0");
    let extension = "CREATE EXTENSION tandem_moving; INSERT INTO kept VALUES ('a');";
    let old = database(15, "way_extension", "", extension);
    Program::upgrade(&old.url("way_extension"), &new.url("way_extension")).succeed().tells(&["public.given_up"]);
    assert_eq!(new.psql("way_extension", "SELECT name FROM kept").unwrap().trim(), "a");
    let loss = format!("{extension} INSERT INTO given_up VALUES ('b')");
    let old = database(15, "way_extension_loss", "", &loss);
    let ran = Program::upgrade(&old.url("way_extension_loss"), &new.url("way_extension_loss")).run().expect(1);
    ran.tells(&["public.given_up", "1 rows", "ALTER EXTENSION"]);
    assert_eq!(databases(new, "way_extension_loss"), [""; 0]);
}
