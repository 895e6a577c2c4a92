//! The part of a context that may stay.

use memchr::memchr2;

use super::mention::Names;

/// The part of a context that says what was requested but not by whom: the path up to the query, to a segment with an
/// escape (which may start the query), or to a mashup's `identity/`, which is often followed by the user's name. `None`
/// if the path names the user, or if nothing is left.
pub(super) fn remaining<'c>(context: &'c str, names: &Names) -> Option<&'c str> {
    if names.are_in_part(context, path) {
        return None;
    }
    let path = path(context);
    let end = memchr2(b'%', b'&', path.as_bytes()).map(|escape| {
        let before = path[..escape].rfind('/');
        before.map_or(0, |slash| slash + 1)
    });
    let path = &path[..end.unwrap_or(path.len())];
    (!path.is_empty()).then_some(path)
}

/// The text before the query, the fragment and `identity/`.
fn path(context: &str) -> &str {
    let end = memchr2(b'?', b'#', context.as_bytes()).unwrap_or(context.len());
    let path = &context[..end];
    let mut start = 0;
    for segment in path.split('/') {
        if segment.eq_ignore_ascii_case("identity") {
            return path[..start].trim_end_matches('/');
        }
        start += segment.len() + 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_keep_the_path_that_names_nobody() {
        let rows = [
            ("", None),
            ("Not available", Some("Not available")),
            ("/hub", Some("/hub")),
            ("/hub?user=goran", Some("/hub")),
            ("/hub#goran", Some("/hub")),
            ("/app/x/identity/goran/ttl/60", Some("/app/x")),
            ("/app/x/IDENTITY/goran", Some("/app/x")),
            ("/app/x%2Fidentity%2Fgoran", Some("/app/")),
            ("/app/%3Fuser%3Dgoran", Some("/app/")),
            ("/app/x%3Fuser%3Dgoran", Some("/app/")),
            ("/app/x%253Fuser%253Dgoran", Some("/app/")),
            ("identity/goran", None),
            ("%2Fhub", None),
            ("/users/goran/x", None),
            ("/app/x/%69dentity/goran", None),
            ("/users/g%6Fran/x", None),
            ("/users/goran%2Fx", None),
            ("/users/goran%3Fx", None),
        ];
        let mut names = Names::default();
        names.add("goran");
        for (context, expected) in rows {
            assert_eq!(remaining(context, &names), expected, "{context}");
        }
    }
}
