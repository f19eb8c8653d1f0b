//! Hostile archives: whatever is done to a file, it is read or refused with words, without a panic and within bounds.
//!
//! The fuzz targets in `tests/fuzz/` do the same, guided by what code is reached; what has made readers fail once lies in
//! `testdata/fuzz/` and is read here. A binary of its own, since it looks at the memory of its process.
//! `PGTANDEM_FUZZ_SECONDS` says for how long (5), and `PGTANDEM_FUZZ_SEED` where it begins. A failure tells the archive and the seed that make it happen again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "fuzz/reading.rs"]
mod reading;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pgtandem::archive::header::Version;
use pgtandem::archive::manifest::{END_BYTES, FOOTER_BYTES, Footer};
use pgtandem::archive::primitive::Offset;
use pgtandem::archive::read::FileArchive;
use pgtandem::archive::toc;
use pgtandem::error::Result;
use sha2::{Digest as _, Sha256};

/// How far resident memory may grow, in kB: the largest window of a Zstandard frame, twice, and some more.
const MOST_RESIDENT: u64 = 400 << 10;
/// How far the address space may grow, in kB: what is asked for, whether it is touched or not.
const MOST_ASKED_FOR: u64 = 1 << 20;
/// No small file may take longer.
const LONGEST: Duration = Duration::from_secs(20);

/// A small generator of numbers (xorshift64*), the same on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % limit.max(1)
    }
}

/// An archive to be changed.
struct Seed {
    name: String,
    bytes: Vec<u8>,
    /// How long header and table of contents are.
    head: usize,
    /// Where the manifest's body lies.
    manifest: Option<std::ops::Range<usize>>,
}

impl Seed {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let file = Temporary::with(&bytes);
        let head = FileArchive::open(&file.0).unwrap().blocks_from() as usize;
        let after = bytes.len() - FOOTER_BYTES - END_BYTES;
        let manifest = Footer::read(&bytes[after..]).map(|footer| after - footer.body as usize..after);
        Self { name, bytes, head, manifest }
    }

    /// Changes one to four things.
    fn changed(&self, numbers: &mut Numbers) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if let Some(manifest) = self.manifest.clone().filter(|_| numbers.below(3) == 0) {
            let mut body = bytes[manifest.clone()].to_vec();
            change(&mut body, 0, numbers);
            return signed(&bytes[..manifest.start], &body);
        }
        for _ in 0..1 + numbers.below(4) {
            let from = if numbers.below(2) == 0 { 0 } else { self.head };
            change(&mut bytes, from, numbers);
        }
        bytes
    }
}

/// Puts a body into an archive as if it belonged there, so that it is read.
fn signed(before: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = before.to_vec();
    // The length of the chunk, a sign and four bytes, stands before the body.
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&((body.len() + FOOTER_BYTES) as u32).to_le_bytes());
    let length = (bytes.len() + body.len() + FOOTER_BYTES + END_BYTES) as u64;
    bytes.extend(body);
    bytes.extend((body.len() as u64).to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(Sha256::digest(body));
    bytes.extend(b"PGTANDEM");
    bytes.extend([0; END_BYTES]);
    bytes
}

/// Changes something at a place from `from` on.
fn change(bytes: &mut Vec<u8>, from: usize, numbers: &mut Numbers) {
    const EXTREMES: [u32; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x4000_0000, 0x0100_0000, 0xffff];
    if bytes.len() <= from {
        return;
    }
    let at = from + numbers.below(bytes.len() - from);
    match numbers.below(8) {
        0 | 1 => bytes[at] ^= 1 << numbers.below(8),
        2 => bytes[at] = numbers.below(256) as u8,
        3 => bytes.insert(at, numbers.below(256) as u8),
        4 => {
            let to = (at + 1 + numbers.below(40)).min(bytes.len());
            bytes.drain(at..to);
        }
        5 => {
            let to = (at + 1 + numbers.below(300)).min(bytes.len());
            let part = bytes[at..to].to_vec();
            let place = numbers.below(bytes.len());
            bytes.splice(place..place, part);
        }
        6 => bytes.truncate(at),
        _ => {
            // A number, where one probably is: a sign and four bytes.
            let begins = |n: usize| bytes[n] < 2 && bytes.get(n + 3..n + 5) == Some(&[0, 0]);
            let at = (at..bytes.len()).find(|n| begins(*n)).unwrap_or(at);
            let number = EXTREMES[numbers.below(EXTREMES.len())].to_le_bytes();
            let new = [&[numbers.below(2) as u8], &number[..]].concat();
            for (place, byte) in bytes[at..].iter_mut().zip(new) {
                *place = byte;
            }
        }
    }
}

/// A file that goes with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn with(bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("pgtandem-fuzz-{}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The archives of `testdata/archives/`, and the oldest versions of the format, made of one of them.
fn seeds() -> Vec<Seed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/archives");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "dump" || extension == "pgdump"));
    files.sort();
    assert!(files.len() >= 10, "the corpus is not there");
    let mut seeds = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        if name == "stock-14-gzip.dump" {
            seeds.extend([12, 13].map(|minor| Seed::new(format!("1.{minor} of {name}"), older(&file, &bytes, minor))));
        }
        seeds.push(Seed::new(name, bytes));
    }
    seeds
}

/// The same archive in an older version of the format, which does not say where blocks lie.
fn older(file: &Path, bytes: &[u8], minor: u8) -> Vec<u8> {
    let archive = FileArchive::open(file).unwrap();
    let mut header = archive.header().clone();
    header.version = Version(minor);
    let mut records = archive.records().to_vec();
    for record in records.iter_mut().filter(|record| record.has_block) {
        record.offset = Offset::Unknown;
    }
    let mut out = Vec::new();
    header.write(&mut out).unwrap();
    toc::write(&records, header.version, &mut out).unwrap();
    out.extend(&bytes[archive.blocks_from() as usize..]);
    out
}

/// Everything that reads archives. Returns what the verification says.
fn read(bytes: &[u8]) -> Result<bool> {
    let _ = reading::table_of_contents(bytes);
    let file = Temporary::with(bytes);
    reading::archive(&file.0, bytes)
}

/// What has made readers fail once, by the names of the files.
fn finds() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fuzz");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut finds: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "dump"))
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap()))
        .collect();
    finds.sort();
    assert!(!finds.is_empty(), "the finds are not there");
    finds
}

/// Holds what reading takes within bounds.
struct Bounds {
    before: [Option<u64>; 2],
    slowest: Duration,
}

impl Bounds {
    const MEMORY: [&str; 2] = ["VmHWM", "VmPeak"];

    fn new() -> Self {
        Self { before: Self::MEMORY.map(memory), slowest: Duration::ZERO }
    }

    /// Reads an archive; `name` says which one.
    fn read(&mut self, bytes: &[u8], name: &str) -> Result<bool> {
        let begun = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| read(bytes))).unwrap_or_else(|_| panic!("a panic with {name}"));
        let took = begun.elapsed();
        self.slowest = self.slowest.max(took);
        assert!(took < LONGEST, "it takes {took:?} to read {name}");
        for ((what, before), most) in Self::MEMORY.into_iter().zip(self.before).zip([MOST_RESIDENT, MOST_ASKED_FOR]) {
            if let (Some(before), Some(now)) = (before, memory(what)) {
                let grown = now.saturating_sub(before);
                assert!(grown < most, "{what} grew by {grown} kB up to {name}");
            }
        }
        read
    }
}

/// A line of `/proc/self/status` in kB, where there is such a thing.
fn memory(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}

#[test]
fn hostile_archives_are_read_or_refused() {
    let seeds = seeds();
    for seed in &seeds {
        assert!(read(&seed.bytes).unwrap(), "{} is not whole as it is", seed.name);
    }
    let mut bounds = Bounds::new();
    for (name, bytes) in finds() {
        let _ = bounds.read(&bytes, &name);
    }
    let (begun, time) = (Instant::now(), Duration::from_secs(number("PGTANDEM_FUZZ_SECONDS", 5)));
    let first = number("PGTANDEM_FUZZ_SEED", 1);
    let (mut rounds, mut refused) = (0u64, 0u64);
    while begun.elapsed() < time {
        let start = first + rounds;
        let mut numbers = Numbers(start.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let seed = &seeds[numbers.below(seeds.len())];
        let bytes = seed.changed(&mut numbers);
        if let Err(error) = bounds.read(&bytes, &format!("{}; PGTANDEM_FUZZ_SEED={start} repeats it", seed.name)) {
            assert!(error.to_string().len() > 10, "{error}");
            refused += 1;
        }
        rounds += 1;
    }
    println!("{rounds} archives, {refused} refused, the slowest took {:?}", bounds.slowest);
    assert!(rounds > 10 && refused > 0, "{rounds} archives, {refused} refused");
}
