//! The manifest of an archive of ours.

use sha2::{Digest as _, Sha256};

use super::super::manifest::{END_BYTES, FOOTER_BYTES, Footer, Manifest};
use super::FileArchive;
use crate::error::{Error, Result};

impl FileArchive {
    /// What the archive says about itself; nothing for one of somebody else's.
    ///
    /// # Errors
    /// * `Malformed` where that is damaged, or is about another header or table of contents.
    pub fn manifest(&self) -> Result<Option<Manifest>> {
        let end = (FOOTER_BYTES + END_BYTES) as u64;
        let Some(at) = self.length().checked_sub(end).filter(|at| *at >= self.blocks_from()) else { return Ok(None) };
        let Some(footer) = Footer::read(&self.bytes(at, end)?) else { return Ok(None) };
        let damaged = |what: &'static str| {
            Error::malformed(what)
                .about(self.path().display())
                .with_hint("The file is damaged. If it was copied or downloaded, do that again.")
        };
        let begins = at.checked_sub(footer.body).filter(|_| footer.file == self.length());
        let begins = begins.ok_or_else(|| damaged("the archive is not as long as it was when it was written"))?;
        let body = self.bytes(begins, footer.body)?;
        if !footer.proves(&body) {
            return Err(damaged("the archive's manifest is not what was written"));
        }
        let manifest = Manifest::read(&body)?;
        let head = self.bytes(0, manifest.head_bytes)?;
        match manifest.head_hash == *Sha256::digest(&head) {
            true => Ok(Some(manifest)),
            false => Err(damaged("the archive's header or table of contents is not what was written")),
        }
    }
}
