//! Views as text: NumPy's `str` for `Display`, its `repr` for `Debug`.

use super::ArrayView;
use crate::access::Access;
use crate::print::{Item, PrintOptions, write_array};
use std::any::{Any, type_name};
use std::fmt::{self, Debug, Display};

/// The element as the printer knows it, where it is a number, and as its own text where not.
fn item<T: 'static>(element: T, text: impl FnOnce(&T) -> String) -> Item {
    let any: &dyn Any = &element;
    macro_rules! numbers {
        ($($integer:ty),*) => {
            $(if let Some(&number) = any.downcast_ref::<$integer>() {
                return Item::Int(number as i128);
            })*
        };
    }
    if let Some(&truth) = any.downcast_ref::<bool>() {
        return Item::Bool(truth);
    }
    numbers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, usize);
    if let Some(&number) = any.downcast_ref::<f32>() {
        return Item::F32(number);
    }
    if let Some(&number) = any.downcast_ref::<f64>() {
        return Item::F64(number);
    }
    Item::Text(text(&element))
}

/// `Display` of an array or a view.
pub(crate) fn display<T: Display + 'static, A: Access<T>>(
    view: &ArrayView<'_, T, A>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut options = PrintOptions::str();
    options.precision = f.precision().unwrap_or(options.precision);
    write_array(f, view.shape(), &mut |index| item(view.at(index), T::to_string), &options)
}

/// `Debug` of an array or a view: `name([…], shape=(…), dtype=…)`, the shape where the elements do not show it.
pub(crate) fn debug<T: Debug + 'static, A: Access<T>>(
    view: &ArrayView<'_, T, A>,
    prefix: &'static str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut options = PrintOptions { prefix, suffix: ",", ..PrintOptions::repr() };
    options.precision = f.precision().unwrap_or(options.precision);
    let mut text = String::from(prefix);
    write_array(
        &mut text,
        view.shape(),
        &mut |index| item(view.at(index), |element| format!("{element:?}")),
        &options,
    )?;
    text.push(',');
    let shape = view.shape();
    let mut extra = String::new();
    if options.abridges(shape) || (view.is_empty() && shape.len() != 1) {
        extra = format!("shape={shape:?}, ");
    }
    extra += &format!("dtype={})", short_name(type_name::<T>()));
    let last_line = text.rsplit('\n').next().map_or(0, |line| line.chars().count());
    let spacer = if last_line + 1 + extra.len() > options.line_width {
        format!("\n{:1$}", "", prefix.len())
    } else {
        " ".into()
    };
    write!(f, "{text}{spacer}{extra}")
}

/// The name of a type without the modules that its parts are in.
fn short_name(name: &str) -> String {
    let mut short = String::new();
    let mut start = 0; // of the current path in `short`
    for part in name.split_inclusive("::") {
        short.truncate(start);
        let word = part.strip_suffix("::").unwrap_or(part);
        short.push_str(word);
        start = word.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(start, |end| start + end + 1);
    }
    short
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

    #[test]
    fn type_names_lose_their_modules() {
        assert_eq!(short_name("f32"), "f32");
        assert_eq!(short_name("my_crate::ticks::Trade"), "Trade");
        assert_eq!(short_name("[a::B; 3]"), "[B; 3]");
        assert_eq!(short_name("a::Le<b::c::Wide<d::E>, f64>"), "Le<Wide<E>, f64>");
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
