//! Log events in the layouts of the services' appenders.

use super::{
    layout::{Fields, Style},
    truth::LogRow,
};
use crate::payload::Service;

/// The engine's version, in the rows of loggers that include it.
const ENGINE_VERSION: &str = "14.173.4.0";

/// The time when the engine was started, in the same rows.
const SERVER_STARTED: &str = "20260129T021500.000+0100";

/// The id of the engine's process, in the same rows.
const PROCESS_ID: &str = "6120";

/// The type token of the log events that a service's appender sends.
pub(super) const fn type_token(appender: Service) -> &'static str {
    match appender {
        Service::Engine => "/qseow-engine/",
        Service::Proxy => "/qseow-proxy/",
        Service::Repository => "/qseow-repository/",
        Service::Scheduler => "/qseow-scheduler/",
    }
}

/// Appends an event's fields to `datagram`, and the exception if it is not in a field of its own.
pub(super) fn write(event: &LogRow, type_token: &str, style: Style, datagram: &mut Vec<u8>) {
    let mut fields = Fields::new(datagram, type_token, style);
    fields
        .header(
            event.row,
            event.time,
            event.level,
            &event.host,
            event.logger,
        )
        .add(&event.message);
    match event.appender {
        Service::Engine => engine(event, &mut fields),
        Service::Proxy | Service::Repository => web(event, &mut fields),
        Service::Scheduler => scheduler(event, &mut fields),
    }
    fields.glue(event.exception.filter(|_| event.is_glued));
}

fn engine(event: &LogRow, fields: &mut Fields<'_>) {
    let tells = event.engine_session_id.is_some();
    fields
        .session(event.session_id.as_deref())
        .add_or_absent(event.directory.as_ref())
        .add_or_absent(event.user_id.as_ref())
        .engine_time(event.time)
        .add_or_absent(tells.then_some(PROCESS_ID))
        .add_or_absent(tells.then_some(ENGINE_VERSION))
        .add_or_absent(tells.then_some(SERVER_STARTED))
        .add_or_absent(tells.then_some("1"))
        .add_or_absent(event.engine_session_id.as_ref())
        .add_or_absent(event.app_id.as_ref());
}

fn web(event: &LogRow, fields: &mut Fields<'_>) {
    exception(event, fields)
        .add_or_absent(event.directory.as_ref())
        .add_or_absent(event.user_id.as_ref())
        .add_or_absent(event.command)
        .add_or_absent(event.result)
        .add_or_absent(event.origin)
        .add_or_absent(event.context.as_ref());
}

fn scheduler(event: &LogRow, fields: &mut Fields<'_>) {
    let run = event.task.as_ref();
    exception(event, fields)
        .add_or_absent(event.directory.as_ref())
        .add_or_absent(event.user_id.as_ref())
        .add_or_absent(run.map(|run| &run.user))
        .add_or_absent(run.map(|run| &run.task_name))
        .add_or_absent(run.and_then(|run| run.app_name.as_ref()))
        .add_or_absent(run.map(|run| &run.task_id))
        .add_or_absent(run.and_then(|run| run.app_id.as_ref()))
        .add_or_absent(run.map(|run| &run.execution_id));
}

/// Adds the field of the exception, which is empty if there is none.
fn exception<'a, 'b>(event: &LogRow, fields: &'a mut Fields<'b>) -> &'a mut Fields<'b> {
    let exception = event.exception.filter(|_| !event.is_glued);
    fields.add(exception.unwrap_or_default())
}
