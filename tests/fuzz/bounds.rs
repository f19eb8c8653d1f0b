//! Bounds of memory: without a sanitizer, libFuzzer's `-malloc_limit_mb` hears of no allocation.

use std::alloc::{GlobalAlloc, Layout, System};

/// The most that may be asked for at once, in bytes, whether it is touched or not.
const MOST_AT_ONCE: usize = 256 << 20;

/// The system's allocator, which ends the process where too much is asked for.
struct Bounded;

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

fn check(size: usize) {
    if size > MOST_AT_ONCE {
        // An abort is what libFuzzer takes for a find. The message needs no memory.
        eprintln!("{size} bytes are asked for at once");
        std::process::abort();
    }
}

// SAFETY: everything is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}
