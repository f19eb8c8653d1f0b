use super::*;
use crate::sql::{Ident, QualName};
use crate::toc::{Data, Kind, Rows, Section};

const PLAIN: Extras =
    Extras { verify: false, verify_parts: true, analyze_only: true, carry_statistics: false, partial: false };

fn entry(kind: Kind, section: Section, tag: &str, needs: &[EntryId]) -> Entry {
    Entry {
        id: EntryId(0),
        kind,
        section,
        source: (0, 0),
        tag: tag.to_owned(),
        namespace: Some(Ident::new("s")),
        owner: None,
        create: Vec::new(),
        only_if: None,
        remove: None,
        tablespace: None,
        table_am: None,
        data: None,
        needs: needs.to_vec(),
        locks: Vec::new(),
        weight: 0,
    }
}

fn table(toc: &mut Toc, name: &str) -> EntryId {
    toc.push(entry(Kind::Table, Section::PreData, name, &[]))
}

fn rows(toc: &mut Toc, table: EntryId, name: &str, weight: u64) -> EntryId {
    let rows = Rows { fresh: true, ..Rows::of(QualName::new("s", name), vec![]) };
    let data = entry(Kind::TableData, Section::Data, name, &[table]);
    toc.push(Entry { data: Some(Data::Rows(rows)), weight, ..data })
}

fn index(toc: &mut Toc, table: EntryId, name: &str, weight: u64) -> EntryId {
    let index = entry(Kind::Index, Section::PostData, name, &[table]);
    toc.push(Entry { weight, ..index })
}

#[test]
fn default_privileges_come_after_all_that_would_get_them() {
    let mut toc = Toc::default();
    let base = table(&mut toc, "base");
    let base_rows = rows(&mut toc, base, "base", 1);
    let key = toc.push(entry(Kind::Constraint, Section::PostData, "key", &[base]));
    let view = toc.push(entry(Kind::MaterializedView, Section::PostData, "by_key", &[key]));
    let defaults = toc.push(entry(Kind::DefaultAcl, Section::Last, "DEFAULT PRIVILEGES FOR TABLES", &[]));
    let mut schedule = Schedule::new([&toc], PLAIN);
    for expected in [base_rows, key, view, defaults] {
        let mut ready = take_all(&mut schedule);
        ready.retain(|(_, work)| matches!(work, Work::Entry(_)));
        assert_eq!(ready.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(expected)]);
        schedule.finish(ready[0].0);
    }
}

#[test]
fn what_several_share_is_there_when_all_parts_are() {
    let mut toc = Toc::default();
    let large = table(&mut toc, "large");
    let large_rows = rows(&mut toc, large, "large", 100);
    let key = index(&mut toc, large, "key", 10);
    for entry in toc.entries_mut() {
        if let Some(Data::Rows(rows)) = &mut entry.data {
            rows.parts = 3;
        }
    }
    let mut schedule = Schedule::new([&toc], Extras { verify: true, ..PLAIN });
    let part = |number| Work::Part(large_rows, Part { number, of: 3 });
    let first = take_all(&mut schedule);
    assert_eq!(first.iter().map(|t| t.1).collect::<Vec<_>>(), [part(0), part(1), part(2)]);
    schedule.finish(first[0].0);
    schedule.finish(first[2].0);
    assert!(take_all(&mut schedule).is_empty());
    schedule.finish(first[1].0);
    let joined = take_all(&mut schedule);
    assert_eq!(joined.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Joined(large_rows)]);
    schedule.finish(joined[0].0);
    let then: Vec<Work> = take_all(&mut schedule).iter().map(|t| t.1).collect();
    assert!(then.contains(&Work::Entry(key)), "{then:?}");
    let read_back = (0..3).map(|number| Work::VerifyPart(large_rows, Part { number, of: 3 }));
    assert!(read_back.into_iter().all(|part| then.contains(&part)), "{then:?}");
    let mut whole = Schedule::new([&toc], Extras { verify: true, verify_parts: false, ..PLAIN });
    let tasks: Vec<Work> = whole_run(&mut whole);
    assert!(tasks.contains(&Work::Verify(large_rows)), "{tasks:?}");
    assert_eq!(Schedule::of_data(&toc).entries(), [large_rows]);
}

/// Everything, in the order in which one lane would do it.
fn whole_run(schedule: &mut Schedule) -> Vec<Work> {
    let mut tasks = Vec::new();
    while let Some(number) = schedule.take() {
        tasks.push(schedule.task(number).work);
        schedule.finish(number);
    }
    tasks
}

/// Takes everything that may run at once.
fn take_all(schedule: &mut Schedule) -> Vec<(TaskNumber, Work)> {
    let taken: Vec<TaskNumber> = std::iter::from_fn(|| schedule.take()).collect();
    taken.into_iter().map(|n| (n, schedule.task(n).work)).collect()
}

#[test]
fn an_index_starts_when_its_own_table_is_loaded_and_beside_other_copies() {
    let mut toc = Toc::default();
    let (a, b) = (table(&mut toc, "a"), table(&mut toc, "b"));
    let (a_rows, b_rows) = (rows(&mut toc, a, "a", 1 << 30), rows(&mut toc, b, "b", 1 << 20));
    let b_index = index(&mut toc, b, "b_idx", 1 << 20);
    let mut schedule = Schedule::new([&toc], PLAIN);
    let first = take_all(&mut schedule);
    assert_eq!(first.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(a_rows), Work::Entry(b_rows)]);
    schedule.finish(first[1].0);
    assert_eq!(take_all(&mut schedule).iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(b_index)]);
}

#[test]
fn nothing_is_analyzed_that_would_read_foreign_tables() {
    let mut toc = Toc::default();
    let (root, near) = (table(&mut toc, "root"), table(&mut toc, "near"));
    let far = toc.push(entry(Kind::ForeignTable, Section::PreData, "far", &[]));
    toc.push(entry(Kind::TableAttach, Section::PreData, "near", &[root, near]));
    toc.push(entry(Kind::TableAttach, Section::PreData, "far", &[root, far]));
    let near_rows = rows(&mut toc, near, "near", 1 << 20);
    for analyze_only in [true, false] {
        let schedule = Schedule::new([&toc], Extras { analyze_only, ..PLAIN });
        let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
        assert_eq!(works, [Work::Entry(near_rows), Work::Analyze(near)]);
    }
}

#[test]
fn the_longest_chain_goes_first() {
    let mut toc = Toc::default();
    let (a, b) = (table(&mut toc, "a"), table(&mut toc, "b"));
    rows(&mut toc, a, "a", 50 << 20);
    let b_rows = rows(&mut toc, b, "b", 10 << 20);
    index(&mut toc, b, "b_gin", 500 << 20);
    let mut schedule = Schedule::new([&toc], PLAIN);
    let first = schedule.take().map(|n| schedule.task(n).work);
    assert_eq!(first, Some(Work::Entry(b_rows)));
}

#[test]
fn what_was_learnt_counts_for_what_is_left() {
    const MB: u64 = 1 << 20;
    let mut toc = Toc::default();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| table(&mut toc, name));
    rows(&mut toc, a, "a", 300 * MB);
    let d_rows = rows(&mut toc, d, "d", 80 * MB);
    let c_rows = rows(&mut toc, c, "c", 100 * MB);
    let b_rows = rows(&mut toc, b, "b", 20 * MB);
    let (first, second) = (index(&mut toc, b, "b_first", 90 * MB), index(&mut toc, b, "b_second", 60 * MB));
    let mut schedule = Schedule::new([&toc], PLAIN);
    let a_rows = schedule.take().unwrap();
    let mut after = |work, seconds| {
        let number = schedule.take().unwrap();
        assert_eq!(schedule.task(number).work, Work::Entry(work));
        schedule.finish_after(number, std::time::Duration::from_secs(seconds));
    };
    after(b_rows, 20);
    after(c_rows, 100);
    // A second a megabyte for rows, and four for indexes: else the rows of d would be next.
    after(first, 360);
    after(second, 240);
    after(d_rows, 80);
    schedule.finish(a_rows);
}

#[test]
fn a_constraint_waits_while_an_index_of_its_table_is_built() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    rows(&mut toc, a, "a", 1);
    let (key, other) = (index(&mut toc, a, "a_pkey", 1 << 20), index(&mut toc, a, "a_idx", 1 << 30));
    let constraint = entry(Kind::Constraint, Section::PostData, "a a_pkey", &[a, key]);
    let constraint = toc.push(Entry { locks: vec![a], ..constraint });
    let mut schedule = Schedule::new([&toc], PLAIN);
    let data = take_all(&mut schedule);
    schedule.finish(data[0].0);
    let built = take_all(&mut schedule);
    assert_eq!(built.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(other), Work::Entry(key)]);
    schedule.finish(built[1].0);
    assert_eq!(schedule.take(), None, "the table is still shared by an index build");
    schedule.finish(built[0].0);
    assert_eq!(schedule.take().map(|n| schedule.task(n).work), Some(Work::Entry(constraint)));
}

#[test]
fn what_touches_a_partitioned_table_waits_for_all_its_partitions() {
    let mut toc = Toc::default();
    let (root, one, two) = (table(&mut toc, "root"), table(&mut toc, "one"), table(&mut toc, "two"));
    for (child, name) in [(one, "one"), (two, "two")] {
        toc.push(entry(Kind::TableAttach, Section::PreData, name, &[root, child]));
    }
    rows(&mut toc, one, "one", 1);
    rows(&mut toc, two, "two", 1);
    let key = toc.push(entry(Kind::ForeignKey, Section::PostData, "root fk", &[root]));
    let mut schedule = Schedule::new([&toc], PLAIN);
    let data = take_all(&mut schedule);
    assert_eq!(data.len(), 2);
    schedule.finish(data[0].0);
    assert!(!take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(key)));
    schedule.finish(data[1].0);
    assert!(take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(key)));
}

#[test]
fn an_index_that_marks_its_table_has_it_for_itself() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    let plain = index(&mut toc, a, "i", 1);
    let marked = entry(Kind::Index, Section::PostData, "clustered", &[a]);
    let marked = toc.push(Entry { locks: vec![a], weight: 1 << 30, ..marked });
    let mut schedule = Schedule::new([&toc], PLAIN);
    let first = take_all(&mut schedule);
    assert_eq!(first.iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(marked)]);
    schedule.finish(first[0].0);
    assert_eq!(take_all(&mut schedule).iter().map(|t| t.1).collect::<Vec<_>>(), [Work::Entry(plain)]);
}

#[test]
fn a_materialized_view_is_filled_when_all_data_is_there() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    let view = toc.push(entry(Kind::MaterializedView, Section::PreData, "m", &[a]));
    rows(&mut toc, a, "a", 1);
    let refresh = toc.push(entry(Kind::MaterializedViewData, Section::Last, "m", &[view]));
    let mut schedule = Schedule::new([&toc], PLAIN);
    let first = take_all(&mut schedule);
    assert!(!first.iter().any(|t| t.1 == Work::Entry(refresh)));
    schedule.finish(first[0].0);
    assert!(take_all(&mut schedule).iter().any(|t| t.1 == Work::Entry(refresh)));
}

#[test]
fn databases_share_lanes_and_nothing_else() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    rows(&mut toc, a, "a", 1);
    let index = entry(Kind::Index, Section::PostData, "i", &[a]);
    toc.push(Entry { locks: vec![a], ..index });
    let mut schedule = Schedule::new([&toc, &toc], PLAIN);
    let data = take_all(&mut schedule);
    assert_eq!(data.iter().map(|(number, _)| schedule.task(*number).database).collect::<Vec<_>>(), [0, 1]);
    data.iter().for_each(|(number, _)| schedule.finish(*number));
    assert_eq!(take_all(&mut schedule).len(), 2, "a lock in one database is none in the other");
}

#[test]
fn statistics_are_there_before_they_are_filled() {
    let mut toc = Toc::default();
    let (root, one) = (table(&mut toc, "root"), table(&mut toc, "one"));
    toc.push(entry(Kind::TableAttach, Section::PreData, "one", &[root, one]));
    rows(&mut toc, one, "one", 1);
    let made = toc.push(entry(Kind::Statistics, Section::PostData, "x", &[one]));
    for analyze_only in [true, false] {
        let schedule = Schedule::new([&toc], Extras { analyze_only, ..PLAIN });
        let number = |work| schedule.tasks().find(|(_, task)| task.work == work).map(|(number, _)| number);
        let analyzed = if analyze_only { one } else { root };
        let needs = number(Work::Analyze(analyzed)).map(|analyze| schedule.task(analyze).needs.clone());
        assert!(needs.unwrap_or_default().contains(&number(Work::Entry(made)).unwrap()), "{analyze_only}");
    }
}

#[test]
fn event_triggers_come_last_of_all() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    rows(&mut toc, a, "a", 1);
    let trigger = toc.push(entry(Kind::EventTrigger, Section::Last, "e", &[]));
    let comment = toc.push(entry(Kind::Comment, Section::Last, "e", &[trigger]));
    let view = toc.push(entry(Kind::MaterializedView, Section::PreData, "m", &[a]));
    toc.push(entry(Kind::MaterializedViewData, Section::Last, "m", &[view]));
    let mut schedule = Schedule::new([&toc], Extras { verify: true, ..PLAIN });
    let mut done = Vec::new();
    while let Some(number) = schedule.take() {
        done.push(schedule.task(number).work);
        schedule.finish(number);
    }
    assert_eq!(done[done.len() - 2..], [Work::Entry(trigger), Work::Entry(comment)]);
    assert_eq!(done.len(), 7);
}

#[test]
fn statistics_are_carried_but_not_where_rows_change_partition() {
    let mut toc = Toc::default();
    let (root, one, other) = (table(&mut toc, "root"), table(&mut toc, "one"), table(&mut toc, "other"));
    toc.push(entry(Kind::TableAttach, Section::PreData, "one", &[root, one]));
    let moved = rows(&mut toc, one, "one", 1);
    rows(&mut toc, other, "other", 1);
    let mut through = Toc::default();
    for entry in toc.entries() {
        let mut entry = entry.clone();
        if let Some(Data::Rows(rows)) = entry.data.as_mut().filter(|_| entry.id == moved) {
            rows.into = Some(QualName::new("s", "root"));
        }
        through.push(entry);
    }
    let schedule = Schedule::new([&through], Extras { carry_statistics: true, ..PLAIN });
    let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
    assert!(works.contains(&Work::Statistics(root)) && works.contains(&Work::Statistics(other)), "{works:?}");
    assert!(works.contains(&Work::Analyze(one)), "{works:?}");
    let schedule = Schedule::new([&through], Extras { carry_statistics: true, partial: true, ..PLAIN });
    let works: Vec<Work> = schedule.tasks().map(|(_, task)| task.work).collect();
    assert!(works.contains(&Work::Analyze(root)) && works.contains(&Work::Statistics(other)), "{works:?}");
}

#[test]
fn everything_comes_to_an_end() {
    let mut toc = Toc::default();
    let a = table(&mut toc, "a");
    rows(&mut toc, a, "a", 1);
    index(&mut toc, a, "i", 1);
    let mut schedule = Schedule::new([&toc], Extras { verify: true, analyze_only: false, ..PLAIN });
    let mut done = 0;
    while let Some(number) = schedule.take() {
        schedule.finish(number);
        done += 1;
    }
    assert_eq!((done, schedule.left()), (4, 0), "rows, index, ANALYZE, read back");
}

#[test]
fn data_that_come_one_after_the_other_are_waited_for_by_one() {
    let mut toc = Toc::default();
    let tables: Vec<EntryId> = ["a", "b", "c", "d", "e"].map(|name| table(&mut toc, name)).to_vec();
    let data = tables.iter().zip(["a", "b", "c", "d", "e"]).zip((1..6u64).rev());
    let data: Vec<EntryId> = data.map(|((table, name), n)| rows(&mut toc, *table, name, n << 20)).collect();
    let e_index = index(&mut toc, tables[4], "e_idx", 1 << 40);
    // The sequence is not that of the weights.
    let turns: Vec<EntryId> = data.iter().rev().copied().collect();
    let mut schedule = Schedule::new([&toc], PLAIN).in_turn(&turns);
    let first = take_all(&mut schedule);
    let works = |taken: &[(TaskNumber, Work)]| taken.iter().map(|(_, work)| *work).collect::<Vec<_>>();
    assert_eq!(works(&first), [Work::Entry(turns[0]), Work::Entry(turns[1])], "one has its data, one waits");
    schedule.have_had(1);
    let third = take_all(&mut schedule);
    assert_eq!(works(&third), [Work::Entry(turns[2])]);
    schedule.finish(first[0].0);
    assert_eq!(works(&take_all(&mut schedule)), [Work::Entry(e_index)], "what needs no data waits for nobody");
    // Whoever has ended has had its data, whether that was said or not.
    schedule.finish(first[1].0);
    let fourth = take_all(&mut schedule);
    assert_eq!(works(&fourth), [Work::Entry(turns[3]), Work::Analyze(tables[3])]);
    schedule.have_had(3);
    assert_eq!(works(&take_all(&mut schedule)), [Work::Entry(turns[4])]);
}
