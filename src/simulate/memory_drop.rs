//! A request that takes half of a node's memory, and the user who made it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    catalogue::{App, Object},
    clock::milliseconds,
    context::Document,
    entry::{Actor, Entry},
    nodes::NODE_RAM_BYTES,
    office::{Office, Tab},
    requests::Client,
    truth::LogRow,
    user::Visitor,
};
use crate::event::{Level, Service};

/// The peak of its memory: a little less than half of a node's.
const PEAK_RAM_BYTES: u64 = NODE_RAM_BYTES / 64 * 31;

/// How long it takes.
const TAKEN: Duration = Duration::from_secs(150);

/// How long the user must have had the app open before.
const SETTLED: Duration = Duration::from_secs(30);

/// The user who made the memory of a node drop: the truth that has to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryDrop {
    /// The node's name.
    pub host: Arc<str>,
    /// The user, `DIR\id`, as in events.
    pub user: String,
    /// The proxy session, as in events.
    pub session_id: Arc<str>,
    /// The app.
    pub app_id: Arc<str>,
    /// Its name.
    pub app_name: Arc<str>,
    /// The object whose data was requested.
    pub object_id: Arc<str>,
    /// When the request was made.
    pub begin: DateTime<Utc>,
    /// When it had been served, which is the time of the performance event.
    pub end: DateTime<Utc>,
    /// The peak of its memory, in bytes.
    pub peak_ram_bytes: u64,
}

/// Makes the first suitable user from `at` on request too much, and adds to `entries` what is logged about it.
pub(super) fn cause(
    office: &Office<'_>,
    at: Duration,
    rng: &mut Rng,
    entries: &mut Vec<Entry>,
) -> Option<MemoryDrop> {
    let at = milliseconds(at);
    let begin_of = |tab: &Tab| at.max(tab.opened + milliseconds(SETTLED));
    let (tab, app, sheet) = office
        .tabs
        .iter()
        .filter_map(|tab| match tab.context.document() {
            Document::App { app, sheet } => Some((tab, office.apps.app(app), sheet)),
            Document::SessionApp { .. } | Document::Nothing => None,
        })
        .filter(|(tab, ..)| {
            matches!(office.visits[tab.visit].visitor, Visitor::Person { .. })
                && begin_of(tab) + milliseconds(TAKEN) <= tab.closed
        })
        .min_by_key(|(tab, ..)| begin_of(tab))?;
    let objects = app.sheets[sheet].objects.iter().enumerate();
    let about @ (_, object) = objects
        .filter(|(_, object)| object.object_type != "listbox")
        .max_by_key(|(_, object)| object.burden)?;
    let begin = office.at(begin_of(tab));
    let actor = office.actor(tab);
    let memory_drop = MemoryDrop {
        host: Arc::clone(&actor.host),
        user: format!("{}\\{}", actor.directory, actor.user_id),
        session_id: actor.session_id.clone()?,
        app_id: Arc::clone(&app.id),
        app_name: Arc::clone(&app.name),
        object_id: Arc::clone(&object.id),
        begin,
        end: begin + TimeDelta::from_std(TAKEN).unwrap_or_default(),
        peak_ram_bytes: PEAK_RAM_BYTES,
    };
    ask(actor, app, about, begin, office, rng, entries);
    Some(memory_drop)
}

/// The request, and what the engine logs meanwhile.
fn ask(
    actor: Actor,
    app: &App,
    about: (usize, &Object),
    begin: DateTime<Utc>,
    office: &Office<'_>,
    rng: &mut Rng,
    entries: &mut Vec<Entry>,
) {
    let mut client = Client::new(actor.clone(), begin, rng);
    if office.families.log {
        let mut log = |after: i64, level, message: &str| {
            let mut event = LogRow::new(
                begin + TimeDelta::seconds(after),
                &actor.host,
                Service::Engine,
                (level, "System.Engine.Engine"),
                message,
            );
            event.session_id.clone_from(&actor.session_id);
            event.directory = Some(Arc::clone(&actor.directory));
            event.user_id = Some(Arc::clone(&actor.user_id));
            event.engine_session_id = Some(Arc::clone(client.engine_session_id()));
            event.app_id = Some(Arc::clone(&app.id));
            entries.push(Entry::log(actor.node, event));
        };
        log(40, Level::Warn, "The working set is above its lower limit");
        log(
            90,
            Level::Error,
            "The working set is above its upper limit, caches are emptied",
        );
    }
    client.ask_for_all(app, about, TAKEN, PEAK_RAM_BYTES);
    entries.extend(client.into_entries());
    entries.sort_by_key(Entry::time);
}
