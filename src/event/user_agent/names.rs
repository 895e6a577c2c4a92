//! What `woothee` finds, in Bowser's names.

use std::borrow::Cow;

use woothee::parser::WootheeResult;
use woothee::woothee::VALUE_UNKNOWN;

/// Browsers that are built upon another one, for which `woothee` takes them. The first one that the
/// agent names decides; the order is Bowser's.
const DERIVED: [Derived; 13] = [
    Derived::with_own_version("OPiOS", "Opera"),
    Derived::with_base_version("Whale", "NAVER Whale Browser"),
    Derived::with_own_version("OPT", "Opera Touch"),
    Derived::with_base_version("UCBrowser", "UC Browser"),
    Derived::with_base_version("Epiphany", "Epiphany"),
    Derived::with_own_version("MicroMessenger", "WeChat"),
    Derived::with_own_version("QQBrowser", "QQ Browser"),
    Derived::with_own_version("SeaMonkey", "SeaMonkey"),
    Derived::with_own_version("Silk", "Amazon Silk"),
    Derived::with_own_version("PhantomJS", "PhantomJS"),
    Derived::with_own_version("Electron", "Electron"),
    Derived::with_own_version("MiuiBrowser", "Miui"),
    Derived::with_own_version("Chromium", "Chromium"),
];

/// A browser that is known by its product token, `product/version`.
struct Derived {
    product: &'static str,
    name: &'static str,
    /// Bowser prefers the `Version/` of the base to the browser's own version.
    base_version_first: bool,
}

impl Derived {
    const fn with_own_version(product: &'static str, name: &'static str) -> Self {
        Self {
            product,
            name,
            base_version_first: false,
        }
    }

    const fn with_base_version(product: &'static str, name: &'static str) -> Self {
        Self {
            product,
            name,
            base_version_first: true,
        }
    }

    fn find<'a>(&self, agent: &'a str) -> Option<Named<'a>> {
        let own_version = product_version(agent, self.product)?;
        let base_version = self
            .base_version_first
            .then(|| product_version(agent, "Version"))
            .flatten();
        Some((self.name, Some(base_version.unwrap_or(own_version))))
    }
}

/// A name and, where the agent tells it, a version.
type Named<'a> = (&'static str, Option<&'a str>);

/// As [`Named`], for systems, whose versions are not always written with dots.
type NamedSystem<'a> = (&'static str, Option<Cow<'a, str>>);

/// Name and version of the browser, given the name of its system.
pub(super) fn browser<'a>(
    found: &WootheeResult<'a>,
    agent: &'a str,
    system: Option<&str>,
) -> Option<Named<'a>> {
    let version = known(found.version);
    match found.name {
        "Edge" => Some(("Microsoft Edge", version)),
        "Google Search App" => Some(("Google Search", version)),
        "Internet Explorer" => Some(("Internet Explorer", version)),
        "Opera" => Some(("Opera", version)),
        "SamsungBrowser" => Some(("Samsung Internet for Android", version)),
        "Vivaldi" => Some(("Vivaldi", version)),
        "Yandex Browser" => Some(("Yandex Browser", version)),
        "Firefox" => derived(agent).or(Some(("Firefox", version))),
        "Chrome" | "Safari" | "Webview" => Some(webkit(found.name, version, agent, system)),
        // An application that shows pages with the WebKit of its system names no browser.
        VALUE_UNKNOWN if agent.contains("AppleWebKit/") => {
            Some(webkit("Webview", None, agent, system))
        }
        // Crawlers, consoles, telephones and HTTP libraries: nobody looks at Qlik Sense with them.
        _ => None,
    }
}

/// The first derived browser that the agent names.
fn derived(agent: &str) -> Option<Named<'_>> {
    DERIVED.iter().find_map(|browser| browser.find(agent))
}

/// Chrome or Safari, unless the agent names a derived browser or its system has one of its own.
fn webkit<'a>(
    name: &str,
    version: Option<&'a str>,
    agent: &'a str,
    system: Option<&str>,
) -> Named<'a> {
    if let Some(found) = derived(agent) {
        return found;
    }
    match (system, name) {
        (Some("Tizen"), _) => ("Tizen", product_version(agent, "Version")),
        (Some("WebOS"), _) => ("WebOS Browser", product_version(agent, "Version")),
        (Some("Android"), "Safari") => ("Android Browser", version),
        (_, "Chrome") => ("Chrome", version),
        (_, "Safari") => ("Safari", version),
        _ => embedded(agent),
    }
}

/// The browser inside an application. On Android `Version/` is the view's, which stays at 4.0.
fn embedded(agent: &str) -> Named<'_> {
    match product_version(agent, "Chrome") {
        Some(version) => ("Chrome", Some(version)),
        None => ("Safari", product_version(agent, "Version")),
    }
}

/// Name and version of the operating system.
pub(super) fn system<'a>(found: &'a WootheeResult<'a>, agent: &'a str) -> Option<NamedSystem<'a>> {
    let version = known(&found.os_version).map(Cow::Borrowed);
    match found.os {
        "Android" => Some(("Android", version)),
        "ChromeOS" => Some(("Chrome OS", None)),
        "iPad" | "iPhone" | "iPod" => Some(("iOS", apple_version(agent, " OS "))),
        "Linux" => television(agent).or(Some(("Linux", None))),
        "Mac OSX" => Some(("macOS", apple_version(agent, "Mac OS X "))),
        "Windows Phone OS" => Some(("Windows Phone", version)),
        _ => windows(agent)
            .or_else(|| television(agent))
            .or_else(|| macintosh(agent)),
    }
}

/// The system of a television, which calls itself Linux too.
fn television(agent: &str) -> Option<NamedSystem<'_>> {
    if let Some(rest) = after(agent, "Tizen ") {
        return Some(("Tizen", known(leading(rest, is_version)).map(Cow::Borrowed)));
    }
    agent.contains("Web0S").then_some(("WebOS", None))
}

/// A Mac whose agent keeps the system's version to itself.
fn macintosh(agent: &str) -> Option<NamedSystem<'_>> {
    agent.contains("(Macintosh").then_some(("macOS", None))
}

/// The version of macOS or iOS, with dots. `woothee` knows macOS up to 10 only, and not every way
/// to write that of an iPad.
fn apple_version<'a>(agent: &'a str, before: &str) -> Option<Cow<'a, str>> {
    let rest = after(agent, before)?;
    let version = known(leading(rest, |byte| is_version(byte) || byte == b'_'))?;
    Some(match version.contains('_') {
        true => Cow::Owned(version.replace('_', ".")),
        false => Cow::Borrowed(version),
    })
}

/// Windows, with its version as the agent writes it: `NT 10.0`, `NT` or `XP`. `woothee` knows only
/// those that had a name of their own: not the servers' `NT 5.2`, nor what may follow `NT 10.0`.
fn windows(agent: &str) -> Option<NamedSystem<'_>> {
    let rest = after(agent, "Windows ")?;
    let version = after(agent, "Windows NT").map(nt_version);
    let xp = || rest.starts_with("XP").then_some(Cow::Borrowed("XP"));
    Some(("Windows", version.or_else(xp)))
}

/// The version of Windows, given what follows `Windows NT`.
fn nt_version(rest: &str) -> Cow<'static, str> {
    match rest
        .strip_prefix(' ')
        .map(|rest| leading(rest, is_version))
        .and_then(known)
    {
        Some(number) => Cow::Owned(format!("NT {number}")),
        None => Cow::Borrowed("NT"),
    }
}

/// The version in a product token, `product/version`, where the product is a whole word.
fn product_version<'a>(agent: &'a str, product: &str) -> Option<&'a str> {
    agent
        .match_indices(product)
        .filter(|(start, _)| {
            !agent[..*start].ends_with(|before: char| before.is_ascii_alphanumeric())
        })
        .filter_map(|(start, _)| agent[start + product.len()..].strip_prefix('/'))
        .find_map(|rest| known(leading(rest, is_version)))
}

/// A version, unless it has no digit at its begin, as `woothee`'s word for an unknown one.
fn known(version: &str) -> Option<&str> {
    version
        .starts_with(|first: char| first.is_ascii_digit())
        .then_some(version)
}

/// What follows the first occurrence of a text.
fn after<'a>(agent: &'a str, text: &str) -> Option<&'a str> {
    agent.split_once(text).map(|(_, rest)| rest)
}

/// The bytes at the begin of a text for which a condition holds. They are ASCII.
fn leading(text: &str, holds: impl Fn(u8) -> bool) -> &str {
    let end = text
        .bytes()
        .position(|byte| !holds(byte))
        .unwrap_or(text.len());
    &text[..end]
}

fn is_version(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}
