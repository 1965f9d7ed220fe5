//! The model of a view, and the memory that both are of.

use super::*;

/// Where elements lie: the byte of each, in C order.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) shape: Vec<usize>,
    pub(crate) places: Vec<usize>,
    /// Bytes of one element.
    pub(crate) size: usize,
}

/// All indices of a shape, in C order.
pub(crate) fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut indices = vec![vec![]];
    for &len in shape {
        indices = indices.iter().flat_map(|head| (0..len).map(move |last| [head, &[last][..]].concat())).collect();
    }
    indices
}

impl Model {
    /// Elements one after another from the byte `start` on.
    pub(crate) fn contiguous(shape: &[usize], order: Order, size: usize, start: usize) -> Self {
        let place = |index: &Vec<usize>| {
            let position = |axes: &mut dyn Iterator<Item = usize>| {
                axes.fold(0, |position, axis| position * shape[axis] + index[axis])
            };
            let position = match order {
                Order::C => position(&mut (0..shape.len())),
                Order::F => position(&mut (0..shape.len()).rev()),
            };
            start + position * size
        };
        Self { shape: shape.to_vec(), places: indices(shape).iter().map(place).collect(), size }
    }

    pub(crate) fn place(&self, index: &[usize]) -> usize {
        let position = index.iter().zip(&self.shape).fold(0, |position, (index, len)| position * len + index);
        self.places[position]
    }

    /// The elements of `shape` of which each lies where this model has the one at `from(index)`.
    pub(crate) fn pick(&self, shape: Vec<usize>, from: impl Fn(Vec<usize>) -> Vec<usize>) -> Self {
        let places = indices(&shape).into_iter().map(|index| self.place(&from(index))).collect();
        Self { shape, places, size: self.size }
    }

    /// The elements of `picked` indices along an axis, in that order.
    pub(crate) fn along(&self, axis: usize, picked: &[usize]) -> Self {
        let mut shape = self.shape.clone();
        shape[axis] = picked.len();
        self.pick(shape, |mut index| {
            index[axis] = picked[index[axis]];
            index
        })
    }

    pub(crate) fn slice_axis(&self, axis: usize, range: Range<usize>) -> Self {
        self.along(axis, &range.collect::<Vec<_>>())
    }

    pub(crate) fn step_axis(&self, axis: usize, step: isize) -> Self {
        let along = 0..self.shape[axis];
        let every = step.unsigned_abs();
        let picked: Vec<usize> =
            if step > 0 { along.step_by(every).collect() } else { along.rev().step_by(every).collect() };
        self.along(axis, &picked)
    }

    pub(crate) fn index_axis(&self, axis: usize, at: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.remove(axis);
        self.pick(shape, |mut index| {
            index.insert(axis, at);
            index
        })
    }

    pub(crate) fn permute(&self, axes: &[usize]) -> Self {
        let shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        self.pick(shape, |index| {
            let mut from = vec![0; index.len()];
            axes.iter().zip(index).for_each(|(&axis, at)| from[axis] = at);
            from
        })
    }

    pub(crate) fn t(&self) -> Self {
        self.permute(&(0..self.shape.len()).rev().collect::<Vec<_>>())
    }

    pub(crate) fn insert_axis(&self, axis: usize) -> Self {
        let mut shape = self.shape.clone();
        shape.insert(axis, 1);
        Self { shape, ..self.clone() }
    }

    pub(crate) fn reshape(&self, shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), ..self.clone() }
    }

    pub(crate) fn project(&self, offset: usize, size: usize) -> Self {
        let places = self.places.iter().map(|place| place + offset).collect();
        Self { shape: self.shape.clone(), places, size }
    }

    pub(crate) fn unpack(&self, items: usize) -> Self {
        let size = self.size / items;
        let places = self.places.iter().flat_map(|place| (0..items).map(move |item| place + item * size)).collect();
        Self { shape: [&self.shape[..], &[items]].concat(), places, size }
    }

    /// NumPy's rule (`array_descr_set` in `getset.c`): the same size always; another size never in 0-d, and only where
    /// the last axis is contiguous or of length 1, or nothing is there at all; a smaller size must divide the old one,
    /// a larger one the bytes of the last axis.
    pub(crate) fn view_as(&self, size: usize) -> Result<Self, ErrorKind> {
        if size == self.size {
            return Ok(self.clone());
        }
        let Some((&last, outer)) = self.shape.split_last() else { return Err(ErrorKind::SizeMismatch) };
        if self.places.len() > 1 && last > 1 && self.places[1] != self.places[0] + self.size {
            return Err(ErrorKind::NotContiguous);
        }
        let bytes = last * self.size;
        if if size < self.size { self.size % size != 0 } else { bytes % size != 0 } {
            return Err(ErrorKind::SizeMismatch);
        }
        let rows = self.places.iter().step_by(last.max(1));
        let places = rows.flat_map(|row| (0..bytes / size).map(move |item| row + item * size)).collect();
        Ok(Self { shape: [outer, &[bytes / size]].concat(), places, size })
    }

    /// Whether the elements lie one after another in C order.
    pub(crate) fn is_consecutive(&self) -> bool {
        self.places.windows(2).all(|pair| pair[1] == pair[0] + self.size)
    }
}

/// The bytes that views are of, and the address of the first.
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    pub(crate) address: usize,
}

impl Memory {
    pub(crate) fn elements<T: Pod>(&self, model: &Model) -> Vec<T> {
        assert_eq!(model.size, size_of::<T>());
        model.places.iter().map(|&place| bytemuck::pod_read_unaligned(&self.bytes[place..place + model.size])).collect()
    }

    /// Whether a reference to a slice of the elements could be.
    pub(crate) fn is_slice<T>(&self, model: &Model) -> bool {
        let aligned = |place| (self.address + place) % align_of::<T>() == 0;
        model.is_consecutive() && model.places.first().is_none_or(aligned)
    }
}

/// Bytes of no period. 0x7f and 0xff are left out, without which no float of them is a NaN.
pub(crate) fn pattern(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match (state >> 24) as u8 {
            0x7f | 0xff => 0x55,
            byte => byte,
        }
    };
    std::iter::repeat_with(next).take(len).collect()
}

pub(crate) fn value<T: Pod>(seed: u32) -> T {
    bytemuck::pod_read_unaligned(&pattern(size_of::<T>(), seed))
}

/// An element that differs from this one, and is no NaN either.
pub(crate) fn other<T: Pod>(mut element: T) -> T {
    let middle = size_of::<T>() / 2;
    bytemuck::bytes_of_mut(&mut element)[middle] ^= 2;
    element
}
