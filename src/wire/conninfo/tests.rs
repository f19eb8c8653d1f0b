//! Whole connection strings, with environment and files.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::error::ErrorKind;

/// Resolves with an environment of these variables only.
fn resolve(given: &str, env: &[(&str, &str)]) -> Result<ConnInfo> {
    let env: HashMap<&str, &str> = [("HOME", "/nowhere")].into_iter().chain(env.iter().copied()).collect();
    ConnInfo::resolve(Side::Old, (!given.is_empty()).then_some(given), &|name| env.get(name).map(|v| (*v).to_owned()))
}

fn password(info: &ConnInfo) -> Option<(&str, PasswordSource)> {
    info.password(&info.candidates()[0]).map(|(secret, from)| (secret.reveal(), from))
}

/// A folder of its own for a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pgtandem-conninfo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn places() {
    let cases = [
        ("postgres://u@db/x", "postgresql://u@db:5432/x"),
        ("postgres://u@db:5433/x", "postgresql://u@db:5433/x"),
        ("postgres://u@a:1,b,[::1]:3/x", "postgresql://u@a:1,b:5432,[::1]:3/x"),
        ("postgres://u@a,b:2/x", "postgresql://u@a:5432,b:2/x"),
        ("host=a,b port=7 user=u dbname=x", "postgresql://u@a:7,b:7/x"),
        ("host=/run/pg user=u dbname='a b'", "postgresql://u@%2Frun%2Fpg:5432/a%20b"),
        ("postgres:///x?host=/run/pg&user=u", "postgresql://u@%2Frun%2Fpg:5432/x"),
        ("host=db hostaddr=10.0.0.1 user=u", "postgresql://u@db:5432/u"),
        ("hostaddr=::1 user=u", "postgresql://u@[::1]:5432/u"),
        ("user=u", "postgresql://u@%2Fvar%2Frun%2Fpostgresql:5432,%2Ftmp:5432,localhost:5432/u"),
        ("host=,b user=u", "postgresql://u@%2Fvar%2Frun%2Fpostgresql:5432,%2Ftmp:5432,localhost:5432,b:5432/u"),
    ];
    for (given, expected) in cases {
        assert_eq!(resolve(given, &[]).unwrap().redacted(), expected, "{given}");
    }
}

#[test]
fn candidates_as_people_see_them() {
    let shown = |given| resolve(given, &[]).unwrap().candidates()[0].to_string();
    assert_eq!(shown("host=db user=u"), "db:5432");
    assert_eq!(shown("host=db hostaddr=10.0.0.1 user=u"), "db:5432 (10.0.0.1)");
    assert_eq!(shown("host=10.0.0.1 user=u"), "10.0.0.1:5432");
    assert_eq!(shown("host=::1 user=u"), "[::1]:5432");
    assert_eq!(shown("host=/run user=u port=3"), "/run/.s.PGSQL.3");
}

#[test]
fn what_cannot_be() {
    for given in [
        "host=a port=0",
        "host=a port=65536",
        "host=a port=x",
        "host=a,b port=1,2,3",
        "host=a,b hostaddr=10.0.0.1",
        "hostaddr=db",
        "host=@abstract",
        "host=a sslmode=on",
        "host=a sslmode=require sslrootcert=system",
        "host=a sslnegotiation=direct",
        "host=a ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        "host=a connect_timeout=soon",
        "host=a target_session_attrs=best",
        "host=a channel_binding=yes",
        "host=a gssencmode=require",
        "host=a requirepeer=postgres",
        "host=a colour=blue",
        "postgres://a?colour=blue",
        "postgres://ann:geheim",
    ] {
        let error = resolve(&given.replace("host=a", "user=u host=a"), &[])
            .err()
            .unwrap_or_else(|| panic!("{given} was taken"));
        assert_eq!(error.kind(), ErrorKind::Usage, "{given}");
        assert!(!format!("{error:?} {:?}", error.hint()).contains("geheim"), "{error}");
    }
    let error = resolve("postgres://a?colour=blue", &[]).unwrap_err();
    assert!(error.to_string().contains("\"colour\""), "{error}");
}

#[test]
fn no_connection_string() {
    for (side, option, variable) in [(Side::Old, "--from", "PGTANDEM_FROM"), (Side::New, "--to", "PGTANDEM_TO")] {
        for given in [None, Some(""), Some("  ")] {
            let error = ConnInfo::resolve(side, given, &|_| None).unwrap_err();
            let hint = error.hint().unwrap();
            assert!(hint.contains(option) && hint.contains(variable), "{hint}");
        }
    }
    let env = |name: &str| (name == "PGTANDEM_TO").then(|| "postgres://u@new/x".to_owned());
    assert_eq!(ConnInfo::resolve(Side::New, None, &env).unwrap().redacted(), "postgresql://u@new:5432/x");
    assert!(ConnInfo::resolve(Side::Old, None, &env).is_err());
    assert_eq!(
        ConnInfo::resolve(Side::New, Some("postgres://u@other/x"), &env).unwrap().redacted(),
        "postgresql://u@other:5432/x"
    );
}

#[test]
fn environment_fills_what_is_missing() {
    let env = [
        ("PGHOST", "envhost"),
        ("PGPORT", "6000"),
        ("PGUSER", "envuser"),
        ("PGDATABASE", "envdb"),
        ("PGPASSWORD", "envpw"),
    ];
    let info = resolve("shop", &env).unwrap();
    assert_eq!(info.redacted(), "postgresql://envuser@envhost:6000/shop");
    assert_eq!(password(&info), Some(("envpw", PasswordSource::Variable("PGPASSWORD"))));
    let info = resolve("postgres://ann:pw@db", &env).unwrap();
    assert_eq!(info.redacted(), "postgresql://ann@db:6000/envdb");
    assert_eq!(password(&info), Some(("pw", PasswordSource::ConnectionString)));
    // A host that was named stays where it is.
    let info = resolve("host=db user=u", &[("PGHOSTADDR", "10.9.9.9"), ("PGHOST", "other")]).unwrap();
    assert_eq!(info.candidates()[0].to_string(), "db:5432");
    // Empty variables are none.
    assert_eq!(
        resolve("host=db user=u", &[("PGPORT", ""), ("PGSSLMODE", "")]).unwrap().redacted(),
        "postgresql://u@db:5432/u"
    );
}

#[test]
fn variables_of_the_image_come_last() {
    let image = [("POSTGRES_USER", "imguser"), ("POSTGRES_DB", "imgdb"), ("POSTGRES_PASSWORD", "imgpw")];
    let info = resolve("host=db", &image).unwrap();
    assert_eq!(info.redacted(), "postgresql://imguser@db:5432/imgdb");
    assert_eq!(password(&info), Some(("imgpw", PasswordSource::Variable("POSTGRES_PASSWORD"))));
    let with = |more: [(&'static str, &'static str); 2]| resolve("host=db", &[&image[..], &more].concat()).unwrap();
    assert_eq!(with([("PGUSER", "u"), ("PGDATABASE", "d")]).redacted(), "postgresql://u@db:5432/d");
    assert_eq!(password(&with([("PGPASSWORD", "x"), ("PGUSER", "u")])).unwrap().0, "x");
    // The database is named like the user if nobody says otherwise.
    assert_eq!(resolve("host=db", &[("POSTGRES_USER", "imguser")]).unwrap().database(), "imguser");
}

#[test]
fn password_file_and_secret_file() {
    let folder = Folder::new("files");
    let passfile = folder.file("pgpass", "db:5432:shop:u:fromfile\nlocalhost:*:*:*:local\n");
    let secret = folder.file("secret", "from secret\n");
    let env = [("PGPASSFILE", passfile.as_str()), ("POSTGRES_PASSWORD_FILE", secret.as_str())];
    let info = resolve("postgres://u@db/shop", &env).unwrap();
    assert_eq!(password(&info), Some(("fromfile", PasswordSource::PasswordFile)));
    // Another database has another line, or none.
    let other = info.with_database("other");
    assert_eq!(password(&other), Some(("from secret", PasswordSource::FileOf("POSTGRES_PASSWORD_FILE"))));
    assert_eq!(other.redacted(), "postgresql://u@db:5432/other");
    assert_eq!(password(&resolve("user=u", &env).unwrap()).unwrap().0, "local");
    assert_eq!(password(&resolve("user=u host=/run/pg", &env).unwrap()).unwrap().0, "from secret");
    assert_eq!(password(&resolve("postgres://u:own@db/shop", &env).unwrap()).unwrap().0, "own");
    let missing = [("POSTGRES_PASSWORD_FILE", "/nowhere/secret")];
    assert_eq!(resolve("postgres://u@db/shop", &missing).unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn services() {
    let folder = Folder::new("services");
    let file =
        folder.file("own.conf", "[prod]\nhost=prodhost\nport=6001\nuser=produser\npassword=prodpw\ndbname=proddb\n");
    folder.file("pg_service.conf", "[prod]\nhost=never\n[stage]\nhost=stagehost\nuser=u\nsslmode=disable\n");
    let system = folder.0.to_str().unwrap();
    let env = [("PGSERVICEFILE", file.as_str()), ("PGSYSCONFDIR", system), ("PGPORT", "7000")];
    let info = resolve("service=prod", &env).unwrap();
    assert_eq!(info.redacted(), "postgresql://produser@prodhost:6001/proddb");
    assert_eq!(password(&info), Some(("prodpw", PasswordSource::Service)));
    assert_eq!(resolve("postgres://ann@db/x?service=prod", &env).unwrap().redacted(), "postgresql://ann@db:6001/x");
    let info = resolve("service=stage", &env).unwrap();
    assert_eq!((info.redacted().as_str(), info.tls().mode), ("postgresql://u@stagehost:7000/u", SslMode::Disable));
    let by_variable = [&env[..], &[("PGSERVICE", "prod")]].concat();
    assert_eq!(resolve("shop", &by_variable).unwrap().redacted(), "postgresql://produser@prodhost:6001/shop");
    let error = resolve("service=none", &env).unwrap_err();
    assert!(error.hint().unwrap().contains(&file) && error.to_string().contains("none"), "{error}");
}

#[test]
fn options() {
    let info = resolve("host=db user=u", &[]).unwrap();
    assert_eq!(info.connect_timeout(), Some(Duration::from_secs(10)));
    assert_eq!(
        (info.tls().mode, info.channel_binding(), info.target()),
        (SslMode::Prefer, ChannelBinding::Prefer, TargetSession::Any)
    );
    assert_eq!(info.tls().root, RootCertificates::DefaultFile("/nowhere/.postgresql/root.crt".into()));
    assert_eq!((info.application_name(), info.options()), ("pgtandem", None));
    assert!(info.keepalive().on && info.keepalive().idle == Duration::from_secs(60));
    let text = "host=db user=u sslrootcert=system connect_timeout=0 keepalives=0 keepalives_count=3 application_name=night \
                options='-c work_mem=1GB' target_session_attrs=read-write sslsni=0 gssencmode=disable krbsrvname=x";
    let info = resolve(text, &[]).unwrap();
    assert_eq!((info.connect_timeout(), info.tls().mode, info.tls().server_name), (None, SslMode::VerifyFull, false));
    assert_eq!((info.keepalive().on, info.keepalive().count), (false, 3));
    assert_eq!((info.application_name(), info.options()), ("night", Some("-c work_mem=1GB")));
    assert_eq!(info.target(), TargetSession::ReadWrite);
    let env = [("PGSSLMODE", "verify-ca"), ("PGSSLROOTCERT", "/ca"), ("PGCONNECT_TIMEOUT", "3"), ("PGAPPNAME", "app")];
    let info = resolve("host=db user=u", &env).unwrap();
    assert_eq!((info.tls().mode, &info.tls().root), (SslMode::VerifyCa, &RootCertificates::File("/ca".into())));
    assert_eq!((info.connect_timeout(), info.application_name()), (Some(Duration::from_secs(3)), "app"));
}

#[test]
fn passwords_are_never_shown() {
    let env = [("PGPASSWORD", "geheim"), ("POSTGRES_PASSWORD", "geheim")];
    for given in [
        "postgres://u:geheim@db/x",
        "host=db user=u password=geheim",
        "host=db user=u",
        "postgres://u@db/?password=geheim",
    ] {
        let info = resolve(given, &env).unwrap();
        assert_eq!(password(&info).unwrap().0, "geheim");
        assert!(!format!("{} {info:?} {:?}", info.redacted(), info.password).contains("geheim"), "{given}");
    }
}

#[test]
fn same_place() {
    let of = |given| resolve(given, &[]).unwrap();
    assert!(of("postgres://u@DB/x").same_server_hint(&of("postgres://v@a,db/y")));
    assert!(of("host=/run user=u").same_server_hint(&of("host=/run user=u")));
    assert!(of("host=a hostaddr=10.0.0.1 user=u").same_server_hint(&of("host=b hostaddr=10.0.0.1 user=u")));
    assert!(!of("postgres://u@db/x").same_server_hint(&of("postgres://u@db:5433/x")));
    assert!(!of("postgres://u@db/x").same_server_hint(&of("postgres://u@db2/x")));
}
