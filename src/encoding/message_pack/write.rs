//! Bytes of MessagePack: what stands before a value says its kind and length, in the shortest form.

use std::fmt::{self, Display, Write as _};

use super::Error;

pub(super) const NIL: u8 = 0xC0;
pub(super) const FALSE: u8 = 0xC2;
pub(super) const TRUE: u8 = 0xC3;

pub(super) fn unsigned(out: &mut Vec<u8>, number: u64) {
    if let Ok(number) = u8::try_from(number) {
        if number >= 0x80 {
            out.push(0xCC);
        }
        out.push(number);
    } else if let Ok(number) = u16::try_from(number) {
        out.push(0xCD);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = u32::try_from(number) {
        out.push(0xCE);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xCF);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

pub(super) fn signed(out: &mut Vec<u8>, number: i64) {
    if let Ok(number) = u64::try_from(number) {
        unsigned(out, number);
    } else if let Ok(number) = i8::try_from(number) {
        if number < -0x20 {
            out.push(0xD0);
        }
        out.push(number.cast_unsigned());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(0xD1);
        out.extend_from_slice(&number.to_be_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(0xD2);
        out.extend_from_slice(&number.to_be_bytes());
    } else {
        out.push(0xD3);
        out.extend_from_slice(&number.to_be_bytes());
    }
}

pub(super) fn float(out: &mut Vec<u8>, number: f64) {
    out.push(0xCB);
    out.extend_from_slice(&number.to_be_bytes());
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    let length = text.len();
    if length < 0x20 {
        out.push(0xA0 | length as u8);
    } else if let Ok(length) = u8::try_from(length) {
        out.extend_from_slice(&[0xD9, length]);
    } else {
        out.extend_from_slice(&long_text(length)?);
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Text that is only made while it is written.
pub(super) fn displayed<T: Display + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0xD9, 0]);
    write!(Text(out), "{value}").map_err(|_| Error("a value cannot be shown as text".into()))?;
    let length = out.len() - start - 2;
    if let Ok(length) = u8::try_from(length) {
        out[start + 1] = length;
    } else {
        out.splice(start..start + 2, long_text(length)?);
    }
    Ok(())
}

/// What stands before text of 256 bytes or more.
fn long_text(length: usize) -> Result<[u8; 5], Error> {
    let length = u32::try_from(length).map_err(|_| Error("text is longer than 4 GiB".into()))?;
    let [a, b, c, d] = length.to_be_bytes();
    Ok([0xDB, a, b, c, d])
}

pub(super) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Error> {
    let length =
        u32::try_from(bytes.len()).map_err(|_| Error("bytes are longer than 4 GiB".into()))?;
    out.push(0xC6);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// What stands before a map or an array; the number of its entries is set when all are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    start: usize,
    /// What the first byte is before the number is in it.
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// The number is in the first byte.
    Short(u8),
    /// The number is in the four bytes that follow.
    Long,
}

impl Header {
    /// Writes the header of a map of at most so many entries, where that is known.
    pub(super) fn map(out: &mut Vec<u8>, most: Option<usize>) -> Self {
        Self::new(out, most, 0x80, 0xDF)
    }

    /// Writes the header of an array of at most so many values, where that is known.
    pub(super) fn array(out: &mut Vec<u8>, most: Option<usize>) -> Self {
        Self::new(out, most, 0x90, 0xDD)
    }

    fn new(out: &mut Vec<u8>, most: Option<usize>, short: u8, long: u8) -> Self {
        let start = out.len();
        let form = if most.is_some_and(|most| most < 0x10) {
            out.push(short);
            Form::Short(short)
        } else {
            out.extend_from_slice(&[long, 0, 0, 0, 0]);
            Form::Long
        };
        Self { start, form }
    }

    /// Sets the number of entries.
    pub(super) fn set(self, out: &mut [u8], entries: usize) -> Result<(), Error> {
        match self.form {
            Form::Short(form) if entries < 0x10 => out[self.start] = form | entries as u8,
            Form::Short(_) => return Err(Error("more entries than were announced".into())),
            Form::Long => {
                let entries =
                    u32::try_from(entries).map_err(|_| Error("more than 2^32 entries".into()))?;
                out[self.start + 1..self.start + 5].copy_from_slice(&entries.to_be_bytes());
            }
        }
        Ok(())
    }
}
