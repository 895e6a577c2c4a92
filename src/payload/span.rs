//! A field of an event: a slice of the payload, without a copy.

/// The position of a field's text in the payload, in bytes. Half the size of a slice, because an event has many of
/// them and is moved several times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// No span of a payload, because it ends before it starts.
    pub(crate) const ABSENT: Self = Self { start: 1, end: 0 };

    /// The position of `part`, which must be borrowed from `payload`.
    pub(crate) fn of(payload: &str, part: Option<&str>) -> Self {
        let span = part.map(|part| Self::within(payload, part));
        debug_assert_ne!(span, Some(None), "a part of another text");
        span.flatten().unwrap_or(Self::ABSENT)
    }

    /// Text whose bytes lie within those of `payload` is part of it, so no bytes are compared.
    fn within(payload: &str, part: &str) -> Option<Self> {
        let start = (part.as_ptr() as usize).checked_sub(payload.as_ptr() as usize)?;
        let end = start + part.len();
        (end <= payload.len())
            .then(|| Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?)))
            .flatten()
            .map(|(start, end)| Self { start, end })
    }

    /// The position of `part` after it was appended to `payload`.
    pub(crate) fn push(payload: &mut String, part: Option<&str>) -> Self {
        let Some(part) = part else {
            return Self::ABSENT;
        };
        let start = payload.len();
        payload.push_str(part);
        match (u32::try_from(start), u32::try_from(payload.len())) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::ABSENT,
        }
    }

    pub(crate) fn get(self, payload: &str) -> Option<&str> {
        payload.get(self.start as usize..self.end as usize)
    }
}

/// Where the text of a field is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Text {
    /// Absent from the payload.
    #[default]
    Absent,
    /// A part of the payload, in bytes.
    Payload { start: u32, end: u32 },
    /// Text that is not in the payload verbatim, such as a path with its percent-encoding decoded.
    Own(Box<str>),
}

impl Text {
    /// The position of `part`, which must be borrowed from `payload`.
    pub(crate) fn part_of(payload: &str, part: Option<&str>) -> Self {
        let Some(part) = part else {
            return Self::Absent;
        };
        match Span::within(payload, part) {
            Some(Span { start, end }) => Self::Payload { start, end },
            None => Self::Own(part.into()),
        }
    }

    /// The position of `part` after it was appended to `payload`.
    pub(crate) fn push(payload: &mut String, part: Option<&str>) -> Self {
        match part {
            None => Self::Absent,
            Some(_) => {
                let Span { start, end } = Span::push(payload, part);
                Self::Payload { start, end }
            }
        }
    }

    pub(crate) fn get<'a>(&'a self, payload: &'a str) -> Option<&'a str> {
        match self {
            Self::Absent => None,
            Self::Payload { start, end } => payload.get(*start as usize..*end as usize),
            Self::Own(text) => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_copied_and_other_text_is_owned() {
        let payload = String::from("Jörgen;LAB");
        let part = Text::part_of(&payload, payload.split(';').nth(1));
        assert_eq!(part, Text::Payload { start: 8, end: 11 });
        assert_eq!(part.get(&payload), Some("LAB"));
        let foreign = Text::part_of(&payload, Some("LAB"));
        assert_eq!(foreign, Text::Own("LAB".into()));
        assert_eq!(foreign.get(&payload), Some("LAB"));
        assert_eq!(Text::part_of(&payload, None).get(&payload), None);
    }
}
