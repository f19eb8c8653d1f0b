//! Rows, and what comes after them, into a database that stands already: it is touched when all is proved, or not at all.

use std::process::Stdio;

use pgtandem_lab::{Server, shared};

use crate::support::{Folder, Oracle, Program, Running, assert_same, databases, fill, prepare_server, testdata};

/// What an application has put into its tables.
const ROWS: &str = "INSERT INTO app.customer (name) SELECT 'c' || n FROM generate_series(1, 50) n;
    INSERT INTO app.orders (customer_id, total, note) SELECT 1 + n % 50, n, repeat('x', n) FROM generate_series(1, 500) n;
    UPDATE app.customer SET best_order = id + 50;
    INSERT INTO app.place SELECT n, 'p' FROM generate_series(1, 9) n;
    INSERT INTO app.event SELECT n, '2020-12-01'::date + n, 1 FROM generate_series(1, 60) n;
    SELECT lo_from_bytea(4711, 'large');";

/// The database of the application on both servers, with rows on the old one.
fn on_both(name: &str) -> (&'static Server, &'static Server) {
    between(15, 18, name)
}

fn between(from: u32, to: u32, name: &str) -> (&'static Server, &'static Server) {
    let (old, new) = (shared(from).unwrap(), shared(to).unwrap());
    for server in [old, new] {
        prepare_server(server);
        server.create_database(name).unwrap();
        server.psql_file(name, &testdata("standing.sql")).unwrap();
    }
    old.psql(name, ROWS).unwrap();
    (old, new)
}

fn upgrade(old: &Server, new: &Server, name: &str, options: &[&str]) -> Program {
    Program::upgrade(&old.url(name), &new.url(name)).args(options)
}

/// The schema and the rows of a database, and which one it is.
fn look(server: &Server, name: &str) -> (Oracle, String) {
    let number = format!("SELECT oid FROM pg_database WHERE datname = '{name}'");
    (Oracle::of(server, name), server.psql("postgres", &number).unwrap())
}

/// A run that fails with this code, and leaves the new database as it was.
#[track_caller]
fn untouched(program: Program, new: &Server, name: &str, code: i32, told: &[&str]) {
    let (before, number) = look(new, name);
    let ran = program.run().expect(code);
    ran.tells(told);
    let (after, same_number) = look(new, name);
    assert_same(&ran.told(), &before, 18, &after, 18, &[]);
    assert_eq!(number, same_number, "it is another database");
    assert_eq!(databases(new, name), [name], "{}", ran.told());
}

#[test]
fn three_sections_make_the_whole() {
    let (old, new) = (shared(15).unwrap(), Server::start(18).unwrap());
    prepare_server(&new);
    let name = "standing_sections";
    fill(old, name, "roundtrip");
    let before = Oracle::of(old, name);
    Program::upgrade(&old.url(name), &new.url("standing_at_once")).succeed();
    for section in ["pre-data", "data", "post-data"] {
        upgrade(old, &new, name, &["--section", section]).succeed();
    }
    assert_same("the old database", &before, 15, &Oracle::of(old, name), 15, &[]);
    let (at_once, after) = (Oracle::of(&new, "standing_at_once"), Oracle::of(&new, name));
    assert_same("at once, and in sections", &at_once.without_database(), 18, &after.without_database(), 18, &[]);
}

#[test]
fn definitions_and_then_rows_make_the_whole() {
    let (old, new) = (shared(15).unwrap(), Server::start(18).unwrap());
    prepare_server(&new);
    let (name, folder) = ("standing_rows", Folder::new("standing-rows"));
    fill(old, name, "roundtrip");
    // It is there before the rows then, and would refuse them.
    old.psql(name, "ALTER TABLE shop.orders DROP CONSTRAINT not_true_of_old_rows").unwrap();
    Program::upgrade(&old.url(name), &new.url(name)).succeed();
    // As pg_dump's, it is without what fills materialized views; nor are they filled here.
    let refresh = "SELECT format('REFRESH MATERIALIZED VIEW %s WITH NO DATA', oid::regclass) FROM pg_class
        WHERE relkind = 'm' AND relispopulated ORDER BY oid DESC \\gexec";
    new.psql(name, refresh).unwrap();
    let whole = Oracle::of(&new, name).without_database();
    let archive = folder.path().join("whole.pgdump");
    let archive = archive.to_str().unwrap();
    Program::new().args(["dump", "--from", &old.url(name), "--archive", archive]).succeed();

    Program::upgrade(&old.url(name), &new.url("by_upgrade")).args(["-s"]).succeed();
    Program::upgrade(&old.url(name), &new.url("by_upgrade")).args(["-a"]).succeed();
    assert_same("by an upgrade", &whole, 18, &Oracle::of(&new, "by_upgrade").without_database(), 18, &[]);

    let restore = |to: &str| Program::new().args(["restore", "--to", &new.url(to), "--archive"]);
    restore("by_archive").args([archive, "-s"]).succeed();
    restore("by_archive").args([archive, "-a"]).succeed();
    assert_same("from an archive", &whole, 18, &Oracle::of(&new, "by_archive").without_database(), 18, &[]);

    for section in ["pre-data", "data"] {
        let stream = std::fs::File::open(archive).unwrap();
        restore("by_stream").args(["-", "--section", section]).stdin(Stdio::from(stream)).succeed();
    }
    let stream = std::fs::File::open(archive).unwrap();
    let ran = restore("by_stream").args(["-", "--section", "post-data"]).stdin(Stdio::from(stream)).succeed();
    new.psql("by_stream", refresh).unwrap();
    let after = Oracle::of(&new, "by_stream").without_database();
    assert_same(&ran.told(), &whole, 18, &after, 18, &[]);
}

#[test]
fn what_an_application_has_made_takes_the_rows_and_nothing_fires() {
    takes_the_rows(15, 18);
    takes_the_rows(12, 14);
}

fn takes_the_rows(from: u32, to: u32) {
    let name = &format!("standing_app_{to}");
    let (old, new) = between(from, to, name);
    new.psql(
        name,
        "CREATE TABLE app.newer (a int); INSERT INTO app.newer VALUES (1); DROP INDEX app.orders_note;
        ALTER TABLE app.orders ADD COLUMN new_column int DEFAULT 7",
    )
    .unwrap();
    let schema = Oracle::schema_of(new, name);
    let ran = upgrade(old, new, name, &["--data-only"]).succeed();
    ran.tells(&[
        "what was added to the schema",
        "a copy is made of it",
        "materialized views app.sums",
        "are not filled",
    ]);
    let after = Oracle::schema_of(new, name);
    assert_eq!(schema.schema, after.schema, "{}", ran.told());
    let found = "SELECT count(*), sum(total), sum(double_total), sum(length(note)), sum(new_column) FROM app.orders;
        SELECT count(*), sum(best_order) FROM app.customer; SELECT count(*) FROM app.event_1; SELECT count(*) FROM app.event_2;
        SELECT count(*) FROM app.newer; SELECT convert_from(lo_get(4711), 'UTF8'); SELECT nextval('app.orders_id_seq');
        SELECT last_value FROM app.customer_id_seq; SELECT count(*) FROM app.place";
    let found = new.psql(name, found).unwrap();
    // 500 rows and a TRUNCATE were logged on the old side alone.
    assert_eq!(
        found.lines().collect::<Vec<_>>(),
        ["500|125250|250500|125250|3500", "50|3775", "30", "30", "1", "large", "501", "50", "9"]
    );
    let logged = "SELECT count(*) FROM app.log";
    assert_eq!(new.psql(name, logged).unwrap(), old.psql(name, logged).unwrap());
    let enabled =
        "SELECT tgname, tgenabled FROM pg_trigger WHERE tgname IN ('always', 'replica', 'logged') ORDER BY 1, 2";
    assert_eq!(
        new.psql(name, enabled).unwrap().lines().collect::<Vec<_>>(),
        ["always|A", "logged|O", "replica|R", "replica|R", "replica|R"]
    );
    assert_eq!(databases(new, name), [name.as_str()]);
}

#[test]
fn what_cannot_take_rows_is_refused_beforehand() {
    let name = "standing_refused";
    let (old, new) = on_both(name);
    Program::upgrade(&old.url(name), &new.url("standing_nowhere"))
        .args(["--data-only"])
        .run()
        .expect(4)
        .tells(&["no such database", "--schema-only"]);
    assert_eq!(databases(new, "standing_nowhere"), [""; 0]);
    new.psql(
        name,
        "INSERT INTO app.customer (name) VALUES ('already'); ALTER TABLE app.orders DROP COLUMN note CASCADE;
        DROP TABLE app.place; SELECT lo_create(4711)",
    )
    .unwrap();
    untouched(
        upgrade(old, new, name, &["-a"]),
        new,
        name,
        4,
        &["rows already: app.customer", "app.orders", "lacks columns that rows have: note", "table app.place", "4711"],
    );
    let rows = ["-a", "--exclude-table-data", "app.customer"];
    untouched(upgrade(old, new, name, &rows), new, name, 4, &["lacks"]);
    let after = ["--section", "post-data"];
    untouched(upgrade(old, new, name, &after), new, name, 4, &["already what is to be made", "and", "more"]);

    let mut visitor = new.client("psql").unwrap();
    visitor.args(["-X", "-q", "-A", "-t", "-d", name]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut visitor = visitor.spawn().unwrap();
    let mut input = visitor.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"SELECT 'here';\n").unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(visitor.stdout.take().unwrap()), &mut line).unwrap();
    let ran = upgrade(old, new, name, &["-a"]).run().expect(4);
    ran.tells(&["other sessions are connected to the database on the new server", "psql"]);
    drop(input);
    visitor.wait().unwrap();
}

#[test]
fn what_fails_leaves_the_database_as_it_was() {
    let name = "standing_fails";
    let (old, new) = on_both(name);
    new.psql(name, "ALTER TABLE app.orders ADD CHECK (total < 400)").unwrap();
    untouched(
        upgrade(old, new, name, &["-a"]),
        new,
        name,
        1,
        &["so is the database on the new one", "orders_total_check1", "23514"],
    );
}

#[test]
fn rows_that_nothing_has_refused_are_looked_at() {
    let name = "standing_proved";
    let (old, new) = on_both(name);
    let orders = ["-a", "-t", "app.orders"];
    untouched(
        upgrade(old, new, name, &orders),
        new,
        name,
        5,
        &["orders_customer_id_fkey", "refer to others that are not in app.customer"],
    );
    let events = ["-a", "-t", "app.event*"];
    untouched(upgrade(old, new, name, &events), new, name, 5, &["event_customer_id_fkey"]);
    old.psql(name, "ALTER TABLE app.place DROP CONSTRAINT place_id_key; INSERT INTO app.place VALUES (3, 'again')")
        .unwrap();
    untouched(upgrade(old, new, name, &["-a"]), new, name, 5, &["place_id_key", "not unique"]);
}

#[test]
fn a_role_that_cannot_silence_triggers_is_told() {
    let name = "standing_role";
    let (old, new) = on_both(name);
    new.psql("postgres", "CREATE ROLE standing_owner LOGIN CREATEDB").unwrap();
    let own = format!("ALTER DATABASE {name} OWNER TO standing_owner; ALTER SCHEMA app OWNER TO standing_owner");
    new.psql(name, &own).unwrap();
    let each = "SELECT format('ALTER TABLE app.%I OWNER TO standing_owner', relname) FROM pg_class
        WHERE relnamespace = 'app'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') \\gexec";
    new.psql(name, each).unwrap();
    let to = new.url(name).replace("postgres@", "standing_owner@");
    let as_owner = |options: &[&str]| Program::upgrade(&old.url(name), &to).args(options);
    untouched(as_owner(&["-a"]), new, name, 4, &["session_replication_role", "app.customer", "app.orders"]);
    as_owner(&["-a", "-t", "app.place"]).run().expect(4);
    as_owner(&["-a", "-t", "app.log"]).succeed();
    let count = "SELECT count(*) FROM app.log";
    assert_eq!(new.psql(name, count).unwrap(), old.psql(name, count).unwrap());
}

/// Begins a run whose rows wait in the copy until there is a role of this name, which the whole server has.
fn begin(old: &Server, new: &Server, name: &str, role: &str) -> Running {
    let waits = "CREATE FUNCTION app.waits() RETURNS bool LANGUAGE plpgsql AS $$
        BEGIN
            WHILE NOT EXISTS (SELECT FROM pg_catalog.pg_authid WHERE rolname = 'ROLE') LOOP
                PERFORM pg_catalog.pg_sleep(0.01);
            END LOOP;
            RETURN true;
        END $$;
        ALTER TABLE app.place ADD CHECK (app.waits())";
    new.psql(name, &waits.replace("ROLE", role)).unwrap();
    let mut running = upgrade(old, new, name, &["-a"]).spawn();
    let waiting =
        format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}__tandem' AND wait_event = 'PgSleep'");
    while running.is_running() && new.psql("postgres", &waiting).unwrap().trim() == "0" {
        std::thread::yield_now();
    }
    running
}

#[test]
fn what_others_have_changed_meanwhile_is_kept() {
    for (name, change, seen, expected) in [
        (
            "standing_rows_changed",
            "INSERT INTO app.log (what) VALUES ('somebody was here')",
            "SELECT what FROM app.log",
            "somebody was here",
        ),
        (
            "standing_column_changed",
            "ALTER TABLE app.log ALTER what SET STATISTICS 5",
            "SELECT attstattarget FROM pg_attribute WHERE attrelid = 'app.log'::regclass AND attname = 'what'",
            "5",
        ),
    ] {
        let (old, new) = on_both(name);
        let role = format!("{name}_go_on");
        let running = begin(old, new, name, &role);
        new.psql(name, change).unwrap();
        new.psql("postgres", &format!("CREATE ROLE {role}")).unwrap();
        running.wait().expect(4).tells(&["changed by somebody else"]);
        assert_eq!(new.psql(name, seen).unwrap().trim(), expected);
        assert_eq!(databases(new, name), [name]);
        new.psql("postgres", &format!("DROP ROLE {role}")).unwrap();
    }
}

#[test]
fn a_run_that_was_killed_has_touched_nothing() {
    let name = "standing_killed";
    let (old, new) = on_both(name);
    let running = begin(old, new, name, "standing_after_all");
    running.signal("KILL");
    running.wait();
    let rows = "SELECT count(*) FROM app.orders; SELECT count(*) FROM app.customer; SELECT count(*) FROM app.place";
    assert_eq!(new.psql(name, rows).unwrap().lines().collect::<Vec<_>>(), ["0", "0", "0"]);
    new.psql("postgres", "CREATE ROLE standing_after_all").unwrap();
    upgrade(old, new, name, &["-a"]).succeed();
    assert_eq!(new.psql(name, rows).unwrap(), old.psql(name, rows).unwrap());
    assert_eq!(databases(new, name), [name]);
    new.psql("postgres", "DROP ROLE standing_after_all").unwrap();
}
