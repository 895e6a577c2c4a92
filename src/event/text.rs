//! A field of an event: a part of the payload, without a copy of its own.

/// Where an event finds the text of one of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Text {
    /// The payload does not say.
    #[default]
    Absent,
    /// A part of the payload, in bytes.
    Payload { start: u32, end: u32 },
    /// Text that is not in the payload as it stands, such as a path with its percent-encoding undone.
    Own(Box<str>),
}

impl Text {
    /// The place of `part`, which must be borrowed from `payload`.
    pub(super) fn part_of(payload: &str, part: Option<&str>) -> Self {
        let Some(part) = part else {
            return Self::Absent;
        };
        let place = (part.as_ptr() as usize)
            .checked_sub(payload.as_ptr() as usize)
            .and_then(|start| {
                let end = start.checked_add(part.len())?;
                Some((u32::try_from(start).ok()?, u32::try_from(end).ok()?))
            })
            .filter(|&(start, end)| payload.get(start as usize..end as usize) == Some(part));
        match place {
            Some((start, end)) => Self::Payload { start, end },
            None => Self::Own(part.into()),
        }
    }

    pub(super) fn get<'a>(&'a self, payload: &'a str) -> Option<&'a str> {
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
    fn parts_need_no_copy_and_foreign_text_is_owned() {
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
