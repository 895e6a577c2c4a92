//! User agents, compared row by row with Bowser's results in a table made with Bowser 2.14.1.

use proptest::prelude::*;
use qlik_sense_events::event::{UserAgent, UserAgentCache};
use serde::Deserialize;

const TABLE: &str = include_str!("../data/user-agents.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    ua: String,
    bowser: Fields,
    /// Our result, if it differs on purpose.
    ours: Option<Fields>,
    why: Option<String>,
}

/// Browser, its version, system and its version. Absent ones are empty text.
type Fields = [String; 4];

fn fields(agent: &UserAgent) -> Fields {
    [
        agent.browser_name.as_deref(),
        agent.browser_version.as_deref(),
        agent.os_name,
        agent.os_version.as_deref(),
    ]
    .map(|field| field.unwrap_or_default().to_owned())
}

#[test]
fn every_agent_of_the_table_has_the_names_that_bowser_gives() {
    let rows: Vec<Row> = serde_json::from_str(TABLE).unwrap();
    let cache = UserAgentCache::default();
    let mut differences = 0;
    for row in &rows {
        let ua = &row.ua;
        let expected = row.ours.as_ref().unwrap_or(&row.bowser);
        assert_eq!(fields(&UserAgent::parse(ua)), *expected, "{ua:?}");
        assert_eq!(fields(&cache.get(ua)), *expected, "cached {ua:?}");
        assert_eq!(row.ours.is_some(), row.why.is_some(), "{ua:?}");
        assert_ne!(row.ours.as_ref(), Some(&row.bowser), "{ua:?}");
        differences += usize::from(row.ours.is_some());
    }
    // The numbers that docs/from-butler-sos.md gives.
    assert_eq!((rows.len(), differences), (416, 23));
}

/// Pieces that browsers really send, in orders in which they do not.
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
        Just(" OpenHarmony ".to_owned()),
        Just("Web0S; ".to_owned()),
        Just("App/v".to_owned()),
        Just("; wv".to_owned()),
        Just("/".to_owned()),
        "[0-9._]{0,6}",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_fields_or_nothing(agent in prop_oneof![".*", agent_like()]) {
        let parsed = UserAgent::parse(&agent);
        prop_assert_ne!(parsed.browser_name.as_deref(), Some(""));
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
