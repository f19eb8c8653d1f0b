//! Whole archives: everything that reads them, from a file and from a stream.

#![no_main]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use pgtandem_fuzz::{reading, seal};

fuzz_target!(|bytes: &[u8]| {
    let file = file();
    let written = File::create(file).and_then(|mut to| to.write_all(bytes));
    written.expect("the temporary folder can be written to");
    let _ = reading::archive(file, bytes);
});

// Nobody guesses a SHA-256: the manifest is changed by itself, or made to fit what was changed before it.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let changed = match (seal::split(&data[..size]), seed % 4) {
        (Some((before, body)), 1) => seal::signed(before, &changed(body, max_size)),
        (Some((before, body)), 2 | 3) => {
            let before = changed(before, max_size);
            seal::fitting(&before, body).unwrap_or_else(|| seal::signed(&before, body))
        }
        _ => return fuzzer_mutate(data, size, max_size),
    };
    match data.get_mut(..changed.len().min(max_size)) {
        Some(place) if place.len() == changed.len() => {
            place.copy_from_slice(&changed);
            changed.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});

/// These bytes, with a change that libFuzzer has thought of.
fn changed(bytes: &[u8], max_size: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed.resize(max_size.max(bytes.len()), 0);
    let length = changed.len();
    let size = fuzzer_mutate(&mut changed, bytes.len(), length);
    changed.truncate(size);
    changed
}

/// A file of this process. It has no name where a file can be had by its number, so that nothing is left.
fn file() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let named = std::env::temp_dir().join(format!("pgtandem-fuzz-{}", std::process::id()));
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::IntoRawFd as _;
            let file = File::create(&named).expect("the temporary folder can be written to");
            let _ = fs::remove_file(&named);
            PathBuf::from(format!("/proc/self/fd/{}", file.into_raw_fd()))
        }
        #[cfg(not(target_os = "linux"))]
        named
    })
}
