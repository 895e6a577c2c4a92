//! User agents, checked row by row against a table with Bowser's answers beside ours.

use proptest::prelude::*;
use qlik_sense_events::event::{UserAgent, UserAgentCache};
use serde::Deserialize;

const TABLE: &str = include_str!("data/user-agents.json");

#[derive(Deserialize)]
struct Row {
    ua: String,
    #[serde(flatten)]
    ours: Fields,
    /// What Bowser 2.11.0 gives, where that is something else.
    bowser: Option<Fields>,
    why: Option<String>,
}

/// Empty text where the field is absent.
#[derive(Deserialize, Debug, PartialEq)]
struct Fields {
    browser_name: String,
    browser_version: String,
    os_name: String,
    os_version: String,
}

impl From<&UserAgent> for Fields {
    fn from(agent: &UserAgent) -> Self {
        Self {
            browser_name: agent.browser_name.unwrap_or_default().into(),
            browser_version: agent.browser_version.as_deref().unwrap_or_default().into(),
            os_name: agent.os_name.unwrap_or_default().into(),
            os_version: agent.os_version.as_deref().unwrap_or_default().into(),
        }
    }
}

#[test]
fn every_agent_of_the_table_has_its_names() {
    let rows: Vec<Row> = serde_json::from_str(TABLE).unwrap();
    let cache = UserAgentCache::default();
    let mut covered = 0;
    for row in &rows {
        assert_eq!(
            Fields::from(&UserAgent::parse(&row.ua)),
            row.ours,
            "{:?}",
            row.ua
        );
        assert_eq!(
            Fields::from(&*cache.get(&row.ua)),
            row.ours,
            "cached {:?}",
            row.ua
        );
        assert_eq!(row.bowser.is_some(), row.why.is_some(), "{:?}", row.ua);
        assert_ne!(row.bowser.as_ref(), Some(&row.ours), "{:?}", row.ua);
        covered += 1;
    }
    // One row is one `"ua"` key, so this also holds when a row is lost on the way.
    assert!(covered >= TABLE.matches("\"ua\":").count());
    assert!(covered >= 60);
}

/// Pieces that browsers really send, in orders that they do not.
fn agent_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Mozilla/5.0 (".to_owned()),
        Just("Windows NT ".to_owned()),
        Just("Windows XP".to_owned()),
        Just("Mac OS X ".to_owned()),
        Just("like Mac OS X".to_owned()),
        Just("iPhone; CPU iPhone OS ".to_owned()),
        Just("Linux; Android ".to_owned()),
        Just("Tizen ".to_owned()),
        Just("X11; CrOS ".to_owned()),
        Just("compatible; MSIE ".to_owned()),
        Just("Trident/7.0; rv:".to_owned()),
        Just(" AppleWebKit/".to_owned()),
        Just(" Chrome/".to_owned()),
        Just(" Safari/".to_owned()),
        Just(" Version/".to_owned()),
        Just(" Edg/".to_owned()),
        Just(" OPR/".to_owned()),
        Just(" Firefox/".to_owned()),
        Just(" Electron/".to_owned()),
        Just("; wv".to_owned()),
        Just("KDDI-".to_owned()),
        Just("DoCoMo/1.0/".to_owned()),
        "[0-9._]{0,6}",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_fields_or_nothing(agent in prop_oneof![".*", agent_like()]) {
        let parsed = UserAgent::parse(&agent);
        prop_assert_ne!(parsed.browser_name, Some(""));
        prop_assert_ne!(parsed.os_name, Some(""));
        prop_assert_ne!(parsed.browser_version.as_deref(), Some(""));
        prop_assert_ne!(parsed.os_version.as_deref(), Some(""));
        prop_assert!(parsed.browser_version.is_none() || parsed.browser_name.is_some());
        prop_assert!(parsed.os_version.is_none() || parsed.os_name.is_some());
    }

    #[test]
    fn no_text_is_too_long(agent in agent_like(), times in 1_usize..2_000) {
        UserAgent::parse(&agent.repeat(times));
    }
}
