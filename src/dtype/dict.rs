//! Records described by the offsets of their fields, as in NumPy's `dtype({'names': […], 'formats': […], …})`.
//!
//! This is the only form that can express every record: fields that overlap, that are out of order, or that are a few
//! of many. NumPy prints dtypes in this form if a list of fields cannot express them, and so does [`DType`]'s
//! `Display`.
//!
//! This module refuses keys that NumPy does not know and therefore ignores, and an `aligned` that is neither `True` nor
//! `False`.

use super::descr::Reader;
use super::literal::{Literal, Node};
use super::typestr::MAX_ITEMSIZE;
use super::{DType, RecordField};
use crate::error::Result;

/// The keys that NumPy accepts.
const KEYS: &str = "'names', 'formats', 'offsets', 'titles', 'aligned', 'itemsize'";

impl Reader<'_> {
    /// Returns the record that a dict nested inside `depth` other dtypes describes.
    pub(super) fn placed_record(&self, node: &Node, entries: &[(Node, Node)], depth: usize) -> Result<DType> {
        let [mut names, mut formats, mut offsets, mut titles, mut aligned, mut itemsize] = [None; 6];
        for (key, value) in entries {
            let Literal::Text(name) = &key.literal else { return self.expected(key, &format!("one of {KEYS}")) };
            let entry = match name.as_str() {
                "names" => &mut names,
                "formats" => &mut formats,
                "offsets" => &mut offsets,
                "titles" => &mut titles,
                "aligned" => &mut aligned,
                "itemsize" => &mut itemsize,
                _ => return self.expected(key, &format!("one of {KEYS}")),
            };
            *entry = Some(value);
        }
        let (Some(names), Some(formats)) = (names, formats) else {
            return self.expected(node, "a record with its 'names' and its 'formats'");
        };
        let names = self.list(names)?;
        let of_each = |node| -> Result<&[Node]> {
            match self.list(node)? {
                list if list.len() == names.len() => Ok(list),
                list => Err(self
                    .error(node, format!("expected {} entries, one for each name; found {}", names.len(), list.len()))),
            }
        };
        let (formats, offsets) = (of_each(formats)?, offsets.map(of_each).transpose()?);
        let titles = titles.map(of_each).transpose()?;
        let inside = match aligned.map(|node| (&node.literal, node)) {
            None => *self,
            Some((Literal::Bool(true), _)) => self.aligned(),
            Some((Literal::Bool(false), _)) => *self,
            Some((_, node)) => return self.expected(node, "True or False"),
        };

        let (mut fields, mut end, mut alignment) = (Vec::with_capacity(names.len()), 0_usize, 1_usize);
        for (k, name) in names.iter().enumerate() {
            let Literal::Text(text) = &name.literal else {
                return self.expected(name, "the name of a field, a string");
            };
            let dtype = inside.dtype(&formats[k], depth + 1)?;
            let of_field = inside.alignment(&dtype);
            let offset = match offsets {
                None => end.next_multiple_of(of_field),
                Some(offsets) => self.count(&offsets[k])?,
            };
            if offset % of_field != 0 {
                let text = format!(
                    "an offset of {offset}, but the offset of this aligned field must be a multiple of {of_field}"
                );
                return Err(self.error(offsets.map_or(name, |offsets| &offsets[k]), text));
            }
            let title = match titles.map(|titles| (&titles[k].literal, &titles[k])) {
                None | Some((Literal::None, _)) => None,
                Some((Literal::Text(title), _)) => Some(title.clone()),
                Some((_, node)) => return self.expected(node, "the title of a field, a string or None"),
            };
            end = self.record_size(name, end.max(offset.saturating_add(dtype.itemsize())))?;
            alignment = alignment.max(of_field);
            fields.push(RecordField { name: text.clone(), title, offset, dtype });
        }
        let size = match itemsize {
            None => self.record_size(node, end.next_multiple_of(alignment))?,
            Some(node) => match self.count(node)? {
                size if size % alignment == 0 => size,
                size => {
                    return Err(self
                        .error(node, format!("{size} bytes, which is not a multiple of the alignment, {alignment}")));
                }
            },
        };
        let record = DType::record(fields, size).map_err(|error| self.error(node, error.to_string()))?;
        Ok(record.aligned_to(alignment))
    }

    fn list<'n>(&self, node: &'n Node) -> Result<&'n [Node]> {
        match &node.literal {
            Literal::List(nodes) | Literal::Tuple(nodes) => Ok(nodes),
            _ => self.expected(node, "a list"),
        }
    }

    /// Returns a number of bytes that NumPy can count.
    fn count(&self, node: &Node) -> Result<usize> {
        match node.literal {
            Literal::Int(count) => (usize::try_from(count).ok().filter(|&count| count <= MAX_ITEMSIZE))
                .ok_or_else(|| self.error(node, format!("{count} bytes; expected 0 to {MAX_ITEMSIZE}"))),
            _ => self.expected(node, "a number of bytes"),
        }
    }
}
