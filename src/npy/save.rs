//! `np.save`: writing whole arrays without a memory map. A view with any strides is written in pieces, to any writer.

use super::header::Header;
use crate::access::{Aliasing, Load, Mode, ReadOnly, Shared};
use crate::array::shared::read_unasked;
use crate::array::{MmapArray, SharedArray};
use crate::dynamic::{AnyView, Checked, DynArray, DynView, SharedDynArray};
use crate::element::Element;
use crate::error::{Error, Reason, Result};
use crate::io::CHUNK;
use crate::region::NewFile;
use crate::shape::Order;
use crate::view::ArrayView;
use crate::view::named::described;
use bytemuck::{AnyBitPattern, NoUninit};
use std::io::Write;
use std::path::Path;

/// A value that can be saved as an array.
///
/// These are [`ArrayView`], [`DynView`], [`MmapArray`], [`DynArray`], [`SharedArray`] and [`SharedDynArray`] of any
/// mode, vectors and slices as arrays of one axis, and a single element as a 0-d array.
///
/// Elements that are arrays become further axes, so a `Vec<[f64; 3]>` is an array of shape n × 3. This trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as an array",
    note = "arrays and views of this crate, slices and vectors of elements, and single elements can be saved",
    note = "the elements of slices and vectors must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, \
            bytemuck::Pod, mmap_array::Record)]`"
)]
pub trait ArrayLike: sealed::Sealed {
    #[doc(hidden)]
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R>;
}

pub(crate) mod sealed {
    use super::*;

    pub trait Sealed {}
    impl<T: Element, A: Mode> Sealed for ArrayView<'_, T, A> {}
    impl<A: Mode> Sealed for DynView<'_, A> {}
    impl<T: Element, A> Sealed for MmapArray<T, A> where ReadOnly: Load<T> {}
    impl<A> Sealed for DynArray<A> {}
    impl<T: Element, A: Mode> Sealed for SharedArray<T, A> {}
    impl<A: Aliasing + Mode<Reading = Shared>> Sealed for SharedDynArray<A> {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for [T] {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for Vec<T> {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for T {}
}

impl<T: Element, A: Mode> ArrayLike for ArrayView<'_, T, A> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        let dtype = described::<T>()?;
        f(&self.view().to_dyn(&dtype)?)
    }
}

impl<A: Mode> ArrayLike for DynView<'_, A> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        f(&self.view())
    }
}

impl<T: Element, A> ArrayLike for MmapArray<T, A>
where
    ReadOnly: Load<T>,
{
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        self.view().lend(f)
    }
}

impl<A> ArrayLike for DynArray<A> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        f(&self.view())
    }
}

/// If elements are lost while the array is saved, saving is an error and no file gets a name. A file that has its name
/// is complete, whatever is lost later.
impl<T: Element, A: Mode> ArrayLike for SharedArray<T, A> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        let dtype = described::<T>()?;
        read_unasked(self, |view| f(&Checked { view: view.to_dyn(&dtype)?, check: || self.check() }))?
    }
}

/// See the implementation for [`SharedArray`].
impl<A: Aliasing + Mode<Reading = Shared>> ArrayLike for SharedDynArray<A> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        read_unasked(self, |view| f(&Checked { view, check: || self.check() }))?
    }
}

impl<T: Element + AnyBitPattern + NoUninit> ArrayLike for [T] {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        ArrayView::from_slice(self, self.len())?.lend(f)
    }
}

impl<T: Element + AnyBitPattern + NoUninit> ArrayLike for Vec<T> {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        self[..].lend(f)
    }
}

impl<T: Element + AnyBitPattern + NoUninit> ArrayLike for T {
    fn lend<R>(&self, f: impl FnOnce(&dyn AnyView) -> Result<R>) -> Result<R> {
        ArrayView::from_slice(std::slice::from_ref(self), ())?.lend(f)
    }
}

/// Saves an array to a file, which is created or replaced: `np.save(path, arr)`.
///
/// The file is the same as NumPy's, byte for byte, but `.npy` is not appended to its name.
///
/// A view may have any strides. Elements that are contiguous in Fortran order and not in C order are written in Fortran
/// order, as the header states; all others are written in C order. The bytes between a record's fields are written as
/// they are in memory.
///
/// The target gets the whole file in one step, once the file is on the disk: it never holds a part of the file, even if
/// the program is killed or the power fails, and the file is there when this function returns. An array that is mapped
/// from the target itself may be saved, except on Windows, which does not replace files that are mapped.
///
/// # Errors
///
/// [`DType`](crate::ErrorKind::DType) for a dtype that a header cannot describe; [`Io`](crate::ErrorKind::Io) if an I/O
/// operation fails; [`Truncated`](crate::ErrorKind::Truncated) if elements were lost of an array or view of a file that
/// others may truncate. The target is then as it was.
///
/// ```
/// use mmap_array::{ArrayView, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let view = ArrayView::from_slice(&numbers, [2, 3])?;
/// npy::save(&path, &view.step_axis(1, -2))?;
/// let saved = npy::load::<f64>(&path)?;
/// assert_eq!((saved.shape(), &saved[..]), (&[2, 2][..], &[3.0, 1.0, 6.0, 4.0][..]));
/// npy::save(&path, &numbers[..])?;
/// assert_eq!(npy::header(&path)?.shape(), [6]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn save(path: impl AsRef<Path>, array: &(impl ArrayLike + ?Sized)) -> Result<()> {
    let path = path.as_ref();
    let save = |view: &dyn AnyView| {
        let header = header_of(view)?;
        let mut new = NewFile::create(path, true)?;
        write_array(&mut new.handle()?, &header, view)?;
        new.persist()
    };
    array.lend(save).map_err(|error| error.in_file(Some(path)))
}

/// Saves an array to any [`Write`]. See [`save`].
///
/// # Errors
///
/// See [`save`]. [`Io`](crate::ErrorKind::Io) contains the writer's error.
///
/// ```
/// use mmap_array::npy;
/// let mut bytes = Vec::new();
/// npy::save_to(&mut bytes, &vec![[1_u8, 2], [3, 4], [5, 6]])?;
/// let saved = npy::options::<u8>().load_from(&bytes[..])?;
/// assert_eq!((saved.shape(), &saved[..]), (&[3, 2][..], &[1, 2, 3, 4, 5, 6][..]));
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub fn save_to(writer: &mut (impl Write + ?Sized), array: &(impl ArrayLike + ?Sized)) -> Result<()> {
    array.lend(|view| write_array(writer, &header_of(view)?, view))
}

/// Returns the header that NumPy gives an array.
pub(crate) fn header_of(view: &dyn AnyView) -> Result<Header> {
    let order = if view.is_fortran() { Order::F } else { Order::C };
    Header::new(view.dtype().clone(), view.shape(), order)
}

pub(crate) fn write_array(mut writer: &mut (impl Write + ?Sized), header: &Header, view: &dyn AnyView) -> Result<()> {
    header.write(&mut writer)?;
    write_elements(writer, view, header.order())
}

/// Writes the elements in the order in which a file of that order stores them.
pub(super) fn write_elements(writer: &mut (impl Write + ?Sized), view: &dyn AnyView, order: Order) -> Result<()> {
    view.for_each_chunk(order, CHUNK, &mut |bytes| {
        writer.write_all(bytes).map_err(|source| Error::io("write the elements", source))
    })?;
    view.check()
}

/// Returns the number of rows in an array that is to be appended to a file's array along an axis, if both have the same
/// dtype and the same lengths along the other axes.
pub(super) fn rows_of(view: &dyn AnyView, header: &Header, axis: usize) -> Result<usize> {
    if let Some((path, ..)) = header.dtype().first_difference(view.dtype()) {
        let place = if path.is_empty() { String::new() } else { format!("; they first differ at {path:?}") };
        let text = format!("the rows have the dtype {}, but the array has {}{place}", view.dtype(), header.dtype());
        return Err(Reason::DTypeMismatch(text).error());
    }
    let (found, wanted) = (view.shape(), header.shape());
    let fits = found.len() == wanted.len() && (0..found.len()).all(|k| k == axis || found[k] == wanted[k]);
    if fits {
        return Ok(found[axis]);
    }
    let lens: Vec<String> =
        wanted.iter().enumerate().map(|(k, len)| if k == axis { "n".into() } else { len.to_string() }).collect();
    let order = match header.order() {
        Order::F => " (in Fortran order an array grows along its last axis)",
        Order::C => "",
    };
    Err(Error::shape(format!("expected rows of shape [{}], found {found:?}{order}", lens.join(", "))))
}
