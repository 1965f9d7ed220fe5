//! Comparisons of two sides, as rows of a table.

use crate::common::{alternate, calls_per_slice, chosen, quartiles, ratios, show, time};
use std::fmt::Debug;

const ROUNDS: usize = 801;

/// Prints the head of the table of [`compare`].
pub(crate) fn head(title: &str, left: &str, right: &str) {
    println!("\n{title}");
    println!("{:<45} {:>10} {:>10} {:>8}  quartiles", "", left, right, "ratio");
}

/// Checks that both sides give the same result, then prints a row: the time of a call of each, and left over right.
///
/// Each side is an input and a function of it. The input is passed through a `black_box` for every call, so that the
/// compiler cannot omit a call.
pub(crate) fn compare<L: Copy, R: Copy, T: PartialEq + Debug>(
    name: &str,
    left: (L, impl Fn(L) -> T),
    right: (R, impl Fn(R) -> T),
) {
    compare_in(ROUNDS, name, left, right);
}

/// Like [`compare`], with a number of rounds.
pub(crate) fn compare_in<L: Copy, R: Copy, T: PartialEq + Debug>(
    rounds: usize,
    name: &str,
    (left_input, left): (L, impl Fn(L) -> T),
    (right_input, right): (R, impl Fn(R) -> T),
) {
    if !chosen(name) {
        return;
    }
    assert_eq!(left(left_input), right(right_input), "{name}: the two sides differ");
    let calls = calls_per_slice(left_input, &left).max(calls_per_slice(right_input, &right));
    let [left, right] =
        alternate(rounds, [&mut || time(calls, left_input, &left), &mut || time(calls, right_input, &right)]);
    let [low, ratio, high] = quartiles(ratios(&left, &right));
    let [left, right] = [left, right].map(|times| show(quartiles(times)[1]));
    println!("{name:<45} {left:>10} {right:>10} {ratio:>8.3}  {low:.3} to {high:.3}");
}
