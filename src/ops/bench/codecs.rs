//! Compressing samples, by one thread.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::leg::Flow;
use crate::archive::codec::{Codec, Encoder};
use crate::error::{Error, Result};

/// The ways that are tried, the quick ones first.
pub(super) const CODECS: [Codec; 5] = [Codec::Lz4, Codec::Zstd(1), Codec::DEFAULT, Codec::Zstd(9), Codec::Gzip(6)];

/// How much is compressed together, as in an archive.
const PIECE: usize = 1 << 20;

/// Compresses these bytes, all of them at least once if there is time, and tells how much came out for each byte.
pub(super) async fn compress(
    codec: Codec,
    content: Vec<Bytes>,
    time: Duration,
    cancel: CancellationToken,
) -> Result<(Flow, f64)> {
    let work = move || compress_here(codec, &content, time, &cancel);
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::malformed("a compressor has died").with_source(error))?
}

fn compress_here(codec: Codec, content: &[Bytes], time: Duration, cancel: &CancellationToken) -> Result<(Flow, f64)> {
    let mut encoder = Encoder::new(codec)?;
    let (mut flow, mut out) = (Flow::default(), 0u64);
    let begun = Instant::now();
    // Passes over everything, so that no table counts more than another.
    while flow.elapsed < time / 3 {
        let before = flow.bytes;
        for piece in content.iter().flat_map(|bytes| bytes.chunks(PIECE)) {
            if cancel.is_cancelled() {
                return Err(Error::cancelled());
            }
            out += encoder.frame(piece)?.bytes.len() as u64;
            flow.bytes += piece.len() as u64;
            flow.elapsed = begun.elapsed();
            if flow.elapsed >= time {
                break;
            }
        }
        if flow.bytes == before {
            break;
        }
    }
    let ratio = if flow.bytes > 0 { out as f64 / flow.bytes as f64 } else { 1.0 };
    Ok((flow, ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_is_less() {
        let content = [Bytes::from(vec![b'x'; 3 << 20]), Bytes::from_static(b"y")];
        for codec in CODECS {
            let (flow, ratio) =
                compress_here(codec, &content, Duration::from_millis(300), &CancellationToken::new()).unwrap();
            assert!(flow.bytes >= 1 << 20 && ratio < 0.1, "{codec}: {flow:?} {ratio}");
        }
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        assert!(compress_here(Codec::Lz4, &content, Duration::from_secs(1), &cancelled).is_err());
        let (flow, _) = compress_here(Codec::Lz4, &[], Duration::from_secs(1), &CancellationToken::new()).unwrap();
        assert_eq!(flow.bytes, 0);
    }
}
