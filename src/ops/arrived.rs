//! What there is to be told of a database that has been loaded.

use std::collections::HashMap;
use std::time::Duration;

use super::collation::IndexCollations;
use super::{Arrived, IndexEvidence};
use crate::toc::{Data, Kind, Toc};
use crate::transfer::Moved;

/// What has arrived of these entries, under this name.
pub(super) fn arrived(database: &str, toc: &Toc, moved: &Moved, indexes: Vec<IndexCollations>) -> Arrived {
    let entries = toc.entries();
    let count = |kind: Kind| entries.iter().filter(|e| e.kind == kind).count() as u64;
    Arrived {
        database: database.to_owned(),
        stood: entries.iter().any(|entry| !entry.is_made()),
        tables: count(Kind::TableData),
        rows: moved.rows,
        bytes: moved.bytes,
        large_objects: large_objects(toc),
        sequences: count(Kind::SequenceSet),
        entries: entries.iter().filter(|entry| entry.is_made()).count() as u64,
        carried: moved.carried,
        analyzed: moved.analyzed,
        archive: None,
        indexes: evidence(toc, moved, indexes),
    }
}

/// How many large objects there are.
pub(super) fn large_objects(toc: &Toc) -> u64 {
    let each = toc.entries().iter().filter_map(|entry| match &entry.data {
        Some(Data::LargeObjects(oids)) => Some(oids.len() as u64),
        _ => None,
    });
    each.sum()
}

/// What is known of every index: when it was built, and under which collations. One that has no entry of its own (an
/// exclusion constraint's, an extension's) was made by this run all the same, since the database was.
fn evidence(toc: &Toc, moved: &Moved, indexes: Vec<IndexCollations>) -> Vec<IndexEvidence> {
    let built: HashMap<String, Duration> =
        moved.indexes.iter().filter_map(|(id, at)| Some((toc.get(*id)?.name(), *at))).collect();
    let evidence = indexes.into_iter().map(|proof| {
        let index = proof.index.label();
        let built_at = built.get(&index).copied().unwrap_or_default();
        IndexEvidence { index, built_at, collations: proof.collations }
    });
    evidence.collect()
}
