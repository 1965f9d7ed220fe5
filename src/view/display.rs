//! Views as text: NumPy's `str` for `Display`, its `repr` for `Debug`.

use super::ArrayView;
use crate::access::Access;
use crate::element::endian::{Be, Le, Scalar};
use crate::element::time::unit::Day;
use crate::element::time::{DateTime64, TimeDelta64};
use crate::element::{Bool, Bytes, Ucs4};
use crate::error::short_type_name;
use crate::print::{Item, PrintOptions, write_array, write_repr};
use std::any::{Any, type_name};
use std::fmt::{self, Debug, Display};

/// The element as the printer knows it: a number as a number, text and times as NumPy shows them in arrays, and anything
/// else as its own text, which `text` gives; its second argument asks for that of an element in an array.
fn item<T: 'static>(element: T, text: impl FnOnce(&T, bool) -> String) -> Item {
    let any: &dyn Any = &element;
    macro_rules! numbers {
        ($($number:ty => |$value:ident| $item:expr),* $(,)?) => {$(
            if let Some(&$value) = any.downcast_ref::<$number>() {
                return $item;
            }
            if let Some(stored) = any.downcast_ref::<Be<$number>>() {
                let $value = stored.get();
                return $item;
            }
            if let Some(stored) = any.downcast_ref::<Le<$number>>() {
                let $value = stored.get();
                return $item;
            }
        )*};
    }
    macro_rules! integers {
        ($($integer:ty),*) => {$(
            if let Some(&number) = any.downcast_ref::<$integer>() {
                return Item::Int(number as i128);
            }
        )*};
    }
    if let Some(&truth) = any.downcast_ref::<bool>() {
        return Item::Bool(truth);
    }
    if let Some(truth) = any.downcast_ref::<Bool>() {
        return Item::Bool(truth.get());
    }
    integers!(i128, isize, usize);
    numbers! {
        f32 => |number| Item::F32(number),
        f64 => |number| Item::F64(number),
        i8 => |number| Item::Int(number.into()),
        i16 => |number| Item::Int(number.into()),
        i32 => |number| Item::Int(number.into()),
        i64 => |number| Item::Int(number.into()),
        u8 => |number| Item::Int(number.into()),
        u16 => |number| Item::Int(number.into()),
        u32 => |number| Item::Int(number.into()),
        u64 => |number| Item::Int(number.into()),
    }
    #[cfg(feature = "half")]
    numbers!(half::f16 => |number| Item::F16(number.into()));
    #[cfg(feature = "num-complex")]
    numbers! {
        num_complex::Complex<f32> => |number| Item::Complex32([number.re, number.im]),
        num_complex::Complex<f64> => |number| Item::Complex64([number.re, number.im]),
    }
    match Family::of::<T>() {
        Family::Text => Item::Quoted(text(&element, true)),
        Family::Time => Item::Text(text(&element, true)),
        Family::Other => Item::Text(text(&element, false)),
    }
}

/// The element types that differ by a size or a unit, too many to ask for one by one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Text,
    Time,
    Other,
}

impl Family {
    /// The family of a type, by the beginning of its name. (Names are for people, and so is what depends on them here.)
    fn of<T: 'static>() -> Self {
        fn is_like<T: 'static, Like: 'static>(parameter: &str) -> bool {
            let like = type_name::<Like>();
            let start = like.rfind(parameter).unwrap_or(like.len());
            type_name::<T>().starts_with(&like[..start])
        }
        fn is_one<T: 'static, Like: Scalar>(parameter: &str) -> bool {
            is_like::<T, Like>(parameter) || is_like::<T, Be<Like>>(parameter)
        }
        let unit = type_name::<Day>();
        if is_like::<T, Bytes<1>>("1") || is_one::<T, Ucs4<1>>("1") {
            Self::Text
        } else if is_one::<T, DateTime64<Day>>(unit) || is_one::<T, TimeDelta64<Day>>(unit) {
            Self::Time
        } else {
            Self::Other
        }
    }
}

/// `Display` of an array or a view.
pub(crate) fn display<T: Display + 'static, A: Access<T>>(
    view: &ArrayView<'_, T, A>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let text = |element: &T, in_array| if in_array { format!("{element:-}") } else { element.to_string() };
    if view.ndim() == 0 && Family::of::<T>() != Family::Other {
        // NumPy prints an array of no axes as the element on its own.
        return f.write_str(&text(&view.at([]), false));
    }
    let mut options = PrintOptions::str();
    options.precision = f.precision().unwrap_or(options.precision);
    write_array(f, view.shape(), &mut |index| item(view.at(index), text), &options)
}

/// `Debug` of an array or a view: `name([…], shape=(…), dtype=…)`, the shape where the elements do not show it.
pub(crate) fn debug<T: Debug + 'static, A: Access<T>>(
    view: &ArrayView<'_, T, A>,
    prefix: &'static str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let of = |element: &T, in_array| if in_array { format!("{element:-?}") } else { format!("{element:?}") };
    write_repr(f, prefix, view.shape(), &short_type_name::<T>(), &mut |index, _| item(view.at(index), of))
}

/// As for [`MmapArray`](crate::MmapArray).
impl<T: Display + 'static, A: Access<T>> Display for ArrayView<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// As for [`MmapArray`](crate::MmapArray).
impl<T: Debug + 'static, A: Access<T>> Debug for ArrayView<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self, "ArrayView(", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is expected of the types that NumPy has is what NumPy 2.4.6 prints.

    fn str<T: bytemuck::Pod + Display>(elements: &[T]) -> String {
        ArrayView::from_slice(elements, elements.len()).unwrap().to_string()
    }

    fn repr<T: bytemuck::Pod + Debug>(elements: &[T]) -> String {
        format!("{:?}", ArrayView::from_slice(elements, elements.len()).unwrap())
    }

    #[test]
    fn numbers_of_either_byte_order_print_as_numbers() {
        assert_eq!(str(&[Be::new(1.5_f32), Be::new(-20.0)]), "[  1.5 -20. ]");
        assert_eq!(str(&[Le::new(1_u64 << 63), Le::new(7)]), "[9223372036854775808                   7]");
        assert_eq!(repr(&[Be::new(-1_i16), Be::new(10)]), "ArrayView([-1, 10], dtype=Endian<i16, BigEndian>)");
        assert_eq!(str(&[Bool::from(true), Bool::from(false)]), "[ True False]");
    }

    #[test]
    fn text_prints_in_quotes_and_is_not_aligned() {
        let names = ["ab", "c"].map(|name| Bytes::<4>::new(name).unwrap());
        assert_eq!(str(&names), "[b'ab' b'c']");
        assert_eq!(repr(&names), "ArrayView([b'ab', b'c'], dtype=Bytes<4>)");
        let names = ["it's", "é"].map(|name| Ucs4::<4>::new(name).unwrap());
        assert_eq!(str(&names), r#"["it's" 'é']"#);
        assert_eq!(str(&names.map(Be::new)), r#"["it's" 'é']"#);
        assert_eq!(repr(&names), r#"ArrayView(["it's", 'é'], dtype=Ucs4<4>)"#);
        // One alone is itself.
        assert_eq!(ArrayView::from_slice(&names, 2).unwrap().index_axis(0, 0).to_string(), "it's");
        assert_eq!(str(&[crate::Void::from(*b"\x01z")]), r"[b'\x01\x7A']");
    }

    #[test]
    fn times_print_in_quotes_and_spans_as_numbers() {
        let days = [0, i64::MIN, 18_326].map(DateTime64::<Day>::new);
        assert_eq!(str(&days), "['1970-01-01'        'NaT' '2020-03-05']");
        assert!(repr(&days.map(Be::new)).starts_with("ArrayView(['1970-01-01',        'NaT', '2020-03-05'],\n"));
        let spans = [1, -20, i64::MIN].map(TimeDelta64::<Day, 25>::new);
        assert_eq!(str(&spans), "[    1   -20 'NaT']");
        assert_eq!(repr(&spans), "ArrayView([    1,   -20, 'NaT'], dtype=TimeDelta64<Day, 25>)");
        assert_eq!(str(&[TimeDelta64::<Day>::NAT]), "['NaT']");
        // One alone is itself.
        assert_eq!(ArrayView::from_slice(&days, 3).unwrap().index_axis(0, 2).to_string(), "2020-03-05");
        assert_eq!(ArrayView::from_slice(&spans, 3).unwrap().index_axis(0, 0).to_string(), "25 days");
    }

    #[test]
    fn families_are_told_by_type() {
        assert!(Family::of::<Le<Ucs4<12>>>() == Family::Text && Family::of::<Bytes<100>>() == Family::Text);
        assert!(Family::of::<Be<TimeDelta64<crate::unit::Hour, 7>>>() == Family::Time);
        for other in [Family::of::<Be<f64>>(), Family::of::<[Bytes<1>; 2]>(), Family::of::<crate::Void<1>>()] {
            assert!(other == Family::Other);
        }
    }

    #[test]
    fn records_print_their_own_debug_text_in_columns() {
        let view = ArrayView::from_slice(&[[1_u8, 2], [30, 4]], 2).unwrap();
        assert_eq!(format!("{view:?}"), "ArrayView([ [1, 2], [30, 4]], dtype=[u8; 2])");
    }

    #[test]
    fn what_the_elements_do_not_show_is_said() {
        let empty = ArrayView::<f64>::from_slice(&[], [0, 3]).unwrap();
        assert_eq!(format!("{empty:?}"), "ArrayView([], shape=[0, 3], dtype=f64)");
        let long: Vec<i32> = (0..2000).collect();
        let long = ArrayView::from_slice(&long, 2000).unwrap();
        let text = "ArrayView([   0,    1,    2, ..., 1997, 1998, 1999],\n          shape=[2000], dtype=i32)";
        assert_eq!(format!("{long:?}"), text);
        assert_eq!(long.to_string(), "[   0    1    2 ... 1997 1998 1999]");
        assert_eq!(format!("{:.2}", ArrayView::from_slice(&[1.0 / 3.0], 1).unwrap()), "[0.33]");
    }
}
