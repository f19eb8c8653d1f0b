//! What is known of the records of an archive from elsewhere than its table of contents.

use std::collections::HashSet;

use crate::archive::entries::Known;
use crate::archive::manifest::Manifest;
use crate::archive::primitive::Offset;
use crate::archive::toc::Record;
use crate::sql;
use crate::sql::{Ident, Literal};
use crate::transfer::Blocks;

/// What offsets tell of sizes, and what a manifest says; it comes last in a stream, so that it says nothing beforehand there.
pub(super) fn known(archive: &Blocks, manifest: Option<&Manifest>) -> Known {
    let mut known = Known::default();
    let mut places: Vec<(u64, i64)> = archive
        .records()
        .iter()
        .filter_map(|record| match record.offset {
            Offset::At(at) if record.has_block => Some((at, record.id)),
            _ => None,
        })
        .collect();
    places.sort_unstable();
    let end = match archive {
        Blocks::File(archive) | Blocks::Salvaged(archive, _) => Some(archive.length()),
        Blocks::Stream(_) => None,
    };
    let ends = places.iter().skip(1).map(|(at, _)| *at).chain(end);
    known.sizes.extend(places.iter().zip(ends).map(|((at, id), end)| (*id, end.saturating_sub(*at))));
    if let Blocks::Stream(stream) = archive
        && stream.has_manifest()
    {
        known.conditions.extend(places_of_others(stream.records()));
    }
    for hint in manifest.iter().flat_map(|manifest| &manifest.hints) {
        let id = i64::from(hint.id);
        if hint.weight > 0 {
            known.sizes.insert(id, hint.weight);
        }
        if !hint.condition.is_empty() {
            known.conditions.insert(id, hint.condition.clone());
        }
    }
    known
}

/// Rows and states of sequences whose relations nothing in an archive makes are in those of extensions, which another version
/// of the extension may do without. The manifest would say the same.
fn places_of_others(records: &[Record]) -> Vec<(i64, String)> {
    let named = |record: &Record| (record.namespace.clone(), record.tag.clone());
    let is_relation =
        |record: &&Record| [&b"TABLE"[..], b"FOREIGN TABLE", b"SEQUENCE"].contains(&record.desc.as_slice());
    let made: HashSet<_> = records.iter().filter(is_relation).map(named).collect();
    let fills = |record: &&Record| record.desc == b"TABLE DATA" || record.desc == b"SEQUENCE SET";
    let of_others = records.iter().filter(fills).filter(|record| !made.contains(&named(record)));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let condition = |record: &Record| {
        let name = Ident::new(text(&record.tag)).within(&Ident::new(text(record.namespace.as_deref()?)));
        let exists = sql!("pg_catalog.to_regclass({}) IS NOT NULL", Literal(&name.to_string()));
        Some((record.id, exists.as_str().to_owned()))
    };
    of_others.filter_map(condition).collect()
}
