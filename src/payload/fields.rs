//! The typed content of a payload, and the accessors that every family provides.

use std::{borrow::Cow, fmt, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    EventKind, Family, UserAgent,
    header::Header,
    level::{Level, Service},
    log::LogPayload,
    performance::PerformancePayload,
    span::Span,
    task::TaskPayload,
    unreadable::UnreadableFields,
    user::UserPayload,
};

/// The content of a payload: the fields of its family, most of them spans of the event's text.
#[derive(Debug, Clone, PartialEq)]
#[repr(u8)]
pub(crate) enum Payload {
    User(UserPayload),
    Log(Box<LogPayload>),
    Performance(Box<PerformancePayload>),
    Task(Box<TaskPayload>),
}

impl Payload {
    pub(crate) fn fields(&self) -> &dyn Fields {
        match self {
            Self::User(fields) => fields,
            Self::Log(fields) => &**fields,
            Self::Performance(fields) => &**fields,
            Self::Task(fields) => &**fields,
        }
    }

    pub(crate) fn fields_mut(&mut self) -> &mut dyn Fields {
        match self {
            Self::User(fields) => fields,
            Self::Log(fields) => &mut **fields,
            Self::Performance(fields) => &mut **fields,
            Self::Task(fields) => &mut **fields,
        }
    }
}

/// Text accessors of every event. Values that a family does not have are absent.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[inline]
        fn $name<'t>(&'t self, _text: &'t str) -> Option<&'t str> {
            None
        }
    )+};
}

/// The accessors of every event, whatever its family; `text` is the event's text. Values that a family does not have
/// are absent.
pub(crate) trait Fields: fmt::Debug {
    /// `None` for events that do not come from a payload.
    fn family(&self) -> Option<Family>;

    fn kind(&self) -> EventKind;

    /// The leading fields of log rows, which provide their own accessors.
    fn header(&self) -> Option<&Header> {
        None
    }

    /// The Qlik node.
    #[inline]
    fn host<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.header()?.host.get(text)
    }

    /// The node's own time, without UTC offset.
    fn local_time<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.header()?.local_time.get(text)
    }

    fn logger<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.header()?.logger.get(text)
    }

    fn service_account<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.header()?.service_account.get(text)
    }

    texts! {
        user_directory;
        user_id;
        qlik_command;
        origin;
        context;
        message;
        result;
        session_id;
        virtual_proxy;
        /// As sent in the payload.
        sent_app_name;
        task_id;
        task_name;
        /// The run of the task.
        execution_id;
        exception;
        engine_session_id;
    }

    /// When it happened, by the Qlik node's clock.
    fn qlik_timestamp(&self) -> Option<DateTime<Utc>> {
        self.header()?.timestamp
    }

    /// When the engine wrote the row.
    fn engine_timestamp(&self) -> Option<DateTime<Utc>> {
        None
    }

    /// The row number.
    fn sequence(&self) -> Option<u32> {
        self.header()?.sequence
    }

    fn app_id(&self) -> Option<Uuid> {
        None
    }

    fn level(&self) -> Option<Level> {
        self.header()?.level
    }

    fn service(&self, _text: &str) -> Option<Service> {
        None
    }

    fn client(&self) -> Option<&Arc<UserAgent>> {
        None
    }

    fn client_mut(&mut self) -> Option<&mut Arc<UserAgent>> {
        None
    }

    /// Fields that are present but unreadable.
    fn unreadable(&self) -> &[(&'static str, Span)] {
        &[]
    }

    /// Fields made ambiguous by a `;`.
    fn ambiguous(&self) -> &'static [&'static str] {
        &[]
    }

    /// Replaces or removes the texts that may name a person.
    fn rewrite(&mut self, _text: &mut Rewriter<'_>) {}
}

/// How a text may identify a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Personal {
    /// A user directory.
    UserDirectory,
    /// A user's id.
    UserId,
    /// A user as `DIRECTORY\id`, or another account.
    Account,
    /// The path of a request, with a query that may hold anything.
    Path,
    /// A prefix or a name that many users share, which may equal the name of a directory.
    SharedName,
    /// A short text that rarely names a user.
    Text,
    /// Free text, which may name anyone.
    FreeText,
}

/// Builds the new text of an event from its old one, field by field.
pub(crate) struct Rewriter<'r> {
    old: &'r str,
    new: String,
    replace: &'r mut Replace<'r>,
}

/// Returns the replacement for a text, or `None` to leave it out.
pub(crate) type Replace<'r> = dyn for<'t> FnMut(Personal, &'t str) -> Option<Cow<'t, str>> + 'r;

impl<'r> Rewriter<'r> {
    pub(crate) fn new(old: &'r str, replace: &'r mut Replace<'r>) -> Self {
        Self {
            old,
            new: String::with_capacity(old.len()),
            replace,
        }
    }

    /// The text that was built.
    pub(crate) fn finish(self) -> Box<str> {
        self.new.into()
    }

    /// Copies a field unchanged.
    pub(crate) fn keep(&mut self, span: &mut Span) {
        *span = Span::push(&mut self.new, span.get(self.old));
    }

    /// Copies the replacement for a field.
    pub(crate) fn replace(&mut self, personal: Personal, span: &mut Span) {
        let text = span.get(self.old);
        let replaced = text.and_then(|text| (self.replace)(personal, text));
        *span = Span::push(&mut self.new, replaced.as_deref());
    }

    /// Replaces a text that need not be a span.
    pub(super) fn replace_text(&mut self, personal: Personal, text: &mut super::span::Text) {
        let old = text.get(self.old);
        let replaced = old.and_then(|text| (self.replace)(personal, text));
        let new = super::span::Text::push(&mut self.new, replaced.as_deref());
        *text = new;
    }

    /// Replaces the texts of the leading fields of log rows.
    pub(super) fn header(&mut self, header: &mut Header) {
        self.keep(&mut header.host);
        self.keep(&mut header.local_time);
        self.keep(&mut header.logger);
        self.replace(Personal::Account, &mut header.service_account);
    }

    /// Replaces unreadable values, which may contain anything.
    pub(super) fn unreadable(&mut self, unreadable: &mut UnreadableFields) {
        for (_, text) in &mut unreadable.0 {
            self.replace(Personal::FreeText, text);
        }
    }
}
