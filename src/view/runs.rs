//! The runs of a view: elements with a constant stride, which loops over views are made of.
//!
//! A field of packed records should iterate as fast as a hand-written loop. Axes that can be traversed as one are
//! joined first, so that most views become one run of constant stride, and most others rows of such runs. Both are kept
//! in plain fields, apart from the axes beyond them, and `next` changes as few of them as it can, so that the compiler
//! keeps them and the caller's accumulators in registers. `fold` processes whole runs, with a constant stride if
//! possible. Views of three elements are iterated too, so what a view does not need is not written.

use super::raw::RawView;
use crate::access::{Addr, Load};
use crate::shape::{Axes, MAX_NDIM};
use std::sync::{Mutex, PoisonError};

/// Elements with a constant stride.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) ptr: Addr,
    pub(crate) len: usize,
    pub(crate) stride: isize,
}

/// How far ahead of the loads the processor prefetches, in bytes: one page. The processor prefetches the cache lines of
/// a page by itself, but not those of the next page, whose address it would have to translate. On the machine that was
/// tried, a file in the page cache is read two to three times as fast with it.
const AHEAD: isize = 4096;

/// Returns how many elements with a stride are processed at a time: about a kibibyte of them.
#[inline(always)]
pub(super) fn at_a_time(stride: usize) -> usize {
    1024_usize.checked_div(stride).unwrap_or(1024).max(16)
}

/// Prefetches the cache lines of `bytes` bytes, one page ahead of `from`.
#[inline(always)]
pub(super) fn fetch(from: Addr, bytes: usize) {
    for line in (0..bytes).step_by(64) {
        from.offset(AHEAD + line as isize).prefetch();
    }
}

impl Run {
    /// Returns whether the elements span more memory than the nearest caches hold.
    #[inline(always)]
    pub(super) fn is_long(&self) -> bool {
        const LONG: usize = 1 << 20;
        self.len.saturating_mul(self.stride.unsigned_abs()) >= LONG
    }

    /// Returns whether rows with this run's stride leave only small gaps between them.
    #[inline(always)]
    pub(super) fn is_close_to(&self, row: &Self) -> bool {
        let bytes = row.len.saturating_mul(row.stride.unsigned_abs());
        self.stride.unsigned_abs() / 2 <= bytes && row.len >= 16
    }

    /// Prefetches what lies a page ahead of `len` elements from `index` on, or some elements ahead if the stride is
    /// large.
    #[inline(always)]
    pub(super) fn fetch(&self, index: usize, len: usize) {
        const FEW: isize = 16;
        let stride = self.stride;
        match stride {
            0..=64 => fetch(self.at(index), len * stride as usize),
            -64..0 => fetch(self.at(index + len).offset(-2 * AHEAD), len * stride.unsigned_abs()),
            _ => {
                let ahead = (AHEAD / stride.saturating_abs()).max(FEW).wrapping_mul(stride);
                (index..index + len).for_each(|index| self.at(index).offset(ahead).prefetch());
            }
        }
    }

    /// Returns the run of the first `len` elements.
    #[inline(always)]
    pub(super) fn first(&self, len: usize) -> Self {
        Self { len, ..*self }
    }

    /// Removes the first `count` elements. Returns whether none is left.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: usize) -> bool {
        (self.ptr, self.len) = (self.at(count), self.len - count);
        self.len == 0
    }

    /// Returns the address of the element `index`, which must be less than `len`.
    #[inline(always)]
    pub(crate) fn at(&self, index: usize) -> Addr {
        self.ptr.offset((index as isize).wrapping_mul(self.stride))
    }

    /// Calls `f` with the address of each element. The stride is a constant if the elements of `T` are contiguous.
    #[inline(always)]
    pub(crate) fn fold<T, B>(&self, init: B, mut f: impl FnMut(B, Addr) -> B) -> B {
        let mut accumulator = init;
        if self.stride == size_of::<T>() as isize {
            for index in 0..self.len {
                accumulator = f(accumulator, self.ptr.add(index * size_of::<T>()));
            }
            return accumulator;
        }
        let mut ptr = self.ptr;
        for _ in 0..self.len {
            accumulator = f(accumulator, ptr);
            ptr = ptr.offset(self.stride);
        }
        accumulator
    }
}

/// The number of elements that are loaded together, which is large enough for the compiler to optimize their loop like
/// one over a slice.
const TOGETHER: usize = 64;

/// Returns whether elements are small enough to be loaded together. A larger one fills several registers by itself.
const fn are_small<T>() -> bool {
    size_of::<T>() <= 16
}

impl Run {
    /// Folds the elements of the run, which are loaded many at a time if that makes a difference.
    ///
    /// # Safety
    ///
    /// The run's elements must be valid to load through `A`.
    #[inline(always)]
    unsafe fn fold_loaded<T, A: Load<T>, B>(mut self, init: B, mut f: impl FnMut(B, T) -> B) -> B {
        let mut accumulator = init;
        if A::TOGETHER && are_small::<T>() && self.stride == size_of::<T>() as isize {
            while self.len >= TOGETHER {
                // SAFETY: the run's next elements, which lie one after another, by this function's contract.
                for element in unsafe { A::load_lanes::<TOGETHER>(self.ptr) } {
                    accumulator = f(accumulator, element);
                }
                self.ptr = self.ptr.add(TOGETHER * size_of::<T>());
                self.len -= TOGETHER;
            }
        }
        self.fold::<T, B>(accumulator, |accumulator, source| {
            // SAFETY: each address is an element of the run, by this function's contract.
            f(accumulator, unsafe { A::load(source) })
        })
    }
}

/// Rows with a constant stride, each of them a run.
#[derive(Clone, Copy)]
pub(super) struct Plane {
    /// The first row.
    run: Run,
    rows: usize,
    row_stride: isize,
}

impl Plane {
    /// Returns a run as the only row of a plane.
    #[inline(always)]
    pub(super) fn of_run(run: Run) -> Self {
        Self { run, rows: 1, row_stride: 0 }
    }

    /// Returns the number of elements.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.rows * self.run.len
    }

    /// Returns whether the runs of [`for_each_run`](Self::for_each_run) are long, or are rows that follow closely on
    /// one another and are long together.
    #[inline(always)]
    pub(super) fn is_long(&self) -> bool {
        if self.rows == 1 {
            return self.run.is_long();
        }
        let rows = Run { ptr: self.run.ptr, len: self.rows, stride: self.row_stride };
        rows.is_long() && rows.is_close_to(&self.run)
    }

    /// Calls `f` with runs that together hold the same elements in some order: the rows, or, if these are short, the
    /// columns of as many rows at a time as stay in the cache. The other arguments of `f` are the position of the run's
    /// first element in C order, and the distance from there to the next.
    #[inline(always)]
    pub(super) fn for_each_run(self, mut f: impl FnMut(Run, usize, usize)) {
        const SHORT: usize = 16;
        const TILE: usize = 64;
        let columns = self.run.len < SHORT && self.run.len < self.rows;
        let (height, width) = if columns { (TILE, self.run.len) } else { (1, 1) };
        let Self { mut run, mut rows, row_stride } = self;
        let mut first = 0;
        while rows > 0 {
            let height = height.min(rows);
            for column in 0..width {
                let ptr = run.at(column);
                let column_run = Run { ptr, len: height, stride: row_stride };
                let (part, step) = if columns { (column_run, run.len) } else { (Run { ptr, ..run }, 1) };
                f(part, first + column, step);
            }
            run.ptr = run.ptr.offset(row_stride.wrapping_mul(height as isize));
            rows -= height;
            first += height * run.len;
        }
    }

    #[inline(always)]
    pub(super) fn fold<T, B>(mut self, init: B, mut f: impl FnMut(B, Addr) -> B) -> B {
        let mut accumulator = init;
        for _ in 0..self.rows {
            accumulator = self.run.fold::<T, _>(accumulator, &mut f);
            self.run.ptr = self.run.ptr.offset(self.row_stride);
        }
        accumulator
    }

    /// Folds the elements, which are loaded many at a time if that makes a difference.
    ///
    /// # Safety
    ///
    /// The elements must be valid to load through `A`.
    #[inline(always)]
    pub(super) unsafe fn fold_loaded<T, A: Load<T>, B>(mut self, init: B, mut f: impl FnMut(B, T) -> B) -> B {
        let mut accumulator = init;
        for _ in 0..self.rows {
            // SAFETY: the run's elements are some of the plane's.
            accumulator = unsafe { self.run.fold_loaded::<T, A, B>(accumulator, &mut f) };
            self.run.ptr = self.run.ptr.offset(self.row_stride);
        }
        accumulator
    }
}

/// The runs of a view, one for each index of its outer axes, after joining.
#[derive(Clone)]
pub(crate) struct Runs {
    /// The next run from the front, and the end of those that are left.
    next: usize,
    end: usize,
    /// The start of the run before the next one, the index of its plane, and the number of runs that are left in the
    /// plane.
    ptr: Addr,
    plane: usize,
    rows_left: usize,
    /// The length and the stride of every run.
    pub(super) len: usize,
    pub(super) stride: isize,
    /// The number of runs in every plane, and their stride.
    rows: usize,
    row_stride: isize,
    /// The address of the view's first element.
    base: Addr,
    /// The axes of the planes, slowest first, if there is more than one plane.
    outer: Option<Outer>,
}

/// The most axes of planes that are kept inline. With more, all loops are compiled to worse code.
const INLINE: usize = 32;

/// The axes along which the planes lie: all but two.
///
/// This is not `Axes`, which may own memory: a loop that must be able to free it whenever something might unwind keeps
/// its accumulators out of registers. Nothing of it is written or read if there is one plane.
#[derive(Clone, Copy)]
struct Outer {
    /// The number of axes, or one more than [`INLINE`] if there are more: the first of `lens` is then the address of
    /// the others, to be [`kept`].
    ndim: usize,
    lens: [usize; INLINE],
    strides: [isize; INLINE],
}

impl Outer {
    fn new(lens: &[usize], strides: &[isize]) -> Self {
        let mut outer = Self { ndim: lens.len(), lens: [0; INLINE], strides: [0; INLINE] };
        let mut first = 0;
        if lens.len() > INLINE {
            let slower = lens.len() - (INLINE - 1);
            let axes = lens.iter().copied().zip(strides.iter().copied()).take(slower).collect();
            (outer.ndim, outer.lens[0], first) = (INLINE + 1, keep(axes), 1);
        }
        let inline = lens.len().min(INLINE - first);
        outer.lens[first..first + inline].copy_from_slice(&lens[lens.len() - inline..]);
        outer.strides[first..first + inline].copy_from_slice(&strides[strides.len() - inline..]);
        outer
    }

    #[inline(always)]
    fn strides(&self) -> &[isize] {
        &self.strides[..self.ndim]
    }

    /// Returns the length of the fastest axis.
    #[inline(always)]
    fn last(&self) -> usize {
        self.lens[self.ndim.min(INLINE) - 1]
    }

    /// Returns the offset of a plane, in bytes.
    fn offset(&self, plane: usize) -> isize {
        let (mut offset, mut position) = (0_isize, plane);
        let mut step = |len: usize, stride: isize| {
            offset = offset.wrapping_add(((position % len) as isize).wrapping_mul(stride));
            position /= len;
        };
        let first = usize::from(self.ndim > INLINE);
        for axis in (first..self.ndim.min(INLINE)).rev() {
            step(self.lens[axis], self.strides[axis]);
        }
        if first > 0 {
            // SAFETY: `new` has put there what `keep` gave it.
            let slower = unsafe { kept(self.lens[0]) };
            slower.iter().rev().for_each(|&(len, stride)| step(len, stride));
        }
        offset
    }
}

/// Keeps the slowest axes of a view that has more than 34 even after joining, and therefore 2^35 elements or more. A
/// program has few of them; each is kept once, for as long as the program runs. Returns the address: any other kind of
/// look-up might change memory, as far as the compiler knows, and it would then keep nothing in registers.
fn keep(axes: Vec<(usize, isize)>) -> usize {
    static KEPT: Mutex<Vec<&Vec<(usize, isize)>>> = Mutex::new(Vec::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let place = kept.iter().position(|kept| **kept == axes).unwrap_or_else(|| {
        kept.push(Box::leak(Box::new(axes)));
        kept.len() - 1
    });
    std::ptr::from_ref(kept[place]).expose_provenance()
}

/// Returns the axes that [`keep`] has kept.
///
/// # Safety
///
/// [`keep`] must have returned the address.
unsafe fn kept(address: usize) -> &'static [(usize, isize)] {
    // SAFETY: what is kept there is never changed, and never goes.
    unsafe { &*std::ptr::with_exposed_provenance::<Vec<(usize, isize)>>(address) }
}

/// The lengths and strides of the two innermost axes after joining, and whether there are `more`.
#[derive(Clone, Copy)]
pub(super) struct Inner {
    run: (usize, isize),
    rows: (usize, isize),
    pub(super) more: bool,
}

impl Inner {
    #[inline]
    pub(super) fn of(axes: &Axes) -> Self {
        match axes.few() {
            Some((&[len], &[stride])) => Self { run: (len, stride), rows: (1, 0), more: false },
            Some((lens, strides)) => Self::of_parts(lens, strides),
            None => Self::of_many(axes),
        }
    }

    #[cold]
    #[inline(never)]
    fn of_many(axes: &Axes) -> Self {
        Self::of_parts(axes.lens(), axes.strides())
    }

    #[inline(always)]
    fn of_parts(lens: &[usize], strides: &[isize]) -> Self {
        let mut inner = Self { run: (1, 0), rows: (1, 0), more: false };
        for (&len, &stride) in lens.iter().zip(strides).rev() {
            let precedes = |(of, step): (usize, isize)| stride == step.wrapping_mul(of as isize);
            match (inner.run, inner.rows) {
                _ if len == 1 => {}
                ((1, _), _) => inner.run = (len, stride),
                (run, (1, _)) if precedes(run) => inner.run.0 *= len,
                (_, (1, _)) => inner.rows = (len, stride),
                (_, rows) if precedes(rows) => inner.rows.0 *= len,
                _ => {
                    inner.more = true;
                    break;
                }
            }
        }
        inner
    }
}

impl Runs {
    #[inline]
    pub(crate) fn new(view: &RawView) -> Self {
        let inner = Inner::of(&view.axes);
        if inner.more { Self::with_outer(view) } else { Self::of_inner(view.ptr, inner) }
    }

    /// Returns the elements as one run, if they are one.
    #[inline(always)]
    pub(super) fn only(view: &RawView) -> Option<Run> {
        let (lens, strides) = view.axes.few()?;
        match (lens, strides) {
            (&[len], &[stride]) => Some(Run { ptr: view.ptr, len, stride }),
            _ => {
                let inner = Inner::of_parts(lens, strides);
                let (len, stride) = inner.run;
                (inner.rows.0 == 1 && !inner.more).then_some(Run { ptr: view.ptr, len, stride })
            }
        }
    }

    #[inline(always)]
    pub(super) fn of_inner(base: Addr, inner: Inner) -> Self {
        let ((len, stride), (rows, row_stride)) = (inner.run, inner.rows);
        let ptr = base.offset(row_stride.wrapping_neg());
        // Where there is no element there is no run either.
        let end = if len == 0 { 0 } else { rows };
        Self { next: 0, end, ptr, plane: 0, rows_left: rows, len, stride, rows, row_stride, base, outer: None }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn with_outer(view: &RawView) -> Self {
        let axes = view.axes.joined();
        let (lens, strides) = (axes.lens(), axes.strides());
        let ndim = lens.len() - 2;
        let inner = |axis: usize| (lens[axis], strides[axis]);
        let runs = Self::of_inner(view.ptr, Inner { run: inner(ndim + 1), rows: inner(ndim), more: true });
        if lens.contains(&0) {
            // Without a run, there is no plane to be found.
            return Self { end: 0, ..runs };
        }
        let outer = Outer::new(&lens[..ndim], &strides[..ndim]);
        Self { end: runs.end * lens[..ndim].iter().product::<usize>(), outer: Some(outer), ..runs }
    }

    /// Returns whether there are many planes of few elements each, which are better processed as
    /// [`tiles`](Self::tiles).
    #[inline(always)]
    pub(super) fn has_small_planes(&self) -> bool {
        const SMALL: usize = 32;
        const MANY: usize = 16;
        let many = self.outer.as_ref().is_some_and(|outer| outer.last() >= MANY);
        many && self.rows * self.len < SMALL
    }

    /// Returns the elements of [`new`](Self::new) in an order that is better if the planes are small: the same row of
    /// many consecutive planes makes a plane, followed by the next row of them, for as many planes as stay in the
    /// cache. The second of the results has the elements that are left over.
    #[cold]
    #[inline(never)]
    pub(super) fn tiles(view: &RawView) -> [Option<Self>; 2] {
        const TILE: usize = 64;
        let axes = view.axes.joined();
        let ndim = axes.ndim();
        if ndim < 3 || ndim == MAX_NDIM {
            return [Some(Self::new(view)), None];
        }
        let planes = ndim - 3;
        let (len, stride) = (axes.lens()[planes], axes.strides()[planes]);
        let runs = |from: usize, len: usize| {
            // Between the rows of a plane and their elements.
            let mut axes = axes.clone();
            axes.remove(planes);
            axes.insert(planes + 1, len, stride).ok()?;
            Some((axes, view.ptr.offset((from as isize).wrapping_mul(stride))))
        };
        let tiles = runs(0, TILE).filter(|_| len >= TILE).and_then(|(mut axes, ptr)| {
            axes.insert(planes, len / TILE, stride.wrapping_mul(TILE as isize)).ok()?;
            Some(Self::new(&RawView { ptr, axes }))
        });
        let done = if tiles.is_some() { len - len % TILE } else { 0 };
        let rest = runs(done, len - done).filter(|_| len > done);
        [tiles, rest.map(|(axes, ptr)| Self::new(&RawView { ptr, axes }))]
    }

    /// Returns the address of a plane.
    #[inline(always)]
    fn start(&self, plane: usize) -> Addr {
        let along = |position: usize, stride: isize| (position as isize).wrapping_mul(stride);
        match &self.outer {
            None => self.base,
            Some(outer) if outer.ndim == 1 => self.base.offset(along(plane, outer.strides()[0])),
            // A copy is handed over: of what a pointer goes to, no part is kept in registers.
            Some(outer) => start_of(plane, self.base, *outer),
        }
    }

    #[inline(always)]
    pub(crate) fn next(&mut self) -> Option<Run> {
        self.next_rows(1).map(|plane| plane.run)
    }

    /// Returns the runs that are left of a plane, or `most` of them.
    #[inline(always)]
    pub(super) fn next_rows(&mut self, most: usize) -> Option<Plane> {
        if self.next == self.end {
            return None;
        }
        if self.rows_left == 0 {
            self.plane += 1;
            self.rows_left = self.rows;
            self.ptr = self.start(self.plane).offset(self.row_stride.wrapping_neg());
        }
        // The compiler does not see that of 1 the minimum is 1.
        let rows = if most == 1 { 1 } else { most.min(self.rows_left).min(self.end - self.next) };
        let run = Run { ptr: self.ptr.offset(self.row_stride), len: self.len, stride: self.stride };
        self.next += rows;
        self.rows_left -= rows;
        self.ptr = self.ptr.offset(self.row_stride.wrapping_mul(rows as isize));
        Some(Plane { run, rows, row_stride: self.row_stride })
    }

    /// Skips `count` of the runs that are left, from the front.
    pub(super) fn skip(&mut self, count: usize) {
        if count > 0 {
            self.next += count;
            // The last of those left out.
            let (plane, row) = ((self.next - 1) / self.rows, (self.next - 1) % self.rows);
            (self.plane, self.rows_left) = (plane, self.rows - row - 1);
            self.ptr = self.start(plane).offset((row as isize).wrapping_mul(self.row_stride));
        }
    }

    #[inline(always)]
    pub(super) fn next_back(&mut self) -> Option<Run> {
        if self.next == self.end {
            return None;
        }
        self.end -= 1;
        let row = (self.end % self.rows) as isize;
        let ptr = self.start(self.end / self.rows).offset(row.wrapping_mul(self.row_stride));
        Some(Run { ptr, len: self.len, stride: self.stride })
    }

    /// Skips `count` of the runs that are left, from the back.
    pub(super) fn skip_back(&mut self, count: usize) {
        self.end -= count;
    }

    /// Returns the number of runs that are left.
    #[inline]
    pub(super) fn left(&self) -> usize {
        self.end - self.next
    }

    /// Returns the number of elements that are left.
    #[inline]
    pub(super) fn elements(&self) -> usize {
        self.left() * self.len
    }
}

/// Returns the address of a plane among those that lie along the axes `outer`.
#[cold]
#[inline(never)]
fn start_of(plane: usize, base: Addr, outer: Outer) -> Addr {
    base.offset(outer.offset(plane))
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// Returns a view with `ndim` axes of two elements, none of which can be joined: each two are in the wrong order.
    fn apart(ndim: usize) -> RawView {
        let strides: Vec<isize> = (0..ndim).map(|axis| 1 << (ndim - 1 - (axis ^ 1))).collect();
        RawView {
            ptr: Addr::of(std::ptr::without_provenance::<u8>(1 << 60)),
            axes: Axes::new(&vec![2; ndim], &strides),
        }
    }

    #[test]
    fn runs_lie_where_their_index_says_whatever_the_number_of_axes() {
        for ndim in [4, 6, 32, 34, 36, 38, 40, 48, 58] {
            let view = apart(ndim);
            let mut runs = Runs::new(&view);
            assert_eq!((runs.end, runs.len, runs.rows), (1 << (ndim - 1), 2, 2));
            let expected = |run: usize| {
                let position = run << 1;
                let along = |axis: usize| (position >> (ndim - 1 - axis) & 1) as isize * view.axes.strides()[axis];
                (0..ndim).map(along).sum::<isize>()
            };
            let mut next = 0;
            for skipped in [0, 0, 1, 3, runs.end / 3, 1, runs.end / 2 - 1] {
                runs.skip(skipped);
                next += skipped;
                let Some(run) = runs.next() else { break };
                assert_eq!(run.ptr.bytes_from(view.ptr) as isize, expected(next), "run {next} of {ndim} axes");
                next += 1;
            }
            let last = Runs::new(&view).next_back().unwrap();
            assert_eq!(last.ptr.bytes_from(view.ptr) as isize, expected((1 << (ndim - 1)) - 1));
        }
        // Kept once each: of 36, 38, 40, 48 and 58 axes.
        assert_eq!(Outer::new(&[2; 34], &[1; 34]).lens[0], Outer::new(&[2; 34], &[1; 34]).lens[0]);
    }
}
