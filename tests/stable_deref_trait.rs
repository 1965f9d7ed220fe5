//! An owner kept beside what borrows from it, as `owning_ref` and `yoke` do: with the feature `stable_deref_trait`.

#![cfg(feature = "stable_deref_trait")]

use mmap_array::{MmapArray, MmapArrayMut};
use stable_deref_trait::{CloneStableDeref, StableDeref};
use std::fs;
use std::thread;

/// An array, and some of its elements.
struct Part<O> {
    owner: O,
    elements: *const [u16],
}

impl<O: StableDeref<Target = [u16]>> Part<O> {
    fn new(owner: O, select: impl FnOnce(&[u16]) -> &[u16]) -> Self {
        let elements = std::ptr::from_ref(select(&owner));
        Self { owner, elements }
    }

    fn elements(&self) -> &[u16] {
        // SAFETY: they are the owner's, which is here, and do not move with it.
        unsafe { &*self.elements }
    }
}

impl<O: CloneStableDeref<Target = [u16]>> Clone for Part<O> {
    fn clone(&self) -> Self {
        Self { owner: self.owner.clone(), elements: self.elements }
    }
}

// SAFETY: the elements are the owner's, which may be sent.
unsafe impl<O: Send> Send for Part<O> {}

#[test]
fn elements_stay_where_they_are_when_the_array_moves() {
    let mut array = MmapArrayMut::<u16>::anonymous([3, 100]).unwrap();
    array.iter_mut().zip(0..).for_each(|(element, i)| *element = i);
    let part = Part::new(array, |all| &all[100..103]);
    let parts = [Box::new(part)];
    let sum = thread::spawn(move || parts[0].elements().iter().sum::<u16>()).join().unwrap();
    assert_eq!(sum, 303);
    let none = Part::new(MmapArrayMut::<u16>::anonymous(0).unwrap(), |all| all);
    let none = [none];
    assert_eq!(none[0].elements(), [0_u16; 0]);
}

#[test]
fn a_clone_has_the_same_elements_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("numbers");
    fs::write(&path, [1, 2, 3, 4].map(u16::to_ne_bytes).concat()).unwrap();
    // SAFETY: the file is not written any more.
    let array = unsafe { MmapArray::<u16>::open(&path) }.unwrap();
    let part = Part::new(array, |all| &all[1..]);
    let clone = part.clone();
    assert!(std::ptr::eq(&*part.owner, &*clone.owner));
    drop(part);
    assert_eq!(clone.elements(), [2, 3, 4]);
}
