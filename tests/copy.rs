//! COPY between real servers: what arrives, and what is said when something goes wrong.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use bytes::Bytes;
use pgtandem::error::{Error, ErrorKind, Result};
use pgtandem::event::Tally;
use pgtandem::sql;
use pgtandem::sql::{Sql, join};
use pgtandem::transfer::{self, Copied, Digest, DigestMode};
use pgtandem::wire::conninfo::ConnInfo;
use pgtandem::wire::session::{Session, Side};
use pgtandem::wire::snapshot::SnapshotHold;
use pgtandem_lab::Server;
use tokio_util::sync::CancellationToken;

/// Nothing here may take this long: what does, hangs.
const HANG: Duration = Duration::from_secs(300);

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANG, work).await.expect("it hangs")
}

/// An old and a new server, with a database of the same name and a session on each.
struct Pair {
    old_server: &'static Server,
    new_server: &'static Server,
    old: Session,
    new: Session,
}

impl Pair {
    /// A fresh database of this name on both.
    async fn new(database: &str) -> Self {
        let (old_server, new_server) = (pgtandem_lab::shared(15).unwrap(), pgtandem_lab::shared(18).unwrap());
        for server in [old_server, new_server] {
            server.create_database(database).unwrap();
        }
        let (old, new) = (session(old_server, database).await, session(new_server, database).await);
        Self { old_server, new_server, old, new }
    }

    /// Runs a statement on both.
    async fn both(&self, sql: &'static str) {
        for session in [&self.old, &self.new] {
            session.run(&Sql::constant(sql)).await.unwrap();
        }
    }
}

/// A session on this database.
async fn session(server: &Server, database: &str) -> Session {
    let side = if server.major() == 15 { Side::Old } else { Side::New };
    let info = ConnInfo::resolve(side, Some(&server.url(database)), &|_| None).unwrap();
    let session = Session::connect(&info, side, "test", tokio::sync::mpsc::channel(1).0).await.unwrap();
    session.run(&Sql::constant("SET search_path = public")).await.unwrap();
    session
}

const OUT: &str = "COPY t TO STDOUT";
const IN: &str = "COPY t FROM STDIN";
/// Rows without end. The numbers come one by one: a function in FROM would make them all first.
const ENDLESS: &str = "COPY (SELECT generate_series(1, 1000000000000), 'x') TO STDOUT";

async fn copy(pair: &Pair, out: &'static str, into: &'static str) -> Result<Copied> {
    let (out, into) = (Sql::constant(out), Sql::constant(into));
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let copied =
        in_time(transfer::copy_table(&pair.old, &pair.new, &out, &into, &tally, DigestMode::Rows, &cancel)).await?;
    assert_eq!(tally.bytes(), copied.bytes);
    Ok(copied)
}

async fn read_back(session: &Session, out: &'static str) -> Copied {
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    in_time(transfer::digest_table(session, &Sql::constant(out), &tally, &cancel)).await.unwrap()
}

async fn number(session: &Session, query: &'static str) -> i64 {
    in_time(session.row(&sql!("SELECT ({})::int8 AS n", query))).await.unwrap().get("n").unwrap()
}

/// Both sessions take statements as if nothing had been.
async fn assert_usable(pair: &Pair) {
    for session in [&pair.old, &pair.new] {
        assert_eq!(number(session, "SELECT 41::int8 + 1").await, 42);
    }
    pair.new.run(&Sql::constant("DROP TABLE IF EXISTS again; CREATE TABLE again (n int4)")).await.unwrap();
    let copied = copy(pair, "COPY (SELECT generate_series(1, 10)) TO STDOUT", "COPY again FROM STDIN").await.unwrap();
    assert_eq!(copied.rows, 10);
}

#[tokio::test]
async fn an_empty_table_and_one_without_columns() {
    let pair = Pair::new("copy_empty").await;
    pair.both("CREATE TABLE t (a int4); CREATE TABLE bare ()").await;
    pair.old.run(&Sql::constant("INSERT INTO bare SELECT FROM generate_series(1, 70000)")).await.unwrap();
    let copied = copy(&pair, OUT, IN).await.unwrap();
    assert_eq!(copied, Copied::default());
    let copied = copy(&pair, "COPY bare TO STDOUT", "COPY bare FROM STDIN").await.unwrap();
    assert_eq!((copied.rows, copied.bytes), (70_000, 70_000));
    assert_eq!(number(&pair.new, "SELECT count(*) FROM bare").await, 70_000);
    for form in ["COPY t TO STDOUT (FORMAT binary)", "COPY bare TO STDOUT (FORMAT binary)"] {
        let into = if form.contains("bare") {
            "COPY bare FROM STDIN (FORMAT binary)"
        } else {
            "COPY t FROM STDIN (FORMAT binary)"
        };
        let copied = copy(&pair, form, into).await.unwrap();
        assert_eq!(copied.rows, copied.digest.rows);
        assert_eq!(copied.rows, if form.contains("bare") { 70_000 } else { 0 });
    }
    assert_usable(&pair).await;
}

#[tokio::test]
async fn a_million_narrow_rows_in_both_forms() {
    let pair = Pair::new("copy_narrow").await;
    pair.both("CREATE TABLE t (a int4, b text, c timestamptz)").await;
    let fill = "INSERT INTO t SELECT n, nullif(md5(n::text), md5('7')), '2020-01-01'::timestamptz + n * interval '1s' \
                FROM generate_series(1, 1000000) AS n";
    pair.old.run(&Sql::constant(fill)).await.unwrap();
    let text = copy(&pair, OUT, "TRUNCATE t; COPY t FROM STDIN (FREEZE)").await.unwrap();
    assert_eq!((text.rows, text.digest.rows), (1_000_000, 1_000_000));
    // Another order on the new server changes nothing; another row does.
    let again = read_back(&pair.new, "COPY (SELECT * FROM t ORDER BY b) TO STDOUT").await;
    assert_eq!((again.digest, again.rows), (text.digest, text.rows));
    pair.new.run(&Sql::constant("UPDATE t SET b = b || 'x' WHERE a = 500000")).await.unwrap();
    assert_ne!(read_back(&pair.new, OUT).await.digest, text.digest);

    let form = "TRUNCATE t; COPY t FROM STDIN (FREEZE, FORMAT binary)";
    let binary = copy(&pair, "COPY t TO STDOUT (FORMAT binary)", form).await.unwrap();
    assert_eq!((binary.rows, binary.digest.rows), (1_000_000, 1_000_000));
    assert_eq!(read_back(&pair.new, "COPY t TO STDOUT (FORMAT binary)").await.digest, binary.digest);
    assert_eq!(read_back(&pair.new, OUT).await.digest, text.digest);
}

#[tokio::test]
async fn a_row_of_600_megabytes_on_the_wire() {
    let pair = Pair::new("copy_huge").await;
    pair.both("CREATE TABLE t (a int4, b bytea)").await;
    // 300 MB; text form doubles them.
    let fill = "INSERT INTO t VALUES (1, decode(repeat('c0ffee00', 75000000), 'hex')), (2, '\\x00')";
    pair.old.run(&Sql::constant(fill)).await.unwrap();
    let before = peak_memory();
    let copied = copy(&pair, OUT, IN).await.unwrap();
    assert_eq!(copied.rows, 2);
    assert!(copied.bytes > 600_000_000);
    let grown = peak_memory() - before;
    // Other tests may run in this process at the same time; the row as a whole is twice as much.
    assert!(grown < 300 << 20, "{} MiB more for one long row", grown >> 20);
    assert_eq!(read_back(&pair.new, OUT).await.digest, copied.digest);
}

/// The most memory that this process ever held, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Fills the old table with more rows than all buffers hold.
async fn many_rows(pair: &Pair) {
    pair.old
        .run(&Sql::constant("INSERT INTO t SELECT n, repeat('x', 100) FROM generate_series(1, 400000) AS n"))
        .await
        .unwrap();
}

fn assert_server_error(error: &Error, sqlstate: &str) {
    assert_eq!(error.sqlstate(), Some(sqlstate), "{error}");
    assert!(error.statement().is_some_and(|statement| statement.contains("COPY")), "{error}");
}

#[tokio::test]
async fn the_sink_refuses_a_row() {
    let pair = Pair::new("copy_check").await;
    pair.both("CREATE TABLE t (a int4, b text)").await;
    many_rows(&pair).await;
    pair.new.run(&Sql::constant("ALTER TABLE t ADD CHECK (a <> 1000)")).await.unwrap();
    let error = copy(&pair, OUT, IN).await.unwrap_err();
    assert_server_error(&error, "23514");
    let server = error.server().unwrap();
    assert!(server.context.as_deref().is_some_and(|context| context.contains("COPY t, line 1000")), "{server:?}");
    assert_eq!(number(&pair.new, "SELECT count(*) FROM t").await, 0);
    assert_usable(&pair).await;
    // The very last row: everything has been sent by then.
    pair.new
        .run(&Sql::constant("ALTER TABLE t DROP CONSTRAINT t_a_check; ALTER TABLE t ADD CHECK (a < 400000)"))
        .await
        .unwrap();
    assert_server_error(&copy(&pair, OUT, IN).await.unwrap_err(), "23514");
    assert_usable(&pair).await;
}

#[tokio::test]
async fn statements_that_fail_before_they_begin() {
    let pair = Pair::new("copy_wrong").await;
    pair.both("CREATE TABLE t (a int4, b text)").await;
    many_rows(&pair).await;
    assert_server_error(&copy(&pair, "COPY nothing TO STDOUT", IN).await.unwrap_err(), "42P01");
    assert_usable(&pair).await;
    assert_server_error(&copy(&pair, OUT, "COPY nothing FROM STDIN").await.unwrap_err(), "42P01");
    assert_usable(&pair).await;
    let error = copy(&pair, "SELECT 'COPY'", IN).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert_usable(&pair).await;
    let error = copy(&pair, OUT, "SELECT 'COPY'").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
    assert_usable(&pair).await;
    // An error of the source in the middle: division by zero at row 300,000.
    let error = copy(&pair, "COPY (SELECT a / (a - 300000), b FROM t) TO STDOUT", IN).await.unwrap_err();
    assert_server_error(&error, "22012");
    assert_eq!(number(&pair.new, "SELECT count(*) FROM t").await, 0);
    assert_usable(&pair).await;
}

#[tokio::test]
async fn rows_that_the_sink_leaves_out_are_missed() {
    let pair = Pair::new("copy_differs").await;
    pair.both("CREATE TABLE t (a int4, b text)").await;
    many_rows(&pair).await;
    let trigger = "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
                   CREATE TRIGGER skip BEFORE INSERT ON t FOR EACH ROW WHEN (new.a = 5) EXECUTE FUNCTION skip()";
    pair.new.run(&Sql::constant(trigger)).await.unwrap();
    let error = copy(&pair, OUT, IN).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Differs, "{error}");
    assert_usable(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_in_the_middle() {
    let pair = Pair::new("copy_cancel").await;
    pair.both("CREATE TABLE t (a int8, b text)").await;
    let (endless, into) = (Sql::constant(ENDLESS), Sql::constant(IN));
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let work = transfer::copy_table(&pair.old, &pair.new, &endless, &into, &tally, DigestMode::Rows, &cancel);
    let user = async {
        wait_until(|| tally.rows() > 100_000).await;
        cancel.cancel();
    };
    let (error, ()) = in_time(async { tokio::join!(work, user) }).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_usable(&pair).await;
    assert_eq!(number(&pair.new, "SELECT count(*) FROM t").await, 0);

    // The sink waits for a lock: nothing moves, and still the user can stop.
    let other = session(pair.new_server, "copy_cancel").await;
    other.run(&Sql::constant("BEGIN; LOCK TABLE t")).await.unwrap();
    let cancel = CancellationToken::new();
    let work = transfer::copy_table(&pair.old, &pair.new, &endless, &into, &tally, DigestMode::None, &cancel);
    let user = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while number(&other, waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (error, ()) = in_time(async { tokio::join!(work, user) }).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Cancelled);
    other.run(&Sql::constant("ROLLBACK")).await.unwrap();
    assert_usable(&pair).await;
}

async fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

/// Runs an endless COPY and kills the backend of one side in the middle.
async fn kill(database: &str, sink: bool) -> Error {
    let pair = Pair::new(database).await;
    pair.both("CREATE TABLE t (a int8, b text)").await;
    let killer = session(if sink { pair.new_server } else { pair.old_server }, database).await;
    let victim = if sink { &pair.new } else { &pair.old };
    let pid = victim.backend_pid();
    let (endless, into) = (Sql::constant(ENDLESS), Sql::constant(IN));
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let work = transfer::copy_table(&pair.old, &pair.new, &endless, &into, &tally, DigestMode::None, &cancel);
    let user = async {
        wait_until(|| tally.rows() > 100_000).await;
        killer.run(&sql!("SELECT pg_terminate_backend({})", pid)).await.unwrap();
    };
    let (error, ()) = in_time(async { tokio::join!(work, user) }).await;
    let healthy = if sink { &pair.old } else { &pair.new };
    assert_eq!(number(healthy, "SELECT 42::int8").await, 42);
    error.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sink_is_killed() {
    // Several times: whether the error or the broken connection is seen first is a race, which the error has to win.
    for round in 0..5 {
        let error = kill(&format!("copy_kill_sink_{round}"), true).await;
        assert_server_error(&error, "57P01");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_is_killed() {
    for round in 0..5 {
        let error = kill(&format!("copy_kill_source_{round}"), false).await;
        // A server that waits for us to take rows cannot say good-bye in the middle of one (ProcessClientWriteInterrupt in
        // postgres.c), so it is silent at times.
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error}");
        assert!(matches!(error.sqlstate(), None | Some("57P01")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_dropped() {
    let pair = Pair::new("copy_drop").await;
    pair.both("CREATE TABLE t (a int4, b text)").await;
    many_rows(&pair).await;
    for blocks in 0..3 {
        let mut out = pair.old.copy_out(&Sql::constant(OUT)).await.unwrap();
        for _ in 0..blocks {
            in_time(out.next()).await.unwrap().unwrap();
        }
        drop(out);
        let mut into = pair.new.copy_in(&Sql::constant(IN)).await.unwrap();
        for row in 0..blocks {
            in_time(into.send(Bytes::from(format!("{row}\tx\n")))).await.unwrap();
        }
        drop(into);
        // The next COPY gets its own rows, not those of the one that was dropped.
        assert_usable(&pair).await;
        assert_eq!(number(&pair.new, "SELECT count(*) FROM t").await, 0);
    }
    let into = pair.new.copy_in(&Sql::constant(IN)).await.unwrap();
    in_time(into.abort()).await;
    let mut out = pair.old.copy_out(&Sql::constant(OUT)).await.unwrap();
    in_time(out.next()).await.unwrap();
    in_time(out.stop()).await.unwrap();
    assert_usable(&pair).await;
}

#[tokio::test]
async fn sessions_share_a_snapshot() {
    let pair = Pair::new("copy_snapshot").await;
    pair.old.run(&Sql::constant("CREATE TABLE t (a int4); INSERT INTO t VALUES (1)")).await.unwrap();
    let hold = SnapshotHold::export(session(pair.old_server, "copy_snapshot").await).await.unwrap();
    pair.old.run(&Sql::constant("INSERT INTO t VALUES (2)")).await.unwrap();
    let lane = session(pair.old_server, "copy_snapshot").await;
    hold.import(&lane).await.unwrap();
    assert_eq!(number(&lane, "SELECT count(*) FROM t").await, 1);
    assert_eq!(number(hold.session(), "SELECT count(*) FROM t").await, 1);
    assert_eq!(lane.run(&Sql::constant("DELETE FROM t")).await.unwrap_err().sqlstate(), Some("25006"));
    drop(hold);
    let late = SnapshotHold::export(session(pair.old_server, "copy_snapshot").await).await.unwrap();
    assert_eq!(number(late.session(), "SELECT count(*) FROM t").await, 2);
}

/// Large objects on the old server, and empty ones under the same numbers on the new one.
async fn large_objects(pair: &Pair) -> Vec<u32> {
    let fill = "SELECT lo_from_bytea(0, CASE n % 3 WHEN 0 THEN '' ELSE convert_to(repeat(n::text, n % 500), 'UTF8') END) \
                FROM generate_series(1, 2500) AS n";
    pair.old.run(&Sql::constant(fill)).await.unwrap();
    for size in ["1048575", "1048576", "1048577", "2097152", "20000000"] {
        let make = sql!("SELECT lo_from_bytea(0, decode(repeat('c0ffee', {} / 3 + 1), 'hex'))", size);
        pair.old.run(&make).await.unwrap();
        let cut = sql!("SELECT lo_truncate(lo_open(max(oid), 131072), {}) FROM pg_largeobject_metadata", size);
        pair.old.run(&cut).await.unwrap();
    }
    // A hole of some megabytes.
    let hole = "SELECT lo_put(lo_create(0), 5000000, 'end')";
    pair.old.run(&Sql::constant(hole)).await.unwrap();
    let query = Sql::constant("SELECT oid FROM pg_largeobject_metadata ORDER BY oid");
    let oids: Vec<u32> = pair.old.rows(&query).await.unwrap().iter().map(|row| row.get("oid").unwrap()).collect();
    let create = sql!("SELECT lo_create(o) FROM unnest('{{{}}}'::oid[]) AS o", join(&oids, ","));
    pair.new.run(&create).await.unwrap();
    oids
}

/// What all large objects contain, as the server sees it.
async fn contents(session: &Session) -> String {
    let query =
        "SELECT md5(string_agg(oid || ':' || md5(lo_get(oid)), ',' ORDER BY oid)) AS all FROM pg_largeobject_metadata";
    in_time(session.row(&Sql::constant(query))).await.unwrap().get("all").unwrap()
}

#[tokio::test]
async fn large_objects_of_all_sizes() {
    let pair = Pair::new("copy_large").await;
    let oids = large_objects(&pair).await;
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let work = transfer::copy_large_objects(&pair.old, &pair.new, &oids, &tally, DigestMode::Rows, &cancel);
    let copied = in_time(work).await.unwrap();
    assert_eq!((copied.rows, copied.digest.rows), (oids.len() as u64, oids.len() as u64));
    assert_eq!((tally.rows(), tally.bytes()), (copied.rows, copied.bytes));
    assert_eq!(contents(&pair.old).await, contents(&pair.new).await);
    // In any order, and in parts.
    let mut sum = Digest::default();
    for part in oids.rchunks(1700) {
        let read = transfer::digest_large_objects(&pair.new, part, &tally, DigestMode::Rows, &cancel).await.unwrap();
        sum.merge(&read.digest);
    }
    assert_eq!(sum, copied.digest);
    pair.new.run(&sql!("SELECT lo_put({}, 19999999, 'x')", *oids.iter().rev().nth(1).unwrap())).await.unwrap();
    let read = transfer::digest_large_objects(&pair.new, &oids, &tally, DigestMode::Rows, &cancel).await.unwrap();
    assert_ne!(read.digest, copied.digest);
    let none =
        transfer::copy_large_objects(&pair.old, &pair.new, &[], &tally, DigestMode::Rows, &cancel).await.unwrap();
    assert_eq!(none, Copied::default());
}

#[tokio::test]
async fn large_objects_that_are_not_there() {
    let pair = Pair::new("copy_large_gone").await;
    let oids = large_objects(&pair).await;
    let (tally, cancel) = (Tally::default(), CancellationToken::new());
    let gone = *oids.last().unwrap();
    for session in [&pair.new, &pair.old] {
        session.run(&sql!("SELECT lo_unlink({})", gone)).await.unwrap();
        let work = transfer::copy_large_objects(&pair.old, &pair.new, &oids, &tally, DigestMode::Rows, &cancel);
        let error = in_time(work).await.unwrap_err();
        assert_eq!(error.sqlstate(), Some("42704"), "{error}");
        assert_eq!(number(&pair.new, "SELECT count(*) FROM pg_largeobject").await, 0);
        assert_usable(&pair).await;
    }
    let work = transfer::copy_large_objects(&pair.old, &pair.new, &oids, &tally, DigestMode::Rows, &cancel);
    cancel.cancel();
    assert_eq!(in_time(work).await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_usable(&pair).await;
}
