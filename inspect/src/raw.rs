//! Files without a header, and members of archives without one.

use super::Failure;
use super::archive::{Archive, Member};
use super::gathered::{Gathered, Packed};
use super::source::{Place, Source, is_npy, named, nth, split};
use super::spool::open;
use mmap_array::access::Shared;
use mmap_array::array::{Elements, Format, StridedRaw};
use mmap_array::{DType, DynArray, Element, MmapArray, Options, Order};
use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::rc::Rc;

/// The format of a file without a header, as the arguments give it.
#[derive(Default)]
pub(crate) struct Raw {
    pub(crate) dtype: Option<DType>,
    pub(crate) offset: Option<u64>,
    pub(crate) shape: Option<Vec<Option<usize>>>,
    pub(crate) order: Order,
    pub(crate) strides: Option<Vec<isize>>,
    pub(crate) packed: Option<Packed>,
}

impl Raw {
    /// Returns the byte at which the first element begins, the dtype, and the options that open the elements.
    fn options(&self) -> Result<(u64, DType, Options<DType>), Failure> {
        let offset = self.offset.unwrap_or(0);
        let dtype = match &self.dtype {
            Some(dtype) => dtype.clone(),
            None => "u1".parse()?,
        };
        let options = DynArray::options(dtype.clone()).offset(offset).order(self.order);
        Ok((offset, dtype, self.shape.as_ref().map_or(options.clone(), |shape| options.shape(shape.as_slice()))))
    }

    /// Returns the shape of the array in a file of `file_len` bytes, or `None` if the bytes do not fit the format.
    fn shape_in(&self, itemsize: usize, file_len: u64) -> Option<Vec<usize>> {
        let lens = self.shape.clone().unwrap_or_else(|| vec![None]);
        let available = file_len.checked_sub(self.offset.unwrap_or(0))?;
        let given = |bytes: u64, len: &usize| bytes.checked_mul(*len as u64);
        let step = lens.iter().flatten().try_fold(itemsize as u64, given)?;
        let rest = match lens.iter().filter(|len| len.is_none()).count() {
            0 if step <= available => 0,
            1 if file_len > 0 && step > 0 && available % step == 0 => usize::try_from(available / step).ok()?,
            _ => return None,
        };
        Some(lens.into_iter().map(|len| len.unwrap_or(rest)).collect())
    }

    /// Returns whether the elements have strides or are packed pixels.
    fn is_gathered(&self) -> bool {
        self.strides.is_some() || self.packed.is_some()
    }

    /// Opens a file, or a member of an archive, whose elements have strides or are packed pixels.
    fn gathered(&self, path: PathBuf, member: Option<(Archive, usize)>) -> Result<Source, Failure> {
        let found = match &member {
            Some((archive, number)) => Some((archive, nth(archive, *number)?)),
            None => None,
        };
        let (name, from) = match found {
            Some((archive, member)) => (
                format!("{}:{}", path.display(), member.name()),
                format!("mmap_array::{}({path:?})?.member({:?})?", archive.opening(), member.name()),
            ),
            None => (path.display().to_string(), format!("{path:?}")),
        };
        let (offset, member) = (self.offset.unwrap_or(0), found.map(|(_, member)| member));
        let file = match found {
            Some((archive, _)) => archive.file().try_clone()?,
            None => open(&path)?,
        };
        let (array, dtype, shape) = match self.packed {
            Some(packed) => self.pixels(packed, &name, &file, member)?,
            None => self.apart(&name, &file, member)?,
        };
        let start = match member {
            Some(member) => member.first_byte().map(|first| first + offset),
            None => Some(offset),
        };
        let place = Place::Gathered(array, offset, from);
        Ok(Source::without_header(name, Order::C, dtype, shape, start, path, file, place))
    }

    /// Opens elements with strides.
    fn apart(
        &self,
        name: &str,
        file: &File,
        member: Option<Member<'_>>,
    ) -> Result<(Gathered, DType, Vec<usize>), Failure> {
        let dtype = self.dtype.clone().map_or_else(|| "u1".parse(), Ok)?;
        let shape = self.shape.clone().unwrap_or_else(|| vec![None]);
        let strides = self.strides.clone().unwrap_or_default();
        let options = DynArray::options(dtype.clone()).offset(self.offset.unwrap_or(0)).shape(shape.as_slice());
        let array = strided(options.strides(&strides), name, file, member)?;
        let shape = array.shape().to_vec();
        Ok((Gathered::Apart { array, strides }, dtype, shape))
    }

    /// Opens packed pixels.
    fn pixels(
        &self,
        packed: Packed,
        name: &str,
        file: &File,
        member: Option<Member<'_>>,
    ) -> Result<(Gathered, DType, Vec<usize>), Failure> {
        let refused = |text: String| Failure::new(format!("{name}: {text}"));
        if self.order != Order::C {
            return Err(refused("packed pixels lie row by row; leave out --order".into()));
        }
        let Some((&Some(width), others)) = self.shape.as_ref().and_then(|shape| shape.split_last()) else {
            let text = "packed pixels need --shape, whose last number is the number of pixels in a row";
            return Err(refused(text.into()));
        };
        let row = packed.packing.row_bytes(packed.bits, width).map_err(|error| named(name, &error))?;
        let strides = match &self.strides {
            Some(strides) if strides.len() == others.len() => strides.clone(),
            Some(strides) => {
                let (found, wanted) = (strides.len(), others.len());
                let text = "packed pixels need a stride along each axis but the last";
                return Err(refused(format!("{text}: expected {wanted}, found {found}")));
            }
            // One row after another.
            None => {
                let inner = |axis: usize| others[axis + 1..].iter().flatten();
                let stride = |axis| inner(axis).fold(row, |bytes, &len| bytes.saturating_mul(len)) as isize;
                (0..others.len()).map(stride).collect()
            }
        };
        let shape: Vec<Option<usize>> = others.iter().copied().chain([Some(row)]).collect();
        let options = MmapArray::<u8>::options().offset(self.offset.unwrap_or(0)).shape(shape.as_slice());
        let rows = strided(options.strides([&strides[..], &[1]].concat()), name, file, member)?;
        let mut shape = rows.shape().to_vec();
        shape[others.len()] = width;
        Ok((Gathered::Pixels { rows, strides, packed, width }, <u16 as Element>::dtype(), shape))
    }
}

/// Opens elements with strides in a file, or in a member of an archive.
fn strided<E>(
    options: Options<E, StridedRaw>,
    name: &str,
    file: &File,
    member: Option<Member<'_>>,
) -> Result<E::Array, Failure>
where
    E: Elements<Shared> + Clone + Send + Sync + 'static,
    StridedRaw: Format<E>,
{
    let array = match member {
        Some(member) => member.strided(options),
        None => options.open_shared(file),
    };
    array.map_err(|error| named(name, &error))
}

impl Source {
    /// Opens a file without a header, or a member of an archive as one.
    pub(crate) fn raw(file: &OsStr, raw: &Raw, recover: bool) -> Result<Self, Failure> {
        if let (path, Some(member)) = split(file) {
            let archive = Archive::open(&path, recover)?;
            let number = archive.find(member)?;
            return match raw.is_gathered() {
                true => raw.gathered(path, Some((archive, number))),
                false => Self::raw_member(Rc::new(archive), number, raw),
            };
        }
        let path = PathBuf::from(file);
        if raw.offset.is_none() && path.is_file() && is_npy(&path) {
            return Err(Failure::new(format!(
                "{}: it is a `.npy` file, whose header says what the elements are; with --offset 0 it is read as raw \
                 bytes",
                path.display()
            )));
        }
        if raw.is_gathered() {
            return raw.gathered(path, None);
        }
        let (offset, dtype, options) = raw.options()?;
        let metadata = path.metadata().ok().filter(|metadata| metadata.is_file());
        let shape = match metadata.and_then(|metadata| raw.shape_in(dtype.itemsize(), metadata.len())) {
            Some(shape) => shape,
            // The library says what is wrong.
            None => options.clone().open_shared(&path)?.shape().to_vec(),
        };
        let (name, file) = (path.display().to_string(), open(&path)?);
        let place = Place::Raw(options, offset, None);
        Ok(Self::without_header(name, raw.order, dtype, shape, Some(offset), path, file, place))
    }

    /// Opens a member of an archive as a file without a header.
    pub(crate) fn raw_member(archive: Rc<Archive>, number: usize, raw: &Raw) -> Result<Self, Failure> {
        let member = nth(&archive, number)?;
        let (offset, dtype, options) = raw.options()?;
        let shape = match raw.shape_in(dtype.itemsize(), member.size()) {
            Some(shape) => shape,
            None if member.size() == 0 && raw.shape.is_none() && offset == 0 => vec![0],
            None if member.is_stored() => member.raw_shape(options.clone())?,
            None => {
                let text = "its bytes are not a whole number of elements, or fewer than --offset and --shape need";
                return Err(Failure::new(format!("{}:{}: {text}", archive.path().display(), member.name())));
            }
        };
        let start = member.first_byte().map(|start| start + offset);
        let name = format!("{}:{}", archive.path().display(), member.name());
        let path = archive.path().to_owned();
        let file = archive.file().try_clone()?;
        let place = Place::Raw(options, offset, Some((archive, number)));
        Ok(Self::without_header(name, raw.order, dtype, shape, start, path, file, place))
    }
}
