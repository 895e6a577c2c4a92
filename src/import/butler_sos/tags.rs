//! Tags: Butler SOS has one list for user events and one for log events, this program a single list for all events.

use std::collections::BTreeMap;

use super::{
    Note,
    config::{ButlerSos, Tag},
};
use crate::schema::Tags;

type Map = BTreeMap<String, String>;

/// The tags of all events, which the program adds.
pub(super) fn of_all(from: &ButlerSos, notes: &mut Vec<Note>) -> Tags {
    let [users, logs] = both(from, notes);
    let all = match (from.user_events.enable, from.log_events.is_used()) {
        (_, false) => users,
        (false, true) => logs,
        (true, true) => common(&users, &logs),
    };
    Tags::try_from(all).unwrap_or_default()
}

/// The tags of user events only, and those of log and performance events only, which Vector adds.
pub(super) fn of_some(from: &ButlerSos) -> [Map; 2] {
    if !from.user_events.enable || !from.log_events.is_used() {
        return [Map::new(), Map::new()];
    }
    let both = both(from, &mut Vec::new());
    let common = common(&both[0], &both[1]);
    both.map(|mut tags| {
        tags.retain(|name, _| !common.contains_key(name));
        tags
    })
}

fn common(users: &Map, logs: &Map) -> Map {
    let mut common = users.clone();
    common.retain(|name, value| logs.get(name) == Some(value));
    common
}

/// The two lists, without entries that are not valid tags.
fn both(from: &ButlerSos, notes: &mut Vec<Note>) -> [Map; 2] {
    let users = tags(&from.user_events.tags, "userEvents.tags", notes);
    let logs = if from.log_events.is_used() {
        tags(&from.log_events.tags, "logEvents.tags", notes)
    } else {
        Map::new()
    };
    [users, logs]
}

/// Names and values for every event. If two have the same name the later one counts, as in Butler SOS.
fn tags(from: &[Tag], key: &str, notes: &mut Vec<Note>) -> Map {
    let mut tags = Map::new();
    for (place, Tag { name, value }) in from.iter().enumerate() {
        let key = format!("{key}[{place}]");
        let Some(value) = value else {
            let message = format!("left out: `{}` has no value", name.0);
            notes.push(Note::new(&key, &message));
            continue;
        };
        let tag = Map::from([(name.0.clone(), value.0.clone())]);
        match Tags::try_from(tag.clone()) {
            Ok(_) => tags.extend(tag),
            Err(error) => notes.push(Note::new(&key, &format!("left out: {error}"))),
        }
    }
    tags
}
