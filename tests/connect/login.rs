//! Passwords, places, and what is said when nobody is let in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use pgtandem::error::ErrorKind;
use pgtandem::sql::Sql;
use pgtandem_lab::{Server, shared};

use super::{Folder, connect, connect_in, refused, resolve, shown};

/// A port of this machine on which nobody listens.
fn dead_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn scram_password() {
    let server = Server::builder(16)
        .password("g'h:im")
        .hba("local all all trust\nhost all all all scram-sha-256\n")
        .start()
        .unwrap();
    let port = server.port();
    connect(&server.url("postgres")).await.unwrap();

    let error = refused(&format!("postgres://postgres:wrong@127.0.0.1:{port}/postgres")).await;
    assert_eq!((error.kind(), error.sqlstate()), (ErrorKind::Connect, Some("28P01")));
    let text = shown(&error);
    assert!(
        text.contains("the old server")
            && text.contains(&format!("127.0.0.1:{port}, database postgres, user postgres")),
        "{text}"
    );
    assert!(text.contains("came from the connection string") && !text.contains("wrong"), "{text}");

    let plain = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let error = refused(&plain).await;
    assert!(shown(&error).contains("asks for a password") && shown(&error).contains("PGPASSWORD"), "{}", shown(&error));
    let error = connect_in(&plain, &[("PGPASSWORD", "x")]).await.unwrap_err();
    assert!(shown(&error).contains("came from PGPASSWORD"), "{}", shown(&error));
    connect_in(&plain, &[("PGPASSWORD", "g'h:im")]).await.unwrap();
    connect_in(&plain, &[("POSTGRES_PASSWORD", "g'h:im")]).await.unwrap();
}

#[tokio::test]
async fn md5_and_cleartext_passwords() {
    let server = Server::builder(13)
        .set("password_encryption", "md5")
        .hba("local all all trust\nhost postgres all all md5\nhost template1 all all password\n")
        .start()
        .unwrap();
    server.psql("postgres", "SET password_encryption = md5; ALTER ROLE postgres PASSWORD 'pw'").unwrap();
    for database in ["postgres", "template1"] {
        let url = format!("postgres://postgres:pw@127.0.0.1:{}/{database}", server.port());
        connect(&url).await.unwrap();
        assert_eq!(refused(&url.replace(":pw@", ":no@")).await.sqlstate(), Some("28P01"));
        // Neither can be bound to an encrypted connection.
        refused(&format!("{url}?channel_binding=require")).await;
    }
}

#[tokio::test]
async fn password_file_and_service_file() {
    let server = Server::builder(16).password("from file").start().unwrap();
    let folder = Folder::new().unwrap();
    let (passfile, services) = (folder.path("pgpass"), folder.path("services"));
    fs::write(&passfile, format!("127.0.0.1:{}:*:postgres:from file\n", server.port())).unwrap();
    fs::write(&services, format!("[lab]\nhost=127.0.0.1\nport={}\nuser=postgres\ndbname=template1\n", server.port()))
        .unwrap();
    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o600)).unwrap();

    let env = [("PGPASSFILE", passfile.as_str()), ("PGSERVICEFILE", services.as_str())];
    let session = connect_in("service=lab", &env).await.unwrap();
    let name: String = session
        .row(&Sql::constant("SELECT pg_catalog.current_database()::text AS name"))
        .await
        .unwrap()
        .get("name")
        .unwrap();
    assert_eq!(name, "template1");

    fs::set_permissions(&passfile, fs::Permissions::from_mode(0o644)).unwrap();
    let error = connect_in("service=lab", &env).await.unwrap_err();
    assert!(shown(&error).contains("chmod 0600") && shown(&error).contains(&passfile), "{}", shown(&error));
}

#[tokio::test]
async fn unix_socket() {
    let server = shared(17).unwrap();
    let (folder, port) = (server.socket_dir().display(), server.port());
    let session = connect(&format!("postgres:///postgres?host={folder}&port={port}&user=postgres&sslmode=require"))
        .await
        .unwrap();
    assert!(!session.is_encrypted());
    let error = refused(&format!("host={folder} port={} user=postgres", dead_port())).await;
    assert!(shown(&error).contains("no such socket"), "{}", shown(&error));
    let plain = Folder::new().unwrap();
    fs::write(plain.path(".s.PGSQL.5432"), "no socket").unwrap();
    refused(&format!("host={} user=postgres", plain.path(""))).await;
}

#[tokio::test]
async fn the_first_host_that_answers() {
    let server = shared(17).unwrap();
    let (dead, port) = (dead_port(), server.port());
    connect(&format!("postgres://postgres@127.0.0.1:{dead},no.such.host.invalid:5432,127.0.0.1:{port}/postgres"))
        .await
        .unwrap();
    connect(&format!("postgres://postgres@localhost:{port}/postgres")).await.unwrap();
    let error = refused(&format!("postgres://postgres@127.0.0.1:{dead},/nowhere:1/postgres")).await;
    let text = shown(&error);
    assert!(text.contains(&format!("127.0.0.1:{dead}")) && text.contains("Nothing listens"), "{text}");
    // A refused login is final: the next host would refuse it too, or is another cluster.
    let error = refused(&format!("postgres://nobody@127.0.0.1:{port},127.0.0.1:{dead}/postgres")).await;
    assert!(error.server().is_some(), "{error}");
}

#[tokio::test]
async fn a_host_that_does_not_answer() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, good) = (deaf.local_addr().unwrap().port(), shared(17).unwrap().port());
    let begun = Instant::now();
    let error = refused(&format!("postgres://u@127.0.0.1:{port}/x?connect_timeout=1")).await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(
        shown(&error).contains("no answer within 1 s") && shown(&error).contains("connect_timeout"),
        "{}",
        shown(&error)
    );
    connect(&format!("postgres://postgres@127.0.0.1:{port},127.0.0.1:{good}/postgres?connect_timeout=1"))
        .await
        .unwrap();
}

#[tokio::test]
async fn something_else_listens() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    for mode in ["disable", "prefer", "require"] {
        let error = refused(&format!("postgres://u@127.0.0.1:{port}/x?sslmode={mode}&connect_timeout=5")).await;
        assert_eq!(error.kind(), ErrorKind::Connect, "{error}");
    }
}

#[tokio::test]
async fn what_the_server_says_comes_with_advice() {
    let server = shared(17).unwrap();
    let at = |user: &str, database: &str| format!("postgres://{user}@127.0.0.1:{}/{database}", server.port());
    let error = refused(&at("postgres", "no_such_database")).await;
    assert_eq!((error.kind(), error.sqlstate()), (ErrorKind::Connect, Some("3D000")));
    assert!(shown(&error).contains("no database no_such_database"), "{}", shown(&error));
    let error = refused(&at("no_such_role", "postgres")).await;
    assert!(shown(&error).contains("no_such_role"), "{}", shown(&error));
    server.psql("postgres", "CREATE ROLE full_role LOGIN CONNECTION LIMIT 1").unwrap();
    let first = connect(&at("full_role", "postgres")).await.unwrap();
    let error = refused(&at("full_role", "postgres")).await;
    assert_eq!(error.sqlstate(), Some("53300"));
    first.close().await;
    // `close` waits until the server's process has gone, so there is room at once.
    connect(&at("full_role", "postgres")).await.unwrap();
}

#[tokio::test]
async fn wanted_kind_of_server() {
    let server = Server::builder(16).set("default_transaction_read_only", "on").start().unwrap();
    let (read_only, writable) = (server.port(), shared(17).unwrap().port());
    let version = async |text: String| Ok::<_, pgtandem::error::Error>(connect(&text).await?.version().major());
    let both = |kind: &str| {
        format!("postgres://postgres@127.0.0.1:{read_only},127.0.0.1:{writable}/postgres?target_session_attrs={kind}")
    };
    for (kind, major) in [("any", 16), ("read-write", 17), ("read-only", 16), ("primary", 16), ("prefer-standby", 16)] {
        assert_eq!(version(both(kind)).await.unwrap(), major, "{kind}");
    }
    let error = refused(&both("standby")).await;
    assert!(shown(&error).contains("target_session_attrs"), "{}", shown(&error));
}

#[tokio::test]
async fn a_server_that_starts_up_is_passed_over() {
    // A server in recovery that is not yet consistent says 57P03; here somebody says it for it.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, good) = (listener.local_addr().unwrap().port(), shared(17).unwrap().port());
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = stream.write_all(&[b"E", &length[..], fields].concat()).await;
        }
    });
    let error = refused(&format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode=disable")).await;
    assert!(shown(&error).contains("starting up"), "{}", shown(&error));
    connect(&format!("postgres://postgres@127.0.0.1:{port},127.0.0.1:{good}/postgres?sslmode=disable")).await.unwrap();
}

#[test]
fn redacted_uri_has_no_password() {
    let info = resolve("postgres://u:geheim@h/d", &[("PGPASSWORD", "geheim")]).unwrap();
    assert!(!format!("{info:?}{}", info.redacted()).contains("geheim"));
}
