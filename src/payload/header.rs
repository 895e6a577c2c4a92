//! The fields that log and performance events begin with: row number, time, the node's local time, level, node,
//! logger and the account that runs the service.

use chrono::{DateTime, Utc};
use nom::Parser;

use super::{
    level::Level,
    number,
    span::Span,
    split::{Parsed, field, present, short_field},
    time,
    unreadable::UnreadableFields,
};

/// The fields as sent; see [`Header`] for what they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeaderFields<'a> {
    sequence: Option<&'a str>,
    timestamp: Option<&'a str>,
    local_time: Option<&'a str>,
    level: Option<&'a str>,
    host: Option<&'a str>,
    logger: Option<&'a str>,
    service_account: Option<&'a str>,
}

/// Row number, time, level, node, logger and account of a row. None of them contains a `;`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Header {
    pub(super) sequence: Option<u32>,
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) level: Option<Level>,
    /// The same time without UTC offset.
    pub(super) local_time: Span,
    pub(super) host: Span,
    pub(super) logger: Span,
    pub(super) service_account: Span,
}

pub(super) fn header(input: &str) -> Parsed<'_, HeaderFields<'_>> {
    (
        short_field("sequence"),
        field("timestamp"),
        field("local_time"),
        short_field("level"),
        short_field("host"),
        field("logger"),
        field("service_account"),
    )
        .map(
            |(sequence, timestamp, local_time, level, host, logger, service_account)| {
                HeaderFields {
                    sequence: present(sequence),
                    timestamp: present(timestamp),
                    local_time: present(local_time),
                    level: present(level),
                    host: present(host),
                    logger: present(logger),
                    service_account: present(service_account),
                }
            },
        )
        .parse(input)
}

impl Header {
    /// Interprets these fields of `payload`.
    pub(super) fn new(
        payload: &str,
        fields: &HeaderFields<'_>,
        unreadable: &mut UnreadableFields,
    ) -> Self {
        let part = |text| Span::of(payload, text);
        Self {
            sequence: unreadable.read(payload, "sequence", fields.sequence, number::row),
            timestamp: unreadable.read(payload, "timestamp", fields.timestamp, time::read),
            level: unreadable.read(payload, "level", fields.level, Level::read),
            local_time: part(fields.local_time),
            host: part(fields.host),
            logger: part(fields.logger),
            service_account: part(fields.service_account),
        }
    }
}
