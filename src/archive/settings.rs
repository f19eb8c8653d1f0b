//! The three records of an archive that are settings for all others (PostgreSQL 18,
//! `src/bin/pg_dump/pg_backup_archiver.c`, `processEncodingEntry` and its neighbours).

use super::toc::Record;
use crate::error::{Error, Result};

/// What has to be set before anything of an archive is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `client_encoding`: the encoding of all texts and rows. Letters, digits, `_` and `-` alone.
    pub encoding: String,
    /// `standard_conforming_strings`.
    pub standard_strings: bool,
    /// The statement that sets the search path, as it stands in the archive; before 1.13 there is none, and every record has
    /// to be made with its own schema in the path.
    pub search_path: Option<Vec<u8>>,
}

impl Settings {
    /// Those of these records.
    ///
    /// # Errors
    /// * `Malformed` where they do not say what they should.
    pub fn of(records: &[Record]) -> Result<Self> {
        let mut settings = Self { encoding: "SQL_ASCII".to_owned(), standard_strings: true, search_path: None };
        for record in records {
            let text = record.definition.as_deref().unwrap_or_default();
            match record.desc.as_slice() {
                b"ENCODING" => settings.encoding = encoding(text)?,
                b"STDSTRINGS" => {
                    settings.standard_strings = match quoted(text) {
                        Some(b"on") => true,
                        Some(b"off") => false,
                        _ => return Err(malformed("STDSTRINGS", text)),
                    }
                }
                b"SEARCHPATH" => settings.search_path = Some(text.to_vec()),
                _ => {}
            }
        }
        Ok(settings)
    }
}

fn encoding(text: &[u8]) -> Result<String> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let name = quoted(text).filter(|name| !name.is_empty() && name.iter().all(is_of_name));
    let name = name.and_then(|name| std::str::from_utf8(name).ok());
    name.map(str::to_owned).ok_or_else(|| malformed("ENCODING", text))
}

/// What stands between the first two quotes.
fn quoted(text: &[u8]) -> Option<&[u8]> {
    let mut parts = text.split(|byte| *byte == b'\'');
    let value = parts.nth(1)?;
    parts.next().map(|_| value)
}

fn malformed(what: &str, text: &[u8]) -> Error {
    let shown: String = String::from_utf8_lossy(text).chars().take(100).collect();
    Error::malformed(format!("the entry {what} of the archive makes no sense")).about(shown.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[(&str, &str)]) -> Result<Settings> {
        let record =
            |(desc, text): &(&str, &str)| Record { definition: Some((*text).into()), ..Record::new(1, desc, desc) };
        Settings::of(&texts.iter().map(record).collect::<Vec<_>>())
    }

    #[test]
    fn settings_are_found() {
        let path = "SELECT pg_catalog.set_config('search_path', '', false);\n";
        let found = of(&[
            ("ENCODING", "SET client_encoding = 'LATIN1';\n"),
            ("STDSTRINGS", "SET standard_conforming_strings = 'off';\n"),
            ("SEARCHPATH", path),
        ]);
        let expected = Settings { encoding: "LATIN1".into(), standard_strings: false, search_path: Some(path.into()) };
        assert_eq!(found.unwrap(), expected);
        assert_eq!(of(&[]).unwrap().search_path, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (desc, text) in [
            ("ENCODING", "SET client_encoding = UTF8;"),
            ("ENCODING", "SET client_encoding = 'UTF8"),
            ("ENCODING", "SET client_encoding = 'UTF8;\n\\! x';"),
            ("STDSTRINGS", "SET standard_conforming_strings = 'maybe';"),
        ] {
            assert!(of(&[(desc, text)]).is_err(), "{text}");
        }
    }
}
