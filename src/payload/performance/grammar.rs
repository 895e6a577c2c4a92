//! The fields of a performance event, borrowed from its text.

use nom::Parser;

use super::surplus;
use crate::payload::{
    exception::{split_glued, split_lines},
    header::{HeaderFields, header},
    split::{Parsed, field, last_field, present, short_field},
};

/// The fields, in the order of the payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) header: HeaderFields<'a>,
    pub(super) request: Request<'a>,
    /// From the name of the exception's type to the end of its last line.
    pub(super) exception: Option<&'a str>,
    /// Fields made ambiguous by a `;`.
    pub(super) ambiguous: &'static [&'static str],
}

/// The fields after the header, as sent. Absent ones are empty or `(null)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) session_id: &'a str,
    pub(super) user_directory: &'a str,
    pub(super) user_id: &'a str,
    pub(super) engine_timestamp: &'a str,
    pub(super) engine_session_id: &'a str,
    pub(super) app_id: &'a str,
    pub(super) request_id: &'a str,
    pub(super) method: &'a str,
    pub(super) process_ms: &'a str,
    pub(super) work_ms: &'a str,
    pub(super) lock_ms: &'a str,
    pub(super) validate_ms: &'a str,
    pub(super) traverse_ms: &'a str,
    pub(super) handle: &'a str,
    pub(super) object_id: &'a str,
    pub(super) net_ram_bytes: &'a str,
    pub(super) peak_ram_bytes: &'a str,
    pub(super) object_type: &'a str,
}

pub(super) fn performance(input: &str) -> Parsed<'_, Fields<'_>> {
    let (row, lines) = split_lines(input);
    let (behind_header, header) = header(row)?;
    let (_, mut request) = request(behind_header)?;
    let (object_type, glued) = split_glued(request.object_type, lines.is_some());
    let mut ambiguous: &[&str] = &[];
    if object_type.contains(';') {
        let end = behind_header.len() - glued.map_or(0, str::len);
        (request, ambiguous) = surplus::assign(&behind_header[1..end]);
    } else {
        request.object_type = object_type;
    }
    let exception = match (glued, lines) {
        (Some(glued), _) => Some(&input[input.len() - glued.len() - (input.len() - row.len())..]),
        (None, lines) => lines,
    };
    let fields = Fields {
        header,
        request,
        exception,
        ambiguous,
    };
    Ok(("", fields))
}

fn request(input: &str) -> Parsed<'_, Request<'_>> {
    let who = (
        field("session_id"),
        short_field("user_directory"),
        short_field("user_id"),
        field("engine_timestamp"),
        field("engine_session_id"),
        field("app_id"),
        short_field("request_id"),
        field("method"),
    );
    let times = (
        short_field("process_ms"),
        short_field("work_ms"),
        short_field("lock_ms"),
        short_field("validate_ms"),
        short_field("traverse_ms"),
    );
    let object = (
        short_field("handle"),
        short_field("object_id"),
        short_field("net_ram_bytes"),
        short_field("peak_ram_bytes"),
        last_field("object_type"),
    );
    (who, times, object)
        .map(|(who, times, object)| Request {
            session_id: who.0,
            user_directory: who.1,
            user_id: who.2,
            engine_timestamp: who.3,
            engine_session_id: who.4,
            app_id: who.5,
            request_id: who.6,
            method: who.7,
            process_ms: times.0,
            work_ms: times.1,
            lock_ms: times.2,
            validate_ms: times.3,
            traverse_ms: times.4,
            handle: object.0,
            object_id: object.1,
            net_ram_bytes: object.2,
            peak_ram_bytes: object.3,
            object_type: object.4,
        })
        .parse(input)
}

impl<'a> Request<'a> {
    /// The proxy session; `None` for `0`, which stands for a request without one, such as one of a reload.
    pub(super) fn session_id(&self) -> Option<&'a str> {
        present(self.session_id).filter(|_| !self.is_internal())
    }

    pub(super) fn is_internal(&self) -> bool {
        self.session_id == "0"
    }
}
