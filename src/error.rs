//! One error type for the whole crate, and the one table that says what each kind of error means to the caller.
//!
//! An [`Error`] is a value that travels up to `main` and is printed there once. It names what was being done, the object,
//! the statement, and what the server said (message, SQLSTATE, detail, hint), and it ends with what the user can do.

use std::borrow::Cow;
use std::fmt;

/// The result type of the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, coarsely: decides the exit code, and whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The command line, a connection string or an environment variable makes no sense.
    Usage,
    /// A server cannot be reached, or refuses the login.
    Connect,
    /// The preflight found something that stands in the way. Nothing was written.
    Refused,
    /// A server reported an error while the run was under way.
    Server,
    /// The connection broke, or the server went away, in the middle of the run.
    ConnectionLost,
    /// Both sides do not hold the same.
    Differs,
    /// The user asked to stop.
    Cancelled,
    /// A file or stream could not be read or written.
    Io,
    /// Something that a server or a file sent is not what its protocol or catalog promises.
    Malformed,
}

impl ErrorKind {
    /// The exit code of the process. This table is the documentation: README and `--help` repeat it.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Server | Self::ConnectionLost | Self::Io | Self::Malformed => 1,
            Self::Usage => 2,
            Self::Connect => 3,
            Self::Refused => 4,
            Self::Differs => 5,
            Self::Cancelled => 130,
        }
    }

    /// A stable lower-case name for machines (the `kind` of an error in JSON output).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Connect => "connect",
            Self::Refused => "refused",
            Self::Server => "server",
            Self::ConnectionLost => "connection_lost",
            Self::Differs => "differs",
            Self::Cancelled => "cancelled",
            Self::Io => "io",
            Self::Malformed => "malformed",
        }
    }
}

/// What a PostgreSQL server says with an error: the fields of an ErrorResponse message
/// (documentation, "Error and Notice Message Fields").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerMessage {
    /// The five characters of the SQLSTATE.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// The secondary message, if any.
    pub detail: Option<String>,
    /// The server's own advice, if any.
    pub hint: Option<String>,
    /// Where it happened (call stack of functions, or the line of a COPY), if the server says so.
    pub context: Option<String>,
}

/// An error: what kind, while doing what, to which object, with which statement, why, and what to do about it.
///
/// The parts print in that order. `Display` gives one paragraph, lower case and without a final full stop, that fits after
/// `error: `; [`Error::hint`] is a sentence of its own.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    doing: Cow<'static, str>,
    subject: Option<String>,
    statement: Option<String>,
    server: Option<ServerMessage>,
    hint: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// How much of a statement an error shows, in characters.
const STATEMENT_SHOWN: usize = 400;

impl Error {
    /// An error of `kind`; `doing` is a lower-case fragment that says what failed, such as "cannot lock the tables".
    pub fn new(kind: ErrorKind, doing: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            doing: doing.into(),
            subject: None,
            statement: None,
            server: None,
            hint: None,
            source: None,
        }))
    }

    /// The command line or the environment makes no sense.
    pub fn usage(doing: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Usage, doing)
    }

    /// The run may not start.
    pub fn refused(doing: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Refused, doing)
    }

    /// A peer sent something that it must not send.
    pub fn malformed(doing: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Malformed, doing)
    }

    /// The user asked to stop.
    pub fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "cancelled")
    }

    /// The object that the error is about, as a user would name it (`table shop.orders`). The innermost name is kept.
    #[must_use]
    pub fn about(mut self, subject: impl fmt::Display) -> Self {
        if self.0.subject.is_none() {
            self.0.subject = Some(subject.to_string());
        }
        self
    }

    /// The statement that failed, as [`Sql::shown`](crate::sql::Sql::shown) gives it: it must not contain a password. The
    /// innermost statement is kept.
    #[must_use]
    pub fn with_statement(mut self, statement: impl fmt::Display) -> Self {
        if self.0.statement.is_none() {
            self.0.statement = Some(statement.to_string());
        }
        self
    }

    /// What the server said.
    #[must_use]
    pub fn with_server(mut self, message: ServerMessage) -> Self {
        self.0.server = Some(message);
        self
    }

    /// What the user can do, as a sentence with a full stop. The innermost advice is kept.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if self.0.hint.is_none() {
            self.0.hint = Some(hint.into());
        }
        self
    }

    /// More of what the user can do, after what is said already.
    #[must_use]
    pub fn and_hint(mut self, hint: &str) -> Self {
        let before = self.hint().map(|before| format!("{before} "));
        self.0.hint = Some(before.unwrap_or_default() + hint);
        self
    }

    /// The underlying cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error under another kind, for a caller who knows better what it means.
    #[must_use]
    pub fn as_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The object that the error is about.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The statement that failed.
    pub fn statement(&self) -> Option<&str> {
        self.0.statement.as_deref()
    }

    /// What the server said.
    pub fn server(&self) -> Option<&ServerMessage> {
        self.0.server.as_ref()
    }

    /// The SQLSTATE, if a server reported the error.
    pub fn sqlstate(&self) -> Option<&str> {
        self.0.server.as_ref().map(|s| s.sqlstate.as_str())
    }

    /// What the user can do: our own advice before the server's.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref().or_else(|| self.0.server.as_ref().and_then(|s| s.hint.as_deref()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        f.write_str(&inner.doing)?;
        if let Some(subject) = &inner.subject {
            write!(f, ": {subject}")?;
        }
        if let Some(server) = &inner.server {
            write!(f, ": {} (SQLSTATE {})", server.message, server.sqlstate)?;
            if let Some(detail) = &server.detail {
                write!(f, "\n  detail: {detail}")?;
            }
            if let Some(context) = &server.context {
                write!(f, "\n  context: {context}")?;
            }
        }
        let mut source = inner.source.as_deref().map(|s| s as &dyn std::error::Error);
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        if let Some(statement) = &inner.statement {
            let shown: String = statement.chars().take(STATEMENT_SHOWN).collect();
            let rest = if shown.len() < statement.len() { " ..." } else { "" };
            write!(f, "\n  statement: {shown}{rest}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.name())
    }
}

// `Display` already prints the chain of causes, so `source` must not offer it a second time.
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_everything_once_and_in_order() {
        let error = Error::new(ErrorKind::Server, "cannot create")
            .about("table a.b")
            .about("outer")
            .with_statement("CREATE TABLE a.b ()")
            .with_server(ServerMessage {
                sqlstate: "42P07".into(),
                message: "relation exists".into(),
                hint: Some("Drop it.".into()),
                ..ServerMessage::default()
            });
        assert_eq!(
            error.to_string(),
            "cannot create: table a.b: relation exists (SQLSTATE 42P07)\n  statement: CREATE TABLE a.b ()"
        );
        assert_eq!(error.hint(), Some("Drop it."));
        assert_eq!(error.kind().exit_code(), 1);
    }

    #[test]
    fn long_statements_are_cut() {
        let text = Error::usage("x").with_statement("é".repeat(500)).to_string();
        assert!(text.ends_with(" ..."), "{text}");
    }
}
