//! What an archive of ours says about itself, held against what it holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Ready;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::QualName;
use crate::toc::Data;
use crate::transfer::{Blocks, Digest, Loss, Losses, Moved};

impl Ready {
    /// Leaves the digests out of what was compared where only the number of rows means anything.
    pub(super) fn count_only(&self, moved: &mut Moved) {
        for entry in self.toc.entries() {
            if let Some(Data::Rows(rows)) = &entry.data
                && !self.packed.is_comparable(entry.id, rows)
                && let Some(checked) = moved.checked.get_mut(&Some(rows.into.as_ref().unwrap_or(&rows.table).clone()))
            {
                (checked.old.sum, checked.new.sum) = (0, 0);
            }
        }
    }

    /// What is lost, where what is whole is salvaged.
    pub(super) fn losses(&self) -> Option<Arc<Losses>> {
        match self.packed.archive() {
            Blocks::Salvaged(_, losses) => Some(losses),
            Blocks::File(_) | Blocks::Stream(_) => None,
        }
    }

    /// Compares what the archive has sent with what its manifest says.
    ///
    /// # Errors
    ///
    /// `Differs`, for the first table of which it says something else; where what is whole is salvaged, that is a loss.
    pub(super) fn compare_with_manifest(&self, moved: &Moved) -> Result<()> {
        let Some(manifest) = &self.manifest else { return Ok(()) };
        let said: HashMap<i64, Digest> = manifest
            .blocks
            .iter()
            .filter_map(|block| Some((i64::from(block.id), Digest { rows: block.rows, sum: block.digest? })))
            .collect();
        let mut expected: BTreeMap<Option<QualName>, Option<Digest>> = BTreeMap::new();
        for entry in self.toc.entries() {
            let (key, comparable) = match &entry.data {
                Some(Data::Rows(rows)) => {
                    let key = rows.into.as_ref().unwrap_or(&rows.table).clone();
                    (Some(key), self.packed.holds_rows(entry.id))
                }
                Some(Data::LargeObjects(_)) => (None, true),
                None => continue,
            };
            let digest = self.packed.record_of(entry.id).and_then(|id| said.get(&id)).filter(|_| comparable);
            let sum = expected.entry(key).or_insert(Some(Digest::default()));
            *sum = sum.zip(digest).map(|(mut sum, digest)| {
                sum.merge(digest);
                sum
            });
        }
        let losses = self.losses();
        for (key, digest) in expected {
            let (Some(digest), Some(checked)) = (digest, moved.checked.get(&key)) else { continue };
            if checked.old == digest {
                continue;
            }
            let name =
                key.as_ref().map_or_else(|| "large objects".to_owned(), |name| format!("table {}", name.label()));
            let what = format!(
                "the archive does not hold what its manifest says: {} rows and digest {digest}, not {} rows and {}",
                digest.rows, checked.old.rows, checked.old
            );
            let Some(losses) = &losses else { return Err(Error::new(ErrorKind::Differs, what).about(name)) };
            let rows = Some(digest.rows.saturating_sub(checked.old.rows)).filter(|_| key.is_some());
            losses.add(Loss {
                subject: name,
                bytes: None,
                rows,
                what: "of all rows that the archive should hold".to_owned(),
            });
        }
        Ok(())
    }
}
