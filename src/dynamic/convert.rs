//! Numbers of any width and byte order as numbers of one type: the stored type is found once for a whole view, and the
//! view then converted as a typed one.

use super::view::DynView;
use crate::access::{Load, Reading};
use crate::dtype::{Endianness, Kind};
use crate::element::item::f32_of_half;
use crate::element::{Bool, Endian, LongDouble, LongDouble96, Number};
use crate::error::{Reason, Result};
use crate::view::{ArrayView, With};
use byteorder::{BigEndian, LittleEndian};

/// What is done with a view once its type is known.
trait Visitor<T> {
    type Output;

    fn visit<S, A: Load<S>>(self, view: ArrayView<'_, S, A>, convert: impl Fn(S) -> T + Copy) -> Self::Output;
}

struct ToVec;

impl<T> Visitor<T> for ToVec {
    type Output = Vec<T>;

    fn visit<S, A: Load<S>>(self, view: ArrayView<'_, S, A>, convert: impl Fn(S) -> T + Copy) -> Vec<T> {
        view.collect(With(convert))
    }
}

struct CopyTo<'a, T>(&'a mut [T]);

impl<T> Visitor<T> for CopyTo<'_, T> {
    type Output = ();

    #[track_caller]
    fn visit<S, A: Load<S>>(self, view: ArrayView<'_, S, A>, convert: impl Fn(S) -> T + Copy) {
        view.collect_to(self.0, With(convert));
    }
}

impl<A: Reading> DynView<'_, A> {
    pub(super) fn collect<T: Number>(&self) -> Result<Vec<T>> {
        self.visit(ToVec)
    }

    pub(super) fn collect_to<T: Number>(&self, target: &mut [T]) -> Result<()> {
        self.visit(CopyTo(target))
    }

    /// Has the elements visited as what they are, with the function that converts one.
    fn visit<T: Number, V: Visitor<T>>(&self, visitor: V) -> Result<V::Output> {
        macro_rules! number {
            ($stored:ty, $order:expr, $convert:expr) => {
                match $order {
                    Endianness::Big => visitor.visit(self.elements::<Endian<$stored, BigEndian>>(), $convert),
                    Endianness::Little => visitor.visit(self.elements::<Endian<$stored, LittleEndian>>(), $convert),
                }
            };
            ($stored:ty, $order:expr) => {
                number!($stored, $order, Number::to_number)
            };
        }
        Ok(match *self.dtype().kind() {
            Kind::Bool => visitor.visit(self.elements::<Bool>(), Number::to_number),
            Kind::Int { size: 1, .. } => visitor.visit(self.elements::<i8>(), Number::to_number),
            Kind::Int { size: 2, order } => number!(i16, order),
            Kind::Int { size: 4, order } => number!(i32, order),
            Kind::UInt { size: 1, .. } => visitor.visit(self.elements::<u8>(), Number::to_number),
            Kind::UInt { size: 2, order } => number!(u16, order),
            Kind::UInt { size: 4, order } => number!(u32, order),
            Kind::UInt { size: 8, order } => number!(u64, order),
            Kind::Float { size: 2, order } => number!(u16, order, |number| T::of_f32(f32_of_half(number.get()))),
            Kind::Float { size: 4, order } => number!(f32, order),
            Kind::Float { size: 8, order } => number!(f64, order),
            Kind::Float { size: 12, order } => number!(LongDouble96, order),
            Kind::Float { size: 16, order } => number!(LongDouble, order),
            Kind::Int { size: 8, order } | Kind::DateTime64 { order, .. } | Kind::TimeDelta64 { order, .. } => {
                number!(i64, order)
            }
            _ => {
                return Err(Reason::DTypeMismatch(format!(
                    "the elements are {}, which cannot be converted to numbers as integers, floats, truth values and \
                     times can{}",
                    self.dtype(),
                    if self.dtype().fields().is_empty() { "" } else { "; take one of the fields" }
                ))
                .error());
            }
        })
    }
}
