//! The one error type of the lab.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::sync::Arc;

/// Result of a lab operation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server or a client could not be had, or why a client failed.
///
/// It can be cloned, since a shared server that did not start fails every test that asks for it.
#[derive(Debug, Clone)]
pub enum Error {
    /// A program ran and failed.
    Command {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// The operating system refused something.
    Io {
        /// What was attempted, as a fragment that fits after "cannot".
        what: String,
        /// The system's answer.
        source: Arc<io::Error>,
    },
    /// The lab cannot do what was asked.
    Unsupported(String),
    /// A server did not start, or did not stop.
    Server {
        /// What happened.
        what: String,
        /// The end of the server's log.
        log: String,
    },
}

impl Error {
    /// Standard error of the command that failed, or the empty string.
    pub fn stderr(&self) -> &str {
        match self {
            Error::Command { stderr, .. } => stderr,
            _ => "",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Command { command, status, stderr } => {
                write!(f, "`{command}` failed ({status}): {}", stderr.trim_end())
            }
            Error::Io { what, .. } => write!(f, "cannot {what}"),
            Error::Unsupported(what) => f.write_str(what),
            Error::Server { what, log } => write!(f, "{what}; end of its log:\n{log}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Io { source, .. } => Some(source.as_ref()),
            _ => None,
        }
    }
}

/// Says what was attempted when an [`io::Error`] becomes an [`Error`].
pub(crate) trait Context<T> {
    /// `what` fits after "cannot".
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::Io { what: what(), source: Arc::new(source) })
    }
}
