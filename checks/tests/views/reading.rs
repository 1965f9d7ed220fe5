//! What a view reads, against what its model reads.

use super::*;

/// Reads a view in every way; `turns` says from which end of the iterator, and how far.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) turns: u64,
}

impl<A: Mode> Visitor<A> for Reader {
    fn visit<T: Element>(self, view: ArrayView<'_, T, A>, model: &Model, memory: &Memory)
    where
        A: Load<T>,
    {
        let expected = memory.elements::<T>(model);
        assert_eq!((view.shape(), view.ndim()), (&model.shape[..], model.shape.len()));
        assert_eq!((view.len(), view.is_empty()), (expected.len(), expected.is_empty()));
        check_strides(&view, model);
        check_indices(&view, &expected);
        check_copies(&view, &expected);
        check_iteration(view.iter(), &expected, self.turns);
        (0..view.ndim()).for_each(|axis| check_axis_iter(view.view(), axis, self.turns));

        assert_eq!(view.is_contiguous(), model.is_consecutive());
        if let Some(slice) = A::as_slice(&view) {
            assert_eq!(slice, memory.is_slice::<T>(model).then_some(&expected[..]));
        }

        let copy = ArrayView::from_slice(&expected, &model.shape).unwrap();
        assert!(view == copy);
        assert!(copy == view);
        assert!(view.view().insert_axis(0).unwrap() != copy);
        if let Some(at) = expected.len().checked_sub(1) {
            let mut changed = expected.clone();
            let at = self.turns as usize % (at + 1);
            changed[at] = other(changed[at]);
            assert!(view != ArrayView::from_slice(&changed, &model.shape).unwrap());
        }
    }
}

pub(crate) fn check_strides<T, A>(view: &ArrayView<'_, T, A>, model: &Model) {
    assert_eq!(view.strides().len(), model.shape.len());
    let steps = model.shape.iter().enumerate().filter(|&(_, &len)| len > 1 && !model.places.is_empty());
    for (axis, _) in steps {
        let mut next = vec![0; model.shape.len()];
        next[axis] = 1;
        let distance = model.place(&next) as isize - model.places[0] as isize;
        assert_eq!(view.strides()[axis], distance, "axis {axis}");
    }
}

pub(crate) fn check_indices<T: Element, A: Load<T>>(view: &ArrayView<'_, T, A>, expected: &[T]) {
    let indices = indices(view.shape());
    assert_eq!(indices.len(), expected.len());
    for (index, &element) in indices.iter().zip(expected) {
        assert_eq!(view.at(index), element, "{index:?}");
        assert_eq!(view.get(index), Some(element), "{index:?}");
    }
    let first = vec![0; view.ndim()];
    for axis in 0..view.ndim() {
        for outside in [view.shape()[axis], usize::MAX] {
            let mut index = first.clone();
            index[axis] = outside;
            assert_eq!(view.get(&index), None, "{index:?}");
        }
        assert_eq!(view.get(&first[1..]), None, "an axis too few");
    }
    assert_eq!(view.get([&first[..], &[0]].concat()), None, "an axis too many");
}

pub(crate) fn check_copies<T: Element, A: Load<T>>(view: &ArrayView<'_, T, A>, expected: &[T]) {
    assert_eq!(view.to_vec(), expected);
    let mut copy = vec![T::zeroed(); expected.len()];
    view.copy_to(&mut copy);
    assert_eq!(copy, expected);
    let mut bytes = Vec::new();
    view.write_to(&mut bytes).unwrap();
    assert_eq!(bytes, bytemuck::cast_slice::<T, u8>(expected));
}

/// Takes the views along an axis from both ends, some with `nth`.
pub(crate) fn check_axis_iter<T: Element, A: Reading>(view: ArrayView<'_, T, A>, axis: usize, turns: u64) {
    let mut left = 0..view.shape()[axis];
    let mut views = view.axis_iter(axis);
    let mut bits = turns;
    while !left.is_empty() {
        assert_eq!((views.len(), views.size_hint()), (left.len(), (left.len(), Some(left.len()))));
        bits = bits.rotate_right(5);
        // Now and then one too many, which leaves none.
        let skipped = if bits & 6 == 0 { (bits >> 3) as usize % (left.len() + 1) } else { 0 };
        let (got, index) = match (bits & 1, skipped) {
            (0, 0) => (views.next(), left.next()),
            (0, _) => (views.nth(skipped), left.nth(skipped)),
            (_, 0) => (views.next_back(), left.next_back()),
            _ => (views.nth_back(skipped), left.nth_back(skipped)),
        };
        assert_eq!(got.is_some(), index.is_some());
        if let (Some(got), Some(index)) = (got, index) {
            let expected = view.index_axis(axis, index);
            assert_eq!((got.shape(), got.strides()), (expected.shape(), expected.strides()));
            assert_eq!(got.to_vec(), expected.to_vec(), "view {index} along axis {axis}");
        }
    }
    assert!(views.len() == 0 && views.next().is_none() && views.next_back().is_none());
}

/// Takes elements from both ends, some with `nth`, and once on the way all that are left, in each way there is.
pub(crate) fn check_iteration<T: Element, A: Load<T>>(mut iter: Iter<'_, T, A>, expected: &[T], turns: u64) {
    let mut left: VecDeque<T> = expected.iter().copied().collect();
    let pause = turns % 12;
    let mut bits = turns;
    for turn in 0.. {
        assert_eq!((iter.len(), iter.size_hint()), (left.len(), (left.len(), Some(left.len()))));
        if turn == pause || turn == 0 {
            check_rest(&iter, &left);
        }
        if turn > pause && left.is_empty() {
            break;
        }
        bits = bits.rotate_right(7);
        let skipped = if bits & 6 == 0 { (bits >> 3) as usize % 16 } else { 0 };
        let end = skipped.min(left.len());
        let (got, element) = if bits & 1 == 0 {
            left.drain(..end);
            (if skipped == 0 { iter.next() } else { iter.nth(skipped) }, left.pop_front())
        } else {
            left.truncate(left.len() - end);
            (if skipped == 0 { iter.next_back() } else { iter.nth_back(skipped) }, left.pop_back())
        };
        assert_eq!(got, element);
    }
    assert_eq!((iter.next(), iter.next_back(), iter.nth(3)), (None, None, None));
}

pub(crate) fn check_rest<T: Element, A: Load<T>>(iter: &Iter<'_, T, A>, left: &VecDeque<T>) {
    let mut folded = VecDeque::new();
    iter.clone().for_each(|element| folded.push_back(element));
    assert_eq!(folded, *left);
    assert!(iter.clone().eq(left.iter().copied()));
    assert!(iter.clone().rev().eq(left.iter().rev().copied()));
    assert_eq!((iter.clone().count(), iter.clone().last()), (left.len(), left.back().copied()));
}
