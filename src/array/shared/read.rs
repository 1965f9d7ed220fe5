//! Reading one or more shared arrays in one closure, with one check afterwards.

use crate::error::{Error, Result};
use crate::region::Region;

/// Shared arrays that can be read together: see [`read`].
///
/// These are `&SharedArray`, `&SharedDynArray` and tuples of them. The trait is sealed.
pub trait Readable: for<'a> Lend<'a> {}
impl<S: for<'a> Lend<'a>> Readable for S {}

/// The view of shared arrays for a lifetime, which the arrays outlive. The trait is sealed.
pub trait Lend<'a, Outlived = &'a Self>: sealed::Readable {
    /// A view, or a tuple of views.
    type View;

    /// Returns a view of the elements in place, or of a copy of them with their current layout.
    #[doc(hidden)]
    fn lend(&'a self, copy: Option<&'a Self::Copy>, token: sealed::Token) -> Self::View;
}

pub(crate) mod sealed {
    use super::Result;

    /// A token that only this crate can create. The methods of a sealed trait can be called through a bound on the
    /// trait that it seals, and such a caller could lend the copy of one array as the elements of another.
    #[derive(Clone, Copy, Debug)]
    pub struct Token(pub(super) ());

    pub trait Readable {
        /// The type of the copy in memory.
        type Copy;

        fn copy(&self, token: Token) -> Result<Self::Copy>;

        fn check(&self, token: Token) -> Result<()>;
    }
}

macro_rules! tuples {
    ($($($Array:ident $place:tt),+;)*) => {$(
        impl<$($Array: Readable),+> sealed::Readable for ($($Array,)+) {
            type Copy = ($($Array::Copy,)+);

            fn copy(&self, token: sealed::Token) -> Result<Self::Copy> {
                Ok(($(self.$place.copy(token)?,)+))
            }

            fn check(&self, token: sealed::Token) -> Result<()> {
                $(self.$place.check(token)?;)+
                Ok(())
            }
        }

        impl<'a, $($Array: Readable),+> Lend<'a> for ($($Array,)+) {
            type View = ($(<$Array as Lend<'a>>::View,)+);

            fn lend(&'a self, copy: Option<&'a Self::Copy>, token: sealed::Token) -> Self::View {
                ($(self.$place.lend(copy.map(|copy| &copy.$place), token),)+)
            }
        }
    )*};
}
tuples! {
    B 0;
    B 0, C 1;
    B 0, C 1, D 2;
    B 0, C 1, D 2, E 3;
    B 0, C 1, D 2, E 3, F 4;
    B 0, C 1, D 2, E 3, F 4, G 5;
    B 0, C 1, D 2, E 3, F 4, G 5, H 6;
    B 0, C 1, D 2, E 3, F 4, G 5, H 6, I 7;
}

/// Calls `f` with views of several shared arrays, and then checks once whether any of them has lost an element. See
/// [`SharedArray::read`](crate::SharedArray::read) for a single array.
///
/// # Errors
///
/// Returns the errors of [`SharedArray::read`](crate::SharedArray::read) for the first array that has lost elements.
///
/// ```
/// use mmap_array::{MmapArray, shared};
/// # let dir = tempfile::tempdir()?;
/// # let (left, right) = (dir.path().join("left"), dir.path().join("right"));
/// std::fs::write(&left, [1, 2, 3])?;
/// std::fs::write(&right, [4, 5, 6])?;
/// let left = MmapArray::<u8>::options().open_shared(&left)?;
/// let right = MmapArray::<u8>::options().open_shared(&right)?;
/// let dot = shared::read((&left, &right), |(left, right)| left.iter().zip(&right).map(|(a, b)| a * b).sum::<u8>())?;
/// assert_eq!(dot, 32);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn read<S: Readable, R>(arrays: S, f: impl for<'a> FnOnce(<S as Lend<'a>>::View) -> R) -> Result<R> {
    let (result, in_place) = lent(&arrays, f)?;
    if in_place {
        arrays.check(sealed::Token(()))?;
    }
    Ok(result)
}

/// Calls `f`, which may fail, as [`read`] does. If elements were lost, that error is returned instead of the one of
/// `f`.
///
/// # Errors
///
/// Returns the errors of [`read`] and of `f`.
///
/// ```
/// use mmap_array::{Error, MmapArray, shared};
/// # let dir = tempfile::tempdir()?;
/// # let (bytes, words) = (dir.path().join("bytes"), dir.path().join("words"));
/// std::fs::write(&bytes, [1; 8])?;
/// std::fs::write(&words, [1; 8])?;
/// let bytes = MmapArray::<u8>::options().open_shared(&bytes)?;
/// let words = MmapArray::<u16>::options().open_shared(&words)?;
/// let same = shared::try_read((&bytes, &words), |(bytes, words)| Ok::<_, Error>(bytes.view_as::<u16>()? == words))?;
/// assert!(same);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn try_read<S: Readable, R, E: From<Error>>(
    arrays: S,
    f: impl for<'a> FnOnce(<S as Lend<'a>>::View) -> Result<R, E>,
) -> Result<R, E> {
    read(arrays, f)?
}

/// Calls `f` as [`read`] does, without a check: `f` itself checks before it does anything that cannot be undone.
pub(crate) fn read_unasked<S: Readable, R>(arrays: S, f: impl for<'a> FnOnce(<S as Lend<'a>>::View) -> R) -> Result<R> {
    lent(&arrays, f).map(|(result, _)| result)
}

/// Calls `f` with views of the elements in place or of copies, and returns whether they were in place.
fn lent<S: Readable, R>(arrays: &S, f: impl for<'a> FnOnce(<S as Lend<'a>>::View) -> R) -> Result<(R, bool)> {
    let (mut f, token) = (Some(f), sealed::Token(()));
    let entered = Region::enter(|| f.take().map(|f| f(arrays.lend(None, token))));
    if let Some(Some(result)) = entered {
        return Ok((result, true));
    }
    let copy = arrays.copy(token)?;
    let Some(f) = f else { unreachable!("it has not been called") };
    Ok((f(arrays.lend(Some(&copy), token)), false))
}
