//! The fields of a log event, borrowed from its text.

use nom::Parser;

use super::{
    layout::{Layout, Property},
    surplus,
};
use crate::payload::{
    exception::{split_frames, split_glued, split_lines},
    header::{HeaderFields, header},
    parts::Parts,
    split::{MissingField, Parsed, last_field},
};

/// The fields, in the order of the payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) header: HeaderFields<'a>,
    pub(super) texts: Texts<'a>,
    /// The exception after the last field.
    pub(super) glued: Option<&'a str>,
    /// Fields made ambiguous by a `;`.
    pub(super) ambiguous: &'static [&'static str],
}

/// The text of each field as sent, by its index in [`Property`]. Fields that the layout does not have are empty.
pub(super) type Texts<'a> = [&'a str; Property::COUNT];

pub(super) fn log<'a>(layout: &'static Layout, input: &'a str) -> Parsed<'a, Fields<'a>> {
    let (behind_header, header) = header(input)?;
    let (_, text) = last_field(layout.fields[0].as_str()).parse(behind_header)?;
    let (row, lines) = row(text, layout.fields.len());
    let parts = Parts::of(row);
    if let Some(missing) = layout.fields.get(parts.len()) {
        return Err(MissingField::new(text, missing.as_str()));
    }
    let mut fields = Fields {
        header,
        texts: [""; Property::COUNT],
        glued: lines,
        ambiguous: &[],
    };
    // From here to the end of the text.
    let from = |start: usize| &text[start..];
    if parts.len() == layout.fields.len() {
        for (place, name) in layout.fields.iter().enumerate() {
            fields.texts[*name as usize] = parts.one(place);
        }
        let last = &mut fields.texts[layout.fields[parts.len() - 1] as usize];
        let (field, glued) = split_glued(last, lines.is_some());
        *last = field;
        if let Some(glued) = glued {
            fields.glued = Some(from(row.len() - glued.len()));
        }
    } else {
        let found = surplus::assign(layout, row, lines.is_some());
        fields.texts = found.texts;
        fields.ambiguous = found.ambiguous;
        if found.end < row.len() {
            fields.glued = Some(from(found.end));
        }
    }
    Ok(("", fields))
}

/// Splits a row before the lines of an exception at its end, because a `;` in them separates no fields. If the first
/// line has too few fields, the message contains line breaks.
fn row(text: &str, fields: usize) -> (&str, Option<&str>) {
    let is_whole = |row: &str| memchr::memchr_iter(b';', row.as_bytes()).count() + 1 >= fields;
    let candidates = [split_lines(text), split_frames(text)];
    let mut candidates = candidates.into_iter();
    candidates
        .find(|(row, _)| is_whole(row))
        .unwrap_or((text, None))
}
