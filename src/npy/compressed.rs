//! Whole `.npy` files that are compressed, by gzip (`.npy.gz`) or Zstandard (`.npy.zst`): read as a stream.
//!
//! No `.npy` file begins as compressed data do, so the first bytes decide, and not the name.

use crate::array::source::{Bytes, Stream};
use crate::error::{Error, Result};
use crate::region;
use std::fmt;
#[cfg(any(feature = "flate2", feature = "ruzstd"))]
use std::io::BufRead;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// A compressed format, recognized by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    /// [RFC 1952](https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1)
    Gzip,
    /// [RFC 8878](https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1), which may begin with a skippable frame, as
    /// programs that compress in parallel write it
    Zstandard,
    /// Any other format, with the name of the program that decompresses it.
    Other(&'static str),
}

impl Compression {
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstandard),
            [b'B', b'Z', b'h', ..] => Some(Self::Other("bzip2")),
            [0xfd, b'7', b'z', b'X', b'Z', ..] => Some(Self::Other("xz")),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Other("lz4")),
            _ => None,
        }
    }

    /// Returns whether the enabled features decompress it.
    fn is_enabled(self) -> bool {
        match self {
            Self::Gzip => cfg!(feature = "flate2"),
            Self::Zstandard => cfg!(feature = "ruzstd"),
            Self::Other(_) => false,
        }
    }

    /// Returns a reader of the decompressed bytes, or of the same bytes if no enabled feature decompresses them.
    fn decoder<'a>(self, reader: impl Read + 'a) -> Box<dyn Read + 'a> {
        match self {
            #[cfg(feature = "flate2")]
            Self::Gzip => Box::new(Streams::new(BufReader::with_capacity(BUFFER, reader))),
            #[cfg(feature = "ruzstd")]
            Self::Zstandard => Box::new(Frames::new(BufReader::with_capacity(BUFFER, reader))),
            _ => Box::new(reader),
        }
    }
}

/// The size of the buffer for compressed bytes.
#[cfg(any(feature = "flate2", feature = "ruzstd"))]
const BUFFER: usize = 1 << 16;

/// Returns the advice for a file that begins with the bytes `start` where a `.npy` file is expected; empty if they are
/// not those of a compressed file.
pub(super) fn advice(start: &[u8]) -> String {
    let Some(compression) = Compression::of(start) else { return String::new() };
    let (name, feature) = match compression {
        Compression::Gzip => ("gzip", Some("flate2")),
        Compression::Zstandard => ("Zstandard", Some("ruzstd")),
        Compression::Other(name) => (name, None),
    };
    match feature {
        None => format!("; it is compressed by {name}: decompress it first"),
        Some(_) if compression.is_enabled() => {
            format!("; it is compressed by {name}, so it cannot be mapped: `load` decompresses it")
        }
        Some(feature) => {
            format!("; it is compressed by {name}: `load` decompresses it with the feature \"{feature}\"")
        }
    }
}

/// Calls `f` with the decompressed bytes of a source, or with those that it has if they are not compressed by a method
/// that the enabled features decompress.
pub(super) fn unpack<R>(mut bytes: Bytes<'_>, f: impl FnOnce(Bytes<'_>) -> Result<R>) -> Result<R> {
    let start = match &mut bytes {
        Bytes::File(bytes) => first_bytes(&mut bytes.reader(0)),
        Bytes::Stream(stream) => stream.peek(FIRST).map(<[u8]>::to_vec),
    };
    let start = start.map_err(|source| Error::io("read the header", source))?;
    match Compression::of(&start).filter(|compression| compression.is_enabled()) {
        None => f(bytes),
        Some(compression) => {
            let mut decoder = match bytes {
                Bytes::File(bytes) => compression.decoder(bytes.reader(0)),
                Bytes::Stream(stream) => compression.decoder(stream),
            };
            f(Bytes::Stream(Stream::checked(&mut decoder, None)))
        }
    }
}

/// The number of bytes to read from the beginning of a file, enough to recognize a compressed format.
const FIRST: u64 = 8;

fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(FIRST).read_to_end(&mut start)?;
    Ok(start)
}

/// Opens a file for reading from its beginning, decompressed if it is a `.npy` file that is compressed by gzip (with
/// the feature `flate2`) or Zstandard (with the feature `ruzstd`), as [`load`](crate::Options::load) reads it.
///
/// For arrays that do not fit in memory: the reader takes less than 1 MiB, and for Zstandard up to three times the
/// window of the file besides, since the file may refer to what is in it. The window is 8 MB or less by default; one of
/// more than 128 MiB is an error. Memory for it is allocated as the file fills it. Pipes can be read too. The reader
/// checks the checksums at the end. [`load_from`](crate::Options::load_from) loads the next array from it, and
/// [`Header::read`](super::Header::read) reads the next header.
///
/// # Errors
///
/// [`Io`](crate::ErrorKind::Io) if the file cannot be opened or read.
///
/// ```
/// use mmap_array::npy;
/// # use std::io::Read;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("a.npy");
/// npy::save(&path, &[1_u8, 2, 3])?;
/// let mut reader = npy::reader(&path)?; // or of a.npy.gz
/// let header = npy::Header::read(&mut reader)?;
/// let mut elements = vec![0; header.nbytes() as usize];
/// reader.read_exact(&mut elements)?;
/// assert_eq!(elements, [1, 2, 3]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn reader(path: impl AsRef<Path>) -> Result<Reader> {
    let path = path.as_ref();
    let open = || {
        let mut file = BufReader::new(region::open_to_read(path)?);
        let start = first_bytes(&mut file).map_err(|source| Error::io("read the header", source))?;
        let compression = Compression::of(&start);
        let whole = io::Cursor::new(start).chain(file);
        Ok(Reader(compression.unwrap_or(Compression::Other("")).decoder(whole)))
    };
    open().map_err(|error: Error| error.in_file(Some(path)))
}

/// A reader of a file, decompressed if necessary, returned by [`reader`].
pub struct Reader(Box<dyn Read>);

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// A reader of all streams of a gzip file, which checks their checksums. Files that were appended to, or compressed in
/// parallel, have several. Zeros may follow the last, as in blocks of tapes.
#[cfg(feature = "flate2")]
struct Streams<R> {
    /// `None` at the end of the file.
    decoder: Option<flate2::bufread::GzDecoder<R>>,
    is_first: bool,
}

#[cfg(feature = "flate2")]
impl<R: BufRead> Streams<R> {
    fn new(reader: R) -> Self {
        Self { decoder: Some(flate2::bufread::GzDecoder::new(reader)), is_first: true }
    }

    /// Begins the stream after one that has ended.
    fn next_stream(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.take() else { return Ok(()) };
        let mut reader = decoder.into_inner();
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(());
            }
            let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
            let is_end = zeros < bytes.len();
            reader.consume(zeros);
            if is_end {
                (self.decoder, self.is_first) = (Some(flate2::bufread::GzDecoder::new(reader)), false);
                return Ok(());
            }
        }
    }
}

/// Returns whether the content of a file is the cause of an error, and not reading it.
#[cfg(feature = "flate2")]
fn is_of_content(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

#[cfg(feature = "flate2")]
impl<R: BufRead> Read for Streams<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            match decoder.read(buffer) {
                Ok(0) if !buffer.is_empty() => self.next_stream()?,
                Err(error) if !self.is_first && decoder.header().is_none() && is_of_content(&error) => {
                    let text = "bytes that are no gzip stream follow the compressed data";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                read => return read,
            }
        }
        Ok(0)
    }
}

/// A reader of all frames of a Zstandard file, which checks their checksums.
#[cfg(feature = "ruzstd")]
pub(crate) struct Frames<R> {
    reader: R,
    decoder: ruzstd::decoding::FrameDecoder,
    is_in_frame: bool,
}

/// The maximum window of a frame, which the decoder holds in memory: the default maximum of `zstd`.
#[cfg(feature = "ruzstd")]
const WINDOW: u64 = 1 << 27;

/// The largest window for which a decoder is used again.
#[cfg(feature = "ruzstd")]
const REUSED_WINDOW: u64 = 1 << 20;

#[cfg(feature = "ruzstd")]
impl<R: BufRead> Frames<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, decoder: ruzstd::decoding::FrameDecoder::new(), is_in_frame: false }
    }

    /// Begins the next frame; `false` at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.reader.fill_buf()?.is_empty() {
            let mut header = Vec::new();
            self.read_to(&mut header, 4)?;
            if (0x184d_2a50..=0x184d_2a5f).contains(&number(&header)) {
                // A frame of other data.
                let mut len = Vec::new();
                self.read_to(&mut len, 4)?;
                let len = number(&len);
                if io::copy(&mut (&mut self.reader).take(len), &mut io::sink())? < len {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                continue;
            }
            let window = self.read_header(&mut header)?;
            if window > WINDOW {
                let text = format!("its window of {window} bytes is larger than {WINDOW} bytes; decompress it first");
                return Err(damaged(text));
            }
            // One that has been used allocates the window at once; a new one takes some microseconds.
            if window > REUSED_WINDOW {
                self.decoder = ruzstd::decoding::FrameDecoder::new();
            }
            self.decoder.init(&header[..]).map_err(damaged)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads the rest of the header of a frame, and returns the size of its window.
    fn read_header(&mut self, header: &mut Vec<u8>) -> io::Result<u64> {
        self.read_to(header, 5)?;
        let descriptor = usize::from(header[4]);
        let is_single = descriptor >> 5 & 1 == 1;
        let content = 5 + usize::from(!is_single) + [0, 1, 2, 4][descriptor & 3];
        let content_len = [usize::from(is_single), 2, 4, 8][descriptor >> 6];
        self.read_to(header, content + content_len)?;
        if is_single {
            let least = if content_len == 2 { 256 } else { 0 };
            return Ok(number(&header[content..]).saturating_add(least));
        }
        let base = 1 << (10 + u64::from(header[5] >> 3));
        Ok(base + base / 8 * u64::from(header[5] & 7))
    }

    /// Reads bytes until there are `len`.
    fn read_to(&mut self, bytes: &mut Vec<u8>, len: usize) -> io::Result<()> {
        let start = bytes.len();
        bytes.resize(len, 0);
        self.reader.read_exact(&mut bytes[start..])
    }
}

/// Returns the value of up to 8 bytes in little-endian order.
#[cfg(feature = "ruzstd")]
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(feature = "ruzstd")]
impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
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
fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
