//! Views whose dtype is known only at run time.

use super::retype::{dyn_of, field_of, part_of, seen_as, typed_of};
use crate::access::{self, Addr, Aliasing, Load, Mode, ReadOnly, ReadWrite, Reading, assert_mappable};
#[cfg(feature = "arrow")]
use crate::dtype::RecordField;
use crate::dtype::{DType, Kind};
use crate::element::item::Stored;
use crate::element::{Element, Number};
use crate::error::{ErrorKind, Reason, Result};
use crate::print::{Item, PrintOptions, write_array, write_repr};
use crate::shape::{Axes, IntoShape, Order, too_many_axes};
use crate::view::display::{Display, Printed};
use crate::view::shaping::{Shaped, for_modes, shaping};
use crate::view::{ArrayView, RawView, Rows, Slices, ragged};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::ops::{Range, RangeBounds};

/// A view of elements of a [`DType`] that is known only at run time, with a shape and strides.
///
/// It is an [`ArrayView`] whose element type is a value: that of a file, or one that a user names. Slicing, transposing
/// and other changes of the shape copy no elements. The elements are available as:
///
/// - a view of a field, by name: [`field`](Self::field);
/// - a typed view, if a Rust type has the dtype: [`typed`](Self::typed);
/// - numbers of any type, whichever type is stored: [`to_vec_as`](Self::to_vec_as);
/// - single items: [`at`](DynView::at).
///
/// The elements of a view are never subarrays: the axes of subarrays follow those of the view, as in NumPy.
///
/// `DynView<'a>` is read-only, and methods that change its shape take `&self`. [`DynViewMut<'a>`](DynViewMut) is the
/// same type for writing, through [`typed`](Self::typed). Methods that change its shape consume it, since only one view
/// at a time may write to an element. Both are `Send` and `Sync`.
///
/// ```
/// use mmap_array::{dynamic::Value, DType, DynView};
///
/// let dtype = DType::from_descr("[('id', '>u2'), ('pos', '<f4', (2,))]")?;
/// let mut file = Vec::new();
/// for id in 1..=3_u8 {
///     file.extend([0, id]);
///     file.extend([f32::from(id), 0.5].map(f32::to_le_bytes).concat());
/// }
/// let view = DynView::from_bytes(&file, &dtype, 3)?;
/// assert_eq!(view.field("id")?.to_vec_as::<f64>()?, [1.0, 2.0, 3.0]);
/// assert_eq!(view.field("pos")?.shape(), [3, 2]);
/// assert_eq!(view.rows(1..).field("id")?.at([0]), Value::UInt(2));
/// assert_eq!(view.to_string(), "[(1, [1. , 0.5]) (2, [2. , 0.5]) (3, [3. , 0.5])]");
/// # Ok::<(), mmap_array::Error>(())
/// ```
pub struct DynView<'a, A = ReadOnly> {
    raw: RawView,
    /// Never a subarray.
    dtype: &'a DType,
    marker: PhantomData<(&'a u8, A)>,
}

/// A view whose elements can be written through typed views. See [`DynView`].
pub type DynViewMut<'a> = DynView<'a, ReadWrite>;

impl<A: Aliasing> Clone for DynView<'_, A> {
    fn clone(&self) -> Self {
        Self { raw: self.raw.clone(), ..*self }
    }
}

// SAFETY: a view is a borrow of bytes, shared or exclusive, and may go where `&[u8]` and `&mut [u8]` both may.
unsafe impl<A> Send for DynView<'_, A> {}
// SAFETY: a shared view only reads, as `&[u8]` does; it stores through typed views alone, which are argued for there.
unsafe impl<A> Sync for DynView<'_, A> {}

impl<A: Aliasing> Rows for DynView<'_, A> {}
impl<A: Aliasing> ragged::sealed::Rows for DynView<'_, A> {
    fn len(&self) -> Option<usize> {
        self.shape().first().copied()
    }

    fn rows(&self, rows: Range<usize>) -> Self {
        self.rows(rows)
    }
}

impl<'a> DynView<'a> {
    /// Creates a view of a slice of bytes, in C order. One axis of `shape` may be `None`, in which case its length is
    /// inferred from the number of bytes.
    ///
    /// # Errors
    ///
    /// Returns [`Shape`](crate::ErrorKind::Shape) if the number of elements does not match the shape, or if the axes of
    /// the shape and of the elements together are too many, and [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if the
    /// bytes are not a whole number of elements.
    ///
    /// ```
    /// use mmap_array::{DType, DynView};
    /// let dtype = DType::from_descr("'>i2'")?;
    /// let view = DynView::from_bytes(&[0, 1, 0, 2, 0, 3, 0, 4], &dtype, [None, Some(2)])?;
    /// assert_eq!(view.to_string(), "[[1 2]\n [3 4]]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn from_bytes(bytes: &'a [u8], dtype: &'a DType, shape: impl IntoShape) -> Result<Self> {
        let size = dtype.itemsize();
        let shape = shape.into_shape().map_err(too_many_axes)?;
        let dims = match (bytes.len().checked_rem(size), shape.given()) {
            (Some(0), _) => shape.fit(bytes.len() / size)?,
            // Of no bytes, any number of elements are made.
            (None, Some(dims)) if bytes.is_empty() => dims,
            _ => {
                return Err(Reason::SizeMismatch(format!(
                    "{} bytes are not a whole number of elements of {size} bytes ({dtype})",
                    bytes.len()
                ))
                .error());
            }
        };
        dims.checked_len(size)?;
        let raw = RawView::contiguous(Addr::of(bytes.as_ptr()), &dims, Order::C, size);
        // SAFETY: a slice's bytes are initialized and borrowed for 'a, and `fit` has found them to be as many.
        unsafe { Self::from_raw(raw, dtype) }.unpacked()
    }
}

impl<'a> DynView<'a> {
    /// Creates a view of one element that is not a subarray.
    ///
    /// # Panics
    ///
    /// Panics if the number of bytes is not the size of the dtype.
    pub(super) fn of_element(bytes: &'a [u8], dtype: &'a DType) -> Self {
        assert_eq!(bytes.len(), dtype.itemsize(), "the bytes of an element are those of its dtype");
        let raw = RawView { ptr: Addr::of(bytes.as_ptr()), axes: Axes::default() };
        // SAFETY: the one element is these bytes, initialized and borrowed for 'a.
        unsafe { Self::from_raw(raw, dtype) }
    }
}

impl<'a, A: Reading> DynView<'a, A> {
    /// Returns the elements as elements of a type of the same size.
    pub(super) fn elements<T>(&self) -> ArrayView<'a, T, A>
    where
        A: Load<T>,
    {
        const { assert_mappable::<T>() }
        assert_eq!(size_of::<T>(), self.dtype.itemsize(), "elements are seen as those of a type of their size");
        // SAFETY: every element of the view is that many initialized bytes for 'a, by the contract of `from_raw`.
        unsafe { ArrayView::from_raw(self.raw.clone()) }
    }

    /// Returns a view of a field of every record, which must be one of the fields of the dtype.
    #[cfg(feature = "arrow")]
    pub(crate) fn of_field(&self, field: &'a RecordField) -> Result<Self> {
        let is_own = self.dtype.fields().iter().any(|own| std::ptr::eq(own, field));
        assert!(is_own, "the field is one of the records'");
        let (raw, dtype) = self.raw.clone().project(field.offset).unpack_dtype(&field.dtype)?;
        // SAFETY: what a `DType` has for fields lies within its items, so these are bytes of this view's elements,
        // borrowed as they are.
        Ok(unsafe { Self::from_raw(raw, dtype) })
    }

    /// Returns the two parts of complex numbers along one more axis, the last.
    #[cfg(feature = "arrow")]
    pub(crate) fn parts(&self) -> Result<Self> {
        let (mut raw, dtype) = part_of(self.raw.clone(), self.dtype, 0)?;
        raw.axes.insert(self.ndim(), 2, dtype.itemsize() as isize)?;
        // SAFETY: the parts of a complex number are its first and its second half, so these are bytes of this view's
        // elements, borrowed as they are.
        Ok(unsafe { Self::from_raw(raw, dtype) })
    }

    /// Returns the address of the first byte of the elements and the number of bytes, if there are elements and they
    /// are contiguous in C order.
    #[cfg(feature = "arrow")]
    pub(crate) fn contiguous_bytes(&self) -> Option<(usize, usize)> {
        let (len, size) = (self.len(), self.dtype.itemsize());
        (len > 0 && self.raw.axes.is_contiguous(size)).then(|| (self.raw.ptr.number(), len * size))
    }

    /// Calls `f` with the element at an index, or returns `None` if the index is outside.
    pub(super) fn with_stored<R>(&self, index: &[usize], f: impl FnOnce(&Stored<'_>) -> R) -> Option<R> {
        let address = self.raw.at(index)?;
        let lent = |ptr| {
            // SAFETY: at `ptr` there are the element's bytes, all initialized, which stay as they are for this call.
            f(&unsafe { Stored::new(ptr, self.dtype) })
        };
        // SAFETY: the address is an element's, of which all bytes are initialized, by the contract of `from_raw`.
        Some(unsafe { access::lend::<A, _>(address, self.dtype.itemsize(), lent) })
    }

    /// Returns the bytes of the element at an index, or `None` if the index is outside.
    pub(super) fn element_bytes(&self, index: &[usize]) -> Option<Cow<'a, [u8]>> {
        let address = self.raw.at(index)?;
        // SAFETY: the address is an element's, of which all bytes are initialized and, where the mode keeps them so,
        // not written for 'a, by the contract of `from_raw`.
        Some(unsafe { access::bytes::<A>(address, self.dtype.itemsize()) })
    }
}

impl<'a, A: Mode> DynView<'a, A> {
    /// # Safety
    ///
    /// For the lifetime `'a`, every element of `raw` must consist of as many initialized bytes as the items of the
    /// dtype. If `A` is [`Stable`](crate::access::Stable), nobody else may write them; if it is
    /// [`Store`](crate::access::Store), they must be writable; if it is [`Exclusive`](crate::access::Exclusive), nobody
    /// else may read them either.
    pub(super) unsafe fn from_raw(raw: RawView, dtype: &'a DType) -> Self {
        Self { raw, dtype, marker: PhantomData }
    }

    /// Returns the view with the axes of elements that are subarrays after its own.
    pub(super) fn unpacked(self) -> Result<Self> {
        let (raw, dtype) = self.raw.unpack_dtype(self.dtype)?;
        Ok(Self { raw, dtype, marker: PhantomData })
    }

    /// Returns the dtype of the elements, which is never a subarray.
    #[must_use]
    pub fn dtype(&self) -> &'a DType {
        self.dtype
    }

    /// Returns the number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.raw.axes.lens()
    }

    /// Returns the number of bytes from one element to the next along each axis: NumPy's `strides`. The stride of an
    /// axis of length 0 or 1 is unspecified.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        self.raw.axes.strides()
    }

    /// Returns the number of axes. A 0-d view has no axes and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.raw.axes.ndim()
    }

    /// Returns the number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.axes.len()
    }

    /// Returns `true` if the view has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// Returns a read-only view of the same elements, which borrows this one.
    #[must_use]
    pub fn view(&self) -> DynView<'_, A::Reading> {
        DynView { raw: self.raw.clone(), dtype: self.dtype, marker: PhantomData }
    }

    /// Returns a copy of the bytes of the elements in C order, as they are stored: NumPy's `arr.tobytes()`.
    ///
    /// # Panics
    ///
    /// Panics or aborts as [`Vec::with_capacity`] does if the memory cannot be allocated.
    ///
    /// ```
    /// use mmap_array::{DType, DynView};
    /// let dtype: DType = "[('id', '>u2'), ('x', '|u1')]".parse()?;
    /// let view = DynView::from_bytes(&[0, 1, 7, 0, 2, 8], &dtype, 2)?;
    /// assert_eq!(view.field("id")?.to_bytes(), [0, 1, 0, 2]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.view().collect_bytes()
    }

    /// Returns the elements in C order, converted to numbers of type `T` from any stored type and byte order: NumPy's
    /// `arr.astype(T)`, flattened.
    ///
    /// Truth values convert to 0 and 1, and times and time spans to their counts. Values that `T` cannot represent
    /// convert as Rust's `as` does: integers keep their low bits, as in NumPy; floats round to the nearest float, and
    /// towards zero to an integer; a float beyond the range of the integer becomes its minimum or maximum, and NaN
    /// becomes 0 (both are undefined in NumPy).
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the elements are not real numbers or times:
    /// records, text, opaque bytes, complex numbers.
    ///
    /// # Panics
    ///
    /// Panics or aborts as [`Vec::with_capacity`] does if the memory cannot be allocated.
    ///
    /// ```
    /// use mmap_array::{DType, DynView};
    /// let dtype = DType::from_descr("'>f4'")?;
    /// let view = DynView::from_bytes(&[0x3f, 0xc0, 0, 0, 0xc3, 0x80, 0, 0], &dtype, 2)?;
    /// assert_eq!(view.to_vec_as::<f64>()?, [1.5, -256.0]);
    /// assert_eq!(view.to_vec_as::<i16>()?, [1, -256]);
    /// assert_eq!(view.to_vec_as::<u8>()?, [1, 0]);
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn to_vec_as<T: Number>(&self) -> Result<Vec<T>> {
        self.view().collect()
    }

    /// Converts the elements as [`to_vec_as`](Self::to_vec_as) does, into a slice of the same number of elements.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`to_vec_as`](Self::to_vec_as).
    ///
    /// # Panics
    ///
    /// Panics if the lengths differ, as [`slice::copy_from_slice`] does.
    #[track_caller]
    pub fn copy_to_as<T: Number>(&self, target: &mut [T]) -> Result<()> {
        assert_eq!(self.len(), target.len(), "a view is copied to a slice of another length");
        self.view().collect_to(target)
    }
}

impl<A: Mode> Shaped for DynView<'_, A> {
    #[cfg(feature = "rayon")]
    const SHARED: bool = A::SHARED;

    const COPY: &'static str = "`to_bytes` and `to_vec_as` copy them in that order";

    fn raw(&self) -> &RawView {
        &self.raw
    }

    unsafe fn with_raw(&self, raw: RawView) -> Self {
        // SAFETY: what `from_raw` asks holds for the elements of this view, and by this function's contract `raw` has
        // no others.
        unsafe { Self::from_raw(raw, self.dtype) }
    }

    fn itemsize(&self) -> usize {
        self.dtype.itemsize()
    }
}

shaping!(
    ['a, A: Aliasing] DynView<'a, A>,
    [],
    [&self] self,
    "use mmap_array::{DType, DynView};

let dtype = DType::from_descr(\"'|u1'\")?;
let view = DynView::from_bytes(&[1, 2, 3, 4, 5, 6], &dtype, [2, 3])?;"
);
shaping!(
    ['a] DynView<'a, ReadWrite>,
    [],
    [self] self,
    "use mmap_array::{ArrayViewMut, DType};

let dtype = DType::from_descr(\"'|u1'\")?;
let mut data = [1_u8, 2, 3, 4, 5, 6];
let view = ArrayViewMut::from_slice_mut(&mut data, [2, 3])?.to_dyn(&dtype)?;"
);

macro_rules! retyping {
    ([$($generics:tt)*] $Mode:ident, [$($receiver:tt)+] $this:ident, $mut:literal, $make:literal) => {
        impl<'a $($generics)*> DynView<'a, $Mode> {
            /// Returns a view of one field of every record, by its path: NumPy's `arr["px"]`, and `"pos.x"` for
            /// `arr["pos"]["x"]`. The axes of a field that is a subarray follow those of the view. A path may also lead
            /// through subarrays of records.
            ///
            /// # Errors
            ///
            /// Returns [`UnknownField`](crate::ErrorKind::UnknownField), which lists the available fields, and
            /// [`Shape`](crate::ErrorKind::Shape) if the field is a subarray with which the view would have too many
            /// axes.
            ///
            /// ```
            /// use mmap_array::{DType, DynView};
            /// let dtype = DType::from_descr("[('a', '|u1'), ('b', [('c', '|u1'), ('d', '|u1')])]")?;
            /// let view = DynView::from_bytes(&[1, 2, 3, 4, 5, 6], &dtype, 2)?;
            /// assert_eq!(view.field("b.d")?.to_vec_as::<u8>()?, [3, 6]);
            /// assert!(view.field("b.x").unwrap_err().to_string().contains(r#"["c", "d"]"#));
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn field($($receiver)+, path: &str) -> Result<Self> {
                let (raw, dtype) = field_of($this.raw.clone(), $this.dtype, path)?;
                // SAFETY: what a `DType` has for fields lies within its items, so these are bytes of this view's
                // elements, borrowed as they are; it is used up where it writes.
                Ok(unsafe { Self::from_raw(raw, dtype) })
            }

            /// Returns a view of the real parts of complex numbers: NumPy's `arr.real`.
            ///
            /// A typed view provides them as a field: `view.project(field!(Complex<f64>, re))`.
            ///
            /// # Errors
            ///
            /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the elements are not complex numbers.
            ///
            /// ```
            /// use mmap_array::{DType, DynView};
            /// let dtype: DType = "'>c8'".parse()?;
            /// let bytes: Vec<u8> = [1.5_f32, -2.0].map(f32::to_be_bytes).concat();
            /// let view = DynView::from_bytes(&bytes, &dtype, 1)?;
            /// assert_eq!(view.to_string(), "[1.5-2.j]");
            /// assert_eq!((view.re()?.to_string(), view.im()?.to_string()), ("[1.5]".into(), "[-2.]".into()));
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn re($($receiver)+) -> Result<Self> {
                let (raw, dtype) = part_of($this.raw.clone(), $this.dtype, 0)?;
                // SAFETY: the parts of a complex number are its first and its second half, so these are bytes of this
                // view's elements, borrowed as they are; it is used up where it writes.
                Ok(unsafe { Self::from_raw(raw, dtype) })
            }

            /// Returns a view of the imaginary parts of complex numbers: NumPy's `arr.imag`. See [`re`](Self::re).
            ///
            /// # Errors
            ///
            /// Returns the errors of [`re`](Self::re).
            pub fn im($($receiver)+) -> Result<Self> {
                let (raw, dtype) = part_of($this.raw.clone(), $this.dtype, 1)?;
                // SAFETY: as for `re`.
                Ok(unsafe { Self::from_raw(raw, dtype) })
            }

            /// Returns a view of the same bytes as elements of another dtype: NumPy's `arr.view(dtype)`, by the rules
            /// of [`ArrayView::view_as`]. With [`DType::select`] it is NumPy's `arr[["a", "c"]]`.
            ///
            /// # Errors
            ///
            /// Returns [`SizeMismatch`](crate::ErrorKind::SizeMismatch) or
            /// [`NotContiguous`](crate::ErrorKind::NotContiguous) as [`ArrayView::view_as`] does, `SizeMismatch` also
            /// if exactly one of the dtypes has a size of 0, and [`Shape`](crate::ErrorKind::Shape) for a subarray with
            /// which the view would have too many axes.
            ///
            /// ```
            /// use mmap_array::{DType, DynView};
            /// let dtype = DType::from_descr("[('a', '|u1'), ('b', '|u1'), ('c', '|u1')]")?;
            /// let outer = dtype.select(["a", "c"])?;
            /// let view = DynView::from_bytes(&[1, 2, 3, 4, 5, 6], &dtype, 2)?;
            /// assert_eq!(view.view_as(&outer)?.to_string(), "[(1, 3) (4, 6)]");
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn view_as($($receiver)+, dtype: &'a DType) -> Result<Self> {
                let (raw, dtype) = seen_as($this.raw.clone(), $this.dtype, dtype)?;
                // SAFETY: these are the bytes of this view's elements, borrowed as they are; it is used up where it
                // writes.
                Ok(unsafe { Self::from_raw(raw, dtype) })
            }

            /// Returns a view of the elements as elements of a Rust type that has their dtype, with all operations of
            /// an [`ArrayView`].
            ///
            /// If `T` is an array (`[f32; 3]`), the last axes of the view may be those of `T`.
            ///
            /// # Errors
            ///
            /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the dtypes differ. Its text names both
            /// dtypes, the first field in which they differ, and a matching type, if there is one.
            ///
            /// ```
            /// use mmap_array::{Be, DType, DynView};
            /// let dtype = DType::from_descr("[('t', '>i4'), ('pos', '|u1', (2,))]")?;
            /// let view = DynView::from_bytes(&[0, 0, 0, 7, 1, 2], &dtype, 1)?;
            /// assert_eq!(view.field("t")?.typed::<Be<i32>>()?.sum(), 7);
            /// assert_eq!(view.field("pos")?.typed::<u8>()?.shape(), [1, 2]);
            /// assert_eq!(view.field("pos")?.typed::<[u8; 2]>()?.to_vec(), [[1, 2]]);
            /// let error = view.field("t")?.typed::<f32>().unwrap_err();
            /// assert!(error.to_string().contains("`Be<i32>`"));
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn typed<T: Element>($($receiver)+) -> Result<ArrayView<'a, T, $Mode>>
            where
                $Mode: Load<T>,
            {
                const { assert_mappable::<T>() }
                let raw = typed_of::<T>($this.raw.clone(), $this.dtype)?;
                // SAFETY: every element is `size_of::<T>()` initialized bytes, which `typed_of` has found: an element
                // of this view, or so many of them one after another. They are borrowed as this view's are, which is
                // used up where it writes.
                Ok(unsafe { ArrayView::from_raw(raw) })
            }
        }

        impl<'a, T $($generics)*> ArrayView<'a, T, $Mode> {
            /// Returns a view of the same elements whose type is a value of the same size, to print records as NumPy
            /// does and to find fields by names that are not known at compile time.
            ///
            /// # Errors
            ///
            /// Returns [`SizeMismatch`](crate::ErrorKind::SizeMismatch) if the dtype has another size, and
            /// [`Shape`](crate::ErrorKind::Shape) for a subarray with which the view would have too many axes.
            ///
            /// ```
            /// # #[cfg(feature = "derive")] {
            /// # use bytemuck::{Pod, Zeroable};
            /// use mmap_array::{element::Bytes, ArrayView, Be, Element, Record};
            /// #[derive(Clone, Copy, Zeroable, Pod, Record)]
            /// #[repr(C, packed)]
            /// struct Trade { tag: Bytes<2>, px: Be<f32> }
            ///
            #[doc = concat!("let ", $mut, "trades = [Trade { tag: Bytes::new(\"AA\")?, px: 2.5.into() }];")]
            #[doc = concat!("let view = ", $make, "trades, 1)?;")]
            /// assert_eq!(view.to_dyn(&Trade::dtype())?.to_string(), "[(b'AA', 2.5)]");
            /// # }
            /// # Ok::<(), mmap_array::Error>(())
            /// ```
            pub fn to_dyn($($receiver)+, dtype: &'a DType) -> Result<DynView<'a, $Mode>> {
                let raw = dyn_of::<T>($this.raw(), dtype)?;
                // SAFETY: every element is as many bytes as the dtype's, initialized and borrowed as this view's are,
                // which is used up where it writes.
                unsafe { DynView::from_raw(raw, dtype) }.unpacked()
            }
        }
    };
}
for_modes!(retyping);

/// Compares the dtypes, the shapes and the items.
impl<A: Reading> PartialEq for DynView<'_, A> {
    fn eq(&self, other: &Self) -> bool {
        let same = self.dtype == other.dtype && self.shape() == other.shape();
        // Items of no bytes are equal, and may be too many to be looked at.
        same && (self.is_empty() || self.dtype.itemsize() == 0 || self.items_equal(other))
    }
}

impl<A: Reading> DynView<'_, A> {
    /// Returns whether all items of two views of one shape and dtype are equal.
    fn items_equal(&self, other: &Self) -> bool {
        let mut index = vec![0; self.ndim()];
        loop {
            let equal = self.with_stored(&index, |left| other.with_stored(&index, |right| left.equals(right)));
            if equal.flatten() != Some(true) {
                return false;
            }
            // The next index in C order.
            let Some(axis) = (0..self.ndim()).rev().find(|&axis| index[axis] + 1 < self.shape()[axis]) else {
                return true;
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Returns the item at an index in the printer's representation.
    fn item(&self, index: &[usize], in_array: bool, options: &PrintOptions) -> Item {
        let item = self.with_stored(index, |stored| stored.item(in_array, options));
        item.unwrap_or_else(|| Item::Text(String::new()))
    }

    /// Formats the view as `repr` does, after `prefix`, the name of its type and `(`.
    pub(super) fn debug(&self, prefix: &'static str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = match self.dtype.kind() {
            Kind::Record { .. } => self.dtype.to_string(),
            _ => format!("'{}'", self.dtype),
        };
        write_repr(f, prefix, self.shape(), &dtype, &mut |index, options| self.item(index, true, options))
    }
}

/// Formats the elements as NumPy's `print(arr)`, with records in parentheses: `[(1, 2.5) (2, 3. )]`. `{:.3}` sets the
/// number of digits after the point. A `long double` is read as the x87 extended format.
impl<A: Mode> fmt::Display for DynView<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.display(), f)
    }
}

impl<A: Mode> Printed for DynView<'_, A> {
    fn print(&self, options: &PrintOptions, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = self.view();
        if let (0, false) = (view.ndim(), matches!(view.dtype.kind(), Kind::Record { .. })) {
            return view.item(&[], false, options).of_array().write_alone(f);
        }
        write_array(f, view.shape(), &mut |index| view.item(index, true, options), options)
    }
}

impl<A: Mode> DynView<'_, A> {
    /// Returns an object that prints the view with other settings than NumPy's defaults: `numpy.array2string`.
    ///
    /// ```
    /// use mmap_array::{DType, DynView};
    /// let bytes: Vec<u8> = (0..40).collect();
    /// let dtype = "u1".parse()?;
    /// let view = DynView::from_bytes(&bytes, &dtype, 40)?;
    /// assert_eq!(view.display().threshold(10).edge_items(2).to_string(), "[ 0  1 ... 38 39]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn display(&self) -> Display<'_> {
        Display::new(self)
    }
}

/// Formats the view as NumPy's `repr(arr)`, always with the dtype.
impl<A: Mode> Debug for DynView<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug("DynView(", f)
    }
}
