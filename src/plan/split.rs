//! Which tables several lanes share, each with a range of pages, or of an archive's frames, so that one large table does not leave the others idle.

use std::num::NonZeroUsize;

use crate::toc::{Data, Toc};

/// The least that is worth a task of its own, in bytes.
const LEAST: u64 = 64 << 20;

/// Splits tables that are only read, which costs next to nothing: those that would keep one of the lanes busy for longer
/// than its share.
pub fn for_reading(toc: &mut Toc, lanes: NonZeroUsize) {
    let lanes = lanes.get() as u64;
    let share = total(toc) / lanes;
    // Two for each share, so that none has to wait long for the last one.
    split(
        toc,
        |weight| if weight > share { weight.saturating_mul(2).div_ceil(share.max(1)).min(weight / LEAST) } else { 1 },
    );
}

/// Splits the table that weighs more than all others. Its rows cannot be written frozen then, so that it has to be worth it.
pub fn for_loading(toc: &mut Toc, lanes: NonZeroUsize) {
    let lanes = lanes.get() as u64;
    let total = total(toc);
    split(toc, |weight| if weight > total / 2 { lanes.min(weight / LEAST) } else { 1 });
}

fn total(toc: &Toc) -> u64 {
    let weights = toc.entries().iter().filter(|entry| entry.data.is_some()).map(|entry| entry.weight);
    weights.fold(0, u64::saturating_add)
}

/// In how many parts a table goes that has so many bytes, where its pages can be told apart and all of its rows move.
fn split(toc: &mut Toc, parts: impl Fn(u64) -> u64) {
    for entry in toc.entries_mut() {
        let (weight, always) = (entry.weight, entry.only_if.is_none());
        if let Some(Data::Rows(rows)) = &mut entry.data
            && always
            && rows.filter.is_none()
            && !rows.columns.is_empty()
        {
            rows.parts = u32::try_from(parts(weight)).unwrap_or(u32::MAX).min(rows.pages).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Ident, QualName};
    use crate::toc::{Entry, EntryId, Kind, Rows, Section};

    const GB: u64 = 1 << 30;

    fn toc(weights: &[u64]) -> Toc {
        let mut toc = Toc::default();
        for (number, &weight) in weights.iter().enumerate() {
            let table = QualName::new("s", format!("t{number}"));
            let pages = u32::try_from(weight / 8192).unwrap();
            let rows = Rows { fresh: true, pages, ..Rows::of(table, vec![Ident::new("a")]) };
            toc.push(Entry {
                id: EntryId(0),
                kind: Kind::TableData,
                section: Section::Data,
                source: (0, 0),
                tag: format!("t{number}"),
                namespace: Some(Ident::new("s")),
                owner: None,
                create: Vec::new(),
                only_if: None,
                remove: None,
                tablespace: None,
                table_am: None,
                data: Some(Data::Rows(rows)),
                needs: Vec::new(),
                locks: Vec::new(),
                weight,
            });
        }
        toc
    }

    fn parts(toc: &Toc) -> Vec<u32> {
        let of = |entry: &Entry| match &entry.data {
            Some(Data::Rows(rows)) => rows.parts,
            _ => 0,
        };
        toc.entries().iter().map(of).collect()
    }

    #[test]
    fn what_is_read_is_split_where_it_takes_more_than_its_share() {
        let lanes = NonZeroUsize::new(4).unwrap();
        for (weights, expected) in [
            (&[8 * GB, GB, GB][..], &[7, 1, 1][..]),
            (&[GB, GB, GB, GB], &[1, 1, 1, 1]),
            (&[100 << 20], &[1]),
            (&[400 << 20], &[6]),
            (&[], &[]),
            (&[0, 0], &[1, 1]),
        ] {
            let mut toc = toc(weights);
            for_reading(&mut toc, lanes);
            assert_eq!(parts(&toc), expected, "{weights:?}");
        }
    }

    #[test]
    fn what_is_loaded_is_split_where_it_is_most_of_all() {
        let lanes = NonZeroUsize::new(4).unwrap();
        for (weights, expected) in
            [(&[8 * GB, GB, GB][..], &[4, 1, 1][..]), (&[2 * GB, GB, GB], &[1, 1, 1]), (&[100 << 20], &[1])]
        {
            let mut toc = toc(weights);
            for_loading(&mut toc, lanes);
            assert_eq!(parts(&toc), expected, "{weights:?}");
        }
    }

    #[test]
    fn weights_that_nobody_has_are_no_harm() {
        let mut toc = toc(&[GB, GB]);
        toc.entries_mut().for_each(|entry| entry.weight = u64::MAX);
        let lanes = NonZeroUsize::new(4).unwrap();
        for_reading(&mut toc, lanes);
        for_loading(&mut toc, lanes);
        let part = crate::toc::Part { number: 3, of: 4 };
        assert!(part.begins_at(u64::MAX) < part.next().begins_at(u64::MAX));
    }

    #[test]
    fn what_has_no_pages_stays_whole() {
        let mut toc = toc(&[8 * GB]);
        for entry in toc.entries_mut() {
            if let Some(Data::Rows(rows)) = &mut entry.data {
                rows.pages = 0;
            }
        }
        for_reading(&mut toc, NonZeroUsize::new(4).unwrap());
        assert_eq!(parts(&toc), [1]);
    }
}
