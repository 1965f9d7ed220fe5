//! What the targets share: a limit on the memory that a call may take.

use cap::Cap;
use std::alloc::System;
use std::panic;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// What a panic prints may take more memory than what panicked.
pub fn panic_without_limit() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        HEAP.set_limit(usize::MAX).unwrap();
        hook(info);
    }));
}

/// What `of` returns, if it never holds more memory at once. Else it aborts.
pub fn within<R>(memory: usize, of: impl FnOnce() -> R) -> R {
    HEAP.set_limit(HEAP.allocated() + memory).unwrap();
    let result = of();
    HEAP.set_limit(usize::MAX).unwrap();
    result
}
