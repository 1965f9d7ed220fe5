//! Element types: Rust types and their NumPy dtypes.

#[cfg(feature = "half")]
mod bf16;
mod binary16;
mod bool;
mod bytes;
#[cfg(feature = "num-complex")]
mod complex;
pub(crate) mod debug;
pub(crate) mod endian;
pub(crate) mod float16;
#[cfg(feature = "float8")]
mod float8;
#[cfg(feature = "half")]
mod half;
mod integer;
pub(crate) mod item;
mod long_double;
pub(crate) mod number;
mod primitive;
pub(crate) mod record;
pub(crate) mod series;
pub(crate) mod sum;
pub(crate) mod text;
pub(crate) mod time;
mod ucs4;
mod void;
mod x87;

pub use self::bool::Bool;
pub use byteorder::{BigEndian, ByteOrder, LittleEndian};
pub use bytes::Bytes;
pub use endian::{Be, Endian, Le, Scalar};
#[cfg(feature = "float8")]
pub use float8::{Float8E3M4, Float8E4M3, Float8E4M3B11Fnuz, Float8E4M3Fnuz, Float8E5M2Fnuz, Float8E8M0Fnu};
pub use integer::{I24, I40, I48, I56, U24, U40, U48, U56};
pub use long_double::{Binary128, LongDouble, LongDouble96};
pub use number::{Number, Ordered};
#[cfg(feature = "arrow")]
pub(crate) use time::days_since_1970;
pub use time::{DateTime64, TimeDelta64, unit};
pub use ucs4::Ucs4;
pub use void::Void;

use crate::dtype::{DType, Endianness, Kind};
use crate::print::{Item, PrintOptions};
use item::Stored;

/// A type that has a NumPy dtype.
///
/// It is implemented by numbers, `[T; N]` and this crate's element types; by `half::f16`, `half::bf16`,
/// `num_complex::Complex`, `float8::F8E4M3` and `float8::F8E5M2` with the features `half`, `num-complex` and `float8`;
/// and by `#[derive(Record)]` for records. It is safe to implement: sizes and offsets are checked against the result of
/// [`dtype`](Self::dtype) before bytes are accessed.
///
/// It is not implemented by `usize`, `isize`, `()` and pointers, which have no representation in files.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no NumPy dtype, which printing, fields by name and `.npy` files need",
    label = "no dtype describes `{Self}`",
    note = "a struct of elements gets one by `#[derive(mmap_array::Record)]`, in which `#[record(pad)]` leaves out a \
            field that no file names, such as padding or `PhantomData`",
    note = "use `u64`, `u32`, `i64` or `i32` for `usize` and `isize`, `mmap_array::element::Bool` for `bool`, `u32` for `char`"
)]
pub trait Element: Copy + 'static {
    /// Returns the dtype of one element.
    ///
    /// ```
    /// use mmap_array::Element;
    /// assert_eq!(<[u16; 4]>::dtype().itemsize(), 8);
    /// ```
    fn dtype() -> DType;

    /// Returns the printer's representation of the element, in an array or on its own. The stored element has the dtype
    /// [`dtype`](Self::dtype) or, if that is a subarray, the dtype of its elements. By default the dtype determines the
    /// representation.
    #[doc(hidden)]
    fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
        stored.item(in_array, options)
    }
}

macro_rules! numbers {
    ($($number:ty: $kind:ident),*) => {$(
        impl Element for $number {
            fn dtype() -> DType {
                scalar(Kind::$kind { size: size_of::<$number>(), order: Endianness::NATIVE }, align_of::<$number>())
            }
        }
    )*};
}
numbers!(i8: Int, i16: Int, i32: Int, i64: Int, u8: UInt, u16: UInt, u32: UInt, u64: UInt, f32: Float, f64: Float);

/// Returns the dtype of a kind that is known to be valid.
pub(crate) fn scalar(kind: Kind, alignment: usize) -> DType {
    DType::scalar(kind).expect("a size that its kind has").aligned_to(alignment)
}

impl<T: Element, const N: usize> Element for [T; N] {
    /// Returns a subarray dtype; an array of arrays is a subarray with two axes, as in NumPy. If there is no such
    /// dtype, returns that of [`Void`](Kind::Void) bytes.
    fn dtype() -> DType {
        let inner = T::dtype();
        let array = match inner.kind() {
            Kind::Array { element, shape } => {
                let shape: Vec<usize> = std::iter::once(N).chain(shape.iter().copied()).collect();
                DType::array((**element).clone(), shape)
            }
            _ => DType::array(inner.clone(), [N]),
        };
        // A Rust array of that length exists, but may be nested too deep, or its elements may say another size than
        // they have.
        array.unwrap_or_else(|_| scalar(Kind::Void { len: size_of::<Self>() }, 1)).aligned_to(align_of::<T>())
    }

    fn item(stored: &Stored<'_>, in_array: bool, options: &PrintOptions) -> Item {
        T::item(stored, in_array, options)
    }
}
