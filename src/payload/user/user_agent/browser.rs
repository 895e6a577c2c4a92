//! Finds the browser of a user agent: the first in a list whose product the agent contains.
//!
//! Nearly every agent contains the products of several browsers, because each claims to be those that it descends from.
//! So the order of the lists decides. Names and order are Bowser's.

use super::product::{Product, leading_product, products, version, version_of};

/// A name, and a version if the agent has one.
pub(super) type Named<'a> = (&'a str, Option<&'a str>);

/// A browser, recognised by a product.
struct Browser {
    product: &'static str,
    name: &'static str,
    version: Version,
}

/// Where to find a browser's version.
#[derive(Clone, Copy)]
enum Version {
    /// In its own product.
    Own,
    /// In the product `Version` of the browser that it is built on, or else in its own.
    Base,
}

const fn own(product: &'static str, name: &'static str) -> Browser {
    Browser {
        product,
        name,
        version: Version::Own,
    }
}

const fn base(product: &'static str, name: &'static str) -> Browser {
    Browser {
        product,
        name,
        version: Version::Base,
    }
}

/// Browsers that take precedence over Internet Explorer and the browsers of televisions.
const DERIVED: &[Browser] = &[
    // Crawlers visit apps that need no login. They claim to be Chrome.
    own("GPTBot", "GPTBot"),
    own("ChatGPT-User", "ChatGPT-User"),
    own("OAI-SearchBot", "OAI-SearchBot"),
    own("ClaudeBot", "ClaudeBot"),
    own("Claude-User", "ClaudeBot"),
    own("PerplexityBot", "PerplexityBot"),
    own("Googlebot", "Googlebot"),
    own("Amazonbot", "AmazonBot"),
    own("bingbot", "BingCrawler"),
    own("Baiduspider", "BaiduSpider"),
    own("DuckDuckBot", "DuckDuckBot"),
    own("YandexBot", "YandexBot"),
    own("facebookexternalhit", "FacebookExternalHit"),
    base("Opera", "Opera"),
    own("OPR", "Opera"),
    own("OPiOS", "Opera"),
    base("SamsungBrowser", "Samsung Internet for Android"),
    base("Whale", "NAVER Whale Browser"),
    base("PaleMoon", "Pale Moon"),
    own("Focus", "Focus"),
    own("OPT", "Opera Touch"),
    own("YaBrowser", "Yandex Browser"),
    base("UCBrowser", "UC Browser"),
    base("Maxthon", "Maxthon"),
    base("MXiOS", "Maxthon"),
    base("Epiphany", "Epiphany"),
    base("Puffin", "Puffin"),
    base("Sleipnir", "Sleipnir"),
    own("MicroMessenger", "WeChat"),
    own("QQBrowserLite", "QQ Browser Lite"),
    own("QQBrowser", "QQ Browser"),
    own("MQQBrowser", "QQ Browser"),
    own("Edg", "Microsoft Edge"),
    own("Edge", "Microsoft Edge"),
    own("EdgA", "Microsoft Edge"),
    own("EdgiOS", "Microsoft Edge"),
    own("Vivaldi", "Vivaldi"),
    own("SeaMonkey", "SeaMonkey"),
    own("Silk", "Amazon Silk"),
    own("PhantomJS", "PhantomJS"),
];

/// Browsers that others are built on.
const GENERAL: &[Browser] = &[
    own("QupZilla", "QupZilla"),
    own("LibreWolf", "LibreWolf"),
    own("Firefox", "Firefox"),
    own("Iceweasel", "Firefox"),
    own("FxiOS", "Firefox"),
    own("Electron", "Electron"),
    own("MiuiBrowser", "Miui"),
    own("Ddg", "DuckDuckGo"),
    own("Chromium", "Chromium"),
    own("Chrome", "Chrome"),
    own("HeadlessChrome", "Chrome"),
    own("CriOS", "Chrome"),
    own("GSA", "Google Search"),
];

/// Name and version of the browser, given the name of its system.
pub(super) fn browser<'a>(agent: &'a str, system: Option<&str>) -> Option<Named<'a>> {
    first_of(DERIVED, agent)
        .or_else(|| internet_explorer(agent))
        .or_else(|| of_television(agent, system))
        .or_else(|| first_of(GENERAL, agent))
        .or_else(|| of_webkit(agent, system))
        .or_else(|| of_its_own_name(agent))
}

fn first_of<'a>(browsers: &'static [Browser], agent: &'a str) -> Option<Named<'a>> {
    let place = |product: &Product<'_>| browsers.iter().position(|it| product.is(it.product));
    let found = products(agent).filter_map(|product| Some((place(&product)?, product.version)));
    let (place, own) = found.min_by_key(|(place, _)| *place)?;
    let browser = &browsers[place];
    let version = match browser.version {
        Version::Own => own,
        Version::Base => version_of(agent, "Version").unwrap_or(own),
    };
    Some((browser.name, known(version)))
}

/// Internet Explorer, with the version that it claims to be. The product `Trident`, which version 8 introduced, has the
/// version of the engine.
fn internet_explorer(agent: &str) -> Option<Named<'_>> {
    let after = |text| agent.split_once(text).map(|(_, rest)| rest);
    let shown = after("MSIE ");
    let is_it = shown.is_some() || products(agent).any(|product| product.is("Trident"));
    let version = shown.or_else(|| after("rv:")).map_or("", version);
    is_it.then(|| ("Internet Explorer", known(version)))
}

fn of_television<'a>(agent: &'a str, system: Option<&str>) -> Option<Named<'a>> {
    let name = match system {
        Some("Tizen") => "Tizen",
        Some("WebOS") => "WebOS Browser",
        _ => return None,
    };
    Some((name, version_of(agent, "Version")))
}

/// The browser that comes with the system, or an app that shows pages with the system's WebKit.
fn of_webkit<'a>(agent: &'a str, system: Option<&str>) -> Option<Named<'a>> {
    let is_webkit = |product: Product<'_>| product.is("AppleWebKit") || product.is("Safari");
    let name = match system {
        Some("Android") => "Android Browser",
        _ => "Safari",
    };
    products(agent)
        .any(is_webkit)
        .then(|| (name, version_of(agent, "Version")))
}

/// An app or program that does not claim to be a browser. Those that do start with `Mozilla`.
fn of_its_own_name(agent: &str) -> Option<Named<'_>> {
    let product = leading_product(agent).filter(|product| !product.is("Mozilla"))?;
    Some((product.name, known(product.version)))
}

fn known(version: &str) -> Option<&str> {
    (!version.is_empty()).then_some(version)
}
