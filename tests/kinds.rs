//! What the cases of `testdata/catalog/` cannot show of single kinds: what is told, what is not, and what happens afterwards.

use pgtandem_lab::{Server, shared};

use crate::support::{Program, databases, prepare_server};

/// A database on the shared server of this major, with this in it.
fn database(major: u32, name: &str, sql: &str) -> &'static Server {
    let server = shared(major).unwrap();
    prepare_server(server);
    server.create_database(name).unwrap();
    server.psql(name, sql).unwrap();
    server
}

#[test]
fn extended_statistics_are_filled() {
    let schema = "CREATE TABLE t (a int, b int); INSERT INTO t SELECT i % 10, i % 5 FROM generate_series(1, 500) i;
        CREATE STATISTICS of_table ON a, b FROM t; CREATE STATISTICS of_expression ON (a + b) FROM t;
        CREATE TABLE parted (a int, b int) PARTITION BY LIST (a); CREATE TABLE part PARTITION OF parted DEFAULT;
        INSERT INTO parted SELECT a, b FROM t; CREATE STATISTICS of_parted ON a, b FROM parted;
        CREATE STATISTICS of_part ON a, b FROM part;
        CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t; CREATE STATISTICS of_view ON a, b FROM m;";
    let filled = "SELECT string_agg(DISTINCT s.stxname, ' ' ORDER BY s.stxname) FROM pg_statistic_ext s
        JOIN pg_statistic_ext_data d ON d.stxoid = s.oid
        WHERE d.stxdndistinct IS NOT NULL OR d.stxdexpr IS NOT NULL";
    // Where ANALYZE of a partitioned table includes its partitions, and where it need not.
    for new in [17, 18] {
        let (name, new) = (format!("kinds_statistics_{new}"), shared(new).unwrap());
        let old = database(15, &name, schema);
        Program::upgrade(&old.url(&name), &new.url(&name)).succeed();
        let filled = new.psql(&name, filled).unwrap();
        assert_eq!(filled.trim(), "of_expression of_part of_parted of_table of_view");
    }
}

#[test]
fn a_subscription_that_is_refused_tells_no_password() {
    // Servers since 14 do not know this parameter any more.
    let old = database(
        13,
        "kinds_secret",
        "CREATE SUBSCRIPTION good CONNECTION 'host=nowhere.invalid password=s3cret' PUBLICATION p WITH (connect = false);
         CREATE SUBSCRIPTION bad CONNECTION 'postgresql://me:s3cret@nowhere.invalid/x?authtype=y' PUBLICATION p
             WITH (connect = false)",
    );
    let new = shared(18).unwrap();
    let upgrade = || Program::upgrade(&old.url("kinds_secret"), &new.url("kinds_secret"));
    // What went well before does not keep the staging database from being removed.
    let ran = upgrade().args(["--jobs", "1"]).env("RUST_LOG", "trace").run().expect(1);
    ran.tells(&["SUBSCRIPTION bad", "authtype", "nothing was left on the new one"]);
    assert!(!ran.told().contains("s3cret"), "{}", ran.told());
    assert_eq!(databases(new, "kinds_secret"), [""; 0]);

    old.psql("kinds_secret", "ALTER SUBSCRIPTION bad CONNECTION 'host=other.invalid password=s3cret'").unwrap();
    let ran = upgrade().env("RUST_LOG", "trace").succeed();
    ran.tells(&["subscription good", "arrives disabled", "ENABLE"]);
    assert!(!ran.told().contains("s3cret"), "{}", ran.told());
    let enabled = "SELECT bool_or(subenabled) FROM pg_subscription";
    assert_eq!(new.psql("kinds_secret", enabled).unwrap().trim(), "f");
}

#[test]
fn subscriptions_that_may_not_be_read() {
    let old = database(
        15,
        "kinds_unreadable",
        "CREATE ROLE kinds_reader LOGIN; CREATE TABLE t (a int); GRANT SELECT ON t TO kinds_reader;
         CREATE SUBSCRIPTION hidden CONNECTION 'host=nowhere.invalid password=s3cret' PUBLICATION p WITH (connect = false);
         COMMENT ON SUBSCRIPTION hidden IS 'a comment'",
    );
    let new = shared(18).unwrap();
    let from = old.url("kinds_unreadable").replace("postgres@", "kinds_reader@");
    new.psql("postgres", "CREATE ROLE kinds_reader LOGIN").unwrap();
    let ran = Program::upgrade(&from, &new.url("kinds_unreadable")).succeed();
    ran.tells(&["subscription hidden", "left out", "superuser"]);
    let count = new.psql("kinds_unreadable", "SELECT count(*) FROM pg_class WHERE relname = 't'").unwrap();
    assert_eq!(count.trim(), "1");
}

#[test]
fn an_event_trigger_whose_owner_is_no_superuser_there() {
    let old = database(
        15,
        "kinds_owner",
        "CREATE ROLE kinds_super SUPERUSER; CREATE ROLE kinds_ordinary;
         CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); ALTER EVENT TRIGGER e OWNER TO kinds_super",
    );
    let new = shared(18).unwrap();
    new.psql("postgres", "CREATE ROLE kinds_super").unwrap();
    let upgrade = || Program::upgrade(&old.url("kinds_owner"), &new.url("kinds_owner"));
    upgrade().run().expect(4).tells(&["kinds_super", "EVENT TRIGGER e", "superuser", "nothing was written"]);
    new.psql("postgres", "ALTER ROLE kinds_super SUPERUSER").unwrap();
    upgrade().succeed();
    let owner = "SELECT evtowner::regrole FROM pg_event_trigger";
    assert_eq!(new.psql("kinds_owner", owner).unwrap().trim(), "kinds_super");
}

#[test]
fn a_locale_that_icu_does_not_know() {
    let schema =
        "CREATE COLLATION klingon (PROVIDER = icu, LOCALE = 'xx-bogus'); CREATE TABLE t (a text COLLATE klingon)";
    let (old, new) = (database(15, "kinds_icu", schema), shared(18).unwrap());
    let ran = Program::upgrade(&old.url("kinds_icu"), &new.url("kinds_icu")).succeed();
    ran.tells(&["collation public.klingon", "unknown language"]);
}
