//! The product tokens of a user agent, `product/version`
//! ([RFC 9110, section 10.1.5](https://www.rfc-editor.org/rfc/rfc9110#section-10.1.5)).

/// A name with its version, which is empty if the agent has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Product<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

impl Product<'_> {
    pub(super) const fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// The products of an agent in order, including those in comments, where apps and televisions put them; at most
/// [`MAX_PRODUCTS`].
pub(super) fn products(agent: &str) -> impl Iterator<Item = Product<'_>> {
    let mut rest = agent;
    let products = std::iter::from_fn(move || {
        let (before, after) = rest.split_once('/')?;
        rest = after;
        Some(Product {
            name: trailing(before, is_name),
            version: version(after),
        })
    });
    products.take(MAX_PRODUCTS)
}

/// The number of products that are read. Agents have four to twenty; the limit bounds the cost of a hostile one.
const MAX_PRODUCTS: usize = 64;

/// The version of the first product with this name that has one.
pub(super) fn version_of<'a>(agent: &'a str, name: &str) -> Option<&'a str> {
    products(agent)
        .find(|product| product.is(name) && !product.version.is_empty())
        .map(|product| product.version)
}

/// The product at the start of an agent, whose name may have several words: `Microsoft Office/16.0 (…)`. As in Bowser,
/// something must follow it: the default of a program, `curl/8.4.0`, does not count.
///
/// A name starts with a letter and has at most [`MAX_NAME_BYTES`] of the characters that product names may have, so
/// that a path or a sentence does not count. Its version may start with `v`.
pub(super) fn leading_product(agent: &str) -> Option<Product<'_>> {
    let (name, after) = agent.split_once('/')?;
    let (after, _) = after.split_once([' ', '\t'])?;
    let is_word = |byte| is_name(byte) || byte == b' ';
    let is_product = name.len() <= MAX_NAME_BYTES
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && !name.ends_with(' ')
        && name.bytes().all(is_word);
    let number = version(after.strip_prefix('v').unwrap_or(after));
    let version = &after[..after
        .len()
        .min(usize::from(after.starts_with('v')) + number.len())];
    (is_product && !number.is_empty()).then_some(Product { name, version })
}

/// The longest name that [`leading_product`] reads, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// The version at the start of a text: digits and dots, starting and ending with a digit.
pub(super) fn version(text: &str) -> &str {
    let version = leading(text, |byte| byte.is_ascii_digit() || byte == b'.');
    if version.starts_with('.') {
        return "";
    }
    version.trim_end_matches('.')
}

/// The bytes at the start of a text for which a condition holds. They must be ASCII.
pub(super) fn leading(text: &str, holds: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|byte| !holds(byte));
    &text[..end.unwrap_or(text.len())]
}

/// The bytes at the end of a text for which a condition holds. They must be ASCII.
fn trailing(text: &str, holds: impl Fn(u8) -> bool) -> &str {
    let before = text.bytes().rposition(|byte| !holds(byte));
    &text[before.map_or(0, |place| place + 1)..]
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_words_before_a_slash() {
        let agent = "Mozilla/5.0 (X; Trident/7.0) XiaoMi/MiuiBrowser/18.2. Chrome/ [App]/1 é/2";
        let found: Vec<_> = products(agent).map(|p| (p.name, p.version)).collect();
        let expected = [
            ("Mozilla", "5.0"),
            ("Trident", "7.0"),
            ("XiaoMi", ""),
            ("MiuiBrowser", "18.2"),
            ("Chrome", ""),
            ("", "1"),
            ("", "2"),
        ];
        assert_eq!(found, expected);
        assert_eq!(version_of("a/ A/1 a/2", "a"), Some("1"));
        assert_eq!(version_of("xa/1", "a"), None);
    }

    #[test]
    fn an_agent_may_begin_with_a_product() {
        let rows = [
            ("curl/8.4.0", None),
            ("curl/8.4.0 (x)", Some(("curl", "8.4.0"))),
            ("App/1.20 (iPhone; iOS 17.5)", Some(("App", "1.20"))),
            (
                "Microsoft Office/16.0 (x)",
                Some(("Microsoft Office", "16.0")),
            ),
            ("check_http/v2.4.0 (x)", Some(("check_http", "v2.4.0"))),
            ("app/1x y", Some(("app", "1"))),
            ("app/v (x)", None),
            ("app/x (x)", None),
            ("N/A", None),
            ("24/7 (x)", None),
            ("/hub/1 (x)", None),
            ("app /1 (x)", None),
            ("a (b/1", None),
            ("é/1 (x)", None),
            ("Not available", None),
            ("", None),
        ];
        for (agent, expected) in rows {
            let found = leading_product(agent).map(|p| (p.name, p.version));
            assert_eq!(found, expected, "{agent}");
        }
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        assert_eq!(leading_product(&format!("{long}/1 (x)")), None);
        assert!(leading_product(&format!("{}/1 (x)", &long[1..])).is_some());
    }
}
