//! The content of a performance event: a request that the engine served.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::grammar;
use crate::payload::{
    EventKind, Family, Fields, Personal, Rewriter, Service, header::Header, number, span::Span,
    split::present, time, unreadable::UnreadableFields,
};

/// What a performance event says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PerformancePayload {
    header: Header,
    session_id: Span,
    is_internal: bool,
    user_directory: Span,
    user_id: Span,
    engine_timestamp: Option<DateTime<Utc>>,
    engine_session_id: Span,
    app_id: Option<Uuid>,
    request_id: Option<i64>,
    method: Span,
    /// In nanoseconds.
    process: Option<i64>,
    work: Option<i64>,
    lock: Option<i64>,
    validate: Option<i64>,
    traverse: Option<i64>,
    handle: Option<i64>,
    object_id: Span,
    net_ram_bytes: Option<i64>,
    peak_ram_bytes: Option<i64>,
    object_type: Span,
    exception: Span,
    unreadable: UnreadableFields,
    ambiguous: &'static [&'static str],
}

impl PerformancePayload {
    /// Interprets these fields of `payload`.
    pub(super) fn new(payload: &str, fields: &grammar::Fields<'_>) -> Self {
        let part = |field| Span::of(payload, present(field));
        let mut unreadable = UnreadableFields::default();
        let header = Header::new(payload, &fields.header, &mut unreadable);
        let request = &fields.request;
        let mut time = |name, field| unreadable.read(payload, name, present(field), time::read);
        let engine_timestamp = time("engine_timestamp", request.engine_timestamp);
        let mut duration = |name, field| {
            let read = |text: &str| number::milliseconds(text).filter(is_amount);
            unreadable.read(payload, name, present(field), read)
        };
        let process = duration("process_ms", request.process_ms);
        let work = duration("work_ms", request.work_ms);
        let lock = duration("lock_ms", request.lock_ms);
        let validate = duration("validate_ms", request.validate_ms);
        let traverse = duration("traverse_ms", request.traverse_ms);
        let mut whole = |name, field| unreadable.read(payload, name, present(field), number::whole);
        let request_id = whole("request_id", request.request_id);
        let handle = whole("handle", request.handle);
        let net_ram_bytes = whole("net_ram_bytes", request.net_ram_bytes);
        let peak_ram_bytes = present(request.peak_ram_bytes);
        let peak_ram_bytes = unreadable.read(payload, "peak_ram_bytes", peak_ram_bytes, |text| {
            number::whole(text).filter(is_amount)
        });
        let app_id = unreadable.read(payload, "app_id", present(request.app_id), |text| {
            Uuid::try_parse(text.trim_ascii()).ok()
        });
        Self {
            header,
            session_id: Span::of(payload, request.session_id()),
            is_internal: request.is_internal(),
            user_directory: part(request.user_directory),
            user_id: part(request.user_id),
            engine_timestamp,
            engine_session_id: part(request.engine_session_id),
            app_id,
            request_id,
            method: part(request.method),
            process,
            work,
            lock,
            validate,
            traverse,
            handle,
            object_id: part(request.object_id),
            net_ram_bytes,
            peak_ram_bytes,
            object_type: part(request.object_type),
            exception: Span::of(payload, fields.exception),
            unreadable,
            ambiguous: fields.ambiguous,
        }
    }
}

/// A negative time or peak is not an amount; it would lower sums.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "what `filter` asks for")]
const fn is_amount(number: &i64) -> bool {
    *number >= 0
}

impl Fields for PerformancePayload {
    fn family(&self) -> Option<Family> {
        Some(Family::Performance)
    }

    fn kind(&self) -> EventKind {
        EventKind::Performance
    }

    fn header(&self) -> Option<&Header> {
        Some(&self.header)
    }

    fn user_directory<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_directory.get(text)
    }

    fn user_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_id.get(text)
    }

    fn session_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.session_id.get(text)
    }

    fn engine_session_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.engine_session_id.get(text)
    }

    fn exception<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.exception.get(text)
    }

    fn engine_timestamp(&self) -> Option<DateTime<Utc>> {
        self.engine_timestamp
    }

    fn app_id(&self) -> Option<Uuid> {
        self.app_id
    }

    /// Only the engine serves requests, whatever the logger is called.
    fn service(&self, text: &str) -> Option<Service> {
        let by_logger = self.logger(text).and_then(Service::of_logger);
        by_logger.or(Some(Service::Engine))
    }

    fn unreadable(&self) -> &[(&'static str, Span)] {
        &self.unreadable.0
    }

    fn ambiguous(&self) -> &'static [&'static str] {
        self.ambiguous
    }

    fn rewrite(&mut self, texts: &mut Rewriter<'_>) {
        texts.header(&mut self.header);
        texts.replace(Personal::Text, &mut self.session_id);
        texts.replace(Personal::UserDirectory, &mut self.user_directory);
        texts.replace(Personal::UserId, &mut self.user_id);
        texts.replace(Personal::Text, &mut self.engine_session_id);
        texts.keep(&mut self.method);
        texts.replace(Personal::Text, &mut self.object_id);
        texts.replace(Personal::Text, &mut self.object_type);
        texts.replace(Personal::FreeText, &mut self.exception);
        texts.unreadable(&mut self.unreadable);
    }
}

/// What only performance events have; the [`Event`](crate::event::Event) answers everything else.
///
/// Times are whole nanoseconds, so that their sums are exact; the output has milliseconds, like Qlik Sense. Times and
/// peaks are never negative: such values are in [`unreadable`](crate::event::Event::unreadable). The meanings are those
/// of Qlik's help page "QIX performance log".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PerformanceEvent<'a> {
    text: &'a str,
    fields: &'a PerformancePayload,
}

impl<'a> PerformanceEvent<'a> {
    pub(crate) const fn new(text: &'a str, fields: &'a PerformancePayload) -> Self {
        Self { text, fields }
    }

    /// Whether the request belongs to no user's session, such as one of a reload.
    #[must_use]
    pub const fn is_internal(self) -> bool {
        self.fields.is_internal
    }

    /// The client's number for the request, unique only within a connection.
    #[must_use]
    pub const fn request_id(self) -> Option<i64> {
        self.fields.request_id
    }

    /// Class and method of the QIX interface, such as `GenericObject::GetLayout`.
    #[must_use]
    pub fn method(self) -> Option<&'a str> {
        self.fields.method.get(self.text)
    }

    /// The elapsed time to serve the request, in nanoseconds.
    #[must_use]
    pub const fn process_nanoseconds(self) -> Option<i64> {
        self.fields.process
    }

    /// The time of actual work, in nanoseconds.
    #[must_use]
    pub const fn work_nanoseconds(self) -> Option<i64> {
        self.fields.work
    }

    /// The time spent waiting for an internal lock, in nanoseconds.
    #[must_use]
    pub const fn lock_nanoseconds(self) -> Option<i64> {
        self.fields.lock
    }

    /// The time to validate the request before the work, in nanoseconds.
    #[must_use]
    pub const fn validate_nanoseconds(self) -> Option<i64> {
        self.fields.validate
    }

    /// The time in the inference engine, which determines the selected, possible and excluded values, in nanoseconds.
    #[must_use]
    pub const fn traverse_nanoseconds(self) -> Option<i64> {
        self.fields.traverse
    }

    /// The handle of the interface that served the request, -1 for the global one.
    #[must_use]
    pub const fn handle(self) -> Option<i64> {
        self.fields.handle
    }

    /// The chart or other object; `<Unknown>` if there is none.
    #[must_use]
    pub fn object_id(self) -> Option<&'a str> {
        self.fields.object_id.get(self.text)
    }

    /// The type of the object; `<Unknown>` if there is none.
    #[must_use]
    pub fn object_type(self) -> Option<&'a str> {
        self.fields.object_type.get(self.text)
    }

    /// The memory still in use after the request, in bytes; negative if it freed some.
    #[must_use]
    pub const fn net_ram_bytes(self) -> Option<i64> {
        self.fields.net_ram_bytes
    }

    /// The most memory in use during the request, in bytes.
    #[must_use]
    pub const fn peak_ram_bytes(self) -> Option<i64> {
        self.fields.peak_ram_bytes
    }
}
