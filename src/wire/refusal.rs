//! Why a login came to nothing, and what the user can do about it.

use std::io;

use super::conninfo::{Candidate, ConnInfo, PasswordSource, Side, SslMode};
use super::connect::Failure;
use super::failure;
use crate::error::{Error, ErrorKind, ServerMessage};

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) info: &'a ConnInfo,
    pub(super) side: Side,
}

/// Whether an attempt failed in a way in which one with the other choice of encryption may not: the handshake failed, TLS is
/// not offered, or `pg_hba.conf` has no line for this kind of connection (SQLSTATE 28000). A wrong password is none of
/// them, so it is not tried a second time, and not sent in the clear because TLS did not help.
pub(super) fn is_about_encryption(error: &Error) -> bool {
    match error.sqlstate() {
        Some(sqlstate) => sqlstate == "28000",
        None => error.to_string().starts_with(TLS),
    }
}

/// How an error about encryption begins.
const TLS: &str = "cannot encrypt the connection";

impl Asked<'_> {
    fn error(&self, at: &Candidate) -> Error {
        self.about(Error::new(ErrorKind::Connect, format!("cannot connect to the {}", self.side)), at)
    }

    /// Names place, database and role in an error.
    pub(super) fn about(&self, error: Error, at: &Candidate) -> Error {
        error.about(format!("{at}, database {}, user {}", self.info.database(), self.info.user()))
    }

    /// Nothing has answered anywhere: one error for all.
    pub(super) fn none_answered(&self, mut failures: Vec<Error>) -> Error {
        if failures.len() <= 1 {
            return failures.pop().unwrap_or_else(|| Error::new(ErrorKind::Connect, "there is no host to connect to"));
        }
        let hint = failures.iter().find_map(|error| error.hint().map(str::to_owned));
        let all: Vec<String> = failures.iter().map(|error| format!("\n  {error}")).collect();
        let error = Error::new(ErrorKind::Connect, format!("cannot connect to the {}; tried:{}", self.side, all.concat()));
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    pub(super) fn unknown_host(&self, at: &Candidate, error: io::Error) -> Error {
        self.error(at).with_source(error).with_hint("Check the host name; from within a cluster it may need its namespace.")
    }

    /// No connection came about.
    pub(super) fn unreachable(&self, at: &Candidate, error: io::Error) -> Error {
        let hint = match error.kind() {
            io::ErrorKind::ConnectionRefused => "Nothing listens there. Is the server running, is the port right, and does \
                                                 listen_addresses cover that address?"
                .to_owned(),
            io::ErrorKind::NotFound => "There is no such socket. Is the server running, and does unix_socket_directories \
                                        name that folder? Over TCP, name a host."
                .to_owned(),
            io::ErrorKind::PermissionDenied => "We may not open that socket. Run as a user who may, or connect over TCP.".to_owned(),
            io::ErrorKind::TimedOut => match self.info.connect_timeout() {
                Some(limit) => format!(
                    "No answer within {} s (connect_timeout). A firewall or network policy may stand between, or the host is down.",
                    limit.as_secs()
                ),
                None => "No answer. A firewall or network policy may stand between, or the host is down.".to_owned(),
            },
            _ => "Is the host right, and can it be reached from here?".to_owned(),
        };
        match (error.kind(), self.info.connect_timeout()) {
            (io::ErrorKind::TimedOut, Some(limit)) => {
                self.error(at).with_source(format!("timed out after {} s", limit.as_secs())).with_hint(hint)
            }
            _ => self.error(at).with_source(error).with_hint(hint),
        }
    }

    /// The server does not do TLS.
    pub(super) fn not_offered(&self, at: &Candidate) -> Error {
        self.about(Error::new(ErrorKind::Connect, format!("{TLS} to the {}", self.side)), at)
            .with_source("the server does not offer TLS")
            .with_hint("Switch it on there (ssl = on), or use sslmode=prefer if the network between is your own.")
    }

    /// The TLS handshake failed.
    pub(super) fn handshake(&self, at: &Candidate, error: io::Error) -> Error {
        let hint = certificate_hint(&error);
        let error = self.about(Error::new(ErrorKind::Connect, format!("{TLS} to the {}", self.side)), at).with_source(error);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// The server is not of the kind that `target_session_attrs` asks for.
    pub(super) fn wrong_kind(&self, at: &Candidate) -> Error {
        self.error(at)
            .with_source("the server is not of the kind that target_session_attrs asks for")
            .with_hint("Name all servers of the cluster as hosts, or leave target_session_attrs out.")
    }

    /// The login failed.
    pub(super) fn login(&self, at: &Candidate, error: tokio_postgres::Error) -> Failure {
        let Some(said) = error.as_db_error() else { return self.without_message(at, error) };
        let message = failure::message(said);
        // A server that starts up or shuts down: another one may be ready (libpq goes on in this one case, too).
        let go_on = message.sqlstate == "57P03";
        let hint = self.hint(at, &message);
        let error = self.error(at).with_server(message);
        Failure { error: hint.into_iter().fold(error, Error::with_hint), go_on }
    }

    /// The login failed, and not because the server said so.
    fn without_message(&self, at: &Candidate, error: tokio_postgres::Error) -> Failure {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let (told, hint): (&str, String) = match cause.as_str() {
            "password missing" => ("the server asks for a password, and there is none", self.password_hint(at)),
            "server did not use channel binding" => (
                "the login cannot be bound to the encrypted connection, as channel_binding=require asks for",
                "That takes TLS, a SCRAM password on the server, and a certificate that is not signed with Ed25519.".to_owned(),
            ),
            _ => ("", String::new()),
        };
        let failed = match told {
            "" => self.error(at).with_source(error).with_hint("Is that really a PostgreSQL server? Its log may tell more."),
            told => self.error(at).with_source(told).with_hint(hint),
        };
        Failure { error: failed, go_on: false }
    }

    /// What to do about what the server said.
    fn hint(&self, at: &Candidate, said: &ServerMessage) -> Option<String> {
        let (user, database) = (self.info.user(), self.info.database());
        Some(match said.sqlstate.as_str() {
            "28P01" => self.password_hint(at),
            "28000" if said.message.contains("pg_hba.conf") => {
                let encryption = match self.info.tls().mode {
                    SslMode::Disable if at.socket().is_none() => " The server may want TLS: try without sslmode=disable.",
                    _ => "",
                };
                format!(
                    "No line in the server's pg_hba.conf lets user {user} into database {database} from here. Add one and \
                     reload.{encryption}"
                )
            }
            "28000" => format!("Is {user} the right role, and may it log in?"),
            "3D000" => format!("There is no database {database} on the {}. Name another one in the connection string.", self.side),
            "53300" => "All connections are taken. Use fewer jobs (--jobs), or raise max_connections or the role's limit.".to_owned(),
            "57P03" => "The server is starting up or shutting down. Try again when it is ready.".to_owned(),
            _ => return None,
        })
    }

    /// Where the password came from, or could come from.
    fn password_hint(&self, at: &Candidate) -> String {
        let file = self.info.passfile();
        let warning = file.and_then(|file| file.warning()).map(|warning| format!(" And {warning}.")).unwrap_or_default();
        match self.info.password(at) {
            Some((_, PasswordSource::PasswordFile)) => {
                format!("The password came from {}.", file.map_or_else(String::new, |file| file.path().display().to_string()))
            }
            Some((_, from)) => format!("The password came from {from}.{warning}"),
            None => format!(
                "No password was given. Put it into PGPASSWORD, a password file ({}), or the connection string.{warning}",
                file.map_or_else(|| "~/.pgpass".to_owned(), |file| file.path().display().to_string())
            ),
        }
    }
}

/// What to do about a certificate that is not trusted.
fn certificate_hint(error: &io::Error) -> Option<&'static str> {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error.get_ref()?.downcast_ref::<rustls::Error>()? else { return None };
    Some(match bad {
        Bad::UnknownIssuer => {
            "The server's certificate is not signed by an authority that is trusted here. sslrootcert has to name the file \
             with the certificate of its authority."
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "The server's certificate is for another name. Use that name as host (hostaddr can give the address), or \
             sslmode=verify-ca, which does not look at it."
        }
        Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "The server's certificate has expired or is not valid yet. Is the clock right?"
        }
        Bad::BadEncoding | Bad::Other(_) => {
            "The server's certificate cannot be read; one of X.509 version 1 cannot be verified here. Make it with extensions \
             (subjectAltName), or put the certificate itself into the file that sslrootcert names."
        }
        _ => return None,
    })
}
