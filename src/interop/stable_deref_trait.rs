//! Arrays as owners whose elements do not move, for crates that store an owner together with what borrows from it, such
//! as `owning_ref` and `yoke`.

use crate::access::{ReadOnly, Stable};
use crate::array::MmapArray;
use stable_deref_trait::{CloneStableDeref, StableDeref};

// SAFETY: the slice is the elements of a map, whose address is the system's choice and stays until it is unmapped, or a
// dangling address that the array has kept since it was made. The array has that address in itself, so both `deref` and
// `deref_mut` give the same slice wherever the array is moved to. The map goes with the array, not before; growing and
// shrinking it, which may move the elements, take the array by `&mut` or by value.
unsafe impl<T, A: Stable<T>> StableDeref for MmapArray<T, A> {}

// SAFETY: a clone is another owner of the same map, and copies the address: it has the same elements, which stay until
// the last owner goes.
unsafe impl<T> CloneStableDeref for MmapArray<T, ReadOnly> where ReadOnly: Stable<T> {}
