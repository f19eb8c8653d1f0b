//! What a selection leaves in.

use super::*;
use crate::sql::Sql;

fn pattern(text: &str) -> Pattern {
    Pattern::of_relations(text).unwrap()
}

fn name(schema: &str, name: &str) -> QualName {
    QualName::new(schema, name)
}

#[test]
fn tables_come_before_schemas() {
    let selection = Selection { schemas: vec![pattern("a")], tables: vec![pattern("b.t*")], ..Selection::default() };
    let names = Names { schemas: vec![vec!["a".into()]], relations: vec![vec![name("b", "t1")]] };
    let (selected, idle) = selection.settle(names).unwrap();
    assert!(idle.is_empty());
    assert!(selected.has_relation(&name("b", "t1")) && !selected.has_relation(&name("a", "t1")));
    assert!(!selected.has_schema(&"a".into()) && !selected.has_everything());
}

#[test]
fn what_is_excluded_is_so_in_any_case() {
    let selection = Selection {
        exclude_schemas: vec![pattern("b")],
        exclude_tables: vec![pattern("t"), pattern("nothing")],
        ..Selection::default()
    };
    let names = Names { schemas: vec![vec!["b".into()]], relations: vec![vec![name("a", "t")], vec![]] };
    let (selected, idle) = selection.settle(names).unwrap();
    assert_eq!(idle, [&pattern("nothing")]);
    assert!(selected.has_everything() && selected.has_relation(&name("a", "u")));
    assert!(!selected.has_relation(&name("a", "t")) && !selected.has_relation(&name("b", "u")));
}

#[test]
fn nothing_at_all_is_an_error() {
    let selection = Selection { tables: vec![pattern("t"), pattern("u")], ..Selection::default() };
    let error = selection.settle(Names { relations: vec![vec![], vec![]], ..Names::default() }).unwrap_err();
    assert!(error.to_string().contains("t, u"), "{error}");
    let one = Names { relations: vec![vec![], vec![name("a", "u")]], ..Names::default() };
    assert_eq!(selection.settle(one).unwrap().1.len(), 1);
}

fn entry(kind: Kind, section: Section, tag: &str, source: (u32, u32), needs: &[u32]) -> Entry {
    Entry {
        id: EntryId(0),
        kind,
        section,
        source,
        tag: tag.to_owned(),
        namespace: Some("s".into()),
        owner: None,
        create: vec![Sql::constant("X")],
        only_if: None,
        remove: None,
        tablespace: None,
        table_am: None,
        data: None,
        needs: needs.iter().map(|need| EntryId(*need)).collect(),
        locks: Vec::new(),
        weight: 0,
    }
}

fn toc() -> Toc {
    let mut toc = Toc::default();
    toc.push(entry(Kind::Table, Section::PreData, "t", (1259, 1), &[]));
    toc.push(entry(Kind::LargeObject, Section::PreData, "7", (2613, 7), &[]));
    toc.push(entry(Kind::TableData, Section::Data, "t", (1259, 1), &[1]));
    toc.push(entry(Kind::Index, Section::PostData, "i", (1259, 2), &[3]));
    toc.push(entry(Kind::Acl, Section::Last, "TABLE t", (1259, 1), &[1]));
    toc.push(entry(Kind::Acl, Section::Last, "LARGE OBJECT 7", (2613, 7), &[2]));
    toc.push(entry(Kind::MaterializedViewData, Section::Last, "m", (1259, 3), &[]));
    toc
}

fn kept(selected: &Selected) -> Vec<(Kind, String)> {
    selected.entries(&toc()).entries().iter().map(|entry| (entry.kind, entry.tag.clone())).collect()
}

#[test]
fn definitions_and_rows_apart() {
    let schema = Selected { content: Content::Schema, ..Selected::default() };
    assert_eq!(kept(&schema), [(Kind::Table, "t".into()), (Kind::Index, "i".into()), (Kind::Acl, "TABLE t".into())]);
    // What it needed through its rows it needs itself.
    assert_eq!(schema.entries(&toc()).entries()[1].needs, [EntryId(1)]);
    let data = Selected { content: Content::Data, ..Selected::default() };
    let kinds: Vec<Kind> = kept(&data).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::LargeObject, Kind::TableData, Kind::Acl]);
}

#[test]
fn sections_and_rows_are_left_out() {
    let pre = Selected { without_sections: [Section::Data, Section::PostData].into(), ..Selected::default() };
    assert_eq!(kept(&pre), [(Kind::Table, "t".into()), (Kind::Acl, "TABLE t".into())]);
    let rows = Selected { without_data: [name("s", "t")].into(), ..Selected::default() };
    assert!(!kept(&rows).contains(&(Kind::TableData, "t".into())) && kept(&rows).len() == 6);
}
