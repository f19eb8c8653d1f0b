//! The lab tested with itself.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pgtandem_lab::{Client, Error, MAJORS, Server, StopMode, regression, regression_available, shared};

/// The oldest server the stock client dumps.
const OLDEST_DUMPED: u32 = 12;

#[test]
fn every_major_serves_psql_and_pg_dump() {
    for major in MAJORS {
        let server = Server::start(major).unwrap();
        let version = server.psql("postgres", "SHOW server_version").unwrap();
        assert!(version.starts_with(&major.to_string()), "{version}");
        server.create_database("a \"b\"").unwrap();
        let sql = "CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE TABLE t AS SELECT 'ä'::text AS c;";
        server.psql("a \"b\"", sql).unwrap();
        assert_eq!(server.psql("a \"b\"", "SELECT c FROM t").unwrap(), "ä\n");
        if major >= OLDEST_DUMPED {
            let schema = server.pg_dump("a \"b\"", &["-s"]).unwrap();
            assert!(schema.contains("CREATE TABLE public.t"), "{schema}");
        }
    }
}

#[test]
fn clients_of_one_major_are_of_that_major() {
    for major in [15, 17, 18] {
        let version = Client::of(major).unwrap().command("pg_restore").arg("--version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        assert!(version.contains(&format!(" {major}.")), "{version}");
    }
    let error = Client::of(16).map(|client| client.bin().to_owned());
    // It is there where somebody has installed it, and nowhere else.
    assert!(
        error.as_ref().is_ok() || error.as_ref().is_err_and(|e| e.to_string().contains("CLIENT_DIR_16")),
        "{error:?}"
    );
    assert!(Client::of(9).is_err());
}

#[test]
fn shared_server_is_one() {
    let ports = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| shared(16).unwrap().port())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    // The threads that started it are gone, the server is not.
    assert_eq!(shared(16).unwrap().psql("postgres", "SELECT 1").unwrap(), "1\n");
    assert!(shared(9).is_err());
}

#[test]
fn failing_statement_is_an_error_with_its_message() {
    let error = shared(16).unwrap().psql("postgres", "SELECT 1/0; SELECT 2").unwrap_err();
    assert!(matches!(error, Error::Command { .. }));
    assert!(error.stderr().contains("division by zero"), "{error}");
}

#[test]
fn server_that_cannot_start_says_why() {
    let error = Server::builder(15).set("no_such_setting", "1").start().unwrap_err();
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}

#[test]
fn stopped_and_crashed_servers_start_again() {
    let mut server = Server::start(17).unwrap();
    let port = server.port();
    server.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 1000)").unwrap();
    for round in 0..3 {
        match round {
            0 => server.stop(StopMode::Fast).unwrap(),
            1 => server.stop(StopMode::Immediate).unwrap(),
            _ => server.kill().unwrap(),
        }
        assert!(server.psql("postgres", "SELECT 1").is_err());
        server.stop(StopMode::Fast).unwrap();
        server.start_again().unwrap();
        server.start_again().unwrap();
        assert_eq!(server.psql("postgres", "SELECT count(*) FROM t").unwrap(), "1000\n");
    }
    assert_eq!(server.port(), port);
}

#[test]
fn password_is_needed_over_tcp() {
    let server = Server::builder(14).password("p'w:d").start().unwrap();
    let over_tcp = |password: &str| {
        let mut psql = server.client("psql").unwrap();
        psql.env("PGHOST", server.host()).env("PGPASSWORD", password).args(["-XAtc", "SELECT 1", "-d", "postgres"]);
        psql.output().unwrap().status.success()
    };
    assert!(over_tcp("p'w:d"));
    assert!(!over_tcp("wrong"));
    assert!(server.url("x y").starts_with("postgres://postgres:p%27w%3Ad@127.0.0.1:"), "{}", server.url("x y"));
    assert!(server.url("x y").ends_with("/x%20y"));
}

#[test]
fn initdb_arguments_and_settings_are_taken() {
    let builder = Server::builder(13).initdb("--encoding=LATIN1").initdb("--locale=C").set("work_mem", "7MB");
    let server = builder.start().unwrap();
    assert_eq!(server.psql("postgres", "SHOW server_encoding; SHOW work_mem").unwrap(), "LATIN1\n7MB\n");
}

#[test]
fn regression_databases_are_whole() {
    for major in [15, 18] {
        if !regression_available(major) {
            eprintln!("skipped: no regression databases of {major}");
            continue;
        }
        let server = regression(major).unwrap();
        let sql = "SELECT count(*) FROM pg_class WHERE relnamespace >= 16384 OR relnamespace = 'public'::regnamespace";
        let count: u32 = server.psql("regression", sql).unwrap().trim().parse().unwrap();
        assert!(count > 900, "{major}: {count}");
    }
}

#[test]
fn dropped_server_leaves_nothing() {
    let server = Server::start(18).unwrap();
    let (home, pid) = (server.data_dir().parent().unwrap().to_owned(), server.pid());
    assert!(home.exists() && is_alive(pid));
    drop(server);
    assert!(!home.exists() && !is_alive(pid));
}

#[test]
fn killed_process_leaves_nothing() {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_pgtandem-lab"));
    let mut lab = lab.args(["run", "12"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(lab.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.next();
    let line = lines.next().unwrap();
    let socket = line.strip_prefix("socket ").unwrap().split_once(',').unwrap().0;
    let home = Path::new(socket).parent().unwrap();
    let note = fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
    let pid = note.lines().next().unwrap().parse().unwrap();
    assert!(is_alive(pid));
    // SIGKILL: nothing of that process runs any more.
    lab.kill().unwrap();
    lab.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while (is_alive(pid) || home.exists()) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_alive(pid) && !home.exists());
}

fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
