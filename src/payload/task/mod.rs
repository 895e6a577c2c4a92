//! Task events: a task failed, is being stopped, succeeded or was distributed. These are the scheduler's rows that the
//! filters of Butler's appenders select, and one row of the engine.
//!
//! The scheduler sends eleven fields, `type;host;task name;app name;user;task id;app id;local time;level;execution
//! id;message`, and the engine nine, `type;host;app id;session id;user directory;user id;local time;level;message`.
//! Users choose the names of tasks and apps, so the names may contain `;`, and they come before the fixed fields.
//! `split.rs` finds those by their form, which no name has by accident. The message is the rest and may contain `;` and
//! line breaks.

mod action;
mod event;
mod grammar;
mod split;

pub(super) use self::event::TaskPayload;
pub use self::{action::TaskAction, event::TaskEvent};
use super::{
    DecodeError, Payload, Service, UserAgentCache,
    family::{Read, Token},
    split::decode_error,
};

/// The type tokens of task events. The token says what happened, whatever the message says. It does not tell the type
/// of the task, even if its name seems to.
pub(super) const TOKENS: &[Token] = &[
    token("/scheduler-task-failed/", failed),
    token("/scheduler-task-aborted/", aborting),
    // Published appenders have two slashes here.
    token("/scheduler-task-success//", succeeded),
    token("/scheduler-task-success/", succeeded),
    token("/scheduler-distribute/", distributed),
    token("/scheduler-reload-failed/", failed),
    token("/scheduler-reload-aborted/", aborting),
    token("/scheduler-reloadtask-success/", succeeded),
    // Butler knows these, but no published appender sends them.
    token("/scheduler-reloadtask-failed/", failed),
    token("/scheduler-distribute-failed/", failed),
    token("/scheduler-distribute-success/", succeeded),
    token("/scheduler-externalprogram-failed/", failed),
    token("/scheduler-externalprogram-success/", succeeded),
    token("/engine-reload-failed/", reload_failed),
];

const fn token(text: &'static str, read: Read) -> Token {
    Token { text, read }
}

fn failed(text: &str, input: &str, _: &UserAgentCache) -> Result<Payload, DecodeError> {
    scheduler(text, input, TaskAction::Failed)
}

fn aborting(text: &str, input: &str, _: &UserAgentCache) -> Result<Payload, DecodeError> {
    scheduler(text, input, TaskAction::Aborting)
}

fn succeeded(text: &str, input: &str, _: &UserAgentCache) -> Result<Payload, DecodeError> {
    scheduler(text, input, TaskAction::Succeeded)
}

fn distributed(text: &str, input: &str, _: &UserAgentCache) -> Result<Payload, DecodeError> {
    scheduler(text, input, TaskAction::Distributed)
}

fn reload_failed(text: &str, input: &str, _: &UserAgentCache) -> Result<Payload, DecodeError> {
    let parsed = grammar::engine(input);
    let (_, fields) = parsed.map_err(decode_error(text, LAST_FIELD))?;
    let task = TaskPayload::new(text, &fields, TaskAction::Failed, Service::Engine);
    Ok(Payload::Task(Box::new(task)))
}

fn scheduler(text: &str, input: &str, action: TaskAction) -> Result<Payload, DecodeError> {
    let parsed = grammar::scheduler(input);
    let (_, fields) = parsed.map_err(decode_error(text, LAST_FIELD))?;
    let task = TaskPayload::new(text, &fields, action, Service::Scheduler);
    Ok(Payload::Task(Box::new(task)))
}

const LAST_FIELD: &str = "message";
