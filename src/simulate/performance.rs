//! QIX performance events in the layout of the engine's appender.

use super::{
    layout::{Fields, Style},
    truth::Request,
};

/// The type token of performance events.
pub(super) const TYPE_TOKEN: &str = "/qseow-qix-perf/";

const LOGGER: &str = "QixPerformance.Engine.Engine";

/// Appends a request's 26 fields to `datagram`, and the exception if there is one.
pub(super) fn write(request: &Request, type_token: &str, style: Style, datagram: &mut Vec<u8>) {
    Fields::new(datagram, type_token, style)
        .header(
            request.row,
            request.time,
            request.level,
            &request.host,
            LOGGER,
        )
        .session(request.session_id.as_deref())
        .add_or_absent(request.directory.as_ref())
        .add_or_absent(request.user_id.as_ref())
        .engine_time(request.time)
        .add_or_absent(request.engine_session_id.as_ref())
        .add_or_absent(request.app_id.as_ref())
        .add(request.request_id)
        .add(request.method)
        .milliseconds(request.process)
        .milliseconds(Some(request.work))
        .milliseconds(Some(request.lock))
        .milliseconds(Some(request.validate))
        .milliseconds(Some(request.traverse))
        .add(request.handle)
        .add(&request.object_id)
        .add(request.net_ram_bytes)
        .number(request.peak_ram_bytes)
        .add(request.object_type)
        .glue(request.exception);
}
