//! The content of a user event: what happened to a session or connection.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{UserAgent, UserAgentCache, extension::Extension, grammar};
use crate::payload::{
    Context, EventKind, Family, Fields, Personal, Rewriter, message,
    span::{Span, Text},
};

/// The fields of a user event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UserPayload {
    family: Family,
    kind: EventKind,
    command: Span,
    host: Span,
    user_directory: Span,
    user_id: Span,
    origin: Span,
    context: Span,
    message: Span,
    user_agent: Span,
    virtual_proxy: Text,
    app_id: Option<Uuid>,
    client: Option<Arc<UserAgent>>,
    /// The fields that only the extended appender sends; boxed, so that events of the standard one stay small.
    extension: Option<Box<Extension>>,
}

// Small, because an event is moved several times.
const _: () = assert!(size_of::<UserPayload>() <= 136);

impl UserPayload {
    /// Interprets these fields of `payload`. `user_agents` knows the browsers and systems seen before.
    pub(super) fn new(
        payload: &str,
        fields: &grammar::Fields<'_>,
        family: Family,
        user_agents: &UserAgentCache,
    ) -> Self {
        let part = |text| Span::of(payload, text);
        let context = fields.context.map(Context::parse).unwrap_or_default();
        let user_agent = fields.message.and_then(message::user_agent);
        Self {
            family,
            kind: EventKind::of_command(family, fields.command),
            command: part(fields.command),
            host: part(fields.host),
            user_directory: part(fields.user_directory),
            user_id: part(fields.user_id),
            origin: part(fields.origin),
            context: part(fields.context),
            message: part(fields.message),
            virtual_proxy: Text::part_of(payload, context.virtual_proxy.as_deref()),
            app_id: context.app_id,
            user_agent: part(user_agent),
            client: user_agent.map(|user_agent| user_agents.get(user_agent)),
            extension: Extension::of(payload, &fields.extension).map(Box::new),
        }
    }

    /// Whether the command is one of Qlik's known ones.
    const fn has_known_command(&self) -> bool {
        use super::{ConnectionAction, SessionAction};
        !matches!(
            self.kind,
            EventKind::Session(SessionAction::Other)
                | EventKind::Connection(ConnectionAction::Other)
        )
    }
}

impl Fields for UserPayload {
    fn family(&self) -> Option<Family> {
        Some(self.family)
    }

    #[inline]
    fn kind(&self) -> EventKind {
        self.kind
    }

    #[inline]
    fn host<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.host.get(text)
    }

    #[inline]
    fn user_directory<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_directory.get(text)
    }

    #[inline]
    fn user_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.user_id.get(text)
    }

    #[inline]
    fn qlik_command<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.command.get(text)
    }

    #[inline]
    fn origin<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.origin.get(text)
    }

    #[inline]
    fn context<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.context.get(text)
    }

    #[inline]
    fn message<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.message.get(text)
    }

    fn result<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.extension.as_ref()?.result.get(text)
    }

    fn session_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.extension.as_ref()?.session_id.get(text)
    }

    #[inline]
    fn virtual_proxy<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.virtual_proxy.get(text)
    }

    #[inline]
    fn qlik_timestamp(&self) -> Option<DateTime<Utc>> {
        self.extension.as_ref()?.timestamp
    }

    fn sequence(&self) -> Option<u32> {
        self.extension.as_ref()?.sequence
    }

    #[inline]
    fn app_id(&self) -> Option<Uuid> {
        self.app_id
    }

    #[inline]
    fn client(&self) -> Option<&Arc<UserAgent>> {
        self.client.as_ref()
    }

    fn client_mut(&mut self) -> Option<&mut Arc<UserAgent>> {
        self.client.as_mut()
    }

    fn unreadable(&self) -> &[(&'static str, Span)] {
        self.extension.as_ref().map_or(&[], |it| &it.unreadable.0)
    }

    fn rewrite(&mut self, texts: &mut Rewriter<'_>) {
        if self.has_known_command() {
            texts.keep(&mut self.command);
        } else {
            texts.replace(Personal::Text, &mut self.command);
        }
        texts.keep(&mut self.host);
        texts.replace(Personal::UserDirectory, &mut self.user_directory);
        texts.replace(Personal::UserId, &mut self.user_id);
        texts.replace(Personal::Text, &mut self.origin);
        texts.replace(Personal::Path, &mut self.context);
        texts.replace(Personal::FreeText, &mut self.message);
        texts.replace(Personal::Text, &mut self.user_agent);
        texts.replace_text(Personal::SharedName, &mut self.virtual_proxy);
        if let Some(extension) = &mut self.extension {
            texts.replace(Personal::Text, &mut extension.session_id);
            texts.replace(Personal::Text, &mut extension.result);
            texts.unreadable(&mut extension.unreadable);
        }
    }
}

/// What only session and connection events have; the [`Event`](crate::event::Event) answers everything else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserEvent<'a> {
    text: &'a str,
    fields: &'a UserPayload,
}

impl<'a> UserEvent<'a> {
    pub(crate) const fn new(text: &'a str, fields: &'a UserPayload) -> Self {
        Self { text, fields }
    }

    /// Whether the extended appender sent anything beyond the standard payload.
    #[must_use]
    #[inline]
    pub const fn is_extended(self) -> bool {
        self.fields.extension.is_some()
    }

    /// The client's user agent, found in the message.
    #[must_use]
    #[inline]
    pub fn user_agent(self) -> Option<&'a str> {
        self.fields.user_agent.get(self.text)
    }
}
