//! Manifests of changed archives: made to fit again, so that what lies behind their hashes is read.

use pgtandem::archive::block::LONGEST_CHUNK;
use pgtandem::archive::header::Header;
use pgtandem::archive::manifest::{END_BYTES, FOOTER_BYTES, Footer, MAGIC, Manifest};
use pgtandem::archive::primitive::{Offset, Sizes, Source};
use pgtandem::archive::toc;
use sha2::{Digest as _, Sha256};
use xxhash_rust::xxh3::xxh3_64;

/// The length of a block's beginning and of a number, in the usual sizes.
const START_BYTES: u64 = 6;
const INT_BYTES: u64 = 5;

/// The bytes before the body of an archive's manifest, and the body.
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (rest, footer) = bytes.split_at_checked(bytes.len().checked_sub(FOOTER_BYTES + END_BYTES)?)?;
    let body = usize::try_from(Footer::read(footer)?.body).ok()?;
    rest.split_at_checked(rest.len().checked_sub(body)?)
}

/// Puts a body into an archive as if it belonged there.
pub fn signed(before: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = before.to_vec();
    // The length of the chunk, a sign and four bytes, stands before the body.
    if let Some(length) = bytes.last_chunk_mut() {
        *length = u32::to_le_bytes((body.len() + FOOTER_BYTES) as u32);
    }
    let length = (bytes.len() + body.len() + FOOTER_BYTES + END_BYTES) as u64;
    bytes.extend(body);
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(Sha256::digest(body));
    bytes.extend(MAGIC);
    bytes.extend([0; END_BYTES]);
    bytes
}

/// An archive of these bytes before its manifest, and a manifest that tells of them: places follow the head where that has
/// become longer or shorter, and hashes are those of what is there now. Nothing if one of them cannot be read.
pub fn fitting(before: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let mut manifest = Manifest::read(body).ok()?;
    let mut source = Source::new(before, 0, Sizes::USUAL);
    let header = Header::read(&mut source).ok()?;
    let mut records = toc::read(&mut source, header.version).ok()?;
    let blocks = before.get(usize::try_from(source.position()).ok()?..)?;
    let mut bytes = Vec::new();
    header.write(&mut bytes).ok()?;
    toc::write(&records, header.version, &mut bytes).ok()?;
    let moved = (bytes.len() as u64).wrapping_sub(manifest.head_bytes);
    for record in &mut records {
        if let Offset::At(at) = &mut record.offset {
            *at = at.wrapping_add(moved);
        }
    }
    bytes.clear();
    header.write(&mut bytes).ok()?;
    toc::write(&records, header.version, &mut bytes).ok()?;
    manifest.head_bytes = bytes.len() as u64;
    manifest.head_hash = Sha256::digest(&bytes).into();
    bytes.extend(blocks);
    let part = |at: u64, length: u64| {
        let from = usize::try_from(at).ok()?;
        bytes.get(from..from.checked_add(usize::try_from(length.min(LONGEST_CHUNK)).ok()?)?)
    };
    for block in &mut manifest.blocks {
        block.offset = block.offset.wrapping_add(moved);
        let mut at = block.offset.saturating_add(START_BYTES);
        if block.frames.is_empty() {
            let within = block.length.saturating_sub(START_BYTES + INT_BYTES);
            block.hash = part(at, within).map_or(block.hash, xxh3_64);
        }
        for frame in &mut block.frames {
            let stored = u64::from(frame.stored);
            frame.hash = part(at.saturating_add(INT_BYTES), stored).map_or(frame.hash, xxh3_64);
            at = at.saturating_add(INT_BYTES + stored);
        }
    }
    let mut body = manifest.write(0).ok()?;
    body.truncate(body.len().checked_sub(FOOTER_BYTES)?);
    Some(signed(&bytes, &body))
}
