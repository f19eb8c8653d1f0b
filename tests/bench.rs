//! A bench against real servers: what it says is sane, and nothing is left behind. How fast anything is, is nobody's affair
//! here.

use std::time::{Duration, Instant};

use pgtandem_lab::{Server, shared};
use serde_json::Value;

use crate::support::{Folder, Program, Running, databases, fill_shop};

/// What can be left behind on a server: databases, roles, relations of a database, sessions of ours.
fn holdings(server: &Server, database: &str) -> Vec<String> {
    let everywhere = "SELECT 'database ' || datname FROM pg_database UNION ALL SELECT 'role ' || rolname FROM pg_roles \
        UNION ALL SELECT 'tablespace ' || spcname FROM pg_tablespace ORDER BY 1";
    let here = "SELECT c.oid::regclass::text || c.relfilenode FROM pg_class c ORDER BY 1";
    let mut out = vec![server.psql("postgres", everywhere).unwrap()];
    if databases(server, database).contains(&database.to_owned()) {
        out.push(server.psql(database, here).unwrap());
    }
    out
}

/// Waits until no session of ours is on the server: those of a program that has ended may take a moment to notice.
fn wait_for_no_sessions(server: &Server) {
    let query = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgtandem%'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while server.psql("postgres", query).unwrap().trim() != "0" {
        assert!(Instant::now() < deadline, "there are sessions of ours");
        std::thread::yield_now();
    }
}

fn bench(from: &str) -> Program {
    Program::new().args(["bench", "--seconds", "1", "--from", from])
}

fn document(stdout: &str) -> Value {
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    serde_json::from_str(stdout).unwrap()
}

/// The legs as "read binary old".
fn legs(document: &Value) -> Vec<String> {
    let text = |leg: &Value, field: &str| leg[field].as_str().unwrap().to_owned();
    let legs = document["legs"].as_array().unwrap().iter();
    legs.map(|leg| format!("{} {} {}", text(leg, "leg"), text(leg, "form"), text(leg, "place"))).collect()
}

#[track_caller]
fn assert_advice(advice: &Value) {
    assert!(advice["jobs"].as_u64().unwrap() >= 1, "{advice}");
    assert!(["auto", "text", "binary"].contains(&advice["format"].as_str().unwrap()), "{advice}");
    let (from, to) = (advice["forecast_from_ms"].as_u64().unwrap(), advice["forecast_to_ms"].as_u64().unwrap());
    assert!(from <= to, "{advice}");
    let parts = advice["parts"].as_array().unwrap();
    assert!(!parts.is_empty() && parts.iter().all(|part| part["duration_ms"].is_u64()), "{advice}");
}

#[test]
fn a_pair_of_servers_is_as_it_was() {
    let (old, new, folder) = (Server::start(15).unwrap(), Server::start(18).unwrap(), Folder::new("bench-pair"));
    fill_shop(&old, "shop", 20_000);
    new.create_database("shop").unwrap();
    let (before, after) = (holdings(&old, "shop"), holdings(&new, "shop"));
    let archive = folder.path().join("shop.pgdump");
    std::fs::write(&archive, "precious").unwrap();
    let ran =
        bench(&old.url("shop")).args(["--to", &new.url("shop"), "--json", "--archive"]).args([&archive]).succeed();
    assert_eq!((holdings(&old, "shop"), holdings(&new, "shop")), (before, after));
    assert_eq!(std::fs::read(&archive).unwrap(), b"precious");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    wait_for_no_sessions(&old);
    wait_for_no_sessions(&new);

    let found = document(&ran.stdout);
    assert_eq!((&found["event"], &found["database"]), (&Value::from("benched"), &Value::from("shop")));
    for url in ["old_url", "new_url"] {
        assert!(found[url].as_str().unwrap().starts_with("postgresql://"), "{found}");
    }
    assert!(found["old_version"].as_str().unwrap().starts_with("15."), "{found}");
    assert!(found["new_version"].as_str().unwrap().starts_with("18."), "{found}");
    let number = |field: &str| found[field].as_u64().unwrap();
    assert!(number("bytes") >= number("sampled_bytes") && number("sampled_bytes") > 0, "{found}");
    assert!(number("index_bytes") > 0 && number("duration_ms") > 0, "{found}");
    assert!(number("old_round_trip_us") > 0 && number("new_round_trip_us") > 0, "{found}");
    let tables = found["tables"].as_array().unwrap();
    assert!(tables.iter().any(|table| table == "shop.order_lines"), "{found}");
    let legs = legs(&found);
    for leg in [
        "read text old",
        "read binary old",
        "wire  old",
        "wire  new",
        "compress lz4 here",
        "compress zstd:1 here",
        "compress zstd here",
        "compress zstd:9 here",
        "compress gzip:6 here",
        "disk  here",
        "write text new",
        "write binary new",
        "copy auto both",
        "read_back auto new",
        "upgrade auto both",
    ] {
        assert!(legs.iter().any(|found| found == leg), "{leg} is not in {legs:?}");
    }
    assert!(legs.iter().any(|leg| leg.starts_with("build btree") && leg.ends_with(" new")), "{legs:?}");
    assert!(legs.iter().any(|leg| leg.starts_with("dump ")), "{legs:?}");
    for leg in found["legs"].as_array().unwrap() {
        let number = |field: &str| leg[field].as_u64();
        assert!(number("bytes").unwrap() > 0 && number("lanes").unwrap() >= 1, "{leg}");
        assert!(leg["bytes_per_second"].as_u64().unwrap() > 0, "{leg}");
        let ratio = leg["ratio"].as_f64();
        assert_eq!(ratio.is_some(), leg["leg"] == "compress", "{leg}");
        assert!(ratio.is_none_or(|ratio| ratio > 0.0 && ratio < 1.0), "{leg}");
    }
    for command in ["upgrade", "dump"] {
        assert_advice(&found[command]);
        assert!(found[command]["limited_by"].is_string(), "{found}");
        assert!(found[command]["compress"].is_string(), "{found}");
    }
    // Beside an archive rows cross as text.
    assert_eq!(found["upgrade"]["format"], "text");
}

#[test]
fn one_server_alone_for_people_and_for_machines() {
    let server = Server::start(18).unwrap();
    fill_shop(&server, "shop", 5_000);
    let before = holdings(&server, "shop");
    let ran = bench(&server.url("shop")).succeed();
    for part in ["Bench: database shop on PostgreSQL 18", "read on the old server", "zstd:9", "Recommended: --jobs "] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert!(ran.stdout.contains("Forecast for a dump of shop (") && !ran.stdout.contains("Upgrade"), "{}", ran.stdout);
    assert!(ran.stderr.contains("measure: done"), "{}", ran.stderr);
    let ran = bench(&server.url("shop")).args(["--log-format", "json", "-q"]).succeed();
    let found = document(&ran.stdout);
    assert!(found["upgrade"].is_null() && found["new_url"].is_null() && found["new_version"].is_null(), "{found}");
    assert!(found["new_round_trip_us"].is_null(), "{found}");
    assert_advice(&found["dump"]);
    assert!(legs(&found).iter().all(|leg| !leg.ends_with(" new") && !leg.starts_with("disk")), "{found}");
    assert_eq!(holdings(&server, "shop"), before);
    wait_for_no_sessions(&server);
}

#[test]
fn an_empty_database_says_nothing_about_rows() {
    let (old, new) = (shared(17).unwrap(), shared(18).unwrap());
    old.create_database("bench_empty").unwrap();
    let ran = bench(&old.url("bench_empty")).args(["--to", &new.url("bench_empty"), "--json"]).succeed();
    let found = document(&ran.stdout);
    let finding = found["findings"][0]["text"].as_str().unwrap();
    assert!(finding.contains("no table of it holds anything"), "{found}");
    assert_eq!((&found["bytes"], found["tables"].as_array().unwrap().len()), (&Value::from(0), 0));
    assert_advice(&found["upgrade"]);
    assert_advice(&found["dump"]);
    assert!(found["upgrade"]["forecast_to_ms"].as_u64().unwrap() > 0, "{found}");
    assert!(databases(new, "bench_empty").is_empty());
}

#[test]
fn odd_tables() {
    let (old, new) = (shared(15).unwrap(), shared(18).unwrap());
    old.create_database("bench_odd").unwrap();
    let sql = r#"
        CREATE SCHEMA "S ' \ p";
        CREATE TYPE "S ' \ p"."mo'od" AS ENUM ('a''b', 'c');
        CREATE TYPE "S ' \ p".pair AS (a int, b int);
        CREATE DOMAIN "S ' \ p"."nu""m" AS numeric(10, 2) CHECK (VALUE > 0);
        CREATE TABLE "S ' \ p"."t ""; DROP TABLE x;--" ("select" int PRIMARY KEY, "a b" "S ' \ p"."mo'od",
            "d'" "S ' \ p"."nu""m", gone int, twice int GENERATED ALWAYS AS ("select" * 2) STORED, doc jsonb, words text[]);
        ALTER TABLE "S ' \ p"."t ""; DROP TABLE x;--" DROP COLUMN gone;
        INSERT INTO "S ' \ p"."t ""; DROP TABLE x;--" ("select", "a b", "d'", doc, words)
            SELECT i, 'a''b', i, jsonb_build_object('k', i), ARRAY['w' || i % 10] FROM generate_series(1, 30000) i;
        CREATE INDEX ON "S ' \ p"."t ""; DROP TABLE x;--" USING gin (doc jsonb_path_ops);
        CREATE INDEX ON "S ' \ p"."t ""; DROP TABLE x;--" USING gin (words);
        CREATE INDEX ON "S ' \ p"."t ""; DROP TABLE x;--" (lower(words[1]));
        CREATE INDEX ON "S ' \ p"."t ""; DROP TABLE x;--" ("a b", "d'" DESC) WHERE "select" > 5;
        CREATE INDEX ON "S ' \ p"."t ""; DROP TABLE x;--" (twice);
        CREATE TABLE composite AS SELECT (i, i)::"S ' \ p".pair AS p FROM generate_series(1, 1000) i;
        CREATE TABLE parent AS SELECT i FROM generate_series(1, 1000) i;
        CREATE TABLE child () INHERITS (parent);
        CREATE TABLE nothing ();
        INSERT INTO nothing DEFAULT VALUES;
    "#;
    old.psql("bench_odd", sql).unwrap();
    let ran = bench(&old.url("bench_odd")).args(["--to", &new.url("bench_odd"), "--json"]).succeed();
    let found = document(&ran.stdout);
    let tables: Vec<&str> = found["tables"].as_array().unwrap().iter().map(|table| table.as_str().unwrap()).collect();
    assert_eq!(tables, ["S ' \\ p.t \"; DROP TABLE x;--", "public.composite"]);
    let findings = found["findings"].to_string();
    assert!(
        findings.contains("table public.composite") && findings.contains("it is read, and not written"),
        "{findings}"
    );
    let legs = legs(&found);
    assert!(
        legs.contains(&"build btree, gin new".to_owned()) && legs.iter().any(|leg| leg.starts_with("upgrade ")),
        "{legs:?}"
    );
    assert!(databases(new, "bench_odd").is_empty());
}

/// Waits until it has come so far that it works in this database.
fn wait_for_work_in(new: &Server, name: &str, running: &mut Running) {
    let query =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name LIKE 'pgtandem%'");
    while new.psql("postgres", &query).unwrap().trim() == "0" {
        assert!(running.is_running(), "it has ended before that");
    }
}

#[test]
fn stopped_in_the_middle_and_killed() {
    let (old, new, folder) = (Server::start(15).unwrap(), Server::start(18).unwrap(), Folder::new("bench-stopped"));
    fill_shop(&old, "shop", 20_000);
    let (before, after) = (holdings(&old, "shop"), holdings(&new, "shop"));
    let archive = folder.path().join("shop.pgdump");
    let again = || bench(&old.url("shop")).args(["--to", &new.url("shop"), "--archive"]).args([&archive]);

    let mut running = again().spawn();
    wait_for_work_in(&new, "shop__tandem_bench", &mut running);
    running.signal("INT");
    running.wait().expect(130).tells(&["cancelled"]);
    assert_eq!((holdings(&old, "shop"), holdings(&new, "shop")), (before.clone(), after.clone()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    wait_for_no_sessions(&old);
    wait_for_no_sessions(&new);

    // What a killed one has left is replaced.
    let mut running = again().spawn();
    wait_for_work_in(&new, "shop__tandem_bench", &mut running);
    running.signal("KILL");
    assert!(!running.wait().status.success());
    assert_eq!(databases(&new, "shop"), ["shop__tandem_bench"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    again().succeed();
    assert_eq!((holdings(&old, "shop"), holdings(&new, "shop")), (before.clone(), after.clone()));

    // So it is by hand, unless somebody is at work on it.
    let clean = || Program::new().args(["clean", "--to", &new.url("postgres")]).succeed();
    let mut running = again().spawn();
    wait_for_work_in(&new, "shop__tandem_bench", &mut running);
    running.signal("STOP");
    clean().tells(&["shop__tandem_bench", "another run", "Nothing was changed."]);
    running.signal("KILL");
    assert!(!running.wait().status.success());
    clean().tells(&["Database shop__tandem_bench is gone."]);
    assert_eq!((holdings(&old, "shop"), holdings(&new, "shop")), (before, after));

    // But only if it is ours.
    new.psql("postgres", "CREATE DATABASE shop__tandem_bench").unwrap();
    new.psql("shop__tandem_bench", "CREATE TABLE precious (a int)").unwrap();
    again().run().expect(4).tells(&["shop__tandem_bench", "was not made by pgtandem"]);
    assert_eq!(new.psql("shop__tandem_bench", "SELECT count(*) FROM precious").unwrap().trim(), "0");
}

#[test]
fn what_stands_in_the_way() {
    let (old, new, folder) = (shared(17).unwrap(), shared(18).unwrap(), Folder::new("bench-refused"));
    old.create_database("bench_refused").unwrap();
    let from = old.url("bench_refused");
    let to = |path: &std::path::Path| bench(&from).args(["--archive"]).args([path]).run();
    to(&folder.path().join("none").join("x"))
        .expect(1)
        .tells(&["cannot write to the place of the archive", "Make its folder"]);
    to(folder.path()).expect(2).tells(&["this is a folder"]);
    bench(&from).args(["--to", "postgres://u@127.0.0.1:1/x"]).run().expect(3);
    Program::new().args(["bench", "--from", &from, "--seconds", "0"]).run().expect(2).tells(&["from 1 to"]);
    bench(&new.url("postgres")).args(["--to", &old.url("x")]).run().expect(4).tells(&["is older than the old one"]);
    new.psql("postgres", "DROP ROLE IF EXISTS bench_poor; CREATE ROLE bench_poor LOGIN").unwrap();
    let poor = new.url("x").replace("postgres@", "bench_poor@");
    assert_ne!(poor, new.url("x"));
    bench(&from).args(["--to", &poor]).run().expect(4).tells(&["role bench_poor may not make databases", "CREATEDB"]);
    new.psql("postgres", "DROP ROLE bench_poor").unwrap();
    assert!(databases(new, "x").is_empty());
}
