//! Events: the content of one payload, the reason why it cannot be decoded, or a result of several.
//!
//! An [`Event`] has accessors for what nearly all families share: [who](Event::user), [where](Event::host),
//! [when](Event::timestamp), [in which app](Event::app_id). Its [`Body`] has the fields of one family.

mod arrival;
mod derived;
mod performance_summary;
mod undecoded;
mod unreadable;
mod user;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub(crate) use self::performance_summary::{Peak, PerformanceSummaryFields};
use self::undecoded::UndecodedPayload;
pub use self::{
    arrival::Arrival,
    derived::{
        Derived, DerivedKind, EndReason, Ended, FollowedApp, FollowedConnection, FollowedSession,
        Pairing, Subject,
    },
    performance_summary::{Measure, PerformanceSummary, Total},
    undecoded::Undecoded,
    unreadable::Unreadable,
    user::User,
};
use crate::payload::{DecodeError, Fields, Payload, Personal, Rewriter};
pub use crate::payload::{
    family::{EventName, Family},
    kind::EventKind,
    level::{Level, Service},
    log::{LogEvent, Refusal},
    performance::PerformanceEvent,
    task::{TaskAction, TaskEvent},
    user::{
        ConnectionAction, DEFAULT_CACHE_BYTES, MAX_PARSED_BYTES, SessionAction, UserAgent,
        UserAgentCache, UserEvent,
    },
};

/// The content of one payload, the reason why it cannot be decoded, or a result of several.
///
/// The payload is kept in one piece; all texts are slices of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    arrival: Option<Arrival>,
    text: Box<str>,
    app_name: Option<Arc<str>>,
    content: Content,
}

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Payload(Payload),
    Undecoded(UndecodedPayload),
    Derived(Box<Derived>),
    PerformanceSummary(Box<PerformanceSummaryFields>),
}

// Small, because it is moved several times.
const _: () = assert!(size_of::<Event>() <= 208);

/// The part that is specific to one kind of event.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// Something happened to a session or connection of a user.
    User(UserEvent<'a>),
    /// A service wrote to its log.
    Log(LogEvent<'a>),
    /// The engine served a request.
    Performance(PerformanceEvent<'a>),
    /// Something happened to a task.
    Task(TaskEvent<'a>),
    /// A payload that could not be decoded, with the reason.
    Undecoded(Undecoded<'a>),
    /// A session or connection as a whole, from several user events.
    Derived(&'a Derived),
    /// The combined cost of several requests, from their performance events.
    PerformanceSummary(PerformanceSummary<'a>),
}

/// Accessors for every event, whatever its family. User events, the most frequent, take a direct path.
macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident($($text:ident)?) -> $type:ty;)+) => {$(
        $(#[$doc])*
        #[must_use]
        #[inline]
        pub fn $name(&self) -> $type {
            /// A separate function, so that the direct path needs less stack.
            #[inline(never)]
            fn of_others(event: &Event) -> $type {
                event.fields().$name($(&event.$text)?)
            }
            match &self.content {
                Content::Payload(Payload::User(fields)) => fields.$name($(&self.$text)?),
                _ => of_others(self),
            }
        }
    )+};
}

impl Event {
    answers! {
        /// The kind of event.
        kind() -> EventKind;

        /// The family of the payload's type token, which identifies the appender that sent it; `None` for derived and
        /// undecoded events.
        family() -> Option<Family>;

        /// The Qlik node, usually its lower-case short machine name.
        host(text) -> Option<&str>;

        /// The user's directory, for example `LAB`, `INTERNAL` or `NONE`.
        user_directory(text) -> Option<&str>;

        /// The user's id in the directory, for example `goran` or `sa_engine`.
        user_id(text) -> Option<&str>;

        /// Qlik's own words for what happened, as sent: `Start session`, …
        qlik_command(text) -> Option<&str>;

        /// Where the access came from: `AppAccess`, `Not available`, …
        origin(text) -> Option<&str>;

        /// The requested path, whole.
        context(text) -> Option<&str>;

        /// Qlik's message, whole, with the user agent that it may end with.
        message(text) -> Option<&str>;

        /// The result, as Qlik writes it.
        result(text) -> Option<&str>;

        /// The proxy session that the event belongs to: the same in its start, its stop, the connections
        /// between them and the requests to the engine. Newer releases of Qlik Sense send a hash in its place.
        session_id(text) -> Option<&str>;

        /// The prefix of the virtual proxy, from the context.
        virtual_proxy(text) -> Option<&str>;

        /// The task, as Qlik Sense writes its id.
        task_id(text) -> Option<&str>;

        /// The task's name, which its users chose.
        task_name(text) -> Option<&str>;

        /// The run of the task, as Qlik Sense writes its id.
        execution_id(text) -> Option<&str>;

        /// When it happened, by the node's clock, without UTC offset. Not in user events.
        local_time(text) -> Option<&str>;

        /// The app's name from the payload.
        sent_app_name(text) -> Option<&str>;

        /// The name of the logger that wrote the row, `Facility.Service.Type`.
        logger(text) -> Option<&str>;

        /// The account that the service runs under, as `DIRECTORY\id`.
        service_account(text) -> Option<&str>;

        /// The exception that was logged, with its stack trace.
        exception(text) -> Option<&str>;

        /// The engine's own session.
        engine_session_id(text) -> Option<&str>;

        /// When the engine wrote the row.
        engine_timestamp() -> Option<DateTime<Utc>>;

        /// When it happened, by the Qlik node's clock. `None` if the payload has no such time, as with the standard
        /// appenders of user events, or if it cannot be read; see [`Event::unreadable`].
        qlik_timestamp() -> Option<DateTime<Utc>>;

        /// The row number, which increases by one with every event of one appender on one node and restarts after
        /// 9,999.
        sequence() -> Option<u32>;

        /// The app.
        app_id() -> Option<Uuid>;

        /// How serious it is.
        level() -> Option<Level>;

        /// The service that wrote the row: from the logger, or if that does not name one, from the appender.
        service(text) -> Option<Service>;

        /// Fields made ambiguous by a `;`, by their names in the schema `default`. The first of them has all the text
        /// in question.
        ambiguous() -> &'static [&'static str];
    }

    pub(crate) fn payload(text: &str, payload: Payload) -> Self {
        Self::new(text.into(), Content::Payload(payload))
    }

    pub(crate) fn undecoded(error: DecodeError, raw: &str) -> Self {
        let has_raw = true;
        Self::new(
            raw.into(),
            Content::Undecoded(UndecodedPayload { error, has_raw }),
        )
    }

    /// A summary of requests; all its texts are slices of `text`.
    pub(crate) fn performance_summary(
        text: Box<str>,
        app_name: Option<Arc<str>>,
        fields: Box<PerformanceSummaryFields>,
    ) -> Self {
        Self {
            arrival: Some(Arrival::local(fields.end)),
            app_name,
            ..Self::new(text, Content::PerformanceSummary(fields))
        }
    }

    fn new(text: Box<str>, content: Content) -> Self {
        Self {
            arrival: None,
            text,
            app_name: None,
            content,
        }
    }

    fn fields(&self) -> &dyn Fields {
        match &self.content {
            Content::Payload(payload) => payload.fields(),
            Content::Undecoded(fields) => fields,
            Content::Derived(fields) => &**fields,
            Content::PerformanceSummary(fields) => &**fields,
        }
    }

    /// The part that is specific to this kind of event.
    #[must_use]
    #[inline]
    pub fn body(&self) -> Body<'_> {
        match &self.content {
            Content::Payload(Payload::User(fields)) => {
                Body::User(UserEvent::new(&self.text, fields))
            }
            Content::Payload(Payload::Log(fields)) => Body::Log(LogEvent::new(&self.text, fields)),
            Content::Payload(Payload::Performance(fields)) => {
                Body::Performance(PerformanceEvent::new(&self.text, fields))
            }
            Content::Payload(Payload::Task(fields)) => {
                Body::Task(TaskEvent::new(&self.text, fields))
            }
            Content::Undecoded(fields) => Body::Undecoded(Undecoded::new(&self.text, fields)),
            Content::Derived(derived) => Body::Derived(derived),
            Content::PerformanceSummary(fields) => {
                Body::PerformanceSummary(PerformanceSummary::new(&self.text, fields))
            }
        }
    }

    /// When and from where the datagram arrived; `None` until the host has set it.
    #[must_use]
    pub const fn arrival(&self) -> Option<Arrival> {
        self.arrival
    }

    /// Sets when and from where the datagram arrived.
    pub const fn set_arrival(&mut self, arrival: Arrival) {
        self.arrival = Some(arrival);
    }

    /// When it happened: Qlik's own time if it was sent and can be read, otherwise the time of arrival.
    #[must_use]
    #[inline]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        self.qlik_timestamp()
            .or(self.arrival.map(|arrival| arrival.timestamp))
    }

    /// Directory and id as Qlik writes them, `LAB\goran`; `None` if either is absent.
    #[must_use]
    #[inline]
    pub fn user(&self) -> Option<User<'_>> {
        Some(User {
            directory: self.user_directory()?,
            id: self.user_id()?,
        })
    }

    /// The app's name, from a transform or from the payload.
    #[must_use]
    #[inline]
    pub fn app_name(&self) -> Option<&str> {
        self.app_name.as_deref().or_else(|| self.sent_app_name())
    }

    /// Sets the app's name.
    pub fn set_app_name(&mut self, name: Arc<str>) {
        self.app_name = Some(name);
    }

    /// The browser and system of the user.
    #[must_use]
    #[inline]
    pub fn client(&self) -> Option<&UserAgent> {
        self.shared_client().map(|client| &**client)
    }

    /// Values that cannot be read as the time, number or id that they should be, as sent.
    #[must_use]
    pub fn unreadable(&self) -> Unreadable<'_> {
        Unreadable::new(&self.text, self.fields().unreadable())
    }

    /// Removes the text of a payload that could not be decoded, because it may name a user anywhere.
    pub fn drop_raw(&mut self) {
        if let Content::Undecoded(fields) = &mut self.content {
            fields.has_raw = false;
            self.text = Box::default();
        }
    }

    /// The whole payload, as text.
    pub(crate) const fn text(&self) -> &str {
        &self.text
    }

    /// [`Event::app_name`] as set by a transform, as a shared text.
    pub(crate) const fn shared_app_name(&self) -> Option<&Arc<str>> {
        self.app_name.as_ref()
    }

    /// [`Event::client`], as a shared value.
    #[inline]
    pub(crate) fn shared_client(&self) -> Option<&Arc<UserAgent>> {
        match &self.content {
            Content::Payload(Payload::User(fields)) => fields.client(),
            _ => self.fields().client(),
        }
    }

    /// The derived event, mutably.
    pub(crate) fn derived_mut(&mut self) -> Option<&mut Derived> {
        match &mut self.content {
            Content::Derived(derived) => Some(derived),
            _ => None,
        }
    }

    /// Replaces or removes the texts that may name a person; `client` changes the browser.
    pub(crate) fn rewrite(
        &mut self,
        mut replace: impl for<'t> FnMut(Personal, &'t str) -> Option<std::borrow::Cow<'t, str>>,
        client: impl FnOnce(&mut Arc<UserAgent>),
    ) {
        let fields = match &mut self.content {
            Content::Payload(payload) => payload.fields_mut(),
            Content::PerformanceSummary(fields) => &mut **fields,
            Content::Undecoded(_) | Content::Derived(_) => return,
        };
        let mut texts = Rewriter::new(&self.text, &mut replace);
        fields.rewrite(&mut texts);
        let text = texts.finish();
        if let Some(known) = fields.client_mut() {
            client(known);
        }
        if self.app_name.as_deref().is_some_and(|name| {
            let name: &str = name;
            replace(Personal::SharedName, name).is_none()
        }) {
            self.app_name = None;
        }
        self.text = text;
    }
}

impl From<Box<Derived>> for Event {
    fn from(event: Box<Derived>) -> Self {
        Self {
            arrival: Some(Arrival::local(event.timestamp)),
            ..Self::new(Box::default(), Content::Derived(event))
        }
    }
}

impl From<Derived> for Event {
    fn from(event: Derived) -> Self {
        Box::new(event).into()
    }
}
