//! Records: structs whose fields NumPy would find by name.
//!
//! [`field!`](crate::field!) and [`project`](crate::ArrayView::project) need no names and work on any struct. Names are
//! for what comes from outside the program: a `.npy` file's header, an argument, another library's columns. The derive
//! writes them down once, beside the fields, so that they cannot differ from the layout that the compiler chose.

use crate::dtype::{DType, Kind, RecordField};
use crate::element::scalar;

/// Makes a struct a record: implements [`Element`](crate::Element) with the names, offsets and dtypes of its fields.
///
/// It stands beside bytemuck's derives, which prove that any bytes of a file make a value of the struct, and which this
/// one does not replace: `Pod` (with `Zeroable`) for structs to read and write, `AnyBitPattern` for structs with
/// padding, which can only be read. Without them the struct is a dtype, but no array can have it for elements.
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
/// # Which structs
///
/// - `repr(C)`, also with `packed`, `packed(N)` and `align(N)`: a record. What the compiler puts between the fields is
///   padding; [`alignment`](DType::alignment) is the struct's own.
/// - `repr(transparent)`: not a record but what its one field is, so `struct Metres(f64)` opens files of `<f8`.
/// - The fields of a tuple struct are `f0`, `f1` and so on, as NumPy names them; padding is not counted.
/// - Nested records are fields of fields (`"pos.x"`), arrays of arrays are subarrays of several axes.
/// - Generic structs are records for all arguments that make their fields' types elements. There are no lifetimes.
/// - The name of `r#type` is `type`.
///
/// # Attributes
///
/// | on a field | |
/// | --- | --- |
/// | `#[record(rename = "…")]` | the name in the file: any text but the empty one |
/// | `#[record(title = "…")]` | NumPy's title: a second name |
/// | `#[record(pad)]` | bytes of no name: padding to NumPy. The field's type need be no element, so this is for `PhantomData` too |
///
/// `#[record(crate = "path")]` on the struct says where this crate is found, if not at `::mmap_array`.
///
/// # Errors
///
/// Told when the program is compiled, at the field or the attribute: a struct without `repr(C)` or `transparent`, an
/// enum or union, a type that is no element (`usize`, `bool`, a pointer), and names or titles that occur twice:
///
/// ```compile_fail
/// #[derive(Clone, Copy, mmap_array::Record)]
/// #[repr(C)]
/// struct Twice { x: f32, #[record(rename = "x")] y: f32 }
/// ```
///
/// `dtype()` never panics. Where a field's type has an `Element` written by hand that claims more bytes than there are,
/// or records are nested more than 64 deep, the whole is [`Void`](Kind::Void) bytes.
#[cfg(feature = "derive")]
pub use mmap_array_derive::Record;

/// A field of a derived record.
pub fn field(name: &str, title: Option<&str>, offset: usize, dtype: DType) -> RecordField {
    let field = RecordField::new(name, offset, dtype);
    match title {
        Some(title) => field.with_title(title),
        None => field,
    }
}

/// The dtype of a derived record, whose names the derive has found to be different.
pub fn record<R, const N: usize>(fields: [RecordField; N]) -> DType {
    match DType::record(fields, size_of::<R>()) {
        Ok(dtype) => dtype.aligned_to(align_of::<R>()),
        Err(_) => scalar(Kind::Void { len: size_of::<R>() }, align_of::<R>()),
    }
}
