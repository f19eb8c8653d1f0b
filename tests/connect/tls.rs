//! Encrypted connections, and whom they trust.

use std::sync::OnceLock;

use pgtandem::error::ErrorKind;
use pgtandem::sql::Sql;
use pgtandem_lab::Server;

use super::certificate::{ED25519, P256, P384, RSA, Workshop};
use super::{Folder, connect, connect_in, refused, shown};

/// Extensions for a certificate of `db.test`.
const NAMED: &str = "subjectAltName=DNS:db.test,IP:127.0.0.1\n";

/// Who may come, and how.
const HBA: &str = "\
    local all all trust
    hostssl postgres postgres all scram-sha-256
    hostssl template1 certified all cert
    hostnossl plain all all trust
    hostssl encrypted all all trust
";

/// A server with these certificates, and what connects to it by the name of its certificate.
struct Encrypted {
    server: Server,
    workshop: Workshop,
}

impl Encrypted {
    fn start(major: u32, workshop: Workshop, certificate: &str) -> Self {
        let server = Server::builder(major)
            .password("pw")
            .hba(HBA)
            .file("server.crt", workshop.text(&format!("{certificate}.crt")))
            .file("server.key", workshop.text(&format!("{certificate}.key")))
            .file("ca.crt", workshop.text("ca.crt"))
            .set("ssl", "on")
            .set("ssl_ca_file", "ca.crt")
            .start()
            .unwrap();
        for name in ["plain", "encrypted"] {
            server.create_database(name).unwrap();
        }
        server.psql("postgres", "CREATE ROLE certified LOGIN").unwrap();
        Self { server, workshop }
    }

    /// One whose certificate is signed by `ca` for `db.test`, for all tests that need no other.
    fn shared() -> &'static Self {
        static SHARED: OnceLock<Encrypted> = OnceLock::new();
        SHARED.get_or_init(|| {
            let workshop = Workshop::new();
            workshop.signed("server", P256, "ignored", NAMED, "");
            workshop.signed("certified", P256, "certified", "", "");
            Self::start(17, workshop, "server")
        })
    }

    fn to(&self, host: &str, more: &str) -> String {
        format!(
            "host={host} hostaddr=127.0.0.1 port={} user=postgres password=pw dbname=postgres {more}",
            self.server.port()
        )
    }

    /// With one of the workshop's certificates as root.
    fn trusting(&self, host: &str, mode: &str, root: &str) -> String {
        self.to(host, &format!("sslmode={mode} sslrootcert={}", self.workshop.path(root)))
    }
}

#[tokio::test]
async fn verify_full_looks_at_the_name() {
    let on = Encrypted::shared();
    for host in ["db.test", "DB.test", "127.0.0.1"] {
        let session = connect(&on.trusting(host, "verify-full", "ca.crt")).await.unwrap();
        assert!(session.is_encrypted());
        let seen = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
        assert!(session.row(&Sql::constant(seen)).await.unwrap().get::<bool>("ssl").unwrap());
    }
    let error = refused(&on.trusting("other.test", "verify-full", "ca.crt")).await;
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(
        shown(&error).contains("other.test")
            && shown(&error).contains("db.test")
            && shown(&error).contains("verify-ca"),
        "{}",
        shown(&error)
    );
}

#[tokio::test]
async fn verify_ca_looks_at_the_signature_only() {
    let on = Encrypted::shared();
    connect(&on.trusting("other.test", "verify-ca", "ca.crt")).await.unwrap();
    for mode in ["verify-ca", "verify-full", "require"] {
        let error = refused(&on.trusting("db.test", mode, "other.crt")).await;
        assert!(shown(&error).contains("sslrootcert"), "{}", shown(&error));
    }
    let error = refused(&on.trusting("db.test", "verify-ca", "missing.crt")).await;
    assert!(shown(&error).contains("missing.crt"), "{}", shown(&error));
    let error = refused(&on.trusting("db.test", "verify-ca", "server.key")).await;
    assert!(shown(&error).contains("no certificate"), "{}", shown(&error));
    let error = refused(&on.to("db.test", "sslmode=verify-full")).await;
    assert!(shown(&error).contains("sslrootcert=system"), "{}", shown(&error));
    // The authorities of the operating system know nothing of ours.
    refused(&on.to("db.test", "sslrootcert=system")).await;
}

#[tokio::test]
async fn require_trusts_anyone_unless_there_is_a_root() {
    let on = Encrypted::shared();
    assert!(connect(&on.to("other.test", "sslmode=require")).await.unwrap().is_encrypted());
    connect(&on.trusting("other.test", "require", "ca.crt")).await.unwrap();
    // In the home folder, too.
    let home = Folder::new().unwrap();
    std::fs::create_dir(home.path(".postgresql")).unwrap();
    let root = home.path(".postgresql/root.crt");
    std::fs::copy(on.workshop.path("other.crt"), &root).unwrap();
    let env = [("HOME", home.0.to_str().unwrap())];
    assert!(connect_in(&on.to("db.test", "sslmode=require"), &env).await.is_err());
    std::fs::copy(on.workshop.path("ca.crt"), &root).unwrap();
    connect_in(&on.to("db.test", "sslmode=require"), &env).await.unwrap();
}

#[tokio::test]
async fn modes_that_fall_back() {
    let on = Encrypted::shared();
    let to = |database: &str, mode: &str| on.to("db.test", &format!("dbname={database} sslmode={mode}"));
    for (database, mode, encrypted) in [
        ("encrypted", "prefer", true),
        ("encrypted", "allow", true),
        ("plain", "prefer", false),
        ("plain", "allow", false),
        ("encrypted", "require", true),
        ("plain", "disable", false),
    ] {
        assert_eq!(connect(&to(database, mode)).await.unwrap().is_encrypted(), encrypted, "{database} {mode}");
    }
    let error = refused(&to("encrypted", "disable")).await;
    assert_eq!(error.sqlstate(), Some("28000"));
    assert!(
        shown(&error).contains("pg_hba.conf") && shown(&error).contains("without sslmode=disable"),
        "{}",
        shown(&error)
    );
    assert_eq!(refused(&to("plain", "require")).await.sqlstate(), Some("28000"));
    // A wrong password is not tried again in the clear.
    let error = refused(&on.to("db.test", "password=no sslmode=prefer")).await;
    assert_eq!(error.sqlstate(), Some("28P01"), "{error}");
    let failures = on.server.log().matches("password authentication failed").count();
    refused(&on.to("db.test", "password=no sslmode=prefer")).await;
    assert_eq!(on.server.log().matches("password authentication failed").count(), failures + 1);
}

#[tokio::test]
async fn a_server_without_tls() {
    let server = pgtandem_lab::shared(17).unwrap();
    let to = |mode: &str| format!("{}?sslmode={mode}", server.url("postgres"));
    for mode in ["prefer", "allow", "disable"] {
        assert!(!connect(&to(mode)).await.unwrap().is_encrypted());
    }
    let error = refused(&to("require")).await;
    assert!(shown(&error).contains("does not offer TLS"), "{}", shown(&error));
}

#[tokio::test]
async fn channel_binding() {
    let on = Encrypted::shared();
    let session = connect(&on.to("db.test", "sslmode=require channel_binding=require")).await.unwrap();
    session.run(&Sql::constant("SELECT 1")).await.unwrap();
    connect(&on.to("db.test", "sslmode=require channel_binding=disable")).await.unwrap();
    // Without a password there is nothing to bind.
    let error = refused(&on.to("db.test", "sslmode=require channel_binding=require dbname=encrypted")).await;
    assert!(shown(&error).contains("channel_binding=require"), "{}", shown(&error));
    refused(&on.to("db.test", "sslmode=disable channel_binding=require dbname=plain")).await;
}

/// The hash is that of the certificate's signature, whatever its algorithm: the server computes it on its own.
#[tokio::test]
async fn channel_binding_with_every_kind_of_signature() {
    let kinds = [
        (P256, "-sha256"),
        (P384, "-sha384"),
        (P256, "-sha512"),
        (P256, "-sha1"),
        (P256, "-sha224"),
        (RSA, "-sha256"),
        (RSA, "-sha384"),
        (RSA, "-sha512"),
        (RSA, "-sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1"),
        (RSA, "-sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1"),
    ];
    let workshop = Workshop::new();
    for (i, (key, hash)) in kinds.iter().enumerate() {
        workshop.self_signed(&format!("server{i}"), key, &format!("{hash} -addext {}", NAMED.trim()));
    }
    let mut on = Encrypted::start(16, workshop, "server0");
    for (i, (key, hash)) in kinds.iter().enumerate() {
        on.serve(&format!("server{i}"));
        let outcome = connect(&on.to("db.test", "sslmode=require channel_binding=require")).await;
        assert!(outcome.is_ok(), "{key} {hash}: {}", shown(&outcome.unwrap_err()));
    }
}

impl Encrypted {
    /// Goes on with another certificate.
    fn serve(&mut self, certificate: &str) {
        for (file, of) in [("server.crt", "crt"), ("server.key", "key")] {
            // Written into the file that is there, which keeps its owner and mode.
            std::fs::write(self.server.data_dir().join(file), self.workshop.text(&format!("{certificate}.{of}")))
                .unwrap();
        }
        self.server.stop(pgtandem_lab::StopMode::Fast).unwrap();
        self.server.start_again().unwrap();
    }
}

/// What people really have: certificates that sign themselves, bear a common name only, are of version 1, or are too
/// old.
#[tokio::test]
async fn certificates_as_they_are_in_the_wild() {
    let workshop = Workshop::new();
    workshop.self_signed("db.test", P256, "");
    workshop.self_signed("leaf", P256, "-addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:db.test");
    workshop.signed("common", P256, "db.test", "extendedKeyUsage=serverAuth\n", "");
    workshop.signed("wildcard", RSA, "*.test", "extendedKeyUsage=serverAuth\n", "");
    workshop.signed("named", P256, "db.test", "subjectAltName=DNS:else.test\n", "");
    workshop.signed("first", RSA, "db.test", "", "");
    workshop.self_signed("ed", ED25519, &format!("-addext {}", NAMED.trim()));
    let mut on = Encrypted::start(16, workshop, "db.test");

    // A certificate that is its own root is trusted as it is; the common name counts.
    connect(&on.trusting("db.test", "verify-full", "db.test.crt")).await.unwrap();
    connect(&on.trusting("other.test", "verify-ca", "db.test.crt")).await.unwrap();
    refused(&on.trusting("other.test", "verify-full", "db.test.crt")).await;
    refused(&on.trusting("db.test", "verify-full", "leaf.crt")).await;

    on.serve("leaf");
    connect(&on.trusting("db.test", "verify-full", "leaf.crt")).await.unwrap();
    refused(&on.trusting("other.test", "verify-full", "leaf.crt")).await;

    on.serve("common");
    connect(&on.trusting("db.test", "verify-full", "ca.crt")).await.unwrap();
    refused(&on.trusting("other.test", "verify-full", "ca.crt")).await;

    on.serve("wildcard");
    connect(&on.trusting("any.test", "verify-full", "ca.crt")).await.unwrap();
    refused(&on.trusting("a.b.test", "verify-full", "ca.crt")).await;

    // The common name does not count beside other names.
    on.serve("named");
    refused(&on.trusting("db.test", "verify-full", "ca.crt")).await;

    // Version 1: good for encryption and for binding, and as its own root; its signature is not followed.
    on.serve("first");
    connect(&on.to("db.test", "sslmode=require channel_binding=require")).await.unwrap();
    connect(&on.trusting("db.test", "verify-full", "first.crt")).await.unwrap();
    let error = refused(&on.trusting("db.test", "verify-full", "ca.crt")).await;
    assert!(shown(&error).contains("version 1"), "{}", shown(&error));

    // A signature by Ed25519 has no hash to bind to; without binding all is well.
    on.serve("ed");
    connect(&on.trusting("db.test", "verify-full", "ed.crt")).await.unwrap();
    let error = refused(&on.to("db.test", "sslmode=require channel_binding=require")).await;
    assert!(shown(&error).contains("Ed25519"), "{}", shown(&error));
}

#[tokio::test]
async fn a_leaf_that_is_trusted_signs_for_nobody() {
    let workshop = Workshop::new();
    // `ca` in name, but its certificate does not make it an authority.
    workshop.self_signed("ca", P256, "-addext basicConstraints=critical,CA:FALSE");
    workshop.signed("server", P256, "x", NAMED, "");
    let on = Encrypted::start(16, workshop, "server");
    refused(&on.trusting("db.test", "verify-ca", "ca.crt")).await;
}

#[tokio::test]
async fn our_own_certificate() {
    let on = Encrypted::shared();
    let (certificate, key) = (on.workshop.path("certified.crt"), on.workshop.path("certified.key"));
    let stranger = format!("sslcert={} sslkey={}", on.workshop.path("other.crt"), on.workshop.path("other.key"));
    let to = |more: &str| on.to("db.test", &format!("dbname=template1 user=certified sslmode=require {more}"));
    connect(&to(&format!("sslcert={certificate} sslkey={key}"))).await.unwrap();
    refused(&to("")).await;
    refused(&to(&format!("sslcert={certificate} sslkey={key} sslcertmode=disable"))).await;
    let error = refused(&to(&format!("sslcert={certificate} sslkey={}", on.workshop.path("ca.key")))).await;
    assert!(shown(&error).contains("sslkey"), "{}", shown(&error));
    let error = refused(&to(&format!("sslcert={certificate} sslkey=/nowhere/key"))).await;
    assert!(shown(&error).contains("/nowhere/key"), "{}", shown(&error));
    let error = refused(&to(&stranger)).await;
    assert!(shown(&error).contains("does not accept our certificate"), "{}", shown(&error));
    // In the home folder nobody needs to name it.
    let home = Folder::new().unwrap();
    std::fs::create_dir(home.path(".postgresql")).unwrap();
    std::fs::copy(&certificate, home.path(".postgresql/postgresql.crt")).unwrap();
    std::fs::copy(&key, home.path(".postgresql/postgresql.key")).unwrap();
    connect_in(&to(""), &[("HOME", home.0.to_str().unwrap())]).await.unwrap();
}

#[tokio::test]
async fn versions_and_direct_negotiation() {
    let on = Encrypted::shared();
    let version = async |more: &str| {
        let session = connect(&on.to("db.test", &format!("sslmode=require {more}"))).await.unwrap();
        let seen = "SELECT version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
        session.row(&Sql::constant(seen)).await.unwrap().get::<String>("version").unwrap()
    };
    assert_eq!(version("").await, "TLSv1.3");
    assert_eq!(version("ssl_max_protocol_version=TLSv1.2").await, "TLSv1.2");
    assert_eq!(version("ssl_max_protocol_version=TLSv1.2 channel_binding=require").await, "TLSv1.2");
    assert_eq!(version("sslnegotiation=direct").await, "TLSv1.3");
    assert_eq!(version("sslsni=0").await, "TLSv1.3");
}

#[tokio::test]
async fn cancelling_and_closing_are_encrypted_too() {
    let on = Encrypted::shared();
    // Nobody may come in without TLS by this database; a request to cancel needs no database, so the log has to tell.
    let session = connect(&on.trusting("db.test", "verify-full", "ca.crt")).await.unwrap();
    let sql = Sql::constant("SELECT pg_catalog.pg_sleep(600)");
    let (busy, cancel) = (session.run(&sql), async {
        // The request may come before the statement does: then it is asked again.
        let watcher = connect(&on.to("db.test", "sslmode=require")).await.unwrap();
        let query = "SELECT count(*) AS n FROM pg_catalog.pg_stat_activity WHERE wait_event = 'PgSleep'";
        while watcher.row(&Sql::constant(query)).await.unwrap().get::<i64>("n").unwrap() == 0 {}
        session.cancel().await.unwrap();
    });
    let (done, ()) = futures::future::join(busy, cancel).await;
    assert_eq!(done.unwrap_err().sqlstate(), Some("57014"));
    session.close().await;
}
