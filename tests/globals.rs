//! What belongs to a server and not to a database: roles, what they are members of, settings, parameters, tablespaces. The
//! judge is the stock `pg_dumpall`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use pgtandem_lab::Server;

use crate::support::{Program, databases};

/// Roles of all sorts. `one_setting` is gone from a later major.
const ROLES: &str = r#"
    CREATE ROLE "Own ""er" CREATEDB BYPASSRLS;
    CREATE ROLE "read=er's" LOGIN NOINHERIT PASSWORD 'pass word' VALID UNTIL '2040-01-02 03:04:05+00' CONNECTION LIMIT 7;
    CREATE ROLE endless LOGIN VALID UNTIL 'infinity' PASSWORD 'md51234567890abcdef1234567890abcdef';
    CREATE ROLE grp; CREATE ROLE chief CREATEROLE; CREATE ROLE deputy REPLICATION; CREATE ROLE apart SUPERUSER;
    COMMENT ON ROLE grp IS 'it''s a \ group';
    GRANT pg_monitor TO "read=er's" WITH ADMIN OPTION; GRANT grp TO pg_monitor;
    GRANT grp TO chief WITH ADMIN OPTION; GRANT "Own ""er" TO grp; GRANT grp TO apart;
    ALTER ROLE "read=er's" SET search_path = '', "we ird", pg_temp; ALTER ROLE "read=er's" SET role = 'grp';
    ALTER ROLE "read=er's" SET my.own = E'a\\b, ''c'; ALTER ROLE "read=er's" IN DATABASE moved SET work_mem = '5MB';
    ALTER ROLE ALL SET work_mem = '9MB'; ALTER ROLE ALL SET my.custom = 'x, y';"#;

/// A grantor that is gone, and a setting that 16 does not have any more.
const OF_15: &str = r#"CREATE ROLE gone SUPERUSER; SET SESSION AUTHORIZATION gone; GRANT grp TO deputy; RESET SESSION AUTHORIZATION;
    DROP ROLE gone; ALTER ROLE chief SET force_parallel_mode = on;"#;

/// Memberships by three grantors, with every option.
const SINCE_16: &str = r#"
    GRANT grp TO deputy WITH ADMIN OPTION GRANTED BY chief; GRANT grp TO "read=er's" WITH INHERIT TRUE, SET FALSE GRANTED BY deputy;
    GRANT grp TO "read=er's" WITH INHERIT FALSE GRANTED BY chief; GRANT grp TO "read=er's"; GRANT grp TO endless WITH SET FALSE;"#;

const SINCE_15: &str = r#"GRANT SET ON PARAMETER log_min_messages TO "read=er's" WITH GRANT OPTION;
    SET SESSION AUTHORIZATION "read=er's"; GRANT SET ON PARAMETER log_min_messages TO chief; RESET SESSION AUTHORIZATION;
    GRANT ALTER SYSTEM ON PARAMETER work_mem TO PUBLIC; GRANT ALL ON PARAMETER my.own TO deputy;"#;

/// Refers to some of them.
const SCHEMA: &str = r#"CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 20); ALTER TABLE t OWNER TO "Own ""er";
    GRANT SELECT ON t TO "read=er's"; CREATE POLICY p ON t TO chief USING (true);"#;

fn old_server(major: u32) -> Server {
    let old = Server::start(major).unwrap();
    old.create_database("moved").unwrap();
    old.psql("moved", ROLES).unwrap();
    old.psql("moved", SINCE_15).unwrap();
    old.psql("moved", if major < 16 { OF_15 } else { SINCE_16 }).unwrap();
    old.psql("moved", SCHEMA).unwrap();
    old
}

fn upgrade(old: &Server, new: &Server) -> Program {
    Program::upgrade(&old.url("moved"), &new.url("moved"))
}

/// What the stock `pg_dumpall` prints of everything but databases and the bootstrap superuser.
fn globals(server: &Server) -> BTreeSet<String> {
    let dump = server.client("pg_dumpall").unwrap().args(["-g", "--no-tablespaces"]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("--") && !line.starts_with('\\'));
    lines.filter(|line| !line.contains(" ROLE postgres")).map(str::to_owned).collect()
}

/// A server of the newest major with the roles of another one, by way of `pg_dumpall` and `psql`. What is refused is left out.
fn moved_by_stock_tools(old: &Server) -> Server {
    let new = Server::start(18).unwrap();
    let dump = old.client("pg_dumpall").unwrap().args(["-g", "--no-tablespaces"]).output().unwrap();
    let mut psql = new.client("psql").unwrap();
    psql.args(["-X", "-q", "-d", "postgres"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut psql = psql.spawn().unwrap();
    psql.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
    assert!(psql.wait().unwrap().success());
    new
}

/// Settings for everybody, which `pg_dumpall` does not print.
fn settings_for_all(server: &Server) -> String {
    server.psql("postgres", "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0").unwrap()
}

fn roles(server: &Server) -> Vec<String> {
    let sql =
        "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres' ORDER BY rolname COLLATE \"C\"";
    server.psql("postgres", sql).unwrap().lines().map(str::to_owned).collect()
}

fn all_arrive_from(major: u32) {
    let (old, new) = (old_server(major), Server::start(18).unwrap());
    let before = globals(&old);
    let ran = upgrade(&old, &new).args(["--roles", "all"]).succeed();
    let (expected, arrived) = (globals(&moved_by_stock_tools(&old)), globals(&new));
    assert!(expected.len() > 30, "{expected:#?}");
    assert_eq!(arrived, expected, "{}", ran.told());
    assert_eq!(settings_for_all(&new), settings_for_all(&old));
    assert_eq!(globals(&old), before, "the old server");
    let own = "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = 'moved'";
    assert_eq!(new.psql("postgres", own).unwrap(), old.psql("postgres", own).unwrap());
    assert!(!ran.told().contains("SCRAM-SHA"), "a password is told: {}", ran.told());
    if major == 15 {
        ran.tells(&["role chief: left out", "force_parallel_mode"]);
    }
    // Another database of the same server finds them as they are.
    old.create_database("second").unwrap();
    let ran = Program::upgrade(&old.url("second"), &new.url("second")).args(["--roles", "all"]).succeed();
    let told = ran.stdout.lines().filter(|line| line.contains("not the same on both servers")).count();
    assert_eq!(told, usize::from(major == 15), "{}", ran.told());
}

#[test]
fn all_arrive_from_15() {
    all_arrive_from(15);
}

#[test]
fn all_arrive_from_16() {
    all_arrive_from(16);
}

#[test]
fn all_arrive_from_18() {
    all_arrive_from(18);
}

#[test]
fn those_that_are_needed() {
    let (old, new) = (old_server(18), Server::start(18).unwrap());
    let needed = ["Own \"er", "chief", "deputy", "grp", "read=er's"];
    let planned = upgrade(&old, &new).args(["--dry-run"]).succeed();
    planned.tells(&["ROLE", "Own \"er", "chief", "--roles all", "endless"]);
    assert!(!planned.told().contains("SCRAM-SHA"), "{}", planned.told());
    assert!(roles(&new).is_empty(), "a plan has made roles: {:?}", roles(&new));

    let ran = upgrade(&old, &new).args(["--roles", "none"]).run().expect(4);
    ran.tells(&["role Own \"er is missing", "role chief is missing", "read=er's", "--roles missing"]);

    upgrade(&old, &new).args(["-v", "-v"]).succeed().tells(&["--roles all", "apart, endless"]);
    assert_eq!(roles(&new), needed);
    let (before, after) = (globals(&old), globals(&new));
    let expected = before.into_iter().filter(|line| !["endless", "apart"].iter().any(|name| line.contains(name)));
    assert_eq!(after, expected.collect());
}

#[test]
fn roles_that_are_there_are_left_as_they_are() {
    let (old, new) = (old_server(18), Server::start(18).unwrap());
    new.psql(
        "postgres",
        "CREATE ROLE \"read=er's\" LOGIN PASSWORD 'another'; CREATE ROLE chief; ALTER ROLE ALL SET work_mem = '1MB'",
    )
    .unwrap();
    let of = |name: &str| globals(&new).into_iter().filter(|line| line.contains(name)).collect::<Vec<_>>();
    let before = of("chief");
    let ran = upgrade(&old, &new).succeed();
    assert_eq!(of("chief"), before);
    ran.tells(&[
        "role read=er's",
        r#"ALTER ROLE "read=er's" NOINHERIT CONNECTION LIMIT 7 VALID UNTIL '2040-01-02 03:04:05 UTC'"#,
        r#"SET "role" TO 'grp'"#,
        r#"GRANT "pg_monitor" TO "read=er's""#,
        "its password",
        r#"ALTER ROLE "chief" CREATEROLE"#,
        r#"GRANT "grp" TO "chief" WITH ADMIN true"#,
        r#"ALTER ROLE ALL SET "work_mem" TO '9MB'"#,
    ]);
    assert!(!ran.told().contains("SCRAM-SHA"), "{}", ran.told());
    assert!(settings_for_all(&new).contains("work_mem=1MB") && settings_for_all(&new).contains("my.custom"));
}

#[test]
fn nothing_is_left_of_a_run_that_fails() {
    let (old, new) = (old_server(15), Server::start(18).unwrap());
    let fails =
        "CREATE TABLE u (a int CHECK (current_setting('server_version_num')::int < 180000)); INSERT INTO u VALUES (1)";
    old.psql("moved", fails).unwrap();
    let before = globals(&new);
    let ran = upgrade(&old, &new).args(["--roles", "all"]).run().expect(1);
    ran.tells(&["nothing was left on the new one"]);
    assert_eq!(globals(&new), before);
    assert_eq!(databases(&new, "moved"), [""; 0]);
    assert_eq!(settings_for_all(&new), "");
    old.psql("moved", "DROP TABLE u").unwrap();
    upgrade(&old, &new).succeed();
}

#[test]
fn killed_after_roles_were_made() {
    let (old, new) = (old_server(15), Server::start(18).unwrap());
    let slow = "CREATE TABLE u (a int CHECK (CASE WHEN current_setting('server_version_num')::int < 180000 THEN true \
        ELSE pg_sleep(0.3)::text = '' END)); INSERT INTO u SELECT generate_series(1, 10)";
    old.psql("moved", slow).unwrap();
    let running = upgrade(&old, &new).spawn();
    let begun = Instant::now();
    while roles(&new).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no roles are made");
        thread::sleep(Duration::from_millis(10));
    }
    running.signal("KILL");
    assert!(!running.wait().status.success(), "it was too quick");
    let made = globals(&new);
    let ran = upgrade(&old, &new).succeed();
    assert_eq!(globals(&new).into_iter().filter(|line| !line.contains("PUBLIC")).collect::<BTreeSet<_>>(), made);
    assert!(!ran.told().contains("What would make it the same: ALTER ROLE \"read"), "{}", ran.told());
}

#[test]
fn the_bootstrap_superuser_by_another_name() {
    let old = Server::builder(16).initdb("--username=the admin").start().unwrap();
    let psql = |database: &str, sql: &str| {
        let mut psql = old.client("psql").unwrap();
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "the admin", "-d", database, "-c", sql]);
        let output = psql.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    psql("postgres", "CREATE DATABASE moved");
    let schema = "CREATE ROLE bob; CREATE ROLE grp; GRANT grp TO bob; CREATE TABLE t (a int, b int); GRANT SELECT ON t TO bob;
        CREATE VIEW v AS SELECT * FROM t; REVOKE ALL ON v FROM \"the admin\"; CREATE POLICY p ON t TO \"the admin\" USING (true);
        GRANT UPDATE (b) ON t TO \"the admin\"; ALTER DEFAULT PRIVILEGES FOR ROLE \"the admin\" GRANT SELECT ON TABLES TO bob;
        GRANT SET ON PARAMETER log_min_messages TO bob; REVOKE EXECUTE ON FUNCTION pg_ls_dir(text) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION pg_ls_dir(text) TO bob; CREATE FUNCTION f() RETURNS int LANGUAGE sql SET role = 'the admin' AS 'SELECT 1';
        ALTER ROLE bob SET role = 'the admin'; ALTER DATABASE moved SET role = 'the admin'; CREATE SEQUENCE s OWNED BY t.a;
        CREATE STATISTICS x ON a, b FROM t; CREATE PUBLICATION pub FOR TABLE t; SELECT lo_create(4711)";
    psql("moved", schema);
    let new = Server::start(18).unwrap();
    let from = old.url("moved").replace("postgres@", "the%20admin@");
    Program::upgrade(&from, &new.url("moved")).succeed();
    assert_eq!(roles(&new), ["bob", "grp"]);
    let dump = new.pg_dump("moved", &["-s", "--create"]).unwrap();
    assert!(!dump.contains("the admin"), "{dump}");
    assert!(dump.contains("SET role TO 'postgres'") && dump.contains("TO postgres USING (true)"), "{dump}");
    let all = globals(&new);
    let granted = "GRANT grp TO bob WITH INHERIT TRUE GRANTED BY postgres;";
    assert!(all.contains(granted) && all.contains("GRANT SET ON PARAMETER log_min_messages TO bob;"), "{all:#?}");
}

#[test]
fn the_bootstrap_superuser_where_its_name_is_somebody_elses() {
    let old = Server::start(14).unwrap();
    old.psql("postgres", "CREATE ROLE shop LOGIN; CREATE ROLE grp; GRANT grp TO shop; CREATE DATABASE moved").unwrap();
    let schema = "CREATE TABLE t (a int); GRANT SELECT ON t TO shop; CREATE TABLE u (a int); ALTER TABLE u OWNER TO shop;
        REVOKE EXECUTE ON FUNCTION pg_ls_dir(text) FROM PUBLIC; GRANT grp TO postgres; ALTER ROLE postgres SET jit = off";
    old.psql("moved", schema).unwrap();
    let new = Server::builder(18).initdb("--username=shop").start().unwrap();
    let to = new.url("moved").replace("postgres@", "shop@");
    let ran = Program::upgrade(&old.url("moved"), &to).succeed();
    // From here on there is a `postgres` on the new server, too: a superuser like any other.
    ran.tells(&["role shop: not the same on both servers"]);
    let owners = "SELECT string_agg(relname || ' of ' || pg_get_userbyid(relowner), ', ' ORDER BY relname) FROM pg_class WHERE relname IN ('t', 'u')";
    assert_eq!(new.psql("moved", owners).unwrap().trim(), "t of postgres, u of shop");
    let postgres = "SELECT rolsuper, rolcanlogin, rolconfig, oid <> 10 FROM pg_roles WHERE rolname = 'postgres'";
    assert_eq!(new.psql("moved", postgres).unwrap().trim(), "t|t|{jit=off}|t");
}

#[test]
fn a_login_that_may_not_make_roles() {
    let (old, new) = (old_server(18), Server::start(18).unwrap());
    new.psql("postgres", "CREATE ROLE maker LOGIN CREATEDB").unwrap();
    let to = new.url("moved").replace("postgres@", "maker@");
    let ran = Program::upgrade(&old.url("moved"), &to).run().expect(4);
    ran.tells(&["permission denied", "Own \"er", "chief", "read=er's", "nothing was written"]);
    assert!(!ran.told().contains("SCRAM-SHA"), "{}", ran.told());
    assert_eq!(roles(&new), ["maker"]);
}

#[test]
fn passwords_that_may_not_be_read() {
    let (old, new) = (Server::start(15).unwrap(), Server::start(18).unwrap());
    old.psql(
        "postgres",
        "CREATE ROLE reader LOGIN; CREATE ROLE secretive LOGIN PASSWORD 'x'; CREATE DATABASE moved OWNER reader",
    )
    .unwrap();
    old.psql("moved", "CREATE TABLE t (a int); ALTER TABLE t OWNER TO reader; GRANT SELECT ON t TO secretive").unwrap();
    let from = old.url("moved").replace("postgres@", "reader@");
    let ran = Program::upgrade(&from, &new.url("moved")).succeed();
    ran.tells(&["role secretive", "without a password"]);
    assert_eq!(roles(&new), ["reader", "secretive"]);
}

#[test]
fn tablespaces_that_are_not_there() {
    let old = Server::builder(15).set("allow_in_place_tablespaces", "on").start().unwrap();
    let new = Server::builder(18).set("allow_in_place_tablespaces", "on").start().unwrap();
    old.psql("postgres", "CREATE TABLESPACE fast LOCATION ''").unwrap();
    old.psql("postgres", "CREATE TABLESPACE wide LOCATION '' WITH (seq_page_cost = 0.5)").unwrap();
    old.psql("postgres", "CREATE DATABASE moved TABLESPACE wide").unwrap();
    let schema = "CREATE TABLE t (a int PRIMARY KEY) TABLESPACE fast; CREATE INDEX i ON t (a) TABLESPACE fast;
        CREATE MATERIALIZED VIEW m TABLESPACE fast AS SELECT * FROM t";
    old.psql("moved", schema).unwrap();
    upgrade(&old, &new).run().expect(4).tells(&["tablespace fast", "tablespace wide", "--tablespaces default"]);
    upgrade(&old, &new).args(["--tablespaces", "default"]).succeed().tells(&["fast, wide"]);
    assert_eq!(
        new.psql("moved", "SELECT count(*) FROM pg_class WHERE reltablespace NOT IN (0, 1664)").unwrap().trim(),
        "0"
    );
    new.psql("postgres", "DROP DATABASE moved").unwrap();
    for name in ["fast", "wide"] {
        new.psql("postgres", &format!("CREATE TABLESPACE {name} LOCATION ''")).unwrap();
    }
    upgrade(&old, &new).succeed().tells(&["tablespace wide", r#"SET ("seq_page_cost" = '0.5')"#]);
    let of = "SELECT spcname FROM pg_class c JOIN pg_tablespace s ON s.oid = reltablespace WHERE relname = 'i'";
    assert_eq!(new.psql("moved", of).unwrap().trim(), "fast");
}
