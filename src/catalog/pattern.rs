//! Patterns for names, as psql and pg_dump take them (documentation of 18, "psql", "Patterns"; PostgreSQL 18,
//! `src/fe_utils/string_utils.c`, `patternToSQLRegex`).
//!
//! A pattern becomes regular expressions, which the old server matches: it knows its own collation and search path.

use std::fmt;

use super::query::in_user_schema;
use crate::error::{Error, Result};
use crate::sql;
use crate::sql::{Literal, Sql};

/// What has a meaning in regular expressions and loses it between double quotes.
const SPECIAL: &str = "|*+?()[]{}.^$\\";

/// A pattern for the names of schemas or relations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    database: Option<String>,
    schema: Option<String>,
    name: String,
}

impl Pattern {
    /// A pattern for schemas, which has no dots outside of double quotes.
    ///
    /// # Errors
    ///
    /// `Usage`, if it has.
    pub fn of_schemas(text: &str) -> Result<Self> {
        let pattern = Self::parse(text)?;
        if pattern.schema.is_some() {
            return Err(Error::usage("a pattern for schemas takes no dots outside of double quotes").about(text));
        }
        Ok(pattern)
    }

    /// A pattern for tables and what is like them: `name`, `schema.name` or `database.schema.name`.
    ///
    /// # Errors
    ///
    /// `Usage`, if it has more parts.
    pub fn of_relations(text: &str) -> Result<Self> {
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut parts = parts(text);
        let name = parts.pop().unwrap_or_default().anchored();
        let schema = parts.pop().map(Part::anchored);
        let database = parts.pop().map(|part| part.literal);
        match parts.is_empty() {
            true => Ok(Self { text: text.to_owned(), database, schema, name }),
            false => Err(Error::usage("a pattern has too many parts (database.schema.name is the most)").about(text)),
        }
    }

    /// Insists that a pattern which names a database names this one.
    ///
    /// # Errors
    ///
    /// `Usage`, if it names another.
    pub fn insist_on(&self, database: &str) -> Result<()> {
        match &self.database {
            Some(named) if named != database => {
                Err(Error::usage("a pattern names another database than the one that is read").about(&self.text))
            }
            _ => Ok(()),
        }
    }

    /// The regular expressions for the schema, if it names one, and for the name, for whoever has no server that matches them.
    pub fn expressions(&self) -> (Option<&str>, &str) {
        (self.schema.as_deref(), &self.name)
    }

    /// Asks for the users' schemas that match.
    pub(super) fn schemas_query(&self) -> Sql {
        sql!(
            "SELECT n.nspname::text AS schema FROM pg_catalog.pg_namespace n WHERE {} AND {}",
            in_user_schema!(),
            matching("n.nspname", &self.name)
        )
    }

    /// Asks for the users' relations that match. Without a schema only those count that are visible in the search path,
    /// which the session has to have for the time being; so every name here says where it is.
    pub(super) fn relations_query(&self) -> Sql {
        let whose = match &self.schema {
            Some(schema) => matching("n.nspname", schema),
            None => Sql::constant("pg_catalog.pg_table_is_visible(c.oid)"),
        };
        sql!(
            "SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'S', 'v', 'm', 'f', 'p']::\"char\"[]) \
             AND n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND {} AND {}",
            matching("c.relname", &self.name),
            whose
        )
    }
}

/// The condition that a name matches a regular expression. Since 12 names compare as in `C`, which knows no letters but
/// those of ASCII; the database's own collation does.
fn matching(column: &'static str, regex: &str) -> Sql {
    sql!("{} OPERATOR(pg_catalog.~) {} COLLATE pg_catalog.\"default\"", column, Literal(regex))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What stands between two dots: as a regular expression, and without any of its meanings.
#[derive(Default)]
struct Part {
    regex: String,
    literal: String,
}

impl Part {
    /// The expression, for whole names. The parentheses keep alternatives together.
    fn anchored(self) -> String {
        format!("^({})$", self.regex)
    }

    fn push(&mut self, c: char, as_regex: &str) {
        self.literal.push(c);
        self.regex.push_str(as_regex);
    }

    fn push_escaped(&mut self, c: char) {
        self.regex.push('\\');
        self.push(c, c.encode_utf8(&mut [0; 4]));
    }
}

/// Takes a pattern apart. Outside of double quotes letters become lower case, `*` and `?` are wildcards, a dot separates,
/// and everything else is as in regular expressions, but for `$`, which names may hold, and `[]`, which arrays do.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = vec![Part::default()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '.' && !quoted {
            parts.push(Part::default());
            continue;
        }
        let Some(part) = parts.last_mut() else { break };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"', "\"");
            }
            '"' => quoted = !quoted,
            '$' => part.push_escaped(c),
            c if quoted && SPECIAL.contains(c) => part.push_escaped(c),
            '*' if !quoted => part.push(c, ".*"),
            '?' if !quoted => part.push(c, "."),
            '[' if chars.peek() == Some(&']') => part.push_escaped(c),
            c if !quoted => {
                let c = c.to_ascii_lowercase();
                part.push(c, c.encode_utf8(&mut [0; 4]));
            }
            c => part.push(c, c.encode_utf8(&mut [0; 4])),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regex(text: &str) -> String {
        let pattern = Pattern::of_relations(text).unwrap();
        match pattern.schema {
            Some(schema) => format!("{schema} . {}", pattern.name),
            None => pattern.name,
        }
    }

    #[test]
    fn outside_of_quotes_everything_has_its_meaning() {
        assert_eq!(regex("Orders"), "^(orders)$");
        assert_eq!(regex("s*.t?x"), "^(s.*)$ . ^(t.x)$");
        assert_eq!(regex("a|b[0-9]+"), "^(a|b[0-9]+)$");
        assert_eq!(regex("a$b"), r"^(a\$b)$");
        assert_eq!(regex("_int4[]"), r"^(_int4\[])$");
        assert_eq!(regex("ÄB"), "^(Äb)$");
    }

    #[test]
    fn between_quotes_nothing_has() {
        assert_eq!(regex(r#""A.b*""#), r"^(A\.b\*)$");
        assert_eq!(regex(r#""say ""hi""".t"#), r#"^(say "hi")$ . ^(t)$"#);
        assert_eq!(regex(r#""a\"$"#), r"^(a\\\$)$");
        assert_eq!(regex(r#"x"Y"Z"#), "^(xYz)$");
        assert_eq!(regex("\"new\nline\""), "^(new\nline)$");
    }

    #[test]
    fn parts_are_counted() {
        assert!(Pattern::of_relations("a.b.c.d").is_err());
        assert!(Pattern::of_schemas("a.b").is_err());
        assert!(Pattern::of_schemas("\"a.b\"").is_ok());
        let pattern = Pattern::of_relations("shop.s.t*").unwrap();
        assert!(pattern.insist_on("shop").is_ok() && pattern.insist_on("other").is_err());
        assert_eq!((pattern.schema.as_deref(), pattern.to_string().as_str()), (Some("^(s)$"), "shop.s.t*"));
    }
}
