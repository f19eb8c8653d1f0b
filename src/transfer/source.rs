//! How rows are read.

use crate::sql;
use crate::sql::{Literal, Sql, join};
use crate::toc::Rows;

/// The statement that sends the rows of one table, on either server: what was read from the old one can be read back from
/// the new one in the same form. `encoding` is that of both databases: nothing is converted on the way, and bytes that a
/// database without an encoding (`SQL_ASCII`) holds stay what they are.
pub(super) fn copy_out(rows: &Rows, encoding: &str) -> Sql {
    let columns = join(&rows.columns, ", ");
    let what = match (&rows.filter, rows.columns.is_empty()) {
        (None, true) => sql!("{}", rows.table),
        (None, false) => sql!("{} ({})", rows.table, columns),
        (Some(filter), _) => sql!("(SELECT {} FROM {} {})", columns, rows.table, filter),
    };
    sql!("COPY {} TO STDOUT (ENCODING {})", what, Literal(encoding))
}

/// The statement that counts the same rows.
pub(super) fn count(rows: &Rows) -> Sql {
    match &rows.filter {
        None => sql!("SELECT count(*) AS rows FROM ONLY {}", rows.table),
        Some(filter) => sql!("SELECT count(*) AS rows FROM {} {}", rows.table, filter),
    }
}
