//! Files and standard input, line by line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// Reads a line without its end. Of a line beyond the limit one byte more than the limit is kept,
/// so that it shows, and the rest is skipped.
pub fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    line.clear();
    let mut read = reader
        .by_ref()
        .take(limit as u64 + 2)
        .read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > limit {
        line.truncate(limit + 1);
        read += reader.skip_until(b'\n')?;
    }
    Ok(read)
}

/// A file; `-` for standard input.
pub fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        Ok(Box::new(io::stdin().lock()))
    } else {
        Ok(Box::new(BufReader::with_capacity(
            1 << 16,
            File::open(file)?,
        )))
    }
}
