//! Reading Zstandard frames.

use zstd::stream::raw::{Decoder, Operation as _};
use zstd::zstd_safe::DParameter;

use super::decode::damaged;
use crate::error::{Error, ErrorKind, Result};

/// The largest window that a frame may ask for, as a power of two: what `ZSTD_DCtx` admits, and hence the stock tools.
const LARGEST_WINDOW_LOG: u32 = 27;

/// Reads any number of frames, those to skip among them.
pub(super) struct Zstandard {
    context: Decoder<'static>,
    /// Whether no frame has begun that has not ended.
    between: bool,
    /// Whether the last call left no room, so that the context may hold more.
    full: bool,
    frames: u64,
}

impl Zstandard {
    pub(super) fn new() -> Result<Self> {
        let prepared = Decoder::new().and_then(|mut context| {
            context.set_parameter(DParameter::WindowLogMax(LARGEST_WINDOW_LOG))?;
            Ok(context)
        });
        let context = prepared.map_err(cannot_begin)?;
        Ok(Self { context, between: true, full: false, frames: 0 })
    }

    pub(super) fn reset(&mut self) -> Result<()> {
        self.context.reinit().map_err(cannot_begin)?;
        (self.between, self.full, self.frames) = (true, false, 0);
        Ok(())
    }

    pub(super) fn is_whole(&self) -> bool {
        self.between
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    pub(super) fn fill(&mut self, input: &mut &[u8], to: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < to.len() && (self.full || !input.is_empty()) {
            let status = self
                .context
                .run_on_buffers(input, &mut to[filled..])
                .map_err(|error| damaged("the compressed data are damaged").with_source(error))?;
            *input = &input[status.bytes_read..];
            filled += status.bytes_written;
            self.full = filled == to.len();
            if status.bytes_read > 0 || status.bytes_written > 0 {
                self.between = status.remaining == 0;
                self.frames += u64::from(self.between);
            }
        }
        Ok(filled)
    }
}

fn cannot_begin(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot begin to decompress").with_source(error)
}
