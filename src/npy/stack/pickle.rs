//! The part of Python's pickles that is plain data: numbers, texts, tuples and dicts. Nothing is ever called or
//! imported.
//!
//! A pickle is a program for a machine with a stack: most of its opcodes push a value, and some call functions of
//! Python modules, which is why a pickle of unknown origin must not be loaded. Here, the result of such an opcode is an
//! unknown value, which takes part in the program like any other and is of no use. The opcodes are those of protocols 2
//! to 5, described in [`pickletools`]; any that is not needed for dtypes and tuples of numbers is an error.
//!
//! [`pickletools`]: https://github.com/python/cpython/blob/3.14/Lib/pickletools.py

use crate::error::{Error, Reason, Result};
use std::collections::HashMap;
use std::rc::Rc;

/// A value on the stack, as far as it is needed.
#[derive(Clone)]
enum Value<'a> {
    Int(i64),
    Text(&'a [u8]),
    /// The number of items, and that of the items of each item if all are tuples.
    Tuple(usize, Option<Rc<[usize]>>),
    /// The number of the dict.
    Dict(usize),
    Unknown,
    Mark,
}

/// The dict of a pickle, as far as it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// The integer at the key `axis`.
    pub(super) axis: Option<i64>,
    /// The number of items of each item at the key `chunks`.
    pub(super) chunks: Option<Rc<[usize]>>,
}

/// The state of the machine.
struct Machine<'a> {
    bytes: &'a [u8],
    /// The position of the next byte.
    at: usize,
    stack: Vec<Value<'a>>,
    /// The values that the program has stored to push them again, by their numbers.
    memo: HashMap<u32, Value<'a>>,
    dicts: Vec<Info>,
    /// The number of values so far, other than numbers, and of stored values.
    count: usize,
}

/// The most values other than numbers, and stored values. A stack has a few for each axis, for each field of its dtype,
/// and for each number that is of NumPy and not of Python.
const MOST: usize = 1 << 16;

/// Returns the error for a pickle that is not that of a stack.
pub(super) fn malformed(text: impl Into<String>) -> Error {
    Reason::Header(text.into()).error().damaged()
}

/// Returns the dict that is pickled, in time proportional to the length of the pickle and memory proportional to the
/// number of its numbers.
pub(super) fn read(bytes: &[u8]) -> Result<Info> {
    let mut machine = Machine { bytes, at: 0, stack: Vec::new(), memo: HashMap::new(), dicts: Vec::new(), count: 0 };
    machine.run()?;
    match machine.stack[..] {
        [Value::Dict(dict)] => Ok(machine.dicts.swap_remove(dict)),
        _ => Err(malformed("the pickle is not that of a dict")),
    }
}

impl<'a> Machine<'a> {
    /// Executes the program to its end.
    fn run(&mut self) -> Result<()> {
        if !matches!(self.bytes, [0x80, 2..=5, ..]) {
            let start = self.bytes[..self.bytes.len().min(2)].escape_ascii();
            let text = format!("not a pickle of protocol 2 to 5: it begins with \"{start}\"");
            return Err(malformed(text));
        }
        self.at = 2;
        loop {
            let at = self.at;
            let [opcode] = self.array()?;
            match opcode {
                // STOP
                b'.' => return Ok(()),
                // FRAME: its length is of use to readers of pipes.
                0x95 => drop(self.array::<8>()?),
                // MARK
                b'(' => self.push(Value::Mark)?,
                // NONE, NEWTRUE, NEWFALSE, EMPTY_LIST
                b'N' | 0x88 | 0x89 | b']' => self.push(Value::Unknown)?,
                // BINFLOAT
                b'G' => {
                    self.array::<8>()?;
                    self.stack.push(Value::Unknown);
                }
                // BININT1, BININT2, BININT, LONG1
                b'K' => {
                    let [number] = self.array()?;
                    self.stack.push(Value::Int(number.into()));
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.array()?);
                    self.stack.push(Value::Int(number.into()));
                }
                b'J' => {
                    let number = i32::from_le_bytes(self.array()?);
                    self.stack.push(Value::Int(number.into()));
                }
                0x8a => {
                    let [len] = self.array()?;
                    let number = long(self.take(len.into())?);
                    self.push(number.map_or(Value::Unknown, Value::Int))?;
                }
                // SHORT_BINUNICODE, SHORT_BINSTRING, BINUNICODE, BINUNICODE8
                0x8c | b'U' => {
                    let [len] = self.array()?;
                    self.push_text(len.into())?;
                }
                b'X' => {
                    let len = u32::from_le_bytes(self.array()?);
                    self.push_text(len.into())?;
                }
                0x8d => {
                    let len = u64::from_le_bytes(self.array()?);
                    self.push_text(len)?;
                }
                // SHORT_BINBYTES, BINBYTES
                b'C' => {
                    let [len] = self.array()?;
                    self.take(len.into())?;
                    self.push(Value::Unknown)?;
                }
                b'B' => {
                    let len = u32::from_le_bytes(self.array()?);
                    self.take(len.into())?;
                    self.push(Value::Unknown)?;
                }
                // EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
                b')' => self.push_tuple(0)?,
                0x85..=0x87 => self.push_tuple(usize::from(opcode - 0x84))?,
                b't' => {
                    let count = self.marked()?;
                    self.push_tuple(count)?;
                    // The mark is below the tuple.
                    let tuple = self.pop()?;
                    self.pop()?;
                    self.push(tuple)?;
                }
                // EMPTY_DICT
                b'}' => {
                    self.push(Value::Dict(self.dicts.len()))?;
                    self.dicts.push(Info::default());
                }
                // SETITEM, SETITEMS
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set(&key, &value)?;
                }
                b'u' => {
                    let start = self.stack.len() - self.marked()?;
                    let items = self.stack.split_off(start);
                    self.stack.pop();
                    for item in items.chunks(2) {
                        let [key, value] = item else { return Err(self.underflow()) };
                        self.set(key, value)?;
                    }
                }
                // APPEND, APPENDS
                b'a' => drop(self.pop()?),
                b'e' => {
                    let start = self.stack.len() - self.marked()?;
                    self.stack.truncate(start - 1);
                }
                // GLOBAL, and STACK_GLOBAL, REDUCE, NEWOBJ: the result is whatever Python's would be.
                b'c' => {
                    self.line()?;
                    self.line()?;
                    self.push(Value::Unknown)?;
                }
                0x93 | b'R' | 0x81 => {
                    self.pop()?;
                    self.pop()?;
                    self.push(Value::Unknown)?;
                }
                // BUILD: the object stays, whatever it becomes by the state.
                b'b' => {
                    self.pop()?;
                    self.pop()?;
                    self.push(Value::Unknown)?;
                }
                // MEMOIZE, BINPUT, LONG_BINPUT
                0x94 => {
                    let place = self.memo.len() as u32;
                    self.keep(place)?;
                }
                b'q' => {
                    let [place] = self.array()?;
                    self.keep(place.into())?;
                }
                b'r' => {
                    let place = u32::from_le_bytes(self.array()?);
                    self.keep(place)?;
                }
                // BINGET, LONG_BINGET
                b'h' => {
                    let [place] = self.array()?;
                    self.push_kept(place.into())?;
                }
                b'j' => {
                    let place = u32::from_le_bytes(self.array()?);
                    self.push_kept(place)?;
                }
                opcode => {
                    let name = opcode.escape_ascii();
                    return Err(malformed(format!(
                        "the pickle has the opcode 0x{opcode:02x} (\"{name}\") at byte {at}, which is not needed for a \
                         dict of numbers, texts, tuples and dtypes, and is not executed"
                    )));
                }
            }
        }
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        match usize::try_from(len).ok().and_then(|len| rest.get(..len)) {
            Some(bytes) => {
                self.at += bytes.len();
                Ok(bytes)
            }
            None => Err(malformed(format!(
                "the pickle ends at byte {}, within an opcode or before its end",
                self.bytes.len()
            ))),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N as u64)?.try_into().expect("as many bytes as were taken"))
    }

    fn line(&mut self) -> Result<()> {
        while self.array()? != [b'\n'] {}
        Ok(())
    }

    fn underflow(&self) -> Error {
        malformed(format!("the pickle is malformed: the opcode before byte {} lacks a value", self.at))
    }

    /// Pops a value, which may be a mark.
    fn pop(&mut self) -> Result<Value<'a>> {
        self.stack.pop().ok_or_else(|| self.underflow())
    }

    /// Returns the number of values above the last mark.
    fn marked(&self) -> Result<usize> {
        let count = self.stack.iter().rev().position(|value| matches!(value, Value::Mark));
        count.ok_or_else(|| self.underflow())
    }

    /// Counts a value that takes more memory than the bytes of the pickle for it.
    fn count(&mut self) -> Result<()> {
        self.count += 1;
        match self.count > MOST {
            true => Err(malformed(format!(
                "the pickle has more than {MOST} texts, tuples and others besides its numbers, which no stack needs"
            ))),
            false => Ok(()),
        }
    }

    fn push(&mut self, value: Value<'a>) -> Result<()> {
        if !matches!(value, Value::Int(_)) {
            self.count()?;
        }
        self.stack.push(value);
        Ok(())
    }

    fn push_text(&mut self, len: u64) -> Result<()> {
        let text = self.take(len)?;
        self.push(Value::Text(text))
    }

    /// Replaces the last `count` values by a tuple of them.
    fn push_tuple(&mut self, count: usize) -> Result<()> {
        let start = self.stack.len().checked_sub(count).ok_or_else(|| self.underflow())?;
        let len_of = |value: &Value<'_>| match value {
            Value::Tuple(len, _) => Some(*len),
            _ => None,
        };
        let lens = self.stack[start..].iter().map(len_of).collect::<Option<Rc<[usize]>>>();
        self.stack.truncate(start);
        self.push(Value::Tuple(count, lens.filter(|_| count > 0)))
    }

    /// Sets an item of the dict on top of the stack.
    fn set(&mut self, key: &Value<'a>, value: &Value<'a>) -> Result<()> {
        let Some(Value::Dict(dict)) = self.stack.last() else { return Err(self.underflow()) };
        let info = &mut self.dicts[*dict];
        match (key, value) {
            (Value::Text(b"axis"), Value::Int(axis)) => info.axis = Some(*axis),
            (Value::Text(b"axis"), _) => info.axis = None,
            (Value::Text(b"chunks"), Value::Tuple(_, lens)) => info.chunks = lens.clone(),
            (Value::Text(b"chunks"), _) => info.chunks = None,
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, place: u32) -> Result<()> {
        let value = self.stack.last().cloned().ok_or_else(|| self.underflow())?;
        self.count()?;
        self.memo.insert(place, value);
        Ok(())
    }

    fn push_kept(&mut self, place: u32) -> Result<()> {
        let value = self.memo.get(&place).cloned().ok_or_else(|| self.underflow())?;
        self.push(value)
    }
}

/// Returns an integer in two's complement, if it fits.
fn long(bytes: &[u8]) -> Option<i64> {
    let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut number = [if negative { 0xff } else { 0 }; 8];
    number.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pickle.dumps({"chunks": ((3, 70000, 1), (2,)), "dtype": np.dtype("<f8"), "axis": 0}, 2)`, and by protocol 4.
    const TWO: &[u8] = b"\x80\x02}q\0(X\x06\0\0\0chunksq\x01K\x03Jp\x11\x01\0K\x01\x87q\x02K\x02\x85q\x03\x86q\x04\
        X\x05\0\0\0dtypeq\x05cnumpy\ndtype\nq\x06X\x02\0\0\0f8q\x07\x89\x88\x87q\x08Rq\t(K\x03X\x01\0\0\0<q\nNNNJ\
        \xff\xff\xff\xffJ\xff\xff\xff\xffK\0tq\x0bbX\x04\0\0\0axisq\x0cK\0u.";
    const FOUR: &[u8] = b"\x80\x04\x95i\0\0\0\0\0\0\0}\x94(\x8c\x06chunks\x94K\x03Jp\x11\x01\0K\x01\x87\x94K\x02\x85\
        \x94\x86\x94\x8c\x05dtype\x94\x8c\x05numpy\x94\x8c\x05dtype\x94\x93\x94\x8c\x02f8\x94\x89\x88\x87\x94R\x94(K\
        \x03\x8c\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t\x94b\x8c\x04axis\x94K\0u.";

    #[test]
    fn what_is_needed_of_a_dict_is_found_in_every_protocol() {
        let info = Info { axis: Some(0), chunks: Some([3, 1].into()) };
        assert_eq!(read(TWO).unwrap(), info);
        assert_eq!(read(FOUR).unwrap(), info);
    }

    #[test]
    fn a_pickle_that_is_cut_or_changed_is_an_error_or_another_dict() {
        for pickle in [TWO, FOUR] {
            for len in 0..pickle.len() {
                assert!(read(&pickle[..len]).is_err(), "{len}");
                for byte in 0..=255 {
                    let mut changed = pickle.to_vec();
                    changed[len] = byte;
                    let _ = read(&changed);
                }
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_refused_or_unknown() {
        let error = read(b"\x80\x02}(X\x04\0\0\0axiscos\nsystem\nX\x02\0\0\0ls\x85RQu.").unwrap_err();
        assert!(error.to_string().contains("the opcode 0x51 (\"Q\") at byte 33"), "{error}");
        let called = read(b"\x80\x02}(X\x04\0\0\0axiscos\nsystem\nX\x02\0\0\0ls\x85Ru.").unwrap();
        assert_eq!(called, Info::default());
        let old = read(b"(dp0\nS'axis'\np1\nI0\ns.").unwrap_err();
        assert!(old.to_string().contains("not a pickle of protocol 2 to 5: it begins with \"(d\""), "{old}");
        assert!(read(b"").is_err() && read(b"\x80\x04].").is_err());
    }

    #[test]
    fn what_no_stack_needs_takes_no_memory() {
        let hostile: [(&[u8], &[u8]); 5] =
            [(b"", b"}"), (b"}", b"\x94"), (b"", b"}\x94"), (b")", b"\x85"), (b"K\x01", b"\x94")];
        for (start, repeated) in hostile {
            let pickle = [b"\x80\x04", start, &repeated.repeat(2 * MOST)].concat();
            let error = read(&pickle).unwrap_err();
            assert!(error.to_string().contains("the pickle has more than 65536 texts"), "{error}");
        }
    }

    #[test]
    fn integers_of_any_length_are_read() {
        assert_eq!(long(b""), Some(0));
        assert_eq!(long(b"\xff"), Some(-1));
        assert_eq!(long(b"\xff\0"), Some(255));
        assert_eq!(long(&[0, 0, 0, 0, 0, 0, 0, 0x80]), Some(i64::MIN));
        assert_eq!(long(&[0; 9]), None);
    }
}
