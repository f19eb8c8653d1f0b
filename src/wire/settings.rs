//! What every session sets right after the login, so that nothing that somebody set for a database or a role, and no
//! difference between the two servers, changes what is read or written.

use super::conninfo::Side;
use crate::sql;
use crate::sql::{Literal, Sql, join};

/// A setting and its value.
type Setting = (&'static str, &'static str);

/// For both sides.
///
/// Both get the same values wherever a value decides how data or definitions are written or read, even where only one
/// side needs it: the comparison at the end reads from both.
const BOTH: [Setting; 25] = [
    // No limits on time: whoever watches the run decides when it has taken too long.
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    // How statements are read and definitions are written.
    ("standard_conforming_strings", "on"),
    ("escape_string_warning", "off"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("xmloption", "content"),
    // How values are written, and how they are read back.
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    // The text of a money value depends on the locale; it is moved unchanged only if both sides use the same.
    ("lc_monetary", "C"),
    // An error and not silence where row security hides rows.
    ("row_security", "off"),
    ("synchronize_seqscans", "off"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("client_min_messages", "warning"),
    // What we create names its tablespace, or wants the one of the database.
    ("default_tablespace", ""),
    // Functions may be created before what their bodies refer to.
    ("check_function_bodies", "off"),
    // Since 14 and 17.
    ("idle_session_timeout", "0"),
    ("transaction_timeout", "0"),
    // Since 11. Compiling pays for long queries; ours over the catalog are short and look expensive.
    ("jit", "off"),
];

/// For the old server.
const OLD: [Setting; 2] = [
    // Keywords differ between majors, so no name goes without quotes.
    ("quote_all_identifiers", "on"),
    // Since the minors of August 2024: nobody's view or foreign table runs code with the rights of whoever reads.
    ("restrict_nonsystem_relation_kind", "view,foreign-table"),
];

/// For the new server.
const NEW: [Setting; 4] = [
    // It would change what ALTER .. SET search_path stores.
    ("quote_all_identifiers", "off"),
    // What a crash could take away is a staging database that nobody uses yet. Whoever publishes it has to make sure
    // that it has reached the disk.
    ("synchronous_commit", "off"),
    // Since 12. Tables that use another one say so.
    ("default_table_access_method", "heap"),
    // Since 16: else roles that we create are granted to us.
    ("createrole_self_grant", ""),
];

/// The statement that lifts the limit on the time of statements. It comes first, alone, and needs next to no time itself: a
/// database may set so few milliseconds that [`statement`] would not be done in them.
pub(super) fn no_limit() -> Sql {
    sql!("SET statement_timeout = 0")
}

/// The statements that set everything, in one round trip. The last one gives `pid` and `version`.
///
/// A setting that a server does not have is passed over: older ones lack some, newer ones may have dropped others.
/// Roles stay as they are: `ALTER ROLE .. SET role` is a way in which some installations give a login its rights.
pub(super) fn statement(side: Side) -> Sql {
    let own: &[Setting] = match side {
        Side::Old => &OLD,
        Side::New => &NEW,
    };
    let all = BOTH.iter().chain(own).map(|(name, value)| sql!("({}, {})", Literal(name), Literal(value)));
    // First of all the path, so that nobody's function or operator is called in what follows.
    sql!(
        "SELECT pg_catalog.set_config('search_path', '', false);\n\
         SELECT pg_catalog.set_config(s.name, v.value, false) FROM pg_catalog.pg_settings s \
         JOIN (VALUES {}) v (name, value) ON s.name = v.name;\n\
         SELECT pg_catalog.pg_backend_pid() AS pid, pg_catalog.current_setting('server_version_num') AS version",
        join(all, ", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_once() {
        for side in [Side::Old, Side::New] {
            let text = statement(side).as_str().to_owned();
            for (name, _) in BOTH.iter().chain(if side == Side::Old { &OLD[..] } else { &NEW[..] }) {
                assert_eq!(text.matches(&format!("('{name}', '")).count(), 1, "{name} in {text}");
            }
        }
    }

    #[test]
    fn path_comes_first() {
        assert!(statement(Side::Old).as_str().starts_with("SELECT pg_catalog.set_config('search_path', '', false);"));
    }
}
