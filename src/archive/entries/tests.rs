use super::*;
use crate::sql::QualName;
use crate::toc::{Data, Section};

/// A record of a section with a definition.
fn record(id: i64, section: i64, desc: &str, tag: &str, definition: &str, needs: &[i64]) -> Record {
    Record {
        section,
        namespace: Some(b"s".to_vec()),
        definition: Some(definition.into()),
        needs: needs.to_vec(),
        ..Record::new(id, desc, tag)
    }
}

fn rows(id: i64, tag: &str, copy: Option<&str>, needs: &[i64]) -> Record {
    Record { has_block: true, copy: copy.map(Into::into), ..record(id, 3, "TABLE DATA", tag, "", needs) }
}

fn settings(encoding: &str) -> Vec<Record> {
    vec![
        record(9001, 2, "ENCODING", "ENCODING", &format!("SET client_encoding = '{encoding}';\n"), &[]),
        record(9002, 2, "STDSTRINGS", "STDSTRINGS", "SET standard_conforming_strings = 'on';\n", &[]),
        record(9003, 2, "SEARCHPATH", "SEARCHPATH", "SELECT pg_catalog.set_config('search_path', '', false);\n", &[]),
    ]
}

fn made(records: &[Record]) -> Result<Contents> {
    let all: Vec<Record> = settings("UTF8").into_iter().chain(records.iter().cloned()).collect();
    let chosen: Vec<&Record> = all.iter().collect();
    contents(&all, &chosen, &[], Without::default(), &Known { sizes: HashMap::from([(2, 77)]), ..Known::default() })
}

fn shown(contents: &Contents) -> Vec<String> {
    let entry = |entry: &Entry| {
        let ids = |ids: &[EntryId]| ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(" ");
        format!("{:?} {} [{}] ({})", entry.section, entry.label(), ids(&entry.needs), ids(&entry.locks))
    };
    contents.toc.entries().iter().map(entry).collect()
}

#[test]
fn an_archive_becomes_entries() {
    let mut table = record(1, 2, "TABLE", "t", "CREATE TABLE s.t (a integer);\n", &[8]);
    (table.owner, table.drop) = (Some(b"o".to_vec()), Some(b"DROP TABLE s.t;\n".to_vec()));
    (table.tablespace, table.table_am) = (Some(Vec::new()), Some(b"heap".to_vec()));
    let contents = made(&[
        record(8, 2, "SCHEMA", "s", "CREATE SCHEMA s;", &[777]),
        table,
        record(5, 1, "COMMENT", "TABLE t", "COMMENT ON TABLE s.t IS 'x';", &[1]),
        rows(2, "t", Some("COPY s.t (a) FROM stdin;\n"), &[1, 1]),
        record(3, 4, "CONSTRAINT", "t pk", "ALTER TABLE ..", &[1]),
        record(4, 4, "INDEX", "i", "CREATE INDEX i ON s.t (a);", &[1]),
        record(6, 4, "EVENT TRIGGER", "e", "CREATE EVENT TRIGGER ..", &[]),
        record(7, 1, "COMMENT", "EVENT TRIGGER e", "COMMENT ..", &[6]),
        record(9, 1, "ACL", "TABLE t", "GRANT SELECT ON TABLE s.t TO reader;", &[1]),
        record(10, 1, "ACL", "SCHEMA s", "GRANT USAGE ON SCHEMA s TO reader;", &[8]),
        record(11, 1, "ARCHIVE MANIFEST", "", "", &[]),
    ])
    .unwrap();
    assert_eq!(
        shown(&contents),
        [
            "PreData SCHEMA s.s [] ()",
            "PreData TABLE s.t [1] ()",
            "PreData COMMENT s.TABLE t [2] ()",
            "Data TABLE DATA s.t [2] ()",
            "PostData CONSTRAINT s.t pk [2] (2)",
            "PostData INDEX s.i [2] ()",
            "Last ACL s.SCHEMA s [1] ()",
            "Last ACL s.TABLE t [2 7] (2)",
            "Last EVENT TRIGGER s.e [] ()",
            "Last COMMENT s.EVENT TRIGGER e [9] ()",
        ]
    );
    let table = &contents.toc.entries()[1];
    assert_eq!(table.owner.as_ref().unwrap().alter.as_str(), "ALTER TABLE \"s\".\"t\" OWNER TO \"o\"");
    assert_eq!((&table.tablespace, &table.table_am), (&Some(None), &Some("heap".into())));
    let data = &contents.toc.entries()[3];
    assert_eq!(data.weight, 77);
    assert_eq!(contents.blocks[&data.id], Block { record: 2, form: Form::Text, path: None });
    let Some(Data::Rows(rows)) = &data.data else { panic!("no rows") };
    assert!(rows.fresh && rows.into.is_none() && rows.table == QualName::new("s", "t"));
    assert_eq!(contents.roles.keys().collect::<Vec<_>>(), ["o", "reader"]);
}

#[test]
fn rows_of_all_forms() {
    let table = |id, tag| record(id, 2, "TABLE", tag, "CREATE TABLE ..", &[]);
    let mut through = rows(13, "p", Some("COPY s.root (a) FROM stdin;\n"), &[3]);
    through.definition = Some("-- load via partition root s.root".into());
    let contents = made(&[
        table(1, "text"),
        table(2, "inserts"),
        table(3, "p"),
        table(4, "parts"),
        rows(11, "text", Some("COPY s.text  FROM stdin WITH (FORMAT binary);\n"), &[1]),
        rows(12, "inserts", None, &[2]),
        through,
        rows(14, "parts", Some("COPY s.parts (a) FROM stdin;\n"), &[4]),
        rows(15, "parts", Some("COPY s.parts (a) FROM stdin;\n"), &[]),
        rows(16, "elsewhere", Some("COPY s.elsewhere (a) FROM stdin;\n"), &[]),
    ])
    .unwrap();
    let forms = contents.toc.entries().iter().filter_map(|e| match &e.data {
        Some(Data::Rows(rows)) => Some((e.tag.as_str(), contents.blocks[&e.id].form, rows.fresh, rows.into.is_some())),
        _ => None,
    });
    assert_eq!(
        forms.collect::<Vec<_>>(),
        [
            ("text", Form::Binary, true, false),
            ("inserts", Form::Statements, true, false),
            ("p", Form::Text, false, true),
            ("parts", Form::Text, false, false),
            ("parts", Form::Text, false, false),
            ("elsewhere", Form::Text, false, false),
        ]
    );
}

#[test]
fn what_refers_to_rows_of_an_extension_waits_for_them() {
    let contents = made(&[
        record(1, 2, "EXTENSION", "e", "CREATE EXTENSION ..", &[]),
        record(2, 2, "TABLE", "t", "CREATE TABLE ..", &[]),
        rows(11, "settings", Some("COPY s.settings (a) FROM stdin;\n"), &[1]),
        rows(12, "history", Some("COPY s.history (a) FROM stdin;\n"), &[1]),
        rows(13, "t", Some("COPY s.t (a) FROM stdin;\n"), &[2]),
        record(21, 4, "FK CONSTRAINT", "t t_fkey", "ALTER TABLE ..", &[2]),
    ])
    .unwrap();
    assert_eq!(
        shown(&contents)[2..],
        [
            "Data TABLE DATA s.settings [1] ()",
            "Data TABLE DATA s.history [1 3] ()",
            "Data TABLE DATA s.t [2] ()",
            "PostData FK CONSTRAINT s.t t_fkey [2 3 4] (2)",
        ]
    );
}

#[test]
fn large_objects_old_and_new() {
    let oids = |contents: &Contents| -> Vec<Vec<u32>> {
        let data = contents.toc.entries().iter().filter_map(|e| match &e.data {
            Some(Data::LargeObjects(oids)) => Some(oids.clone()),
            _ => None,
        });
        data.collect()
    };
    let blobs = |id, tag, needs: &[i64]| Record { has_block: true, ..record(id, 3, "BLOBS", tag, "", needs) };
    let old = made(&[
        record(1, 2, "BLOB", "7", "SELECT pg_catalog.lo_create('7');", &[]),
        record(2, 2, "BLOB", "3000000000", "SELECT ..", &[]),
        blobs(3, "BLOBS", &[]),
    ]);
    assert_eq!(oids(&old.unwrap()), [[7, 3_000_000_000]]);
    let records = [
        record(1, 3, "BLOB METADATA", "7..8", "7\n8\n", &[]),
        blobs(2, "7..8", &[1]),
        record(3, 3, "BLOB METADATA", "9", "9\n", &[]),
        blobs(4, "9", &[3]),
        record(5, 1, "ACL", "LARGE OBJECTS 7..8", "GRANT SELECT ON LARGE OBJECT 7 TO x;\n", &[1]),
    ];
    let new = made(&records).unwrap();
    assert_eq!(oids(&new), [vec![7, 8], vec![9]]);
    let acl = new.toc.entries().last().unwrap();
    assert_eq!(acl.create.iter().map(Sql::as_str).collect::<Vec<_>>().len(), 2);
    assert_eq!(acl.section, Section::Last);
}

#[test]
fn the_database_is_told_apart() {
    let mut database = record(
        1,
        2,
        "DATABASE",
        "shop",
        "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C';\n",
        &[],
    );
    database.owner = Some(b"o".to_vec());
    let contents = made(&[
        database,
        record(2, 1, "COMMENT", "DATABASE shop", "COMMENT ON DATABASE shop IS 'x';\n", &[1]),
        record(3, 2, "DATABASE PROPERTIES", "shop", "ALTER DATABASE shop CONNECTION LIMIT = 3;\n", &[1]),
        record(4, 1, "ACL", "DATABASE shop", "GRANT CONNECT ON DATABASE shop TO r;\n", &[1]),
        record(5, 2, "WARNING", "", "-- mind the step\n", &[]),
    ])
    .unwrap();
    assert!(contents.toc.entries().is_empty());
    let database = contents.database.unwrap();
    assert_eq!(database.owner, Some("o".into()));
    assert_eq!(database.properties(&"d".into(), false).len(), 3);
    assert_eq!(contents.warnings, ["mind the step"]);
    assert!(contents.roles.contains_key("r"));
}

#[test]
fn what_is_left_out_is_bridged() {
    let all = [
        record(1, 2, "SCHEMA", "s", "x", &[]),
        record(2, 2, "TABLE", "t", "x", &[1]),
        record(3, 4, "INDEX", "i", "x", &[2]),
        record(4, 1, "ACL", "TABLE t", "GRANT SELECT ON TABLE s.t TO reader;", &[2]),
    ];
    let chosen = [&all[0], &all[2], &all[3]];
    let without = Without { owners: true, privileges: true };
    let contents = contents(&all, &chosen, &[], without, &Known::default()).unwrap();
    assert_eq!(shown(&contents), ["PreData SCHEMA s.s [] ()", "PostData INDEX s.i [1] ()"]);
    assert!(contents.roles.is_empty());
}

#[test]
fn before_names_had_schemas() {
    let all = [record(1, 2, "TABLE", "t", "CREATE TABLE t ();", &[]), rows(2, "t", None, &[1])];
    let contents = contents(&all, &[&all[0], &all[1]], &[], Without::default(), &Known::default()).unwrap();
    let path = "SET LOCAL search_path TO \"s\", pg_catalog";
    assert_eq!(contents.toc.entries()[0].create[0].as_str(), path);
    assert_eq!(contents.blocks[&EntryId(2)].path.as_ref().unwrap().as_str(), path);
    assert!(!contents.settings.standard_strings);
}

#[test]
fn what_no_dump_writes_is_refused() {
    let refused = |record: Record, words: &str| {
        let error = made(&[record]).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.to_string().contains("entry 1"), "{error}");
    };
    refused(record(1, 2, "WINDOW", "w", "CREATE WINDOW w", &[]), "kind of entry that is not known");
    refused(record(1, 2, "TABLE", "t", "CREATE TABLE \0t", &[]), "zero byte");
    refused(record(1, 2, "TABLE", "t", "x", &[1]), "in a circle");
    refused(rows(1, "t", Some("COPY s.t FROM PROGRAM 'x';"), &[]), "cannot understand a COPY");
    refused(Record { has_block: false, ..rows(1, "t", None, &[]) }, "has no block");
    refused(Record { has_block: true, ..record(1, 2, "TABLE", "t", "x", &[]) }, "has a block");
    refused(record(1, 2, "DATABASE", "x", "CREATE TABLE x", &[]), "CREATE DATABASE");
    refused(
        Record { definition: Some(b"CREATE \xff".to_vec()), ..record(1, 2, "TABLE", "t", "", &[]) },
        "not in its encoding",
    );
    refused(record(1, 2, "ENCODING", "ENCODING", "SET", &[]), "cannot understand a setting");
    let loops = made(&[record(1, 4, "INDEX", "a", "x", &[2]), record(2, 4, "INDEX", "b", "x", &[1])]).unwrap_err();
    assert!(loops.to_string().contains("in a circle: entry 1, INDEX a, entry 2, INDEX b"), "{loops}");
}

/// What would take more memory or time than anybody has, out of few bytes for each record.
#[test]
fn dependencies_that_no_database_has_are_refused() {
    const MANY: i64 = 6_000;
    let each = |make: &dyn Fn(i64) -> Record| (1..=MANY).map(make).collect::<Vec<_>>();
    let tables = || each(&|id| record(id, 2, "TABLE", &format!("t{id}"), "x", &[]));
    // Each is a partition of the one before it, and what is on one locks all below.
    let attached = each(&|id| record(MANY + id, 2, "TABLE ATTACH", &format!("t{id}"), "x", &[id, id - 1]));
    let constraints = each(&|id| record(2 * MANY + id, 4, "CONSTRAINT", &format!("t{id} c"), "x", &[id]));
    let deep = [tables(), attached, constraints].concat();
    // Whatever tells of a table comes after whatever is built on it.
    let indexes = each(&|id| record(MANY + id, 4, "INDEX", &format!("i{id}"), "x", &[1]));
    let told = each(&|id| record(2 * MANY + id, 4, "STATISTICS DATA", &format!("i{id}"), "x", &[1]));
    let told = [tables(), indexes, told].concat();
    for all in [deep, told] {
        let chosen: Vec<&Record> = all.iter().collect();
        let error = contents(&all, &chosen, &[], Without::default(), &Known::default()).unwrap_err();
        assert!(error.to_string().contains("in more ways than"), "{error}");
    }
    // What was not chosen leads to what was.
    let chain = each(&|id| record(id, 2, "TABLE", &format!("t{id}"), "x", &[id - 1]));
    let users = each(&|id| record(MANY + id, 4, "INDEX", &format!("i{id}"), "x", &[MANY]));
    let all = [chain, users].concat();
    let chosen: Vec<&Record> = all.iter().filter(|record| record.desc == b"INDEX").collect();
    let error = contents(&all, &chosen, &[], Without::default(), &Known::default()).unwrap_err();
    assert!(error.to_string().contains("in more ways than"), "{error}");
}

#[test]
fn other_encodings_are_read_where_they_are_ascii() {
    let of = |tag: &[u8]| {
        let mut all = settings("LATIN1");
        all.push(Record { tag: tag.to_vec(), ..record(1, 2, "SCHEMA", "", "x", &[]) });
        let chosen: Vec<&Record> = all.iter().collect();
        contents(&all, &chosen, &[], Without::default(), &Known::default())
    };
    assert_eq!(of(b"a").unwrap().settings.encoding, "LATIN1");
    let error = of(b"\xe4").unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("--encoding UTF8")), "{error}");
}
