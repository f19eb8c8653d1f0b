//! What the catalog costs: reading, ordering and rendering it, for a database of ten thousand tables with an index each.
//!
//! `cargo bench --bench catalog`. The server comes from the lab, which provisions it on first use.

#![expect(clippy::expect_used, reason = "a benchmark that fails may panic")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use pgtandem::catalog::{self, Catalog};
use pgtandem::plan::order::order;
use pgtandem::plan::schedule::{Extras, Schedule};
use pgtandem::sql::Sql;
use pgtandem::wire::conninfo::ConnInfo;
use pgtandem::wire::session::{Session, Side};
use pgtandem_lab::Server;
use tokio::runtime::{Builder, Runtime};

const TABLES: u32 = 10_000;
const DATABASE: &str = "wide";
/// The major that statements are rendered for.
const TARGET: u32 = 18;

fn fill() -> Server {
    let server = Server::builder(15).set("max_locks_per_transaction", "1000").start().expect("a server");
    server.create_database(DATABASE).expect("a database");
    let sql = format!(
        "DO $$ BEGIN FOR i IN 1..{TABLES} LOOP \
         EXECUTE format('CREATE TABLE t%s (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now())', i); \
         IF i % 500 = 0 THEN COMMIT; END IF; END LOOP; END $$"
    );
    server.psql(DATABASE, &sql).expect("tables");
    server
}

async fn read(session: &Session) -> Catalog {
    session.run(&Sql::constant("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await.expect("a transaction");
    catalog::read::lock(session, |_| true).await.expect("the locks");
    let mut catalog = catalog::read::database(session).await.expect("the catalog");
    catalog::read::states(session, &mut catalog).await.expect("the sequences");
    session.run(&Sql::constant("ROLLBACK")).await.expect("its end");
    catalog
}

fn ten_thousand_tables(criterion: &mut Criterion) {
    let server = fill();
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let info = ConnInfo::resolve(Side::Old, Some(&server.url(DATABASE)), &|_| None).expect("a connection string");
    let (notices, _unheard) = tokio::sync::mpsc::channel(16);
    let session = runtime.block_on(Session::connect(&info, Side::Old, "bench", notices)).expect("a session");
    let catalog = runtime.block_on(read(&session));
    let (steps, how) = order(&catalog, TARGET).expect("an order");
    let toc = catalog::toc(&catalog, &steps, &how);

    let mut group = criterion.benchmark_group("ten thousand tables");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    group.bench_function("read", |bench| bench.iter(|| black_box(runtime.block_on(read(&session)))));
    group.bench_function("order", |bench| bench.iter(|| black_box(order(&catalog, TARGET))));
    group.bench_function("render", |bench| bench.iter(|| black_box(catalog::toc(&catalog, &steps, &how))));
    let extras =
        Extras { verify: true, verify_parts: true, analyze_only: true, carry_statistics: true, partial: false };
    group.bench_function("schedule", |bench| bench.iter(|| black_box(Schedule::new([&toc], extras))));
    group.finish();
    println!("{} entries; peak of resident memory {} MB", toc.entries().len(), peak_memory() / 1_000_000);
}

/// The most memory that this program has had, in bytes, where the system tells.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() * 1024
}

criterion_group!(benches, ten_thousand_tables);
criterion_main!(benches);
