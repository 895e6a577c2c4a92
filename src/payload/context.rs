//! The context: the path of a request, with its virtual proxy and app.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};
use percent_encoding::percent_decode_str;
use uuid::{Uuid, fmt::Hyphenated};

/// What the path of a context says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The prefix of the virtual proxy: the path before the first segment that is Qlik's own, without its outer
    /// slashes. `None` if there is no such segment, because the prefix cannot be recognised then.
    ///
    /// This is how the proxy itself finds it: "the text in-between the hostname followed by a slash (/) and
    /// the reserved whitelist word", whatever its case
    /// ([Proxy settings](https://help.qlik.com/en-US/sense-developer/May2022/Subsystems/ProxyServiceAPI/Content/Sense_ProxyServiceAPI/ProxyServiceAPI-Proxy-Settings.htm)).
    pub virtual_proxy: Option<Cow<'a, str>>,
    /// The app: the guid that is the segment after `app/`. `None` for session apps (`SessionApp_<guid>`) and engine
    /// data, which are not published apps.
    pub app_id: Option<Uuid>,
}

impl<'a> Context<'a> {
    /// Reads a context such as `/sales/app/a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69?reloaduri=…`.
    ///
    /// The leading slash is optional and percent-encoding is decoded. Everything from `?` or `#` on is ignored,
    /// whether encoded or not, and so are scheme and host of a full URL.
    ///
    /// ```
    /// use qlik_sense_events::payload::Context;
    ///
    /// let context = Context::parse("/sales/app/A421F4A2-C311-4EF4-BA41-FE2E6A2B0D69?x=/app/1");
    /// assert_eq!(context.virtual_proxy.as_deref(), Some("sales"));
    /// assert_eq!(context.app_id.unwrap().to_string(), "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69");
    /// ```
    #[must_use]
    pub fn parse(context: &'a str) -> Self {
        // The query starts at `?` or `#`, but those may be percent-encoded.
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

    fn of_path(path: &'a str) -> Self {
        let path = match path.as_bytes() {
            [b'/', ..] => &path[1..],
            _ => without_host(path),
        };
        let mut found = Self::default();
        let mut has_prefix = false;
        let mut rest = path;
        loop {
            let end = rest.bytes().position(|byte| byte == b'/');
            let (segment, after) = rest.split_at(end.unwrap_or(rest.len()));
            let is_app = is(segment, "app");
            if !has_prefix && (is_app || is_qliks_own(segment)) {
                has_prefix = true;
                found.virtual_proxy = prefix(&path[..path.len() - rest.len()]);
            }
            let Some(after) = after.strip_prefix('/') else {
                return found;
            };
            if is_app && let Some(app_id) = leading_guid(after) {
                found.app_id = Some(app_id);
                return found;
            }
            rest = after;
        }
    }

    fn into_owned<'b>(self) -> Context<'b> {
        Context {
            virtual_proxy: self.virtual_proxy.map(|text| Cow::Owned(text.into_owned())),
            app_id: self.app_id,
        }
    }
}

fn before_query(text: &str) -> &str {
    &text[..memchr2(b'?', b'#', text.as_bytes()).unwrap_or(text.len())]
}

/// The part of a full URL such as `https://sense.example.com/sales/hub` after the host; anything else unchanged.
fn without_host(path: &str) -> &str {
    match path.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => {
            &rest[memchr(b'/', rest.as_bytes()).unwrap_or(rest.len())..]
        }
        _ => path,
    }
}

/// Whether this is a scheme as RFC 3986, 3.1 defines it.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The text without outer slashes. Most paths have no prefix.
fn prefix(text: &str) -> Option<Cow<'_, str>> {
    let prefix = match text {
        "" => return None,
        _ => text.trim_matches('/'),
    };
    (!prefix.is_empty()).then_some(Cow::Borrowed(prefix))
}

fn is(segment: &str, word: &str) -> bool {
    segment == word || segment.eq_ignore_ascii_case(word)
}

/// Whether a path of Qlik Sense itself starts with this segment; `app` is handled elsewhere. Sorted by length, so that
/// a segment is compared with few words.
fn is_qliks_own(segment: &str) -> bool {
    let words: &[&str] = match segment.len() {
        3 => &["hub", "qmc", "api", "qps", "qrs"],
        5 => &["sense"],
        6 => &["assets", "client", "devhub", "single"],
        7 => &["console", "content", "dev-hub"],
        8 => &["printing"],
        9 => &["oidcauthn", "resources", "samlauthn"],
        10 => &["appcontent", "customdata", "extensions"],
        11 => &["datamanager", "tempcontent"],
        14 => &["dataloadeditor", "insightadvisor"],
        15 => &["datamodelviewer"],
        29 => &["internal_forms_authentication"],
        31 => &["internal_windows_authentication"],
        _ => &[],
    };
    words.iter().any(|word| is(segment, word))
}

/// The first segment, if it is a guid in its usual form, 8-4-4-4-12.
fn leading_guid(path: &str) -> Option<Uuid> {
    let (segment, after) = path.split_at_checked(Hyphenated::LENGTH)?;
    let is_whole = after.is_empty() || after.starts_with('/');
    is_whole.then(|| Uuid::try_parse(segment).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

    #[test]
    fn contexts_give_their_virtual_proxy_and_app() {
        let app = Some(ID);
        let rows: &[(&str, Option<&str>, Option<&str>)] = &[
            ("", None, None),
            ("Not available", None, None),
            ("/hub", None, None),
            ("/qmc", None, None),
            ("/app/", None, None),
            ("/app", None, None),
            ("/sales/app", Some("sales"), None),
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
            ("/app/app/{id}", None, app),
            ("/sales/hub", Some("sales"), None),
            ("/sales/QMC/", Some("sales"), None),
            ("/sales/hub?next=/app/{id}", Some("sales"), None),
            ("/sales", None, None),
            ("/sales/hubs", None, None),
            ("/sense/app/{id}", None, app),
            ("/sales/sense/app/{id}/sheet/x", Some("sales"), app),
            ("/qrs/app/{id}", None, app),
            ("/dataloadeditor/app/{id}", None, app),
            ("/eu/sales/dataloadeditor/app/{id}", Some("eu/sales"), app),
            ("/sales/extensions/chart/app/x", Some("sales"), None),
            ("/sales/api/hub/v1/apps", Some("sales"), None),
            ("/console", None, None),
            ("https://sense.example.com/app/{id}", None, app),
            ("https://sense.example.com/sales/hub", Some("sales"), None),
            ("WSS://h:443/sales/app/{id}?x", Some("sales"), app),
            ("https%3A%2F%2Fh%2Fsales%2Fapp%2F{id}", Some("sales"), app),
            ("https://hub", None, None),
            ("https://", None, None),
            ("://app/{id}", Some(":"), app),
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
        for &(context, virtual_proxy, app_id) in rows {
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

    #[test]
    fn segments_of_qlik_itself_end_a_prefix() {
        for own in [
            "api",
            "app",
            "appcontent",
            "assets",
            "client",
            "console",
            "content",
            "customdata",
            "datamanager",
            "dataloadeditor",
            "datamodelviewer",
            "dev-hub",
            "devhub",
            "extensions",
            "hub",
            "insightadvisor",
            "internal_forms_authentication",
            "internal_windows_authentication",
            "oidcauthn",
            "printing",
            "qmc",
            "qps",
            "qrs",
            "resources",
            "samlauthn",
            "sense",
            "single",
            "tempcontent",
        ] {
            for own in [own, &own.to_uppercase()] {
                assert_eq!(
                    Context::parse(&format!("/{own}/app/{ID}")).virtual_proxy,
                    None,
                    "{own}"
                );
                for path in [format!("/sales/{own}"), format!("/sales/{own}/x")] {
                    let virtual_proxy = Context::parse(&path).virtual_proxy;
                    assert_eq!(virtual_proxy.as_deref(), Some("sales"), "{path}");
                }
            }
        }
    }
}
