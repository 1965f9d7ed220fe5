//! Loops compiled twice: for any processor of the target, and with the wide instructions that most have.
//!
//! A program for x86 is compiled for processors of twenty years ago, which turn the bytes of one number at a time. Those
//! of the last ten turn 32 bytes at once, where the compiler may use AVX2. So the loops that go through whole arrays are
//! kernels: compiled for either, and chosen when the program runs. Elsewhere there is one kind; NEON is part of every
//! 64-bit Arm. `RUSTFLAGS="--cfg mmap_array_baseline"` leaves the wide ones out, to see what other machines run.

/// A loop with what it works on.
pub(super) trait Kernel {
    type Output;

    /// Runs the loop. To be marked `#[inline(always)]`, with everything in it that matters inlined as well: what is not
    /// inlined is not compiled for the wide instructions.
    fn run(self) -> Self::Output;
}

/// Runs the kernel with the widest instructions that the processor has.
#[inline]
pub(super) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(mmap_array_baseline)))]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { run_avx2(kernel) };
    }
    kernel.run()
}

/// # Safety
///
/// The processor must have AVX2.
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(mmap_array_baseline)))]
#[target_feature(enable = "avx2")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
