//! Nodes in trouble, and what they log about it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    chance::{choose, guid_text, happens, index},
    context::NOT_AVAILABLE,
    entry::{Actor, Entry},
    truth::LogRow,
};
use crate::event::{Level, Service};

const ENGINE: &str = "System.Engine.Engine";
const ENGINE_SESSION: &str = "Session.Engine.Engine";
const PROXY_STREAM: &str = "System.Proxy.Proxy.Core.Connection.StreamFactory";
const PROXY_POOL: &str = "System.Proxy.Proxy.Core.Pool`1[[Example.Node, Example.Core, Version=31.1.0.0, \
     Culture=neutral, PublicKeyToken=null]]";
const PROXY_LOGIN: &str = "AuditSecurity.Proxy.Proxy.SessionEstablishment.Authentication.Login";
const REPOSITORY_LDAP: &str = "System.Repository.Repository.Core.UserDirectoryConnectors.Ldap";
const REPOSITORY_ACCESS: &str =
    "Service.Repository.Repository.Core.Licensing.AccessTypes.AccessTypeUtil";
const REPOSITORY_STATUS: &str = "Service.Repository.Repository.Core.Status.ServiceStatusWorker";

/// Text after the last field, with line breaks.
const STACK_TRACES: [&str; 3] = [
    "Example.MemoryException: limit of the working set\r\n   at Example.Engine.Calc.Do(Int32 n) in c:\\src\\calc.cs:line 40\r\n   at Example.Engine.Run()",
    "System.TimeoutException: No answer within 30 s\r\n   at Example.Engine.Wait(TimeSpan limit)\r\n   at Example.Engine.Run()",
    "System.IO.IOException: The disk is gone ---> System.ComponentModel.Win32Exception: Device not ready\r\n   --- End of inner exception stack trace ---\r\n   at Example.Engine.Save()",
];

/// Text in the exception's field, in which Qlik's converter has replaced the line breaks.
const ENCODED: [&str; 2] = [
    "Socket closed↵↓   at Example.Net.Link.Send(Byte[] b)↵↓   at Example.Net.Link.Run()",
    "The remote name could not be resolved: 'pro2-win9'↵↓   at Example.Net.Link.Open(String host)",
];

/// A user with an open session, and the open app.
#[derive(Debug, Clone)]
pub(super) struct Present {
    pub(super) actor: Actor,
    pub(super) app_id: Option<Arc<str>>,
}

/// A burst of 50 to 60 warnings within a minute, with some errors, of which some concern users.
pub(super) fn strike(
    (node, host): (usize, &Arc<str>),
    present: &[Present],
    start: DateTime<Utc>,
    rng: &mut Rng,
) -> Vec<Entry> {
    let here: Vec<&Present> = present
        .iter()
        .filter(|present| present.actor.node == node)
        .collect();
    let service = Service::ALL[index(rng, 3)];
    let mut events = Vec::new();
    for _ in 0..rng.u32(50..61) {
        let time = start + TimeDelta::milliseconds(rng.i64(0..60_000));
        events.push(warning(service, time, host, rng));
    }
    for _ in 0..rng.u32(3..9) {
        let time = start + TimeDelta::milliseconds(rng.i64(5_000..60_000));
        let concerned = here.get(index(rng, here.len())).copied();
        events.push(error(service, time, host, concerned, rng));
    }
    if service == Service::Proxy && happens(rng, 1, 4) {
        let time = start + TimeDelta::seconds(60);
        let kind = (Level::Fatal, PROXY_POOL);
        let message = "Handshake with \"pro2-win9\" failed";
        let mut event = LogRow::new(time, host, service, kind, message);
        event.exception = Some(ENCODED[0]);
        events.push(event);
    }
    events.sort_by_key(|event| event.time);
    events
        .into_iter()
        .map(|event| Entry::log(node, event))
        .collect()
}

/// One of the warnings that occur all day, or a refused login.
pub(super) fn mishap(
    (node, host): (usize, &Arc<str>),
    somebody: (&str, &str),
    time: DateTime<Utc>,
    rng: &mut Rng,
) -> Entry {
    let event = if happens(rng, 1, 5) {
        refused_login(somebody, time, host)
    } else {
        let service = Service::ALL[index(rng, Service::ALL.len())];
        warning(service, time, host, rng)
    };
    Entry::log(node, event)
}

fn warning(service: Service, time: DateTime<Utc>, host: &Arc<str>, rng: &mut Rng) -> LogRow {
    let (logger, message) = match service {
        Service::Engine => (
            ENGINE,
            "Memory limit of the app cache reached, evicting idle selections".to_owned(),
        ),
        Service::Proxy => (
            PROXY_STREAM,
            "Backend connection dropped before the answer was complete".to_owned(),
        ),
        // The clause after the `;` is in the real message.
        Service::Repository => {
            let group = choose(rng, &["Sales", "Finance", "All", "Partners"]);
            let message =
                format!("Group tree of 'CN={group}' points to itself; inner groups skipped");
            (REPOSITORY_LDAP, message)
        }
        Service::Scheduler => (
            "System.Scheduler.Scheduler.Master.Task.Task",
            "Queue of tasks is full, a trigger waits".to_owned(),
        ),
    };
    LogRow::new(time, host, service, (Level::Warn, logger), message)
}

fn error(
    service: Service,
    time: DateTime<Utc>,
    host: &Arc<str>,
    concerned: Option<&Present>,
    rng: &mut Rng,
) -> LogRow {
    let new =
        |logger, message: String| LogRow::new(time, host, service, (Level::Error, logger), message);
    match (service, concerned) {
        (Service::Engine, Some(Present { actor, app_id })) => {
            let mut event = new(ENGINE_SESSION, "Could not open app for user".to_owned());
            event.session_id.clone_from(&actor.session_id);
            event.directory = Some(Arc::clone(&actor.directory));
            event.user_id = Some(Arc::clone(&actor.user_id));
            event.engine_session_id = Some(guid_text(rng).into());
            event.app_id.clone_from(app_id);
            glue(&mut event, rng);
            event
        }
        (Service::Engine, None) => {
            let mut event = new(ENGINE, "The engine could not save its state".to_owned());
            glue(&mut event, rng);
            event
        }
        (Service::Repository, Some(Present { actor, .. })) => {
            let session = actor.session_id.as_deref().unwrap_or("0");
            let message = format!(
                "No access for user '{}\\{}', access id '{}', session '{session}', host '::ffff:10.0.0.7'",
                actor.directory,
                actor.user_id,
                guid_text(rng)
            );
            let mut event = new(REPOSITORY_ACCESS, message);
            event.directory = Some(Arc::clone(&actor.directory));
            event.user_id = Some(Arc::clone(&actor.user_id));
            event.command = Some("Check access");
            event.result = Some("403");
            event.origin = Some("AppAccess");
            event.context = Some("/qrs/requestaccesstype".to_owned());
            event
        }
        (Service::Repository, None) => {
            let mut event = new(REPOSITORY_STATUS, "A service does not answer".to_owned());
            event.exception = Some(choose(rng, &ENCODED));
            event.directory = Some("INTERNAL".into());
            event.user_id = Some("System".into());
            event.command = Some("Check service status");
            event.result = Some("500");
            event.origin = Some(NOT_AVAILABLE);
            event.context = Some("/qps/servicestate".to_owned());
            event
        }
        (Service::Proxy | Service::Scheduler, _) => {
            let mut event = new(PROXY_STREAM, "A backend connection was reset".to_owned());
            event.exception = Some(choose(rng, &ENCODED));
            if let Some(Present { actor, app_id }) = concerned {
                event.directory = Some(Arc::clone(&actor.directory));
                event.user_id = Some(Arc::clone(&actor.user_id));
                event.command = Some("Open connection");
                event.result = Some("502");
                event.origin = Some("AppAccess");
                event.context = app_id.as_ref().map(|id| format!("/app/{id}"));
            }
            event
        }
    }
}

fn glue(event: &mut LogRow, rng: &mut Rng) {
    event.exception = Some(choose(rng, &STACK_TRACES));
    event.is_glued = true;
}

fn refused_login(
    (directory, user_id): (&str, &str),
    time: DateTime<Utc>,
    host: &Arc<str>,
) -> LogRow {
    let kind = (Level::Error, PROXY_LOGIN);
    let message = format!("Login refused for {user_id}");
    let mut event = LogRow::new(time, host, Service::Proxy, kind, message);
    event.directory = Some(directory.into());
    event.user_id = Some(user_id.into());
    event.command = Some("Login:TryLogin");
    event.result = Some("403");
    event.origin = Some(NOT_AVAILABLE);
    event.context = Some("/hub".to_owned());
    event
}
