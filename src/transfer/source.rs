//! How rows are read.

use crate::sql;
use crate::sql::{Literal, Sql, join};
use crate::toc::{Part, RowForm, Rows};

/// The statement that sends the rows of one table, on either server: what was read from the old one can be read back from
/// the new one in the same form. `encoding` is that of both databases: nothing is converted on the way, and bytes that a
/// database without an encoding (`SQL_ASCII`) holds stay what they are.
pub fn copy_out(rows: &Rows, encoding: &str) -> Sql {
    let columns = join(&rows.columns, ", ");
    let what = match (&rows.filter, rows.columns.is_empty()) {
        (None, true) => sql!("{}", rows.table),
        (None, false) => sql!("{} ({})", rows.table, columns),
        (Some(filter), _) => sql!("(SELECT {} FROM {} {})", columns, rows.table, filter),
    };
    sql!("COPY {} TO STDOUT ({})", what, form(rows, encoding))
}

/// The options that say how rows cross.
pub(super) fn form(rows: &Rows, encoding: &str) -> Sql {
    match rows.form {
        RowForm::Text => sql!("ENCODING {}", Literal(encoding)),
        RowForm::Binary => sql!("ENCODING {}, FORMAT binary", Literal(encoding)),
    }
}

/// The statement that sends a part of the rows: those on a range of pages. What was added to the table since these were
/// counted, all lies on the last ones.
pub fn copy_part(rows: &Rows, part: Part, encoding: &str) -> Sql {
    let columns = join(&rows.columns, ", ");
    sql!("COPY (SELECT {} FROM {}) TO STDOUT ({})", columns, range(rows, part), form(rows, encoding))
}

/// The table, and which of its rows a part has.
fn range(rows: &Rows, part: Part) -> Sql {
    let page = |part: Part| {
        let place = format!("({},0)", part.begins_at(rows.pages.into()));
        sql!("{}::pg_catalog.tid", Literal(&place))
    };
    let end = match part.is_last() {
        true => Sql::default(),
        false => sql!(" AND ctid < {}", page(part.next())),
    };
    sql!("ONLY {} WHERE ctid >= {}{}", rows.table, page(part), end)
}

/// The statement that counts a part of the rows.
pub(super) fn count_part(rows: &Rows, part: Part) -> Sql {
    sql!("SELECT count(*) AS rows FROM {}", range(rows, part))
}

/// The statement that tells how many pages a table has.
pub(super) fn pages(rows: &Rows) -> Sql {
    let name = rows.table.to_string();
    sql!(
        "SELECT pg_catalog.pg_relation_size({}) / pg_catalog.current_setting('block_size')::bigint AS pages",
        Literal(&name)
    )
}

/// The statement that counts the same rows.
pub(super) fn count(rows: &Rows) -> Sql {
    match &rows.filter {
        None => sql!("SELECT count(*) AS rows FROM ONLY {}", rows.table),
        Some(filter) => sql!("SELECT count(*) AS rows FROM {} {}", rows.table, filter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Ident, QualName};

    #[test]
    fn parts_meet_where_they_end() {
        let rows = Rows { pages: 10, parts: 3, ..Rows::of(QualName::new("s", "t"), vec![Ident::new("a")]) };
        let conditions: Vec<String> = (0..3)
            .map(|number| copy_part(&rows, Part { number, of: 3 }, "UTF8").as_str().to_owned())
            .map(|text| text.split(" WHERE ").nth(1).unwrap_or_default().to_owned())
            .collect();
        assert_eq!(
            conditions,
            [
                "ctid >= '(0,0)'::pg_catalog.tid AND ctid < '(3,0)'::pg_catalog.tid) TO STDOUT (ENCODING 'UTF8')",
                "ctid >= '(3,0)'::pg_catalog.tid AND ctid < '(6,0)'::pg_catalog.tid) TO STDOUT (ENCODING 'UTF8')",
                "ctid >= '(6,0)'::pg_catalog.tid) TO STDOUT (ENCODING 'UTF8')",
            ]
        );
    }
}
