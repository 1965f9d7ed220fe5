//! Views against a model that does everything in the plainest way: it is the list of bytes at which the elements lie.
//!
//! Chains of operations are drawn at random and done to a view and to its [`Model`]; then the view must read, and
//! write, exactly the model's bytes. A second part says which error or panic comes of what cannot be done.

mod chains;
mod model;
mod reading;
mod reductions;
mod refusals;
mod writing;

use bytemuck::{Pod, Zeroable};
use chains::*;
use mmap_array::{
    ArrayView, ArrayViewMut, ErrorKind, MmapArray, MmapArrayMut, Order,
    access::{Load, ReadOnly, ReadWrite, Reading, Shared, SharedMut, Stable},
    field,
    view::{AxisIter, Field, IntoShape, Iter, MAX_NDIM, Slices},
};
use model::*;
use proptest::prelude::*;
use reading::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{self, Write};
use std::ops::{Bound, Range, RangeBounds};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use tempfile::NamedTempFile;
use writing::*;

/// No files are written where a test fails: the case that failed is in its message.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn count(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn order() -> impl Strategy<Value = Order> {
    prop::sample::select(&[Order::C, Order::F][..])
}

/// A view of bytes, from the byte `skew` on, as elements of a shape.
fn read_slice<T: Element>(shape: &[usize], skew: usize, ops: &[Op], turns: u64) {
    let len = count(shape) * size_of::<T>();
    let bytes = pattern(skew + len + 3, turns as u32);
    let memory = Memory { address: bytes.as_ptr().addr(), bytes };
    let view = ArrayView::from_slice(&memory.bytes[skew..skew + len], len).unwrap();
    let view = view.view_as::<T>().unwrap().reshape(shape).unwrap();
    let model = Model::contiguous(shape, Order::C, size_of::<T>(), skew);
    walk(view, model, Course { memory: &memory, ops }, Reader { turns });
}

fn write_slice<T: Element>(shape: &[usize], skew: usize, ops: &[Op], (deed, seed): (Deed, u32)) {
    let len = count(shape) * size_of::<T>();
    let mut bytes = pattern(skew + len + 3, seed);
    let memory = Memory { address: bytes.as_ptr().addr(), bytes: bytes.clone() };
    let mut expected = bytes.clone();
    let view = ArrayViewMut::from_slice_mut(&mut bytes[skew..skew + len], len).unwrap();
    let view = view.view_as::<T>().unwrap().reshape(shape).unwrap();
    let model = Model::contiguous(shape, Order::C, size_of::<T>(), skew);
    walk(view, model, Course { memory: &memory, ops }, Writer { deed, seed, expected: &mut expected });
    assert_eq!(bytes, expected);
}

/// A mapped array, what its memory holds, and where its elements lie there.
fn mapped<T: Element>(shape: &[usize], order: Order, scratch: bool, seed: u32) -> (MmapArrayMut<T>, Memory, Model) {
    let options = MmapArray::<T>::create_options(shape).order(order);
    let mut array = if scratch { options.scratch() } else { options.anonymous() }.unwrap();
    assert!(bytemuck::cast_slice::<T, u8>(&array).iter().all(|&byte| byte == 0));
    let bytes = pattern(count(shape) * size_of::<T>(), seed);
    bytemuck::cast_slice_mut::<T, u8>(&mut array).copy_from_slice(&bytes);
    let memory = Memory { address: array.as_ptr().addr(), bytes };
    (array, memory, Model::contiguous(shape, order, size_of::<T>(), 0))
}

fn read_array<T: Element>(shape: &[usize], order: Order, scratch: bool, ops: &[Op], turns: u64) {
    let (array, memory, model) = mapped::<T>(shape, order, scratch, turns as u32);
    assert_eq!((array.shape(), array.order()), (shape, order));
    for (index, place) in indices(shape).iter().zip(&model.places) {
        let element = array[place / size_of::<T>()];
        assert_eq!(array.view().at(index), element, "flat order is storage order");
        match index[..] {
            [] => assert_eq!(array[[]], element),
            [i] => assert_eq!(array[[i]], element),
            [i, j] => assert_eq!(array[[i, j]], element),
            [i, j, k] => assert_eq!(array[[i, j, k]], element),
            [i, j, k, l] => assert_eq!(array[[i, j, k, l]], element),
            [i, j, k, l, m] => assert_eq!(array[[i, j, k, l, m]], element),
            [i, j, k, l, m, n] => assert_eq!(array[[i, j, k, l, m, n]], element),
            _ => unreachable!("shapes have six axes at most"),
        }
    }
    walk(array.view(), model, Course { memory: &memory, ops }, Reader { turns });
}

fn write_array<T: Element>(shape: &[usize], order: Order, scratch: bool, ops: &[Op], (deed, seed): (Deed, u32)) {
    let (mut array, memory, model) = mapped::<T>(shape, order, scratch, seed);
    let mut expected = memory.bytes.clone();
    let course = Course { memory: &memory, ops };
    walk(array.view_mut(), model, course, Writer { deed, seed, expected: &mut expected });
    assert_eq!(bytemuck::cast_slice::<T, u8>(&array), expected);
}

/// A file of elements that begin at the byte `skew`, what it holds, and where they lie in it.
fn stored_file<T: Element>(shape: &[usize], order: Order, skew: usize, seed: u32) -> (NamedTempFile, Memory, Model) {
    let bytes = pattern(skew + count(shape) * size_of::<T>() + 3, seed);
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    (file, Memory { address: 0, bytes }, Model::contiguous(shape, order, size_of::<T>(), skew))
}

fn read_shared<T: Element>(shape: &[usize], order: Order, skew: usize, ops: &[Op], turns: u64) {
    let (file, memory, model) = stored_file::<T>(shape, order, skew, turns as u32);
    let options = MmapArray::<T>::options().offset(skew as u64).shape(shape).order(order);
    let array = options.open_shared(file.path()).unwrap();
    array.read(|view| walk(view, model, Course { memory: &memory, ops }, Reader { turns })).unwrap();
}

fn write_shared<T: Element>(shape: &[usize], order: Order, skew: usize, ops: &[Op], (deed, seed): (Deed, u32)) {
    let (file, memory, model) = stored_file::<T>(shape, order, skew, seed);
    let options = MmapArray::<T>::options().offset(skew as u64).shape(shape).order(order);
    let array = options.open_shared_mut(file.path()).unwrap();
    let mut expected = memory.bytes.clone();
    let writer = Writer { deed, seed, expected: &mut expected };
    array.write(|view| walk(view, model, Course { memory: &memory, ops }, writer)).unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), expected);
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_view_reads_what_its_model_reads(
        element in 0..7, shape in shape(), skew in 0..16_usize, ops in ops(), turns: u64,
    ) {
        with_element!(element, T => read_slice::<T>(&shape, skew, &ops, turns));
    }

    #[test]
    fn a_view_writes_the_bytes_of_its_model_and_no_others(
        element in 0..7, shape in shape(), skew in 0..16_usize, ops in ops(), deed in deed(),
    ) {
        with_element!(element, T => write_slice::<T>(&shape, skew, &ops, deed));
    }

    #[test]
    fn a_view_of_a_mapped_array_reads_what_its_model_reads_in_either_order(
        element in 0..7, shape in shape(), order in order(), scratch: bool, ops in ops(), turns: u64,
    ) {
        with_element!(element, T => read_array::<T>(&shape, order, scratch, &ops, turns));
    }

    #[test]
    fn a_view_of_a_mapped_array_writes_the_bytes_of_its_model_in_either_order(
        element in 0..7, shape in shape(), order in order(), scratch: bool, ops in ops(), deed in deed(),
    ) {
        with_element!(element, T => write_array::<T>(&shape, order, scratch, &ops, deed));
    }

    #[test]
    fn a_view_of_a_file_that_others_may_write_reads_what_its_model_reads(
        element in 0..7, shape in shape(), order in order(), skew in 0..16_usize, ops in ops(), turns: u64,
    ) {
        with_element!(element, T => read_shared::<T>(&shape, order, skew, &ops, turns));
    }

    #[test]
    fn a_view_of_a_file_that_others_may_write_writes_the_bytes_of_its_model_and_no_others(
        element in 0..7, shape in shape(), order in order(), skew in 0..16_usize, ops in ops(), deed in deed(),
    ) {
        with_element!(element, T => write_shared::<T>(&shape, order, skew, &ops, deed));
    }
}
