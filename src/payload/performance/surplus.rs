//! Finds the fields that surplus `;` belong to, in a performance event with more than 26 parts.
//!
//! Numbers and times contain no `;`, so they mark the positions of the other fields: six numbers in a row (the five
//! times and the handle), the two sizes after them, and the engine's time before them. If several positions are
//! possible, all the text in question is kept whole in the first doubtful field.

use memchr::memchr_iter;
use smallvec::SmallVec;

use super::grammar::Request;
use crate::payload::{
    number,
    parts::Parts,
    split::{SEPARATOR, present},
    time,
};

/// The number of fields of [`Request`] before the six numbers, and the number of these.
const BEFORE_NUMBERS: usize = 8;
const NUMBERS: usize = 6;

/// With more `;` than this, no search is made: no real payload has that many, but a datagram has room for tens of
/// thousands.
const MOST_SEPARATORS: usize = 128;

/// The fields of a request that has more parts than fields, and the names of the doubtful ones.
pub(super) fn assign(text: &str) -> (Request<'_>, &'static [&'static str]) {
    if memchr_iter(SEPARATOR, text.as_bytes()).count() > MOST_SEPARATORS {
        return (unknown_user(text), &["user_id"]);
    }
    let parts = Parts::of(text);
    let Some(numbers) = numbers(&parts) else {
        return (unknown_user(text), &["user_id"]);
    };
    let mut request = Request {
        session_id: parts.one(0),
        user_directory: parts.one(1),
        method: parts.one(numbers - 1),
        process_ms: parts.one(numbers),
        work_ms: parts.one(numbers + 1),
        lock_ms: parts.one(numbers + 2),
        validate_ms: parts.one(numbers + 3),
        traverse_ms: parts.one(numbers + 4),
        handle: parts.one(numbers + 5),
        ..Request::default()
    };
    let user_is_known = assign_user_and_app(&parts, numbers, &mut request);
    let object_is_known = assign_object(&parts, numbers + NUMBERS, &mut request);
    let ambiguous: &[&str] = match (user_is_known, object_is_known) {
        (true, true) => &[],
        (false, true) => &["user_id"],
        (true, false) => &["object_id"],
        (false, false) => &["user_id", "object_id"],
    };
    (request, ambiguous)
}

/// Puts all text from the user id on into it.
fn unknown_user(text: &str) -> Request<'_> {
    let mut fields = text.splitn(3, ';');
    let mut field = || fields.next().unwrap_or_default();
    Request {
        session_id: field(),
        user_directory: field(),
        user_id: field(),
        ..Request::default()
    }
}

/// Where the six numbers start: after a method, recognised by the `::` in its name, or after an absent one.
fn numbers(parts: &Parts<'_>) -> Option<usize> {
    let end = parts.len().saturating_sub(4);
    let mut in_a_row = 0;
    let places = (BEFORE_NUMBERS..end).filter_map(|part| {
        let is_number = may_be_number(parts.one(part));
        in_a_row = if is_number { in_a_row + 1 } else { 0 };
        (in_a_row >= NUMBERS).then(|| part + 1 - NUMBERS)
    });
    let places: SmallVec<[usize; 8]> = places.collect();
    let places = || places.iter().copied();
    let is_named = |place: &usize| parts.one(place - 1).contains("::");
    let is_absent = |place: &usize| present(parts.one(place - 1)).is_none();
    match places().any(|place| is_named(&place)) {
        true => only(places().filter(is_named)),
        false => only(places().filter(is_absent)),
    }
}

/// Finds the fields between directory and method: user id, the engine's time and session, app and request.
fn assign_user_and_app<'a>(parts: &Parts<'a>, numbers: usize, request: &mut Request<'a>) -> bool {
    // The last two parts are the request and the method.
    let end = numbers - 2;
    let times = (3..end - 1).filter(|place| {
        // With as many parts as fields, each is in its place, whatever it looks like.
        numbers == BEFORE_NUMBERS && *place == 3
            || numbers > BEFORE_NUMBERS
                && time::read(parts.one(*place)).is_some()
                && may_be_guid(parts.one(place + 1))
    });
    match only(times) {
        Some(time) => {
            request.user_id = parts.joined(2, time);
            request.engine_timestamp = parts.one(time);
            request.engine_session_id = parts.one(time + 1);
            request.app_id = parts.joined(time + 2, end);
            request.request_id = parts.one(end);
            true
        }
        None => {
            request.user_id = parts.joined(2, numbers - 1);
            false
        }
    }
}

/// Finds the fields after the numbers: the object's id, the two sizes and the object's type.
fn assign_object<'a>(parts: &Parts<'a>, start: usize, request: &mut Request<'a>) -> bool {
    let end = parts.len();
    let sizes = |is_size: fn(&str) -> bool| {
        (start + 1..end - 2)
            .filter(move |place| is_size(parts.one(*place)) && is_size(parts.one(place + 1)))
    };
    // Absent sizes are considered only if there are no others.
    let is_size = |text: &str| number::whole(text).is_some();
    let place = match sizes(is_size).next() {
        Some(_) => only(sizes(is_size)),
        None => only(sizes(may_be_size)),
    };
    match place {
        Some(sizes) => {
            request.object_id = parts.joined(start, sizes);
            request.net_ram_bytes = parts.one(sizes);
            request.peak_ram_bytes = parts.one(sizes + 1);
            request.object_type = parts.joined(sizes + 2, end);
            true
        }
        None => {
            request.object_id = parts.joined(start, end);
            false
        }
    }
}

/// The only item, if there is exactly one.
fn only(mut places: impl Iterator<Item = usize>) -> Option<usize> {
    let place = places.next()?;
    places.next().is_none().then_some(place)
}

fn may_be_number(text: &str) -> bool {
    present(text).is_none() || text == "NaN" || number::milliseconds(text).is_some()
}

fn may_be_size(text: &str) -> bool {
    present(text).is_none() || text == "NaN" || number::whole(text).is_some()
}

fn may_be_guid(text: &str) -> bool {
    present(text).is_none() || uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "s;LAB;goran;20260131T140506.208+0100;8c7f2d11-6a5b-4f30-9e21-b10c44d7a903;app;42;Doc::Get;1;2;3;4;5;6;object;7;8;type";

    /// The text of the fields that were found, joined.
    fn joined(request: &Request<'_>) -> String {
        [
            request.session_id,
            request.user_directory,
            request.user_id,
            request.engine_timestamp,
            request.engine_session_id,
            request.app_id,
            request.request_id,
            request.method,
            request.process_ms,
            request.work_ms,
            request.lock_ms,
            request.validate_ms,
            request.traverse_ms,
            request.handle,
            request.object_id,
            request.net_ram_bytes,
            request.peak_ram_bytes,
            request.object_type,
        ]
        .join("|")
    }

    #[test]
    fn a_separator_stays_in_its_field() {
        for field in ["goran", "app", "object", "type"] {
            for odd in [";", "a;b", ";;", "x;y;z;", "x;1;y"] {
                let text = PLAIN.replace(&format!(";{field}"), &format!(";{odd}"));
                let expected = PLAIN
                    .replace(';', "|")
                    .replace(&format!("|{field}"), &format!("|{odd}"));
                let (request, ambiguous) = assign(&text);
                assert_eq!(joined(&request), expected, "{text}");
                assert!(ambiguous.is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn too_many_separators_leave_the_user_in_doubt() {
        let fields = PLAIN.matches(';').count();
        for field in ["goran", "app", "object", "type"] {
            let row = |separators: usize| {
                let odd = format!("x{}x", ";".repeat(separators));
                PLAIN.replace(&format!(";{field}"), &format!(";{odd}"))
            };
            let text = row(MOST_SEPARATORS - fields);
            assert_eq!(assign(&text).1, [""; 0], "{text}");
            for text in [row(MOST_SEPARATORS - fields + 1), row(65_000)] {
                let (request, ambiguous) = assign(&text);
                assert_eq!((request.session_id, request.user_directory), ("s", "LAB"));
                assert_eq!(request.user_id, &text["s;LAB;".len()..]);
                assert_eq!((request.engine_timestamp, request.object_type), ("", ""));
                assert_eq!(ambiguous, ["user_id"]);
            }
        }
    }

    #[test]
    fn doubtful_text_is_kept_whole() {
        let text = PLAIN.replace("object", "1;2;3");
        let (request, ambiguous) = assign(&text);
        assert_eq!(request.object_id, "1;2;3;7;8;type");
        assert_eq!((request.user_id, request.handle), ("goran", "6"));
        assert_eq!(ambiguous, ["object_id"]);
        let twice = "x;20260131T140506.208+0100;;x";
        let text = PLAIN.replace("goran", twice);
        let (request, ambiguous) = assign(&text);
        assert!(request.user_id.starts_with(twice));
        assert_eq!((request.method, request.object_type), ("Doc::Get", "type"));
        assert_eq!(ambiguous, ["user_id"]);
        let text = PLAIN.replace("Doc::Get", "Doc");
        let (request, ambiguous) = assign(&text);
        assert_eq!((request.session_id, request.user_directory), ("s", "LAB"));
        assert!(request.user_id.ends_with("type"));
        assert_eq!(ambiguous, ["user_id"]);
    }
}
