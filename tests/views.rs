//! Views against a model that does everything in the plainest way: it is the list of bytes at which the elements lie.
//!
//! Chains of operations are drawn at random and done to a view and to its [`Model`]; then the view must read, and write,
//! exactly the model's bytes. A second part says which error or panic comes of what cannot be done.

use bytemuck::{Pod, Zeroable};
use mmap_array::{
    Access, ArrayView, ArrayViewMut, ErrorKind, Field, Iter, MAX_NDIM, MmapArray, MmapArrayMut, Order, ReadOnly,
    ReadWrite, field,
};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io::{self, Write};
use std::ops::{Bound, Range};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

// ---------------------------------------------------------------------------------------------------------- the model

/// Where elements lie: the byte of each, in C order.
#[derive(Clone, Debug)]
struct Model {
    shape: Vec<usize>,
    places: Vec<usize>,
    /// Bytes of one element.
    size: usize,
}

/// All indices of a shape, in C order.
fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut indices = vec![vec![]];
    for &len in shape {
        indices = indices.iter().flat_map(|head| (0..len).map(move |last| [head, &[last][..]].concat())).collect();
    }
    indices
}

impl Model {
    /// Elements one after another from the byte `start` on.
    fn contiguous(shape: &[usize], order: Order, size: usize, start: usize) -> Self {
        let place = |index: &Vec<usize>| {
            let position = |axes: &mut dyn Iterator<Item = usize>| {
                axes.fold(0, |position, axis| position * shape[axis] + index[axis])
            };
            let position = match order {
                Order::C => position(&mut (0..shape.len())),
                Order::F => position(&mut (0..shape.len()).rev()),
            };
            start + position * size
        };
        Self { shape: shape.to_vec(), places: indices(shape).iter().map(place).collect(), size }
    }

    fn place(&self, index: &[usize]) -> usize {
        let position = index.iter().zip(&self.shape).fold(0, |position, (index, len)| position * len + index);
        self.places[position]
    }

    /// The elements of `shape` of which each lies where this model has the one at `from(index)`.
    fn pick(&self, shape: Vec<usize>, from: impl Fn(Vec<usize>) -> Vec<usize>) -> Self {
        let places = indices(&shape).into_iter().map(|index| self.place(&from(index))).collect();
        Self { shape, places, size: self.size }
    }

    /// The elements of `picked` indices along an axis, in that order.
    fn along(&self, axis: usize, picked: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = picked.len();
        self.pick(shape, |mut index| {
            index[axis] = picked[index[axis]];
            index
        })
    }

    fn slice_axis(&self, axis: usize, range: Range<usize>) -> Self {
        self.along(axis, &range.collect::<Vec<_>>())
    }

    fn step_axis(&self, axis: usize, step: isize) -> Self {
        let along = 0..self.shape[axis];
        let every = step.unsigned_abs();
        let picked: Vec<usize> =
            if step > 0 { along.step_by(every).collect() } else { along.rev().step_by(every).collect() };
        self.along(axis, &picked)
    }

    fn index_axis(&self, axis: usize, at: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.remove(axis);
        self.pick(shape, |mut index| {
            index.insert(axis, at);
            index
        })
    }

    fn permute(&self, axes: &[usize]) -> Self {
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        self.pick(shape, |index| {
            let mut from = vec![0; index.len()];
            axes.iter().zip(index).for_each(|(&axis, at)| from[axis] = at);
            from
        })
    }

    fn t(&self) -> Self {
        self.permute(&(0..self.shape.len()).rev().collect::<Vec<_>>())
    }

    fn insert_axis(&self, axis: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.insert(axis, 1);
        Self { shape, ..self.clone() }
    }

    fn reshape(&self, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), ..self.clone() }
    }

    fn project(&self, offset: usize, size: usize) -> Self {
        let places = self.places.iter().map(|place| place + offset).collect();
        Self { shape: self.shape.clone(), places, size }
    }

    fn unpack(&self, items: usize) -> Self {
        let size = self.size / items;
        let places = self.places.iter().flat_map(|place| (0..items).map(move |item| place + item * size)).collect();
        Self { shape: [&self.shape[..], &[items]].concat(), places, size }
    }

    /// NumPy's rule (`array_descr_set` in `getset.c`): the same size always; another size never in 0-d, and only where the
    /// last axis is contiguous or of length 1, or nothing is there at all; a smaller size must divide the old one, a
    /// larger one the bytes of the last axis.
    fn view_as(&self, size: usize) -> Result<Self, ErrorKind> {
        if size == self.size {
            return Ok(self.clone());
        }
        let Some((&last, outer)) = self.shape.split_last() else { return Err(ErrorKind::SizeMismatch) };
        if self.places.len() > 1 && last > 1 && self.places[1] != self.places[0] + self.size {
            return Err(ErrorKind::NotContiguous);
        }
        let bytes = last * self.size;
        if if size < self.size { self.size % size != 0 } else { bytes % size != 0 } {
            return Err(ErrorKind::SizeMismatch);
        }
        let rows = self.places.iter().step_by(last.max(1));
        let places = rows.flat_map(|row| (0..bytes / size).map(move |item| row + item * size)).collect();
        Ok(Self { shape: [outer, &[bytes / size]].concat(), places, size })
    }

    /// Whether the elements lie one after another in C order.
    fn is_consecutive(&self) -> bool {
        self.places.windows(2).all(|pair| pair[1] == pair[0] + self.size)
    }
}

/// The bytes that views are of, and the address of the first.
struct Memory {
    bytes: Vec<u8>,
    address: usize,
}

impl Memory {
    fn elements<T: Pod>(&self, model: &Model) -> Vec<T> {
        assert_eq!(model.size, size_of::<T>());
        model.places.iter().map(|&place| bytemuck::pod_read_unaligned(&self.bytes[place..place + model.size])).collect()
    }

    /// Whether a reference to a slice of the elements could be.
    fn is_slice<T>(&self, model: &Model) -> bool {
        let aligned = |place| (self.address + place) % align_of::<T>() == 0;
        model.is_consecutive() && model.places.first().is_none_or(aligned)
    }
}

/// Bytes of no period. 0x7f and 0xff are left out, without which no float of them is a NaN.
fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match (state >> 24) as u8 {
            0x7f | 0xff => 0x55,
            byte => byte,
        }
    };
    std::iter::repeat_with(next).take(len).collect()
}

fn value<T: Pod>(seed: u32) -> T {
    bytemuck::pod_read_unaligned(&pattern(size_of::<T>(), seed))
}

/// An element that differs from this one, and is no NaN either.
fn other<T: Pod>(mut element: T) -> T {
    let middle = size_of::<T>() / 2;
    bytemuck::bytes_of_mut(&mut element)[middle] ^= 2;
    element
}

// ------------------------------------------------------------------------------------- element types and random chains

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod)]
#[repr(C, packed)]
struct Record {
    tag: u8,
    pair: [i16; 2],
    price: f64,
}

/// A mode in which elements of all the types below can be had.
trait Mode:
    Access<u8> + Access<i16> + Access<u32> + Access<f64> + Access<[u8; 3]> + Access<[i16; 2]> + Access<Record>
{
}
impl<A> Mode for A where
    A: Access<u8> + Access<i16> + Access<u32> + Access<f64> + Access<[u8; 3]> + Access<[i16; 2]> + Access<Record>
{
}

trait Element: Pod + PartialEq + Debug {
    /// Walks on with a field of the elements, or their items; with the elements themselves where they have neither.
    fn enter<A: Mode + Access<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        let _ = pick;
        walk(view, model.clone(), course, end);
    }

    /// Two fields of the elements, by offset and size, which are filled with the bytes of `new`; `None` without fields.
    fn fill_two_fields(view: ArrayViewMut<'_, Self>, new: &[u8]) -> Option<[Range<usize>; 2]> {
        let _ = (view, new);
        None
    }
}

impl Element for u8 {}
impl Element for i16 {}
impl Element for u32 {}
impl Element for f64 {}

// Chains do not come to these; they are here to be summed.
impl Element for i8 {}
impl Element for i32 {}
impl Element for i64 {}
impl Element for u16 {}
impl Element for u64 {}
impl Element for f32 {}

impl Element for [u8; 3] {
    fn enter<A: Mode + Access<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 2 {
            0 => walk(view.unpack().unwrap(), model.unpack(3), course, end),
            _ => walk(view.project(Field::<Self, u8>::at(2)), model.project(2, 1), course, end),
        }
    }
}

impl Element for [i16; 2] {
    fn enter<A: Mode + Access<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 2 {
            0 => walk(view.unpack().unwrap(), model.unpack(2), course, end),
            _ => walk(view.project(Field::<Self, [u8; 3]>::at(1)), model.project(1, 3), course, end),
        }
    }

    fn fill_two_fields(view: ArrayViewMut<'_, Self>, new: &[u8]) -> Option<[Range<usize>; 2]> {
        let (mut second, mut first) = view.project2(Field::<Self, i16>::at(2), Field::<Self, i16>::at(0));
        first.fill(bytemuck::pod_read_unaligned(&new[0..2]));
        second.fill(bytemuck::pod_read_unaligned(&new[2..4]));
        Some([0..2, 2..4])
    }
}

impl Element for Record {
    fn enter<A: Mode + Access<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 3 {
            0 => walk(view.project(field!(Record, tag)), model.project(0, 1), course, end),
            1 => walk(view.project(field!(Record, pair)), model.project(1, 4), course, end),
            _ => walk(view.project(field!(Record, price)), model.project(5, 8), course, end),
        }
    }

    fn fill_two_fields(view: ArrayViewMut<'_, Self>, new: &[u8]) -> Option<[Range<usize>; 2]> {
        let (mut tags, mut prices) = view.project2(field!(Record, tag), field!(Record, price));
        tags.fill(new[0]);
        prices.fill(bytemuck::pod_read_unaligned(&new[5..13]));
        Some([0..1, 5..13])
    }
}

/// Runs code with an element type chosen by number.
macro_rules! with_element {
    ($number:expr, $element:ident => $code:expr) => {
        match $number % 7 {
            0 => with_element!(@ $element, u8, $code),
            1 => with_element!(@ $element, i16, $code),
            2 => with_element!(@ $element, u32, $code),
            3 => with_element!(@ $element, f64, $code),
            4 => with_element!(@ $element, [u8; 3], $code),
            5 => with_element!(@ $element, [i16; 2], $code),
            _ => with_element!(@ $element, Record, $code),
        }
    };
    (@ $element:ident, $type:ty, $code:expr) => {{
        type $element = $type;
        $code
    }};
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    SliceAxis,
    IndexAxis,
    StepAxis,
    Transpose,
    Permute,
    InsertAxis,
    Reshape,
    Rows,
    Slice,
    SplitAt,
    AxisIter,
    ViewAs,
    Enter,
}

/// An operation, and numbers that say which axis, range, type, …, each modulo what there is.
#[derive(Clone, Copy, Debug)]
struct Op {
    kind: Kind,
    a: usize,
    b: usize,
    c: usize,
}

fn op() -> impl Strategy<Value = Op> {
    use Kind::*;
    const KINDS: [Kind; 16] = [
        SliceAxis, IndexAxis, StepAxis, StepAxis, Transpose, Permute, InsertAxis, Reshape, Rows, Slice, SplitAt,
        AxisIter, ViewAs, ViewAs, Enter, Enter,
    ];
    (prop::sample::select(&KINDS[..]), 0..65536_usize, 0..65536_usize, 0..65536_usize).prop_map(|(kind, a, b, c)| Op {
        kind,
        a,
        b,
        c,
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..6)
}

fn shape() -> impl Strategy<Value = Vec<usize>> {
    let axis = prop_oneof![1 => Just(0_usize), 12 => 1..=6_usize];
    // Now and then so many axes that some are left when the innermost have been joined.
    prop_oneof![4 => prop::collection::vec(axis, 0..=4), 1 => prop::collection::vec(1..=3_usize, 5..=6)]
}

/// The range that two numbers cut out of `len`, and one of the ways to say it.
fn range(len: usize, a: usize, b: usize, way: usize) -> (Range<usize>, (Bound<usize>, Bound<usize>)) {
    let (a, b) = (a % (len + 1), b % (len + 1));
    let range = a.min(b)..a.max(b);
    let start = match way % 3 {
        0 if range.start == 0 => Bound::Unbounded,
        1 if range.start > 0 => Bound::Excluded(range.start - 1),
        _ => Bound::Included(range.start),
    };
    let end = match way / 3 % 3 {
        0 if range.end == len => Bound::Unbounded,
        1 if range.end > 0 => Bound::Included(range.end - 1),
        _ => Bound::Excluded(range.end),
    };
    (range, (start, end))
}

fn step(number: usize) -> isize {
    [1, 2, 3, 5, -1, -1, -2, -3, isize::MAX, isize::MIN][number % 10]
}

fn divisor(number: usize, choice: usize) -> usize {
    let divisors: Vec<usize> = (1..=number).filter(|divisor| number % divisor == 0).collect();
    divisors[choice % divisors.len()]
}

/// An operation that leaves the element type as it is, done to both; those that there is no axis for do nothing.
fn shaped<'a, T: Element, A: Access<T>>(
    view: ArrayView<'a, T, A>,
    model: &Model,
    op: Op,
) -> (ArrayView<'a, T, A>, Model) {
    let Op { kind, a, b, c } = op;
    let ndim = model.shape.len();
    let axis = a % ndim.max(1);
    let len = model.shape.get(axis).copied().unwrap_or(0);
    match kind {
        Kind::SliceAxis if ndim > 0 => {
            let (range, bounds) = range(len, b, c, a / 4);
            (view.slice_axis(axis, bounds), model.slice_axis(axis, range))
        }
        Kind::Rows if ndim > 0 => {
            let (range, bounds) = range(model.shape[0], b, c, a);
            (view.rows(bounds), model.slice_axis(0, range))
        }
        Kind::IndexAxis if len > 0 => (view.index_axis(axis, b % len), model.index_axis(axis, b % len)),
        Kind::StepAxis if ndim > 0 => (view.step_axis(axis, step(b)), model.step_axis(axis, step(b))),
        Kind::Transpose => (view.t(), model.t()),
        Kind::Permute => {
            // The axes sorted by digits of a number.
            let mut axes: Vec<usize> = (0..ndim).collect();
            axes.sort_by_key(|&axis| (b >> (2 * axis)) & 3);
            (view.permute_axes(&axes), model.permute(&axes))
        }
        Kind::InsertAxis => (view.insert_axis(a % (ndim + 1)).unwrap(), model.insert_axis(a % (ndim + 1))),
        Kind::Reshape => reshaped(view, model, op),
        Kind::Slice => sliced(view, model, op),
        Kind::SplitAt if ndim > 0 => {
            let index = b % (len + 1);
            let (before, from) = view.split_at(axis, index);
            assert_eq!(before.shape()[axis], index);
            match c % 2 {
                0 => (before, model.slice_axis(axis, 0..index)),
                _ => (from, model.slice_axis(axis, index..len)),
            }
        }
        Kind::AxisIter if len > 0 => {
            let index = b % len;
            let mut views = view.axis_iter(axis);
            assert_eq!(views.len(), len);
            let item = match c % 3 {
                0 => views.nth(index),
                1 => views.nth_back(len - 1 - index),
                _ => views.by_ref().skip(index / 2).nth(index - index / 2),
            };
            assert_eq!(views.len(), if c % 3 == 1 { index } else { len - 1 - index });
            (item.unwrap(), model.index_axis(axis, index))
        }
        _ => (view, model.clone()),
    }
}

fn reshaped<'a, T: Element, A: Access<T>>(
    view: ArrayView<'a, T, A>,
    model: &Model,
    op: Op,
) -> (ArrayView<'a, T, A>, Model) {
    let len = model.places.len();
    let shape = if len == 0 {
        vec![op.a % 4, 0, op.b % 4]
    } else {
        let first = divisor(len, op.a);
        let second = divisor(len / first, op.b);
        vec![first, second, len / first / second]
    };
    let refused = |shape: &[usize]| view.view().reshape(shape).map(drop).unwrap_err().kind();
    if !model.is_consecutive() {
        assert_eq!(refused(&shape), ErrorKind::NotContiguous);
        return (view, model.clone());
    }
    assert_eq!(refused(&[len + 1]), ErrorKind::Shape);
    let nothing = view.view().reshape([None, Some(0)]).map(drop).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Shape);
    let reshaped = model.reshape(&shape);
    let mut asked: Vec<Option<usize>> = shape.into_iter().map(Some).collect();
    if len > 0 && op.c % 2 == 0 {
        asked[op.c / 2 % 3] = None;
    }
    (view.reshape(asked).unwrap(), reshaped)
}

/// `view.slice` of some of the tuples that there are.
fn sliced<'a, T: Element, A: Access<T>>(
    view: ArrayView<'a, T, A>,
    model: &Model,
    op: Op,
) -> (ArrayView<'a, T, A>, Model) {
    let Op { a, b, c, .. } = op;
    let len = |axis: usize| model.shape.get(axis).copied().unwrap_or(0);
    let i = |axis: usize| (a + b * axis) % len(axis).max(1);
    let r = |axis: usize| range(len(axis), a + axis, b + axis, 0).0;
    let filled = model.shape.iter().take_while(|&&len| len > 0).count();
    match (c % 11, filled, model.shape.len()) {
        (0, 1.., _) => (view.slice((i(0),)), model.index_axis(0, i(0))),
        (1, _, 1..) => (view.slice((r(0),)), model.slice_axis(0, r(0))),
        (2, 2.., _) => (view.slice((.., i(1))), model.index_axis(1, i(1))),
        (3, 2.., _) => (view.slice((r(0), i(1))), model.index_axis(1, i(1)).slice_axis(0, r(0))),
        (4, 1.., 2..) => (view.slice((i(0), r(1))), model.slice_axis(1, r(1)).index_axis(0, i(0))),
        (5, _, 2..) => {
            let (from, to) = (r(0).start, r(1).end);
            (view.slice((from.., ..to)), model.slice_axis(0, from..len(0)).slice_axis(1, 0..to))
        }
        (6, 2.., _) => {
            let (last, to) = (i(0), i(1));
            (view.slice((last / 2..=last, ..=to)), model.slice_axis(0, last / 2..last + 1).slice_axis(1, 0..to + 1))
        }
        (7, 2.., 3..) => (view.slice((.., i(1), r(2))), model.slice_axis(2, r(2)).index_axis(1, i(1))),
        (8, 4.., _) => {
            (view.slice((i(0), .., r(2), i(3))), model.index_axis(3, i(3)).slice_axis(2, r(2)).index_axis(0, i(0)))
        }
        (9, 3.., _) => {
            (view.slice((i(0), i(1), i(2))), model.index_axis(2, i(2)).index_axis(1, i(1)).index_axis(0, i(0)))
        }
        (10, _, 4..) => {
            (view.slice((r(0), .., r(2), r(3))), model.slice_axis(0, r(0)).slice_axis(2, r(2)).slice_axis(3, r(3)))
        }
        _ => (view, model.clone()),
    }
}

/// What is still to be done to a view, and the bytes that it is of.
#[derive(Clone, Copy)]
struct Course<'m> {
    memory: &'m Memory,
    ops: &'m [Op],
}

/// What is done with the view at the end of a chain, whatever its elements have become.
trait Visitor<A> {
    fn visit<T: Element>(self, view: ArrayView<'_, T, A>, model: &Model, memory: &Memory)
    where
        A: Access<T>;
}

/// Does the operations to the view and to the model, and goes to the visitor with both.
fn walk<T, A, V>(view: ArrayView<'_, T, A>, model: Model, course: Course<'_>, end: V)
where
    T: Element,
    A: Mode + Access<T>,
    V: Visitor<A>,
{
    assert_eq!(view.shape(), model.shape);
    let Some((&op, ops)) = course.ops.split_first() else { return end.visit(view, &model, course.memory) };
    let course = Course { ops, ..course };
    match op.kind {
        Kind::Enter => T::enter(view, &model, course, op.a, end),
        Kind::ViewAs => with_element!(op.a, U => match model.view_as(size_of::<U>()) {
            Ok(model) => walk(view.view_as::<U>().unwrap(), model, course, end),
            Err(kind) => {
                assert_eq!(view.view().view_as::<U>().map(drop).unwrap_err().kind(), kind);
                walk(view, model, course, end);
            }
        }),
        _ => {
            let (view, model) = shaped(view, &model, op);
            walk(view, model, course, end);
        }
    }
}

// -------------------------------------------------------------------------------------------------------------- reading

/// Reads a view in every way; `turns` says from which end of the iterator, and how far.
#[derive(Clone, Copy)]
struct Reader {
    turns: u64,
}

impl<A: Mode> Visitor<A> for Reader {
    fn visit<T: Element>(self, view: ArrayView<'_, T, A>, model: &Model, memory: &Memory)
    where
        A: Access<T>,
    {
        let expected = memory.elements::<T>(model);
        assert_eq!((view.shape(), view.ndim()), (&model.shape[..], model.shape.len()));
        assert_eq!((view.len(), view.is_empty()), (expected.len(), expected.is_empty()));
        check_strides(&view, model);
        check_indices(&view, &expected);
        check_copies(&view, &expected);
        check_iteration(view.iter(), &expected, self.turns);
        (0..view.ndim()).for_each(|axis| check_axis_iter(view.view(), axis, self.turns));

        assert_eq!(view.is_contiguous(), model.is_consecutive());
        assert_eq!(view.as_slice(), memory.is_slice::<T>(model).then_some(&expected[..]));

        let copy = ArrayView::from_slice(&expected, &model.shape).unwrap();
        assert!(view == copy);
        assert!(copy == view);
        assert!(view.view().insert_axis(0).unwrap() != copy);
        if let Some(at) = expected.len().checked_sub(1) {
            let mut changed = expected.clone();
            let at = self.turns as usize % (at + 1);
            changed[at] = other(changed[at]);
            assert!(view != ArrayView::from_slice(&changed, &model.shape).unwrap());
        }
    }
}

fn check_strides<T, A>(view: &ArrayView<'_, T, A>, model: &Model) {
    assert_eq!(view.strides().len(), model.shape.len());
    let steps = model.shape.iter().enumerate().filter(|&(_, &len)| len > 1 && !model.places.is_empty());
    for (axis, _) in steps {
        let mut next = vec![0; model.shape.len()];
        next[axis] = 1;
        let distance = model.place(&next) as isize - model.places[0] as isize;
        assert_eq!(view.strides()[axis], distance, "axis {axis}");
    }
}

fn check_indices<T: Element, A: Access<T>>(view: &ArrayView<'_, T, A>, expected: &[T]) {
    let indices = indices(view.shape());
    assert_eq!(indices.len(), expected.len());
    for (index, &element) in indices.iter().zip(expected) {
        assert_eq!(view.at(index), element, "{index:?}");
        assert_eq!(view.get(index), Some(element), "{index:?}");
    }
    let first = vec![0; view.ndim()];
    for axis in 0..view.ndim() {
        for outside in [view.shape()[axis], usize::MAX] {
            let mut index = first.clone();
            index[axis] = outside;
            assert_eq!(view.get(&index), None, "{index:?}");
        }
        assert_eq!(view.get(&first[1..]), None, "an axis too few");
    }
    assert_eq!(view.get([&first[..], &[0]].concat()), None, "an axis too many");
}

fn check_copies<T: Element, A: Access<T>>(view: &ArrayView<'_, T, A>, expected: &[T]) {
    assert_eq!(view.to_vec(), expected);
    let mut copy = vec![T::zeroed(); expected.len()];
    view.copy_to(&mut copy);
    assert_eq!(copy, expected);
    let mut bytes = Vec::new();
    view.write_to(&mut bytes).unwrap();
    assert_eq!(bytes, bytemuck::cast_slice::<T, u8>(expected));
}

/// Takes the views along an axis from both ends, some with `nth`.
fn check_axis_iter<T: Element>(view: ArrayView<'_, T>, axis: usize, turns: u64)
where
    ReadOnly: Access<T>,
{
    let mut left = 0..view.shape()[axis];
    let mut views = view.axis_iter(axis);
    let mut bits = turns;
    while !left.is_empty() {
        assert_eq!((views.len(), views.size_hint()), (left.len(), (left.len(), Some(left.len()))));
        bits = bits.rotate_right(5);
        // Now and then one too many, which leaves none.
        let skipped = if bits & 6 == 0 { (bits >> 3) as usize % (left.len() + 1) } else { 0 };
        let (got, index) = match (bits & 1, skipped) {
            (0, 0) => (views.next(), left.next()),
            (0, _) => (views.nth(skipped), left.nth(skipped)),
            (_, 0) => (views.next_back(), left.next_back()),
            _ => (views.nth_back(skipped), left.nth_back(skipped)),
        };
        assert_eq!(got.is_some(), index.is_some());
        if let (Some(got), Some(index)) = (got, index) {
            let expected = view.index_axis(axis, index);
            assert_eq!((got.shape(), got.strides()), (expected.shape(), expected.strides()));
            assert_eq!(got.to_vec(), expected.to_vec(), "view {index} along axis {axis}");
        }
    }
    assert!(views.len() == 0 && views.next().is_none() && views.next_back().is_none());
}

/// Takes elements from both ends, some with `nth`, and once on the way all that are left, in each way there is.
fn check_iteration<T: Element, A: Access<T>>(mut iter: Iter<'_, T, A>, expected: &[T], turns: u64) {
    let mut left: VecDeque<T> = expected.iter().copied().collect();
    let pause = turns % 12;
    let mut bits = turns;
    for turn in 0.. {
        assert_eq!((iter.len(), iter.size_hint()), (left.len(), (left.len(), Some(left.len()))));
        if turn == pause || turn == 0 {
            check_rest(&iter, &left);
        }
        if turn > pause && left.is_empty() {
            break;
        }
        bits = bits.rotate_right(7);
        let skipped = if bits & 6 == 0 { (bits >> 3) as usize % 16 } else { 0 };
        let end = skipped.min(left.len());
        let (got, element) = if bits & 1 == 0 {
            left.drain(..end);
            (if skipped == 0 { iter.next() } else { iter.nth(skipped) }, left.pop_front())
        } else {
            left.truncate(left.len() - end);
            (if skipped == 0 { iter.next_back() } else { iter.nth_back(skipped) }, left.pop_back())
        };
        assert_eq!(got, element);
    }
    assert_eq!((iter.next(), iter.next_back(), iter.nth(3)), (None, None, None));
}

fn check_rest<T: Element, A: Access<T>>(iter: &Iter<'_, T, A>, left: &VecDeque<T>) {
    let mut folded = VecDeque::new();
    iter.clone().for_each(|element| folded.push_back(element));
    assert_eq!(folded, *left);
    assert!(iter.clone().eq(left.iter().copied()));
    assert!(iter.clone().rev().eq(left.iter().rev().copied()));
    assert_eq!((iter.clone().count(), iter.clone().last()), (left.len(), left.back().copied()));
}

// -------------------------------------------------------------------------------------------------------------- writing

#[derive(Clone, Copy, Debug)]
enum Deed {
    Set,
    Fill,
    MapInPlace,
    CopyFrom,
    Slice,
    SplitAt,
    AxisIter,
    Project2,
}

/// Writes through a view, and notes the same in the bytes that are expected after.
struct Writer<'m> {
    deed: Deed,
    expected: &'m mut [u8],
    /// New values, and choices modulo what there is.
    seed: u32,
}

fn deed() -> impl Strategy<Value = (Deed, u32)> {
    use Deed::*;
    const DEEDS: [Deed; 10] = [Set, Fill, MapInPlace, CopyFrom, CopyFrom, Slice, SplitAt, AxisIter, Project2, Project2];
    (prop::sample::select(&DEEDS[..]), any::<u32>())
}

impl Writer<'_> {
    fn note<T: Pod>(&mut self, place: usize, value: T) {
        self.expected[place..place + size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&value));
    }

    fn note_all<T: Pod>(&mut self, model: &Model, value: T) {
        model.places.iter().for_each(|&place| self.note(place, value));
    }
}

impl Visitor<ReadWrite> for Writer<'_> {
    fn visit<T: Element>(mut self, mut view: ArrayViewMut<'_, T>, model: &Model, memory: &Memory)
    where
        ReadWrite: Access<T>,
    {
        let seed = self.seed;
        let choice = (seed >> 8) as usize;
        let new: T = value(seed);
        let ndim = model.shape.len();
        let axis = choice % ndim.max(1);
        match self.deed {
            Deed::Set => {
                let every = choice % 4 + 1;
                for (index, &place) in indices(&model.shape).iter().zip(&model.places).step_by(every) {
                    view.set(index, new);
                    assert_eq!(view.at(index), new);
                    self.note(place, new);
                }
            }
            Deed::MapInPlace => {
                let mut seen = Vec::new();
                view.map_in_place(|element| {
                    seen.push(element);
                    other(element)
                });
                assert_eq!(seen, memory.elements::<T>(model));
                model.places.iter().zip(seen).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::CopyFrom => {
                let elements: Vec<T> = (0..model.places.len() as u32).map(|n| value(seed.wrapping_add(n))).collect();
                copy_from_some_layout(&mut view, &elements, choice);
                model.places.iter().zip(elements).for_each(|(&place, element)| self.note(place, element));
            }
            Deed::Slice => {
                assert_eq!(view.as_slice_mut().is_some(), memory.is_slice::<T>(model));
                if let Some(slice) = view.into_slice_mut() {
                    assert_eq!(slice.len(), model.places.len());
                    slice.fill(new);
                    self.note_all(model, new);
                }
            }
            Deed::SplitAt if ndim > 0 => {
                let index = choice / 4 % (model.shape[axis] + 1);
                let (mut before, mut from) = view.split_at(axis, index);
                before.fill(new);
                from.fill(other(new));
                self.note_all(&model.slice_axis(axis, 0..index), new);
                self.note_all(&model.slice_axis(axis, index..model.shape[axis]), other(new));
            }
            Deed::AxisIter if ndim > 0 => {
                let mut views: Vec<_> = view.axis_iter(axis).collect();
                assert_eq!(views.len(), model.shape[axis]);
                for (index, view) in views.iter_mut().enumerate().rev() {
                    let new = value::<T>(seed.wrapping_add(index as u32));
                    view.fill(new);
                    self.note_all(&model.index_axis(axis, index), new);
                }
            }
            Deed::Project2 => {
                let bytes = bytemuck::bytes_of(&new);
                for field in T::fill_two_fields(view, bytes).into_iter().flatten() {
                    for &place in &model.places {
                        self.expected[place..][field.clone()].copy_from_slice(&bytes[field.clone()]);
                    }
                }
            }
            Deed::Fill | Deed::SplitAt | Deed::AxisIter => {
                view.reborrow().fill(new);
                assert!(view.iter().all(|element| element == new));
                self.note_all(model, new);
            }
        }
    }
}

/// Copies elements, given in C order, from a view of the same shape that has them in C order, in Fortran order, backwards
/// with gaps, or at addresses that are not aligned.
fn copy_from_some_layout<T: Element>(view: &mut ArrayViewMut<'_, T>, elements: &[T], choice: usize) {
    let shape = view.shape().to_vec();
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut doubled = shape.clone();
    let last = shape.len().wrapping_sub(1);
    match choice % 4 {
        0 => {
            let layout = Model::contiguous(&reversed, Order::C, 1, 0).t();
            let storage = stored(&layout, elements);
            view.copy_from(&ArrayView::from_slice(&storage, &reversed).unwrap().t());
        }
        1 if !shape.is_empty() => {
            doubled[last] *= 2;
            let layout = Model::contiguous(&doubled, Order::C, 1, 0).step_axis(last, -2);
            let storage = stored(&layout, elements);
            view.copy_from(&ArrayView::from_slice(&storage, &doubled).unwrap().step_axis(last, -2));
        }
        2 => {
            let bytes = [&[0], bytemuck::cast_slice::<T, u8>(elements)].concat();
            let source = ArrayView::from_slice(&bytes[1..], bytes.len() - 1).unwrap();
            view.copy_from(&source.view_as::<T>().unwrap().reshape(&shape).unwrap());
        }
        _ => view.copy_from(&ArrayView::from_slice(elements, &shape).unwrap()),
    }
}

/// Memory up to the layout's last element, with each element where the layout has it, and zeros elsewhere.
fn stored<T: Pod>(layout: &Model, elements: &[T]) -> Vec<T> {
    let len = layout.places.iter().max().map_or(0, |last| last + 1);
    let mut storage = vec![T::zeroed(); len];
    layout.places.iter().zip(elements).for_each(|(&place, &element)| storage[place] = element);
    storage
}

// ----------------------------------------------------------------------------------------------------------- properties

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
    let options = MmapArray::<T>::options().shape(shape).order(order);
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
}

// ----------------------------------------------------------------------------------------------------------- reductions

/// Shapes long enough for the blocks in which floats are summed, and chains that leave much of them.
fn long_shape() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        (0..700_usize).prop_map(|len| vec![len]),
        (1..9_usize, 0..150_usize).prop_map(|(rows, len)| vec![rows, len]),
        (1..6_usize, 1..6_usize, 1..20_usize).prop_map(|(planes, rows, len)| vec![planes, rows, len]),
    ]
}

fn turning() -> impl Strategy<Value = Vec<Op>> {
    use Kind::*;
    const KINDS: [Kind; 5] = [SliceAxis, StepAxis, Transpose, Permute, InsertAxis];
    let op = (prop::sample::select(&KINDS[..]), 0..65536_usize, 0..65536_usize, 0..65536_usize);
    prop::collection::vec(op.prop_map(|(kind, a, b, c)| Op { kind, a, b, c }), 0..4)
}

/// Random bits that a seed makes.
fn random(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    })
}

/// Calls `check` with the view that a chain of operations leaves of these elements, and with the elements in it.
fn turned<T: Element>(
    elements: &[T],
    shape: &[usize],
    skew: usize,
    ops: &[Op],
    check: impl FnOnce(ArrayView<'_, T>, &[T]),
) where
    ReadOnly: Access<T>,
{
    let bytes = [&vec![0; skew], bytemuck::cast_slice::<T, u8>(elements)].concat();
    let memory = Memory { address: bytes.as_ptr().addr(), bytes };
    let view = ArrayView::from_slice(&memory.bytes[skew..], memory.bytes.len() - skew).unwrap();
    let mut view = view.view_as::<T>().unwrap().reshape(shape).unwrap();
    let mut model = Model::contiguous(shape, Order::C, size_of::<T>(), skew);
    for &op in ops {
        (view, model) = shaped(view, &model, op);
    }
    check(view, &memory.elements(&model));
}

macro_rules! integers_reduce {
    ($($integer:ident, $sum:ty);*) => {$(
        proptest! {
            #![proptest_config(config(32))]

            #[test]
            fn $integer(shape in long_shape(), skew in 0..8_usize, ops in turning(), seed: u64) {
                let elements: Vec<$integer> = random(seed).map(|bits| bits as $integer).take(count(&shape)).collect();
                turned(&elements, &shape, skew, &ops, |view, elements| {
                    let sum = elements.iter().map(|&element| <$sum>::from(element)).sum::<$sum>();
                    assert_eq!(view.sum(), sum);
                    assert_eq!(view.min(), elements.iter().min().copied());
                    assert_eq!(view.max(), elements.iter().max().copied());
                    let mean = (!elements.is_empty()).then(|| sum as f64 / elements.len() as f64);
                    assert_eq!(view.mean().is_some(), mean.is_some());
                    if let (Some(got), Some(mean)) = (view.mean(), mean) {
                        let size = elements.iter().map(|&element| (element as f64).abs()).sum::<f64>();
                        assert!((got - mean).abs() <= 1e-14 * size / elements.len() as f64, "{got} and not {mean}");
                    }
                });
            }
        }
    )*};
}

macro_rules! floats_reduce {
    ($($float:ident),*) => {$(
        proptest! {
            #![proptest_config(config(64))]

            #[test]
            fn $float(shape in long_shape(), skew in 0..8_usize, ops in turning(), seed: u64, special in special()) {
                // Of either sign, and of magnitudes from 2^-20 to 2^20.
                let number = |bits: u64| (bits as i32 as f64 * 2_f64.powi((bits >> 40) as i32 % 41 - 51)) as $float;
                let mut elements: Vec<$float> = random(seed).map(number).take(count(&shape)).collect();
                for (at, number) in special {
                    if let Some(at) = at.checked_rem(elements.len()) {
                        elements[at] = number as $float;
                    }
                }
                turned(&elements, &shape, skew, &ops, |view, elements| {
                    let wide: Vec<f64> = elements.iter().map(|&element| f64::from(element)).collect();
                    // Each element takes part in some twenty additions, or in one for each run.
                    let error = 100.0 * f64::from(<$float>::EPSILON);
                    check_floats(&wide, f64::from(view.sum()), error, view.min().map(f64::from), view.max().map(f64::from));
                    let len = elements.len() as f64;
                    assert_eq!(view.mean().is_some(), !elements.is_empty());
                    if let Some(mean) = view.mean() {
                        check_floats(&wide, mean * len, 200.0 * f64::EPSILON, view.min().map(f64::from), view.max().map(f64::from));
                    }
                });
            }
        }
    )*};
}

/// Places for numbers that are none, or no finite ones; mostly there is none.
fn special() -> impl Strategy<Value = Vec<(usize, f64)>> {
    let number = prop::sample::select(&[f64::NAN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0][..]);
    prop_oneof![Just(vec![]), prop::collection::vec((0..10_000_usize, number), 1..3)]
}

/// Holds reductions against the elements in `f64`; the sum may be off by `error` of the magnitudes that it adds up.
fn check_floats(elements: &[f64], sum: f64, error: f64, min: Option<f64>, max: Option<f64>) {
    if elements.iter().any(|element| element.is_nan()) {
        assert!(sum.is_nan());
        assert!(min.is_some_and(f64::is_nan) && max.is_some_and(f64::is_nan));
        return;
    }
    assert_eq!(min, elements.iter().copied().reduce(f64::min));
    assert_eq!(max, elements.iter().copied().reduce(f64::max));
    let expected: f64 = elements.iter().sum();
    if expected.is_finite() {
        let size: f64 = elements.iter().map(|element| element.abs()).sum();
        assert!((sum - expected).abs() <= error * size, "{sum} and not {expected}");
    } else {
        assert!(sum == expected || (sum.is_nan() && expected.is_nan()), "{sum} and not {expected}");
    }
}

mod integers_are_summed_exactly_and_compared {
    use super::*;
    integers_reduce!(i8, i128; i16, i128; i32, i128; i64, i128; u8, u128; u16, u128; u32, u128; u64, u128);
}

mod floats_are_summed_and_compared_and_a_nan_wins {
    use super::*;
    floats_reduce!(f32, f64);
}

#[test]
fn a_nan_wins_wherever_it_lies() {
    for len in 1..26 {
        for at in 0..len {
            let mut elements: Vec<f32> = (0..2 * len).map(|number| number as f32).collect();
            elements[2 * at] = f32::NAN;
            let all = ArrayView::from_slice(&elements, 2 * len).unwrap();
            for view in [all, all.step_axis(0, 2)] {
                assert!(view.min().unwrap().is_nan() && view.max().unwrap().is_nan(), "{at} of {len}");
                assert!(view.sum().is_nan() && view.mean().unwrap().is_nan(), "{at} of {len}");
            }
            let odd = all.slice_axis(0, 1..).step_axis(0, 2);
            assert_eq!((odd.min(), odd.max()), (Some(1.0), Some((2 * len - 1) as f32)), "none of {len}");
        }
    }
}

#[test]
fn sums_of_integers_go_past_their_type() {
    let most = [u64::MAX; 5];
    assert_eq!(ArrayView::from_slice(&most, 5).unwrap().sum(), 5 * u128::from(u64::MAX));
    let least = [i64::MIN; 5];
    assert_eq!(ArrayView::from_slice(&least, 5).unwrap().sum(), 5 * i128::from(i64::MIN));
    assert_eq!(ArrayView::from_slice(&least, 5).unwrap().mean(), Some(i64::MIN as f64));
}

#[test]
fn nothing_has_a_sum_of_zero_and_no_mean_or_extremes() {
    let view = ArrayView::<f64>::from_slice(&[], [3, 0]).unwrap();
    assert_eq!((view.sum(), view.mean(), view.min(), view.max()), (0.0, None, None, None));
    let view = ArrayView::<u8>::from_slice(&[], 0).unwrap();
    assert_eq!((view.sum(), view.mean(), view.min(), view.max()), (0, None, None, None));
}

// ----------------------------------------------------------------------------------------------------- NumPy's own cases
/// Recorded with NumPy 2.4.6, where each error is a `ValueError`. Strides of empty arrays are left out: NumPy's are zeros.
#[test]
fn another_size_is_viewed_by_numpys_rules() {
    macro_rules! views {
        ($($shape:expr, $old:ty $(, .$cut:ident($($argument:expr),*))* => $new:ty: $expected:expr;)*) => {$({
            let elements = [<$old>::zeroed(); 48];
            let view = ArrayView::from_slice(&elements[..count(&$shape)], $shape).unwrap()$(.$cut($($argument),*))*;
            let viewed = view.view_as::<$new>();
            let found = viewed.as_ref().map(|view| (view.shape(), view.strides())).map_err(|error| error.kind());
            let expected: Result<(&[usize], &[isize]), ErrorKind> = $expected;
            let strides = found.map(|(shape, strides)| if count(shape) > 0 { (shape, strides) } else { (shape, &[][..]) });
            assert_eq!(strides, expected, "{view:?} as {}", stringify!($new));
        })*};
    }
    let mismatch = Err(ErrorKind::SizeMismatch);
    let apart = Err(ErrorKind::NotContiguous);
    views! {
        // Nothing is there: the last axis must still divide, however it lies.
        [0, 3], u8 => u16: mismatch;
        [3, 0], u8 => u32: Ok((&[3, 0], &[]));
        [0, 4], u8 => u16: Ok((&[0, 2], &[]));
        [3, 0], u32 => u8: Ok((&[3, 0], &[]));
        [0, 3], u16 => u8: Ok((&[0, 6], &[]));
        [4, 6], u8, .rows(..0), .step_axis(1, 2) => u16: mismatch;
        [4, 6], u8, .rows(..0), .step_axis(1, 4) => u16: Ok((&[0, 1], &[]));
        // One element keeps its size.
        [0; 0], u16 => u8: mismatch;
        [0; 0], u16 => i16: Ok((&[], &[]));
        [0; 0], u16 => u32: mismatch;
        // The last axis must be contiguous, the others need not.
        [4, 6], u8, .step_axis(1, 2) => i8: Ok((&[4, 3], &[6, 2]));
        [4, 6], u8, .step_axis(1, 2) => u16: apart;
        [4, 6], u16, .step_axis(1, 2) => u8: apart;
        [4, 6], u8, .t() => u16: apart;
        [4, 6], u8, .slice_axis(1, 1..5) => u32: Ok((&[4, 1], &[6, 4]));
        [4, 6], u8, .step_axis(0, -1), .slice_axis(1, 1..3) => u16: Ok((&[4, 1], &[-6, 2]));
        // Or be of length 1, whatever its stride.
        [4, 6], u16, .slice_axis(1, ..1) => u8: Ok((&[4, 2], &[12, 1]));
        [4, 6], u16, .step_axis(1, -6) => u8: Ok((&[4, 2], &[12, 1]));
        [1, 6], u8, .t() => u16: mismatch;
        [6, 1], u8, .t() => u16: Ok((&[1, 3], &[1, 2]));
        [6, 1], u8 => u16: mismatch;
        [6, 1], u32 => u16: Ok((&[6, 2], &[4, 2]));
        // A larger size must divide the last axis, a smaller one the element.
        [2, 3], u32 => u64: mismatch;
        [2, 3], u32 => [u8; 6]: Ok((&[2, 2], &[12, 6]));
        [2, 2], [u8; 6] => u32: mismatch;
        [2, 2], [u8; 6] => [u8; 12]: Ok((&[2, 1], &[12, 12]));
        [2, 3], [u8; 6] => [u8; 9]: Ok((&[2, 2], &[18, 9]));
    }
}

// ------------------------------------------------------------------------------------------------- panics and refusals

thread_local! {
    /// The source file that the thread's last panic was laid to.
    static BLAMED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What a call panics with; the panic must name a line of the caller's, and none of the library's.
#[track_caller]
fn panic_of<R>(call: impl FnOnce() -> R) -> String {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            BLAMED.set(panic.location().map(|location| location.file().to_owned()).unwrap_or_default());
            print(panic);
        }));
    });
    let panic = panic::catch_unwind(AssertUnwindSafe(|| drop(call()))).expect_err("a panic");
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default(),
    };
    assert_eq!(BLAMED.take(), file!(), "{text}");
    text
}

#[track_caller]
fn assert_names<R>(call: impl FnOnce() -> R, names: &[&str]) {
    let text = panic_of(call);
    for name in names {
        assert!(text.contains(name), "{name:?} is not in {text:?}");
    }
}

const NUMBERS: [i32; 6] = [1, 2, 3, 4, 5, 6];

fn table() -> ArrayView<'static, i32> {
    ArrayView::from_slice(&NUMBERS, [2, 3]).unwrap()
}

#[test]
fn an_index_outside_panics_and_names_the_index_and_the_shape() {
    let names = ["[2, 0]", "[2, 3]"];
    assert_names(|| table().at([2, 0]), &names);
    assert_names(|| table().at([0, 3]), &["[0, 3]", "[2, 3]"]);
    assert_names(|| table().at([1]), &["[1]", "[2, 3]"]);
    assert_names(|| table().at([1, 1, 1]), &["[1, 1, 1]", "[2, 3]"]);
    let mut numbers = NUMBERS;
    assert_names(|| ArrayViewMut::from_slice_mut(&mut numbers, [2, 3]).unwrap().set([2, 0], 9), &names);
    assert_eq!(numbers, NUMBERS);
    for order in [Order::C, Order::F] {
        let mut array = MmapArray::<i32>::options().shape([2, 3]).order(order).anonymous().unwrap();
        assert_names(|| array[[2, 0]], &names);
        assert_names(|| array[[0, 3]], &["[0, 3]", "[2, 3]"]);
        assert_names(|| array[[5]], &["[5]", "[2, 3]"]);
        assert_names(|| array[[2, 0]] = 1, &names);
        assert_names(|| array[6], &["6"]);
        assert_eq!(*array, [0; 6]);
    }
}

#[test]
fn an_axis_or_a_range_outside_panics_and_names_it() {
    assert_names(|| table().index_axis(1, 3), &["index 3", "axis 1", "length 3"]);
    assert_names(|| table().index_axis(2, 0), &["axis 2", "2 axes"]);
    assert_names(|| table().slice_axis(0, 1..3), &["1..3", "0..2", "axis 0"]);
    assert_names(|| table().slice_axis(0, ..=usize::MAX), &["overflow", "axis 0"]);
    assert_names(|| table().slice_axis(1, Range { start: 2, end: 1 }), &["2..1", "axis 1"]);
    assert_names(|| table().slice_axis(2, ..), &["axis 2", "2 axes"]);
    assert_names(|| table().rows(3..), &["3..2", "axis 0"]);
    assert_names(|| table().index_axis(0, 0).index_axis(0, 0).rows(..), &["axis 0", "0 axes"]);
    assert_names(|| table().split_at(1, 4), &["4", "0..3", "axis 1"]);
    assert_names(|| table().axis_iter(2), &["axis 2", "2 axes"]);
    assert_names(|| table().step_axis(2, 1), &["axis 2", "2 axes"]);
}

#[test]
fn a_step_of_zero_panics() {
    assert_names(|| table().step_axis(1, 0), &["step of 0", "axis 1"]);
}

#[test]
fn a_slice_outside_panics_and_names_the_place_and_the_shape() {
    assert_names(|| table().slice((2,)), &["place 0", "[2, 3]"]);
    assert_names(|| table().slice((0, 4..)), &["place 1", "[2, 3]"]);
    assert_names(|| table().slice((.., Range { start: 2, end: 1 })), &["place 1", "[2, 3]"]);
    assert_names(|| table().slice((.., .., 0)), &["place 2", "[2, 3]"]);
    assert_names(|| table().slice((.., .., ..)), &["place 2", "[2, 3]"]);
}

#[test]
fn axes_that_are_no_permutation_panic() {
    for axes in [&[0][..], &[0, 0], &[0, 2], &[0, 1, 2], &[]] {
        assert_names(|| table().permute_axes(axes), &[&format!("{axes:?}"), "2 axes"]);
    }
}

#[test]
fn copies_between_different_shapes_panic_and_copy_nothing() {
    let mut numbers = [0; 6];
    assert_names(|| table().copy_to(&mut numbers[..5]), &["another length"]);
    let mut view = ArrayViewMut::from_slice_mut(&mut numbers, [3, 2]).unwrap();
    assert_names(|| view.copy_from(&table()), &["another shape", "[3, 2]", "[2, 3]"]);
    assert_eq!(numbers, [0; 6]);
}

#[test]
fn fields_that_overlap_are_not_both_written() {
    let mut records = [Record::zeroed(); 2];
    let (whole, half) = (field!(Record, pair), field!(Record, pair).then(Field::at(2)));
    let mut overlap = |first: Field<Record, [i16; 2]>, second: Field<Record, [i16; 1]>| {
        let view = ArrayViewMut::from_slice_mut(&mut records, 2).unwrap();
        assert_names(|| drop(view.project2(first, second)), &["overlap"]);
    };
    overlap(whole, half);
    overlap(Field::at(4), field!(Record, pair).then(Field::at(2)));
    let view = ArrayViewMut::from_slice_mut(&mut records, 2).unwrap();
    assert_names(|| drop(view.project2(half, half)), &["overlap"]);
}

#[test]
fn a_shape_of_another_number_of_elements_is_refused() {
    let refused = |shape: &[Option<usize>]| {
        assert_eq!(ArrayView::from_slice(&NUMBERS, shape).map(drop).unwrap_err().kind(), ErrorKind::Shape, "{shape:?}");
        assert_eq!(table().reshape(shape).map(drop).unwrap_err().kind(), ErrorKind::Shape, "{shape:?}");
    };
    for shape in [&[][..], &[5], &[7], &[0], &[2, 2], &[6, 0]] {
        refused(&shape.iter().copied().map(Some).collect::<Vec<_>>());
    }
    for shape in [&[None, Some(4)], &[None, Some(0)], &[None, None]] {
        refused(shape);
    }
    let large = [1 << (usize::BITS / 2); 3];
    assert_eq!(table().reshape(large).map(drop).unwrap_err().kind(), ErrorKind::Overflow);
    assert_eq!(table().reshape([None, Some(2)]).unwrap().shape(), [3, 2]);
}

#[test]
fn a_view_has_32_axes_at_the_most() {
    let mut view = ArrayView::from_slice(&[[7_u8, 8]], [0; 0]).unwrap();
    assert_eq!(view.insert_axis(1).map(drop).unwrap_err().kind(), ErrorKind::OutOfRange);
    for _ in 0..MAX_NDIM {
        view = view.insert_axis(view.ndim()).unwrap();
    }
    assert_eq!(view.shape(), [1; MAX_NDIM]);
    assert_eq!((view.at([0; MAX_NDIM]), view.iter().len()), ([7, 8], 1));
    assert_eq!(view.insert_axis(0).map(drop).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(view.unpack().map(drop).unwrap_err().kind(), ErrorKind::Shape);
    assert_eq!(view.index_axis(31, 0).unpack().unwrap().t().to_vec(), [7, 8]);
    assert_eq!(view.reshape([1; MAX_NDIM + 1]).map(drop).unwrap_err().kind(), ErrorKind::Shape);
}

// ------------------------------------------------------------------------------------------- what the model cannot say

#[test]
fn what_a_view_of_the_array_gives_out_lives_as_long_as_the_array() {
    fn evens(array: &MmapArray<u16>) -> impl Iterator<Item = u16> + '_ {
        array.view().step_axis(0, 2).into_iter()
    }
    fn last_row(array: &MmapArray<u16>) -> ArrayView<'_, u16> {
        array.view().reshape([2, 3]).unwrap().axis_iter(0).next_back().unwrap()
    }
    let mut array = MmapArrayMut::<u16>::anonymous(6).unwrap();
    array.copy_from_slice(&[0, 1, 2, 3, 4, 5]);
    let array = array.freeze();
    assert!(evens(&array).eq([0, 2, 4]));
    assert_eq!(last_row(&array).to_vec(), [3, 4, 5]);
}

#[test]
fn arrays_are_equal_by_index_whatever_their_orders() {
    let filled = |order, shape: [usize; 2]| {
        let mut array = MmapArray::<i32>::options().shape(shape).order(order).anonymous().unwrap();
        let mut view = array.view_mut();
        indices(&shape).iter().zip(1..).for_each(|(index, number)| view.set(index, number));
        array
    };
    let (c, mut f) = (filled(Order::C, [2, 3]), filled(Order::F, [2, 3]));
    assert_eq!((&c[..], &f[..]), (&[1, 2, 3, 4, 5, 6][..], &[1, 4, 2, 5, 3, 6][..]));
    assert!(c == f && f.view() == table());
    assert!(c != filled(Order::C, [3, 2]));
    f[[1, 1]] = 0;
    assert!(c != f);
}

#[test]
fn a_nan_equals_nothing() {
    let view = ArrayView::from_slice(&[f32::NAN], 1).unwrap();
    let same = view;
    assert!(view != same);
}

#[test]
fn a_large_view_is_written_in_pieces_whatever_its_strides() {
    /// What was written, and the longest piece of it.
    #[derive(Default)]
    struct Pieces(Vec<u8>, usize);
    impl Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.1 = self.1.max(piece.len());
            self.0.write(piece)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let numbers: Vec<u64> = (0..300_001).collect();
    let all = ArrayView::from_slice(&numbers, numbers.len()).unwrap();
    for view in [all, all.step_axis(0, -2), all.slice_axis(0, 1..).reshape([3, 100_000]).unwrap().t()] {
        let mut pieces = Pieces::default();
        view.write_to(&mut pieces).unwrap();
        assert!(pieces.0 == bytemuck::cast_slice::<u64, u8>(&view.to_vec()), "{view:?}");
        assert!(pieces.1 <= 3 << 19, "a piece of {} bytes", pieces.1);
    }
}

#[test]
fn views_of_other_threads_read_and_write_their_own_parts() {
    let mut array = MmapArrayMut::<u32>::anonymous([64, 100]).unwrap();
    std::thread::scope(|scope| {
        for (row, mut view) in array.view_mut().axis_iter(0).enumerate() {
            scope.spawn(move || view.fill(row as u32));
        }
    });
    let view = array.view();
    let sums: Vec<u128> = std::thread::scope(|scope| {
        let columns = view.axis_iter(1).map(|column| scope.spawn(move || column.sum()));
        columns.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums, [63 * 64 / 2; 100]);
}
