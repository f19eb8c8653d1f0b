//! Functions that need the search path of their users.
//!
//! Everything runs with an empty search path, so that names mean what they meant when they were written down. A function
//! whose body names a table without its schema then fails where the load has to call it: in an index expression, a CHECK, a
//! generated column, a materialized view. Such a statement has one more turn, with the path of the old database.

use crate::error::Error;
use crate::sql;
use crate::sql::Sql;

/// What to do about a function that fails under any path.
const HINT: &str = "A function that is called here names something without its schema. Say which it means: ALTER FUNCTION .. SET \
     search_path = .. in the old database. Since 17, indexes are built and materialized views are filled with no other path \
     than that.";

/// Whether a function may have looked in vain for what it names: undefined_function, undefined_table, undefined_object,
/// with a place that the server names only where it was inside of a function, or of a COPY.
pub(super) fn is_lost(error: &Error) -> bool {
    let unknown = matches!(error.sqlstate(), Some("42883" | "42P01" | "42704"));
    unknown && error.server().is_some_and(|server| server.context.is_some())
}

/// The statement that makes a path hold for the transaction; `path` is what follows SET LOCAL.
pub(super) fn set(path: &Sql) -> Sql {
    sql!("SET LOCAL {}", path)
}

/// The error of a statement that has failed twice: `again` is that of its second turn.
pub(super) fn failed_twice(first: Error, again: Error) -> Error {
    if is_lost(&again) { first.with_hint(HINT) } else { again }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ServerMessage};

    fn error(sqlstate: &str, context: Option<&str>) -> Error {
        let (sqlstate, context) = (sqlstate.to_owned(), context.map(str::to_owned));
        Error::new(ErrorKind::Server, "cannot").with_server(ServerMessage { sqlstate, context, ..Default::default() })
    }

    #[test]
    fn only_functions_are_lost() {
        assert!(is_lost(&error("42P01", Some("SQL function \"f\" during inlining"))));
        assert!(!is_lost(&error("42P01", None)));
        assert!(!is_lost(&error("23505", Some("COPY t, line 1"))));
    }

    #[test]
    fn the_hint_is_for_those_who_are_lost_under_any_path() {
        let lost = || error("42883", Some("PL/pgSQL function s.f(integer) line 1"));
        assert_eq!(failed_twice(lost(), lost()).hint(), Some(HINT));
        assert_eq!(failed_twice(lost(), error("22012", None)).sqlstate(), Some("22012"));
    }
}
