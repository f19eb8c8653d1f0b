//! What an archive of ours says about itself, held against what it holds.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::Ready;
use crate::archive::manifest::{END_BYTES, FOOTER_BYTES, Footer, Manifest};
use crate::archive::read::FileArchive;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::QualName;
use crate::toc::Data;
use crate::transfer::{Digest, Moved};

/// The manifest of an archive; nothing for one of somebody else's.
///
/// # Errors
/// * `Malformed` where it is damaged, or says something else than header and table of contents.
pub(super) fn read(archive: &FileArchive) -> Result<Option<Manifest>> {
    let end = (FOOTER_BYTES + END_BYTES) as u64;
    let Some(at) = archive.length().checked_sub(end).filter(|at| *at >= archive.blocks_from()) else { return Ok(None) };
    let Some(footer) = Footer::read(&archive.bytes(at, end)?) else { return Ok(None) };
    let damaged = |what: &'static str| {
        Error::malformed(what)
            .about(archive.path().display())
            .with_hint("The file is damaged. If it was copied or downloaded, do that again.")
    };
    let begins = at.checked_sub(footer.body).filter(|_| footer.file == archive.length());
    let begins = begins.ok_or_else(|| damaged("the archive is not as long as it was when it was written"))?;
    let body = archive.bytes(begins, footer.body)?;
    if !footer.proves(&body) {
        return Err(damaged("the archive's manifest is not what was written"));
    }
    let manifest = Manifest::read(&body)?;
    let head = archive.bytes(0, manifest.head_bytes)?;
    if manifest.head_hash != *Sha256::digest(&head) {
        return Err(damaged("the archive's header or table of contents is not what was written"));
    }
    Ok(Some(manifest))
}

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

    /// Compares what the archive has sent with what its manifest says.
    ///
    /// # Errors
    ///
    /// `Differs`, for the first table of which it says something else.
    pub(super) fn insist_on_manifest(&self, moved: &Moved) -> Result<()> {
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
                    (Some(key), self.packed.is_text(entry.id))
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
        for (key, digest) in expected {
            let (Some(digest), Some(checked)) = (digest, moved.checked.get(&key)) else { continue };
            if checked.old != digest {
                let name = key.map_or_else(|| "large objects".to_owned(), |name| format!("table {}", name.label()));
                let what = format!(
                    "the archive does not hold what its manifest says: {} rows and digest {digest}, not {} rows and {}",
                    digest.rows, checked.old.rows, checked.old
                );
                return Err(Error::new(ErrorKind::Differs, what).about(name));
            }
        }
        Ok(())
    }
}
