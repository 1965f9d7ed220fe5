//! `np.save` and `np.load`: whole arrays by plain reading and writing, without a map.
//!
//! A view of any strides is written in pieces, and what is read takes memory at once only as far as a file is known to
//! go, from other readers as it comes: so neither a large array nor a header that claims one costs more than the elements
//! that there really are. Any reader and writer will do.

use super::header::Header;
use super::open::shape_as;
use crate::access::{Access, ReadOnly};
use crate::array::MmapArray;
use crate::dynamic::{DynArray, DynView};
use crate::element::{Element, Number};
use crate::error::{Error, Reason, Result};
use crate::io::{CHUNK, read_elements};
use crate::region::NewFile;
use crate::shape::{Dims, Order};
use crate::view::named::described;
use crate::view::{ArrayView, RawView};
use bytemuck::{AnyBitPattern, NoUninit};
use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::Path;

/// What is saved as an array: [`ArrayView`], [`DynView`], [`MmapArray`] and [`DynArray`] of any mode, vectors and slices as
/// arrays of one axis, and a single element as one of none.
///
/// Elements that are arrays become further axes, so a `Vec<[f64; 3]>` is an array of n × 3. The trait is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved as an array",
    note = "an array or a view of this crate can, a slice or a vector of elements, and one element",
    note = "in memory of the program's own, elements must have no padding: `#[derive(Clone, Copy, bytemuck::Zeroable, \
            bytemuck::Pod, mmap_array::Record)]`"
)]
pub trait Source: sealed::Sealed {
    #[doc(hidden)]
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R>;
}

pub(crate) mod sealed {
    use super::*;

    pub trait Sealed {}
    impl<T: Element, A: Access<T>> Sealed for ArrayView<'_, T, A> {}
    impl<A> Sealed for DynView<'_, A> {}
    impl<T: Element, A> Sealed for MmapArray<T, A> where ReadOnly: Access<T> {}
    impl<A> Sealed for DynArray<A> {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for [T] {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for Vec<T> {}
    impl<T: Element + AnyBitPattern + NoUninit> Sealed for T {}
}

impl<T: Element, A: Access<T>> Source for ArrayView<'_, T, A> {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        let dtype = described::<T>()?;
        f(self.view().to_dyn(&dtype)?)
    }
}

impl<A> Source for DynView<'_, A> {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        f(self.view())
    }
}

impl<T: Element, A> Source for MmapArray<T, A>
where
    ReadOnly: Access<T>,
{
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        self.view().lend(f)
    }
}

impl<A> Source for DynArray<A> {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        f(self.view())
    }
}

impl<T: Element + AnyBitPattern + NoUninit> Source for [T] {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        ArrayView::from_slice(self, self.len())?.lend(f)
    }
}

impl<T: Element + AnyBitPattern + NoUninit> Source for Vec<T> {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        self[..].lend(f)
    }
}

impl<T: Element + AnyBitPattern + NoUninit> Source for T {
    fn lend<R>(&self, f: impl FnOnce(DynView<'_>) -> Result<R>) -> Result<R> {
        ArrayView::from_slice(std::slice::from_ref(self), ())?.lend(f)
    }
}

/// Saves an array in a file, which is made or replaced: `np.save(path, arr)`, byte for byte, but for the name, to which no
/// `.npy` is added.
///
/// A view may have any strides. The elements are written in C order; where they lie in Fortran order and not in C order,
/// they are written as they lie and the header says so. The bytes between a record's fields are written as they are in
/// memory. The file is built beside the target and renamed, so the target never exists half made, and an array that is
/// mapped from the target itself may be saved (but on Windows, which does not replace files that are mapped). A file that
/// is replaced goes only when the new one is on the disk; where there was none, nobody waits for the disk.
///
/// # Errors
///
/// [`DType`](crate::ErrorKind::DType) for a dtype that no header can tell, [`Io`](crate::ErrorKind::Io) where the system
/// refuses. The target is as it was then.
///
/// ```
/// use mmap_array::{ArrayView, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// let numbers = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let view = ArrayView::from_slice(&numbers, [2, 3])?;
/// npy::save(&path, &view.step_axis(1, -2))?;
/// assert_eq!(npy::load::<f64>(&path)?, (vec![2, 2], vec![3.0, 1.0, 6.0, 4.0]));
/// npy::save(&path, &numbers[..])?;
/// assert_eq!(npy::header(&path)?.shape(), [6]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn save(path: impl AsRef<Path>, array: &(impl Source + ?Sized)) -> Result<()> {
    let path = path.as_ref();
    let save = |view: DynView<'_>| {
        let header = header_of(view)?;
        let (mut new, mut file) = NewFile::create(path, 0, true, false)?;
        write_array(&mut file, &header, view)?;
        drop(file);
        new.persist()
    };
    array.lend(save).map_err(|error| error.in_file(Some(path)))
}

/// As [`save`], to any [`Write`].
///
/// # Errors
///
/// As for [`save`]; [`Io`](crate::ErrorKind::Io) with what the writer says.
///
/// ```
/// use mmap_array::npy;
/// let mut bytes = Vec::new();
/// npy::save_to(&mut bytes, &vec![[1_u8, 2], [3, 4], [5, 6]])?;
/// assert_eq!(npy::load_from::<u8>(&mut &bytes[..])?, (vec![3, 2], vec![1, 2, 3, 4, 5, 6]));
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub fn save_to(writer: &mut (impl Write + ?Sized), array: &(impl Source + ?Sized)) -> Result<()> {
    array.lend(|view| write_array(writer, &header_of(view)?, view))
}

/// The header that NumPy gives an array.
pub(crate) fn header_of(view: DynView<'_>) -> Result<Header> {
    let order = if view.is_fortran() { Order::F } else { Order::C };
    Header::new(view.dtype().clone(), view.shape(), order)
}

pub(crate) fn write_array(mut writer: &mut (impl Write + ?Sized), header: &Header, view: DynView<'_>) -> Result<()> {
    header.write(&mut writer)?;
    write_elements(writer, view, header.order())
}

/// Writes the elements as a file of the order has them.
pub(super) fn write_elements(writer: &mut (impl Write + ?Sized), view: DynView<'_>, order: Order) -> Result<()> {
    let view = if order == Order::F { view.t() } else { view };
    view.for_each_chunk(CHUNK, |bytes| {
        writer.write_all(bytes).map_err(|source| Error::io("write the elements", source))
    })
}

/// Reads a whole file into memory: `np.load(path)`. Returns the shape, and the elements in C order, whatever order the file
/// has them in.
///
/// Reads anything that can be opened, pipes too, and needs no promise that nobody else changes it. Memory is taken for
/// no more elements than a file has room for, and of a pipe as they come, whatever number the header claims; those of a
/// file in Fortran order are there twice while they are turned. What follows the array is not read.
///
/// # Errors
///
/// [`Header`](crate::ErrorKind::Header) for what is no `.npy` file or has a malformed header;
/// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) where `T` is not what the file holds, which names both and what
/// would do; [`PastEnd`](crate::ErrorKind::PastEnd) where there are fewer bytes than the header says;
/// [`Io`](crate::ErrorKind::Io) where the system refuses.
///
/// ```
/// use mmap_array::{Be, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// npy::save(&path, &vec![[Be::new(1_i16), Be::new(2)], [Be::new(3), Be::new(4)]])?;
/// let (shape, pairs) = npy::load::<[Be<i16>; 2]>(&path)?;
/// assert_eq!((shape, pairs[1][0].get()), (vec![2], 3));
/// let error = npy::load::<f32>(&path).unwrap_err();
/// assert!(error.to_string().ends_with("the elements are >i2, not <f4 as `f32` has it; `Be<i16>` would do"));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn load<T: Element>(path: impl AsRef<Path>) -> Result<(Vec<usize>, Vec<T>)>
where
    ReadOnly: Access<T>,
{
    in_file(path.as_ref(), load_known)
}

/// As [`load`], from any [`Read`], which is left at the byte behind the array. Bytes that errors name are counted from
/// where it was.
///
/// # Errors
///
/// As for [`load`].
pub fn load_from<T: Element>(reader: &mut impl Read) -> Result<(Vec<usize>, Vec<T>)>
where
    ReadOnly: Access<T>,
{
    load_known(reader, 0)
}

/// As [`load_from`], of what is known to have `len` bytes, or of unknown length where that is 0.
fn load_known<T: Element>(reader: &mut impl Read, len: u64) -> Result<(Vec<usize>, Vec<T>)>
where
    ReadOnly: Access<T>,
{
    let header = Header::read(reader)?;
    let shape = shape_as::<T>(&header)?;
    let mut elements: Vec<T> = read_array(reader, &header, len)?;
    if let Some(dims) = reversed(&header)? {
        let raw = RawView::contiguous(elements.as_mut_ptr().cast(), &dims, Order::C, size_of::<T>());
        // SAFETY: there are as many elements as the shape says, all their bytes as they were read, padding too, and
        // nobody writes them while the view lives.
        elements = unsafe { ArrayView::<T>::from_raw(raw) }.t().to_vec();
    }
    Ok((shape, elements))
}

/// Reads a whole file of any numbers into memory, as numbers of type `T`: `np.load(path).astype(T)`. Returns the shape, and
/// the numbers in C order. They are converted as [`DynView::to_vec_as`] does.
///
/// Memory is taken as for [`load`], for the numbers as the file has them and as `T`.
///
/// # Errors
///
/// As for [`load`], with [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) for elements that are no numbers: records,
/// text, complex numbers, `long double`.
///
/// ```
/// use mmap_array::{Be, npy};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// npy::save(&path, &vec![Be::new(1_i16), Be::new(-2)])?;
/// assert_eq!(npy::load_as::<f64>(&path)?, (vec![2], vec![1.0, -2.0]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn load_as<T: Number>(path: impl AsRef<Path>) -> Result<(Vec<usize>, Vec<T>)> {
    in_file(path.as_ref(), load_known_as)
}

/// As [`load_as`], from any [`Read`], as [`load_from`] has it.
///
/// # Errors
///
/// As for [`load_as`].
pub fn load_as_from<T: Number>(reader: &mut impl Read) -> Result<(Vec<usize>, Vec<T>)> {
    load_known_as(reader, 0)
}

fn load_known_as<T: Number>(reader: &mut impl Read, len: u64) -> Result<(Vec<usize>, Vec<T>)> {
    let header = Header::read(reader)?;
    // Before anything is read, whether there is a conversion.
    DynView::from_bytes(&[], header.dtype(), 0)?.to_vec_as::<T>()?;
    let bytes: Vec<u8> = read_array(reader, &header, len)?;
    let numbers = match reversed(&header)? {
        Some(dims) => DynView::from_bytes(&bytes, header.dtype(), &dims[..])?.t().to_vec_as(),
        None => DynView::from_bytes(&bytes, header.dtype(), [None])?.to_vec_as(),
    };
    Ok((header.shape().to_vec(), numbers?))
}

/// Opens a file to be read, with its length if it is a regular one, and names it in errors.
fn in_file<R>(path: &Path, read: impl FnOnce(&mut File, u64) -> Result<R>) -> Result<R> {
    let read = || {
        let mut file = File::open(path).map_err(|source| Error::io("open the file", source))?;
        let len = file.metadata().ok().filter(Metadata::is_file).map_or(0, |metadata| metadata.len());
        read(&mut file, len)
    };
    read().map_err(|error: Error| error.in_file(Some(path)))
}

/// Reads the elements that the header speaks of, in the file's order, which has so many bytes if that is known.
fn read_array<T>(reader: &mut impl Read, header: &Header, len: u64) -> Result<Vec<T>>
where
    ReadOnly: Access<T>,
{
    // `T` is what the elements are, or their bytes.
    let count = usize::try_from(header.nbytes() / size_of::<T>() as u64).map_err(|_| {
        let text = format!("{:?} elements of {} take more than the address space", header.shape(), header.dtype());
        Error::overflow("the array", text)
    })?;
    read_elements(reader, header.data_offset(), Some(count), len.saturating_sub(header.data_offset()))
}

/// The lengths of the axes from the last to the first, where the elements do not lie in C order: in that order of axes
/// they do. Axes of one element do not matter and are left out.
fn reversed(header: &Header) -> Result<Option<Dims>> {
    let lens: Vec<usize> = header.shape().iter().copied().filter(|&len| len != 1).rev().collect();
    let in_order = header.order() == Order::C || lens.len() < 2 || lens.contains(&0);
    if in_order { Ok(None) } else { Dims::new(&lens).map(Some) }
}

/// The number of rows in what is to come behind the rows that a file has along an axis, if both are of one dtype and as
/// long along the other axes.
pub(super) fn rows_of(view: DynView<'_>, header: &Header, axis: usize) -> Result<usize> {
    if let Some((path, ..)) = header.dtype().first_difference(view.dtype()) {
        let place = if path.is_empty() { String::new() } else { format!("; they differ from {path:?} on") };
        let text = format!("the rows are of {}, and the array of {}{place}", view.dtype(), header.dtype());
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
    Err(Error::shape(format!("rows of shape [{}] were expected, not {found:?}{order}", lens.join(", "))))
}
