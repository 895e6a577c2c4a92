//! The context: the path that was asked for, with the virtual proxy and the app in it.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};
use nom::{IResult, Parser, character::complete::char, combinator::map_opt};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

/// What the context's path says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The prefix of the virtual proxy: the path before `/app/`, without its outer slashes.
    pub virtual_proxy: Option<Cow<'a, str>>,
    /// The app: the guid that is the segment after `app/`. Session apps (`SessionApp_<guid>`) and
    /// engine data are no published apps and give none.
    pub app_id: Option<Uuid>,
}

impl<'a> Context<'a> {
    /// Reads a context such as `/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=…`.
    ///
    /// The leading slash is optional and percent-encoding is undone. Nothing after `?` or `#`
    /// counts, whether they are encoded or not. Anything else than an app's path gives neither part.
    ///
    /// ```
    /// use qlik_sense_events::wire::Context;
    ///
    /// let context = Context::parse("/sales/app/A421F4A2-C311-4EF4-BA41-FE2E6A2B0D69?x=/app/1");
    /// assert_eq!(context.virtual_proxy.as_deref(), Some("sales"));
    /// assert_eq!(context.app_id.unwrap().to_string(), "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69");
    /// ```
    #[must_use]
    pub fn parse(context: &'a str) -> Self {
        // Where the query begins, or what must be decoded before that is known.
        let end = memchr3(b'?', b'#', b'%', context.as_bytes()).unwrap_or(context.len());
        if context.as_bytes().get(end) != Some(&b'%') {
            return Self::of_path(&context[..end]);
        }
        let path = before_query(context);
        match percent_decode_str(path).decode_utf8() {
            Ok(decoded) => Context::of_path(before_query(&decoded)).into_owned(),
            Err(_) => Self::of_path(path),
        }
    }

    /// The part of a context that says what was asked for and not by whom: what stands before the query, a
    /// percent-encoded character (which may be the query's beginning), and a mashup's `identity/`, where
    /// the user's name is common.
    ///
    /// ```
    /// use qlik_sense_events::wire::Context;
    ///
    /// assert_eq!(Context::path_of("/hub?user=goran"), "/hub");
    /// assert_eq!(Context::path_of("/app/x/identity/goran/ttl/60"), "/app/x");
    /// ```
    #[must_use]
    pub fn path_of(context: &str) -> &str {
        let end = memchr3(b'?', b'#', b'%', context.as_bytes()).unwrap_or(context.len());
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

    /// The first `app/` that a guid follows decides; where there is none, the first `app/`.
    fn of_path(path: &'a str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut first = None;
        let mut start = 0;
        while let Ok((after_app, before_app)) = until_app(&path[start..]) {
            let prefix = &path[..start + before_app.len()];
            if let Ok((_, app_id)) = guid(after_app) {
                return Self::new(prefix, Some(app_id));
            }
            first.get_or_insert(prefix);
            // The segment after this one may be another `app`: `/app/app/<guid>`.
            start = path.len() - after_app.len();
        }
        first.map_or_else(Self::default, |prefix| Self::new(prefix, None))
    }

    fn new(prefix: &'a str, app_id: Option<Uuid>) -> Self {
        // Most apps are under no prefix.
        let virtual_proxy = match prefix {
            "" => "",
            _ => prefix.trim_matches('/'),
        };
        Self {
            virtual_proxy: (!virtual_proxy.is_empty()).then_some(Cow::Borrowed(virtual_proxy)),
            app_id,
        }
    }

    fn into_owned<'b>(self) -> Context<'b> {
        Context {
            virtual_proxy: self.virtual_proxy.map(|text| Cow::Owned(text.into_owned())),
            app_id: self.app_id,
        }
    }
}

type Parsed<'a, T> = IResult<&'a str, T, nom::error::Error<&'a str>>;

fn before_query(text: &str) -> &str {
    &text[..memchr2(b'?', b'#', text.as_bytes()).unwrap_or(text.len())]
}

/// What stands before the next segment that is `app`; what is left begins after `app/`.
fn until_app(input: &str) -> Parsed<'_, &str> {
    let mut rest = input;
    loop {
        let (after, name) = segment(rest)?;
        let (after, _) = char('/').parse(after)?;
        if name.eq_ignore_ascii_case("app") {
            return Ok((after, &input[..input.len() - rest.len()]));
        }
        rest = after;
    }
}

fn segment(input: &str) -> Parsed<'_, &str> {
    let end = memchr(b'/', input.as_bytes()).unwrap_or(input.len());
    Ok((&input[end..], &input[..end]))
}

/// A whole segment that is a guid in its usual form, 8-4-4-4-12.
fn guid(input: &str) -> Parsed<'_, Uuid> {
    map_opt(segment, |text: &str| {
        (text.len() == 36)
            .then(|| Uuid::try_parse(text).ok())
            .flatten()
    })
    .parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

    #[test]
    fn table() {
        let app = Some(ID);
        let rows: [(&str, Option<&str>, Option<&str>); 30] = [
            ("", None, None),
            ("Not available", None, None),
            ("/hub", None, None),
            ("/qmc", None, None),
            ("/app/", None, None),
            ("/app", None, None),
            ("/sales/app", None, None),
            ("/app/engineData", None, None),
            ("/app/%3Ftransient%3D?reloaduri=x", None, None),
            ("/app/SessionApp_{id}", None, None),
            ("/app/{id}", None, app),
            ("app/{id}", None, app),
            ("/APP/{ID}", None, app),
            (
                "/app/{id}?reloaduri=https%3A%2F%2Fh%2Fsense%2Fapp%2F{id}",
                None,
                app,
            ),
            ("/app/{id}#top", None, app),
            ("/app/{id}/identity/abc/ttl/60?x=1", None, app),
            ("/app/{id}x", None, None),
            ("/app/x{id}", None, None),
            ("/sales/app/{id}", Some("sales"), app),
            ("sales/app/{id}", Some("sales"), app),
            ("/eu/sales/app/{id}", Some("eu/sales"), app),
            ("/sales/app/engineData", Some("sales"), None),
            ("/app/app/{id}", Some("app"), app),
            ("/sales/hub?next=/app/{id}", None, None),
            ("/hub?x=/sales/app/{id}", None, None),
            ("%2Fsales%2Fapp%2F{id}%3Freloaduri%3D1", Some("sales"), app),
            ("/hub%3Fnext=/app/{id}", None, None),
            ("/m%C3%BCnchen/app/{id}", Some("münchen"), app),
            ("/%FF/app/{id}", Some("%FF"), app),
            (
                "/myapp/app/{id}/app/11111111-1111-1111-1111-111111111111",
                Some("myapp"),
                app,
            ),
        ];
        for (context, virtual_proxy, app_id) in rows {
            let context = context
                .replace("{id}", ID)
                .replace("{ID}", &ID.to_uppercase());
            let parsed = Context::parse(&context);
            assert_eq!(parsed.virtual_proxy.as_deref(), virtual_proxy, "{context}");
            assert_eq!(
                parsed.app_id.map(|id| id.to_string()).as_deref(),
                app_id,
                "{context}"
            );
        }
    }
}
