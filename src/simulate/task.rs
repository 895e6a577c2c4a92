//! Task events in the layouts of the scheduler's and the engine's appenders.

use super::{
    layout::{Fields, Style},
    truth::{About, EngineReload, TaskRow, TaskRun},
};
use crate::payload::Level;

/// Appends an event's fields to `datagram`, and the exception if there is one.
pub(super) fn write(event: &TaskRow, type_token: &str, style: Style, datagram: &mut Vec<u8>) {
    let mut fields = Fields::new(datagram, type_token, style);
    fields.add(&event.host);
    match &event.about {
        About::Run(run) => scheduler(event, run, &mut fields),
        About::Reload(reload) => engine(event, reload, &mut fields),
    }
    fields.glue(event.exception);
}

fn scheduler(event: &TaskRow, run: &TaskRun, fields: &mut Fields<'_>) {
    fields
        .add(&run.task_name)
        .app(run.app_name.as_deref())
        .add(&run.user)
        .add(&run.task_id)
        .app(run.app_id.as_deref())
        .date(event.time)
        .level(Level::Info)
        .add(&run.execution_id)
        .add(&event.message);
}

fn engine(event: &TaskRow, reload: &EngineReload, fields: &mut Fields<'_>) {
    fields
        .add(&reload.app_id)
        .add(&reload.engine_session_id)
        .add(&reload.directory)
        .add(&reload.user_id)
        .date(event.time)
        .level(Level::Error)
        .add(&event.message);
}
