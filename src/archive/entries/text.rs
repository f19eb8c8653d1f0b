//! How the texts of an archive are to be read: their encoding, and what a backslash means in them.

use crate::archive::toc::Record;
use crate::error::{Error, Result};
use crate::sql::lex::{Token, tokens};
use crate::sql::{Ident, Sql};

/// The settings under which an archive was written, and its statements have to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The encoding of everything in it, by its name.
    pub encoding: String,
    /// `standard_conforming_strings`.
    pub standard_strings: bool,
    /// Whether every name in it stands with its schema. Before 1.13 the path was set for each entry.
    pub qualified: bool,
}

impl Default for Settings {
    /// What holds where an archive says nothing (PostgreSQL 18, `pg_backup_archiver.c`, `_allocAH`).
    fn default() -> Self {
        Self { encoding: "SQL_ASCII".to_owned(), standard_strings: false, qualified: false }
    }
}

impl Settings {
    /// Reads them. They stand among the records.
    pub(super) fn read(records: &[Record]) -> Result<Self> {
        let mut settings = Self::default();
        for record in records {
            let name = match record.desc.as_slice() {
                name @ (b"ENCODING" | b"STDSTRINGS" | b"SEARCHPATH") => name,
                _ => continue,
            };
            let failed = || Error::malformed("cannot understand a setting of the archive").about(super::label(record));
            let text =
                record.definition.as_deref().and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(failed)?;
            let mut texts = tokens(text, false).into_iter().filter_map(|(token, _)| match token {
                Token::Text(text) => Some(text),
                _ => None,
            });
            let value = texts.next_back().ok_or_else(failed)?;
            match (name, value.as_str()) {
                (b"ENCODING", _) => settings.encoding = value,
                (b"STDSTRINGS", "on") => settings.standard_strings = true,
                (b"STDSTRINGS", "off") => settings.standard_strings = false,
                // No pg_dump writes another one.
                (b"SEARCHPATH", "") => settings.qualified = true,
                _ => return Err(failed()),
            }
        }
        Ok(settings)
    }

    /// Whether backslashes escape in every string.
    pub const fn backslashes(&self) -> bool {
        !self.standard_strings
    }

    /// Bytes as text.
    ///
    /// # Errors
    /// * `Malformed` if they are none; `Refused` if they are in another encoding.
    pub(super) fn text(&self, bytes: &[u8]) -> Result<String> {
        let is_unicode = matches!(self.encoding.as_str(), "UTF8" | "UNICODE" | "SQL_ASCII");
        let text = std::str::from_utf8(bytes).ok().filter(|text| is_unicode || text.is_ascii());
        match text {
            Some(text) if text.contains('\0') => Err(Error::malformed("a text of the archive holds a zero byte")),
            Some(text) => Ok(text.to_owned()),
            None if self.encoding == "UTF8" => {
                Err(Error::malformed("a text of the archive is not in its encoding, UTF8"))
            }
            None => Err(Error::refused(format!(
                "names or definitions in the archive are in encoding {}, and only UTF8 is read",
                self.encoding
            ))
            .with_hint("Restore it with pg_restore, or dump the database again with --encoding UTF8.")),
        }
    }

    /// What has to be set before statements about something in this schema, for the transaction: nothing where their names
    /// say it all.
    pub(super) fn path(&self, namespace: Option<&Ident>) -> Option<Sql> {
        let schema = namespace.filter(|_| !self.qualified)?;
        Some(crate::sql!("SET LOCAL search_path TO {}, pg_catalog", schema))
    }
}
