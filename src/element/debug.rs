//! What elements are to the printer by their `Debug`, whatever types they are of.

use super::item::written;
use super::{Be, Bool, Le};
use crate::print::Item;
use std::any::Any;
use std::fmt::Debug;

/// What an element of any type is to the printer by its `Debug`, in an array.
///
/// Numbers are numbers: their own `Debug` is that of std and of other libraries. Anything else is what it writes.
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
