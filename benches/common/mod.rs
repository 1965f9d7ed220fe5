//! Two ways to do one thing, timed against each other.
//!
//! A time by itself says little on a shared machine, and two times taken one after the other not much more. So both
//! sides run in turns, in many short rounds, and go first by turns too; what counts is the ratio within each round. Its
//! median is the result, and its quartiles say how far to trust it.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 801;
/// How long each side runs in a round.
const SLICE: Duration = Duration::from_micros(250);

/// The head of the table that [`compare`] prints.
pub(crate) fn head(title: &str, left: &str, right: &str) {
    println!("\n{title}");
    println!("{:<45} {:>10} {:>10} {:>8}  quartiles", "", left, right, "ratio");
}

/// Checks that both sides give the same, then prints a row: the time of a call of each, and left over right.
///
/// Each side is an input and a function of it. The input is given anew for every call, so that no call can be left out
/// for being like the one before.
pub(crate) fn compare<L: Copy, R: Copy, T: PartialEq + Debug>(
    name: &str,
    (left_input, left): (L, impl Fn(L) -> T),
    (right_input, right): (R, impl Fn(R) -> T),
) {
    // `cargo bench --bench scanning -- min` runs the rows with that in their names.
    if !std::env::args().skip(1).all(|filter| filter.starts_with("--") || name.contains(&filter)) {
        return;
    }
    assert_eq!(left(left_input), right(right_input), "{name}: the two sides differ");
    let calls = calls_per_slice(left_input, &left).max(calls_per_slice(right_input, &right));
    let (mut lefts, mut rights, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (a, b);
        if round % 2 == 0 {
            a = time(calls, left_input, &left);
            b = time(calls, right_input, &right);
        } else {
            b = time(calls, right_input, &right);
            a = time(calls, left_input, &left);
        }
        lefts.push(a);
        rights.push(b);
        ratios.push(a / b);
    }
    let [low, ratio, high] = quartiles(&mut ratios);
    let [left, right] = [lefts, rights].map(|mut times| show(quartiles(&mut times)[1]));
    println!("{name:<45} {left:>10} {right:>10} {ratio:>8.3}  {low:.3} to {high:.3}");
}

/// How many calls fill a slice of time, by the fastest of a few.
fn calls_per_slice<I: Copy, T>(input: I, f: &impl Fn(I) -> T) -> u32 {
    let seconds = (0..20).map(|_| time(10, input, f)).fold(f64::INFINITY, f64::min);
    (SLICE.as_secs_f64() / seconds).clamp(1.0, 1e7) as u32
}

/// The seconds that one of so many calls takes.
#[inline(never)]
fn time<I: Copy, T>(calls: u32, input: I, f: &impl Fn(I) -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(f(black_box(input)));
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn quartiles(values: &mut [f64]) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

fn show(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.1} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s => format!("{:.2} ms", s * 1e3),
    }
}
