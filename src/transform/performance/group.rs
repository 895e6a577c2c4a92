//! One group: requests of one user in one app, to objects of one type, on one node.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    event::{Event, Measure, Peak, PerformanceEvent, PerformanceSummaryFields, Total},
    payload::Span,
};

/// The values that all requests of a group share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key<'a> {
    host: Option<&'a str>,
    app_id: Option<Uuid>,
    user_directory: Option<&'a str>,
    user_id: Option<&'a str>,
    object_type: Option<&'a str>,
}

impl<'a> Key<'a> {
    pub(super) fn of(event: &'a Event, request: PerformanceEvent<'a>) -> Self {
        Self {
            host: event.host(),
            app_id: event.app_id(),
            user_directory: event.user_directory(),
            user_id: event.user_id(),
            object_type: request.object_type(),
        }
    }

    /// The length of its texts, plus that of the request's texts, in case it becomes the peak.
    pub(super) fn text_bytes(&self, event: &Event, request: PerformanceEvent<'_>) -> usize {
        let own = [
            self.host,
            self.user_directory,
            self.user_id,
            self.object_type,
        ];
        let of_peak = [request.method(), request.object_id(), event.session_id()];
        let texts = own.iter().chain(&of_peak);
        texts.map(|text| text.map_or(0, str::len)).sum()
    }
}

/// The data of a group since its last summary.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The texts of the key, followed by those of the peak.
    text: String,
    key_bytes: usize,
    app_name: Option<Arc<str>>,
    fields: Box<PerformanceSummaryFields>,
}

/// The initial space for method, object and session of the peak.
const PEAK_BYTES: usize = 128;

impl Group {
    /// A group with its first request.
    pub(super) fn new(
        key: &Key<'_>,
        event: &Event,
        request: PerformanceEvent<'_>,
        arrival: DateTime<Utc>,
    ) -> Self {
        let mut text = String::new();
        let mut add = |part| Span::push(&mut text, part);
        let mut fields = Box::new(PerformanceSummaryFields {
            host: add(key.host),
            user_directory: add(key.user_directory),
            user_id: add(key.user_id),
            app_id: key.app_id,
            object_type: add(key.object_type),
            requests: 1,
            totals: measures(request).map(|value| value.map(Total::from)),
            start: arrival,
            end: arrival,
            peak: None,
        });
        let key_bytes = text.len();
        text.reserve(PEAK_BYTES);
        fields.peak = peak(&mut text, event, request, arrival);
        Self {
            text,
            key_bytes,
            app_name: event.shared_app_name().cloned(),
            fields,
        }
    }

    /// Whether requests with this key belong to this group.
    pub(super) fn has(&self, key: &Key<'_>) -> bool {
        let PerformanceSummaryFields {
            host,
            user_directory,
            user_id,
            app_id,
            object_type,
            ..
        } = *self.fields;
        let of = |span: Span| span.get(&self.text);
        let texts = [host, user_directory, user_id, object_type].map(of);
        texts == [key.host, key.user_directory, key.user_id, key.object_type]
            && app_id == key.app_id
    }

    /// Adds a request. Returns `false`, without a change, if a sum would overflow.
    #[must_use]
    pub(super) fn add(
        &mut self,
        event: &Event,
        request: PerformanceEvent<'_>,
        arrival: DateTime<Utc>,
    ) -> bool {
        let fields = &mut self.fields;
        let mut totals = fields.totals;
        for (total, value) in totals.iter_mut().zip(measures(request)) {
            *total = match (*total, value) {
                (Some(total), Some(value)) => match total.plus(value) {
                    Some(total) => Some(total),
                    None => return false,
                },
                (total, value) => total.or(value.map(Total::from)),
            };
        }
        fields.totals = totals;
        fields.requests += 1;
        fields.start = fields.start.min(arrival);
        fields.end = fields.end.max(arrival);
        let highest = fields.peak.as_ref().map(|peak| peak.ram_bytes);
        if request.peak_ram_bytes() > highest {
            self.text.truncate(self.key_bytes);
            fields.peak = peak(&mut self.text, event, request, arrival);
        }
        if let Some(name) = event.shared_app_name()
            && self.app_name.is_none()
        {
            self.app_name = Some(Arc::clone(name));
        }
        true
    }

    /// The summary of the group.
    pub(super) fn into_event(self) -> Event {
        Event::performance_summary(self.text.into(), self.app_name, self.fields)
    }
}

/// The values of a request, by [`Measure`].
const fn measures(request: PerformanceEvent<'_>) -> [Option<i64>; Measure::ALL.len()] {
    [
        request.process_nanoseconds(),
        request.work_nanoseconds(),
        request.lock_nanoseconds(),
        request.validate_nanoseconds(),
        request.traverse_nanoseconds(),
        request.net_ram_bytes(),
    ]
}

/// The request as the peak; `None` if its memory is unknown. Its texts follow those of the key.
fn peak(
    text: &mut String,
    event: &Event,
    request: PerformanceEvent<'_>,
    arrival: DateTime<Utc>,
) -> Option<Peak> {
    Some(Peak {
        ram_bytes: request.peak_ram_bytes()?,
        timestamp: event.qlik_timestamp().unwrap_or(arrival),
        method: Span::push(text, request.method()),
        object_id: Span::push(text, request.object_id()),
        session_id: Span::push(text, event.session_id()),
    })
}
