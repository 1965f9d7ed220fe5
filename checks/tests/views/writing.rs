//! What a view writes, against the bytes of its model.

use super::*;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Deed {
    Set,
    Fill,
    MapInPlace,
    MapRows,
    MapRowsFrom,
    CopyFrom,
    Slice,
    SplitAt,
    AxisIter,
    Project2,
}

/// Writes through a view, and notes the same in the bytes that are expected after.
pub(crate) struct Writer<'m> {
    pub(crate) deed: Deed,
    pub(crate) expected: &'m mut [u8],
    /// New values, and choices modulo what there is.
    pub(crate) seed: u32,
}

pub(crate) fn deed() -> impl Strategy<Value = (Deed, u32)> {
    use Deed::*;
    const DEEDS: [Deed; 12] =
        [Set, Fill, MapInPlace, MapRows, MapRowsFrom, CopyFrom, CopyFrom, Slice, SplitAt, AxisIter, Project2, Project2];
    (prop::sample::select(&DEEDS[..]), any::<u32>())
}

impl Writer<'_> {
    pub(crate) fn note<T: Pod>(&mut self, place: usize, value: T) {
        self.expected[place..place + size_of::<T>()].copy_from_slice(bytemuck::bytes_of(&value));
    }

    pub(crate) fn note_all<T: Pod>(&mut self, model: &Model, value: T) {
        model.places.iter().for_each(|&place| self.note(place, value));
    }
}

impl Visitor<ReadWrite> for Writer<'_> {
    fn visit<T: Element>(mut self, mut view: ArrayViewMut<'_, T>, model: &Model, memory: &Memory)
    where
        ReadWrite: Load<T>,
    {
        let seed = self.seed;
        let choice = (seed >> 8) as usize;
        let new: T = value(seed);
        let ndim = model.shape.len();
        let axis = choice % ndim.max(1);
        match self.deed {
            Deed::Set => {
                let every = choice % 4 + 1;
                for (index, &place) in indices(&model.shape).iter().zip(&model.places).step_by(every) {
                    view.set(index, new);
                    assert_eq!(view.at(index), new);
                    self.note(place, new);
                }
            }
            Deed::MapInPlace => {
                let mut seen = Vec::new();
                view.map_in_place(|element| {
                    seen.push(element);
                    other(element)
                });
                assert_eq!(seen, memory.elements::<T>(model));
                model.places.iter().zip(seen).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::MapRows if ndim > 0 => {
                let mut seen = Vec::new();
                view.map_rows_in_place(|row| {
                    assert_eq!(row.len(), model.shape[1..].iter().product::<usize>());
                    seen.extend_from_slice(row);
                    row.iter_mut().for_each(|element| *element = other(*element));
                });
                assert_eq!(seen, memory.elements::<T>(model));
                model.places.iter().zip(seen).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::MapRowsFrom if ndim > 0 => {
                let elements: Vec<T> = (0..model.places.len() as u32).map(|n| value(seed.wrapping_add(n))).collect();
                let before = memory.elements::<T>(model);
                copy_some_layout(&model.shape, &elements, choice, |source| {
                    let mut seen = Vec::new();
                    view.map_rows_from(source, |from, row| {
                        seen.extend_from_slice(row);
                        row.iter_mut().zip(from).for_each(|(element, &from)| *element = other(from));
                    });
                    assert_eq!(seen, before);
                });
                model.places.iter().zip(elements).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::CopyFrom => {
                let elements: Vec<T> = (0..model.places.len() as u32).map(|n| value(seed.wrapping_add(n))).collect();
                copy_some_layout(&model.shape, &elements, choice, |source| view.copy_from(source));
                model.places.iter().zip(elements).for_each(|(&place, element)| self.note(place, element));
            }
            Deed::Slice => {
                assert_eq!(view.as_slice_mut().is_some(), memory.is_slice::<T>(model));
                if let Some(slice) = view.into_slice_mut() {
                    assert_eq!(slice.len(), model.places.len());
                    slice.fill(new);
                    self.note_all(model, new);
                }
            }
            Deed::SplitAt if ndim > 0 => {
                let index = choice / 4 % (model.shape[axis] + 1);
                let (mut before, mut from) = view.split_at(axis, index);
                before.fill(new);
                from.fill(other(new));
                self.note_all(&model.slice_axis(axis, 0..index), new);
                self.note_all(&model.slice_axis(axis, index..model.shape[axis]), other(new));
            }
            Deed::AxisIter if ndim > 0 => {
                let mut views: Vec<_> = view.axis_iter(axis).collect();
                assert_eq!(views.len(), model.shape[axis]);
                for (index, view) in views.iter_mut().enumerate().rev() {
                    let new = value::<T>(seed.wrapping_add(index as u32));
                    view.fill(new);
                    self.note_all(&model.index_axis(axis, index), new);
                }
            }
            Deed::Project2 => {
                let bytes = bytemuck::bytes_of(&new);
                for field in T::fill_two_fields(view, bytes).into_iter().flatten() {
                    for &place in &model.places {
                        self.expected[place..][field.clone()].copy_from_slice(&bytes[field.clone()]);
                    }
                }
            }
            Deed::Fill | Deed::MapRows | Deed::MapRowsFrom | Deed::SplitAt | Deed::AxisIter => {
                view.reborrow().fill(new);
                assert!(view.iter().all(|element| element == new));
                self.note_all(model, new);
            }
        }
    }
}

impl Visitor<SharedMut> for Writer<'_> {
    fn visit<T: Element>(mut self, view: ArrayView<'_, T, SharedMut>, model: &Model, memory: &Memory)
    where
        SharedMut: Load<T>,
    {
        let (seed, choice, new) = (self.seed, (self.seed >> 8) as usize, value(self.seed));
        match self.deed {
            Deed::Set => {
                for (index, &place) in indices(&model.shape).iter().zip(&model.places).step_by(choice % 4 + 1) {
                    view.set(index, new);
                    assert_eq!(view.at(index), new);
                    self.note(place, new);
                }
            }
            Deed::MapInPlace => {
                let mut seen = Vec::new();
                view.map_in_place(|element| {
                    seen.push(element);
                    other(element)
                });
                assert_eq!(seen, memory.elements::<T>(model));
                model.places.iter().zip(seen).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::MapRows if !model.shape.is_empty() => {
                let mut seen = Vec::new();
                view.map_rows_in_place(|row| {
                    assert_eq!(row.len(), model.shape[1..].iter().product::<usize>());
                    seen.extend_from_slice(row);
                    row.iter_mut().for_each(|element| *element = other(*element));
                });
                assert_eq!(seen, memory.elements::<T>(model));
                model.places.iter().zip(seen).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::MapRowsFrom if !model.shape.is_empty() => {
                let elements: Vec<T> = (0..model.places.len() as u32).map(|n| value(seed.wrapping_add(n))).collect();
                let before = memory.elements::<T>(model);
                copy_some_layout(&model.shape, &elements, choice, |source| {
                    let mut seen = Vec::new();
                    view.map_rows_from(source, |from, row| {
                        seen.extend_from_slice(row);
                        row.iter_mut().zip(from).for_each(|(element, &from)| *element = other(from));
                    });
                    assert_eq!(seen, before);
                });
                model.places.iter().zip(elements).for_each(|(&place, element)| self.note(place, other(element)));
            }
            Deed::CopyFrom => {
                let elements: Vec<T> = (0..model.places.len() as u32).map(|n| value(seed.wrapping_add(n))).collect();
                copy_some_layout(&model.shape, &elements, choice, |source| view.copy_from(source));
                model.places.iter().zip(elements).for_each(|(&place, element)| self.note(place, element));
            }
            // What is done by shapes alone is the same in every mode.
            Deed::Fill
            | Deed::MapRows
            | Deed::MapRowsFrom
            | Deed::Slice
            | Deed::SplitAt
            | Deed::AxisIter
            | Deed::Project2 => {
                view.fill(new);
                assert!(view.iter().all(|element| element == new));
                self.note_all(model, new);
            }
        }
    }
}

/// Has elements, given in C order, copied from a view of a shape that has them in C order, in Fortran order, backwards
/// with gaps, or at addresses that are not aligned.
pub(crate) fn copy_some_layout<T: Element>(
    shape: &[usize],
    elements: &[T],
    choice: usize,
    mut copy: impl FnMut(&ArrayView<'_, T>),
) {
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut doubled = shape.to_vec();
    let last = shape.len().wrapping_sub(1);
    match choice % 4 {
        0 => {
            let layout = Model::contiguous(&reversed, Order::C, 1, 0).t();
            let storage = stored(&layout, elements);
            copy(&ArrayView::from_slice(&storage, &reversed).unwrap().t());
        }
        1 if !shape.is_empty() => {
            doubled[last] *= 2;
            let layout = Model::contiguous(&doubled, Order::C, 1, 0).step_axis(last, -2);
            let storage = stored(&layout, elements);
            copy(&ArrayView::from_slice(&storage, &doubled).unwrap().step_axis(last, -2));
        }
        2 => {
            let bytes = [&[0], bytemuck::cast_slice::<T, u8>(elements)].concat();
            let source = ArrayView::from_slice(&bytes[1..], bytes.len() - 1).unwrap();
            copy(&source.view_as::<T>().unwrap().reshape(shape).unwrap());
        }
        _ => copy(&ArrayView::from_slice(elements, shape).unwrap()),
    }
}

/// Memory up to the layout's last element, with each element where the layout has it, and zeros elsewhere.
pub(crate) fn stored<T: Pod>(layout: &Model, elements: &[T]) -> Vec<T> {
    let len = layout.places.iter().max().map_or(0, |last| last + 1);
    let mut storage = vec![T::zeroed(); len];
    layout.places.iter().zip(elements).for_each(|(&place, &element)| storage[place] = element);
    storage
}
