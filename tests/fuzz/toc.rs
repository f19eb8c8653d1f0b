//! Header and table of contents, and everything that is made of them without blocks.

#![no_main]

use pgtandem_fuzz::reading;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = reading::table_of_contents(bytes);
});
