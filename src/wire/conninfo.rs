//! Where to connect, as whom, and how: connection strings, the environment, password and service files.
//!
//! The rules are libpq's, so that what works with `psql` works here. Three layers, each of which only adds what is
//! missing: the connection string; the service file; the `PG*` variables. Below them stand, for user, database and
//! password, the variables of the official container image (`POSTGRES_*`), because a pod that runs beside the server
//! often has just these.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::passfile::PassFile;
use super::service;
use crate::error::{Error, Result};

mod host;
mod keyword;
mod options;
mod parse;
#[cfg(test)]
mod tests;
mod user;

pub use super::secret::{PasswordSource, Secret};
pub use host::{Candidate, Host};
pub use options::{ChannelBinding, Keepalive, RootCertificates, SslMode, TargetSession, TlsOptions};

use keyword::Params;

/// Which of the two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The one that data comes from. It is only read.
    Old,
    /// The one that data goes to.
    New,
}

impl Side {
    /// A short name for people and machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
        }
    }

    /// The variable that holds the connection string if the command line has none.
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Old => "PGTANDEM_FROM",
            Self::New => "PGTANDEM_TO",
        }
    }

    /// The option of the command line that gives the connection string.
    const fn option(self) -> &'static str {
        match self {
            Self::Old => "--from",
            Self::New => "--to",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} server", self.name())
    }
}

/// Everything that a login needs. `Debug` and [`ConnInfo::redacted`] show no password.
#[derive(Clone)]
pub struct ConnInfo {
    candidates: Vec<Candidate>,
    user: String,
    database: String,
    password: Option<(Secret, PasswordSource)>,
    passfile: Option<Arc<PassFile>>,
    last_resort: Option<(Secret, PasswordSource)>,
    application_name: String,
    options: Option<String>,
    connect_timeout: Option<Duration>,
    target: TargetSession,
    keepalive: Keepalive,
    channel_binding: ChannelBinding,
    tls: TlsOptions,
}

impl ConnInfo {
    /// Finds out where to connect to for `side`: `given` (a URI, keywords with values, or the bare name of a database),
    /// else the variable PGTANDEM_FROM or PGTANDEM_TO; the rest from service file, environment and password file.
    ///
    /// # Errors
    /// * `Usage` if there is no connection string, or it cannot be read, or asks for what is not there.
    /// * `Usage` if the service, or the file that POSTGRES_PASSWORD_FILE names, cannot be found.
    pub fn resolve(side: Side, given: Option<&str>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let env = &|name: &str| env(name).filter(|value| !value.is_empty());
        let from_env = env(side.variable());
        let text = given.or(from_env.as_deref()).unwrap_or_default().trim();
        if text.is_empty() {
            return Err(Error::usage(format!("no connection string for the {side}")).with_hint(format!(
                "Give {} URI, or set {}=URI, such as postgresql://user@host:5432/database.",
                side.option(),
                side.variable()
            )));
        }
        Self::from_text(text, env).map_err(|error| error.about(side))
    }

    fn from_text(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let home = env("HOME").or_else(user::home);
        let environment = Params::of_environment(env);
        let mut params = parse::parse(text)?;
        let mut password_from = params.get("password").map(|_| PasswordSource::ConnectionString);
        if let Some(name) = params.get("service").or(environment.get("service")) {
            let mut of_service = Params::default();
            for (keyword, value) in service::find(name, env, home.as_deref())? {
                of_service.set(&keyword, value)?;
            }
            params.fill(&of_service);
            password_from = password_from.or(params.get("password").map(|_| PasswordSource::Service));
        }
        params.fill(&environment);
        params.check()?;
        let password_from = password_from.unwrap_or(PasswordSource::Variable("PGPASSWORD"));
        let user = match params.get("user").map(str::to_owned).or_else(|| env("POSTGRES_USER")) {
            Some(user) => user,
            None => user::name(env)?,
        };
        let passfile = params.get("passfile").map(PathBuf::from);
        let passfile = passfile.or_else(|| home.as_deref().map(|home| Path::new(home).join(".pgpass")));
        Ok(Self {
            candidates: host::candidates(&params)?,
            database: params.get("dbname").map(str::to_owned).or_else(|| env("POSTGRES_DB")).unwrap_or(user.clone()),
            user,
            password: params.get("password").map(|password| (Secret::new(password), password_from)),
            passfile: passfile.map(|path| Arc::new(PassFile::read(&path))),
            last_resort: image_password(env)?,
            application_name: params.get("application_name").unwrap_or("pgtandem").to_owned(),
            options: params.get("options").map(str::to_owned),
            connect_timeout: options::connect_timeout(&params)?,
            target: options::target_session(&params)?,
            keepalive: Keepalive::of(&params)?,
            channel_binding: options::channel_binding(&params)?,
            tls: TlsOptions::of(&params, home.as_deref())?,
        })
    }

    /// The same login, to another database of the same server.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        Self { database: database.to_owned(), ..self.clone() }
    }

    /// The same login, with more of what the server is told as the session begins ("-c name=value"). It has the last word.
    #[must_use]
    pub fn with_options(&self, more: &str) -> Self {
        let before = self.options.as_ref().map(|options| format!("{options} ")).unwrap_or_default();
        Self { options: Some(before + more), ..self.clone() }
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// The role that logs in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The places to try, in order.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The password for one of the places, and where it came from.
    pub fn password(&self, at: &Candidate) -> Option<(&Secret, PasswordSource)> {
        let in_file = || {
            let file = self.passfile.as_deref()?;
            let found = file.find(&at.passfile_names(), at.port, &self.database, &self.user)?;
            Some((found, PasswordSource::PasswordFile))
        };
        let given = self.password.as_ref().map(|(secret, from)| (secret, *from));
        given.or_else(in_file).or_else(|| self.last_resort.as_ref().map(|(secret, from)| (secret, *from)))
    }

    /// The password file that was looked at.
    pub fn passfile(&self) -> Option<&PassFile> {
        self.passfile.as_deref()
    }

    /// The name that sessions bear, before what each is for.
    pub fn application_name(&self) -> &str {
        &self.application_name
    }

    /// Command-line options for the server process.
    pub fn options(&self) -> Option<&str> {
        self.options.as_deref()
    }

    /// How long to wait for one address, login included; `None` is forever.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }

    /// What kind of server is wanted among the places.
    pub fn target(&self) -> TargetSession {
        self.target
    }

    /// How TCP connections are kept alive.
    pub fn keepalive(&self) -> &Keepalive {
        &self.keepalive
    }

    /// Whether the login must be bound to the TLS connection.
    pub fn channel_binding(&self) -> ChannelBinding {
        self.channel_binding
    }

    /// How to encrypt.
    pub fn tls(&self) -> &TlsOptions {
        &self.tls
    }

    /// A URI that shows everything about the place and nothing secret.
    pub fn redacted(&self) -> String {
        host::redacted(&self.candidates, &self.user, &self.database)
    }

    /// Whether both may be the same server, by the look of their addresses. Only a hint: names can differ for one
    /// server, and one name can stand for two; the system identifier (`pg_control_system()`) is the proof.
    pub fn same_server_hint(&self, other: &Self) -> bool {
        self.candidates.iter().any(|own| other.candidates.iter().any(|its| own.same_place(its)))
    }
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ConnInfo").field(&self.redacted()).finish()
    }
}

/// The password as the official container image knows it: a variable, or a variable that names a file (a mounted
/// secret).
fn image_password(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<(Secret, PasswordSource)>> {
    if let Some(password) = env("POSTGRES_PASSWORD") {
        return Ok(Some((Secret::new(password), PasswordSource::Variable("POSTGRES_PASSWORD"))));
    }
    let Some(path) = env("POSTGRES_PASSWORD_FILE") else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Error::usage("cannot read the file that POSTGRES_PASSWORD_FILE names").about(&path).with_source(error)
    })?;
    let password = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok((!password.is_empty()).then(|| (Secret::new(password), PasswordSource::FileOf("POSTGRES_PASSWORD_FILE"))))
}
