//! Loops compiled twice: for any processor of the target, and with the wide instructions that most processors have.
//!
//! A program for x86 is compiled for processors of twenty years ago, which swap the bytes of one number at a time.
//! Those of the last ten years swap 32 bytes at once if the compiler may use AVX2. So the loops over whole arrays are
//! kernels, which are compiled for both and chosen at run time. On other architectures there is one version; NEON is
//! part of every 64-bit Arm. `RUSTFLAGS="--cfg mmap_array_baseline"` leaves out the wide version, to show what other
//! machines run.

/// A loop together with its data.
pub(crate) trait Kernel {
    type Output;

    /// Runs the loop. Implementations must be `#[inline(always)]`, and so must everything in them that matters: what is
    /// not inlined is not compiled for the wide instructions.
    fn run(self) -> Self::Output;
}

/// Runs the kernel with the widest instructions that the processor has.
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(mmap_array_baseline)))]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { run_avx2(kernel) };
    }
    kernel.run()
}

/// Runs the kernel with AVX2.
///
/// # Safety
///
/// The processor must have AVX2.
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), not(mmap_array_baseline)))]
#[target_feature(enable = "avx2")]
unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}
