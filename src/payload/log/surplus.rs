//! Finds the fields that surplus `;` belong to, in a log event with more of them than its layout.
//!
//! The possible values of most fields are known: ids, times, numbers, `DIR\id`, words. A *reading* divides the row so
//! that every field has a possible value. If all readings agree on a field, that is its value. If they do not, the text
//! from the first doubtful field to the next certain one is kept whole in the former, which is ambiguous.
//!
//! One pass over the parts between `;` and one back find all readings, with a set of the fields that each part may
//! belong to. So the time is proportional to the length of the row, however many readings it has.

use smallvec::SmallVec;

use super::{
    grammar::Texts,
    layout::{Layout, Property},
    shapes::{Shape, Shapes},
};
use crate::payload::{exception::split_glued, parts::Parts};

/// The fields that were found.
pub(super) struct Assignment<'a> {
    pub(super) texts: Texts<'a>,
    pub(super) ambiguous: &'static [&'static str],
    /// Where the last field ends; an exception may start there.
    pub(super) end: usize,
}

/// The number of parts, counted from the right, that are considered; all others belong to the message.
const MOST_PARTS: usize = 128;

/// The number of positions that are tried as the start of an exception in the middle of its line.
const MOST_ENDS: usize = 4;

/// Splits a row that has more parts than its layout has fields.
pub(super) fn assign<'a>(layout: &Layout, row: &'a str, has_lines: bool) -> Assignment<'a> {
    let mut ends = ends(row, has_lines).take(MOST_ENDS).peekable();
    let whole = ends.peek().copied().unwrap_or(row.len());
    let found = ends.find_map(|end| {
        let parts = Parts::of(&row[..end]);
        let places = (parts.len() >= layout.fields.len()).then(|| places(layout, &parts))??;
        let (texts, ambiguous) = divide(layout, &parts, &places);
        Some(Assignment {
            texts,
            ambiguous,
            end,
        })
    });
    found.unwrap_or_else(|| {
        let mut texts: Texts<'a> = [""; Property::COUNT];
        texts[Property::Message as usize] = &row[..whole];
        Assignment {
            texts,
            ambiguous: Property::Message.alone(),
            end: whole,
        }
    })
}

/// Where the last field may end: at the end of the row, or where an exception starts that may contain `;` in its first
/// line.
fn ends(row: &str, has_lines: bool) -> impl Iterator<Item = usize> {
    let mut right = Some(row.len());
    std::iter::from_fn(move || {
        loop {
            let end = right?;
            let start = row[..end].rfind(';').map_or(0, |separator| separator + 1);
            right = start.checked_sub(1);
            let is_last = end == row.len();
            let (field, glued) = split_glued(&row[start..end], has_lines && is_last);
            let follows_field = !field.ends_with(char::is_whitespace);
            if is_last || glued.is_some() && follows_field {
                return Some(start + field.len());
            }
        }
    })
}

/// For each field, the first and the last part where it may start.
type Places = SmallVec<[(usize, usize); 12]>;

/// The text of each field, given the parts where it may start.
fn divide<'a>(
    layout: &Layout,
    parts: &Parts<'a>,
    places: &Places,
) -> (Texts<'a>, &'static [&'static str]) {
    let mut texts: Texts<'a> = [""; Property::COUNT];
    let mut doubts = SmallVec::<[Property; 4]>::new();
    let is_certain = |field: usize| {
        let begins = places.get(field);
        begins.is_none_or(|(first, last)| first == last)
    };
    let begins = |field: usize| places.get(field).map_or(parts.len(), |place| place.0);
    let mut field = 0;
    while let Some(name) = layout.fields.get(field) {
        // The loop ends, because the end of the last field is certain.
        let mut next = field + 1;
        while !is_certain(next) {
            next += 1;
        }
        texts[*name as usize] = parts.joined(begins(field), begins(next));
        if next > field + 1 {
            doubts.push(*name);
        }
        field = next;
    }
    let ambiguous: &[&str] = match doubts[..] {
        [] => &[],
        [name] => name.alone(),
        [Property::Message, Property::TaskName] => &["message", "task_name"],
        [first, ..] => return whole(first, parts, begins(place_of(layout, first)), texts, layout),
    };
    (texts, ambiguous)
}

fn place_of(layout: &Layout, name: Property) -> usize {
    let mut names = layout.fields.iter();
    names.position(|field| *field == name).unwrap_or(0)
}

/// Puts all text from a field on into that field.
fn whole<'a>(
    name: Property,
    parts: &Parts<'a>,
    start: usize,
    mut texts: Texts<'a>,
    layout: &Layout,
) -> (Texts<'a>, &'static [&'static str]) {
    for behind in &layout.fields[place_of(layout, name)..] {
        texts[*behind as usize] = "";
    }
    texts[name as usize] = parts.joined(start, parts.len());
    (texts, name.alone())
}

/// Where fields may start in any reading; `None` if there is no reading.
fn places(layout: &Layout, parts: &Parts<'_>) -> Option<Places> {
    let first_part = parts.len().saturating_sub(MOST_PARTS);
    let shapes = Shapes::of(layout.service);
    let mut all: Option<Places> = None;
    for head in shapes.heads {
        for tail in shapes.tails {
            let reading = Reading {
                shapes: head.iter().chain(*tail).collect(),
            };
            let Some(found) = reading.places(parts, first_part) else {
                continue;
            };
            match &mut all {
                None => all = Some(found),
                Some(all) => {
                    for (place, more) in all.iter_mut().zip(found) {
                        *place = (place.0.min(more.0), place.1.max(more.1));
                    }
                }
            }
        }
    }
    // Even if only the last parts are considered, the message starts at the left.
    if let Some(places) = &mut all {
        places[0] = (0, 0);
    }
    all
}

/// The possible values of each field, in order.
struct Reading {
    shapes: SmallVec<[&'static Shape; 12]>,
}

/// A set of states. For each field a part has two: it starts the field, or continues it.
type States = u32;

impl Reading {
    /// Where fields may start if the parts allow this reading. The parts up to `skipped` belong to the first field.
    fn places(&self, parts: &Parts<'_>, skipped: usize) -> Option<Places> {
        let part = |place: usize| parts.one(place);
        let mut reached: SmallVec<[States; 64]> = SmallVec::new();
        let begin = States::from((self.shapes[0].first)(part(skipped)));
        reached.push(begin);
        for place in skipped + 1..parts.len() {
            let before = reached[place - skipped - 1];
            reached.push(self.after(before, part(place - 1), part(place)));
        }
        // Keeps only the states that can be reached and lead to the end.
        let last = reached.len() - 1;
        reached[last] &= self.ends(part(parts.len() - 1));
        for place in (skipped..parts.len() - 1).rev() {
            let next = reached[place + 1 - skipped];
            let states = reached[place - skipped];
            let mut alive = 0;
            for state in bits(states) {
                if self.after(1 << state, part(place), part(place + 1)) & next != 0 {
                    alive |= 1 << state;
                }
            }
            reached[place - skipped] = alive;
        }
        if reached[0] == 0 {
            return None;
        }
        let mut places = Places::from_elem((usize::MAX, 0), self.shapes.len());
        for (place, states) in (skipped..).zip(&reached) {
            for field in bits(*states).filter(|state| state % 2 == 0) {
                let (first, last) = &mut places[field as usize / 2];
                (*first, *last) = ((*first).min(place), place);
            }
        }
        Some(places)
    }

    /// The possible states of the part after `part`, given that part's own.
    fn after(&self, states: States, part: &str, next: &str) -> States {
        let mut after = 0;
        for state in bits(states) {
            let field = state as usize / 2;
            let shape = self.shapes[field];
            if shape.further.is_some_and(|may_follow| may_follow(next)) {
                after |= 2 << (2 * field);
            }
            let may_end = state % 2 == 0 || (shape.last)(part);
            let following = self.shapes.get(field + 1);
            if may_end && following.is_some_and(|shape| (shape.first)(next)) {
                after |= 1 << (2 * (field + 1));
            }
        }
        after
    }

    /// The states in which a part may be the last one.
    fn ends(&self, part: &str) -> States {
        let field = self.shapes.len() - 1;
        let further = States::from((self.shapes[field].last)(part)) << (2 * field + 1);
        further | 1 << (2 * field)
    }
}

fn bits(states: States) -> impl Iterator<Item = u32> {
    let mut left = states;
    std::iter::from_fn(move || {
        let state = (left != 0).then(|| left.trailing_zeros())?;
        left &= left - 1;
        Some(state)
    })
}

#[cfg(test)]
mod tests;
