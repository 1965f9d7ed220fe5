//! Nothing gives references to elements that others may change.

use mmap_array::access::{Shared, SharedMut};
use mmap_array::{ArrayView, SharedArray, SharedArrayMut, shared};

fn slice<'a>(view: &'a ArrayView<'a, f32, Shared>) -> Option<&'a [f32]> {
    view.as_slice()
}

fn slice_mut<'a>(view: &'a mut ArrayView<'a, f32, SharedMut>) -> Option<&'a mut [f32]> {
    view.as_slice_mut()
}

fn index(array: &SharedArray<f32>) -> &f32 {
    &array[0]
}

fn deref(array: &SharedArrayMut<f32>) -> &[f32] {
    array
}

fn iter(array: &SharedArray<f32>) -> impl Iterator<Item = &f32> {
    array.view().iter()
}

fn stable(view: ArrayView<'_, f32, Shared>) -> ArrayView<'_, f32> {
    view
}

/// What seals the traits of views that are lent cannot be called through them.
fn lend<'a, S: shared::Lend<'a>>(small: &S, large: &'a S, copy: &'a mut Option<S::Copy>) -> S::View {
    *copy = small.copy().ok();
    large.lend(copy.as_ref())
}

fn main() {}
