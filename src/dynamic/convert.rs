//! Dispatch of a whole view to the type and byte order of its numbers, and conversion to numbers of one type.

use super::value::Sum;
use super::view::DynView;
use crate::access::{Load, Reading};
use crate::dtype::{Endianness, Kind};
use crate::element::float16::Float16;
use crate::element::{Bool, Endian, LongDouble, LongDouble96, Number, Ordered};
use crate::error::{Error, Reason, Result};
use crate::view::{ArrayView, With};
use bytemuck::Pod;
use byteorder::{BigEndian, LittleEndian};

/// An operation on a view whose element type has been determined.
pub(super) trait Visitor {
    type Output;

    fn visit<S: Number<Mean = f64> + Ordered + Pod, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Self::Output
    where
        S::Sum: Sum;
}

struct ToVec<T>(std::marker::PhantomData<T>);

impl<T: Number> Visitor for ToVec<T> {
    type Output = Vec<T>;

    fn visit<S: Number<Mean = f64>, A: Load<S>>(self, view: ArrayView<'_, S, A>) -> Vec<T> {
        view.to_vec_as()
    }
}

struct CopyTo<'a, T>(&'a mut [T]);

impl<T: Number> Visitor for CopyTo<'_, T> {
    type Output = ();

    #[track_caller]
    fn visit<S: Number<Mean = f64>, A: Load<S>>(self, view: ArrayView<'_, S, A>) {
        view.collect_to(self.0, With(S::to_number::<T>));
    }
}

/// Visits a view as elements of a type in some byte order.
macro_rules! in_order {
    ($view:expr, $visitor:expr, $stored:ty, $order:expr) => {
        match $order {
            Endianness::Big => $visitor.visit($view.elements::<Endian<$stored, BigEndian>>()),
            Endianness::Little => $visitor.visit($view.elements::<Endian<$stored, LittleEndian>>()),
        }
    };
}

impl<A: Reading> DynView<'_, A> {
    pub(super) fn collect<T: Number>(&self) -> Result<Vec<T>> {
        self.convert(ToVec(std::marker::PhantomData))
    }

    pub(super) fn collect_to<T: Number>(&self, target: &mut [T]) -> Result<()> {
        self.convert(CopyTo(target))
    }

    /// Visits the elements as the numbers that they are, or as the counts of times.
    fn convert<V: Visitor>(&self, visitor: V) -> Result<V::Output> {
        self.visit(visitor).or_else(|visitor| match *self.dtype().kind() {
            Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => {
                Ok(in_order!(self, visitor, i64, order))
            }
            _ => Err(self.no_numbers("converted to numbers", " and times")),
        })
    }

    /// Visits the elements as the real numbers that they are; returns the visitor if they are not real numbers.
    pub(super) fn visit<V: Visitor>(&self, visitor: V) -> Result<V::Output, V> {
        Ok(match *self.dtype().kind() {
            Kind::Bool => visitor.visit(self.elements::<Bool>()),
            Kind::Int { size: 1, .. } => visitor.visit(self.elements::<i8>()),
            Kind::Int { size: 2, order } => in_order!(self, visitor, i16, order),
            Kind::Int { size: 4, order } => in_order!(self, visitor, i32, order),
            Kind::Int { size: 8, order } => in_order!(self, visitor, i64, order),
            Kind::UInt { size: 1, .. } => visitor.visit(self.elements::<u8>()),
            Kind::UInt { size: 2, order } => in_order!(self, visitor, u16, order),
            Kind::UInt { size: 4, order } => in_order!(self, visitor, u32, order),
            Kind::UInt { size: 8, order } => in_order!(self, visitor, u64, order),
            Kind::Float { size: 2, order } => in_order!(self, visitor, Float16, order),
            Kind::Float { size: 4, order } => in_order!(self, visitor, f32, order),
            Kind::Float { size: 8, order } => in_order!(self, visitor, f64, order),
            Kind::Float { size: 12, order } => in_order!(self, visitor, LongDouble96, order),
            Kind::Float { size: 16, order } => in_order!(self, visitor, LongDouble, order),
            _ => return Err(visitor),
        })
    }

    /// Returns the error for elements that cannot be used as numbers, and `and` others, can.
    pub(super) fn no_numbers(&self, made: &str, and: &str) -> Error {
        let fields = if self.dtype().fields().is_empty() { "" } else { "; take one of the fields" };
        Reason::DTypeMismatch(format!(
            "the elements are {}, which cannot be {made}; integers, floats, truth values{and} can{fields}",
            self.dtype(),
        ))
        .error()
    }
}
