//! What the layouts of log, performance and task events have in common: fields in sequence, separated by `;`, without
//! quotes.

use std::{fmt::Display, io::Write as _, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};

use super::clock::{COMPACT, DATE, digits, in_zone, local, offset};
use crate::payload::Level;

/// The account that runs the services.
const SERVICE_ACCOUNT: &str = r"LAB\qlikservice";

/// How a node writes what the layouts leave open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// The placeholder for an absent value.
    pub(super) absent: &'static str,
    /// The placeholder for a missing session.
    pub(super) no_session: &'static str,
    /// The placeholder for the app of a task that has none.
    pub(super) no_app: &'static str,
    pub(super) zone: Zone,
    /// The separator between milliseconds and their fractions.
    pub(super) decimal_sign: char,
    /// The placeholder for an unreadable number.
    pub(super) no_number: &'static str,
}

/// How a node writes its offset from UTC.
#[derive(Debug, Clone, Copy)]
pub(super) enum Zone {
    /// `+0100`
    Compact,
    /// `-0330`
    West,
    /// `+01:00`
    Colon,
    /// `Z`, with a local time in UTC.
    Utc,
}

impl Style {
    /// The style of Qlik Sense in central Europe.
    pub(super) const USUAL: Self = Self {
        absent: "(null)",
        no_session: "0",
        no_app: "",
        zone: Zone::Compact,
        decimal_sign: '.',
        no_number: "NaN",
    };
}

impl Zone {
    /// The time with its offset, and the same time without it.
    fn times(self, time: DateTime<Utc>) -> (String, String) {
        let there = match self {
            Self::Compact | Self::Colon => local(time),
            Self::West => in_zone(time, -12_600),
            Self::Utc => time.fixed_offset(),
        };
        let offset = match self {
            Self::Compact | Self::West => offset(there, ""),
            Self::Colon => offset(there, ":"),
            Self::Utc => "Z".to_owned(),
        };
        (digits(there, COMPACT) + &offset, digits(there, DATE))
    }
}

/// The fields of a datagram, in order.
pub(super) struct Fields<'a> {
    datagram: &'a mut Vec<u8>,
    style: Style,
}

impl<'a> Fields<'a> {
    /// Starts with the type token.
    pub(super) fn new(datagram: &'a mut Vec<u8>, type_token: &str, style: Style) -> Self {
        datagram.extend_from_slice(type_token.as_bytes());
        Self { datagram, style }
    }

    /// Adds a field.
    pub(super) fn add(&mut self, value: impl Display) -> &mut Self {
        // Writing to a vector cannot fail.
        let _ = write!(self.datagram, ";{value}");
        self
    }

    /// Adds a field, or the placeholder if there is no value.
    pub(super) fn add_or_absent(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.add(value),
            None => self.add(self.style.absent),
        }
    }

    /// Adds the proxy session.
    pub(super) fn session(&mut self, id: Option<&str>) -> &mut Self {
        self.add(id.unwrap_or(self.style.no_session))
    }

    /// Adds the app of a task, or its name.
    pub(super) fn app(&mut self, app: Option<&str>) -> &mut Self {
        self.add(app.unwrap_or(self.style.no_app))
    }

    /// Adds milliseconds with decimals.
    pub(super) fn milliseconds(&mut self, time: Option<Duration>) -> &mut Self {
        let Some(time) = time else {
            return self.add(self.style.no_number);
        };
        let microseconds = time.as_micros();
        let (whole, fraction) = (microseconds / 1_000, microseconds % 1_000);
        if fraction == 0 {
            return self.add(whole);
        }
        let fraction = format!("{fraction:03}");
        let fraction = fraction.trim_end_matches('0');
        let sign = self.style.decimal_sign;
        self.add(format_args!("{whole}{sign}{fraction}"))
    }

    /// Adds a whole number.
    pub(super) fn number(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.add(number),
            None => self.add(self.style.no_number),
        }
    }

    /// Adds the time when the engine wrote the row, which was a little earlier than log4net's.
    pub(super) fn engine_time(&mut self, time: DateTime<Utc>) -> &mut Self {
        let (time, _) = self.style.zone.times(time - TimeDelta::milliseconds(2));
        self.add(time)
    }

    /// Adds the leading fields of log and performance events.
    pub(super) fn header(
        &mut self,
        row: u16,
        time: DateTime<Utc>,
        level: Level,
        host: &str,
        logger: &str,
    ) -> &mut Self {
        let (time, date) = self.style.zone.times(time);
        self.add(row)
            .add(time)
            .add(date)
            .level(level)
            .add(host)
            .add(logger)
            .add(SERVICE_ACCOUNT)
    }

    /// Adds the local time without a zone.
    pub(super) fn date(&mut self, time: DateTime<Utc>) -> &mut Self {
        self.add(digits(local(time), DATE))
    }

    pub(super) fn level(&mut self, level: Level) -> &mut Self {
        self.add(level.log4net_name())
    }

    /// Appends an exception to the last field as log4net does: without a line break before it, but with one at its end.
    pub(super) fn glue(&mut self, exception: Option<&str>) {
        if let Some(exception) = exception {
            self.datagram.extend_from_slice(exception.as_bytes());
            self.datagram.extend_from_slice(b"\r\n");
        }
    }
}
