//! Views whose dtype is known at run time.

use crate::access::{self, Addr, Aliasing, Load, Mode, ReadOnly, ReadWrite, Reading, assert_mappable};
#[cfg(feature = "arrow")]
use crate::dtype::RecordField;
use crate::dtype::{DType, Endianness, Kind};
use crate::element::item::Stored;
use crate::element::{Element, Number};
use crate::error::{Error, Reason, Result, short_type_name};
use crate::print::{Item, PrintOptions, write_array, write_repr};
use crate::shape::{Axes, IntoShape, Order, too_many_axes};
use crate::view::display::{Display, Printed};
use crate::view::named::described;
use crate::view::shaping::{Shaped, for_modes, shaping};
use crate::view::{ArrayView, RawView, Slices};
use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::sync::LazyLock;

/// Shaped access to elements of a [`DType`] that is known only when the program runs.
///
/// It is what [`ArrayView`] is, with the elements' type as a value: a file's own, or one that a user names. Cutting and
/// turning cost nothing. From it one goes to
///
/// - a field, by name, as another such view: [`field`](Self::field);
/// - a typed view, where the dtype is what a Rust type says it is: [`typed`](Self::typed);
/// - numbers of a type of one's choice, whatever is stored: [`to_vec_as`](Self::to_vec_as);
/// - single items: [`at`](DynView::at).
///
/// Elements that are subarrays are never seen as such: their axes come after the view's, as in NumPy.
///
/// `DynView<'a>` reads, and methods that shape it take `&self`. [`DynViewMut<'a>`](DynViewMut) is the same type for
/// writing, by way of [`typed`](Self::typed); methods that shape it use it up, since of views that write there may be
/// one. Both are `Send` and `Sync`.
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

/// A view whose elements can be written, through a typed one. See [`DynView`].
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

impl<'a> DynView<'a> {
    /// A view of bytes of the caller's, in C order. One axis of `shape` may be `None`, to follow from the number of
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`Shape`](crate::ErrorKind::Shape) where the bytes are not those of so many elements, or the elements' own axes
    /// are too many; [`SizeMismatch`](crate::ErrorKind::SizeMismatch) where they are no whole number of elements.
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
                    "{} bytes are no whole number of elements of {size} bytes ({dtype})",
                    bytes.len()
                ))
                .error());
            }
        };
        dims.checked_len(size)?;
        let raw = RawView::contiguous(Addr::of(bytes.as_ptr()), &dims, Order::C, size);
        // SAFETY: a slice's bytes are initialised and borrowed for 'a, and `fit` has found them to be as many.
        unsafe { Self::from_raw(raw, dtype) }.unpacked()
    }
}

impl<'a> DynView<'a> {
    /// One element that is no subarray, of as many bytes as its dtype says.
    ///
    /// # Panics
    ///
    /// If there are others.
    pub(super) fn of_element(bytes: &'a [u8], dtype: &'a DType) -> Self {
        assert_eq!(bytes.len(), dtype.itemsize(), "the bytes of an element are those of its dtype");
        let raw = RawView { ptr: Addr::of(bytes.as_ptr()), axes: Axes::default() };
        // SAFETY: the one element is these bytes, initialised and borrowed for 'a.
        unsafe { Self::from_raw(raw, dtype) }
    }
}

impl<'a, A: Reading> DynView<'a, A> {
    /// The elements as those of a type of the same size.
    pub(super) fn elements<T>(&self) -> ArrayView<'a, T, A>
    where
        A: Load<T>,
    {
        const { assert_mappable::<T>() }
        assert_eq!(size_of::<T>(), self.dtype.itemsize(), "elements are seen as those of a type of their size");
        // SAFETY: every element of the view is that many initialised bytes for 'a, by the contract of `from_raw`.
        unsafe { ArrayView::from_raw(self.raw.clone()) }
    }

    /// A field of every record, one of those of the dtype.
    #[cfg(feature = "arrow")]
    pub(crate) fn of_field(&self, field: &'a RecordField) -> Result<Self> {
        let is_own = self.dtype.fields().iter().any(|own| std::ptr::eq(own, field));
        assert!(is_own, "the field is one of the records'");
        let (raw, dtype) = self.raw.clone().project(field.offset).unpack_dtype(&field.dtype)?;
        // SAFETY: what a `DType` has for fields lies within its items, so these are bytes of this view's elements,
        // borrowed as they are.
        Ok(unsafe { Self::from_raw(raw, dtype) })
    }

    /// The two parts of complex numbers along one more axis, the last.
    #[cfg(feature = "arrow")]
    pub(crate) fn parts(&self) -> Result<Self> {
        let (mut raw, dtype) = part_of(self.raw.clone(), self.dtype, 0)?;
        raw.axes.insert(self.ndim(), 2, dtype.itemsize() as isize)?;
        // SAFETY: the parts of a complex number are its first and its second half, so these are bytes of this view's
        // elements, borrowed as they are.
        Ok(unsafe { Self::from_raw(raw, dtype) })
    }

    /// The address of the first of the elements' bytes, and how many these are, where there are some and they lie one
    /// after another in C order.
    #[cfg(feature = "arrow")]
    pub(crate) fn contiguous_bytes(&self) -> Option<(usize, usize)> {
        let (len, size) = (self.len(), self.dtype.itemsize());
        (len > 0 && self.raw.axes.is_contiguous(size)).then(|| (self.raw.ptr.number(), len * size))
    }

    /// Calls `f` with the element at an index, if there is one.
    pub(super) fn with_stored<R>(&self, index: &[usize], f: impl FnOnce(&Stored<'_>) -> R) -> Option<R> {
        let address = self.raw.at(index)?;
        let lent = |ptr| {
            // SAFETY: at `ptr` there are the element's bytes, all initialised, which stay as they are for this call.
            f(&unsafe { Stored::new(ptr, self.dtype) })
        };
        // SAFETY: the address is an element's, of which all bytes are initialised, by the contract of `from_raw`.
        Some(unsafe { access::lend::<A, _>(address, self.dtype.itemsize(), lent) })
    }

    /// The bytes of the element at an index, if there is one.
    pub(super) fn element_bytes(&self, index: &[usize]) -> Option<Cow<'a, [u8]>> {
        let address = self.raw.at(index)?;
        // SAFETY: the address is an element's, of which all bytes are initialised and, where the mode keeps them so, not
        // written for 'a, by the contract of `from_raw`.
        Some(unsafe { access::bytes::<A>(address, self.dtype.itemsize()) })
    }
}

impl<'a, A: Mode> DynView<'a, A> {
    /// # Safety
    ///
    /// For the lifetime `'a`, every element of `raw` must be as many initialised bytes as the dtype's items have. If `A`
    /// is [`Stable`](crate::access::Stable), nobody else writes them; if it is [`Store`](crate::access::Store), they
    /// must be writable; if it is [`Exclusive`](crate::access::Exclusive), nobody else may read them either.
    pub(super) unsafe fn from_raw(raw: RawView, dtype: &'a DType) -> Self {
        Self { raw, dtype, marker: PhantomData }
    }

    /// The same with the axes of elements that are subarrays behind the others.
    pub(super) fn unpacked(self) -> Result<Self> {
        let (raw, dtype) = self.raw.unpack_dtype(self.dtype)?;
        Ok(Self { raw, dtype, marker: PhantomData })
    }

    /// What the elements are; never a subarray.
    #[must_use]
    pub fn dtype(&self) -> &'a DType {
        self.dtype
    }

    /// The number of elements along each axis.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.raw.axes.lens()
    }

    /// The bytes from one element to the next along each axis: NumPy's `strides`. An axis of length 0 or 1 may have
    /// any.
    #[must_use]
    pub fn strides(&self) -> &[isize] {
        self.raw.axes.strides()
    }

    /// The number of axes; a 0-d view has none, and one element.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.raw.axes.ndim()
    }

    /// The number of elements: the product of the shape.
    #[must_use]
    pub fn len(&self) -> usize {
        self.raw.axes.len()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    /// A view of the same elements that only reads, for as long as this one is borrowed.
    #[must_use]
    pub fn view(&self) -> DynView<'_, A::Reading> {
        DynView { raw: self.raw.clone(), dtype: self.dtype, marker: PhantomData }
    }

    /// Returns the bytes of the elements in C order, as they are stored: NumPy's `arr.tobytes()`.
    ///
    /// # Panics
    ///
    /// As [`Vec::with_capacity`] does, where they are more than memory can hold.
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

    /// The elements in C order as numbers of type `T`, whatever numbers are stored, in whatever byte order: NumPy's
    /// `arr.astype(T)`, flat.
    ///
    /// Truth values are 0 and 1, times and spans their counts. What does not fit is converted as Rust's `as` does:
    /// integers are cut to their low bits, as in NumPy; floats are rounded to the nearest float, and towards zero to an
    /// integer; one beyond the integer's reach becomes its least or greatest, and NaN 0 (NumPy leaves both undefined).
    ///
    /// # Errors
    ///
    /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) for elements that are no numbers: records, text, complex
    /// numbers, `long double`.
    ///
    /// # Panics
    ///
    /// As [`Vec::with_capacity`] does, where they are more than memory can hold.
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

    /// As [`to_vec_as`](Self::to_vec_as), into a slice of the same number of elements.
    ///
    /// # Errors
    ///
    /// As for [`to_vec_as`](Self::to_vec_as).
    ///
    /// # Panics
    ///
    /// If the lengths differ, as [`slice::copy_from_slice`] does.
    #[track_caller]
    pub fn copy_to_as<T: Number>(&self, target: &mut [T]) -> Result<()> {
        assert_eq!(self.len(), target.len(), "a view is copied to a slice of another length");
        self.view().collect_to(target)
    }
}

impl<A: Mode> Shaped for DynView<'_, A> {
    #[cfg(feature = "rayon")]
    const SHARED: bool = A::SHARED;

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
            /// Returns one field of every record, by its path: NumPy's `arr["px"]`, and `"pos.x"` for
            /// `arr["pos"]["x"]`. The axes of a field that is a subarray come after the view's; a path leads through
            /// subarrays of records as well.
            ///
            /// # Errors
            ///
            /// [`UnknownField`](crate::ErrorKind::UnknownField), with the names that there are;
            /// [`Shape`](crate::ErrorKind::Shape) for a subarray whose axes are too many.
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

            /// Returns the real parts of complex numbers, where they are: NumPy's `arr.real`.
            ///
            /// A view of a Rust type has them as a field: `view.project(field!(Complex<f64>, re))`.
            ///
            /// # Errors
            ///
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) for other elements.
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

            /// Returns the imaginary parts of complex numbers, where they are: NumPy's `arr.imag`. See
            /// [`re`](Self::re).
            ///
            /// # Errors
            ///
            /// As for [`re`](Self::re).
            pub fn im($($receiver)+) -> Result<Self> {
                let (raw, dtype) = part_of($this.raw.clone(), $this.dtype, 1)?;
                // SAFETY: as for `re`.
                Ok(unsafe { Self::from_raw(raw, dtype) })
            }

            /// Returns the same bytes as elements of another dtype: NumPy's `arr.view(dtype)`, by the rules of
            /// [`ArrayView::view_as`]. With [`DType::select`] it is NumPy's `arr[["a", "c"]]`.
            ///
            /// # Errors
            ///
            /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch), [`NotContiguous`](crate::ErrorKind::NotContiguous) as
            /// there, and for elements of no bytes; [`Shape`](crate::ErrorKind::Shape) for a subarray whose axes are
            /// too many.
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

            /// Returns the elements as those of a Rust type, where the dtype is that type's: then everything that an
            /// [`ArrayView`] can do can be done.
            ///
            /// Where `T` is an array (`[f32; 3]`), the last axes of the view may be its own.
            ///
            /// # Errors
            ///
            /// [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch), which names both dtypes, the first field in which
            /// they differ, and the type that would do.
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
                // SAFETY: every element is `size_of::<T>()` initialised bytes, which `typed_of` has found: an element
                // of this view, or so many of them one after another. They are borrowed as this view's are, which is
                // used up where it writes.
                Ok(unsafe { ArrayView::from_raw(raw) })
            }
        }

        impl<'a, T $($generics)*> ArrayView<'a, T, $Mode> {
            /// Returns the same elements with their type as a value, which must be of their size: to print records as
            /// NumPy prints them, and to take fields by names that are not known when the program is written.
            ///
            /// # Errors
            ///
            /// [`SizeMismatch`](crate::ErrorKind::SizeMismatch) for a dtype of another size,
            /// [`Shape`](crate::ErrorKind::Shape) for a subarray whose axes are too many.
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
                // SAFETY: every element is as many bytes as the dtype's, initialised and borrowed as this view's are,
                // which is used up where it writes.
                unsafe { DynView::from_raw(raw, dtype) }.unpacked()
            }
        }
    };
}
for_modes!(retyping);

/// The elements of a field, and what they are.
fn field_of<'d>(mut raw: RawView, mut dtype: &'d DType, path: &str) -> Result<(RawView, &'d DType)> {
    let mut rest = path;
    loop {
        let (offset, field, inner) = dtype.step(rest).ok_or_else(|| dtype.unknown_field(rest))?;
        (raw, dtype) = raw.project(offset).unpack_dtype(field)?;
        match inner {
            Some(inner) => rest = inner,
            None => return Ok((raw, dtype)),
        }
    }
}

/// The floats that complex numbers are made of.
static PARTS: LazyLock<[DType; 8]> = LazyLock::new(|| {
    let sizes = [4, 8, 12, 16].into_iter().flat_map(|size| [(size, Endianness::Little), (size, Endianness::Big)]);
    let mut floats = sizes.map(|(size, order)| DType::scalar(Kind::Float { size, order }).expect("NumPy has it"));
    std::array::from_fn(|_| floats.next().expect("as many as there are"))
});

/// The first or the second parts of complex numbers, and what they are.
fn part_of(raw: RawView, dtype: &DType, place: usize) -> Result<(RawView, &'static DType)> {
    let part = match *dtype.kind() {
        Kind::Complex { size, order } => {
            PARTS.iter().find(|part| *part.kind() == Kind::Float { size: size / 2, order })
        }
        _ => None,
    };
    let Some(part) = part else {
        let text = format!("the elements are {dtype}, which have no real and imaginary parts as complex numbers have");
        return Err(Reason::DTypeMismatch(text).error());
    };
    Ok((raw.project(place * part.itemsize()), part))
}

/// The elements of one dtype as those of another, and what they are.
fn seen_as<'d>(raw: RawView, from: &DType, to: &'d DType) -> Result<(RawView, &'d DType)> {
    let (size, new_size) = (from.itemsize(), to.itemsize());
    if size != new_size && (size == 0 || new_size == 0) {
        let text = format!("elements of {size} bytes cannot be seen as {to}, which has {new_size}");
        return Err(Reason::SizeMismatch(text).error());
    }
    // The name, which is for the errors, may be long.
    let name = if size == new_size { String::new() } else { to.to_string() };
    raw.reinterpret(size, new_size, &name)?.unpack_dtype(to)
}

/// The elements as those of a Rust type, of its size.
fn typed_of<T: Element>(mut raw: RawView, dtype: &DType) -> Result<RawView> {
    let wanted = described::<T>()?;
    if wanted != *dtype {
        let (element, axes) = wanted.flattened();
        if element != dtype || !raw.axes.ends_with(&axes, element.itemsize()) {
            return Err(mismatch::<T>(dtype, &wanted));
        }
        (0..axes.len()).for_each(|_| raw.axes.remove(raw.axes.ndim() - 1));
    }
    Ok(raw)
}

/// The elements of a view of `T`, if a dtype's are of their size.
fn dyn_of<T>(raw: &RawView, dtype: &DType) -> Result<RawView> {
    let (size, itemsize) = (size_of::<T>(), dtype.itemsize());
    if size != itemsize {
        let name = short_type_name::<T>();
        let text = format!("elements of `{name}` have {size} bytes, and those of {dtype} {itemsize}");
        return Err(Reason::SizeMismatch(text).error());
    }
    Ok(raw.clone())
}

/// The error of a type that the elements are not.
pub(crate) fn mismatch<T>(found: &DType, wanted: &DType) -> Error {
    let place = match found.first_difference(wanted) {
        Some((path, ..)) if !path.is_empty() => format!("; they differ from {path:?} on"),
        _ => String::new(),
    };
    let fit = match found.advice() {
        Some(fit) => format!("; {fit}"),
        // The same fields, but for the bytes between them.
        None if wanted.without_padding().is_ok_and(|packed| packed == *found) => {
            "; `repr(C, packed)` would do, which leaves no bytes between the fields".to_owned()
        }
        None if found.without_padding().is_ok_and(|packed| packed == *wanted) => {
            "; there are bytes between the fields: `repr(C)` may do, which aligns them".to_owned()
        }
        None => String::new(),
    };
    let is_record = matches!(found.flattened().0.kind(), Kind::Record { .. });
    let source = is_record.then(|| found.to_rust().ok()).flatten();
    let source = source.map_or_else(String::new, |source| format!("; in Rust they are:\n\n{source}"));
    Reason::DTypeMismatch(format!(
        "the elements are {found}, not {wanted} as `{}` has it{place}{fit}{source}",
        short_type_name::<T>()
    ))
    .error()
}

/// Equal dtypes, shapes and items.
impl<A: Reading> PartialEq for DynView<'_, A> {
    fn eq(&self, other: &Self) -> bool {
        let same = self.dtype == other.dtype && self.shape() == other.shape();
        // Items of no bytes are equal, and may be too many to be looked at.
        same && (self.is_empty() || self.dtype.itemsize() == 0 || self.items_equal(other))
    }
}

impl<A: Reading> DynView<'_, A> {
    /// Whether all items of two views of one shape and dtype are equal.
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

    /// The item at an index as the printer knows it.
    fn item(&self, index: &[usize], in_array: bool, options: &PrintOptions) -> Item {
        let item = self.with_stored(index, |stored| stored.item(in_array, options));
        item.unwrap_or_else(|| Item::Text(String::new()))
    }

    /// As `repr` shows it, after the name of what it is and `(`.
    pub(super) fn debug(&self, prefix: &'static str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dtype = match self.dtype.kind() {
            Kind::Record { .. } => self.dtype.to_string(),
            _ => format!("'{}'", self.dtype),
        };
        write_repr(f, prefix, self.shape(), &dtype, &mut |index, options| self.item(index, true, options))
    }
}

/// As `print(arr)` prints in NumPy, records in parentheses: `[(1, 2.5) (2, 3. )]`. `{:.3}` sets the digits after the
/// point. A `long double` is taken for x87's.
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

/// As `repr(arr)` in NumPy, always with the dtype.
impl<A: Mode> Debug for DynView<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().debug("DynView(", f)
    }
}
