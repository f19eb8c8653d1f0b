//! What a session is like, once it is there.

use std::time::Duration;

use pgtandem::error::ErrorKind;
use pgtandem::sql::Sql;
use pgtandem::wire::session::{Session, Side};
use pgtandem_lab::{MAJORS, Server, shared};
use tokio::sync::mpsc;

use super::{connect, resolve, silent};

/// What somebody may have set for a database or a role.
const HOSTILE: &str = "
    ALTER DATABASE hostile SET search_path = evil, pg_catalog;
    ALTER DATABASE hostile SET default_transaction_read_only = on;
    ALTER DATABASE hostile SET DateStyle = 'German';
    ALTER DATABASE hostile SET IntervalStyle = 'sql_standard';
    ALTER DATABASE hostile SET standard_conforming_strings = off;
    ALTER DATABASE hostile SET extra_float_digits = -15;
    ALTER DATABASE hostile SET bytea_output = 'escape';
    ALTER DATABASE hostile SET TimeZone = 'Asia/Tokyo';
    ALTER DATABASE hostile SET client_encoding = 'LATIN1';
    ALTER DATABASE hostile SET row_security = on;
    ALTER ROLE postgres IN DATABASE hostile SET statement_timeout = '1h';
    ALTER ROLE postgres IN DATABASE hostile SET lock_timeout = '1h';
    ALTER ROLE postgres IN DATABASE hostile SET array_nulls = off;
    ALTER ROLE postgres IN DATABASE hostile SET transform_null_equals = on;
    ALTER ROLE postgres IN DATABASE hostile SET default_transaction_isolation = 'serializable';";

/// What a session then has all the same, with the major since which there is such a setting.
const EXPECTED: [(u32, &str, &str); 27] = [
    (10, "search_path", ""),
    (10, "client_encoding", "UTF8"),
    (10, "statement_timeout", "0"),
    (10, "lock_timeout", "0"),
    (10, "idle_in_transaction_session_timeout", "0"),
    (14, "idle_session_timeout", "0"),
    (17, "transaction_timeout", "0"),
    (10, "standard_conforming_strings", "on"),
    (10, "escape_string_warning", "off"),
    (10, "transform_null_equals", "off"),
    (10, "array_nulls", "on"),
    (10, "xmloption", "content"),
    (10, "DateStyle", "ISO, MDY"),
    (10, "IntervalStyle", "postgres"),
    (10, "TimeZone", "UTC"),
    (10, "extra_float_digits", "3"),
    (10, "bytea_output", "hex"),
    (10, "lc_monetary", "C"),
    (10, "row_security", "off"),
    (10, "synchronize_seqscans", "off"),
    (10, "default_transaction_read_only", "off"),
    (10, "default_transaction_isolation", "read committed"),
    (10, "default_transaction_deferrable", "off"),
    (10, "client_min_messages", "warning"),
    (10, "default_tablespace", ""),
    (10, "check_function_bodies", "off"),
    (11, "jit", "off"),
];

/// What only one side has.
const EXPECTED_ON: [(Side, u32, &str, &str); 7] = [
    (Side::Old, 10, "quote_all_identifiers", "on"),
    (Side::New, 10, "quote_all_identifiers", "off"),
    (Side::Old, 12, "restrict_nonsystem_relation_kind", "view,foreign-table"),
    (Side::New, 10, "synchronous_commit", "off"),
    (Side::New, 12, "default_table_access_method", "heap"),
    (Side::New, 16, "createrole_self_grant", ""),
    (Side::Old, 10, "synchronous_commit", "on"),
];

async fn setting(session: &Session, name: &str) -> String {
    let sql = pgtandem::sql!("SELECT pg_catalog.current_setting({}) AS value", pgtandem::sql::Literal(name));
    session.row(&sql).await.unwrap().get("value").unwrap()
}

#[tokio::test]
async fn settings_hold_on_every_major_whatever_was_set_before() {
    for major in MAJORS {
        let server = Server::builder(major).set("synchronous_commit", "on").start().unwrap();
        server.create_database("hostile").unwrap();
        server.psql("hostile", "CREATE SCHEMA evil").unwrap();
        server.psql("postgres", HOSTILE).unwrap();
        // An ordinary role may set all of it, too.
        server.psql("postgres", "CREATE ROLE plain LOGIN").unwrap();
        for side in [Side::Old, Side::New] {
            let info = resolve(&server.url("hostile").replace("postgres@", "plain@"), &[]).unwrap();
            Session::connect(&info, side, "plain", silent()).await.unwrap();
        }
        for side in [Side::Old, Side::New] {
            let info = resolve(&server.url("hostile"), &[]).unwrap();
            let session = Session::connect(&info, side, "lane", silent()).await.unwrap();
            assert_eq!(session.version().major(), major);
            let common = EXPECTED.iter().map(|(since, name, value)| (*since, *name, *value));
            let own = EXPECTED_ON
                .iter()
                .filter(|(of, ..)| *of == side)
                .map(|(_, since, name, value)| (*since, *name, *value));
            for (_, name, value) in common.chain(own).filter(|(since, ..)| *since <= major) {
                assert_eq!(setting(&session, name).await, value, "{name} on the {side}, {major}");
            }
            assert_eq!(setting(&session, "application_name").await, "pgtandem: lane");
        }
    }
}

#[tokio::test]
async fn names_are_not_hijacked_while_settings_are_made() {
    let server = shared(16).unwrap();
    server.create_database("hijack").unwrap();
    let trap = "CREATE SCHEMA evil;
        CREATE FUNCTION evil.fall(text, text) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'caught'; END $$;
        CREATE OPERATOR evil.= (FUNCTION = evil.fall, LEFTARG = text, RIGHTARG = text);
        ALTER DATABASE hijack SET search_path = evil, pg_catalog;";
    server.psql("hijack", trap).unwrap();
    connect(&server.url("hijack")).await.unwrap();
}

#[tokio::test]
async fn rows_and_values() {
    let session = connect(&shared(17).unwrap().url("postgres")).await.unwrap();
    let rows = session
        .rows(&Sql::constant(
            "SELECT g AS n, 'x' || g AS t, NULL::int AS nothing FROM pg_catalog.generate_series(1, 3) g",
        ))
        .await
        .unwrap();
    let numbers: Vec<i32> = rows.iter().map(|row| row.get("n").unwrap()).collect();
    assert_eq!((numbers, rows[2].get::<&str>("t").unwrap(), rows[0].len()), (vec![1, 2, 3], "x3", 3));
    assert_eq!(rows[0].get::<Option<i32>>("nothing").unwrap(), None);
    for (column, error) in [
        ("nothing", rows[0].get::<i32>("nothing").unwrap_err()),
        ("t", rows[0].get::<i32>("t").map(drop).unwrap_err()),
        ("no", rows[0].get::<i32>("no").unwrap_err()),
    ] {
        assert_eq!((error.kind(), error.subject()), (ErrorKind::Malformed, Some(column)), "{error}");
    }
    let none = Sql::constant("SELECT 1 AS n WHERE false");
    assert!(session.maybe_row(&none).await.unwrap().is_none());
    assert_eq!(session.row(&none).await.unwrap_err().kind(), ErrorKind::Malformed);
    let two = Sql::constant("SELECT 1 AS n UNION ALL SELECT 2");
    assert_eq!(session.maybe_row(&two).await.unwrap_err().kind(), ErrorKind::Malformed);
    let mut sum = 0;
    session
        .each_row(&Sql::constant("SELECT pg_catalog.generate_series(1, 1000) AS n"), |row| {
            sum += row.get::<i32>("n")?;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(sum, 500_500);
}

#[tokio::test]
async fn errors_name_the_statement_and_what_the_server_said() {
    let session = connect(&shared(17).unwrap().url("postgres")).await.unwrap();
    let sql = Sql::constant(
        "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0042', DETAIL = 'why', HINT = 'Do not.'; END $$",
    );
    let error = session.run(&sql).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.sqlstate(), error.statement()),
        (ErrorKind::Server, Some("P0042"), Some(sql.as_str()))
    );
    let said = error.server().unwrap();
    assert_eq!(
        (said.message.as_str(), said.detail.as_deref(), said.hint.as_deref()),
        ("no", Some("why"), Some("Do not."))
    );
    assert!(said.context.as_deref().unwrap().contains("PL/pgSQL"));
    let error = session.rows(&Sql::constant("ALTER ROLE nobody PASSWORD 'geheim'")).await.unwrap_err();
    assert!(error.sqlstate() == Some("42704") && !format!("{error:?}").contains("geheim"), "{error}");
    session.run(&Sql::constant("SELECT 1")).await.unwrap();
}

#[tokio::test]
async fn several_queries_in_one_round_trip() {
    let session = connect(&shared(17).unwrap().url("postgres")).await.unwrap();
    let ask = |n: i64| pgtandem::sql!("SELECT {}::int8 AS n, pg_catalog.pg_backend_pid() AS pid", n);
    let questions: Vec<Sql> = (0..200).map(ask).collect();
    let answers = futures::future::try_join_all(questions.iter().map(|sql| session.row(sql))).await.unwrap();
    for (n, row) in answers.iter().enumerate() {
        assert_eq!(row.get::<i64>("n").unwrap(), n as i64);
        assert_eq!(row.get::<i32>("pid").unwrap(), session.backend_pid());
    }
}

#[tokio::test]
async fn cancel_from_outside() {
    let session = connect(&shared(17).unwrap().url("postgres")).await.unwrap();
    let watcher = connect(&shared(17).unwrap().url("postgres")).await.unwrap();
    let (canceller, pid) = (session.canceller(), session.backend_pid());
    let busy = tokio::spawn(async move {
        let error = session.run(&Sql::constant("SELECT pg_catalog.pg_sleep(600)")).await.unwrap_err();
        (session, error)
    });
    let sleeping =
        pgtandem::sql!("SELECT wait_event = 'PgSleep' AS yes FROM pg_catalog.pg_stat_activity WHERE pid = {}", pid);
    while !watcher.row(&sleeping).await.unwrap().get::<Option<bool>>("yes").unwrap().unwrap_or(false) {}
    canceller.cancel().await.unwrap();
    let (session, error) = tokio::time::timeout(Duration::from_secs(60), busy).await.unwrap().unwrap();
    assert_eq!((error.kind(), error.sqlstate()), (ErrorKind::Server, Some("57014")), "{error}");
    // Nothing is under way: nothing happens.
    session.cancel().await.unwrap();
    session.run(&Sql::constant("SELECT 1")).await.unwrap();
}

#[tokio::test]
async fn warnings_are_heard_and_notices_are_not() {
    let (sink, mut heard) = mpsc::channel(2);
    let info = resolve(&shared(17).unwrap().url("postgres"), &[]).unwrap();
    let session = Session::connect(&info, Side::New, "test", sink).await.unwrap();
    let say = "SET client_min_messages = notice; DO $$ BEGIN RAISE NOTICE 'n'; RAISE INFO 'i';
               RAISE WARNING 'one' USING DETAIL = 'd'; RAISE WARNING 'two'; RAISE WARNING 'too many'; END $$";
    session.run(&Sql::constant(say)).await.unwrap();
    drop(session);
    let mut texts = Vec::new();
    while let Some(notice) = heard.recv().await {
        assert_eq!((notice.side, notice.severity.as_str()), (Side::New, "WARNING"));
        texts.push(notice.text);
    }
    assert_eq!(texts, ["one (d)", "two"]);
}

#[tokio::test]
async fn lost_connections_are_told_from_errors() {
    let mut server = Server::start(16).unwrap();
    let session = connect(&server.url("postgres")).await.unwrap();
    let killer = connect(&server.url("postgres")).await.unwrap();
    let kill = |pid| pgtandem::sql!("SELECT pg_catalog.pg_terminate_backend({}) AS done", pid);

    // While it works.
    let busy = async {
        let error = session.run(&Sql::constant("SELECT pg_catalog.pg_sleep(600)")).await.unwrap_err();
        assert_eq!((error.kind(), error.sqlstate()), (ErrorKind::ConnectionLost, Some("57P01")), "{error}");
    };
    let shoot = async { killer.row(&kill(session.backend_pid())).await.unwrap() };
    futures::future::join(busy, shoot).await;

    // While it rests: the next statement knows why.
    let session = connect(&server.url("postgres")).await.unwrap();
    killer.row(&kill(session.backend_pid())).await.unwrap();
    while !session.is_closed() {
        tokio::task::yield_now().await;
    }
    let error = session.run(&Sql::constant("SELECT 1")).await.unwrap_err();
    assert_eq!((error.kind(), error.sqlstate()), (ErrorKind::ConnectionLost, Some("57P01")), "{error}");
    assert!(error.hint().unwrap().contains("old server"), "{error}");

    // Without a word.
    server.kill().unwrap();
    let error = killer.run(&Sql::constant("SELECT 1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
}

#[tokio::test]
async fn closing_waits_for_the_servers_process() {
    let server = shared(17).unwrap();
    let control = connect(&server.url("postgres")).await.unwrap();
    for _ in 0..20 {
        control.run(&Sql::constant("CREATE DATABASE closing")).await.unwrap();
        connect(&server.url("closing")).await.unwrap().close().await;
        // Refused as long as anybody is connected, after a wait of five seconds.
        let count = "SELECT count(*) AS n FROM pg_catalog.pg_stat_activity WHERE datname = 'closing'";
        assert_eq!(control.row(&Sql::constant(count)).await.unwrap().get::<i64>("n").unwrap(), 0);
        control.run(&Sql::constant("DROP DATABASE closing")).await.unwrap();
    }
}
