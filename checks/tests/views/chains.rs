//! Element types, and chains of operations that are done to a view and to its model.

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Zeroable, Pod)]
#[repr(C, packed)]
pub(crate) struct Record {
    pub(crate) tag: u8,
    pub(crate) pair: [i16; 2],
    pub(crate) price: f64,
}

/// A mode in which elements of all the types below can be had, with the methods that shape its views: those that read
/// take `&self`, those that write `self`.
pub(crate) trait Mode:
    Sized
    + mmap_array::access::Mode
    + Load<u8>
    + Load<i16>
    + Load<u32>
    + Load<f64>
    + Load<[u8; 3]>
    + Load<[i16; 2]>
    + Load<Record>
{
    /// The elements by reference, in modes that give references.
    fn as_slice<'v, T: Element>(view: &'v View<'_, T, Self>) -> Option<Option<&'v [T]>>;
    fn slice<T: Element>(view: View<'_, T, Self>, slices: impl Slices) -> View<'_, T, Self>;
    fn slice_axis<T: Element>(
        view: View<'_, T, Self>,
        axis: usize,
        range: impl RangeBounds<usize>,
    ) -> View<'_, T, Self>;
    fn rows<T: Element>(view: View<'_, T, Self>, range: impl RangeBounds<usize>) -> View<'_, T, Self>;
    fn index_axis<T: Element>(view: View<'_, T, Self>, axis: usize, index: usize) -> View<'_, T, Self>;
    fn step_axis<T: Element>(view: View<'_, T, Self>, axis: usize, step: isize) -> View<'_, T, Self>;
    fn t<T: Element>(view: View<'_, T, Self>) -> View<'_, T, Self>;
    fn permute_axes<'a, T: Element>(view: View<'a, T, Self>, axes: &[usize]) -> View<'a, T, Self>;
    fn insert_axis<T: Element>(view: View<'_, T, Self>, axis: usize) -> Result<View<'_, T, Self>>;
    fn reshape<T: Element>(view: View<'_, T, Self>, shape: impl IntoShape) -> Result<View<'_, T, Self>>;
    fn split_at<T: Element>(view: View<'_, T, Self>, axis: usize, index: usize) -> [View<'_, T, Self>; 2];
    fn axis_iter<T: Element>(view: View<'_, T, Self>, axis: usize) -> AxisIter<View<'_, T, Self>>;
    fn project<T: Element, F: Element>(view: View<'_, T, Self>, field: Field<T, F>) -> View<'_, F, Self>;
    fn view_as<T: Element, U: Element>(view: View<'_, T, Self>) -> Result<View<'_, U, Self>>;
    fn unpack<T: Element, const N: usize>(view: View<'_, [T; N], Self>) -> Result<View<'_, T, Self>>
    where
        [T; N]: Element;
}

type View<'a, T, A> = ArrayView<'a, T, A>;
type Result<T> = mmap_array::Result<T>;

macro_rules! modes {
    ($($mode:ident: |$slice_of:ident| $slice:expr,)*) => {$(
        impl Mode for $mode {
            fn as_slice<'v, T: Element>($slice_of: &'v View<'_, T, Self>) -> Option<Option<&'v [T]>> {
                $slice
            }
            fn slice<T: Element>(view: View<'_, T, Self>, slices: impl Slices) -> View<'_, T, Self> {
                view.slice(slices)
            }
            fn slice_axis<T: Element>(
                view: View<'_, T, Self>,
                axis: usize,
                range: impl RangeBounds<usize>,
            ) -> View<'_, T, Self> {
                view.slice_axis(axis, range)
            }
            fn rows<T: Element>(view: View<'_, T, Self>, range: impl RangeBounds<usize>) -> View<'_, T, Self> {
                view.rows(range)
            }
            fn index_axis<T: Element>(view: View<'_, T, Self>, axis: usize, index: usize) -> View<'_, T, Self> {
                view.index_axis(axis, index)
            }
            fn step_axis<T: Element>(view: View<'_, T, Self>, axis: usize, step: isize) -> View<'_, T, Self> {
                view.step_axis(axis, step)
            }
            fn t<T: Element>(view: View<'_, T, Self>) -> View<'_, T, Self> {
                view.t()
            }
            fn permute_axes<'a, T: Element>(view: View<'a, T, Self>, axes: &[usize]) -> View<'a, T, Self> {
                view.permute_axes(axes)
            }
            fn insert_axis<T: Element>(view: View<'_, T, Self>, axis: usize) -> Result<View<'_, T, Self>> {
                view.insert_axis(axis)
            }
            fn reshape<T: Element>(view: View<'_, T, Self>, shape: impl IntoShape) -> Result<View<'_, T, Self>> {
                view.reshape(shape)
            }
            fn split_at<T: Element>(view: View<'_, T, Self>, axis: usize, index: usize) -> [View<'_, T, Self>; 2] {
                view.split_at(axis, index).into()
            }
            fn axis_iter<T: Element>(view: View<'_, T, Self>, axis: usize) -> AxisIter<View<'_, T, Self>> {
                view.axis_iter(axis)
            }
            fn project<T: Element, F: Element>(view: View<'_, T, Self>, field: Field<T, F>) -> View<'_, F, Self> {
                view.project(field)
            }
            fn view_as<T: Element, U: Element>(view: View<'_, T, Self>) -> Result<View<'_, U, Self>> {
                view.view_as()
            }
            fn unpack<T: Element, const N: usize>(view: View<'_, [T; N], Self>) -> Result<View<'_, T, Self>>
            where
                [T; N]: Element,
            {
                view.unpack()
            }
        }
    )*};
}
modes! {
    ReadOnly: |view| Some(view.as_slice()),
    ReadWrite: |view| Some(view.as_slice()),
    Shared: |_view| None,
    SharedMut: |_view| None,
}

pub(crate) trait Element: Pod + PartialEq + Debug {
    /// Walks on with a field of the elements, or their items; with the elements themselves where they have neither.
    fn enter<A: Mode + Load<Self>, V: Visitor<A>>(
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
    fn enter<A: Mode + Load<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 2 {
            0 => walk(A::unpack(view).unwrap(), model.unpack(3), course, end),
            _ => walk(A::project(view, Field::<Self, u8>::at(2)), model.project(2, 1), course, end),
        }
    }
}

impl Element for [i16; 2] {
    fn enter<A: Mode + Load<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 2 {
            0 => walk(A::unpack(view).unwrap(), model.unpack(2), course, end),
            _ => walk(A::project(view, Field::<Self, [u8; 3]>::at(1)), model.project(1, 3), course, end),
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
    fn enter<A: Mode + Load<Self>, V: Visitor<A>>(
        view: ArrayView<'_, Self, A>,
        model: &Model,
        course: Course<'_>,
        pick: usize,
        end: V,
    ) {
        match pick % 3 {
            0 => walk(A::project(view, field!(Record, tag)), model.project(0, 1), course, end),
            1 => walk(A::project(view, field!(Record, pair)), model.project(1, 4), course, end),
            _ => walk(A::project(view, field!(Record, price)), model.project(5, 8), course, end),
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
pub(crate) use with_element;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
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
pub(crate) struct Op {
    pub(crate) kind: Kind,
    pub(crate) a: usize,
    pub(crate) b: usize,
    pub(crate) c: usize,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
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

pub(crate) fn ops() -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(op(), 0..6)
}

pub(crate) fn shape() -> impl Strategy<Value = Vec<usize>> {
    let axis = prop_oneof![1 => Just(0_usize), 12 => 1..=6_usize];
    // Now and then so many axes that some are left when the innermost have been joined.
    prop_oneof![4 => prop::collection::vec(axis, 0..=4), 1 => prop::collection::vec(1..=3_usize, 5..=6)]
}

/// The range that two numbers cut out of `len`, and one of the ways to say it.
pub(crate) fn range(len: usize, a: usize, b: usize, way: usize) -> (Range<usize>, (Bound<usize>, Bound<usize>)) {
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

pub(crate) fn step(number: usize) -> isize {
    [1, 2, 3, 5, -1, -1, -2, -3, isize::MAX, isize::MIN][number % 10]
}

pub(crate) fn divisor(number: usize, choice: usize) -> usize {
    let divisors: Vec<usize> = (1..=number).filter(|divisor| number % divisor == 0).collect();
    divisors[choice % divisors.len()]
}

/// An operation that leaves the element type as it is, done to both; those that there is no axis for do nothing.
pub(crate) fn shaped<'a, T: Element, A: Mode + Load<T>>(
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
            (A::slice_axis(view, axis, bounds), model.slice_axis(axis, range))
        }
        Kind::Rows if ndim > 0 => {
            let (range, bounds) = range(model.shape[0], b, c, a);
            (A::rows(view, bounds), model.slice_axis(0, range))
        }
        Kind::IndexAxis if len > 0 => (A::index_axis(view, axis, b % len), model.index_axis(axis, b % len)),
        Kind::StepAxis if ndim > 0 => (A::step_axis(view, axis, step(b)), model.step_axis(axis, step(b))),
        Kind::Transpose => (A::t(view), model.t()),
        Kind::Permute => {
            // The axes sorted by digits of a number.
            let mut axes: Vec<usize> = (0..ndim).collect();
            axes.sort_by_key(|&axis| (b >> (2 * axis)) & 3);
            (A::permute_axes(view, &axes), model.permute(&axes))
        }
        Kind::InsertAxis => (A::insert_axis(view, a % (ndim + 1)).unwrap(), model.insert_axis(a % (ndim + 1))),
        Kind::Reshape => reshaped(view, model, op),
        Kind::Slice => sliced(view, model, op),
        Kind::SplitAt if ndim > 0 => {
            let index = b % (len + 1);
            let [before, from] = A::split_at(view, axis, index);
            assert_eq!(before.shape()[axis], index);
            match c % 2 {
                0 => (before, model.slice_axis(axis, 0..index)),
                _ => (from, model.slice_axis(axis, index..len)),
            }
        }
        Kind::AxisIter if len > 0 => {
            let index = b % len;
            let mut views = A::axis_iter(view, axis);
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

pub(crate) fn reshaped<'a, T: Element, A: Mode + Load<T>>(
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
    (A::reshape(view, asked).unwrap(), reshaped)
}

/// `view.slice` of some of the tuples that there are.
pub(crate) fn sliced<'a, T: Element, A: Mode + Load<T>>(
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
        (0, 1.., _) => (A::slice(view, (i(0),)), model.index_axis(0, i(0))),
        (1, _, 1..) => (A::slice(view, (r(0),)), model.slice_axis(0, r(0))),
        (2, 2.., _) => (A::slice(view, (.., i(1))), model.index_axis(1, i(1))),
        (3, 2.., _) => (A::slice(view, (r(0), i(1))), model.index_axis(1, i(1)).slice_axis(0, r(0))),
        (4, 1.., 2..) => (A::slice(view, (i(0), r(1))), model.slice_axis(1, r(1)).index_axis(0, i(0))),
        (5, _, 2..) => {
            let (from, to) = (r(0).start, r(1).end);
            (A::slice(view, (from.., ..to)), model.slice_axis(0, from..len(0)).slice_axis(1, 0..to))
        }
        (6, 2.., _) => {
            let (last, to) = (i(0), i(1));
            (A::slice(view, (last / 2..=last, ..=to)), model.slice_axis(0, last / 2..last + 1).slice_axis(1, 0..to + 1))
        }
        (7, 2.., 3..) => (A::slice(view, (.., i(1), r(2))), model.slice_axis(2, r(2)).index_axis(1, i(1))),
        (8, 4.., _) => {
            (A::slice(view, (i(0), .., r(2), i(3))), model.index_axis(3, i(3)).slice_axis(2, r(2)).index_axis(0, i(0)))
        }
        (9, 3.., _) => {
            (A::slice(view, (i(0), i(1), i(2))), model.index_axis(2, i(2)).index_axis(1, i(1)).index_axis(0, i(0)))
        }
        (10, _, 4..) => {
            (A::slice(view, (r(0), .., r(2), r(3))), model.slice_axis(0, r(0)).slice_axis(2, r(2)).slice_axis(3, r(3)))
        }
        _ => (view, model.clone()),
    }
}

/// What is still to be done to a view, and the bytes that it is of.
#[derive(Clone, Copy)]
pub(crate) struct Course<'m> {
    pub(crate) memory: &'m Memory,
    pub(crate) ops: &'m [Op],
}

/// What is done with the view at the end of a chain, whatever its elements have become.
pub(crate) trait Visitor<A> {
    fn visit<T: Element>(self, view: ArrayView<'_, T, A>, model: &Model, memory: &Memory)
    where
        A: Load<T>;
}

/// Does the operations to the view and to the model, and goes to the visitor with both.
pub(crate) fn walk<T, A, V>(view: ArrayView<'_, T, A>, model: Model, course: Course<'_>, end: V)
where
    T: Element,
    A: Mode + Load<T>,
    V: Visitor<A>,
{
    assert_eq!(view.shape(), model.shape);
    let Some((&op, ops)) = course.ops.split_first() else { return end.visit(view, &model, course.memory) };
    let course = Course { ops, ..course };
    match op.kind {
        Kind::Enter => T::enter(view, &model, course, op.a, end),
        Kind::ViewAs => with_element!(op.a, U => match model.view_as(size_of::<U>()) {
            Ok(model) => walk(A::view_as::<T, U>(view).unwrap(), model, course, end),
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
