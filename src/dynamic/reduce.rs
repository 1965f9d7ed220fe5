//! Sums, means and extremes of views whose dtype is known only at run time.

use super::complex::{Complex, Float};
use super::convert::Visitor;
use super::value::{Sum, Value};
use super::view::DynView;
use crate::access::{Load, Reading};
use crate::dtype::{DType, Endianness, Kind};
use crate::element::unit::Generic;
use crate::element::{DateTime64, Endian, LongDouble, LongDouble96, Number, Ordered};
use crate::error::{Error, Result};
use crate::shape::NdIndex;
use crate::view::{ArrayView, Reduced};
use bytemuck::{Pod, bytes_of};
use byteorder::{BigEndian, LittleEndian};

/// The kind of reduction.
#[derive(Clone, Copy)]
enum Of {
    Sum,
    Mean,
    Min,
    Max,
}

/// A reduction along some axes, or of all elements to one.
#[derive(Clone, Copy)]
struct Reduce<'a> {
    of: Of,
    axes: Option<&'a [usize]>,
    dtype: &'a DType,
}

/// Returns the value of an element.
fn value<T: Pod>(element: T, dtype: &DType) -> Value<'static> {
    let value = DynView::of_element(bytes_of(&element), dtype).at(());
    value.without_record().expect("what is reduced is no record")
}

/// Converts results by `make`; they may exceed memory as values.
fn values<S>(results: Vec<S>, make: impl Fn(S) -> Result<Value<'static>>) -> Result<Vec<Value<'static>>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(results.len())
        .map_err(|_| Error::overflow("the reduction", format!("there is no memory for {} results", results.len())))?;
    for result in results {
        values.push(make(result)?);
    }
    Ok(values)
}

impl Reduce<'_> {
    fn extremes<S: Ordered + Pod, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Result<Reduced<Value<'static>>> {
        let (shape, extremes) = match (self.of, self.axes) {
            (Of::Min, Some(axes)) => view.min_axis(axes)?,
            (_, Some(axes)) => view.max_axis(axes)?,
            (Of::Min, None) => (vec![], view.min().into_iter().collect()),
            (_, None) => (vec![], view.max().into_iter().collect()),
        };
        Ok((shape, values(extremes, |extreme| Ok(value(extreme, self.dtype)))?))
    }

    fn sums<S: Number<Sum: Sum>, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Result<Reduced<Value<'static>>> {
        let (shape, sums) = match self.axes {
            Some(axes) => view.sum_axis(axes)?,
            None => (vec![], vec![view.sum()]),
        };
        Ok((shape, values(sums, Sum::to_value)?))
    }

    fn means<S: Number<Mean: Sum>, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Result<Reduced<Value<'static>>> {
        let (shape, means) = match self.axes {
            Some(axes) => view.mean_axis(axes)?,
            None => (vec![], view.mean().into_iter().collect()),
        };
        Ok((shape, values(means, Sum::to_value)?))
    }

    /// Returns the sums or means of elements that are viewed as complex numbers.
    fn complex<S, A>(self, view: ArrayView<'_, Complex<S>, A>) -> Result<Reduced<Value<'static>>>
    where
        S: Number<Sum: Float, Mean = f64>,
        Complex<S::Sum>: Sum,
        A: Load<Complex<S>>,
    {
        if let Of::Mean = self.of { self.means(view) } else { self.sums(view) }
    }
}

impl Visitor for Reduce<'_> {
    type Output = Result<Reduced<Value<'static>>>;

    fn visit<S: Number<Mean = f64> + Ordered + Pod, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Self::Output
    where
        S::Sum: Sum,
    {
        match self.of {
            Of::Sum => self.sums(view),
            Of::Mean => self.means(view),
            Of::Min | Of::Max => self.extremes(view),
        }
    }
}

impl<A: Reading> DynView<'_, A> {
    fn reduce(&self, of: Of, axes: Option<&[usize]>) -> Result<Reduced<Value<'static>>> {
        let reduce = Reduce { of, axes, dtype: self.dtype() };
        if let Ok(results) = self.visit(reduce) {
            return results;
        }
        match (of, self.dtype().kind()) {
            (Of::Sum | Of::Mean, &Kind::Complex { size, order }) => {
                macro_rules! of_parts {
                    ($part:ty) => {
                        match order {
                            Endianness::Big => reduce.complex(self.elements::<Complex<Endian<$part, BigEndian>>>()),
                            Endianness::Little => {
                                reduce.complex(self.elements::<Complex<Endian<$part, LittleEndian>>>())
                            }
                        }
                    };
                }
                match size {
                    8 => of_parts!(f32),
                    16 => of_parts!(f64),
                    24 => of_parts!(LongDouble96),
                    _ => of_parts!(LongDouble),
                }
            }
            (Of::Min | Of::Max, &(Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. })) => match order {
                // Of either only the counts are compared, and NaT.
                Endianness::Big => reduce.extremes(self.elements::<Endian<DateTime64<Generic>, BigEndian>>()),
                Endianness::Little => reduce.extremes(self.elements::<Endian<DateTime64<Generic>, LittleEndian>>()),
            },
            (Of::Sum | Of::Mean, _) => Err(self.no_numbers("added up", " and complex numbers")),
            (Of::Min | Of::Max, _) => Err(self.no_numbers("compared", " and times")),
        }
    }

    /// Returns the sum of all elements: NumPy's `arr.sum()`.
    ///
    /// It is the sum that [`ArrayView::sum`] returns for the type of the elements, as a value: floats of 4 and 8 bytes
    /// are added up in their own type, floats of 2 bytes in `f32`, and longer floats in `f64`, pairwise; integers and
    /// truth values are added up exactly.
    ///
    /// The sum of complex numbers consists of the sums of their real and of their imaginary parts.
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the elements are not numbers, and
    /// [`OutOfRange`](crate::ErrorKind::OutOfRange) if a sum of integers does not fit in 64 bits, where NumPy wraps
    /// around.
    ///
    /// ```
    /// use mmap_array::{dynamic::Value, DType, DynView};
    /// let dtype: DType = "'>u2'".parse()?;
    /// let view = DynView::from_bytes(&[0, 1, 0, 2, 0, 3, 0, 6], &dtype, [2, 2])?;
    /// assert_eq!(view.sum()?, Value::UInt(12));
    /// assert_eq!(view.mean()?, Some(Value::F64(3.0)));
    /// assert_eq!((view.min()?, view.max()?), (Some(Value::UInt(1)), Some(Value::UInt(6))));
    /// assert_eq!(view.sum_axis(0)?, (vec![2], vec![Value::UInt(4), Value::UInt(8)]));
    /// # Ok::<(), mmap_array::Error>(())
    /// ```
    pub fn sum(&self) -> Result<Value<'static>> {
        let (_, mut sum) = self.reduce(Of::Sum, None)?;
        Ok(sum.pop().expect("of no elements the sum is 0"))
    }

    /// Returns the mean of all elements in `f64`, which is complex for complex numbers, or `None` if there are no
    /// elements: NumPy's `arr.mean(dtype=np.float64)`. See [`sum`](Self::sum).
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the elements are not numbers.
    pub fn mean(&self) -> Result<Option<Value<'static>>> {
        Ok(self.reduce(Of::Mean, None)?.1.pop())
    }

    /// Returns the smallest element, NaN (or NaT) if any element is, or `None` if there are no elements: NumPy's
    /// `arr.min()`.
    ///
    /// # Errors
    ///
    /// Returns [`DTypeMismatch`](crate::ErrorKind::DTypeMismatch) if the elements are neither real numbers nor times.
    pub fn min(&self) -> Result<Option<Value<'static>>> {
        Ok(self.reduce(Of::Min, None)?.1.pop())
    }

    /// Returns the largest element: NumPy's `arr.max()`. See [`min`](Self::min).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`min`](Self::min).
    pub fn max(&self) -> Result<Option<Value<'static>>> {
        Ok(self.reduce(Of::Max, None)?.1.pop())
    }

    /// Returns the sums of the elements along one or more axes: NumPy's `arr.sum(axis=0)`.
    ///
    /// The result consists of the lengths of the remaining axes, and the sums in C order. See [`ArrayView::sum_axis`]
    /// and [`sum`](Self::sum).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`sum`](Self::sum), [`OutOfRange`](crate::ErrorKind::OutOfRange) if an axis does not exist
    /// or is named twice, and [`Overflow`](crate::ErrorKind::Overflow) if there is not enough memory for the results.
    pub fn sum_axis(&self, axes: impl NdIndex) -> Result<Reduced<Value<'static>>> {
        axes.with_index(|axes| self.reduce(Of::Sum, Some(axes)))
    }

    /// Returns the means of the elements along one or more axes, in `f64`. See [`sum_axis`](Self::sum_axis).
    ///
    /// NumPy: `arr.mean(axis=0, dtype=np.float64)`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`sum_axis`](Self::sum_axis), and [`OutOfRange`](crate::ErrorKind::OutOfRange) if a
    /// reduced axis has no elements.
    pub fn mean_axis(&self, axes: impl NdIndex) -> Result<Reduced<Value<'static>>> {
        axes.with_index(|axes| self.reduce(Of::Mean, Some(axes)))
    }

    /// Returns the smallest elements along one or more axes: NumPy's `arr.min(axis=0)`. See
    /// [`sum_axis`](Self::sum_axis) and [`min`](Self::min).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`min`](Self::min) and of [`mean_axis`](Self::mean_axis).
    pub fn min_axis(&self, axes: impl NdIndex) -> Result<Reduced<Value<'static>>> {
        axes.with_index(|axes| self.reduce(Of::Min, Some(axes)))
    }

    /// Returns the largest elements along one or more axes: NumPy's `arr.max(axis=0)`. See
    /// [`min_axis`](Self::min_axis).
    ///
    /// # Errors
    ///
    /// Returns the errors of [`min_axis`](Self::min_axis).
    pub fn max_axis(&self, axes: impl NdIndex) -> Result<Reduced<Value<'static>>> {
        axes.with_index(|axes| self.reduce(Of::Max, Some(axes)))
    }
}
