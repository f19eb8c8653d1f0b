//! How rows are read.

use crate::sql;
use crate::sql::{Sql, join};
use crate::toc::Rows;

/// The statement that sends the rows of one table, on either server: what was read from the old one can be read back from
/// the new one in the same form.
pub(super) fn copy_out(rows: &Rows) -> Sql {
    let columns = join(&rows.columns, ", ");
    match (&rows.filter, rows.columns.is_empty()) {
        (None, true) => sql!("COPY {} TO STDOUT", rows.table),
        (None, false) => sql!("COPY {} ({}) TO STDOUT", rows.table, columns),
        (Some(filter), _) => sql!("COPY (SELECT {} FROM {} {}) TO STDOUT", columns, rows.table, filter),
    }
}

/// The statement that counts the same rows.
pub(super) fn count(rows: &Rows) -> Sql {
    match &rows.filter {
        None => sql!("SELECT count(*) AS rows FROM ONLY {}", rows.table),
        Some(filter) => sql!("SELECT count(*) AS rows FROM {} {}", rows.table, filter),
    }
}
