//! A log event with more `;` than its layout has: to which fields they belong.
//!
//! What stands in most fields is known: ids, times, numbers, `DIR\id`, words. A *reading* divides the row so that every
//! field holds what it may. Where all readings agree on a field, it is that. Where they do not, everything from the
//! field where the doubt begins to the next one that is certain is kept whole in the former, which is ambiguous.
//!
//! Readings are found in one pass over the parts between `;` and one back, with a set of the places in the layout where
//! a part may stand; so a row takes a time in proportion to its length, however many readings it has.

use smallvec::SmallVec;

use super::{
    grammar::Texts,
    layout::{Layout, Property},
    shapes::{Shape, Shapes},
};
use crate::payload::{exception::split_glued, parts::Parts};

/// What was found.
pub(super) struct Assignment<'a> {
    pub(super) texts: Texts<'a>,
    pub(super) ambiguous: &'static [&'static str],
    /// Where the last field ends, and an exception behind it begins.
    pub(super) end: usize,
}

/// How many parts count, from the right; those before them are the message's.
const MOST_PARTS: usize = 128;

/// How many places are tried where an exception may begin in the middle of its line.
const MOST_ENDS: usize = 4;

/// Divides a row that has more parts than its layout has fields.
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

/// Where the last field may end: at the end of the row or where an exception begins behind it, which may hold `;` in
/// its first line.
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

/// For each field the parts where it may begin, the first and the last of them.
type Places = SmallVec<[(usize, usize); 12]>;

/// The fields by the places where they begin.
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
        // The end of the last field is certain.
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

/// Everything from a field on kept whole in it.
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

/// Where fields may begin in any reading; none where there is no reading.
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
    // Wherever the parts begin that count, the message begins at the left.
    if let Some(places) = &mut all {
        places[0] = (0, 0);
    }
    all
}

/// A list of what may stand in each field.
struct Reading {
    shapes: SmallVec<[&'static Shape; 12]>,
}

/// A set of states. A part has two for each field: it begins it, or it follows another part in it.
type States = u32;

impl Reading {
    /// Where fields may begin, if what is in the parts allows this reading. The first parts up to `skipped` are those of
    /// the first field.
    fn places(&self, parts: &Parts<'_>, skipped: usize) -> Option<Places> {
        let part = |place: usize| parts.one(place);
        let mut reached: SmallVec<[States; 64]> = SmallVec::new();
        let begin = States::from((self.shapes[0].first)(part(skipped)));
        reached.push(begin);
        for place in skipped + 1..parts.len() {
            let before = reached[place - skipped - 1];
            reached.push(self.after(before, part(place - 1), part(place)));
        }
        // What is reached and leads to the end.
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

    /// The states of a part behind one in these states.
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

    /// The states in which a part may be the last of all.
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
