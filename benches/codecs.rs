//! What it costs to compress rows into frames of an archive, and to read them back, on one thread.
//!
//! `cargo bench --bench codecs`. The throughput is of the content, before compression; the ratio is printed first.

#![expect(clippy::expect_used, reason = "a benchmark that fails may panic")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pgtandem::archive::codec::{Codec, Encoder, FrameDecoder};

/// The content of a frame, in bytes.
const CONTENT_BYTES: usize = 4 << 20;

const CODECS: [Codec; 9] = [
    Codec::None,
    Codec::Lz4,
    Codec::Zstd(1),
    Codec::Zstd(2),
    Codec::Zstd(3),
    Codec::ZstdAdapted,
    Codec::Zstd(9),
    Codec::Gzip(1),
    Codec::Gzip(6),
];

/// Rows as COPY sends them: keys that count up, a few words that come again, numbers and times that hardly do.
fn rows() -> Vec<u8> {
    const WORDS: [&str; 8] = ["paid", "open", "shipped", "returned", "north", "south", "express", "\\N"];
    let mut out = Vec::with_capacity(CONTENT_BYTES + 256);
    // Numbers without a pattern, the same every time (Knuth's linear congruential generator, MMIX).
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for key in 1.. {
        let (word, other) = (WORDS[next() % WORDS.len()], WORDS[next() % WORDS.len()]);
        let (customer, cents, day, second) = (next() % 500_000, next() % 1_000_000, 1 + next() % 28, next() % 86_400);
        let (euros, rest, hour, minute) = (cents / 100, cents % 100, second / 3600, second / 60 % 60);
        let row = format!(
            "{key}\t{customer}\t{word}\t{euros}.{rest:02}\t2026-03-{day:02} {hour:02}:{minute:02}:{:02}.{:06}+00\t\
             {{\"from\": \"{other}\", \"note\": \"{:x}\"}}\n",
            second % 60,
            next() % 1_000_000,
            next()
        );
        out.extend_from_slice(row.as_bytes());
        if out.len() >= CONTENT_BYTES {
            break;
        }
    }
    out
}

fn codecs(c: &mut Criterion) {
    let content = rows();
    for (name, decode) in [("compress", false), ("decompress", true)] {
        let mut group = c.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(3));
        group.throughput(Throughput::Bytes(content.len() as u64));
        for codec in CODECS {
            let mut encoder = Encoder::new(codec).expect("an encoder");
            let frame = encoder.frame(&content).expect("a frame");
            if !decode {
                eprintln!("{codec}: {:.2} to 1", content.len() as f64 / frame.bytes.len() as f64);
                group.bench_function(codec.to_string(), |b| b.iter(|| encoder.frame(black_box(&content))));
                continue;
            }
            let mut decoder = FrameDecoder::new(codec.compression()).expect("a decoder");
            let mut all = || {
                decoder.decode(&frame.bytes, frame.content, &mut |piece| {
                    black_box(piece);
                    Ok(())
                })
            };
            all().expect("the content");
            group.bench_function(codec.to_string(), |b| b.iter(&mut all));
        }
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
