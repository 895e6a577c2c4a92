//! A summary of requests to the engine: their number, their total cost, and the most expensive one.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::payload::{EventKind, Family, Fields, Personal, Rewriter, Service, Span};

/// The data of a summary. Texts are slices of the event's text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PerformanceSummaryFields {
    pub(crate) host: Span,
    pub(crate) user_directory: Span,
    pub(crate) user_id: Span,
    pub(crate) app_id: Option<Uuid>,
    pub(crate) object_type: Span,
    pub(crate) requests: u64,
    /// Indexed by [`Measure`].
    pub(crate) totals: [Option<Total>; Measure::ALL.len()],
    pub(crate) start: DateTime<Utc>,
    pub(crate) end: DateTime<Utc>,
    pub(crate) peak: Option<Peak>,
}

/// The request that used the most memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Peak {
    pub(crate) ram_bytes: i64,
    pub(crate) timestamp: DateTime<Utc>,
    pub(crate) method: Span,
    pub(crate) object_id: Span,
    pub(crate) session_id: Span,
}

/// A value of requests that can be added up. Peak memory cannot: two requests need not reach it at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The total time to serve a request, in nanoseconds.
    Process,
    /// The time of actual work, in nanoseconds.
    Work,
    /// The time spent waiting for an internal lock, in nanoseconds.
    Lock,
    /// The time of validation, in nanoseconds.
    Validate,
    /// The time in the inference engine, in nanoseconds.
    Traverse,
    /// The memory still in use afterwards, in bytes; negative if memory was freed.
    NetRam,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 6] = [
        Self::Process,
        Self::Work,
        Self::Lock,
        Self::Validate,
        Self::Traverse,
        Self::NetRam,
    ];
}

/// A measure over the requests that have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The exact sum.
    pub sum: i64,
    /// The largest value.
    pub max: i64,
}

impl Total {
    /// This plus one more value; `None` if the sum would overflow.
    pub(crate) fn plus(self, value: i64) -> Option<Self> {
        Some(Self {
            sum: self.sum.checked_add(value)?,
            max: self.max.max(value),
        })
    }
}

impl From<i64> for Total {
    fn from(value: i64) -> Self {
        Self {
            sum: value,
            max: value,
        }
    }
}

impl Fields for PerformanceSummaryFields {
    fn family(&self) -> Option<Family> {
        None
    }

    fn kind(&self) -> EventKind {
        EventKind::PerformanceSummary
    }

    fn host<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.host.get(text)
    }

    fn user_directory<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_directory.get(text)
    }

    fn user_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_id.get(text)
    }

    fn app_id(&self) -> Option<Uuid> {
        self.app_id
    }

    fn service(&self, _: &str) -> Option<Service> {
        Some(Service::Engine)
    }

    fn rewrite(&mut self, texts: &mut Rewriter<'_>) {
        texts.keep(&mut self.host);
        texts.replace(Personal::UserDirectory, &mut self.user_directory);
        texts.replace(Personal::UserId, &mut self.user_id);
        texts.replace(Personal::Text, &mut self.object_type);
        if let Some(peak) = &mut self.peak {
            texts.keep(&mut peak.method);
            texts.replace(Personal::Text, &mut peak.object_id);
            texts.replace(Personal::Text, &mut peak.session_id);
        }
    }
}

/// The combined cost of summarized requests: those of one user in one app, to objects of one type, on one node,
/// within an interval.
///
/// The [`Event`](super::Event) has the user, app and node. Sums are exact; they cover the requests that have the
/// measure, and are absent if none has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerformanceSummary<'a> {
    text: &'a str,
    fields: &'a PerformanceSummaryFields,
}

impl<'a> PerformanceSummary<'a> {
    pub(super) const fn new(text: &'a str, fields: &'a PerformanceSummaryFields) -> Self {
        Self { text, fields }
    }

    /// The number of requests, at least one.
    #[must_use]
    pub const fn requests(self) -> u64 {
        self.fields.requests
    }

    /// The sum and the largest value of a measure.
    #[must_use]
    pub const fn total(self, measure: Measure) -> Option<Total> {
        self.fields.totals[measure as usize]
    }

    /// The type of their objects, `<Unknown>` if there are none.
    #[must_use]
    pub fn object_type(self) -> Option<&'a str> {
        self.fields.object_type.get(self.text)
    }

    /// The arrival of the first of them.
    #[must_use]
    pub const fn start(self) -> DateTime<Utc> {
        self.fields.start
    }

    /// The arrival of the last of them; not before the start.
    #[must_use]
    pub const fn end(self) -> DateTime<Utc> {
        self.fields.end
    }

    /// The most memory that one of them used, in bytes. The `peak_` methods below describe that request, or the first
    /// of several.
    #[must_use]
    pub fn peak_ram_bytes(self) -> Option<i64> {
        Some(self.peak()?.ram_bytes)
    }

    /// When it was served, by the node's clock.
    #[must_use]
    pub fn peak_timestamp(self) -> Option<DateTime<Utc>> {
        Some(self.peak()?.timestamp)
    }

    /// Its class and method.
    #[must_use]
    pub fn peak_method(self) -> Option<&'a str> {
        self.peak()?.method.get(self.text)
    }

    /// Its object.
    #[must_use]
    pub fn peak_object_id(self) -> Option<&'a str> {
        self.peak()?.object_id.get(self.text)
    }

    /// Its proxy session.
    #[must_use]
    pub fn peak_session_id(self) -> Option<&'a str> {
        self.peak()?.session_id.get(self.text)
    }

    const fn peak(self) -> Option<&'a Peak> {
        self.fields.peak.as_ref()
    }
}
