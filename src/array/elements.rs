//! The kinds of elements that arrays can be opened with: of a Rust type, or of a dtype.

use super::align::check_alignment;
use super::source::FileBytes;
use super::{MmapArray, MmapWindow};
use crate::access::{Stable, StableMode, assert_mappable};
use crate::dtype::DType;
use crate::error::{Error, Reason, Result, short_type_name};
use crate::region::{Front, Region, Strips};
use crate::shape::{Axes, Dims, Order};
use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// The kind of elements of an array, which determines the type of the array in the access mode `A`.
///
/// | elements | array |
/// | --- | --- |
/// | [`Typed<T>`](Typed) | [`MmapArray<T, A>`](MmapArray) |
/// | [`Strided<T>`](Strided) | [`MmapWindow<T, A>`](MmapWindow) |
/// | [`DType`], [`npy::FromHeader`](crate::npy::FromHeader) | [`DynArray<A>`](crate::DynArray) |
///
/// In the modes [`Shared`](crate::access::Shared) and [`SharedMut`](crate::access::SharedMut), the array is a
/// [`SharedArray<T, A>`](crate::SharedArray) or a [`SharedDynArray<A>`](crate::SharedDynArray).
///
/// The trait is sealed.
pub trait Elements<A>: sealed::Described {
    /// The type of the array.
    type Array;

    /// Creates an array over a region that was mapped for the layout.
    #[doc(hidden)]
    fn array(&self, region: Region, layout: Layout) -> Result<Self::Array>;
}

/// Contiguous elements of type `T`: a [`MmapArray<T>`](MmapArray).
pub struct Typed<T>(PhantomData<fn() -> T>);

/// Elements of type `T` with any strides, and with gaps between them if a window leaves some out: a
/// [`MmapWindow<T>`](MmapWindow).
pub struct Strided<T>(PhantomData<fn() -> T>);

/// The position of an array's elements in a file, and their arrangement.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The byte offset of the first element in the file.
    pub(crate) offset: u64,
    pub(crate) dims: Dims,
    pub(crate) order: Order,
    /// The size of an element in bytes.
    pub(crate) size: usize,
    /// The end of the bytes of the file that may hold elements.
    pub(crate) end: u64,
    /// The number of bytes between the last element and the end of the array, if the elements are a part of an array.
    pub(crate) rest: u64,
    /// The shape of the whole array, if the elements are rows of an array in Fortran order, and therefore not
    /// contiguous.
    pub(crate) rows_of: Option<Box<Dims>>,
    /// The axes, if the caller has given their strides. There is an element, and [`span`](Self::span) has been checked.
    pub(crate) strides: Option<Box<Axes>>,
    /// The dtype that the file states, if it was asked for.
    pub(crate) dtype: Option<DType>,
    /// The function that updates the beginning of the file when elements are added or removed.
    pub(crate) front: Option<Front>,
    /// How to find the elements again, for arrays of files that others change.
    pub(crate) again: Option<Arc<Again>>,
}

/// How to find and map a portion of a file again.
pub(crate) struct Again {
    pub(crate) file: Arc<File>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) map: Box<Map>,
}

/// A function that finds the elements of an open file and maps them.
pub(crate) type Map = dyn Fn(&Again) -> Result<(Region, Layout)> + Send + Sync;

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Again {
    /// Finds and maps the elements.
    pub(crate) fn map(&self) -> Result<(Region, Layout)> {
        (self.map)(self)
    }

    pub(crate) fn bytes(&self) -> FileBytes<'_> {
        FileBytes { file: &self.file, path: self.path.as_deref(), member: None }
    }
}

impl Layout {
    /// Creates the layout of contiguous elements.
    pub(crate) fn contiguous(offset: u64, end: u64, dims: Dims, order: Order, size: usize) -> Self {
        let (rows_of, strides, dtype, front, again) = (None, None, None, None, None);
        Self { offset, end, rest: 0, dims, order, size, rows_of, strides, dtype, front, again }
    }

    /// Returns the number of bytes of elements that lie before the first element, as they do if a stride is negative.
    #[inline]
    pub(crate) fn before(&self) -> usize {
        self.strides.as_deref().map_or(0, |axes| -axes.reach().0 as usize)
    }

    /// Returns the byte offset in the file of the element that lies first there.
    #[inline]
    pub(crate) fn start(&self) -> u64 {
        self.offset - self.before() as u64
    }

    /// Returns the number of bytes from the start of the element that lies first to the end of the last.
    ///
    /// # Errors
    ///
    /// Returns an error of kind [`Overflow`](crate::ErrorKind::Overflow) if they exceed the address space.
    #[inline]
    pub(crate) fn span(&self) -> Result<usize> {
        match (&self.rows_of, &self.strides) {
            (None, None) => self.dims.checked_len(self.size).map(|(_, bytes)| bytes),
            (Some(whole), _) => self.span_in(whole),
            (None, Some(axes)) => self.span_of(axes),
        }
    }

    fn span_of(&self, axes: &Axes) -> Result<usize> {
        let (low, high) = axes.reach();
        let span = high.saturating_sub(low).saturating_add(self.size as i128);
        isize::try_from(span).map(|span| span as usize).map_err(|_| {
            let (dims, strides) = (&self.dims, axes.strides());
            let detail = format!("{dims} elements with strides of {strides:?} bytes exceed the address space");
            Error::overflow("the window", detail)
        })
    }

    /// Returns the span of elements that are rows of the array `whole` and therefore not contiguous.
    fn span_in(&self, whole: &Dims) -> Result<usize> {
        whole.checked_len(self.size)?;
        // The last element is one of the whole array, whose bytes fit.
        let axes = self.axes();
        let last = |(&len, &stride): (&usize, &isize)| len.saturating_sub(1) * stride.unsigned_abs();
        Ok(match axes.lens().contains(&0) {
            true => 0,
            false => self.size + axes.lens().iter().zip(axes.strides()).map(last).sum::<usize>(),
        })
    }

    /// Returns the lengths and strides of the axes. The [`span`](Self::span) must have been checked.
    pub(crate) fn axes(&self) -> Axes {
        if let Some(axes) = &self.strides {
            return (**axes).clone();
        }
        let mut axes = Axes::contiguous(self.rows_of.as_deref().unwrap_or(&self.dims), self.order, self.size);
        if self.rows_of.is_some() {
            axes.set(0, self.dims[0], self.size as isize);
        }
        axes
    }

    /// Checks that elements which are to be written do not overlap.
    #[inline]
    pub(crate) fn check_disjoint(&self) -> Result<()> {
        match self.strides.as_deref().filter(|axes| axes.may_overlap(self.size)) {
            None => Ok(()),
            Some(axes) => Err(Error::unsupported(format!(
                "elements of {} bytes, of shape {} and with strides of {:?} bytes, may overlap, so they cannot be \
                 opened for writing: each stride must lead past all elements along the axes with smaller strides; \
                 `open`, `open_shared` and `load` take any strides",
                self.size,
                self.dims,
                axes.strides()
            ))),
        }
    }

    /// Checks that the elements are contiguous.
    #[inline]
    pub(crate) fn check_contiguous(&self) -> Result<()> {
        self.rows_of.as_deref().map_or(Ok(()), |whole| Err(Self::not_contiguous(whole)))
    }

    #[cold]
    fn not_contiguous(whole: &Dims) -> Error {
        Reason::NotContiguous(format!(
            "rows of an array of shape {whole} in Fortran order are not contiguous, so they cannot be a slice: open \
             them with `strided()`, or copy them with `load`"
        ))
        .error()
    }

    /// Returns whether the elements are at the same place in a layout that was found in the file later. Rows may have
    /// been added; everything else must be equal.
    pub(crate) fn is_within(&self, later: &Self) -> bool {
        let slowest = self.order.slowest_axis(self.dims.len());
        let kept = |axis, (now, then)| now == then || Some(axis) == slowest && now < then;
        let axes = self.dims.iter().zip(&later.dims[..]).enumerate();
        (self.offset, self.order, self.size, &self.dtype) == (later.offset, later.order, later.size, &later.dtype)
            && self.strides.as_deref().map(Axes::strides) == later.strides.as_deref().map(Axes::strides)
            && self.rows_of.as_deref().map(|dims| &dims[..]) == later.rows_of.as_deref().map(|dims| &dims[..])
            && self.dims.len() == later.dims.len()
            && axes.into_iter().all(|(axis, lens)| kept(axis, lens))
    }

    /// Describes the elements for errors.
    #[cold]
    pub(crate) fn describe(&self, name: &str) -> String {
        let dims = &self.dims;
        match &self.strides {
            None => format!("{dims} elements of `{name}`"),
            Some(axes) => format!("{dims} elements of `{name}` with strides of {:?} bytes", axes.strides()),
        }
    }

    /// Returns the runs of bytes that hold the elements, if the elements are not contiguous and the runs are few enough
    /// to be locked one by one.
    #[inline]
    pub(crate) fn strips(&self) -> Option<Strips> {
        self.rows_of.as_deref().and_then(|whole| self.strips_of(whole))
    }

    fn strips_of(&self, whole: &Dims) -> Option<Strips> {
        const MOST: usize = 1 << 10;
        let count = self.dims[1..].iter().product::<usize>();
        let bytes = |rows: usize| rows as u64 * self.size as u64;
        (1..=MOST).contains(&count).then(|| Strips { len: bytes(self.dims[0]), step: bytes(whole[0]), count })
    }

    /// Returns the layout of a range of rows, which must be within the elements.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
        if let Some(axes) = &self.strides {
            return self.rows_along(axes, &rows);
        }
        let stride = self.axes().strides().first().map_or(0, |stride| stride.unsigned_abs());
        let dims = self.dims.with(0, rows.len());
        // Rows of an array in Fortran order have others between them.
        let is_part = rows.len() < self.dims[0] && self.order == Order::F && self.dims.len() > 1;
        let rows_of = self.rows_of.clone().or_else(|| is_part.then(|| self.dims.clone().into()));
        // Where there is no element, the rows may lie anywhere, and not behind the end.
        let start = if dims.contains(&0) { 0 } else { rows.start as u64 * stride as u64 };
        let offset = self.offset + start;
        Self { offset, dims, rows_of, rest: 0, front: None, again: None, ..self.clone() }
    }

    fn rows_along(&self, axes: &Axes, rows: &Range<usize>) -> Self {
        let (mut part, stride) = (axes.clone(), axes.strides()[0]);
        part.set(0, rows.len(), if rows.len() > 1 { stride } else { 0 });
        // Where there is no row, it lies where the elements do.
        let start = if rows.is_empty() { 0 } else { (rows.start as i64).wrapping_mul(stride as i64) };
        let (offset, dims) = (self.offset.wrapping_add_signed(start), self.dims.with(0, rows.len()));
        let strides = (!rows.is_empty()).then(|| part.into());
        Self { offset, dims, strides, front: None, again: None, ..self.clone() }
    }

    /// Returns the layout of a contiguous copy of the elements in memory.
    pub(crate) fn in_memory(self) -> Self {
        Self { offset: 0, rest: 0, rows_of: None, strides: None, front: None, again: None, ..self }
    }
}

pub(crate) mod sealed {
    use super::{Layout, Result};

    /// Properties of elements that are known before there are any.
    pub trait Described {
        /// Whether the elements need not be contiguous.
        const STRIDED: bool;

        /// Returns the name of the elements for error messages.
        fn name(&self, layout: &Layout) -> String;

        /// Checks that `len` bytes of elements may begin at a byte of a file.
        fn check_offset(&self, offset: u64, len: u64) -> Result<()>;

        /// Checks as much of a layout as possible before it is mapped as a slice.
        fn check(&self, layout: &Layout) -> Result<()> {
            if Self::STRIDED { Ok(()) } else { layout.check_contiguous() }
        }
    }

    /// Elements whose size is known before a file is read.
    pub trait Sized: Described {
        fn size(&self) -> usize;
    }
}

impl<T> Typed<T> {
    pub(crate) fn new() -> Self {
        const { assert_mappable::<T>() }
        Self(PhantomData)
    }
}

impl<T> Strided<T> {
    pub(crate) fn new() -> Self {
        const { assert_mappable::<T>() }
        Self(PhantomData)
    }
}

macro_rules! of_a_type {
    ($name:ident, $strided:literal, $check:expr) => {
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}<{}>", stringify!($name), short_type_name::<T>())
            }
        }

        impl<T> sealed::Described for $name<T> {
            const STRIDED: bool = $strided;

            fn name(&self, _: &Layout) -> String {
                short_type_name::<T>()
            }

            fn check_offset(&self, offset: u64, len: u64) -> Result<()> {
                $check(offset, len)
            }
        }

        impl<T> sealed::Sized for $name<T> {
            fn size(&self) -> usize {
                size_of::<T>()
            }
        }
    };
}
of_a_type!(Typed, false, check_alignment::<T>);
// A window has views alone, which load elements at any address.
of_a_type!(Strided, true, |_, _| Ok(()));

impl<T, A: StableMode + Stable<T>> Elements<A> for Typed<T> {
    type Array = MmapArray<T, A>;

    fn array(&self, region: Region, layout: Layout) -> Result<MmapArray<T, A>> {
        MmapArray::from_region(region, layout.dims, layout.order)
    }
}

impl<T, A: StableMode + Stable<T>> Elements<A> for Strided<T> {
    type Array = MmapWindow<T, A>;

    fn array(&self, region: Region, layout: Layout) -> Result<MmapWindow<T, A>> {
        Ok(MmapWindow::new(region, layout.before(), layout.axes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(dims: &[usize], order: Order) -> Layout {
        Layout::contiguous(128, 10_000, Dims::new(dims).unwrap(), order, 4)
    }

    #[test]
    fn elements_are_still_there_when_rows_were_added_and_nothing_else() {
        let rows = layout(&[5, 3], Order::C);
        assert!(rows.is_within(&rows) && rows.is_within(&layout(&[9, 3], Order::C)));
        let others = [&[4, 3][..], &[5, 4], &[3, 5], &[15], &[5, 3, 1], &[]];
        assert!(others.iter().all(|dims| !rows.is_within(&layout(dims, Order::C))));
        assert!(!rows.is_within(&layout(&[5, 3], Order::F)));
        assert!(!rows.is_within(&Layout { offset: 192, ..rows.clone() }));
        assert!(!rows.is_within(&Layout { size: 8, ..rows.clone() }));
        assert!(!rows.is_within(&Layout { rows_of: Some(rows.dims.clone().into()), ..rows.clone() }));

        let columns = layout(&[5, 3], Order::F);
        assert!(columns.is_within(&layout(&[5, 4], Order::F)) && !columns.is_within(&layout(&[6, 3], Order::F)));
        let one = layout(&[], Order::C);
        assert!(one.is_within(&one) && !one.is_within(&layout(&[1], Order::C)));
    }
}
