//! The bytes of an array's elements as a stream, whatever their source.

use super::gathered::Portions;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// The bytes of an array's elements, read forwards.
pub(crate) struct Input<'a> {
    reader: Reader<'a>,
    /// The position of the next byte, counted from the first byte of the elements.
    position: u64,
}

enum Reader<'a> {
    File(BufReader<File>),
    Stream(Box<dyn Read + 'a>),
    Portions(Portions<'a>),
}

impl<'a> Input<'a> {
    /// Creates an input of the bytes of a file from the byte `start` on.
    pub(crate) fn of_file(mut file: File, start: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(start))?;
        Ok(Self { reader: Reader::File(BufReader::with_capacity(1 << 16, file)), position: 0 })
    }

    /// Creates an input of a stream that begins with the byte `position` of the elements.
    pub(crate) fn of_stream(stream: Box<dyn Read + 'a>, position: u64) -> Self {
        Self { reader: Reader::Stream(stream), position }
    }

    /// Creates an input of elements that are not contiguous in one file.
    pub(crate) fn of_portions(portions: Portions<'a>) -> Self {
        Self { reader: Reader::Portions(portions), position: 0 }
    }

    /// Reads the rest of a stream, whose end may be a checksum.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match &mut self.reader {
            Reader::Stream(stream) => io::copy(stream, &mut io::sink()).map(drop),
            Reader::File(_) | Reader::Portions(_) => Ok(()),
        }
    }

    /// Skips the bytes before `position`, which has not been read yet.
    pub(crate) fn skip_to(&mut self, position: u64) -> io::Result<()> {
        let count = position - self.position;
        match &mut self.reader {
            // Both are places in a file.
            Reader::File(file) => file.seek_relative(count as i64)?,
            Reader::Portions(portions) => portions.skip_to(position),
            Reader::Stream(stream) => {
                if io::copy(&mut stream.take(count), &mut io::sink())? < count {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        self.position = position;
        Ok(())
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.reader {
            Reader::File(file) => file.read(buffer),
            Reader::Stream(stream) => stream.read(buffer),
            Reader::Portions(portions) => portions.read(buffer),
        }?;
        self.position += count as u64;
        Ok(count)
    }
}
