//! Views as text: NumPy's `str` for `Display`, and its `repr` for `Debug`.

use super::ArrayView;
use super::named::described;
use crate::access::Load;
use crate::dtype::Kind;
use crate::element::Element;
use crate::element::debug::of_debug;
use crate::element::item::Stored;
use crate::error::short_type_name;
use crate::print::{Item, PrintOptions, write_array, write_repr};
use std::fmt::{self, Debug};
use std::mem::MaybeUninit;

/// Prints a view with settings other than NumPy's defaults: `numpy.array2string`.
///
/// Returned by [`ArrayView::display`] and [`DynView::display`](crate::DynView::display).
///
/// ```
/// use mmap_array::ArrayView;
/// let thirds: Vec<f64> = (0..5000).map(|i| (i % 30) as f64 / 3.0).collect();
/// let view = ArrayView::from_slice(&thirds, [1000, 5])?;
/// let printed = view.display().edge_items(2).precision(2).to_string();
/// let expected = "\
/// [[0.   0.33 ... 1.   1.33]
///  [1.67 2.   ... 2.67 3.  ]
///  ...
///  [3.33 3.67 ... 4.33 4.67]
///  [5.   5.33 ... 6.   6.33]]";
/// assert_eq!(printed, expected);
/// # Ok::<(), mmap_array::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "it prints nothing until it is formatted"]
pub struct Display<'a> {
    view: &'a dyn Printed,
    options: PrintOptions,
}

/// A view that prints by any settings.
pub(crate) trait Printed {
    fn print(&self, options: &PrintOptions, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl<'a> Display<'a> {
    pub(crate) fn new(view: &'a dyn Printed) -> Self {
        Self { view, options: PrintOptions::str() }
    }

    /// Sets the maximum number of digits after the decimal point. Defaults to 8.
    pub fn precision(mut self, digits: usize) -> Self {
        (self.options.precision, self.options.scalar) = (digits, false);
        self
    }

    /// Sets the maximum number of elements that are printed in full; larger arrays are abridged. Defaults to 1000.
    ///
    /// `usize::MAX` never abridges, so that printing takes memory in proportion to the array. (Records and subarrays
    /// with more than 524,288 parts in all are abridged nevertheless.)
    pub fn threshold(mut self, elements: usize) -> Self {
        self.options.threshold = elements;
        self
    }

    /// Sets the number of items that an abridged array shows at each end of an axis. Defaults to 3.
    ///
    /// Arrays of many axes show fewer, so that no more than 65,536 elements are printed.
    pub fn edge_items(mut self, count: usize) -> Self {
        self.options.edge_items = count;
        self
    }

    /// Sets the number of characters after which a line wraps. Defaults to 75.
    pub fn line_width(mut self, characters: usize) -> Self {
        self.options.line_width = characters;
        self
    }
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = self.options.clone();
        if let Some(precision) = f.precision() {
            (options.precision, options.scalar) = (precision, false);
        }
        self.view.print(&options, f)
    }
}

impl Debug for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Display").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T: Element, A: Load<T>> Printed for ArrayView<'_, T, A> {
    fn print(&self, options: &PrintOptions, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, options, f)
    }
}

impl<T: Element, A: Load<T>> ArrayView<'_, T, A> {
    /// Returns an object that prints the view with other settings than NumPy's defaults: `numpy.array2string`.
    ///
    /// ```
    /// let view = mmap_array::ArrayView::from_slice(&[1.0_f64, 2.0 / 3.0], 2)?;
    /// assert_eq!(view.display().precision(3).to_string(), "[1.    0.667]");
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn display(&self) -> Display<'_> {
        Display::new(self)
    }
}

/// `Display` of an array or a view.
pub(crate) fn display<T: Element, A: Load<T>>(view: &ArrayView<'_, T, A>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    fmt::Display::fmt(&Display::new(view), f)
}

/// Prints the elements as they say that they print, the axes of subarrays behind the others.
fn print<T: Element, A: Load<T>>(
    view: &ArrayView<'_, T, A>,
    options: &PrintOptions,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let described = described::<T>();
    let unpacked = described.as_ref().map(|dtype| view.raw.clone().unpack_dtype(dtype));
    let (raw, dtype) = match unpacked {
        Ok(Ok(unpacked)) => unpacked,
        Ok(Err(error)) => return fmt::Display::fmt(&error, f),
        // A type that tells a wrong dtype of itself.
        Err(error) => return fmt::Display::fmt(error, f),
    };
    let at = |index: &[usize], in_array: bool, options: &PrintOptions| {
        let addresses = view.raw.at(&index[..view.ndim()]).zip(raw.at(index));
        let Some((whole, part)) = addresses else { return Item::omitted() };
        let offset = part.bytes_from(whole);
        let mut copy = MaybeUninit::<T>::uninit();
        // SAFETY: the address is an element's of the view's, which can be loaded through `A`, and the copy is a place
        // of its own.
        unsafe { A::load_run(whole, copy.as_mut_ptr(), 1) };
        let part = copy.as_ptr().cast::<u8>().wrapping_add(offset);
        // SAFETY: all bytes of the copy have been written, those of padding too, with initialized ones. Its dtype is of
        // its size, which `described` has checked, and what `unpack_dtype` finds are parts of the elements.
        let stored = unsafe { Stored::new(part, dtype) };
        T::item(&stored, in_array, options)
    };
    let record = matches!(dtype.kind(), Kind::Record { .. });
    if raw.axes.ndim() == 0 && !record {
        // NumPy prints an array of no axes as the element on its own.
        return write!(f, "{}", at(&[], false, options).of_array());
    }
    write_array(f, raw.axes.lens(), &mut |index| at(index, true, options), options)
}

/// Formats an array or a view for `Debug`: `name([…], shape=(…), dtype=…)`, with the shape only if the elements do not
/// show it.
pub(crate) fn debug<T: Debug + 'static, A: Load<T>>(
    view: &ArrayView<'_, T, A>,
    prefix: &'static str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut at = |index: &[usize], _: &PrintOptions| of_debug(&view.at(index));
    write_repr(f, prefix, view.shape(), &short_type_name::<T>(), &mut at)
}

/// Formats the elements as [`MmapArray`](crate::MmapArray) does.
impl<T: Element, A: Load<T>> fmt::Display for ArrayView<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self, f)
    }
}

/// Formats the elements as [`MmapArray`](crate::MmapArray) does.
impl<T: Debug + 'static, A: Load<T>> Debug for ArrayView<'_, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self, "ArrayView(", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::time::unit::Day;
    use crate::element::{Be, Bool, Bytes, DateTime64, Le, TimeDelta64, Ucs4};

    // What is expected of the types that NumPy has is what NumPy 2.4.6 prints.

    fn str<T: bytemuck::Pod + Element>(elements: &[T]) -> String {
        ArrayView::from_slice(elements, elements.len()).unwrap().to_string()
    }

    fn repr<T: bytemuck::Pod + Debug>(elements: &[T]) -> String {
        format!("{:?}", ArrayView::from_slice(elements, elements.len()).unwrap())
    }

    #[test]
    fn numbers_of_either_byte_order_print_as_numbers() {
        assert_eq!(str(&[Be::new(1.5_f32), Be::new(-20.0)]), "[  1.5 -20. ]");
        assert_eq!(str(&[Le::new(1_u64 << 63), Le::new(7)]), "[9223372036854775808                   7]");
        assert_eq!(repr(&[Be::new(-1_i16), Be::new(10)]), "ArrayView([-1, 10], dtype=Be<i16>)");
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
        assert_eq!(str(&[crate::element::Void::from(*b"\x01z")]), r"[b'\x01\x7A']");
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
