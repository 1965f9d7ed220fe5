//! Measures several ways to do one thing, relative to each other.
//!
//! On a shared machine, a single time is unreliable, and so are two times measured one after the other. So all sides
//! run in turns, in many short rounds, and take turns to go first. The result is the median of the ratios within each
//! round, and the quartiles show how reliable it is.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The time for which each side runs in a round.
const SLICE: Duration = Duration::from_micros(250);

/// Returns whether to run a row: `cargo bench --bench scanning -- min` runs those with `min` in their names.
pub(crate) fn chosen(name: &str) -> bool {
    std::env::args().skip(1).all(|filter| filter.starts_with("--") || name.contains(&filter))
}

/// Runs all sides in turns and returns the times of each. The sides take turns to go first, and their order changes.
pub(crate) fn alternate<const N: usize>(rounds: usize, sides: [&mut dyn FnMut() -> f64; N]) -> [Vec<f64>; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(rounds));
    for round in 0..rounds {
        for turn in 0..N {
            let side = (round / 2 + if round % 2 == 0 { turn } else { N - 1 - turn }) % N;
            times[side].push(sides[side]());
        }
    }
    times
}

/// Returns the number of calls in a slice of time, by the fastest of a few measurements.
pub(crate) fn calls_per_slice<I: Copy, T>(input: I, f: &impl Fn(I) -> T) -> u32 {
    let first = time(1, input, f);
    if first > SLICE.as_secs_f64() * 10.0 {
        return 1;
    }
    let seconds = (0..20).map(|_| time(10, input, f)).fold(first, f64::min);
    (SLICE.as_secs_f64() / seconds).clamp(1.0, 1e7) as u32
}

/// Returns the average seconds per call.
#[inline(never)]
pub(crate) fn time<I: Copy, T>(calls: u32, input: I, f: &impl Fn(I) -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(f(black_box(input)));
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// Returns the times of one side divided by those of another in the same rounds.
pub(crate) fn ratios(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left / right).collect()
}

pub(crate) fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

pub(crate) fn show(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.1} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s => format!("{:.2} ms", s * 1e3),
    }
}
