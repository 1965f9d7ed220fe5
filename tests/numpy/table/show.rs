//! What the results of rows show of themselves, in the words of `traits` in `table.py`.
//!
//! A result shows what it has: a vector has no shape, say, where NumPy's array has one.

use super::rows::{Name, Star};
use bytemuck::{Pod, bytes_of_mut};
use mmap_array::{
    ArrayView, DType, DynArray, DynView, Element, MmapArray,
    access::{CopyOnWrite, Load, ReadOnly, ReadWrite, Reading},
    dtype::RecordField,
    dynamic::Value,
};
use std::fmt::Display;
use std::path::Path;

/// Traits of a result by their names.
pub(super) type Shown = Vec<(&'static str, String)>;

pub(super) trait Show: Sized {
    fn show(self) -> Shown;
}

/// As Python shows a tuple.
fn tuple(numbers: &[impl Display]) -> String {
    match numbers {
        [one] => format!("({one},)"),
        numbers => format!("({})", texts(numbers.iter())),
    }
}

fn texts(values: impl Iterator<Item = impl Display>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

fn file(path: &Path) -> (&'static str, String) {
    ("file", path.file_name().unwrap().to_str().unwrap().to_owned())
}

fn dtype(dtype: &DType) -> (&'static str, String) {
    ("dtype", dtype.descr().unwrap())
}

impl Show for () {
    fn show(self) -> Shown {
        Shown::new()
    }
}

macro_rules! numbers {
    ($($number:ty: $as:ty),*) => {$(
        impl Show for $number {
            fn show(self) -> Shown {
                vec![("value", format!("{:?}", self as $as))]
            }
        }

        impl Show for Vec<$number> {
            fn show(self) -> Shown {
                let list: Vec<$as> = self.into_iter().map(|number| number as $as).collect();
                vec![("list", format!("{list:?}")), dtype(&<$number>::dtype())]
            }
        }
    )*};
}
numbers!(u8: u8, i32: i32, u32: u32, u64: u64, f32: f64, f64: f64);

impl Show for usize {
    fn show(self) -> Shown {
        (self as u64).show()
    }
}

impl Show for Vec<usize> {
    fn show(self) -> Shown {
        vec![("list", format!("{self:?}"))]
    }
}

impl Show for Vec<bool> {
    fn show(self) -> Shown {
        vec![("list", format!("[{}]", texts(self.into_iter().map(|truth| if truth { "True" } else { "False" }))))]
    }
}

impl Show for Vec<Value<'_>> {
    fn show(self) -> Shown {
        vec![("list", format!("[{}]", texts(self.iter())))]
    }
}

impl Show for bool {
    fn show(self) -> Shown {
        vec![("value", if self { "True" } else { "False" }.to_owned())]
    }
}

impl Show for String {
    fn show(self) -> Shown {
        vec![("str", self)]
    }
}

impl<T: Show> Show for Option<T> {
    fn show(self) -> Shown {
        self.expect("the arrays of the rows have elements, and those in files have paths").show()
    }
}

impl Show for Vec<&str> {
    fn show(self) -> Shown {
        vec![("list", format!("[{}]", texts(self.iter().map(|text| format!("'{text}'")))))]
    }
}

impl Show for &Path {
    fn show(self) -> Shown {
        vec![file(self)]
    }
}

impl Show for &[usize] {
    fn show(self) -> Shown {
        vec![("value", tuple(self))]
    }
}

impl Show for &[isize] {
    fn show(self) -> Shown {
        vec![("value", tuple(self))]
    }
}

impl Show for &[u8] {
    fn show(self) -> Shown {
        vec![("bytes", self.iter().map(|byte| format!("{byte:02x}")).collect())]
    }
}

impl Show for &[RecordField] {
    fn show(self) -> Shown {
        vec![("value", format!("({})", texts(self.iter().map(|field| format!("'{}'", field.name)))))]
    }
}

impl Show for &DType {
    fn show(self) -> Shown {
        vec![dtype(self)]
    }
}

impl Show for DType {
    fn show(self) -> Shown {
        vec![dtype(&self)]
    }
}

impl<A: Reading> Show for DynView<'_, A> {
    fn show(self) -> Shown {
        let (shape, strides) = (tuple(self.shape()), tuple(self.strides()));
        vec![("str", self.to_string()), dtype(self.dtype()), ("shape", shape), ("strides", strides)]
    }
}

impl<T: Element, A: mmap_array::access::Mode + Load<T>> Show for ArrayView<'_, T, A> {
    fn show(self) -> Shown {
        self.view().to_dyn(&T::dtype()).unwrap().show()
    }
}

impl<A: Mode> Show for DynArray<A> {
    fn show(self) -> Shown {
        let mut shown = self.view().show();
        if let Some(path) = self.path() {
            shown.extend([file(path), ("offset", self.byte_offset().to_string()), ("mode", A::NAME.to_owned())]);
        }
        shown
    }
}

impl<T: Element + Pod, A: Mode + Touch<T>> Show for MmapArray<T, A>
where
    ReadOnly: Load<T>,
{
    fn show(mut self) -> Shown {
        let mut shown = self.view().show();
        if let Some(path) = self.path() {
            shown.extend([file(path), ("offset", self.byte_offset().to_string()), ("mode", A::NAME.to_owned())]);
            A::touch(&mut self);
        }
        shown
    }
}

impl Show for Value<'_> {
    fn show(self) -> Shown {
        vec![("str", self.to_string())]
    }
}

macro_rules! records {
    ($($record:ty),*) => {$(
        impl Show for $record {
            fn show(self) -> Shown {
                vec![("str", ArrayView::from_slice(&[self], ()).unwrap().to_dyn(&Self::dtype()).unwrap().to_string())]
            }
        }

        impl Show for Vec<$record> {
            fn show(self) -> Shown {
                ArrayView::from_slice(&self, self.len()).unwrap().show()
            }
        }
    )*};
}
records!(Star, Name);

#[cfg(feature = "ndarray")]
impl<D: ndarray::Dimension> Show for ndarray::ArrayView<'_, f32, D> {
    fn show(self) -> Shown {
        let mut shown = self.iter().copied().collect::<Vec<f32>>().show();
        shown.push(("shape", tuple(self.shape())));
        shown
    }
}

pub(super) trait Mode {
    const NAME: &'static str;
}

impl Mode for ReadOnly {
    const NAME: &'static str = "r";
}

impl Mode for ReadWrite {
    const NAME: &'static str = "r+";
}

impl Mode for CopyOnWrite {
    const NAME: &'static str = "c";
}

/// Writes the first element of an array that can be written.
pub(super) trait Touch<T>: Load<T> {
    fn touch(array: &mut MmapArray<T, Self>)
    where
        Self: Sized;
}

impl<T: Pod> Touch<T> for ReadOnly {
    fn touch(_: &mut MmapArray<T, Self>) {}
}

impl<T: Pod> Touch<T> for ReadWrite {
    fn touch(array: &mut MmapArray<T, Self>) {
        bytes_of_mut(&mut array[0]).fill(1);
    }
}

impl<T: Pod> Touch<T> for CopyOnWrite {
    fn touch(array: &mut MmapArray<T, Self>) {
        bytes_of_mut(&mut array[0]).fill(1);
    }
}
