//! The printer's representation of elements by their `Debug`.

use super::item::written;
use super::{Be, Bool, Le};
use crate::print::Item;
use std::any::Any;
use std::fmt::Debug;

/// Returns the printer's representation of an element of any type in an array, by its `Debug`.
///
/// Numbers are represented as numbers, since their `Debug` is that of std and of other crates. Any other element is
/// represented as the text that its `Debug` writes.
pub(crate) fn of_debug<T: Debug + 'static>(element: &T) -> Item {
    let any: &dyn Any = element;
    macro_rules! numbers {
        ($($number:ty => |$value:ident| $item:expr),* $(,)?) => {$(
            let own = any.downcast_ref::<$number>().copied();
            let big = || any.downcast_ref::<Be<$number>>().map(|stored| stored.get());
            let little = || any.downcast_ref::<Le<$number>>().map(|stored| stored.get());
            if let Some($value) = own.or_else(big).or_else(little) {
                return $item;
            }
        )*};
    }
    let truth = any.downcast_ref::<Bool>().map(|truth| truth.get());
    if let Some(truth) = truth.or_else(|| any.downcast_ref::<bool>().copied()) {
        return Item::Bool(truth);
    }
    numbers!(f32 => |number| Item::F32(number), f64 => |number| Item::F64(number));
    #[cfg(feature = "half")]
    numbers!(half::f16 => |number| Item::F16(number.into()));
    #[cfg(feature = "num-complex")]
    numbers! {
        num_complex::Complex<f32> => |number| Item::Complex32([number.re, number.im]),
        num_complex::Complex<f64> => |number| Item::Complex64([number.re, number.im]),
    }
    written(element)
}
