//! The exception that log4net appends to the last field of a row.
//!
//! `AppenderSkeleton.RenderLoggingEvent` does not put a line break before it, so the name of its type follows the last
//! letter of the field: `…2b0d69System.IO.IOException: disk gone`. It contains line breaks, and a `;` in it separates
//! no fields.

use memchr::{memchr, memchr2};

/// Splits a row before the lines of an exception, without the line break between them. The first line of the exception
/// stays at the end of the row; see [`split_glued`].
pub(super) fn split_lines(row: &str) -> (&str, Option<&str>) {
    match memchr2(b'\r', b'\n', row.as_bytes()) {
        None => (row, None),
        Some(end) => {
            let lines = row[end..].trim_start_matches(['\r', '\n']);
            (&row[..end], (!lines.is_empty()).then_some(lines))
        }
    }
}

/// Splits a row whose fields contain line breaks before the lines of a stack trace at its end.
pub(super) fn split_frames(row: &str) -> (&str, Option<&str>) {
    let mut end = row.len();
    while let Some(line_break) = row[..end].rfind(['\r', '\n']) {
        let line = row[line_break + 1..end].trim_start();
        if !line.is_empty() && !is_stack(line) {
            break;
        }
        end = line_break;
    }
    let lines = row[end..].trim_start_matches(['\r', '\n']);
    (&row[..end], (!lines.is_empty()).then_some(lines))
}

/// Whether a line, without leading space, belongs to a stack trace.
fn is_stack(line: &str) -> bool {
    ["at ", "--- ", "---> "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Whether a text contains a line of a stack trace, whatever replaced its line breaks.
pub(super) fn has_frame(text: &str) -> bool {
    text.contains("   at ")
}

/// Whether a text starts with the name of an exception's type.
pub(super) fn starts_exception(text: &str) -> bool {
    let length = text.find(|c| !is_part_of_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    // Neither the `:` after a name nor the comma of a sentence is part of it.
    let ends = rest.is_empty()
        || [":", " ---> ", " (0x", "\r", "\n", "↵"]
            .iter()
            .any(|end| rest.starts_with(end));
    ends && name.contains('.') && names_exception(name)
}

/// Splits the last field of a row where an exception starts. `has_lines` says that more lines follow, so that the name
/// of the type may be the last word of its line.
pub(super) fn split_glued(field: &str, has_lines: bool) -> (&str, Option<&str>) {
    // The end of the name has a space after it, except at the end of a line.
    if !has_lines && memchr(b' ', field.as_bytes()).is_none() {
        return (field, None);
    }
    // A field of known length needs no search.
    for known in ["(null)".len(), GUID_LENGTH] {
        let Some((before, behind)) = field.split_at_checked(known) else {
            break;
        };
        let is_known = before == "(null)" || uuid::Uuid::try_parse(before).is_ok();
        if is_known && starts_exception(behind) && (has_lines || behind.contains(": ")) {
            return (before, Some(behind));
        }
    }
    let starts = ends_of_names(field, has_lines).filter_map(|end| start_of_name(&field[..end]));
    match starts.min() {
        Some(start) => (&field[..start], Some(&field[start..])),
        None => (field, None),
    }
}

/// Splits the last field of a row before its exception, if that field may contain line breaks.
pub(super) fn split_text(text: &str) -> (&str, Option<&str>) {
    let mut start = 0;
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let end = rest.find(['\r', '\n']).unwrap_or(rest.len());
        let has_lines = end < rest.len();
        if let (field, Some(_)) = split_glued(&rest[..end], has_lines) {
            let exception = start + field.len();
            let field = text[..exception].trim_end_matches(['\r', '\n']);
            return (field, Some(&text[exception..]));
        }
        start += end + 1;
    }
    (text, None)
}

/// The length of a guid in its usual form.
const GUID_LENGTH: usize = 36;

/// The positions where the name of a type may end: before its message, an inner exception or an error code.
fn ends_of_names(text: &str, has_lines: bool) -> impl Iterator<Item = usize> {
    let ends = [": ", " ---> ", " (0x"];
    let found = ends.into_iter().filter_map(move |end| {
        let mut places = text.match_indices(end).map(|(place, _)| place);
        places.find(|place| start_of_name(&text[..*place]).is_some())
    });
    found.chain(has_lines.then_some(text.len()))
}

/// Where the name of an exception's type starts at the end of a text. After the letters of a field, the name starts
/// with one of the roots that nearly all names have, or with the last capital before its first dot that follows a small
/// letter or a digit: `barchartSystem.OutOfMemoryException`. Without either, the text is the end of a sentence or a
/// path: `task request.Acme.GoneException`.
fn start_of_name(text: &str) -> Option<usize> {
    const ROOTS: [&str; 4] = ["System.", "Microsoft.", "Qlik.", "QlikView."];
    let letters = text.chars().rev().take_while(|c| is_part_of_name(*c));
    let start = text.len() - letters.count();
    let name = &text[start..];
    if !name.contains('.') || !names_exception(name) {
        return None;
    }
    if let Some(root) = ROOTS.iter().find_map(|root| name.find(root)) {
        return Some(start + root);
    }
    let bytes = name.as_bytes();
    let begins = |place: &usize| {
        bytes[*place].is_ascii_uppercase()
            && (*place == 0 || !bytes[*place - 1].is_ascii_uppercase())
    };
    let mut first = 0;
    let mut dots = name.match_indices('.').map(|(dot, _)| dot);
    let place = dots.find_map(|dot| {
        let place = (first..dot).rev().find(begins);
        first = dot + 1;
        place
    })?;
    Some(start + place)
}

fn is_part_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_.+`[],".contains(character)
}

/// Whether a type name is that of an exception.
fn names_exception(name: &str) -> bool {
    let type_name = name
        .split('`')
        .next()
        .and_then(|it| it.rsplit(['.', '+']).next());
    let ends = ["Exception", "Error", "Fault"];
    type_name.is_some_and(|type_name| ends.iter().any(|end| type_name.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exception_begins_where_the_field_ends() {
        let rows = [
            ("barchart", "", false),
            ("", "System.Exception: a; b", false),
            (
                "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740",
                "Acme.Io.ReadException: disk gone",
                true,
            ),
            ("tile", "Acme.MemoryException: limit", true),
            ("barchart", "System.OutOfMemoryException: x: y", false),
            ("VariableList", "System.Exception: x", false),
            ("<Unknown>", "Qlik.Engine.GoneException", true),
            ("<Unknown>Qlik.Engine.GoneException", "", false),
            ("table", "QlikView.Engine.GoneException: x", false),
            ("/qrs/user/full", "System.Exception: outer", true),
            (
                "(null)",
                "System.AggregateException: a ---> System.Exception: b",
                true,
            ),
            (
                "0",
                "System.Net.Sockets.SocketException (0x80004005): refused",
                false,
            ),
            (
                "1310720",
                "System.ServiceModel.FaultException`1[Qlik.Fault]: x",
                false,
            ),
            ("my kpi: System.Tile", "", true),
            ("a.b: c", "", false),
            (
                "0f3d9c1e-7b64-4a58-8d2f-2c5e91ab7740",
                "AcmeCorp.Io.ReadException: disk gone",
                false,
            ),
            ("(null)", "acme.GoneException", true),
            ("/app/x?y=Qlik.Sense: z", "", true),
            ("a task request.", "Acme.Io.GoneException: x", false),
            ("FROM [lib://x.csv]", "Acme.Io.GoneException: x", true),
            ("a.b.c.d: x", "", false),
        ];
        for (field, exception, has_lines) in rows {
            let text = format!("{field}{exception}");
            let expected = (!exception.is_empty()).then_some(exception);
            assert_eq!(split_glued(&text, has_lines), (field, expected), "{text}");
        }
    }

    #[test]
    fn a_text_of_several_lines_ends_where_the_exception_begins() {
        let rows = [
            ("Reload failed", "", ""),
            ("a; b\r\nSET x=1;\n", "", ""),
            ("", "", "System.Exception: gone; no\r\n   at X()"),
            ("try=3", "", "System.Exception: gone; no\r\n   at X()"),
            ("a\nb", "", "Acme.GoneException\n   at X()"),
            ("a\nb", "\r\n\r\n", "Acme.GoneException: x"),
            ("é\n", "", ""),
        ];
        for (field, between, exception) in rows {
            let text = format!("{field}{between}{exception}");
            let expected = (!exception.is_empty()).then_some(exception);
            assert_eq!(split_text(&text), (field, expected), "{text:?}");
        }
    }

    #[test]
    fn an_exception_begins_with_the_name_of_its_type() {
        for text in [
            "System.Exception: a; b",
            "AcmeCorp.Io.ReadException",
            "acme.Fault`1[Acme.X] (0x80004005): x",
            "System.AggregateException ---> x",
            "System.TimeoutException\r\n   at X",
            "System.TimeoutException: y↵↓   at X",
        ] {
            assert!(starts_exception(text), "{text}");
        }
        for text in [
            "",
            "Exception: x",
            " System.Exception: x",
            "System.Exception was thrown",
            "a.b: c",
            "Socket closed",
        ] {
            assert!(!starts_exception(text), "{text}");
        }
    }

    #[test]
    fn frames_at_the_end_are_split_from_a_row_with_lines() {
        assert_eq!(
            split_frames("a\r\nb;c\r\n   at X;\r\n   --- End ---\r\n\tat Y"),
            ("a\r\nb;c", Some("   at X;\r\n   --- End ---\r\n\tat Y"))
        );
        assert_eq!(split_frames("a\nb"), ("a\nb", None));
        assert_eq!(split_frames("a"), ("a", None));
    }

    #[test]
    fn lines_of_an_exception_are_split_from_the_row() {
        assert_eq!(split_lines("a;b"), ("a;b", None));
        assert_eq!(split_lines("a;b\r\n"), ("a;b", None));
        assert_eq!(
            split_lines("a;b\r\n\n  at X;\nY"),
            ("a;b", Some("  at X;\nY"))
        );
    }
}
