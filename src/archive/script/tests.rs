use super::*;
use crate::archive::header::{Compression, Date, Version};
use crate::archive::primitive::Sizes;

fn header() -> Header {
    Header {
        version: Version(16),
        sizes: Sizes::USUAL,
        compression: Compression::None,
        date: Date::default(),
        database: b"shop".to_vec(),
        server: b"18.4\n\\! x".to_vec(),
        writer: b"18.4".to_vec(),
    }
}

fn script(without: Without, search_path: Option<&str>) -> Script<Vec<u8>> {
    let settings =
        Settings { encoding: "UTF8".into(), standard_strings: true, search_path: search_path.map(|path| path.into()) };
    Script::begin(Vec::new(), &header(), settings, without, [7; 64]).unwrap()
}

/// What entries add to a script.
fn entries(without: Without, search_path: Option<&str>, records: &[Record]) -> String {
    let mut script = script(without, search_path);
    let begun = script.out.len();
    for record in records {
        script.entry(record, |id| records.iter().find(|record| record.id == id)).unwrap();
    }
    String::from_utf8(script.out.split_off(begun)).unwrap()
}

fn table(tag: &str) -> Record {
    Record {
        namespace: Some(b"a\nb".to_vec()),
        owner: Some(b"o\n\\! y".to_vec()),
        definition: Some(b"CREATE TABLE x ();\n".to_vec()),
        drop: Some(b"DROP TABLE x;".to_vec()),
        tablespace: Some(b"".to_vec()),
        table_am: Some(b"heap".to_vec()),
        ..Record::new(1, "TABLE", tag)
    }
}

#[test]
fn a_script_begins_and_ends_restricted() {
    let key = "H".repeat(64);
    let script = script(Without::default(), Some("SET search_path = '';\n")).end().unwrap();
    let text = String::from_utf8(script).unwrap();
    let begins = format!(
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict {key}\n\n-- Dumped from database version 18.4 \\! x\n\
         -- Dumped by pg_dump version 18.4\n\nSELECT pg_catalog.set_config(name, '0', false)"
    );
    assert!(text.starts_with(&begins), "{text}");
    assert!(
        text.contains(
            "\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\nSET search_path = '';\n"
        )
    );
    assert!(text.ends_with(&format!("\n\\unrestrict {key}\n\n")), "{text}");
    assert_eq!(text.matches(&key).count(), 2);
}

#[test]
fn names_do_not_leave_their_places() {
    let found = entries(Without::default(), Some(""), &[table("t\r\n\\! z")]);
    let expected = "SET default_tablespace = '';\n\nSET default_table_access_method = \"heap\";\n\n\
        --\n-- Name: t  \\! z; Type: TABLE; Schema: a b; Owner: o \\! y\n--\n\nCREATE TABLE x ();\n\n\n\
        ALTER TABLE \"a\nb\".\"t\r\n\\! z\" OWNER TO \"o\n\\! y\";\n\n";
    assert_eq!(found, expected);
}

#[test]
fn settings_are_changed_where_they_differ() {
    let there = Record { tablespace: Some(b"fast\"".to_vec()), ..table("u") };
    let found = entries(Without { owners: true, tablespaces: false }, None, &[table("t"), there.clone(), there]);
    assert_eq!(found.matches("SET search_path = \"a\nb\", pg_catalog;\n").count(), 1);
    assert_eq!(found.matches("SET default_tablespace = \"fast\"\"\";\n").count(), 1);
    assert_eq!(found.matches("Owner: -; Tablespace: fast\"\n").count(), 2);
    assert!(!found.contains("OWNER TO"), "{found}");
    let parted = Record { relation_kind: b'p', ..table("p") };
    let found = entries(Without { owners: false, tablespaces: true }, Some(""), &[parted]);
    assert!(
        found.ends_with("ALTER TABLE \"a\nb\".\"p\" SET ACCESS METHOD \"heap\";\n\n") && !found.contains("tablespace")
    );
}

#[test]
fn databases_are_connected_to_by_their_whole_name() {
    let database =
        |tag: &str| Record { definition: Some(b"CREATE DATABASE d;\n".to_vec()), ..Record::new(1, "DATABASE", tag) };
    let found = entries(Without::default(), Some(""), &[database("it's \"d\" host=x \\")]);
    let connects = "\\connect -reuse-previous=on \"dbname='it\\'s \"\"d\"\" host=x \\\\'\"\n\\restrict H";
    assert!(found.contains(connects), "{found}");
    assert!(script(Without::default(), None).entry(&database("d\n\\! x"), |_| None).is_err());
}

#[test]
fn schemas_without_owners_name_none() {
    let schema = |definition: &str| Record { definition: Some(definition.into()), ..Record::new(1, "SCHEMA", "s") };
    let without = Without { owners: true, tablespaces: false };
    let old = entries(without, Some(""), &[schema("CREATE SCHEMA s AUTHORIZATION x;\n")]);
    assert!(old.ends_with("CREATE SCHEMA \"s\";\n\n\n"), "{old}");
    assert!(entries(without, Some(""), &[schema("-- is there\n")]).ends_with("-- is there\n\n\n"));
}

#[test]
fn zero_bytes_are_refused() {
    let zero = Record { definition: Some(b"SELECT 1\0;".to_vec()), ..Record::new(1, "TABLE", "t") };
    assert!(script(Without::default(), None).entry(&zero, |_| None).is_err());
}

#[test]
fn turns_are_those_of_pg_restore() {
    let turns = [
        ("TABLE", "t", Pass::Main),
        ("COMMENT", "TABLE t", Pass::Main),
        ("ACL", "TABLE t", Pass::Privileges),
        ("DEFAULT ACL", "x", Pass::Privileges),
        ("EVENT TRIGGER", "e", Pass::Last),
        ("COMMENT", "EVENT TRIGGER e", Pass::Last),
        ("MATERIALIZED VIEW DATA", "m", Pass::Last),
    ];
    for (desc, tag, pass) in turns {
        assert_eq!(Pass::of(&Record::new(1, desc, tag)), pass, "{desc}");
    }
    let late = Record { section: listing::POST_DATA, ..Record::new(1, "STATISTICS DATA", "t") };
    assert_eq!((Pass::of(&late), Pass::of(&Record::new(1, "STATISTICS DATA", "t"))), (Pass::Last, Pass::Main));
}
