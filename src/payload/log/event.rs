//! The content of a log event: a row of a service's log.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    grammar,
    layout::{Layout, Property},
};
use crate::payload::{
    Context, EventKind, Family, Fields, Personal, Rewriter, Service,
    header::Header,
    span::{Span, Text},
    split::present,
    time,
    unreadable::UnreadableFields,
};

/// The content of a log event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogPayload {
    family: Family,
    /// The service whose appender sent it.
    appender: Service,
    header: Header,
    /// The text of each field, by its index in [`Property`]; absent for fields that are stored in another form.
    texts: [Span; Property::COUNT],
    exception: Text,
    virtual_proxy: Text,
    app_id: Option<Uuid>,
    engine_timestamp: Option<DateTime<Utc>>,
    server_started: Option<DateTime<Utc>>,
    unreadable: UnreadableFields,
    ambiguous: &'static [&'static str],
}

impl LogPayload {
    /// Interprets these fields of `payload`.
    pub(super) fn new(payload: &str, layout: &Layout, fields: &grammar::Fields<'_>) -> Self {
        let text = |name: Property| present(fields.texts[name as usize]);
        let mut unreadable = UnreadableFields::default();
        let header = Header::new(payload, &fields.header, &mut unreadable);
        let context = text(Property::Context)
            .map(Context::parse)
            .unwrap_or_default();
        let mut time =
            |name: Property| unreadable.read(payload, name.as_str(), text(name), time::read);
        let engine_timestamp = time(Property::EngineTimestamp);
        let server_started = time(Property::ServerStarted);
        let app_id = unreadable.read(
            payload,
            Property::AppId.as_str(),
            text(Property::AppId),
            |text| Uuid::try_parse(text.trim()).ok(),
        );
        let mut log = Self {
            family: layout.family,
            appender: layout.service,
            header,
            texts: [Span::ABSENT; Property::COUNT],
            exception: exception(payload, text(Property::Exception), fields.glued),
            virtual_proxy: Text::part_of(payload, context.virtual_proxy.as_deref()),
            app_id: app_id.or(context.app_id),
            engine_timestamp,
            server_started,
            unreadable,
            ambiguous: fields.ambiguous,
        };
        for name in layout.fields {
            if !name.is_read_otherwise() {
                log.texts[*name as usize] = Span::of(payload, text(*name));
            }
        }
        // `0` stands for a request without a session, such as one of a reload.
        if log.text_of(Property::SessionId, payload) == Some("0") {
            log.texts[Property::SessionId as usize] = Span::ABSENT;
        }
        if let Some(user) = text(Property::User) {
            log.add_user(payload, user);
        }
        log
    }

    /// Sets directory and id from the field that has both, or from one that has only the id, if they have no fields of
    /// their own. A user that contradicts those fields is kept as unreadable.
    fn add_user(&mut self, payload: &str, user: &str) {
        let directory = self.text_of(Property::UserDirectory, payload);
        let id = self.text_of(Property::UserId, payload);
        let (told_directory, told_id) = match user.split_once('\\') {
            Some((directory, id)) => (present(directory), present(id)),
            None => (None, Some(user)),
        };
        let agrees = |known: Option<&str>, told: Option<&str>| {
            known.is_none_or(|known| told.is_none_or(|told| known == told))
        };
        if agrees(directory, told_directory) && agrees(id, told_id) {
            let directory = Span::of(payload, directory.or(told_directory));
            self.texts[Property::UserDirectory as usize] = directory;
            self.texts[Property::UserId as usize] = Span::of(payload, id.or(told_id));
        } else {
            let user = Span::of(payload, Some(user));
            self.unreadable.0.push((Property::User.as_str(), user));
        }
    }

    fn text_of<'t>(&self, name: Property, text: &'t str) -> Option<&'t str> {
        self.texts[name as usize].get(text)
    }
}

/// The exception from its field and the one after the last field, which has the stack trace. If both are present and
/// differ, both are kept, with a line break between them.
fn exception(payload: &str, field: Option<&str>, glued: Option<&str>) -> Text {
    match (field, glued) {
        (Some(field), Some(glued)) if !glued.contains(field) => {
            Text::Own(format!("{field}\n{glued}").into())
        }
        (field, glued) => Text::part_of(payload, glued.or(field)),
    }
}

impl Property {
    /// Whether a field is stored in another form than its text.
    const fn is_read_otherwise(self) -> bool {
        matches!(
            self,
            Self::Exception
                | Self::User
                | Self::EngineTimestamp
                | Self::ServerStarted
                | Self::AppId
        )
    }

    /// How the text of a field may identify a person; `None` if it cannot.
    const fn personal(self) -> Option<Personal> {
        Some(match self {
            Self::UserDirectory => Personal::UserDirectory,
            Self::UserId => Personal::UserId,
            Self::Message => Personal::FreeText,
            Self::Context => Personal::Path,
            Self::AppName => Personal::SharedName,
            Self::SessionId
            | Self::Command
            | Self::Result
            | Self::Origin
            | Self::TaskName
            | Self::TaskId
            | Self::ExecutionId
            | Self::ProcessId
            | Self::EngineSessionId
            | Self::EntryType => Personal::Text,
            _ => return None,
        })
    }
}

/// Accessors that return the text of a field.
macro_rules! texts {
    ($($method:ident: $name:ident;)+) => {$(
        fn $method<'t>(&'t self, text: &'t str) -> Option<&'t str> {
            self.text_of(Property::$name, text)
        }
    )+};
}

impl Fields for LogPayload {
    texts! {
        user_directory: UserDirectory;
        user_id: UserId;
        qlik_command: Command;
        origin: Origin;
        context: Context;
        message: Message;
        result: Result;
        session_id: SessionId;
        sent_app_name: AppName;
        engine_session_id: EngineSessionId;
        task_id: TaskId;
        task_name: TaskName;
        execution_id: ExecutionId;
    }

    fn family(&self) -> Option<Family> {
        Some(self.family)
    }

    fn kind(&self) -> EventKind {
        EventKind::Log(self.appender)
    }

    fn header(&self) -> Option<&Header> {
        Some(&self.header)
    }

    fn virtual_proxy<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.virtual_proxy.get(text)
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

    /// The logger decides, because appenders of Butler SOS from before 2024 also sent rows of other services.
    fn service(&self, text: &str) -> Option<Service> {
        let by_logger = self.logger(text).and_then(Service::of_logger);
        by_logger.or(Some(self.appender))
    }

    fn unreadable(&self) -> &[(&'static str, Span)] {
        &self.unreadable.0
    }

    fn ambiguous(&self) -> &'static [&'static str] {
        self.ambiguous
    }

    fn rewrite(&mut self, texts: &mut Rewriter<'_>) {
        texts.header(&mut self.header);
        for name in Property::ALL {
            let text = &mut self.texts[name as usize];
            // Ambiguous text may contain anything.
            let is_doubtful = self.ambiguous.contains(&name.as_str());
            match name.personal() {
                _ if is_doubtful => texts.replace(Personal::FreeText, text),
                Some(personal) => texts.replace(personal, text),
                None => texts.keep(text),
            }
        }
        texts.replace_text(Personal::FreeText, &mut self.exception);
        texts.replace_text(Personal::SharedName, &mut self.virtual_proxy);
        texts.unreadable(&mut self.unreadable);
    }
}

/// What the proxy or the repository refused, with the HTTP status 401 or 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A login.
    Login,
    /// Any other access without permission.
    Access,
}

/// What only log events have; the [`Event`](crate::event::Event) answers everything else.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogEvent<'a> {
    text: &'a str,
    fields: &'a LogPayload,
}

impl<'a> LogEvent<'a> {
    pub(crate) const fn new(text: &'a str, fields: &'a LogPayload) -> Self {
        Self { text, fields }
    }

    /// The service whose appender sent the row. Another one may have written it; see
    /// [`Event::service`](crate::event::Event::service).
    #[must_use]
    pub const fn appender(self) -> Service {
        self.fields.appender
    }

    /// What was refused, if the result is 401 or 403: a login if the command starts with `Login:`, such as
    /// `Login:TryLogin`, or if the logger is that of logins (`AuditSecurity.….Login`); otherwise an access.
    #[must_use]
    pub fn refusal(self) -> Option<Refusal> {
        let result = self.fields.text_of(Property::Result, self.text)?;
        if !matches!(result.trim(), "401" | "403") {
            return None;
        }
        let command = self.fields.text_of(Property::Command, self.text);
        let logger = self.fields.header.logger.get(self.text).unwrap_or_default();
        let is_login = command.is_some_and(|command| command.starts_with("Login:"))
            || logger.starts_with("AuditSecurity.") && logger.ends_with(".Login");
        Some(if is_login {
            Refusal::Login
        } else {
            Refusal::Access
        })
    }

    /// The engine's version; only some of its loggers write it.
    #[must_use]
    pub fn engine_version(self) -> Option<&'a str> {
        self.fields.text_of(Property::EngineVersion, self.text)
    }

    /// The engine's process; only some of its loggers write it.
    #[must_use]
    pub fn process_id(self) -> Option<&'a str> {
        self.fields.text_of(Property::ProcessId, self.text)
    }

    /// When the engine was started; only some of its loggers write it.
    #[must_use]
    pub const fn server_started(self) -> Option<DateTime<Utc>> {
        self.fields.server_started
    }

    /// The type of the entry in the engine's log of sessions.
    #[must_use]
    pub fn entry_type(self) -> Option<&'a str> {
        self.fields.text_of(Property::EntryType, self.text)
    }
}
