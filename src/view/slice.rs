//! Slices: ranges and indices along axes, NumPy's basic indexing.

use super::{RawView, resolve};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// An argument of [`ArrayView::slice`](crate::ArrayView::slice) for one axis: a range, or an index, which removes the
/// axis. This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a range nor an index of an axis",
    note = "for an axis give `a..b`, `a..`, `..b`, `..` or a `usize`; for steps use `step_axis`"
)]
pub trait AxisSlice: sealed::Sealed {
    /// Returns the range along an axis of `len` elements, and whether the axis stays, or the text of the error.
    #[doc(hidden)]
    fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String>;
}

/// An argument of [`ArrayView::slice`](crate::ArrayView::slice): a tuple of up to eight [`AxisSlice`]s for the leading
/// axes, or one range for the first axis. This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a range, nor a tuple of ranges and indices",
    note = "give `a..b` for the first axis, or `(a..b, .., i)` for the leading axes; for steps use `step_axis`"
)]
pub trait Slices: sealed::Sealed {
    /// Calls `f` with the slice of each axis in turn.
    #[doc(hidden)]
    fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice));
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for usize {}
impl AxisSlice for usize {
    fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String> {
        let inside = (*self < len).then(|| (*self..*self + 1, false));
        inside.ok_or_else(|| format!("the index {self} is outside 0..{len}"))
    }
}

macro_rules! axis_slices {
    ($($range:ty),*) => {$(
        impl sealed::Sealed for $range {}
        impl AxisSlice for $range {
            fn resolve(&self, len: usize) -> Result<(Range<usize>, bool), String> {
                resolve(self, len).map(|range| (range, true)).map_err(|error| error.to_string())
            }
        }

        /// Slices the first axis only.
        impl Slices for $range {
            fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice)) {
                f(self);
            }
        }
    )*};
}
axis_slices!(Range<usize>, RangeFrom<usize>, RangeTo<usize>, RangeFull, RangeInclusive<usize>, RangeToInclusive<usize>);

macro_rules! slices {
    ($($name:ident),*) => {
        impl<$($name: AxisSlice),*> sealed::Sealed for ($($name,)*) {}
        impl<$($name: AxisSlice),*> Slices for ($($name,)*) {
            #[allow(non_snake_case)]
            fn for_each(&self, f: &mut dyn FnMut(&dyn AxisSlice)) {
                let ($($name,)*) = self;
                $(f($name);)*
            }
        }
    };
}
slices!(A);
slices!(A, B);
slices!(A, B, C);
slices!(A, B, C, D);
slices!(A, B, C, D, E);
slices!(A, B, C, D, E, F);
slices!(A, B, C, D, E, F, G);
slices!(A, B, C, D, E, F, G, H);

impl RawView {
    /// Returns the elements that a range or an index selects along each of the leading axes.
    #[track_caller]
    pub(crate) fn slice(&self, slices: impl Slices) -> Self {
        let mut raw = self.clone();
        let (mut axis, mut place) = (0, 0);
        let mut wrong = None;
        slices.for_each(&mut |slice| {
            if wrong.is_none() {
                match raw.axes.lens().get(axis).map(|&len| slice.resolve(len)) {
                    Some(Ok((range, true))) => {
                        raw.cut(axis, range);
                        axis += 1;
                    }
                    Some(Ok((range, false))) => raw.pick(axis, range.start),
                    Some(Err(text)) => wrong = Some(format!("{text} along axis {place}")),
                    None => wrong = Some(format!("there is no axis {place}")),
                }
            }
            place += 1;
        });
        if let Some(wrong) = wrong {
            panic!("{wrong}: a slice of a view of shape {:?}", self.axes.lens());
        }
        raw
    }
}
