//! A limit on the memory that a call may take, for all targets.

use cap::Cap;
use std::alloc::System;
use std::panic;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Installs a panic hook that removes the memory limit, because printing a panic may take more memory than what
/// panicked.
pub fn panic_without_limit() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        HEAP.set_limit(usize::MAX).unwrap();
        hook(info);
    }));
}

/// Calls `of`, and aborts if it holds more than `memory` bytes at once.
pub fn within<R>(memory: usize, of: impl FnOnce() -> R) -> R {
    HEAP.set_limit(HEAP.allocated() + memory).unwrap();
    let result = of();
    HEAP.set_limit(usize::MAX).unwrap();
    result
}
