//! Output with somebody who reads it, and who may leave.

use std::io::{self, ErrorKind, Write};

/// Writes on until the reader has gone, and knows whether that was it.
pub struct Reader<W> {
    out: W,
    gone: bool,
}

impl<W: Write> Reader<W> {
    /// Somebody reads `out`.
    pub fn new(out: W) -> Self {
        Self { out, gone: false }
    }

    /// Whether the reader has had enough, which is no error.
    pub fn has_gone(&self) -> bool {
        self.gone
    }

    fn heard<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.gone |= done.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        done
    }
}

impl<W: Write> Write for Reader<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes);
        self.heard(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.heard(done)
    }
}
