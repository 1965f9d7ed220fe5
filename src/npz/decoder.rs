//! Methods by which the members of archives are compressed.

use crate::error::{Error, Reason, Result};
#[cfg(feature = "ruzstd")]
use crate::npy::compressed::Frames;
use rawzip::CompressionMethod as Method;
#[cfg(feature = "ruzstd")]
use std::io::BufReader;
use std::io::{self, Read};

/// Returns the name of a method, as Python's `zipfile` has it where it knows the method.
pub(super) fn name(method: Method) -> String {
    match method {
        Method::STORE => "stored".to_owned(),
        Method::DEFLATE => "deflate".to_owned(),
        Method::BZIP2 => "bzip2".to_owned(),
        Method::LZMA => "lzma".to_owned(),
        Method::ZSTD | Method::ZSTD_DEPRECATED => "zstd".to_owned(),
        Method::XZ => "xz".to_owned(),
        other => format!("method {}", other.as_u16()),
    }
}

/// Returns whether `compressed` bytes can decompress to `size` bytes by a method.
pub(super) fn is_possible(method: Method, compressed: u64, size: u64) -> bool {
    match method {
        Method::STORE => size == compressed,
        // No byte that is deflated becomes more than 1032: 258 for each of four codes of two bits.
        Method::DEFLATE => size / 1032 <= compressed,
        // A block of 900,000 bytes, each five of which stand for 259 at most, takes more than 30 bytes.
        Method::BZIP2 => size / (1 << 21) <= compressed,
        // A match of 273 bytes takes 14 decisions, each of them 0.022 bits or more.
        Method::LZMA => size / 7100 <= compressed,
        // A block of 128 KiB takes three bytes or more.
        Method::ZSTD | Method::ZSTD_DEPRECATED => size / (1 << 17) <= compressed,
        _ => true,
    }
}

/// The decompressed bytes of a member.
pub(super) enum Decoder<R: Read> {
    Stored(R),
    Deflate(flate2::read::DeflateDecoder<R>),
    #[cfg(feature = "bzip2")]
    Bzip2(bzip2::read::BzDecoder<R>),
    #[cfg(feature = "lzma-rust2")]
    Lzma(Box<lzma_rust2::LzmaReader<R>>),
    #[cfg(feature = "ruzstd")]
    Zstd(Box<Frames<BufReader<R>>>),
}

impl<R: Read> Decoder<R> {
    /// Returns the decoder of a member whose bytes become `size`.
    #[cfg_attr(not(feature = "lzma-rust2"), expect(unused_variables, reason = "LZMA alone needs the size"))]
    pub(super) fn new(method: Method, reader: R, size: u64) -> Result<Self> {
        Ok(match method {
            Method::STORE => Self::Stored(reader),
            Method::DEFLATE => Self::Deflate(flate2::read::DeflateDecoder::new(reader)),
            #[cfg(feature = "bzip2")]
            Method::BZIP2 => Self::Bzip2(bzip2::read::BzDecoder::new(reader)),
            #[cfg(feature = "lzma-rust2")]
            Method::LZMA => {
                let opened = lzma(reader, size).map_err(|source| Error::io("read the member", source))?;
                Self::Lzma(Box::new(opened))
            }
            #[cfg(feature = "ruzstd")]
            Method::ZSTD | Method::ZSTD_DEPRECATED => Self::Zstd(Box::new(Frames::new(BufReader::new(reader)))),
            other => return Err(unknown(other)),
        })
    }
}

/// Returns the error for a member that is compressed by a method that is not supported, or needs a feature.
fn unknown(method: Method) -> Error {
    let feature = match method {
        Method::BZIP2 => Some("bzip2"),
        Method::LZMA => Some("lzma-rust2"),
        Method::ZSTD | Method::ZSTD_DEPRECATED => Some("ruzstd"),
        _ => None,
    };
    let known =
        "stored and deflated members can be read, and with features of this crate those of bzip2, lzma and zstd";
    let advice = match feature {
        Some(feature) => format!("enable the feature `{feature}` of this crate to read it"),
        None => known.to_owned(),
    };
    Reason::Archive(format!("it is compressed by {}: {advice}", name(method))).error().damaged()
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(reader) => reader.read(buffer),
            Self::Deflate(reader) => reader.read(buffer),
            #[cfg(feature = "bzip2")]
            Self::Bzip2(reader) => reader.read(buffer),
            #[cfg(feature = "lzma-rust2")]
            Self::Lzma(reader) => reader.read(buffer).map_err(damaged),
            #[cfg(feature = "ruzstd")]
            Self::Zstd(reader) => reader.read(buffer),
        }
    }
}

/// Opens a member that LZMA has compressed: the version of the library that did, the length of the properties, the
/// properties, and what they describe (APPNOTE.TXT, 5.8.8).
#[cfg(feature = "lzma-rust2")]
fn lzma<R: Read>(mut reader: R, size: u64) -> io::Result<lzma_rust2::LzmaReader<R>> {
    let mut header = [0; 9];
    reader.read_exact(&mut header)?;
    let [_, _, 5, 0, properties, dictionary @ ..] = header else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the properties of LZMA are not 5 bytes long"));
    };
    // Nothing refers to what was longer ago than the beginning, so the decoder takes no larger dictionary than `size`.
    let dictionary = u32::from_le_bytes(dictionary).min(1 << 30);
    lzma_rust2::LzmaReader::new_with_props(reader, size, properties, dictionary, None).map_err(damaged)
}

/// Sets the kind of an error of the decoder to `InvalidData` if it has none.
#[cfg(feature = "lzma-rust2")]
fn damaged(error: io::Error) -> io::Error {
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::Other, None) => io::Error::new(io::ErrorKind::InvalidData, error),
        _ => error,
    }
}
