//! Task events: a task failed, is being stopped, succeeded or was distributed. The scheduler's rows that the filters of
//! Butler's appenders pick, and a row of the engine.
//!
//! The scheduler sends eleven fields, `type;host;task name;app name;user;task id;app id;local time;level;execution
//! id;message`, the engine nine, `type;host;app id;session id;user directory;user id;local time;level;message`. Users
//! choose the names of tasks and apps, which stand before all that is not free text and may hold `;`: `split.rs` finds
//! the fields by what cannot be text. The message is the rest and may hold `;` and line breaks of its own.

mod action;
mod event;
mod grammar;
mod split;

pub(super) use self::event::TaskPayload;
pub use self::{action::TaskAction, event::TaskEvent};
use super::{
    Payload, Service, UserAgentCache,
    family::{Read, Token},
    split::Parsed,
};

/// The type tokens of task events. The token says what happened, whatever the message says; none tells the type of
/// the task, be it called so.
pub(super) const TOKENS: &[Token] = &[
    token("/scheduler-task-failed/", failed),
    token("/scheduler-task-aborted/", aborting),
    // With two slashes, as the appenders were published.
    token("/scheduler-task-success//", succeeded),
    token("/scheduler-task-success/", succeeded),
    token("/scheduler-distribute/", distributed),
    token("/scheduler-reload-failed/", failed),
    token("/scheduler-reload-aborted/", aborting),
    token("/scheduler-reloadtask-success/", succeeded),
    // Known to Butler, though no appender that was published sends them.
    token("/scheduler-reloadtask-failed/", failed),
    token("/scheduler-distribute-failed/", failed),
    token("/scheduler-distribute-success/", succeeded),
    token("/scheduler-externalprogram-failed/", failed),
    token("/scheduler-externalprogram-success/", succeeded),
    token("/engine-reload-failed/", reload_failed),
];

const fn token(text: &'static str, read: Read) -> Token {
    Token {
        text,
        last_field: "message",
        read,
    }
}

fn failed<'p>(text: &'p str, input: &'p str, _: &UserAgentCache) -> Parsed<'p, Payload> {
    scheduler(text, input, TaskAction::Failed)
}

fn aborting<'p>(text: &'p str, input: &'p str, _: &UserAgentCache) -> Parsed<'p, Payload> {
    scheduler(text, input, TaskAction::Aborting)
}

fn succeeded<'p>(text: &'p str, input: &'p str, _: &UserAgentCache) -> Parsed<'p, Payload> {
    scheduler(text, input, TaskAction::Succeeded)
}

fn distributed<'p>(text: &'p str, input: &'p str, _: &UserAgentCache) -> Parsed<'p, Payload> {
    scheduler(text, input, TaskAction::Distributed)
}

fn reload_failed<'p>(text: &'p str, input: &'p str, _: &UserAgentCache) -> Parsed<'p, Payload> {
    let (rest, fields) = grammar::engine(input)?;
    let task = TaskPayload::new(text, &fields, TaskAction::Failed, Service::Engine);
    Ok((rest, Payload::Task(Box::new(task))))
}

fn scheduler<'p>(text: &'p str, input: &'p str, action: TaskAction) -> Parsed<'p, Payload> {
    let (rest, fields) = grammar::scheduler(input)?;
    let task = TaskPayload::new(text, &fields, action, Service::Scheduler);
    Ok((rest, Payload::Task(Box::new(task))))
}
