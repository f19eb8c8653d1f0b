use flate2::{Compress, FlushCompress};
use std::io::Write as _;

use super::*;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip(6), Codec::Lz4, Codec::Zstd(3), Codec::ZstdAdapted];

/// Something between noise and repetition.
fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes = Vec::with_capacity(length + 32);
    while bytes.len() < length {
        writeln!(bytes, "{}\tcustomer {}\t{}", next() % 10_000, next() % 7, next()).unwrap();
    }
    bytes.truncate(length);
    bytes
}

#[test]
fn the_lower_level_is_taken_where_pieces_are_no_larger() {
    // Words that come again and again are for the usual level, digits for the lower one.
    let prose: Vec<u8> = include_bytes!("encode.rs").repeat(40);
    let digits: Vec<u8> = content(512 << 10, 7);
    for (content, name) in [(prose, "prose"), (digits, "digits")] {
        let sizes = |codec| Encoder::new(codec).unwrap().frame(&content).unwrap().bytes;
        let (usual, lower) = (sizes(Codec::Zstd(3)), sizes(Codec::Zstd(2)));
        let mut adapted = Encoder::new(Codec::ZstdAdapted).unwrap();
        let expected = if lower.len() <= usual.len() { lower } else { usual };
        for piece in 0..40 {
            assert_eq!(adapted.frame(&content).unwrap().bytes, expected, "{name}, piece {piece}");
        }
    }
}

/// A whole stream of these pieces, and its frames.
fn written(codec: Codec, pieces: &[Vec<u8>]) -> (Vec<u8>, Vec<Frame>) {
    let mut encoder = Encoder::new(codec).unwrap();
    let mut envelope = Envelope::new(codec);
    let mut stream = envelope.head().to_vec();
    let mut frames = Vec::new();
    for piece in pieces {
        let frame = encoder.frame(piece).unwrap();
        envelope.add(&frame);
        stream.extend(&frame.bytes);
        frames.push(frame);
    }
    stream.extend(envelope.tail());
    (stream, frames)
}

/// The content of a stream, fed in chunks of this length.
fn read(compression: Compression, stream: &[u8], chunk: usize) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new(compression)?;
    read_with(&mut decoder, stream, chunk)
}

fn read_with(decoder: &mut Decoder, stream: &[u8], chunk: usize) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    for chunk in stream.chunks(chunk) {
        decoder.decode(chunk, &mut |piece| {
            assert!(!piece.is_empty() && piece.len() <= PIECE);
            content.extend_from_slice(piece);
            Ok(())
        })?;
    }
    decoder.finish()?;
    Ok(content)
}

fn read_frame(compression: Compression, bytes: &[u8], length: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    FrameDecoder::new(compression)?.decode(bytes, length, &mut |piece| {
        content.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(content)
}

#[test]
fn names() {
    for (text, codec) in [
        ("none", Codec::None),
        ("lz4", Codec::Lz4),
        ("gzip:1", Codec::Gzip(1)),
        ("gzip:9", Codec::Gzip(9)),
        ("zstd:1", Codec::Zstd(1)),
        ("zstd:22", Codec::Zstd(22)),
    ] {
        assert_eq!(text.parse::<Codec>().unwrap(), codec);
        assert_eq!(codec.to_string(), text);
    }
    assert_eq!("zstd".parse::<Codec>().unwrap(), Codec::default());
    assert_eq!("gzip".parse::<Codec>().unwrap(), Codec::Gzip(6));
    for text in
        ["", "brotli", "gzip:0", "gzip:10", "zstd:0", "zstd:23", "zstd:x", "zstd:-1", "lz4:1", "none:1", "zstd:"]
    {
        let error = text.parse::<Codec>().unwrap_err();
        assert_eq!(error.kind(), crate::error::ErrorKind::Usage, "{text}");
    }
    assert!(Encoder::new(Codec::Gzip(0)).is_err());
    assert!(Encoder::new(Codec::Zstd(99)).is_err());
}

#[test]
fn what_is_written_is_read() {
    for codec in [CODECS.as_slice(), &[Codec::Gzip(1), Codec::Gzip(9), Codec::Zstd(1), Codec::Zstd(19)]].concat() {
        for length in [0, 1, 1 << 20] {
            let piece = content(length, 7);
            let (stream, frames) = written(codec, std::slice::from_ref(&piece));
            for chunk in [1 << 30, 4096, 7] {
                assert!(read(codec.compression(), &stream, chunk).unwrap() == piece, "{codec}, {length}, {chunk}");
            }
            assert_eq!(frames[0].content, length as u64);
            let alone = read_frame(codec.compression(), &frames[0].bytes, length as u64).unwrap();
            assert!(alone == piece, "{codec}, {length}");
        }
    }
}

#[test]
fn a_stream_without_pieces() {
    for codec in CODECS {
        let (stream, _) = written(codec, &[]);
        assert_eq!(stream.is_empty(), codec != Codec::Gzip(6));
        assert_eq!(read(codec.compression(), &stream, 1).unwrap(), b"");
    }
    // With zlib, nothing is less than an empty stream.
    assert!(read(Compression::Gzip, b"", 1).is_err());
}

#[test]
fn pieces_of_many_encoders_in_any_order() {
    for codec in CODECS {
        let pieces: Vec<Vec<u8>> = (0..9).map(|n| content(n * 40_000, n as u64 + 1)).collect();
        let made: Vec<Frame> = std::thread::scope(|scope| {
            let lanes: Vec<_> =
                pieces.iter().map(|piece| scope.spawn(|| Encoder::new(codec).unwrap().frame(piece).unwrap())).collect();
            lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
        });
        let mut envelope = Envelope::new(codec);
        let (mut stream, mut expected) = (envelope.head().to_vec(), Vec::<u8>::new());
        for at in [3, 0, 8, 1, 7, 2, 6, 4, 5] {
            envelope.add(&made[at]);
            stream.extend(&made[at].bytes);
            expected.extend(&pieces[at]);
        }
        stream.extend(envelope.tail());
        let mut decoder = Decoder::new(codec.compression()).unwrap();
        // One after the other through the same decoder.
        for chunk in [1 << 20, 1000] {
            assert!(read_with(&mut decoder, &stream, chunk).unwrap() == expected, "{codec}");
        }
        let mut frames = FrameDecoder::new(codec.compression()).unwrap();
        for at in [5, 5, 0, 8] {
            let mut content = Vec::new();
            let mut take = |piece: &[u8]| {
                content.extend_from_slice(piece);
                Ok(())
            };
            frames.decode(&made[at].bytes, made[at].content, &mut take).unwrap();
            assert!(content == pieces[at], "{codec}");
        }
    }
}

#[test]
fn cuts_are_found() {
    for codec in [Codec::Gzip(6), Codec::Lz4, Codec::Zstd(3)] {
        let (stream, frames) = written(codec, &[content(3000, 1), content(2000, 2)]);
        let between = frames[0].bytes.len();
        for cut in 1..stream.len() {
            let done = read(codec.compression(), &stream[..cut], 1000);
            // Only a manifest knows that there was another frame.
            let passes = cut == between && codec != Codec::Gzip(6);
            assert_eq!(done.is_ok(), passes, "{codec} cut at {cut} of {}", stream.len());
        }
        let whole = &frames[0].bytes;
        for cut in 0..whole.len() {
            assert!(read_frame(codec.compression(), &whole[..cut], 3000).is_err(), "{codec} cut at {cut}");
        }
        for length in [0, 2999, 3001] {
            assert!(read_frame(codec.compression(), whole, length).is_err(), "{codec}");
        }
    }
    assert!(read_frame(Compression::None, b"abc", 4).is_err());
    assert!(read_frame(Compression::None, b"abc", 2).is_err());
}

#[test]
fn flips_are_found() {
    for codec in [Codec::Gzip(6), Codec::Lz4, Codec::Zstd(3)] {
        let piece = content(20_000, 3);
        let (stream, _) = written(codec, std::slice::from_ref(&piece));
        for at in (0..stream.len()).step_by(3).chain(stream.len() - 8..stream.len()) {
            let mut flipped = stream.clone();
            flipped[at] ^= 1 << (at % 8);
            // Some bits mean nothing; then the content is what it was.
            if let Ok(content) = read(codec.compression(), &flipped, 1 << 20) {
                assert!(content == piece, "{codec} flipped at {at}");
            }
        }
        let last = stream.len() - 1;
        let mut flipped = stream;
        flipped[last] ^= 1;
        assert!(read(codec.compression(), &flipped, 1 << 20).is_err(), "{codec}");
    }
}

#[test]
fn what_follows_the_end_of_a_zlib_stream_is_refused() {
    let (mut stream, _) = written(Codec::Gzip(6), &[content(1000, 1)]);
    stream.push(0);
    assert!(read(Compression::Gzip, &stream, 1 << 20).is_err());
    assert!(read(Compression::Gzip, &stream, stream.len() - 1).is_err());
}

#[test]
fn bombs_come_in_pieces() {
    let zeros = vec![0; 64 << 20];
    for codec in [Codec::Gzip(9), Codec::Lz4, Codec::Zstd(3)] {
        let frame = Encoder::new(codec).unwrap().frame(&zeros).unwrap();
        assert!(frame.bytes.len() < 1 << 20, "{codec}: {}", frame.bytes.len());
        let mut passed = 0;
        let mut decoder = FrameDecoder::new(codec.compression()).unwrap();
        let mut take = |piece: &[u8]| {
            assert!(piece.len() <= PIECE);
            passed += piece.len();
            Ok(())
        };
        // What was promised is the end of it.
        assert!(decoder.decode(&frame.bytes, 1_000_000, &mut take).is_err());
        assert!(passed <= 1_000_000, "{codec}: {passed}");
    }
}

#[test]
fn an_error_of_the_taker_ends_it() {
    let (stream, _) = written(Codec::Zstd(1), &[content(1 << 20, 1)]);
    let mut calls = 0;
    let done = Decoder::new(Compression::Zstd).unwrap().decode(&stream, &mut |_| {
        calls += 1;
        Err(Error::cancelled())
    });
    assert!(done.is_err());
    assert_eq!(calls, 1);
}

#[test]
fn zstd_of_others() {
    let piece = content(700_000, 5);
    // Without checksum and size, in many parts, with a frame to skip before, between and after.
    let skipped = [&[0x5f, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"12345"].concat();
    let mut stream = skipped.clone();
    for half in piece.chunks(350_000) {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(half).unwrap();
        stream.extend(encoder.finish().unwrap());
        stream.extend(&skipped);
    }
    for chunk in [1, 13, 5000, 1 << 30] {
        assert!(read(Compression::Zstd, &stream, chunk).unwrap() == piece, "{chunk}");
    }
    // A window that is too large.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.set_parameter(zstd::zstd_safe::CParameter::WindowLog(28)).unwrap();
    encoder.write_all(&piece).unwrap();
    assert!(read(Compression::Zstd, &encoder.finish().unwrap(), 1 << 30).is_err());
}

#[test]
fn lz4_of_others() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    let piece = content(700_000, 5);
    let skipped = [&[0x51, 0x2a, 0x4d, 0x18, 5, 0, 0, 0][..], b"12345", &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]].concat();
    for (mode, size) in [
        (BlockMode::Linked, BlockSize::Max64KB),
        (BlockMode::Linked, BlockSize::Max1MB),
        (BlockMode::Independent, BlockSize::Max4MB),
    ] {
        for checksums in [false, true] {
            let mut stream = skipped.clone();
            for half in piece.chunks(350_000) {
                let info = FrameInfo::new().block_mode(mode).block_size(size).block_checksums(checksums);
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                for part in half.chunks(10_000) {
                    encoder.write_all(part).unwrap();
                }
                stream.extend(encoder.finish().unwrap());
                stream.extend(&skipped);
            }
            for chunk in [1, 13, 5000, 1 << 30] {
                assert!(read(Compression::Lz4, &stream, chunk).unwrap() == piece, "{mode:?} {size:?} {chunk}");
            }
        }
    }
}

#[test]
fn zlib_of_others() {
    let piece = content(700_000, 5);
    let mut compress = Compress::new(flate2::Compression::new(6), true);
    let mut stream = Vec::with_capacity(1 << 20);
    compress.compress_vec(&piece, &mut stream, FlushCompress::Finish).unwrap();
    for chunk in [1, 13, 4096, 1 << 30] {
        assert!(read(Compression::Gzip, &stream, chunk).unwrap() == piece, "{chunk}");
    }
}

#[test]
fn noise_is_refused_or_read_but_never_more() {
    for codec in CODECS {
        for seed in 1..200 {
            let noise = content(300, seed);
            let (mut stream, _) = written(codec, std::slice::from_ref(&noise));
            let at = (seed as usize * 31) % stream.len();
            let end = (at + 40).min(stream.len());
            stream[at..end].copy_from_slice(&noise[..end - at]);
            let _ = read(codec.compression(), &stream, 17);
            let _ = read_frame(codec.compression(), &stream, 300);
        }
    }
}
