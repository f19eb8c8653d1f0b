//! What one lane costs: cutting rows out of the byte stream, digesting them, and the whole way between two real servers.
//!
//! `cargo bench --bench lane`. The servers come from the lab, which provisions them on first use.

#![expect(clippy::expect_used, reason = "a benchmark that fails may panic")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use pgtandem::event::Tally;
use pgtandem::sql::Sql;
use pgtandem::transfer::{self, DigestMode, RowDigester};
use pgtandem::wire::conninfo::ConnInfo;
use pgtandem::wire::session::{Session, Side};
use pgtandem::wire::tap::{Block, Cut, Format, Tap};
use pgtandem_lab::Server;
use tokio::io::AsyncReadExt;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// Bytes of rows in a stream from memory.
const STREAM_BYTES: usize = 32 << 20;

/// The shapes of rows: a name, and their length in bytes.
const SHAPES: [(&str, usize); 3] = [("narrow", 24), ("middle", 400), ("wide", 100_000)];

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

/// What a server sends for a COPY of rows of this length.
fn stream(row: usize) -> Vec<u8> {
    let start = message(b'H', &[0, 0, 1, 0, 0]);
    let rows = message(b'd', &vec![b'r'; row]).repeat(STREAM_BYTES / row);
    [start, rows, message(b'c', b""), message(b'C', b"COPY 1\0"), message(b'Z', b"I")].concat()
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// Reads a stream through a tap, and gives each block to `take`.
async fn through(stream: &[u8], mut take: impl FnMut(Block)) {
    let (mut tap, handle) = Tap::new(stream);
    let mut cuts = handle.arm_out();
    let library = async {
        let mut seen = Vec::new();
        tap.read_to_end(&mut seen).await.expect("a stream from memory");
        drop(tap);
        seen.len()
    };
    let taker = async {
        while let Some(cut) = cuts.recv().await {
            if let Cut::Block(block) = cut {
                take(block);
            }
        }
    };
    let (seen, ()) = tokio::join!(library, taker);
    assert_eq!(seen, 18);
}

fn cutting(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("cut");
    for (name, row) in SHAPES {
        let stream = stream(row);
        group.throughput(Throughput::Bytes(stream.len() as u64));
        group.bench_function(name, |b| b.iter(|| runtime.block_on(through(&stream, |block| drop(black_box(block))))));
    }
}

fn digesting(c: &mut Criterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("digest");
    for (name, row) in SHAPES {
        let mut blocks = Vec::new();
        // A copy, as the tap takes its memory back.
        let keep = |block: Block| blocks.push(Block { bytes: Bytes::copy_from_slice(&block.bytes), ends: block.ends });
        runtime.block_on(through(&stream(row), keep));
        group.throughput(Throughput::Bytes(blocks.iter().map(|block| block.bytes.len() as u64).sum()));
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut digester = RowDigester::new(Format::Text);
                blocks.iter().for_each(|block| digester.add(block));
                digester.digest()
            });
        });
    }
}

/// A session on a server of the lab.
async fn session(server: &Server) -> Session {
    let side = if server.major() == 15 { Side::Old } else { Side::New };
    let info = ConnInfo::resolve(side, Some(&server.url("postgres")), &|_| None).expect("a connection string");
    let session = Session::connect(&info, side, "bench", tokio::sync::mpsc::channel(1).0).await.expect("a session");
    session.run(&Sql::constant("SET search_path = public")).await.expect("a search path");
    session
}

/// One table from the old server to the new one.
fn out_to_in(c: &mut Criterion) {
    let runtime = runtime();
    let servers = [15, 18].map(|major| pgtandem_lab::shared(major).expect("a server"));
    let [old, new] = servers.map(|server| runtime.block_on(session(server)));
    let table = "CREATE TABLE lane (a int8, b int4, c numeric); CREATE TABLE lane_wide (a int4, b text)";
    let fill = "INSERT INTO lane SELECT n, n % 1000, n / 7.0 FROM generate_series(1, 500000) AS n; \
                INSERT INTO lane_wide SELECT n, repeat(md5(n::text), 3000) FROM generate_series(1, 400) AS n";
    for (session, statements) in [(&old, vec![table, fill]), (&new, vec![table])] {
        for statement in statements {
            runtime.block_on(session.run(&Sql::constant(statement))).expect("tables");
        }
    }
    let mut group = c.benchmark_group("out to in");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    for (name, out, into) in [
        ("narrow", "COPY lane TO STDOUT", "TRUNCATE lane; COPY lane FROM STDIN (FREEZE)"),
        ("wide", "COPY lane_wide TO STDOUT", "TRUNCATE lane_wide; COPY lane_wide FROM STDIN (FREEZE)"),
    ] {
        for (how, digest) in [("counted", DigestMode::None), ("digested", DigestMode::Rows)] {
            let copy = || {
                let (out, into) = (Sql::constant(out), Sql::constant(into));
                let (tally, cancel) = (Tally::default(), CancellationToken::new());
                runtime
                    .block_on(transfer::copy_table(&old, &new, &out, &into, &tally, digest, &cancel))
                    .expect("a copy")
            };
            measure(&mut group, &format!("{name} {how}"), copy().bytes, copy);
        }
    }
}

fn measure<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, bytes: u64, mut work: impl FnMut() -> T) {
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function(name, |b| b.iter(&mut work));
}

criterion_group!(benches, cutting, digesting, out_to_in);
criterion_main!(benches);
