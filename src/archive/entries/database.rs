//! The database that an archive is of: how it was made, and what it has besides its objects.

use crate::error::{Error, Result};
use crate::sql::lex::{Ends, Token, tokens};
use crate::sql::{Ident, Sql};

/// A database, as `CREATE DATABASE` makes it, and what is done to it then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<Ident>,
    /// Its encoding.
    pub encoding: Option<String>,
    /// Where its collation comes from: `libc`, `icu` or `builtin`; not said before 15.
    pub provider: Option<String>,
    /// `LC_COLLATE`.
    pub collate: Option<String>,
    /// `LC_CTYPE`.
    pub ctype: Option<String>,
    /// The locale of a provider other than libc.
    pub locale: Option<String>,
    /// The tailoring of an ICU collation.
    pub icu_rules: Option<String>,
    /// Its tablespace, unless that is the default.
    pub tablespace: Option<Ident>,
    /// Statements that give it comment, privileges, limits and settings, under its name.
    pub(super) properties: Vec<String>,
}

impl Database {
    /// Takes a `CREATE DATABASE` apart, whether it was written by `pg_dump` or by us.
    ///
    /// # Errors
    /// * `Malformed` for anything else, or for an option that is not known.
    pub(super) fn parse(statement: &str, backslashes: bool) -> Result<Self> {
        let failed = || {
            Error::malformed("cannot understand the CREATE DATABASE of the archive")
                .with_statement(statement.trim_end())
        };
        let words = tokens(statement, backslashes).into_iter().map(|(token, _)| token);
        // What stands between option and value has no meaning.
        let mut words = words.filter(|token| !matches!(token, Token::Symbol('=' | ';')) && !token.is("with"));
        let begins = words.next().is_some_and(|w| w.is("create")) && words.next().is_some_and(|w| w.is("database"));
        let name = words.next().filter(|_| begins);
        let name = name.as_ref().and_then(Token::name).ok_or_else(failed)?.to_owned();
        let mut database = Self { name, ..Self::default() };
        while let Some(option) = words.next() {
            let Token::Word(option) = option else { return Err(failed()) };
            let value = match words.next() {
                Some(Token::Word(value) | Token::Name(value) | Token::Text(value) | Token::Number(value)) => value,
                _ => return Err(failed()),
            };
            database.set(&option, value).ok_or_else(failed)?;
        }
        // ICU without rules of its own.
        database.icu_rules = database.icu_rules.filter(|rules| !rules.is_empty());
        Ok(database)
    }

    fn set(&mut self, option: &str, value: String) -> Option<()> {
        match option {
            "template" | "strategy" | "oid" | "collation_version" => {}
            "owner" => self.owner = Some(value.into()),
            "encoding" => self.encoding = Some(value),
            "locale_provider" => self.provider = Some(value.to_ascii_lowercase()),
            "locale" => (self.collate, self.ctype) = (Some(value.clone()), Some(value)),
            "lc_collate" => self.collate = Some(value),
            "lc_ctype" => self.ctype = Some(value),
            "icu_locale" | "builtin_locale" => self.locale = Some(value),
            "icu_rules" => self.icu_rules = Some(value),
            "tablespace" => self.tablespace = Some(value.into()).filter(|name: &Ident| name.as_str() != "pg_default"),
            _ => return None,
        }
        Some(())
    }

    /// The statements that give a database of this name everything else that this one has: comment, privileges, limits,
    /// settings. The owner is not among them.
    pub fn properties(&self, name: &Ident, backslashes: bool) -> Vec<Sql> {
        let renamed = self.properties.iter().map(|text| renamed(text, &self.name, name, backslashes));
        renamed.map(Sql::archived).collect()
    }

    /// The search path that it gives to all its users, as what follows SET.
    pub fn search_path(&self, backslashes: bool) -> Option<Sql> {
        let path = self.properties.iter().rev().find_map(|text| {
            let words = tokens(text, backslashes);
            let word = |at: usize, keyword: &str| words.get(at).is_some_and(|(word, _)| word.is(keyword));
            // ALTER DATABASE name SET search_path
            let sets = word(1, "database") && word(3, "set") && words.get(4)?.0.name() == Some("search_path");
            text.get(words.get(4)?.1.start..).filter(|_| sets)
        });
        path.map(Sql::archived)
    }

    /// Adds the statements of a text.
    pub(super) fn add(&mut self, text: &str, backslashes: bool) {
        self.properties.extend(statements(text, backslashes));
    }
}

/// The statements of a text, without their semicolons.
pub(super) fn statements(text: &str, backslashes: bool) -> Vec<String> {
    let (mut ends, mut found, mut from) = (Ends::new(backslashes), Vec::new(), 0);
    ends.add(text.as_bytes(), &mut found);
    found.push(text.len() + 1);
    let parts = found.into_iter().filter_map(|end| text.get(std::mem::replace(&mut from, end)..end.saturating_sub(1)));
    parts.filter(|part| !tokens(part, backslashes).is_empty()).map(|part| part.trim().to_owned()).collect()
}

/// The same text about a database of another name: what stands after the keyword DATABASE is one.
fn renamed(text: &str, from: &str, to: &Ident, backslashes: bool) -> String {
    let words = tokens(text, backslashes);
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for pair in words.windows(2) {
        let [(keyword, _), (name, at)] = pair else { continue };
        if keyword.is("database") && name.name() == Some(from) {
            out.push_str(text.get(done..at.start).unwrap_or_default());
            out.push_str(&to.to_string());
            done = at.end;
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_pg_dump_makes_it() {
        let libc = Database {
            name: "shop".into(),
            encoding: Some("UTF8".into()),
            provider: Some("libc".into()),
            collate: Some("en_US.utf8".into()),
            ctype: Some("en_US.utf8".into()),
            ..Database::default()
        };
        let stock = "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'en_US.utf8';\n\n\n";
        assert_eq!(Database::parse(stock, false).unwrap(), libc);
        let before_15 = "CREATE DATABASE \"Sh op\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LC_COLLATE = 'C' LC_CTYPE = 'x' TABLESPACE = fast;";
        let parsed = Database::parse(before_15, false).unwrap();
        assert_eq!((parsed.name.as_str(), parsed.provider, parsed.tablespace), ("Sh op", None, Some("fast".into())));
        assert_eq!((parsed.collate.as_deref(), parsed.ctype.as_deref()), (Some("C"), Some("x")));
        let icu = "CREATE DATABASE a WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C' \
                   ICU_LOCALE = 'de' ICU_RULES = '&a < ''b';";
        let parsed = Database::parse(icu, false).unwrap();
        assert_eq!((parsed.locale.as_deref(), parsed.icu_rules.as_deref()), (Some("de"), Some("&a < 'b")));
        let ours = "CREATE DATABASE \"shop\" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LC_COLLATE 'en_US.utf8' \
                    LC_CTYPE 'en_US.utf8'";
        assert_eq!(Database::parse(ours, false).unwrap(), libc);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for absurd in
            ["", "DROP DATABASE a", "CREATE DATABASE", "CREATE DATABASE a WITH", "CREATE DATABASE a WITH x = 1"]
        {
            let parsed = Database::parse(absurd, false);
            assert_eq!(parsed.is_err(), absurd != "CREATE DATABASE a WITH", "{absurd}");
        }
        assert!(Database::parse("CREATE DATABASE a ENCODING", false).is_err());
        assert!(Database::parse("CREATE DATABASE a; DROP DATABASE b;", false).is_err());
    }

    #[test]
    fn properties_take_another_name() {
        let mut database = Database { name: "Shop".into(), ..Database::default() };
        database.add(
            "ALTER DATABASE \"Shop\" CONNECTION LIMIT = 3;\nALTER DATABASE \"Shop\" SET x TO 'DATABASE \"Shop\";';\n\
             ALTER ROLE \"Shop\" IN DATABASE \"Shop\" SET work_mem TO '1GB';\n\n\n",
            false,
        );
        database.add("GRANT CONNECT ON DATABASE \"Shop\" TO \"Shop\";\n", false);
        assert_eq!(database.search_path(false), None);
        let texts: Vec<String> = database.properties(&"b\"".into(), false).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "ALTER DATABASE \"b\"\"\" CONNECTION LIMIT = 3",
                "ALTER DATABASE \"b\"\"\" SET x TO 'DATABASE \"Shop\";'",
                "ALTER ROLE \"Shop\" IN DATABASE \"b\"\"\" SET work_mem TO '1GB'",
                "GRANT CONNECT ON DATABASE \"b\"\"\" TO \"Shop\"",
            ]
        );
    }
}
