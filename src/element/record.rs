//! Records: structs whose fields NumPy finds by name.
//!
//! [`field!`](crate::field!) and [`project`](crate::ArrayView::project) need no names and work on any struct. Names are
//! needed for data from outside the program: the header of a `.npy` file, an argument, the columns of another library.
//! The derive macro takes them from the fields, so that they always match the layout that the compiler chose.

use crate::dtype::{DType, Kind, RecordField};
use crate::element::scalar;

/// Derives [`Element`](crate::Element) for a struct, with the names, offsets and dtypes of its fields: a record.
///
/// It is used together with the derives of bytemuck, which prove that any bytes of a file are a valid value of the
/// struct: `Pod` (with `Zeroable`) for structs to read and write, `AnyBitPattern` for structs with padding, which are
/// read-only. Without them the struct has a dtype, but cannot be the element type of an array.
///
/// ```
/// use bytemuck::{AnyBitPattern, Pod, Zeroable};
/// use mmap_array::{DType, Element, Record};
///
/// #[derive(Clone, Copy, Zeroable, Pod, Record)]
/// #[repr(C)]
/// struct Position { x: f32, y: f32 }
///
/// #[derive(Clone, Copy, AnyBitPattern, Record)]
/// #[repr(C)]
/// struct Star {
///     id: u16, //                    two bytes of padding follow
///     pos: Position,
///     #[record(rename = "flux density", title = "W/m²")]
///     flux: [[f32; 4]; 2],
///     #[record(pad)]
///     _reserved: [u8; 16],
/// }
///
/// let star = Star::dtype();
/// assert_eq!((star.itemsize(), star.alignment()), (60, 4));
/// assert_eq!(star.fields().len(), 3);
/// assert_eq!(star.field("pos.y")?, (8, &f32::dtype()));
/// assert_eq!(star.field("flux density")?, (12, &DType::array(f32::dtype(), [2, 4])?));
/// # Ok::<(), mmap_array::Error>(())
/// ```
///
/// # Supported structs
///
/// - `repr(C)`, also with `packed`, `packed(N)` and `align(N)`: a record. Gaps between the fields are padding;
///   [`alignment`](DType::alignment) is that of the struct.
/// - `repr(transparent)`: the dtype of its one field instead of a record, so `struct Metres(f64)` opens files of `<f8`.
/// - Tuple structs: their fields are named `f0`, `f1` and so on, as in NumPy; fields with `#[record(pad)]` are not
///   counted.
/// - Nested structs: the path of an inner field is `"pos.x"`. Nested arrays are subarrays with several axes.
/// - Generic structs: they implement `Element` for all arguments with which the types of their fields do. Lifetime
///   parameters are not supported.
/// - Raw identifiers: the name of the field `r#type` is `type`.
///
/// # Attributes
///
/// | attribute of a field | meaning |
/// | --- | --- |
/// | `#[record(rename = "…")]` | the name in files: any non-empty text |
/// | `#[record(title = "…")]` | NumPy's title: a second name |
/// | `#[record(pad)]` | an unnamed field, padding to NumPy. Its type need not be an `Element`: `PhantomData` works |
///
/// `#[record(crate = "path")]` on the struct sets the path of this crate, if it is not `::mmap_array`.
///
/// # Errors
///
/// These are compile-time errors at the field or the attribute: a struct without `repr(C)` or `repr(transparent)`, an
/// enum or union, a type that is not an `Element` (`usize`, `bool`, a pointer), and duplicate names or titles:
///
/// ```compile_fail
/// #[derive(Clone, Copy, mmap_array::Record)]
/// #[repr(C)]
/// struct Twice { x: f32, #[record(rename = "x")] y: f32 }
/// ```
///
/// `dtype()` never panics. If the hand-written `Element` of a field's type declares a larger size than the type has, or
/// if records are nested more than 64 deep, the dtype is that of [`Void`](Kind::Void) bytes.
#[cfg(feature = "derive")]
pub use mmap_array_derive::Record;

/// Returns a field of a derived record.
pub fn field(name: &str, title: Option<&str>, offset: usize, dtype: DType) -> RecordField {
    let field = RecordField::new(name, offset, dtype);
    match title {
        Some(title) => field.with_title(title),
        None => field,
    }
}

/// Returns the dtype of a derived record. The derive macro has checked that the names differ.
pub fn record<R, const N: usize>(fields: [RecordField; N]) -> DType {
    match DType::record(fields, size_of::<R>()) {
        Ok(dtype) => dtype.aligned_to(align_of::<R>()),
        Err(_) => scalar(Kind::Void { len: size_of::<R>() }, align_of::<R>()),
    }
}
