//! What the elements of an array are, as the ways to open know it: of a Rust type, or of a dtype.

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

/// What the elements of an array are, and which array holds them where the mode is `A`.
///
/// | elements | array |
/// | --- | --- |
/// | [`Typed<T>`](Typed) | [`MmapArray<T, A>`](MmapArray) |
/// | [`Strided<T>`](Strided) | [`MmapWindow<T, A>`](MmapWindow) |
/// | [`DType`], [`npy::FromHeader`](crate::npy::FromHeader) | [`DynArray<A>`](crate::DynArray) |
///
/// In the modes [`Shared`](crate::access::Shared) and [`SharedMut`](crate::access::SharedMut) it is a [`SharedArray<T, A>`](crate::SharedArray) or a
/// [`SharedDynArray<A>`](crate::SharedDynArray).
///
/// The trait is sealed.
pub trait Elements<A>: sealed::Described {
    /// The array of them.
    type Array;

    /// Makes an array of a region that has been mapped for the layout.
    #[doc(hidden)]
    fn array(&self, region: Region, layout: Layout) -> Result<Self::Array>;
}

/// Elements of the type `T`, one after another: a [`MmapArray<T>`](MmapArray).
pub struct Typed<T>(PhantomData<fn() -> T>);

/// Elements of the type `T`, with others between them where a window leaves some out: a [`MmapWindow<T>`](MmapWindow).
pub struct Strided<T>(PhantomData<fn() -> T>);

/// Where the elements of an array lie in a file, and how they follow one another.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The byte of the file at which the first lies.
    pub(crate) offset: u64,
    pub(crate) dims: Dims,
    pub(crate) order: Order,
    /// The bytes of one.
    pub(crate) size: usize,
    /// The byte of the file at which that of it ends in which elements can lie.
    pub(crate) end: u64,
    /// The bytes between the last element and the end of the array, where these are some of an array's.
    pub(crate) rest: u64,
    /// The shape of the array whose rows these are, where others lie between them: in Fortran order.
    pub(crate) rows_of: Option<Box<Dims>>,
    /// The dtype that the file states, where that is asked for.
    pub(crate) dtype: Option<DType>,
    /// What is written in front of the elements when they become more.
    pub(crate) front: Option<Front>,
    /// How they are found again, for arrays of files that others change.
    pub(crate) again: Option<Arc<Again>>,
}

/// How a portion of a file is found and mapped once more.
pub(crate) struct Again {
    pub(crate) file: Arc<File>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) map: Box<Map>,
}

/// Finds the elements of an open file, and maps them.
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
    /// Elements one after another.
    pub(crate) fn contiguous(offset: u64, end: u64, dims: Dims, order: Order, size: usize) -> Self {
        Self { offset, end, rest: 0, dims, order, size, rows_of: None, dtype: None, front: None, again: None }
    }

    /// The bytes from the first element's to the last one's.
    ///
    /// # Errors
    ///
    /// [`Overflow`](crate::ErrorKind::Overflow) where they are more than the address space has.
    #[inline]
    pub(crate) fn span(&self) -> Result<usize> {
        match &self.rows_of {
            None => self.dims.checked_len(self.size).map(|(_, bytes)| bytes),
            Some(whole) => self.span_in(whole),
        }
    }

    /// The same, where they are rows of an array and others lie between them.
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

    /// The lengths of the axes and their strides, once the [`span`](Self::span) has been found to fit.
    pub(crate) fn axes(&self) -> Axes {
        let mut axes = Axes::contiguous(self.rows_of.as_deref().unwrap_or(&self.dims), self.order, self.size);
        if self.rows_of.is_some() {
            axes.set(0, self.dims[0], self.size as isize);
        }
        axes
    }

    /// Checks that no others lie between the elements.
    #[inline]
    pub(crate) fn check_contiguous(&self) -> Result<()> {
        self.rows_of.as_deref().map_or(Ok(()), |whole| Err(Self::not_contiguous(whole)))
    }

    #[cold]
    fn not_contiguous(whole: &Dims) -> Error {
        Reason::NotContiguous(format!(
            "rows of an array of shape {whole} in Fortran order do not lie together, and are no slice: open them \
             `strided()`, or `load` a copy"
        ))
        .error()
    }

    /// Whether the elements are among those that were found in the file later, where they were: rows may have been
    /// added, and nothing else is another.
    pub(crate) fn is_within(&self, later: &Self) -> bool {
        let slowest = self.order.slowest_axis(self.dims.len());
        let kept = |axis, (now, then)| now == then || Some(axis) == slowest && now < then;
        let axes = self.dims.iter().zip(&later.dims[..]).enumerate();
        (self.offset, self.order, self.size, &self.dtype) == (later.offset, later.order, later.size, &later.dtype)
            && self.rows_of.as_deref().map(|dims| &dims[..]) == later.rows_of.as_deref().map(|dims| &dims[..])
            && self.dims.len() == later.dims.len()
            && axes.into_iter().all(|(axis, lens)| kept(axis, lens))
    }

    /// The runs of bytes in which the elements lie, where others lie between them and the runs are not too many to be
    /// locked one by one.
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

    /// A range of the rows of the elements, which there must be.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Self {
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

    /// The same elements copied together, in memory.
    pub(crate) fn in_memory(self) -> Self {
        Self { offset: 0, rest: 0, rows_of: None, front: None, again: None, ..self }
    }
}

pub(crate) mod sealed {
    use super::{Layout, Result};

    /// What is known of elements before there are any.
    pub trait Described {
        /// Whether others may lie between them.
        const STRIDED: bool;

        /// What they are called in errors.
        fn name(&self, layout: &Layout) -> String;

        /// Checks that they can live at a byte of a file, so many bytes of them.
        fn check_offset(&self, offset: u64, len: u64) -> Result<()>;

        /// Checks what can be checked of their layout before they are mapped as a slice.
        fn check(&self, layout: &Layout) -> Result<()> {
            if Self::STRIDED { Ok(()) } else { layout.check_contiguous() }
        }
    }

    /// Elements whose size is known before a file is looked at.
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
    ($name:ident, $strided:literal) => {
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
                check_alignment::<T>(offset, len)
            }
        }
    };
}
of_a_type!(Typed, false);
of_a_type!(Strided, true);

impl<T> sealed::Sized for Typed<T> {
    fn size(&self) -> usize {
        size_of::<T>()
    }
}

impl<T, A: StableMode + Stable<T>> Elements<A> for Typed<T> {
    type Array = MmapArray<T, A>;

    fn array(&self, region: Region, layout: Layout) -> Result<MmapArray<T, A>> {
        MmapArray::from_region(region, layout.dims, layout.order)
    }
}

impl<T, A: StableMode + Stable<T>> Elements<A> for Strided<T> {
    type Array = MmapWindow<T, A>;

    fn array(&self, region: Region, layout: Layout) -> Result<MmapWindow<T, A>> {
        let span = Dims::new(&[region.len() / size_of::<T>()])?;
        Ok(MmapWindow::new(MmapArray::from_region(region, span, Order::C)?, layout.axes()))
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
