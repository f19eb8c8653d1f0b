//! Selection among records that a stock `pg_dump` could have written.

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
        server: Vec::new(),
        writer: Vec::new(),
    }
}

/// `id section DESC schema tag: needs`, where `-` is no schema.
fn record(line: &str) -> Record {
    let (line, needs) = line.split_once(": ").unwrap_or((line, ""));
    let mut words = line.split('|').map(str::trim);
    let mut word = || words.next().unwrap();
    let (id, section, desc, schema, tag) = (word().parse().unwrap(), word().parse().unwrap(), word(), word(), word());
    Record {
        section,
        has_block: ["TABLE DATA", "BLOBS"].contains(&desc),
        definition: Some(b"x".to_vec()),
        namespace: (schema != "-").then(|| schema.into()),
        needs: needs.split_whitespace().map(|need| need.parse().unwrap()).collect(),
        ..Record::new(id, desc, tag)
    }
}

fn records() -> Vec<Record> {
    let lines = "1|2|ENCODING|-|ENCODING
        2|2|DATABASE|-|shop
        3|2|SCHEMA|-|a
        4|1|ACL|-|SCHEMA a: 3
        5|2|EXTENSION|-|x
        6|2|TYPE|a|t: 3
        7|2|TABLE|a|t one: 3 6
        8|1|COMMENT|a|TABLE t one: 7
        9|1|ACL|a|COLUMN t one.n: 7 8
        10|2|SEQUENCE|a|s: 3 7
        11|2|SEQUENCE OWNED BY|a|s: 10
        12|2|SEQUENCE|a|i: 7 3
        13|2|TABLE|b|t one
        14|2|DEFAULT|a|t one id: 7 10
        15|3|TABLE DATA|a|t one: 7
        16|3|TABLE DATA|b|t one: 13
        17|3|SEQUENCE SET|a|s: 10
        18|3|BLOB METADATA|-|77
        19|1|COMMENT|-|LARGE OBJECT 77: 18
        20|3|BLOBS|-|77: 18
        21|4|CONSTRAINT|a|t one pk one: 7
        22|1|COMMENT|a|CONSTRAINT pk: 21
        23|4|FK CONSTRAINT|b|t one fk: 13 7 21
        24|4|INDEX|b|ix: 13
        25|1|ACL|pg_catalog|FUNCTION f()
        26|4|MATERIALIZED VIEW DATA|a|m
        27|4|DEFAULT ACL|-|DEFAULT PRIVILEGES FOR TABLES
        28|4|STATISTICS DATA|a|t one: 7";
    lines.lines().map(record).collect()
}

fn relations(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::of_relations(text).unwrap()).collect()
}

fn schemas(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::of_schemas(text).unwrap()).collect()
}

fn ids(selection: Selection) -> Vec<i64> {
    let wanted = Wanted { selection, ..Wanted::default() };
    wanted.pick(&header(), &records()).unwrap().records.iter().map(|record| record.id).collect()
}

fn dangling(selection: Selection) -> Vec<String> {
    let wanted = Wanted { selection, ..Wanted::default() };
    let (header, records) = (header(), records());
    let found = wanted.pick(&header, &records).unwrap().dangling;
    found
        .into_iter()
        .map(|found| format!("{} {} {}", found.object, if found.fatal { "needs" } else { "without" }, found.needs))
        .collect()
}

#[test]
fn everything_but_the_database_is_wanted() {
    let all: Vec<i64> = (1..=28).filter(|id| *id != 2).collect();
    assert_eq!(ids(Selection::default()), all);
    let wanted = Wanted { database: true, ..Wanted::default() };
    assert_eq!(wanted.pick(&header(), &records()).unwrap().records.len(), 28);
}

#[test]
fn schemas_bring_what_is_in_them() {
    let a = Selection { schemas: schemas(&["a"]), ..Selection::default() };
    assert_eq!(ids(a), [1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 17, 21, 22, 26, 28]);
    let b = Selection { schemas: schemas(&["b"]), ..Selection::default() };
    assert_eq!(ids(b.clone()), [1, 13, 16, 23, 24]);
    assert_eq!(
        dangling(b),
        ["FK CONSTRAINT b.t one fk needs CONSTRAINT a.t one pk one", "FK CONSTRAINT b.t one fk needs TABLE a.t one"]
    );
    let but = Selection { exclude_schemas: schemas(&["a", "x*"]), ..Selection::default() };
    assert_eq!(ids(but.clone()), [1, 5, 13, 16, 18, 19, 20, 23, 24, 25, 27]);
    let told = Wanted { selection: but, ..Wanted::default() };
    let told = told.pick(&header(), &records()).unwrap().into_findings("x");
    assert_eq!((told[0].subject.as_str(), told.len()), ("pattern x*", 3));
}

#[test]
fn tables_bring_what_hangs_on_them() {
    let one = Selection { tables: relations(&["a.\"t one\""]), ..Selection::default() };
    assert_eq!(ids(one.clone()), [1, 7, 8, 9, 10, 11, 12, 14, 15, 17, 21, 22, 28]);
    assert_eq!(dangling(one).len(), 4);
    let any =
        Selection { tables: relations(&["\"t one\""]), exclude_tables: relations(&["a.*"]), ..Selection::default() };
    assert_eq!(ids(any.clone()), [1, 13, 16, 23, 24]);
    let told = Wanted { selection: any, ..Wanted::default() };
    assert!(told.pick(&header(), &records()).unwrap().findings[0].text.contains("several schemas: a, b"));
    let sequences = Selection { tables: relations(&["a.(s|i)"]), ..Selection::default() };
    assert_eq!(ids(sequences.clone()), [1, 10, 17]);
    assert_eq!(dangling(sequences), ["SEQUENCE a.s needs SCHEMA a", "SEQUENCE a.s without TABLE a.t one"]);
}

#[test]
fn kinds_and_sections() {
    let of = |change: &dyn Fn(&mut Selection)| {
        let mut selection = Selection::default();
        change(&mut selection);
        ids(selection)
    };
    assert_eq!(of(&|s| s.content = Content::Data), [1, 15, 16, 17, 18, 19, 20]);
    let schema: Vec<i64> = (1..=27).filter(|id| ![2, 15, 16, 17, 18, 19, 20, 26].contains(id)).collect();
    assert_eq!(of(&|s| s.content = Content::Schema), schema);
    assert_eq!(
        of(&|s| s.exclude_sections = [Section::PreData, Section::Data].into()),
        [1, 21, 22, 23, 24, 25, 26, 27, 28]
    );
    let without: Vec<i64> = (1..=28).filter(|id| ![2, 4, 9, 25, 27].contains(id)).collect();
    assert_eq!(of(&|s| s.no_privileges = true), without);
    let without: Vec<i64> = (1..=28).filter(|id| ![2, 15, 17, 26].contains(id)).collect();
    assert_eq!(of(&|s| s.exclude_table_data = relations(&["a.*"])), without);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let told = |selection| {
        let wanted = Wanted { selection, ..Wanted::default() };
        wanted.pick(&header(), &records()).unwrap_err().to_string()
    };
    let tables = |texts| Selection { tables: relations(texts), ..Selection::default() };
    assert!(told(tables(&["a.nothing"])).contains("no tables match"));
    assert!(told(tables(&["a.(t"])).contains("makes no sense: a.(t"));
    assert!(told(tables(&["other.a.t"])).contains("another database"));
    assert!(told(Selection { schemas: schemas(&["pg_catalog"]), ..Selection::default() }).contains("no schemas match"));
}
