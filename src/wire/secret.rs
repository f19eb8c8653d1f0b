//! A password that cannot be printed by accident.

use std::fmt;

/// A password. `Debug` prints `***`; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a password in.
    pub fn new(password: impl Into<String>) -> Self {
        Self(password.into())
    }

    /// The password itself, for the login and for nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a password came from: said when the server refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// The connection string.
    ConnectionString,
    /// The service file.
    Service,
    /// An environment variable, by name.
    Variable(&'static str),
    /// The file that an environment variable names.
    FileOf(&'static str),
    /// The password file (`~/.pgpass`).
    PasswordFile,
}

impl fmt::Display for PasswordSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString => f.write_str("the connection string"),
            Self::Service => f.write_str("the service file"),
            Self::Variable(name) => f.write_str(name),
            Self::FileOf(name) => write!(f, "the file that {name} names"),
            Self::PasswordFile => f.write_str("the password file"),
        }
    }
}
