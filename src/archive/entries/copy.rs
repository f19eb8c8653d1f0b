//! The COPY statements of an archive, taken apart: they are run in another form.

use crate::error::{Error, Result};
use crate::sql::lex::{Token, tokens};
use crate::sql::{Ident, QualName};

/// `COPY schema.table (columns) FROM stdin;`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copy {
    /// The table that takes the rows; in archives before 1.13 without its schema.
    pub schema: Option<Ident>,
    pub table: Ident,
    pub columns: Vec<Ident>,
    /// Whether the rows are in binary form.
    pub binary: bool,
}

impl Copy {
    /// Takes a statement apart.
    ///
    /// # Errors
    /// * `Malformed` for anything that no `pg_dump` writes.
    pub fn parse(statement: &str) -> Result<Self> {
        let words: Vec<Token> = tokens(statement, false).into_iter().map(|(token, _)| token).collect();
        let mut words = Words(&words);
        let copy = words.copy().filter(|_| words.0.is_empty());
        copy.ok_or_else(|| {
            Error::malformed("cannot understand a COPY statement of the archive").with_statement(statement)
        })
    }
}

/// What is left of a statement.
struct Words<'a>(&'a [Token]);

impl Words<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn keyword(&mut self, word: &str) -> Option<()> {
        self.next()?.is(word).then_some(())
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let is_next = self.0.first() == Some(&Token::Symbol(symbol));
        if is_next {
            self.0 = self.0.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn name(&mut self) -> Option<Ident> {
        self.next()?.name().map(Ident::from)
    }

    fn copy(&mut self) -> Option<Copy> {
        self.keyword("copy")?;
        let first = self.name()?;
        let (schema, table) = match self.symbol('.') {
            true => (Some(first), self.name()?),
            false => (None, first),
        };
        let mut columns = Vec::new();
        if self.symbol('(') {
            columns.push(self.name()?);
            while self.symbol(',') {
                columns.push(self.name()?);
            }
            self.symbol(')').then_some(())?;
        }
        self.keyword("from")?;
        self.keyword("stdin")?;
        let binary = !self.0.is_empty() && !self.symbol(';');
        if binary {
            self.keyword("with")?;
            self.symbol('(').then_some(())?;
            self.keyword("format")?;
            self.keyword("binary")?;
            self.symbol(')').then_some(())?;
            self.symbol(';');
        }
        Some(Copy { schema, table, columns, binary })
    }
}

/// The table through which rows are loaded, out of the comment that says so (PostgreSQL 18, `src/bin/pg_dump/pg_dump.c`,
/// `dumpTableData`).
pub(super) fn root(definition: &str) -> Option<QualName> {
    let name = definition.trim_start().strip_prefix("-- load via partition root ")?.lines().next()?;
    let words: Vec<Token> = tokens(name, false).into_iter().map(|(token, _)| token).collect();
    let mut words = Words(&words);
    let schema = words.name()?;
    words.symbol('.').then_some(())?;
    Some(words.name()?.within(&schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pg_dump_writes() {
        let names = |names: &[&str]| names.iter().map(|name| Ident::from(*name)).collect::<Vec<_>>();
        let copy = Copy::parse("COPY shop.\"Or\"\"ders\" (id, \"a, b\", \u{fc}x) FROM stdin;\n").unwrap();
        let columns = names(&["id", "a, b", "\u{fc}x"]);
        assert_eq!(copy, Copy { schema: Some("shop".into()), table: "Or\"ders".into(), columns, binary: false });
        let copy = Copy::parse("COPY t  FROM stdin;\n").unwrap();
        assert_eq!(copy, Copy { schema: None, table: "t".into(), columns: vec![], binary: false });
        assert!(Copy::parse("COPY a.t (b) FROM stdin WITH (FORMAT binary);\n").unwrap().binary);
    }

    #[test]
    fn what_nobody_writes() {
        for absurd in [
            "",
            "COPY",
            "COPY t FROM stdin; DROP TABLE t;",
            "COPY t FROM '/etc/passwd';",
            "COPY t FROM PROGRAM 'x';",
            "COPY t (a,) FROM stdin;",
            "COPY t (a FROM stdin;",
            "COPY a.b.t FROM stdin;",
            "COPY t WITH OIDS FROM stdin;",
            "COPY t TO stdout;",
            "COPY t FROM stdin WITH (FORMAT csv);",
        ] {
            let error = Copy::parse(absurd).unwrap_err();
            assert!(error.to_string().contains("cannot understand"), "{absurd}: {error}");
        }
    }

    #[test]
    fn roots() {
        assert_eq!(root("-- load via partition root a.\"B c\""), Some(QualName::new("a", "B c")));
        assert_eq!(root("-- load"), None);
        assert_eq!(root("-- load via partition root a"), None);
    }
}
