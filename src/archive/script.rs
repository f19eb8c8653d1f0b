//! An archive as a script that `psql` runs, as `pg_restore -f` writes it (PostgreSQL 18,
//! `src/bin/pg_dump/pg_backup_archiver.c`, `RestoreArchive` and `_printTocEntry`).
//!
//! # What is promised of a script, and what is not
//!
//! An archive is somebody else's text. The script enters `psql`'s restricted mode under a key that nobody can guess
//! (`\restrict`; `psql` of August 2025 and later): from there to the end no text of the archive, whatever it holds and
//! wherever `psql` takes it to begin, is a command of `psql`, so that the machine on which `psql` runs is safe. Names never
//! leave the comments or the quotes in which they are put. Rows end where the script says so.
//!
//! The definitions are statements all the same. They run with all that the role may do who runs the script, and the code
//! in them does so later with what its caller may do. A script of an archive that is not trusted has to be read first, or
//! run by a role without rights in a database of its own.

mod rows;

use std::io::{self, Write};

use super::header::Header;
use super::listing::on_one_line;
use super::owner::{qualified, quoted};
use super::read::Block;
use super::settings::Settings;
use super::toc::Record;
use super::{large_object, listing, owner};
use crate::error::{Error, ErrorKind, Result};

/// What is left out of a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// Owners: everything belongs to whoever runs it.
    pub owners: bool,
    /// Tablespaces: everything goes into the default one.
    pub tablespaces: bool,
}

/// The turns in which records come (`RestorePass`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pass {
    /// Everything but what follows.
    Main,
    /// Privileges, when everything is there.
    Privileges,
    /// What needs privileges, or would be in the way before.
    Last,
}

impl Pass {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Main, Self::Privileges, Self::Last];

    /// The turn of a record.
    pub fn of(record: &Record) -> Self {
        match record.desc.as_slice() {
            b"ACL" | b"ACL LANGUAGE" | b"DEFAULT ACL" => Self::Privileges,
            b"EVENT TRIGGER" | b"MATERIALIZED VIEW DATA" => Self::Last,
            b"COMMENT" | b"SECURITY LABEL" if record.tag.starts_with(b"EVENT TRIGGER ") => Self::Last,
            b"STATISTICS DATA" if record.section == listing::POST_DATA => Self::Last,
            _ => Self::Main,
        }
    }
}

/// A script that is being written.
pub struct Script<W> {
    out: W,
    key: String,
    settings: Settings,
    without: Without,
    /// What was set last; nothing is known at the beginning and after connecting.
    tablespace: Option<Vec<u8>>,
    table_am: Option<Vec<u8>>,
    schema: Option<Vec<u8>>,
}

/// Letters and digits of a key.
const KEY_CHARACTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// How large objects are opened: `INV_WRITE` (`src/include/libpq/libpq-fs.h`).
const FOR_WRITING: u32 = 0x20000;

/// How much of a large object one statement writes, in bytes.
const LARGE_OBJECT_PIECE: usize = 16 << 10;

/// The servers' `relkind` of partitioned tables.
const PARTITIONED: u8 = b'p';

impl<W: Write> Script<W> {
    /// Begins a script. The key of its restricted mode comes from `random` bytes, which nobody may know who could have had a
    /// hand in the archive.
    ///
    /// # Errors
    /// * If it cannot be written.
    pub fn begin(out: W, header: &Header, settings: Settings, without: Without, random: [u8; 64]) -> Result<Self> {
        let letter = |byte: u8| KEY_CHARACTERS.get(usize::from(byte) % KEY_CHARACTERS.len()).copied().unwrap_or(b'x');
        let key = random.into_iter().map(|byte| char::from(letter(byte))).collect();
        let mut script = Self { out, key, settings, without, tablespace: None, table_am: None, schema: None };
        script.put(&[b"--\n-- PostgreSQL database dump\n--\n\n"])?;
        script.restrict()?;
        for (what, version) in [("from database", &header.server), ("by pg_dump", &header.writer)] {
            let version: Vec<u8> = on_one_line(version).collect();
            script.put(&[b"-- Dumped ", what.as_bytes(), b" version ", &version, b"\n"])?;
        }
        script.put(&[b"\n"])?;
        script.fixed_state()?;
        Ok(script)
    }

    /// Ends it.
    ///
    /// # Errors
    /// * If it cannot be written.
    pub fn end(mut self) -> Result<W> {
        let key = std::mem::take(&mut self.key);
        self.put(&[b"--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict ", key.as_bytes(), b"\n\n"])?;
        self.out.flush().map_err(failed)?;
        Ok(self.out)
    }

    /// What a record says, but for the data that it has. `find` gives other records by their numbers.
    ///
    /// # Errors
    /// * `Malformed` for what no script can hold, and if owner or privileges make no sense; `Io` if it cannot be written.
    pub fn entry<'a>(&mut self, record: &Record, find: impl Fn(i64) -> Option<&'a Record>) -> Result<()> {
        self.set_for(record)?;
        self.comment(record)?;
        let definition = record.definition.as_deref().unwrap_or_default();
        if record.desc == b"SCHEMA" && self.without.owners && !definition.starts_with(b"--") {
            // Old ones name the owner.
            self.put(&[b"CREATE SCHEMA ", &quoted(&record.tag), b";\n\n\n"])?;
        } else if record.desc == large_object::METADATA {
            self.statements(large_object::create(record)?)?;
        } else if large_object::is_on_many(record) {
            self.statements(large_object::privileges(record, record.needs.first().and_then(|id| find(*id)))?)?;
        } else if !definition.is_empty() {
            self.put(&[definition, b"\n\n"])?;
        }
        if !self.without.owners {
            self.statements(owner::alter(record)?)?;
        }
        if let Some(method) = record.table_am.as_deref().filter(|_| record.relation_kind == PARTITIONED) {
            let table = qualified(record.namespace.as_deref(), &record.tag);
            self.put(&[b"ALTER TABLE ", &table, b" SET ACCESS METHOD ", &quoted(method), b";\n\n"])?;
        }
        if matches!(record.desc.as_slice(), b"DATABASE" | b"DATABASE PROPERTIES") {
            self.connect(&record.tag)?;
        }
        Ok(())
    }

    /// The data of a record.
    ///
    /// # Errors
    /// * `Malformed` if it is damaged, or a script cannot hold it; `Io` if it cannot be read or written.
    pub fn data(&mut self, record: &Record, block: &mut Block<'_>) -> Result<()> {
        if record.desc == large_object::CONTENTS {
            return self.large_objects(block);
        }
        match record.copy.as_deref().filter(|copy| !copy.is_empty()) {
            Some(copy) => {
                self.put(&[copy, if copy.ends_with(b"\n") { b"" } else { b"\n" }])?;
                rows::copy(block, &mut self.out)
            }
            None => rows::statements(block, &mut self.out),
        }
    }

    fn large_objects(&mut self, block: &mut Block<'_>) -> Result<()> {
        self.put(&[b"BEGIN;\n\n"])?;
        while let Some(oid) = block.next_object()? {
            self.put(&[format!("SELECT pg_catalog.lo_open('{oid}', {FOR_WRITING});\n").as_bytes()])?;
            while let Some(piece) = block.next_piece()? {
                for part in piece.chunks(LARGE_OBJECT_PIECE) {
                    let before: &[u8] = if self.settings.standard_strings { b"'\\x" } else { b"'\\\\x" };
                    self.put(&[b"SELECT pg_catalog.lowrite(0, ", before, &hex(part), b"');\n"])?;
                }
            }
            self.put(&[b"SELECT pg_catalog.lo_close(0);\n\n"])?;
        }
        self.put(&[b"COMMIT;\n\n"])
    }

    fn statements(&mut self, statements: Vec<Vec<u8>>) -> Result<()> {
        for statement in &statements {
            self.put(&[statement, b";\n"])?;
        }
        if statements.is_empty() { Ok(()) } else { self.put(&[b"\n"]) }
    }

    /// From here on `psql` takes no commands.
    fn restrict(&mut self) -> Result<()> {
        let key = self.key.clone();
        self.put(&[b"\\restrict ", key.as_bytes(), b"\n\n"])
    }

    /// The settings that hold for all of it. One server or the other does not know all of the timeouts.
    fn fixed_state(&mut self) -> Result<()> {
        let Settings { encoding, standard_strings, search_path } = self.settings.clone();
        let strings = if standard_strings {
            "SET standard_conforming_strings = on;\n"
        } else {
            "SET standard_conforming_strings = off;\nSET escape_string_warning = off;\n"
        };
        self.put(&[
            NO_TIMEOUTS,
            b"SET client_encoding = '",
            encoding.as_bytes(),
            b"';\n",
            strings.as_bytes(),
            search_path.as_deref().unwrap_or_default(),
            b"\nSET check_function_bodies = false;\nSET xmloption = content;\nSET client_min_messages = warning;\n\
              SET row_security = off;\n\n",
        ])
    }

    /// The settings that this record needs and the one before did not.
    fn set_for(&mut self, record: &Record) -> Result<()> {
        let schema = record.namespace.as_ref().filter(|schema| !schema.is_empty());
        if let Some(schema) = schema.filter(|_| self.settings.search_path.is_none())
            && self.schema.as_ref() != Some(schema)
        {
            let system: &[u8] = if schema == b"pg_catalog" { b"" } else { b", pg_catalog" };
            self.put(&[b"SET search_path = ", &quoted(schema), system, b";\n\n"])?;
            self.schema = Some(schema.clone());
        }
        if let Some(place) = record.tablespace.as_ref().filter(|_| !self.without.tablespaces)
            && self.tablespace.as_ref() != Some(place)
        {
            let name = if place.is_empty() { b"''".to_vec() } else { quoted(place) };
            self.put(&[b"SET default_tablespace = ", &name, b";\n\n"])?;
            self.tablespace = Some(place.clone());
        }
        if let Some(method) = record.table_am.as_ref().filter(|_| record.relation_kind != PARTITIONED)
            && self.table_am.as_ref() != Some(method)
        {
            self.put(&[b"SET default_table_access_method = ", &quoted(method), b";\n\n"])?;
            self.table_am = Some(method.clone());
        }
        Ok(())
    }

    /// What people see before each entry.
    fn comment(&mut self, record: &Record) -> Result<()> {
        let text = |text: &[u8]| on_one_line(text).collect::<Vec<u8>>();
        let before: &[u8] = match record.desc.as_slice() {
            _ if record.has_block => b"Data for ",
            b"STATISTICS DATA" => b"Statistics for ",
            _ => b"",
        };
        let schema = text(record.namespace.as_deref().unwrap_or(b"-"));
        let owner = text(record.owner.as_deref().filter(|_| !self.without.owners).unwrap_or(b"-"));
        let (tag, desc) = (text(&record.tag), text(&record.desc));
        self.put(&[
            b"--\n-- ",
            before,
            b"Name: ",
            &tag,
            b"; Type: ",
            &desc,
            b"; Schema: ",
            &schema,
            b"; Owner: ",
            &owner,
        ])?;
        let place = record.tablespace.as_deref().filter(|place| !place.is_empty() && !self.without.tablespaces);
        if let Some(place) = place {
            self.put(&[b"; Tablespace: ", &text(place)])?;
        }
        self.put(&[b"\n--\n\n"])
    }

    /// Connects to the database that was just made, outside of restricted mode: not one byte of the name may be more than a
    /// part of the name (PostgreSQL 18, `src/fe_utils/string_utils.c`, `appendPsqlMetaConnect`).
    fn connect(&mut self, database: &[u8]) -> Result<()> {
        if database.iter().any(u8::is_ascii_control) {
            return Err(Error::malformed("no script can connect to a database whose name has control characters")
                .about(String::from_utf8_lossy(database)));
        }
        let mut value = b"dbname='".to_vec();
        for &byte in database {
            if b"'\\".contains(&byte) {
                value.push(b'\\');
            }
            value.push(byte);
        }
        value.push(b'\'');
        let key = self.key.clone();
        self.put(&[b"\\unrestrict ", key.as_bytes(), b"\n\\connect -reuse-previous=on ", &quoted(&value), b"\n"])?;
        self.restrict()?;
        (self.tablespace, self.table_am, self.schema) = (None, None, None);
        self.fixed_state()
    }

    /// Writes parts of a script that the archive may have given.
    fn put(&mut self, parts: &[&[u8]]) -> Result<()> {
        for part in parts {
            if part.contains(&0) {
                return Err(Error::malformed("a text of the archive has a zero byte, which no script can have"));
            }
            self.out.write_all(part).map_err(failed)?;
        }
        Ok(())
    }
}

const NO_TIMEOUTS: &[u8] = b"SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings \
    WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');\n";

fn hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn failed(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot write the script").with_source(error)
}

#[cfg(test)]
mod tests;
