//! Reads browser and system from a user agent, with the names that existing dashboards group by.
//!
//! The rules are two ordered lists: browsers by their product tokens, and systems by their words. Names, versions and
//! order are those of the JavaScript library Bowser 2.14, whose results for some four hundred agents are in
//! `tests/data/user-agents.json`. What an agent does not name is absent.
//!
//! No crate is used, because `woothee`, which has had no release for years, agreed with Bowser on 218 of 276 current
//! agents, with a list of corrections as long as today's list of browsers. These lists agree on 262, differ on the
//! others for reasons that the table gives, and take a third of the time.

mod browser;
mod cache;
mod product;
mod system;

pub use cache::{DEFAULT_CACHE_BYTES, UserAgentCache};

/// The number of bytes of a user agent that are read: 2,048.
///
/// Browsers send 80 to 250 bytes, and Internet Explorer with a long list of .NET versions stays below 1,000. The limit
/// keeps a hostile agent, which may fill a datagram of 64 KiB, as cheap as an ordinary one. Longer agents are read up
/// to here and are not cached.
pub const MAX_PARSED_BYTES: usize = 2_048;

/// The browser and operating system that a user agent names.
///
/// Names and versions are those of [Bowser](https://github.com/bowser-js/bowser) 2.14, because Butler SOS 15 parses
/// with it and existing dashboards group by its names: `Microsoft Edge` and not `Edge`, `macOS` `10.15.7`, `Windows`
/// `NT 10.0`. What the agent does not say is `None`, never empty text.
///
/// The names of systems and browsers come from fixed lists. An app or program that does not claim to be a browser has
/// its own name from the agent's text, like all versions: `QlikSenseMobile/1.20 (…)` is `QlikSenseMobile`.
///
/// The agent is not always right: Windows 11 calls itself `NT 10.0`, browsers on macOS 11 and later say `10.15.7`, and
/// Safari on an iPad requests desktop pages as `macOS`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct UserAgent {
    /// Name of the browser, such as `Chrome`, `Microsoft Edge`, `Firefox` or `Internet Explorer`, or of the app or
    /// program, at most 64 bytes long.
    pub browser_name: Option<Box<str>>,
    /// Version of the browser as the agent writes it, such as `138.0.0.0` or `17.5`.
    pub browser_version: Option<Box<str>>,
    /// Name of the system: `Windows`, `macOS`, `Linux`, `iOS`, `Android`, `Chrome OS`, `HarmonyOS`,
    /// `Windows Phone`, `Tizen` or `WebOS`.
    pub os_name: Option<&'static str>,
    /// Version of the system, such as `NT 10.0`, `10.15.7` or `14`. Linux and Chrome OS have none.
    pub os_version: Option<Box<str>>,
}

impl UserAgent {
    /// Reads the text of a `User-Agent` header, without quotes around it.
    ///
    /// Takes about a microsecond, ten at most, and reads only the first [`MAX_PARSED_BYTES`]. [`UserAgentCache`]
    /// remembers the result.
    ///
    /// ```
    /// # use qlik_sense_events::event::UserAgent;
    /// let agent = UserAgent::parse(
    ///     "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
    ///      Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0",
    /// );
    /// assert_eq!(agent.browser_name.as_deref(), Some("Microsoft Edge"));
    /// assert_eq!(agent.browser_version.as_deref(), Some("138.0.0.0"));
    /// assert_eq!(agent.os_name, Some("Windows"));
    /// assert_eq!(agent.os_version.as_deref(), Some("NT 10.0"));
    ///
    /// let app = UserAgent::parse("QlikSenseMobile/1.20 (iPhone; iOS 17.5; Scale/3.00)");
    /// assert_eq!(app.browser_name.as_deref(), Some("QlikSenseMobile"));
    /// assert_eq!(UserAgent::parse("curl/8.4.0"), UserAgent::default());
    /// ```
    pub fn parse(user_agent: &str) -> Self {
        let text = bounded(user_agent);
        let (os_name, os_version) = system::system(text).unzip();
        let (browser_name, browser_version) = browser::browser(text, os_name).unzip();
        Self {
            browser_name: browser_name.map(Box::from),
            browser_version: browser_version.flatten().map(Box::from),
            os_name,
            os_version: os_version.flatten().map(Box::from),
        }
    }
}

/// The part of a user agent that is read.
fn bounded(user_agent: &str) -> &str {
    &user_agent[..user_agent.floor_char_boundary(MAX_PARSED_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_agent_is_cut_between_characters() {
        let agent = "é".repeat(MAX_PARSED_BYTES);
        assert_eq!(bounded(&agent).len(), MAX_PARSED_BYTES);
        let agent = format!("x{agent}");
        assert_eq!(bounded(&agent).len(), MAX_PARSED_BYTES - 1);
        assert_eq!(bounded("short"), "short");
    }

    #[test]
    fn an_agent_that_names_nothing_gives_nothing() {
        for agent in [
            "",
            " ",
            "-",
            "/",
            "Not available",
            "N/A",
            "Mozilla/5.0",
            "curl/8.4.0",
            "Wget/1.21.3",
            "Java/17.0.9",
            "é\u{0}\u{fffd}",
        ] {
            assert_eq!(UserAgent::parse(agent), UserAgent::default(), "{agent:?}");
        }
    }
}
