//! Settings of the new server that a run changes, and what comes of them, however it ends; and what `clean` removes.

use pgtandem_lab::Server;

use crate::support::{Folder, Program, databases, fill_shop};

/// A pair of servers with a database that takes a while, and a value that somebody has given to the new one.
fn pair() -> (Server, Server) {
    let (old, new) = (Server::start(15).unwrap(), Server::start(18).unwrap());
    fill_shop(&old, "shop", 60_000);
    new.psql("postgres", "ALTER SYSTEM SET checkpoint_timeout TO '7min'").unwrap();
    new.psql("postgres", "SELECT pg_reload_conf()").unwrap();
    (old, new)
}

fn upgrade(old: &Server, new: &Server) -> Program {
    Program::upgrade(&old.url("shop"), &new.url("shop")).args(["--tune-target", "--log-format", "json"])
}

/// What the file says, which is what a reload takes.
fn in_file(server: &Server) -> Vec<String> {
    let query = "SELECT name || ' = ' || setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf' ORDER BY 1";
    server.psql("postgres", query).unwrap().lines().map(str::to_owned).collect()
}

fn changed() -> Vec<String> {
    vec![format!("checkpoint_timeout = {}s", 30 * 60)]
}

/// Lets a run get as far as its data, and ends it there with its settings in place.
fn kill_at_data(old: &Server, new: &Server, lines: usize) {
    let running = upgrade(old, new).spawn();
    running.wait_for_lines(lines);
    running.signal("STOP");
    assert_eq!(in_file(new), changed());
    running.signal("KILL");
    assert!(!running.wait().status.success());
    assert_eq!(in_file(new), changed());
}

#[test]
fn settings_come_back_however_a_run_ends() {
    let (old, new) = pair();
    let before = in_file(&new);
    assert_eq!(before, ["checkpoint_timeout = 7min"]);

    // Well.
    let ran = upgrade(&old, &new).succeed();
    assert_eq!(in_file(&new), before);
    let comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'shop'";
    assert_eq!(new.psql("postgres", comment).unwrap().trim(), "");
    let lines = 1 + ran.stdout.lines().position(|line| line.contains(r#""phase":"data""#)).unwrap();
    new.psql("postgres", "DROP DATABASE shop").unwrap();

    // Interrupted.
    let running = upgrade(&old, &new).spawn();
    running.wait_for_lines(lines);
    running.signal("INT");
    running.wait().expect(130);
    assert_eq!(in_file(&new), before);
    assert_eq!(databases(&new, "shop"), Vec::<String>::new());

    // Killed, and put right by the next run.
    kill_at_data(&old, &new, lines);
    upgrade(&old, &new).succeed();
    assert_eq!(in_file(&new), before);
    new.psql("postgres", "DROP DATABASE shop").unwrap();

    // Killed, and put right by hand.
    kill_at_data(&old, &new, lines);
    assert_eq!(databases(&new, "shop"), ["shop__tandem"]);
    let cleaned = Program::new().args(["clean", "--to", &new.url("shop")]).succeed();
    cleaned.tells(&["Database shop__tandem is gone.", "settings of the server are what they were"]);
    assert_eq!(in_file(&new), before);
    assert_eq!(databases(&new, "shop"), Vec::<String>::new());
    Program::new().args(["clean", "--to", &new.url("shop")]).succeed().tells(&["No run has left anything"]);
    assert_eq!(new.psql("postgres", "SHOW checkpoint_timeout").unwrap().trim(), "7min");
}

#[test]
fn a_restore_may_change_them_too() {
    let (old, new) = pair();
    let folder = Folder::new("tuning");
    let archive = folder.path().join("shop.pgdump");
    let archive = archive.to_str().unwrap();
    Program::new().args(["dump", "--from", &old.url("shop"), "--archive", archive]).succeed();
    let restore = ["restore", "--archive", archive, "--to", &new.url("shop"), "--tune-target"].map(str::to_owned);
    Program::new().args(restore).succeed();
    assert_eq!(in_file(&new), ["checkpoint_timeout = 7min"]);
    let log = new.log();
    assert!(log.contains(&format!(r#"parameter "checkpoint_timeout" changed to "{}s""#, 30 * 60)), "{log}");
    assert_eq!(new.psql("postgres", "SHOW checkpoint_timeout").unwrap().trim(), "7min");
}

#[test]
fn what_a_login_may_not_change_stays() {
    let (old, new) = pair();
    new.psql("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE PASSWORD 'x'").unwrap();
    old.psql("postgres", "CREATE DATABASE plain").unwrap();
    old.psql("plain", "CREATE TABLE t AS SELECT 1 AS a").unwrap();
    let to = new.url("plain").replace("postgres@", "mover@");
    let ran = Program::upgrade(&old.url("plain"), &to).args(["--tune-target", "--no-owner"]).succeed();
    ran.tells(&["--tune-target", "stay as they are", "permission denied"]);
    assert_eq!(in_file(&new), ["checkpoint_timeout = 7min"]);
}

#[test]
fn what_a_server_does_not_let_change_stays_and_nobody_says_otherwise() {
    let old = Server::start(15).unwrap();
    // Since 17; operators that look after a server turn it off.
    let new = Server::builder(18).set("allow_alter_system", "off").start().unwrap();
    old.create_database("plain").unwrap();
    let ran = Program::upgrade(&old.url("plain"), &new.url("plain")).args(["--tune-target"]).succeed();
    ran.tells(&["checkpoint_timeout stays as it is", "ALTER SYSTEM is not allowed"]);
    assert!(!ran.told().contains("are not what they were"), "{}", ran.told());
}

#[test]
fn clean_leaves_alone_what_a_run_is_at_work_on_and_what_is_not_marked() {
    let (old, new) = pair();
    new.create_database("other__tandem").unwrap();
    let ran = Program::upgrade(&old.url("shop"), &new.url("shop")).args(["--log-format", "json"]).succeed();
    let lines = 1 + ran.stdout.lines().position(|line| line.contains(r#""phase":"data""#)).unwrap();
    new.psql("postgres", "DROP DATABASE shop").unwrap();
    let running = Program::upgrade(&old.url("shop"), &new.url("shop")).args(["--log-format", "json"]).spawn();
    running.wait_for_lines(lines);
    running.signal("STOP");
    let cleaned = Program::new().args(["clean", "--to", &new.url("postgres")]).succeed();
    cleaned.tells(&["shop__tandem", "another run is making the same database", "Nothing was changed."]);
    running.signal("CONT");
    running.wait().expect(0);
    assert_eq!(databases(&new, "shop"), ["shop"]);
    assert_eq!(databases(&new, "other"), ["other__tandem"]);
}

/// How many lanes a run would begin with.
fn lanes(old: &Server, to: &str, options: &[&str]) -> u64 {
    let plan =
        Program::upgrade(&old.url("plain"), to).args(["--dry-run", "--log-format", "json"]).args(options).succeed();
    let last: serde_json::Value = serde_json::from_str(plan.stdout.lines().last().unwrap()).unwrap();
    last["jobs"].as_u64().unwrap()
}

#[test]
fn lanes_follow_what_the_new_server_has_and_may_be_known_of_it() {
    let (old, new) = (Server::start(15).unwrap(), Server::builder(18).set("log_statement", "all").start().unwrap());
    old.create_database("plain").unwrap();
    old.psql("plain", "CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 1000) g; CREATE INDEX ON t (a)")
        .unwrap();
    new.psql("postgres", "CREATE ROLE mover LOGIN CREATEDB CREATEROLE").unwrap();
    let mover = new.url("plain").replace("postgres@", "mover@");
    // On this machine, too; a quota that is no whole number is rounded in other ways.
    let processors = std::thread::available_parallelism().unwrap().get() as u64;
    let known = lanes(&old, &new.url("plain"), &[]);
    assert!((processors.min(16)..=processors + 1).contains(&known), "{known} lanes for {processors} processors");
    assert_eq!(lanes(&old, &new.url("plain"), &["--jobs", "3"]), 3);
    assert_eq!(lanes(&old, &mover, &["--no-owner"]), 4, "nothing is known");
    new.psql("postgres", "GRANT pg_read_server_files TO mover").unwrap();
    assert_eq!(lanes(&old, &mover, &["--no-owner"]), 4, "the function is another right");
    new.psql("postgres", "GRANT EXECUTE ON FUNCTION pg_read_file(text, bigint, bigint, boolean) TO mover").unwrap();
    // That right is one of the database postgres, where a run asks.
    assert_eq!(lanes(&old, &mover, &["--no-owner"]), known);
    // One session has asked, and some are left for others.
    new.psql("postgres", "ALTER ROLE mover CONNECTION LIMIT 7").unwrap();
    assert_eq!(lanes(&old, &mover, &["--no-owner"]), 1);

    // While all processors have something to do, builds get no help; what is said in the connection string stays.
    let quiet = |to: &str| Program::upgrade(&old.url("plain"), to).args(["-q"]).succeed();
    quiet(&new.url("plain"));
    let said = |what: &str| new.log().matches(what).count();
    assert!(said("SET max_parallel_maintenance_workers TO ") > 0, "{}", new.log());
    let (workers, memory) = (said("SET max_parallel_maintenance_workers"), said("SET maintenance_work_mem TO "));
    let options = "options=-c%20max_parallel_maintenance_workers%3D0%20-c%20maintenance_work_mem%3D32MB";
    new.psql("postgres", "DROP DATABASE plain").unwrap();
    quiet(&format!("{}?{options}", new.url("plain")));
    assert_eq!(said("SET max_parallel_maintenance_workers"), workers);
    assert_eq!(said("SET maintenance_work_mem TO "), memory);
}
