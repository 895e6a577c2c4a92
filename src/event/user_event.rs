//! A session or connection event of a user.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Arrival, Kind, UserAgent, UserAgentCache,
    extension::{Extension, Unreadable},
    text::{Span, Text},
};
use crate::wire::{Context, Family, Frame, message};

/// A user started or stopped a session, or opened or closed a connection.
///
/// The payload is kept in one piece, of which the fields are parts.
#[derive(Clone, PartialEq)]
pub struct UserEvent {
    pub(super) arrival: Option<Arrival>,
    family: Family,
    pub(super) kind: Kind,
    payload: Box<str>,
    command: Span,
    host: Span,
    user_directory: Span,
    user_id: Span,
    origin: Span,
    context: Span,
    message: Span,
    virtual_proxy: Text,
    app_id: Option<Uuid>,
    app_name: Option<Arc<str>>,
    user_agent: Span,
    client: Option<Arc<UserAgent>>,
    /// What only the extended appender sends; apart, so that the events of the standard one stay small.
    extension: Option<Box<Extension>>,
}

impl UserEvent {
    /// The event that a frame of `payload` describes. `user_agents` knows the browsers and systems seen
    /// before.
    #[must_use]
    pub(crate) fn from_frame<'p>(
        payload: &'p str,
        frame: &Frame<'p>,
        user_agents: &UserAgentCache,
    ) -> Self {
        let part = |text| Span::of(payload, text);
        let context = frame.context.map(Context::parse).unwrap_or_default();
        let user_agent = frame.message.and_then(message::user_agent);
        Self {
            arrival: None,
            family: frame.family,
            kind: Kind::of(frame.family, frame.command),
            payload: payload.into(),
            command: part(frame.command),
            host: part(frame.host),
            user_directory: part(frame.user_directory),
            user_id: part(frame.user_id),
            origin: part(frame.origin),
            context: part(frame.context),
            message: part(frame.message),
            virtual_proxy: Text::part_of(payload, context.virtual_proxy.as_deref()),
            app_id: context.app_id,
            app_name: None,
            user_agent: part(user_agent),
            client: user_agent.map(|user_agent| user_agents.get(user_agent)),
            extension: Extension::of(payload, frame).map(Box::new),
        }
    }

    /// What the payload's type announces. An appender sends one type, so this tells the appenders of a node
    /// apart; what happened is for the command to say, and so is the [kind](Self::kind).
    #[must_use]
    pub const fn family(&self) -> Family {
        self.family
    }

    /// What happened, by the command.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// When and from where the datagram arrived; none until the host has said so.
    #[must_use]
    pub const fn arrival(&self) -> Option<Arrival> {
        self.arrival
    }

    /// When it happened: Qlik's own time where it was sent and can be read, otherwise that of arrival.
    #[must_use]
    pub fn timestamp(&self) -> Option<DateTime<Utc>> {
        self.qlik_timestamp()
            .or(self.arrival.map(|arrival| arrival.timestamp))
    }

    /// When it happened, by the Qlik node's clock. Only the extended appender sends it, and it is none
    /// where it cannot be read; see [`UserEvent::unreadable`].
    #[must_use]
    pub fn qlik_timestamp(&self) -> Option<DateTime<Utc>> {
        self.extension.as_ref()?.timestamp
    }

    /// Whether the extended appender sent anything beyond the standard payload.
    #[must_use]
    pub const fn is_extended(&self) -> bool {
        self.extension.is_some()
    }

    /// The row number, which goes up by one with every event of one appender on one node and starts
    /// again after 9,999. Only the extended appender sends it.
    #[must_use]
    pub fn sequence(&self) -> Option<u32> {
        self.extension.as_ref()?.sequence
    }

    /// The proxy session that the event belongs to: the same in its start, its stop and the connections
    /// between them. Only the extended appender sends it. Newer releases of Qlik Sense send a hash in
    /// its place.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.extension.as_ref()?.session_id.get(&self.payload)
    }

    /// What came of it, as Qlik writes it. Only the extended appender sends it.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        self.extension.as_ref()?.result.get(&self.payload)
    }

    /// What the extended appender sent where its time and its row number should be, if it cannot be
    /// read as such. A node that does not know a converter sends something else in its place.
    #[must_use]
    pub fn unreadable(&self) -> Unreadable<'_> {
        self.extension
            .as_ref()
            .map(|extension| extension.unreadable(&self.payload))
            .unwrap_or_default()
    }

    /// What happened in Qlik's own words, as sent: `Start session`, …
    #[must_use]
    pub fn qlik_command(&self) -> Option<&str> {
        self.command.get(&self.payload)
    }

    /// The Qlik node, usually its lower-case short machine name.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.get(&self.payload)
    }

    /// The user's directory, for example `LAB`, `INTERNAL` or `NONE`.
    #[must_use]
    pub fn user_directory(&self) -> Option<&str> {
        self.user_directory.get(&self.payload)
    }

    /// The user's id in the directory, for example `goran` or `sa_engine`.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        self.user_id.get(&self.payload)
    }

    /// Directory and id as Qlik writes them, `LAB\goran`; none where one of them is absent.
    #[must_use]
    pub fn user(&self) -> Option<User<'_>> {
        Some(User {
            directory: self.user_directory()?,
            id: self.user_id()?,
        })
    }

    /// Where the access came from: `AppAccess`, `Not available`, …
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.origin.get(&self.payload)
    }

    /// The path that was asked for, whole.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.get(&self.payload)
    }

    /// Qlik's message, whole, with the user agent that it may end with.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.get(&self.payload)
    }

    /// The prefix of the virtual proxy, from the context.
    #[must_use]
    pub fn virtual_proxy(&self) -> Option<&str> {
        self.virtual_proxy.get(&self.payload)
    }

    /// The app, from the context.
    #[must_use]
    pub const fn app_id(&self) -> Option<Uuid> {
        self.app_id
    }

    /// The app's name; none until a transform has found it.
    #[must_use]
    pub fn app_name(&self) -> Option<&str> {
        self.app_name.as_deref()
    }

    /// Notes the app's name.
    pub fn set_app_name(&mut self, name: Arc<str>) {
        self.app_name = Some(name);
    }

    /// The same event with other texts, and without its message and what cannot be read.
    pub(crate) fn with_texts(&self, texts: Texts<'_>) -> Self {
        let mut payload = String::with_capacity(self.payload.len());
        let mut push = |part| Span::push(&mut payload, part);
        Self {
            command: push(texts.qlik_command),
            host: push(self.host()),
            user_directory: push(texts.user_directory),
            user_id: push(texts.user_id),
            origin: push(texts.origin),
            context: push(texts.context),
            message: Span::ABSENT,
            user_agent: push(texts.user_agent),
            virtual_proxy: Text::push(&mut payload, texts.virtual_proxy),
            extension: self.extension.as_ref().map(|extension| {
                let part = extension.with_texts(texts.session_id, texts.result, &mut payload);
                Box::new(part)
            }),
            payload: payload.into(),
            arrival: self.arrival,
            kind: self.kind,
            family: self.family,
            app_id: self.app_id,
            app_name: texts.app_name,
            client: texts.client,
        }
    }

    /// The client's user agent, from the message.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.get(&self.payload)
    }

    /// The whole payload, as text.
    pub(crate) const fn payload(&self) -> &str {
        &self.payload
    }

    /// [`UserEvent::app_name`], to be kept.
    pub(crate) const fn shared_app_name(&self) -> Option<&Arc<str>> {
        self.app_name.as_ref()
    }

    /// [`UserEvent::client`], to be kept.
    pub(crate) const fn shared_client(&self) -> Option<&Arc<UserAgent>> {
        self.client.as_ref()
    }

    /// The browser and system that the user agent names.
    #[must_use]
    pub fn client(&self) -> Option<&UserAgent> {
        self.client.as_deref()
    }
}

/// The texts of an event that may name its user, to be put in the place of those that it has. What is none is
/// left out.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    pub(crate) qlik_command: Option<&'a str>,
    pub(crate) user_directory: Option<&'a str>,
    pub(crate) user_id: Option<&'a str>,
    pub(crate) origin: Option<&'a str>,
    pub(crate) context: Option<&'a str>,
    pub(crate) virtual_proxy: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) result: Option<&'a str>,
    pub(crate) app_name: Option<Arc<str>>,
    pub(crate) client: Option<Arc<UserAgent>>,
}

impl fmt::Debug for UserEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserEvent")
            .field("arrival", &self.arrival)
            .field("family", &self.family)
            .field("kind", &self.kind)
            .field("qlik_command", &self.qlik_command())
            .field("host", &self.host())
            .field("user_directory", &self.user_directory())
            .field("user_id", &self.user_id())
            .field("origin", &self.origin())
            .field("context", &self.context())
            .field("message", &self.message())
            .field("virtual_proxy", &self.virtual_proxy())
            .field("app_id", &self.app_id)
            .field("app_name", &self.app_name)
            .field("user_agent", &self.user_agent())
            .field("client", &self.client)
            .field("qlik_timestamp", &self.qlik_timestamp())
            .field("sequence", &self.sequence())
            .field("session_id", &self.session_id())
            .field("result", &self.result())
            .field("unreadable", &self.unreadable())
            .finish()
    }
}

/// A user's directory and id; displayed as `DIR\id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User<'a> {
    /// The user directory.
    pub directory: &'a str,
    /// The id in the directory.
    pub id: &'a str,
}

impl fmt::Display for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.directory)?;
        f.write_str("\\")?;
        f.write_str(self.id)
    }
}
