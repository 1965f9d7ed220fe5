//! The sums of runs of numbers: pairwise for floats, in 64 bits for integers.

use super::series::{By, Series};
use std::ops::{Add, AddAssign, Neg, Range};

/// The greatest length of a run whose sum is not split: NumPy's `PW_BLOCKSIZE`.
pub(crate) const BLOCK: usize = 128;

/// Returns the length of the first half of a longer run.
#[inline(always)]
pub(crate) fn half(len: usize) -> usize {
    len / 2 - (len / 2) % 8
}

/// Returns the pairwise sum by the scheme of NumPy's `pairwise_sum`: the sum of the first half plus the sum of the
/// second half.
///
/// It does not recurse, since recursion cannot be compiled for wide instructions at the call site (see `wide`).
#[inline(always)]
pub(crate) fn pairwise<F>(len: usize, run: impl Series<F>) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len <= BLOCK {
        return pairwise_block(0, len, run);
    }
    /// A half that is being summed, one for each halving of the length.
    #[derive(Clone, Copy)]
    enum Half<F> {
        /// The left half, with the length of the right half.
        Left(usize),
        /// The right half, with the sum of the left half.
        Right(F),
    }
    // More often than any length can be halved.
    let mut halves = [Half::<F>::Left(0); 72];
    let (mut depth, mut start, mut len) = (0, 0, len);
    loop {
        while len > BLOCK {
            let half = half(len);
            halves[depth] = Half::Left(len - half);
            depth += 1;
            len = half;
        }
        let mut sum = pairwise_block(start, len, run);
        start += len;
        loop {
            if depth == 0 {
                return sum;
            }
            match halves[depth - 1] {
                Half::Left(right) => {
                    halves[depth - 1] = Half::Right(sum);
                    len = right;
                    break;
                }
                Half::Right(left) => {
                    sum = left + sum;
                    depth -= 1;
                }
            }
        }
    }
}

/// Returns the sum of at most [`BLOCK`] elements.
#[inline(always)]
pub(crate) fn pairwise_block<F>(start: usize, len: usize, run: impl Series<F>) -> F
where
    F: Copy + Add<Output = F> + AddAssign + Neg<Output = F> + Default,
{
    if len < 8 {
        // -0, so that a sum of negative zeros is one.
        let mut sum = -F::default();
        for index in start..start + len {
            sum += run.at(index);
        }
        return sum;
    }
    run.fetch(start, len);
    let mut partial: [F; 8] = run.lanes(start);
    let whole = len - len % 8;
    let mut index = start + 8;
    while index < start + whole {
        for (sum, element) in partial.iter_mut().zip(run.lanes::<8>(index)) {
            *sum += element;
        }
        index += 8;
    }
    let [a, b, c, d, e, f, g, h] = partial;
    let mut sum = ((a + b) + (c + d)) + ((e + f) + (g + h));
    for index in start + whole..start + len {
        sum += run.at(index);
    }
    sum
}

/// Returns the sum of integers of up to 32 bits, in 64 bits. `Small` can represent the sum of 2^15 of them.
#[inline(always)]
pub(super) fn narrow<T, Small, Chunk, const N: usize>(range: Range<usize>, run: impl Series<T>) -> Chunk
where
    Small: Copy + Default + AddAssign + From<T>,
    Chunk: Copy + Default + Add<Output = Chunk> + AddAssign + From<T> + From<Small>,
{
    let Range { start: mut index, end } = range;
    let mut sum = match By::of(run) {
        // The compiler knows better by itself.
        By::One => Chunk::default(),
        By::Two => {
            let mut sum = Chunk::default();
            while end - index >= 2 {
                let [a, b] = run.lanes(index);
                sum += Chunk::from(a) + Chunk::from(b);
                index += 2;
            }
            sum
        }
        By::Few => narrow_lanes::<T, Small, Chunk, 4>(&mut index, end, run),
        By::Many => narrow_lanes::<T, Small, Chunk, N>(&mut index, end, run),
    };
    for index in index..end {
        sum += Chunk::from(run.at(index));
    }
    sum
}

#[inline(always)]
fn narrow_lanes<T, Small, Chunk, const N: usize>(index: &mut usize, end: usize, run: impl Series<T>) -> Chunk
where
    Small: Copy + Default + AddAssign + From<T>,
    Chunk: Default + AddAssign + From<Small>,
{
    let mut sum = Chunk::default();
    while end - *index >= N {
        let mut small = [Small::default(); N];
        let stop = *index + ((end - *index) / N).min(1 << 15) * N;
        while *index < stop {
            for (sum, element) in small.iter_mut().zip(run.lanes::<N>(*index)) {
                *sum += Small::from(element);
            }
            *index += N;
        }
        small.into_iter().for_each(|small| sum += Chunk::from(small));
    }
    sum
}

/// Returns the sum of the upper halves of numbers, and the sum of the numbers modulo 2^64.
#[inline(always)]
pub(super) fn halves(range: Range<usize>, run: impl Series<u64>) -> (u64, u64) {
    let Range { start: mut index, end } = range;
    let (mut upper, mut all) = match By::of(run) {
        By::One => (0, 0),
        By::Two => halves_lanes::<2>(&mut index, end, run),
        By::Few | By::Many => halves_lanes::<4>(&mut index, end, run),
    };
    for index in index..end {
        let value = run.at(index);
        upper += value >> 32;
        all = all.wrapping_add(value);
    }
    (upper, all)
}

#[inline(always)]
fn halves_lanes<const N: usize>(index: &mut usize, end: usize, run: impl Series<u64>) -> (u64, u64) {
    let (mut uppers, mut alls) = ([0_u64; N], [0_u64; N]);
    while end - *index >= N {
        for (lane, value) in run.lanes::<N>(*index).into_iter().enumerate() {
            uppers[lane] += value >> 32;
            alls[lane] = alls[lane].wrapping_add(value);
        }
        *index += N;
    }
    (uppers.into_iter().sum(), alls.into_iter().fold(0, u64::wrapping_add))
}
