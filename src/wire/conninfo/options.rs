//! What a connection string may ask for besides the place and the login.

use std::path::PathBuf;
use std::time::Duration;

use super::keyword::Params;
use crate::error::{Error, Result};

/// How long to wait for one address where nobody says how long: soon enough to report a dead host while somebody
/// watches.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether and how to encrypt (documentation, "SSL Mode Descriptions"), from careless to careful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only if the server insists.
    Allow,
    /// If the server can.
    Prefer,
    /// Always, with whoever answers.
    Require,
    /// Always, with a server whose certificate is signed by a trusted authority.
    VerifyCa,
    /// Always, with a server whose certificate is signed by a trusted authority and bears the name that was asked for.
    VerifyFull,
}

/// The certificates of the authorities to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootCertificates {
    /// Those of the operating system.
    System,
    /// Those in this file, which somebody named: it must be there.
    File(PathBuf),
    /// Those in this file, if it is there.
    DefaultFile(PathBuf),
    /// None.
    None,
}

/// How to encrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Whether, and whom to trust.
    pub mode: SslMode,
    /// Whose signature to trust.
    pub root: RootCertificates,
    /// Our own certificate, in PEM; `true` if it must be there.
    pub certificate: Option<(PathBuf, bool)>,
    /// The key of our own certificate, in PEM.
    pub key: Option<PathBuf>,
    /// Whether to tell the server, in the clear, which name we want.
    pub server_name: bool,
    /// Whether to begin with TLS right away (`sslnegotiation=direct`, servers since 17).
    pub direct: bool,
    /// Whether TLS 1.2 may be used.
    pub allow_1_2: bool,
    /// Whether TLS 1.3 may be used.
    pub allow_1_3: bool,
}

/// Whether a SCRAM login must be bound to the TLS connection, against somebody in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// If both can.
    Prefer,
    /// Always; else there is no login.
    Require,
}

/// What kind of server is wanted (`target_session_attrs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetSession {
    /// Whichever answers first.
    Any,
    /// One that takes writes.
    ReadWrite,
    /// One that takes none.
    ReadOnly,
    /// One that is not a standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, else whichever answers.
    PreferStandby,
}

/// TCP keepalive: without it a session that waits for hours is forgotten by what stands between (load balancers do
/// after some minutes), and a peer that has gone is noticed after hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether at all.
    pub on: bool,
    /// How long nothing may happen before the first probe.
    pub idle: Duration,
    /// How long between two probes.
    pub interval: Duration,
    /// How many probes go unanswered before the connection is given up.
    pub count: u32,
    /// How long sent data may stay unacknowledged; `None` is the system's default.
    pub user_timeout: Option<Duration>,
}

impl Keepalive {
    pub(super) fn of(params: &Params) -> Result<Self> {
        // Zero, as in libpq, is the default.
        let positive = |keyword| Ok::<_, Error>(number(params, keyword)?.filter(|n| *n > 0));
        let seconds = |keyword, default| Ok::<_, Error>(Duration::from_secs(positive(keyword)?.unwrap_or(default)));
        Ok(Self {
            on: number(params, "keepalives")? != Some(0),
            idle: seconds("keepalives_idle", 60)?,
            interval: seconds("keepalives_interval", 10)?,
            count: positive("keepalives_count")?.map_or(6, |n| u32::try_from(n).unwrap_or(u32::MAX)),
            user_timeout: positive("tcp_user_timeout")?.map(Duration::from_millis),
        })
    }
}

impl TlsOptions {
    pub(super) fn of(params: &Params, home: Option<&str>) -> Result<Self> {
        let default_file = |name| home.map(|home| PathBuf::from(home).join(".postgresql").join(name));
        let root = match params.get("sslrootcert") {
            Some("system") => RootCertificates::System,
            Some(path) => RootCertificates::File(path.into()),
            None => default_file("root.crt").map_or(RootCertificates::None, RootCertificates::DefaultFile),
        };
        let own = params.get("sslcertmode") != Some("disable");
        let certificate = params.get("sslcert").map(|path| (path.into(), true));
        let key = params.get("sslkey").map(PathBuf::from);
        let mode = mode(params, root == RootCertificates::System)?;
        let direct = choice(params, "sslnegotiation", &[("postgres", false), ("direct", true)])?.unwrap_or(false);
        if direct && mode < SslMode::Require {
            return Err(Error::usage("sslnegotiation=direct needs sslmode=require or better"));
        }
        let (min, max) = (params.get("ssl_min_protocol_version"), params.get("ssl_max_protocol_version"));
        let is = |value: Option<&str>, version: &str| value.is_some_and(|value| value.eq_ignore_ascii_case(version));
        let (allow_1_2, allow_1_3) = (!is(min, "TLSv1.3"), !is(max, "TLSv1.2"));
        if !allow_1_2 && !allow_1_3 {
            return Err(Error::usage("ssl_min_protocol_version is above ssl_max_protocol_version"));
        }
        Ok(Self {
            mode,
            root,
            certificate: certificate
                .or_else(|| default_file("postgresql.crt").map(|path| (path, false)))
                .filter(|_| own),
            key: key.or_else(|| default_file("postgresql.key")).filter(|_| own),
            server_name: number(params, "sslsni")? != Some(0),
            direct,
            allow_1_2,
            allow_1_3,
        })
    }
}

fn mode(params: &Params, system: bool) -> Result<SslMode> {
    use SslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
    let names = [
        ("disable", Disable),
        ("allow", Allow),
        ("prefer", Prefer),
        ("require", Require),
        ("verify-ca", VerifyCa),
        ("verify-full", VerifyFull),
    ];
    let given = choice(params, "sslmode", &names)?;
    match given {
        // Anybody can get a certificate from an authority that the system trusts: only the name makes it worth
        // something.
        Some(mode) if system && mode != VerifyFull => {
            Err(Error::usage("sslrootcert=system needs sslmode=verify-full").with_hint("Leave out sslmode."))
        }
        Some(mode) => Ok(mode),
        None => Ok(if system { VerifyFull } else { Prefer }),
    }
}

pub(super) fn channel_binding(params: &Params) -> Result<ChannelBinding> {
    let names = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    Ok(choice(params, "channel_binding", &names)?.unwrap_or(ChannelBinding::Prefer))
}

pub(super) fn target_session(params: &Params) -> Result<TargetSession> {
    let names = [
        ("any", TargetSession::Any),
        ("read-write", TargetSession::ReadWrite),
        ("read-only", TargetSession::ReadOnly),
        ("primary", TargetSession::Primary),
        ("standby", TargetSession::Standby),
        ("prefer-standby", TargetSession::PreferStandby),
    ];
    Ok(choice(params, "target_session_attrs", &names)?.unwrap_or(TargetSession::Any))
}

/// Zero and below is forever, as in libpq.
pub(super) fn connect_timeout(params: &Params) -> Result<Option<Duration>> {
    let Some(text) = params.get("connect_timeout") else { return Ok(Some(CONNECT_TIMEOUT)) };
    let seconds: i64 = text.trim().parse().map_err(|_| Error::usage("connect_timeout is not a number of seconds"))?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

fn number(params: &Params, keyword: &str) -> Result<Option<u64>> {
    let parse = |text: &str| {
        text.trim().parse().map_err(|_| {
            Error::usage(format!("the connection parameter {keyword} is not a number")).about(text.escape_debug())
        })
    };
    params.get(keyword).map(parse).transpose()
}

/// One of several names.
fn choice<T: Copy>(params: &Params, keyword: &str, names: &[(&str, T)]) -> Result<Option<T>> {
    let Some(value) = params.get(keyword) else { return Ok(None) };
    match names.iter().find(|(name, _)| *name == value) {
        Some((_, chosen)) => Ok(Some(*chosen)),
        None => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            Err(Error::usage(format!("no such value of the connection parameter {keyword}"))
                .about(value.escape_debug())
                .with_hint(format!("It can be {}.", names.join(", "))))
        }
    }
}
