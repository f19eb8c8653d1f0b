//! Why a login came to nothing, and what the user can do about it.

use std::io;

use super::conninfo::{Candidate, ConnInfo, PasswordSource, Side, SslMode};
use super::failure;
use crate::error::{Error, ErrorKind, ServerMessage};

/// An attempt that came to nothing.
pub(super) struct Failure {
    pub(super) error: Error,
    /// What may do better.
    pub(super) cure: Cure,
}

/// What may do better than the attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// Another address, of this host or another one.
    AnotherAddress,
    /// The same address with the other choice of encryption: the handshake failed, TLS is not offered, or `pg_hba.conf`
    /// has no line for this kind of connection (SQLSTATE 28000). A wrong password is none of them, so it is not tried a
    /// second time, and not sent in the clear because TLS did not help.
    OtherEncryption,
    /// Nothing that we know of.
    Nothing,
}

/// What was asked for, of which place.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) info: &'a ConnInfo,
    pub(super) side: Side,
    pub(super) at: &'a Candidate,
}

/// Nothing has answered anywhere: one error for all.
pub(super) fn none_answered(side: Side, mut failures: Vec<Error>) -> Error {
    if failures.len() <= 1 {
        return failures.pop().unwrap_or_else(|| Error::new(ErrorKind::Connect, "there is no host to connect to"));
    }
    let hint = failures.iter().find_map(|error| error.hint().map(str::to_owned));
    let all: Vec<String> = failures.iter().map(|error| format!("\n  {error}")).collect();
    let error = Error::new(ErrorKind::Connect, format!("cannot connect to the {side}; tried:{}", all.concat()));
    hint.into_iter().fold(error, Error::with_hint)
}

impl Asked<'_> {
    fn error(&self) -> Error {
        self.about(Error::new(ErrorKind::Connect, format!("cannot connect to the {}", self.side)))
    }

    fn encryption_error(&self) -> Error {
        self.about(Error::new(ErrorKind::Connect, format!("cannot encrypt the connection to the {}", self.side)))
    }

    /// Names place, database and role in an error.
    fn about(&self, error: Error) -> Error {
        error.about(format!("{}, database {}, user {}", self.at, self.info.database(), self.info.user()))
    }

    /// The host has no address that anybody knows.
    pub(super) fn unknown_host(&self, error: io::Error) -> Failure {
        let hint = "Check the host name; from within a cluster it may need its namespace.";
        Failure { error: self.error().with_source(error).with_hint(hint), cure: Cure::AnotherAddress }
    }

    /// No connection came about.
    pub(super) fn unreachable(&self, error: io::Error) -> Failure {
        use io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied, TimedOut};
        let hint = match error.kind() {
            ConnectionRefused => {
                "Nothing listens there. Is the server running, is the port right, and does listen_addresses cover that \
                 address?"
            }
            NotFound => {
                "There is no such socket. Is the server running, and does unix_socket_directories name that folder? Over \
                 TCP, name a host."
            }
            PermissionDenied => "We may not open that socket. Run as a user who may, or connect over TCP.",
            TimedOut => {
                "A firewall or network policy may stand between, or the host is down. The parameter connect_timeout says \
                 how long to wait."
            }
            _ => "Is the host right, and can it be reached from here?",
        };
        Failure { error: self.error().with_source(error).with_hint(hint), cure: Cure::AnotherAddress }
    }

    /// Nobody has answered within the time.
    pub(super) fn timed_out(&self) -> Failure {
        let seconds = self.info.connect_timeout().unwrap_or_default().as_secs();
        self.unreachable(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {seconds} s")))
    }

    /// What encryption takes is not there on our side.
    pub(super) fn cannot_encrypt(&self, error: Error) -> Failure {
        Failure { error: self.about(error), cure: Cure::Nothing }
    }

    /// The server does not do TLS.
    pub(super) fn not_offered(&self) -> Failure {
        let error = self
            .encryption_error()
            .with_source("the server does not offer TLS")
            .with_hint("Switch it on there (ssl = on), or use sslmode=prefer if the network between is your own.");
        Failure { error, cure: Cure::OtherEncryption }
    }

    /// The TLS handshake failed.
    pub(super) fn handshake(&self, error: io::Error) -> Failure {
        let hint = certificate_hint(&error);
        let error = self.encryption_error().with_source(error);
        Failure { error: hint.into_iter().fold(error, Error::with_hint), cure: Cure::OtherEncryption }
    }

    /// The server is not of the kind that `target_session_attrs` asks for.
    pub(super) fn wrong_kind(&self) -> Failure {
        let error = self
            .error()
            .with_source("the server is not of the kind that target_session_attrs asks for")
            .with_hint("Name all servers of the cluster as hosts, or leave target_session_attrs out.");
        Failure { error, cure: Cure::AnotherAddress }
    }

    /// The login failed.
    pub(super) fn login(&self, error: tokio_postgres::Error) -> Failure {
        let Some(said) = error.as_db_error() else { return self.without_message(error) };
        let message = failure::message(said);
        let cure = match message.sqlstate.as_str() {
            // It starts up or shuts down: another one may be ready (libpq goes on in this one case, too).
            "57P03" => Cure::AnotherAddress,
            "28000" => Cure::OtherEncryption,
            _ => Cure::Nothing,
        };
        let hint = self.hint(&message);
        let error = self.error().with_server(message);
        Failure { error: hint.into_iter().fold(error, Error::with_hint), cure }
    }

    /// The login failed, and not because the server said so. The library tells the reasons apart only in its text.
    fn without_message(&self, error: tokio_postgres::Error) -> Failure {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let error = match cause.as_str() {
            "password missing" => self
                .error()
                .with_source("the server asks for a password, and there is none")
                .with_hint(self.password_hint()),
            "server did not use channel binding" => self
                .error()
                .with_source("the login cannot be bound to the encrypted connection (channel_binding=require)")
                .with_hint(
                    "That takes TLS, a SCRAM password on the server, and a certificate not signed with Ed25519.",
                ),
            _ if is_alert(&error) => self
                .error()
                .with_source(error)
                .with_hint("The server does not accept our certificate (sslcert), or wants one; its log tells why."),
            _ => {
                self.error().with_source(error).with_hint("Is that really a PostgreSQL server? Its log may tell more.")
            }
        };
        Failure { error, cure: Cure::Nothing }
    }

    /// What to do about what the server said.
    fn hint(&self, said: &ServerMessage) -> Option<String> {
        let (user, database) = (self.info.user(), self.info.database());
        Some(match said.sqlstate.as_str() {
            "28P01" => self.password_hint(),
            "28000" if said.message.contains("pg_hba.conf") => {
                let encryption = match self.info.tls().mode {
                    SslMode::Disable if self.at.socket().is_none() => {
                        " The server may want TLS: try without sslmode=disable."
                    }
                    _ => "",
                };
                format!(
                    "No line in the server's pg_hba.conf lets user {user} into database {database} from here. Add one and \
                     reload.{encryption}"
                )
            }
            "28000" => format!("Is {user} the right role, and may it log in?"),
            "3D000" => format!(
                "There is no database {database} on the {}. Name another one in the connection string.",
                self.side
            ),
            "53300" => {
                "All connections are taken. Use fewer jobs (--jobs), or raise max_connections or the role's limit."
                    .to_owned()
            }
            "57P03" => "The server is starting up or shutting down. Try again when it is ready.".to_owned(),
            _ => return None,
        })
    }

    /// Where the password came from, or could come from.
    fn password_hint(&self) -> String {
        let file = self.info.passfile();
        let warning =
            file.and_then(|file| file.warning()).map(|warning| format!(" And {warning}.")).unwrap_or_default();
        match self.info.password(self.at) {
            Some((_, PasswordSource::PasswordFile)) => {
                format!(
                    "The password came from {}.",
                    file.map_or_else(String::new, |file| file.path().display().to_string())
                )
            }
            Some((_, from)) => format!("The password came from {from}.{warning}"),
            None => format!(
                "No password was given. Put it into PGPASSWORD, a password file ({}), or the connection string.{warning}",
                file.map_or_else(|| "~/.pgpass".to_owned(), |file| file.path().display().to_string())
            ),
        }
    }
}

/// Whether the server has ended the TLS connection with a reason, which TLS 1.3 lets it do after the handshake only.
fn is_alert(error: &tokio_postgres::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let reason = cause.and_then(io::Error::get_ref).and_then(|reason| reason.downcast_ref::<rustls::Error>());
    matches!(reason, Some(rustls::Error::AlertReceived(_)))
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
