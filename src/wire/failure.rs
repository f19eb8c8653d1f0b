//! What the client library and the server report, as our own error.

use tokio_postgres::error::DbError;

use crate::error::{Error, ErrorKind, ServerMessage};
use crate::sql::Sql;

/// What a server says in an error or a notice.
pub(super) fn message(said: &DbError) -> ServerMessage {
    ServerMessage {
        sqlstate: said.code().code().to_owned(),
        message: said.message().to_owned(),
        detail: said.detail().map(str::to_owned),
        hint: said.hint().map(str::to_owned),
        context: said.where_().map(str::to_owned),
    }
}

/// The error for a statement that failed. [`Session::server_error`](super::session::Session::server_error) knows more.
///
/// It is `ConnectionLost` where the connection broke or the server said good-bye, `Server` for what else a server
/// reports, `Malformed` for an answer that cannot be understood. Passwords within the statement are not shown.
pub fn server_error(error: tokio_postgres::Error, statement: &Sql) -> Error {
    explain(error).with_statement(masked(statement.shown()))
}

/// The same without a statement.
pub(super) fn explain(error: tokio_postgres::Error) -> Error {
    if let Some(said) = error.as_db_error() {
        return said_by_server(message(said));
    }
    // The library does not tell the kinds apart but in its text; what it has to parse comes with an I/O error, too.
    let broken = error.to_string() == "error communicating with the server";
    if error.is_closed() || broken {
        let lost = Error::new(ErrorKind::ConnectionLost, "the connection to the server was lost");
        return match error.into_source() {
            Some(source) => lost.with_source(source),
            None => lost,
        };
    }
    Error::malformed("the answer of the server cannot be understood").with_source(error)
}

/// An error for what the server says of a statement, or of the connection.
pub(super) fn said_by_server(message: ServerMessage) -> Error {
    if ends_the_session(&message.sqlstate) {
        Error::new(ErrorKind::ConnectionLost, "the server ended the connection").with_server(message)
    } else {
        Error::new(ErrorKind::Server, "a statement failed").with_server(message)
    }
}

/// Whether an error of this SQLSTATE comes with the end of the session: shutdown by the administrator (which is also
/// what `pg_terminate_backend` causes), crash of another process, server not ready, database dropped, idle for too
/// long, and class 08, connection exceptions (documentation, "PostgreSQL Error Codes").
fn ends_the_session(sqlstate: &str) -> bool {
    matches!(sqlstate, "57P01" | "57P02" | "57P03" | "57P04" | "57P05") || sqlstate.starts_with("08")
}

/// A statement in which passwords are replaced by `***`: what follows the word `password`, be it a literal
/// (`PASSWORD 'x'`, `OPTIONS (password 'x')`) or part of a connection string (`password=x`).
fn masked(statement: &str) -> String {
    const WORD: &str = "password";
    let lower = statement.to_ascii_lowercase();
    let mut out = String::with_capacity(statement.len());
    let mut done = 0;
    for (at, _) in lower.match_indices(WORD) {
        let after = at + WORD.len();
        if after < done {
            continue;
        }
        let rest = statement.get(after..).unwrap_or_default();
        let gap = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '"' || c == '=').len();
        let value = rest.get(gap..).unwrap_or_default();
        let Some(length) = secret_length(value, rest.get(..gap).unwrap_or_default().contains('=')) else { continue };
        out.push_str(statement.get(done..after + gap).unwrap_or_default());
        out.push_str("***");
        done = after + gap + length;
    }
    out.push_str(statement.get(done..).unwrap_or_default());
    out
}

/// How long the secret is at the beginning of the text, if one begins there.
fn secret_length(text: &str, after_equals: bool) -> Option<usize> {
    // A connection string within a literal: its quotes are doubled.
    if let Some(rest) = text.strip_prefix("''").filter(|_| after_equals) {
        return Some(rest.find("''").map_or(text.len(), |end| end + 4));
    }
    let quoted = text.strip_prefix(['E', 'e']).unwrap_or(text);
    if quoted.starts_with('\'') {
        return Some(text.len() - quoted.len() + literal_length(quoted));
    }
    let end = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '&' | ',' | ')' | ';');
    let bare = text.find(end).unwrap_or(text.len());
    (after_equals && bare > 0).then_some(bare)
}

/// How long a string constant is, its quotes included. Within it both ways to escape a quote are understood.
fn literal_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
            }
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_statements_are_masked() {
        let cases = [
            ("ALTER ROLE a PASSWORD 'SCRAM-x$y' LOGIN", "ALTER ROLE a PASSWORD *** LOGIN"),
            (r"CREATE ROLE a PASSWORD E'a\'b''c' X", "CREATE ROLE a PASSWORD *** X"),
            (r#"OPTIONS ("user" 'u', "password" 'p''w', x 'y')"#, r#"OPTIONS ("user" 'u', "password" ***, x 'y')"#),
            ("CONNECTION 'host=a password=pw user=b' X", "CONNECTION 'host=a password=*** user=b' X"),
            ("CONNECTION 'password=''p w'' user=b'", "CONNECTION 'password=*** user=b'"),
            ("CONNECTION 'password = pw'", "CONNECTION 'password = ***'"),
            ("SET password_encryption = 'md5'", "SET password_encryption = 'md5'"),
            ("SELECT password FROM t", "SELECT password FROM t"),
            ("PASSWORD 'never ends", "PASSWORD ***"),
            ("PASSWORD", "PASSWORD"),
            ("", ""),
        ];
        for (statement, expected) in cases {
            assert_eq!(masked(statement), expected);
        }
    }

    #[test]
    fn sqlstates_that_end_a_session() {
        for (sqlstate, kind) in
            [("57P01", ErrorKind::ConnectionLost), ("57014", ErrorKind::Server), ("08006", ErrorKind::ConnectionLost)]
        {
            let message = ServerMessage { sqlstate: sqlstate.into(), ..ServerMessage::default() };
            assert_eq!(said_by_server(message).kind(), kind);
        }
    }
}
