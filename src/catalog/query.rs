//! How a kind says what it reads: columns with the major that introduced them, so that versions are rows and not branches.

use crate::sql;
use crate::sql::Sql;
use crate::wire::version::ServerVersion;

/// One column of a catalog query.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    expression: &'static str,
    since: u32,
    before: &'static str,
}

/// A column that is read as it is.
pub const fn col(name: &'static str) -> Column {
    expr(name, name)
}

/// An expression that is read under a name.
pub const fn expr(name: &'static str, expression: &'static str) -> Column {
    Column { name, expression, since: 0, before: "NULL" }
}

impl Column {
    /// The expression exists since this major; an older server is asked for `before` instead.
    #[must_use]
    pub const fn since(self, major: u32, before: &'static str) -> Self {
        Self { since: major, before, ..self }
    }
}

/// One query over a system catalog.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    columns: &'static [Column],
    from: &'static str,
}

/// The condition, for a query that calls `pg_namespace` `n`, that a schema is a user's.
/// The same rule as in pg_dump (PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`, `selectDumpableNamespace`).
macro_rules! in_user_schema {
    () => {
        "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
    };
}
pub(super) use in_user_schema;

impl Query {
    /// A query for these columns; `from` is everything from the word FROM on, the same for every major.
    pub const fn of(columns: &'static [Column], from: &'static str) -> Self {
        Self { columns, from }
    }

    /// The text for a server of this version.
    pub fn sql(&self, version: ServerVersion) -> Sql {
        let mut out = Sql::constant("SELECT ");
        for (i, column) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            let expression = if version.major() >= column.since { column.expression } else { column.before };
            out.push(&sql!("{} AS {}", expression, column.name));
        }
        out.push(&sql!(" {}", self.from));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_servers_are_asked_for_the_stand_in() {
        const QUERY: Query = Query::of(&[col("oid"), expr("c", "attcompression").since(14, "''")], "FROM pg_attribute");
        assert_eq!(QUERY.sql(ServerVersion(130_023)).as_str(), "SELECT oid AS oid, '' AS c FROM pg_attribute");
        assert_eq!(
            QUERY.sql(ServerVersion(140_000)).as_str(),
            "SELECT oid AS oid, attcompression AS c FROM pg_attribute"
        );
    }
}
