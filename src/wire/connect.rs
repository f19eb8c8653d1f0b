//! From connection parameters to a session that is logged in: which host, which address, encrypted or not.
//!
//! The order is libpq's: hosts as given, each with all its addresses; on each address the steps that `sslmode` asks
//! for. What cannot be reached, or is not ready, or is not of the wanted kind, is passed over for the next; a refused
//! login is final.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;
use tokio_postgres::config::{self, SslNegotiation};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::cancel::Established;
use super::conninfo::{Candidate, ChannelBinding, ConnInfo, Host, Keepalive, Side, SslMode, TargetSession};
use super::driver::{Driver, NoticeSink};
use super::refusal::{self, Asked, Cure, Failure};
use super::stream::{Stream, tune};
use super::tap::{Tap, TapHandle};
use super::tls::{Negotiated, Tls};
use crate::error::{Error, ErrorKind, Result};

/// A session that is logged in.
pub(super) struct Login {
    pub(super) client: Client,
    pub(super) tap: TapHandle,
    pub(super) driver: Driver,
    pub(super) place: Place,
}

/// Where exactly a session is, and how to get there again.
#[derive(Clone)]
pub(super) struct Place {
    candidate: Candidate,
    address: Address,
    keepalive: Keepalive,
    /// How to encrypt, if the session is.
    tls: Option<Tls>,
    timeout: Option<Duration>,
}

#[derive(Clone)]
enum Address {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Whether to encrypt, for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Plain,
    IfOffered,
    Encrypted,
}

/// Logs in to the first server that answers and is of the wanted kind.
pub(super) async fn login(info: &ConnInfo, side: Side, purpose: &str, notices: NoticeSink) -> Result<Login> {
    let kinds: &[TargetSession] = match info.target() {
        TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
        other => &[other],
    };
    let mut failures = Vec::new();
    for kind in kinds {
        for candidate in info.candidates() {
            let asked = Asked { info, side, at: candidate };
            match (Attempt { asked, kind: *kind, purpose, notices: &notices }).login().await {
                Ok(login) => return Ok(login),
                Err(Failure { error, cure: Cure::AnotherAddress }) => failures.push(error),
                Err(failure) => return Err(failure.error),
            }
        }
    }
    Err(refusal::none_answered(side, failures))
}

/// One host.
struct Attempt<'a> {
    asked: Asked<'a>,
    kind: TargetSession,
    purpose: &'a str,
    notices: &'a NoticeSink,
}

impl Attempt<'_> {
    /// Tries all addresses of the host.
    async fn login(&self) -> Result<Login, Failure> {
        let limit = self.asked.info.connect_timeout();
        let mut last = None;
        for address in within(limit, self.addresses()).await.unwrap_or_else(|| Err(self.asked.timed_out()))? {
            let outcome = within(limit, self.at(address)).await.unwrap_or_else(|| Err(self.asked.timed_out()));
            match outcome {
                Err(failure) if failure.cure == Cure::AnotherAddress => last = Some(failure),
                done => return done,
            }
        }
        Err(last.unwrap_or_else(|| self.asked.unreachable(io::Error::other("the name has no address"))))
    }

    async fn addresses(&self) -> Result<Vec<Address>, Failure> {
        let at = self.asked.at;
        match &at.host {
            Host::Socket(_) => Ok(at.socket().map(Address::Unix).into_iter().collect()),
            Host::Tcp { address: Some(address), .. } => Ok(vec![Address::Tcp(SocketAddr::new(*address, at.port))]),
            Host::Tcp { name, .. } => {
                let found = lookup_host((name.as_str(), at.port)).await;
                Ok(found.map_err(|error| self.asked.unknown_host(error))?.map(Address::Tcp).collect())
            }
        }
    }

    /// Takes the steps that `sslmode` asks for.
    async fn at(&self, address: Address) -> Result<Login, Failure> {
        let options = self.asked.info.tls();
        let (first, then) = match (&address, options.mode) {
            (Address::Unix(_), _) | (_, SslMode::Disable) => (Step::Plain, None),
            (_, SslMode::Allow) => (Step::Plain, Some(Step::Encrypted)),
            (_, SslMode::Prefer) => (Step::IfOffered, Some(Step::Plain)),
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => (Step::Encrypted, None),
        };
        let tls = match &self.asked.at.host {
            Host::Tcp { name, .. } if (first, then) != (Step::Plain, None) => {
                Some(Tls::new(options, name).map_err(|error| self.asked.cannot_encrypt(error))?)
            }
            _ => None,
        };
        let place = |step| Place {
            candidate: self.asked.at.clone(),
            address: address.clone(),
            keepalive: self.asked.info.keepalive().clone(),
            tls: tls.clone().filter(|_| step != Step::Plain),
            timeout: self.asked.info.connect_timeout(),
        };
        let (refused, then) = match (self.step(place(first), first).await, then) {
            (Err(failure), Some(then)) if failure.cure == Cure::OtherEncryption => (failure, then),
            (tried, _) => return tried,
        };
        // If neither will do, what is said about encryption is what is worth reporting.
        match self.step(place(then), then).await {
            Err(second) if then == Step::Plain && second.cure == Cure::OtherEncryption => Err(refused),
            Err(second) if then == Step::Encrypted && second.error.server().is_none() => Err(refused),
            done => done,
        }
    }

    /// One connection: opened, encrypted or not, logged in, looked at.
    async fn step(&self, mut place: Place, step: Step) -> Result<Login, Failure> {
        let opened = match (place.connect().await.map_err(|error| self.asked.unreachable(error))?, &place.tls) {
            (Opened::Tcp(stream), Some(tls)) => match tls.negotiate(stream).await {
                Ok(Negotiated::Encrypted(stream)) => stream,
                Ok(Negotiated::Refused(stream)) if step == Step::IfOffered => Stream::tcp(stream),
                Ok(Negotiated::Refused(_)) => return Err(self.asked.not_offered()),
                Err(error) => return Err(self.asked.handshake(error)),
            },
            (Opened::Tcp(_), None) if step == Step::Encrypted => return Err(self.asked.not_offered()),
            (Opened::Tcp(stream), None) => Stream::tcp(stream),
            (Opened::Unix(stream), _) => Stream::unix(stream),
        };
        if !opened.is_tls() {
            place.tls = None;
        }
        let (tap_end, tap) = Tap::new(opened);
        let config = self.config();
        let (client, connection) =
            config.connect_raw(tap_end, Established).await.map_err(|error| self.asked.login(error))?;
        let driver = Driver::spawn(connection, self.asked.side, self.notices.clone());
        let login = Login { client, tap, driver, place };
        self.check_kind(&login).await?;
        Ok(login)
    }

    /// What the library is told. Our streams are encrypted or not when it gets them: for the library that is TLS
    /// without negotiation in either case, and a stream that is not encrypted has nothing to bind a login to.
    fn config(&self) -> config::Config {
        let info = self.asked.info;
        let mut config = config::Config::new();
        config
            .user(info.user())
            .dbname(info.database())
            .application_name(format!("{}: {}", info.application_name(), self.purpose))
            .ssl_mode(config::SslMode::Require)
            .ssl_negotiation(SslNegotiation::Direct)
            .channel_binding(match info.channel_binding() {
                ChannelBinding::Disable => config::ChannelBinding::Disable,
                ChannelBinding::Prefer => config::ChannelBinding::Prefer,
                ChannelBinding::Require => config::ChannelBinding::Require,
            });
        if let Some(options) = info.options() {
            config.options(options);
        }
        if let Some((password, _)) = info.password(self.asked.at) {
            config.password(password.reveal());
        }
        config
    }

    /// Whether the server is of the wanted kind. Asked before anything is set that would change the answer.
    async fn check_kind(&self, login: &Login) -> Result<(), Failure> {
        if self.kind == TargetSession::Any {
            return Ok(());
        }
        const ASK: &str = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
        let answer = login.client.simple_query(ASK).await.map_err(|error| self.asked.login(error))?;
        let said = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((row.try_get(0).ok()?? == "t", row.try_get(1).ok()?? == "on")),
            _ => None,
        });
        let fits = said.is_some_and(|(standby, read_only)| match self.kind {
            TargetSession::Any | TargetSession::PreferStandby => true,
            TargetSession::ReadWrite => !standby && !read_only,
            TargetSession::ReadOnly => standby || read_only,
            TargetSession::Primary => !standby,
            TargetSession::Standby => standby,
        });
        if fits { Ok(()) } else { Err(self.asked.wrong_kind()) }
    }
}

/// A connection before anything has been said.
enum Opened {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Place {
    /// Whether the session is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    async fn connect(&self) -> io::Result<Opened> {
        match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                tune(&stream, &self.keepalive)?;
                Ok(Opened::Tcp(stream))
            }
            Address::Unix(file) => UnixStream::connect(file).await.map(Opened::Unix),
        }
    }

    /// Another stream to the very same server, encrypted if the session is.
    ///
    /// # Errors
    /// * `Connect` if that fails, or takes longer than a login may.
    pub(super) async fn open(&self) -> Result<Stream> {
        let open = async {
            match (self.connect().await?, &self.tls) {
                (Opened::Tcp(stream), Some(tls)) => match tls.negotiate(stream).await? {
                    Negotiated::Encrypted(stream) => Ok(stream),
                    Negotiated::Refused(_) => Err(io::Error::other("the server does not offer TLS any more")),
                },
                (Opened::Tcp(stream), None) => Ok(Stream::tcp(stream)),
                (Opened::Unix(stream), _) => Ok(Stream::unix(stream)),
            }
        };
        let opened = within(self.timeout, open).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()));
        opened.map_err(|error| Error::new(ErrorKind::Connect, "cannot connect").about(self).with_source(error))
    }

    /// How long a conversation with the server may take.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.candidate.fmt(f)
    }
}

/// What comes out within the time, if there is a limit; `None` if nothing does.
pub(super) async fn within<T>(limit: Option<Duration>, work: impl Future<Output = T>) -> Option<T> {
    match limit {
        Some(limit) => timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}
