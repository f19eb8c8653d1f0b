//! Large objects on their way into an archive.

use super::archivist::{Block, Desk};
use super::pipe::Copied;
use crate::archive::block;
use crate::archive::codec::{Codec, Encoder, Envelope};
use crate::error::{Error, ErrorKind, Result};
use crate::toc::EntryId;
use crate::wire::large_object::{CHUNK_BYTES, Chunk};

/// Takes large objects, each from its beginning to its end before the next, and makes a block of them.
pub(super) struct ObjectFramer {
    block: Block,
    waiting: Vec<Chunk>,
    bytes: usize,
    /// Not there only while it compresses, or after an error.
    press: Option<Press>,
}

impl ObjectFramer {
    pub fn new(desk: &Desk, entry: EntryId) -> Result<Self> {
        let press = Press { codec: desk.codec(), encoder: Encoder::new(desk.codec())?, open: None };
        let block = desk.open_objects(entry)?;
        Ok(Self { block, waiting: Vec::new(), bytes: 0, press: Some(press) })
    }

    pub async fn add(&mut self, chunk: Chunk) -> Result<()> {
        if self.block.is_lost() {
            return Ok(());
        }
        self.bytes += chunk.bytes.len();
        self.waiting.push(chunk);
        if self.bytes >= CHUNK_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        let (chunks, press) = (std::mem::take(&mut self.waiting), self.press.take());
        self.bytes = 0;
        let mut press = press.ok_or_else(|| Error::malformed("these large objects have failed before"))?;
        let work = tokio::task::spawn_blocking(move || press.chunks(&chunks).map(|bytes| (press, bytes)));
        let done = work.await.map_err(|error| Error::malformed("a compressor has died").with_source(error))?;
        let (press, bytes) = done?;
        self.press = Some(press);
        if bytes.is_empty() { Ok(()) } else { self.block.large_objects(bytes).await }
    }

    /// Ends the block.
    pub async fn finish(mut self, copied: &Copied, digest: bool) -> Result<()> {
        self.flush().await?;
        // An OID of 0 ends the objects, and is what ends a block: whoever writes it puts it there.
        self.block.close(copied.rows, digest.then_some(copied.digest.sum))
    }
}

/// Compresses chunks, and puts what an archive wants around them.
struct Press {
    codec: Codec,
    encoder: Encoder,
    /// Around the object that has begun and not ended.
    open: Option<Envelope>,
}

impl Press {
    fn chunks(&mut self, chunks: &[Chunk]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for chunk in chunks {
            let mut envelope = match self.open.take() {
                Some(envelope) => envelope,
                None => {
                    let envelope = Envelope::new(self.codec);
                    block::put_large_object(&mut out, chunk.oid).map_err(failed)?;
                    block::put_chunk(&mut out, envelope.head()).map_err(failed)?;
                    envelope
                }
            };
            if !chunk.bytes.is_empty() {
                let frame = self.encoder.frame(&chunk.bytes)?;
                envelope.add(&frame);
                block::put_chunk(&mut out, &frame.bytes).map_err(failed)?;
            }
            if chunk.last {
                block::put_chunk(&mut out, &envelope.tail()).map_err(failed)?;
                block::put_end(&mut out).map_err(failed)?;
            } else {
                self.open = Some(envelope);
            }
        }
        Ok(out)
    }
}

fn failed(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot put a large object into the archive").with_source(error)
}
