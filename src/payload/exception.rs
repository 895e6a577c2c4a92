//! The exception that log4net writes behind the last field of a row.
//!
//! `AppenderSkeleton.RenderLoggingEvent` writes it without a line break before it, so the name of its type follows the
//! last letter of the field: `…2b0d69System.IO.IOException: disk gone`. Inside it has line breaks, and a `;` in it
//! separates nothing.

/// A row without the lines of an exception, and those lines, without the break before them. Its first line is still
/// at the end of the row; see [`split_glued`].
pub(super) fn split_lines(row: &str) -> (&str, Option<&str>) {
    match row.find(['\r', '\n']) {
        None => (row, None),
        Some(end) => {
            let lines = row[end..].trim_start_matches(['\r', '\n']);
            (&row[..end], (!lines.is_empty()).then_some(lines))
        }
    }
}

/// The last field of a row, and where in it an exception begins. `has_lines` says that more lines follow, which lets
/// the name of a type stand alone on its line.
pub(super) fn split_glued(field: &str, has_lines: bool) -> (&str, Option<&str>) {
    let starts = ends_of_names(field, has_lines).filter_map(|end| start_of_name(&field[..end]));
    match starts.min() {
        Some(start) => (&field[..start], Some(&field[start..])),
        None => (field, None),
    }
}

/// The last field of a row that may have lines of its own, without the exception behind it, and that exception.
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

/// Where the name of a type may end: before its message, an inner exception or an error code.
fn ends_of_names(text: &str, has_lines: bool) -> impl Iterator<Item = usize> {
    let ends = [": ", " ---> ", " (0x"];
    let found = ends.into_iter().filter_map(move |end| {
        let mut places = text.match_indices(end).map(|(place, _)| place);
        places.find(|place| start_of_name(&text[..*place]).is_some())
    });
    found.chain(has_lines.then_some(text.len()))
}

/// Where the name of an exception's type begins that a text ends with. Behind letters of a field the name begins with
/// the root that nearly all have, or with the last capital before its first dot that follows a small letter or a
/// digit: `barchartSystem.OutOfMemoryException`.
fn start_of_name(text: &str) -> Option<usize> {
    const ROOTS: [&str; 4] = ["System.", "Microsoft.", "Qlik.", "QlikView."];
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_.+`[],".contains(c);
    let start = text.len() - text.chars().rev().take_while(|c| is_part(*c)).count();
    let name = &text[start..];
    let (first, rest) = name.split_once('.')?;
    let type_name = rest.split('`').next()?.rsplit(['.', '+']).next()?;
    if !["Exception", "Error", "Fault"]
        .iter()
        .any(|end| type_name.ends_with(end))
    {
        return None;
    }
    if let Some(root) = ROOTS.iter().find_map(|root| name.find(root)) {
        return Some(start + root);
    }
    let bytes = first.as_bytes();
    let begins = |place: &usize| {
        bytes[*place].is_ascii_uppercase()
            && (*place == 0 || !bytes[*place - 1].is_ascii_uppercase())
    };
    Some(start + (0..bytes.len()).rev().find(begins)?)
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
            ("/app/x?y=Qlik.Sense: z", "", true),
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
    fn lines_are_no_part_of_the_row() {
        assert_eq!(split_lines("a;b"), ("a;b", None));
        assert_eq!(split_lines("a;b\r\n"), ("a;b", None));
        assert_eq!(
            split_lines("a;b\r\n\n  at X;\nY"),
            ("a;b", Some("  at X;\nY"))
        );
    }
}
