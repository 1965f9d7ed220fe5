//! Standard output, whose errors are distinguished from those of the files that are read.

use std::io::{self, BufWriter, Write};

/// A buffered writer that keeps its first error.
pub(crate) struct Output<W: Write> {
    inner: BufWriter<Keeper<W>>,
}

/// A writer that keeps its first error, and writes nothing after it.
struct Keeper<W> {
    inner: W,
    error: Option<io::Error>,
}

impl<W: Write> Output<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner: BufWriter::with_capacity(1 << 16, Keeper { inner, error: None }) }
    }

    /// Returns whether something could not be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.inner.get_ref().error.is_some()
    }

    /// Flushes the buffer, and returns the first error of any write.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let flushed = if self.has_failed() { Ok(()) } else { self.inner.flush() };
        let (keeper, _) = self.inner.into_parts();
        keeper.error.map_or(flushed, Err)
    }
}

impl<W: Write> Write for Output<W> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Keeper<W> {
    /// Keeps the error of a result unless it is `Interrupted` or an earlier one is kept, and returns the result with
    /// the kind of the error.
    fn kept<R>(&mut self, result: io::Result<R>) -> io::Result<R> {
        result.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted && self.error.is_none() {
                self.error = Some(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Keeper<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let written = self.inner.write(bytes);
        let written =
            written.and_then(|count| if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count) });
        self.kept(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.kept(flushed)
    }
}
