//! Whole `.npy` files that are compressed, by gzip (`.npy.gz`) or Zstandard (`.npy.zst`): read as a stream.
//!
//! No `.npy` file begins as compressed data do, so the first bytes decide, and not the name.

use crate::array::source::Bytes;
#[cfg(any(feature = "flate2", feature = "ruzstd"))]
use crate::array::source::Stream;
use crate::error::{Error, Result};
use std::io::Read;

/// The formats that are recognized by how they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    /// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1)
    Gzip,
    /// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1)
    Zstandard,
    /// Those that have to be decompressed by another program.
    Other(&'static str),
}

impl Compression {
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstandard),
            [b'B', b'Z', b'h', ..] => Some(Self::Other("bzip2")),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(Self::Other("xz")),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Other("lz4")),
            _ => None,
        }
    }
}

/// Returns the advice for a file that begins with the bytes `start` where a `.npy` file is expected; empty if they are
/// not those of a compressed file.
pub(super) fn advice(start: &[u8]) -> String {
    let (name, feature, is_enabled) = match Compression::of(start) {
        None => return String::new(),
        Some(Compression::Gzip) => ("gzip", "flate2", cfg!(feature = "flate2")),
        Some(Compression::Zstandard) => ("Zstandard", "ruzstd", cfg!(feature = "ruzstd")),
        Some(Compression::Other(name)) => return format!("; it is compressed by {name}: decompress it first"),
    };
    match is_enabled {
        true => format!("; it is compressed by {name}, so it cannot be mapped: `load` decompresses it"),
        false => format!("; it is compressed by {name}: `load` decompresses it with the feature \"{feature}\""),
    }
}

/// Calls `f` with the decompressed bytes of a source, or with those that it has if they are not compressed by a method
/// that the enabled features decompress.
pub(super) fn unpack<R>(mut bytes: Bytes<'_>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
    let failed = |source| Error::io("read the header", source);
    let mut start = [0; 8];
    let found = match &mut bytes {
        Bytes::File(bytes) => {
            let len = read_up_to(&mut bytes.reader(0), &mut start).map_err(failed)?;
            Compression::of(&start[..len])
        }
        Bytes::Stream(stream) => Compression::of(stream.peek(start.len() as u64).map_err(failed)?),
    };
    match found {
        #[cfg(feature = "flate2")]
        Some(Compression::Gzip) => {
            // Several members follow one another in files that were appended to, or compressed in parallel.
            f(Bytes::Stream(Stream::checked(&mut flate2::read::MultiGzDecoder::new(reader(bytes)), None)))
        }
        #[cfg(feature = "ruzstd")]
        Some(Compression::Zstandard) => f(Bytes::Stream(Stream::checked(&mut Frames::new(reader(bytes)), None))),
        _ => f(bytes),
    }
}

/// Reads bytes until the buffer is full or the reader ends, and returns their number.
fn read_up_to(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut held = Vec::new();
    let len = reader.take(buffer.len() as u64).read_to_end(&mut held)?;
    buffer[..len].copy_from_slice(&held);
    Ok(len)
}

#[cfg(any(feature = "flate2", feature = "ruzstd"))]
fn reader(bytes: Bytes<'_>) -> Box<dyn Read + '_> {
    match bytes {
        Bytes::File(bytes) => Box::new(bytes.reader(0)),
        Bytes::Stream(stream) => Box::new(std::io::BufReader::new(stream)),
    }
}

/// A reader of all frames of a Zstandard file, which checks their checksums.
#[cfg(feature = "ruzstd")]
pub(crate) struct Frames<R> {
    reader: std::io::BufReader<R>,
    decoder: ruzstd::decoding::FrameDecoder,
    is_in_frame: bool,
}

#[cfg(feature = "ruzstd")]
impl<R: Read> Frames<R> {
    pub(crate) fn new(reader: R) -> Self {
        /// A frame of no bytes.
        const EMPTY: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00];
        let mut decoder = ruzstd::decoding::FrameDecoder::new();
        // The first frame's window would be of any size, that of all others is limited to 100 MiB.
        let _ = decoder.init(&EMPTY[..]);
        Self { reader: std::io::BufReader::with_capacity(1 << 16, reader), decoder, is_in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the file.
    fn next_frame(&mut self) -> std::io::Result<bool> {
        use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
        use std::io::BufRead;
        while !self.reader.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.reader) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let mut skipped = (&mut self.reader).take(length.into());
                    if std::io::copy(&mut skipped, &mut std::io::sink())? < length.into() {
                        return Err(std::io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(damaged(error)),
            }
        }
        Ok(false)
    }
}

#[cfg(feature = "ruzstd")]
impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        use ruzstd::decoding::BlockDecodingStrategy;
        while !buffer.is_empty() {
            if !self.is_in_frame {
                self.is_in_frame = self.next_frame()?;
                if !self.is_in_frame {
                    return Ok(0);
                }
            }
            match self.decoder.read(buffer)? {
                0 if !self.decoder.is_finished() => {
                    let one = BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder.decode_blocks(&mut self.reader, one).map_err(damaged)?;
                }
                0 => {
                    let (found, stated) =
                        (self.decoder.get_calculated_checksum(), self.decoder.get_checksum_from_data());
                    if stated.is_some() && stated != found {
                        return Err(damaged("the checksum is wrong"));
                    }
                    self.is_in_frame = false;
                }
                count => return Ok(count),
            }
        }
        Ok(0)
    }
}

#[cfg(feature = "ruzstd")]
fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, error)
}
