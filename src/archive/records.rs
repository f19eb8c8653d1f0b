//! From the entries of a table of contents to the records of an archive, in the forms that stock `pg_restore` knows.
//!
//! What a form has to be like is in PostgreSQL 18, `src/bin/pg_dump/pg_backup_archiver.c`: owners are given by
//! `_printTocEntry`, the turns of privileges and refreshes by `RestorePass`, what runs side by side by `fix_dependencies`.

use super::manifest::{self, Hint};
use super::primitive::Offset;
use super::toc::Record;
use crate::sql;
use crate::sql::{DollarQuoted, Ident, Literal, Sql, join};
use crate::toc::{Data, Entry, EntryId, Kind, RowForm, Rows, Section, Toc};

/// `pg_database` and `pg_largeobject_metadata`, by their OIDs.
const PG_DATABASE: u32 = 1262;
const PG_LARGE_OBJECT_METADATA: u32 = 2995;

/// What the COPY statement of rows in binary form ends with.
pub(super) const BINARY: &str = " WITH (FORMAT binary);\n";

/// What `pg_restore` tells of them, also where it makes a script, in which they cannot be.
const WARNING: &str = "-- tables of this archive are in binary form: restore it into a database, not into a script\n";

/// What there is of a database besides its entries.
#[derive(Clone, Debug)]
pub struct Database {
    /// Its OID.
    pub oid: u32,
    /// Its name.
    pub name: Ident,
    /// Its owner, if that is wanted.
    pub owner: Option<Ident>,
    /// The encoding of all texts and rows, by its name.
    pub encoding: String,
    /// `CREATE DATABASE`.
    pub create: Sql,
    /// What gives it everything else.
    pub properties: Vec<Sql>,
}

/// The records of an archive, and what they cannot say.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// The records, in their order. The last one is the manifest's.
    pub records: Vec<Record>,
    /// What they cannot say.
    pub hints: Vec<Hint>,
}

/// All records of a database. An entry's record bears the entry's number. Entries with data come in this order, which should
/// be that in which they are read.
pub fn records(database: &Database, toc: &Toc, data: &[EntryId]) -> Records {
    let mut writer = Writer { toc, next: toc.next_id().0, large_objects: Vec::new(), out: Records::default() };
    writer.preamble(database);
    let is_binary = |entry: &Entry| matches!(&entry.data, Some(Data::Rows(rows)) if rows.form == RowForm::Binary);
    if toc.entries().iter().any(is_binary) {
        let warning = Record { section: 2, definition: Some(WARNING.into()), ..writer.blank("WARNING", "") };
        writer.out.records.push(warning);
    }
    for section in [Section::PreData, Section::Data, Section::PostData, Section::Last] {
        if section == Section::Data {
            data.iter().filter_map(|id| toc.get(*id)).for_each(|entry| writer.entry(entry));
        }
        for entry in toc.entries().iter().filter(|entry| entry.section == section && entry.data.is_none()) {
            writer.entry(entry);
        }
    }
    let manifest = Record { section: 1, ..writer.blank(manifest::DESC, "") };
    writer.out.records.push(manifest);
    writer.out
}

struct Writer<'a> {
    toc: &'a Toc,
    next: u32,
    /// The records of the objects that an entry for many large objects makes.
    large_objects: Vec<(EntryId, Vec<i64>)>,
    out: Records,
}

impl Writer<'_> {
    fn blank(&mut self, desc: &str, tag: &str) -> Record {
        let id = i64::from(self.next);
        self.next += 1;
        Record::new(id, desc, tag)
    }

    /// What every archive begins with, and the database itself.
    fn preamble(&mut self, database: &Database) {
        let encoding = sql!("SET client_encoding = {}", Literal(&database.encoding));
        let settings = [
            ("ENCODING", encoding),
            ("STDSTRINGS", Sql::constant("SET standard_conforming_strings = 'on'")),
            ("SEARCHPATH", Sql::constant("SELECT pg_catalog.set_config('search_path', '', false)")),
        ];
        for (desc, statement) in settings {
            let record = Record { definition: script([&statement]), ..self.blank(desc, desc) };
            self.out.records.push(record);
        }
        let name = &database.name;
        let made = Record {
            catalog: PG_DATABASE.to_string().into(),
            object: database.oid.to_string().into(),
            definition: script([&database.create]),
            drop: script([&sql!("DROP DATABASE {}", name)]),
            owner: database.owner.as_ref().map(|owner| owner.as_str().into()),
            ..self.blank("DATABASE", name.as_str())
        };
        let id = made.id;
        self.out.records.push(made);
        if !database.properties.is_empty() {
            let record = Record {
                definition: script(&database.properties),
                drop: Some(Vec::new()),
                needs: vec![id],
                ..self.blank(Kind::Database.desc(), name.as_str())
            };
            self.out.records.push(record);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        match entry.kind {
            Kind::LargeObject => self.large_objects(entry),
            _ => {
                let record = self.record(entry);
                self.out.records.push(record);
            }
        }
        self.hint(entry);
    }

    fn record(&mut self, entry: &Entry) -> Record {
        let (owner, create) = owned(entry);
        let definition = match &entry.only_if {
            // Rows and sequences have a place or have none; there is nothing to be made.
            Some(condition) if !create.is_empty() => script([&conditional(condition, &create)]),
            _ => script(&create),
        };
        let rows = match &entry.data {
            Some(Data::Rows(rows)) => Some(rows),
            _ => None,
        };
        let through = rows.and_then(|rows| rows.into.as_ref());
        Record {
            id: entry.id.0.into(),
            has_block: entry.data.is_some(),
            // Rows are no object of their own.
            catalog: if rows.is_some() { b"0".to_vec() } else { entry.source.0.to_string().into() },
            object: entry.source.1.to_string().into(),
            tag: match &entry.data {
                Some(Data::LargeObjects(_)) => b"BLOBS".to_vec(),
                _ => entry.tag.clone().into(),
            },
            desc: entry.kind.desc().into(),
            section: section(entry),
            definition: match through {
                Some(root) => Some(sql!("-- load via partition root {}", root).as_str().into()),
                None => definition,
            },
            drop: entry.remove.as_ref().and_then(|remove| script([remove])),
            copy: rows.map(|rows| copy(rows).as_str().into()),
            namespace: entry.namespace.as_ref().map(|name| name.as_str().into()),
            tablespace: entry.tablespace.as_ref().map(|name| name.as_ref().map_or("", Ident::as_str).into()),
            table_am: entry.table_am.as_ref().map(|name| name.as_str().into()),
            relation_kind: 0,
            owner: owner.map(|owner| owner.as_str().into()),
            needs: self.needs(entry),
            offset: Offset::NoData,
        }
    }

    fn needs(&self, entry: &Entry) -> Vec<i64> {
        let each = |id: &EntryId| match self.large_objects.iter().find(|(of, _)| of == id) {
            Some((_, ids)) => ids.clone(),
            None => vec![id.0.into()],
        };
        entry.needs.iter().flat_map(each).collect()
    }

    /// One record for each object: readers up to 16 know nothing else.
    fn large_objects(&mut self, entry: &Entry) {
        let data = self.toc.entries().iter().find_map(|other| match &other.data {
            Some(Data::LargeObjects(oids)) if other.needs.contains(&entry.id) => Some(oids.as_slice()),
            _ => None,
        });
        let needs = self.needs(entry);
        let mut ids = Vec::new();
        for (n, oid) in data.unwrap_or_default().iter().enumerate() {
            let mut record = self.blank("BLOB", &oid.to_string());
            if n == 0 {
                // The first one bears the entry's own number, so that what needs the entry finds it.
                self.next -= 1;
                record.id = entry.id.0.into();
            }
            ids.push(record.id);
            let record = Record {
                catalog: PG_LARGE_OBJECT_METADATA.to_string().into(),
                object: oid.to_string().into(),
                definition: script([&sql!("SELECT pg_catalog.lo_create({})", Literal(&oid.to_string()))]),
                drop: script([&sql!("SELECT pg_catalog.lo_unlink({})", Literal(&oid.to_string()))]),
                owner: entry.owner.as_ref().map(|owner| owner.role.as_str().into()),
                needs: needs.clone(),
                ..record
            };
            self.out.records.push(record);
        }
        self.large_objects.push((entry.id, ids));
    }

    fn hint(&mut self, entry: &Entry) {
        let hint = Hint {
            id: entry.id.0,
            condition: entry.only_if.as_ref().map(|condition| condition.as_str().to_owned()).unwrap_or_default(),
            locks: entry.locks.iter().map(|id| id.0).collect(),
            weight: entry.weight,
        };
        if hint != (Hint { id: hint.id, ..Hint::default() }) {
            self.out.hints.push(hint);
        }
    }
}

/// The statements, each with its semicolon on a line of its own; nothing where there are none.
fn script<'a>(statements: impl IntoIterator<Item = &'a Sql>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for statement in statements {
        out.extend(statement.as_str().as_bytes());
        out.extend(b";\n");
    }
    (!out.is_empty()).then_some(out)
}

/// Stock tools give an object to its owner by what they know of its kind, and only what has a DROP statement. For all else
/// the statement goes with the definition.
fn owned(entry: &Entry) -> (Option<&Ident>, Vec<Sql>) {
    match &entry.owner {
        Some(owner) if has_owner(entry.kind) && entry.remove.is_some() => (Some(&owner.role), entry.create.clone()),
        Some(owner) => (None, entry.create.iter().cloned().chain([owner.alter.clone()]).collect()),
        None => (None, entry.create.clone()),
    }
}

/// The kinds of which `_printTocEntry` knows how to give them to somebody.
const fn has_owner(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Aggregate
            | Kind::Collation
            | Kind::Conversion
            | Kind::Domain
            | Kind::Function
            | Kind::Operator
            | Kind::OperatorClass
            | Kind::OperatorFamily
            | Kind::Procedure
            | Kind::Language
            | Kind::Schema
            | Kind::EventTrigger
            | Kind::Table
            | Kind::Type
            | Kind::View
            | Kind::MaterializedView
            | Kind::Sequence
            | Kind::ForeignTable
            | Kind::TextSearchDictionary
            | Kind::TextSearchConfiguration
            | Kind::ForeignDataWrapper
            | Kind::ForeignServer
            | Kind::Statistics
            | Kind::Publication
            | Kind::Subscription
    )
}

/// What runs only where the condition holds.
fn conditional(condition: &Sql, statements: &[Sql]) -> Sql {
    // A query within PL/pgSQL needs somewhere for its result; EXECUTE throws that away.
    let each = statements.iter().map(|statement| sql!("EXECUTE {};", Literal(statement.as_str())));
    let body = sql!("BEGIN IF {} THEN {} END IF; END", condition, join(each, " "));
    sql!("DO {}", DollarQuoted(body.as_str()))
}

/// The section, by its number.
const fn section(entry: &Entry) -> i64 {
    match (entry.kind, entry.section) {
        (Kind::Acl | Kind::Comment | Kind::SecurityLabel, _) => 1,
        (_, Section::Standing | Section::PreData) => 2,
        (_, Section::Data) => 3,
        (_, Section::PostData | Section::Last) => 4,
    }
}

/// The statement that takes the rows.
fn copy(rows: &Rows) -> Sql {
    let target = rows.into.as_ref().unwrap_or(&rows.table);
    let columns = match rows.columns.is_empty() {
        true => Sql::default(),
        false => sql!("({})", join(&rows.columns, ", ")),
    };
    let end = Sql::constant(if rows.form == RowForm::Binary { BINARY } else { ";\n" });
    sql!("COPY {} {} FROM stdin{}", target, columns, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::QualName;
    use crate::toc::Owner;

    fn entry(kind: Kind, section: Section, tag: &str) -> Entry {
        Entry {
            id: EntryId(0),
            kind,
            section,
            source: (1259, 16_400),
            tag: tag.to_owned(),
            namespace: Some("s".into()),
            owner: None,
            create: Vec::new(),
            only_if: None,
            remove: None,
            tablespace: None,
            table_am: None,
            data: None,
            needs: Vec::new(),
            locks: Vec::new(),
            weight: 0,
        }
    }

    fn database() -> Database {
        Database {
            oid: 5,
            name: "d".into(),
            owner: Some("o".into()),
            encoding: "UTF8".to_owned(),
            create: Sql::constant("CREATE DATABASE d"),
            properties: vec![Sql::constant("ALTER DATABASE d CONNECTION LIMIT 3")],
        }
    }

    fn records_of(toc: &Toc) -> Records {
        let data: Vec<EntryId> = toc.entries().iter().filter(|entry| entry.data.is_some()).map(|e| e.id).collect();
        records(&database(), toc, &data)
    }

    fn owner() -> Option<Owner> {
        Some(Owner { role: "o".into(), alter: Sql::constant("ALTER X OWNER TO o") })
    }

    fn found<'a>(records: &'a Records, desc: &str) -> Vec<&'a Record> {
        records.records.iter().filter(|record| record.desc == desc.as_bytes()).collect()
    }

    fn text(bytes: Option<&Vec<u8>>) -> &str {
        std::str::from_utf8(bytes.unwrap()).unwrap()
    }

    #[test]
    fn every_number_is_there_once() {
        let mut toc = Toc::default();
        let made = toc.push(Entry { owner: owner(), ..entry(Kind::LargeObject, Section::PreData, "5..7") });
        let data = Some(Data::LargeObjects(vec![5, 7]));
        toc.push(Entry { data, needs: vec![made], ..entry(Kind::LargeObjectData, Section::Data, "5..7") });
        let records = records_of(&toc);
        let mut ids: Vec<i64> = records.records.iter().map(|record| record.id).collect();
        ids.sort_unstable();
        assert_eq!(ids, (1..=ids.len() as i64).collect::<Vec<_>>());
        let blobs = found(&records, "BLOB");
        assert_eq!(
            blobs.iter().map(|r| text(r.definition.as_ref())).collect::<Vec<_>>(),
            ["SELECT pg_catalog.lo_create('5');\n", "SELECT pg_catalog.lo_create('7');\n"]
        );
        assert_eq!(found(&records, "BLOBS")[0].needs, blobs.iter().map(|r| r.id).collect::<Vec<_>>());
    }

    #[test]
    fn owners_are_for_stock_tools_to_give_where_they_can() {
        let mut toc = Toc::default();
        let create = vec![Sql::constant("CREATE TABLE t")];
        let table = Entry { owner: owner(), create, ..entry(Kind::Table, Section::PreData, "t") };
        toc.push(Entry { remove: Some(Sql::constant("DROP TABLE t")), ..table.clone() });
        toc.push(table);
        let records = records_of(&toc);
        let tables = found(&records, "TABLE");
        assert_eq!((text(tables[0].owner.as_ref()), text(tables[0].definition.as_ref())), ("o", "CREATE TABLE t;\n"));
        assert_eq!(tables[1].owner, None);
        assert_eq!(text(tables[1].definition.as_ref()), "CREATE TABLE t;\nALTER X OWNER TO o;\n");
    }

    #[test]
    fn what_may_have_no_place_asks_first() {
        let mut toc = Toc::default();
        let only_if = Some(Sql::constant("to_regclass('x') IS NOT NULL"));
        let create = vec![Sql::constant("GRANT SELECT ON \"it's\" TO o")];
        toc.push(Entry { only_if, create, ..entry(Kind::Acl, Section::Last, "TABLE t") });
        let records = records_of(&toc);
        let acl = found(&records, "ACL")[0];
        assert_eq!(
            text(acl.definition.as_ref()),
            "DO $$BEGIN IF to_regclass('x') IS NOT NULL THEN EXECUTE 'GRANT SELECT ON \"it''s\" TO o'; END IF; END$$;\n"
        );
        assert_eq!((acl.section, records.hints.len()), (1, 1));
    }

    #[test]
    fn rows_through_a_root_say_so() {
        let mut toc = Toc::default();
        let into = Some(QualName::new("s", "root"));
        let rows = Rows { into, ..Rows::of(QualName::new("s", "t"), vec!["a".into(), "b".into()]) };
        toc.push(Entry { data: Some(Data::Rows(rows)), ..entry(Kind::TableData, Section::Data, "t") });
        let records = records_of(&toc);
        let data = found(&records, "TABLE DATA")[0];
        assert_eq!(text(data.copy.as_ref()), "COPY \"s\".\"root\" (\"a\", \"b\") FROM stdin;\n");
        assert_eq!(text(data.definition.as_ref()), "-- load via partition root \"s\".\"root\"");
        assert!(data.has_block && data.section == 3 && data.catalog == b"0");
    }
}
