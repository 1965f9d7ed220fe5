//! Measures small views: of each row of a matrix, of three records, or with many axes.
//!
//! The hand-written side is a loop over the slice, with a layout that is known at compile time. So a ratio shows how
//! much making a view and iterating over it adds to a few additions.
//!
//! `cargo bench --bench small`.

mod common;
#[path = "common/compare.rs"]
mod compare;

use bytemuck::{Pod, Zeroable};
use compare::{compare, head};
use mmap_array::{ArrayView, Result, field};
use std::hint::black_box;

/// 13 bytes, packed, so that most `price` are unaligned.
#[derive(Clone, Copy, Zeroable, Pod)]
#[repr(C, packed)]
struct Tick {
    side: u8,
    size: u32,
    price: f64,
}

const ROWS: usize = 1000;
const COLUMNS: usize = 3;

fn main() -> Result<()> {
    one_view()?;
    rows_of_a_matrix()?;
    eight_axes()
}

fn floats(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i * 7 % 31) as f32).collect()
}

fn one_view() -> Result<()> {
    head("one view of three elements", "view", "by hand");
    let data = &floats(COLUMNS)[..];
    let view = &ArrayView::from_slice(data, COLUMNS)?;
    compare("clone()", (view, |v| black_box(v.clone()).len()), (data, |d| black_box(d).len()));
    compare("clone().iter().sum()", (view, |v| v.clone().iter().sum::<f32>()), (data, |d| d.iter().sum()));
    compare("sum()", (view, |v| v.sum()), (data, |d| d.iter().sum()));
    compare("rows(1..).iter().sum()", (view, |v| v.rows(1..).iter().sum::<f32>()), (data, |d| d[1..].iter().sum()));
    let ticks = [1, 2, 3].map(|i| Tick { side: i, size: u32::from(i), price: f64::from(i) });
    let ticks = &ticks[..];
    let view = &ArrayView::from_slice(ticks, 3)?;
    compare(
        "project() of three records, iter().sum()",
        (view, |v| v.project(field!(Tick, price)).iter().sum::<f64>()),
        (ticks, |t| t.iter().map(|tick| tick.price).sum()),
    );
    Ok(())
}

fn rows_of_a_matrix() -> Result<()> {
    head("the rows of a matrix of 1000 × 3", "view", "by hand");
    let data = &floats(ROWS * COLUMNS)[..];
    let view = &ArrayView::from_slice(data, [ROWS, COLUMNS])?;
    let by_hand = |d: &[f32]| d.chunks_exact(COLUMNS).map(|row| row.iter().sum::<f32>()).sum::<f32>();
    compare(
        "clone(), rows(i..i + 1).sum()",
        (view, |v| (0..ROWS).map(|i| v.clone().rows(i..i + 1).sum()).sum::<f32>()),
        (data, by_hand),
    );
    compare(
        "rows(i..i + 1).sum()",
        (view, |v| (0..ROWS).map(|i| v.rows(i..i + 1).sum()).sum::<f32>()),
        (data, by_hand),
    );
    compare(
        "rows(i..i + 1).iter().sum()",
        (view, |v| (0..ROWS).map(|i| v.rows(i..i + 1).iter().sum::<f32>()).sum::<f32>()),
        (data, by_hand),
    );
    compare(
        "index_axis(0, i).iter().sum()",
        (view, |v| (0..ROWS).map(|i| v.index_axis(0, i).iter().sum::<f32>()).sum::<f32>()),
        (data, by_hand),
    );
    compare(
        "slice((i, 1..)).iter().sum()",
        (view, |v| (0..ROWS).map(|i| v.slice((i, 1..)).iter().sum::<f32>()).sum::<f32>()),
        (data, |d| d.chunks_exact(COLUMNS).map(|row| row[1] + row[2]).sum()),
    );
    compare("axis_iter(0), sum()", (view, |v| v.axis_iter(0).map(|row| row.sum()).sum::<f32>()), (data, by_hand));
    compare(
        "axis_iter(0), iter().sum()",
        (view, |v| v.axis_iter(0).map(|row| row.iter().sum::<f32>()).sum::<f32>()),
        (data, by_hand),
    );
    compare(
        "at([i, j])",
        (view, |v| (0..ROWS).map(|i| (0..COLUMNS).map(|j| v.at([i, j])).sum::<f32>()).sum::<f32>()),
        (data, by_hand),
    );
    Ok(())
}

/// Views of every other element along eight axes, no two of which can be traversed as one.
fn eight_axes() -> Result<()> {
    head("a view of eight axes of two", "view", "by hand");
    let data = &floats(1 << 16)[..];
    let mut view = ArrayView::from_slice(data, [4; 8])?;
    for axis in 0..8 {
        view = view.step_axis(axis, 2);
    }
    let view = &view;
    let place = |i: usize| (0..8).map(|axis| (i >> axis & 1) << (2 * axis + 1)).sum::<usize>();
    let by_hand = |d: &[f32]| (0..256).map(|i| d[place(i)]).sum::<f32>();
    compare("clone()", (view, |v| black_box(v.clone()).len()), (data, |d| black_box(d).len() >> 8));
    compare("iter().sum()", (view, |v| v.iter().sum::<f32>()), (data, by_hand));
    compare("sum()", (view, |v| v.sum()), (data, by_hand));
    let index = |i: usize| [7, 6, 5, 4, 3, 2, 1, 0].map(|axis| i >> axis & 1);
    compare("at([i, j, …])", (view, |v| (0..256).map(|i| v.at(index(i))).sum::<f32>()), (data, by_hand));
    compare(
        "axis_iter(0), iter().sum()",
        (view, |v| v.axis_iter(0).map(|part| part.iter().sum::<f32>()).sum::<f32>()),
        (data, by_hand),
    );
    Ok(())
}
