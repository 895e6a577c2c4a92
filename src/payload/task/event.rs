//! The content of a task event: what happened to a run of a task.

use uuid::Uuid;

use super::{TaskAction, grammar};
use crate::payload::{
    EventKind, Family, Fields, Level, Personal, Rewriter, Service, span::Span,
    unreadable::UnreadableFields,
};

/// What a task event says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TaskPayload {
    action: TaskAction,
    service: Service,
    host: Span,
    task_name: Span,
    app_name: Span,
    user_directory: Span,
    user_id: Span,
    task_id: Span,
    app_id: Option<Uuid>,
    engine_session_id: Span,
    local_time: Span,
    level: Option<Level>,
    execution_id: Span,
    message: Span,
    exception: Span,
    unreadable: UnreadableFields,
    ambiguous: &'static [&'static str],
}

impl TaskPayload {
    /// Interprets these fields of `payload`.
    pub(super) fn new(
        payload: &str,
        fields: &grammar::Fields<'_>,
        action: TaskAction,
        service: Service,
    ) -> Self {
        let part = |text| Span::of(payload, text);
        let mut unreadable = UnreadableFields::default();
        let app_id = unreadable.read(payload, "app_id", fields.app_id, |text| {
            Uuid::try_parse(text.trim()).ok()
        });
        let level = unreadable.read(payload, "level", fields.level, Level::read);
        Self {
            action,
            service,
            host: part(fields.host),
            task_name: part(fields.task_name),
            app_name: part(fields.app_name),
            user_directory: part(fields.user_directory),
            user_id: part(fields.user_id),
            task_id: part(fields.task_id),
            app_id,
            engine_session_id: part(fields.engine_session_id),
            local_time: part(fields.local_time),
            level,
            execution_id: part(fields.execution_id),
            message: part(fields.message),
            exception: part(fields.exception),
            unreadable,
            ambiguous: fields.ambiguous,
        }
    }
}

impl Fields for TaskPayload {
    fn family(&self) -> Option<Family> {
        Some(Family::Task)
    }

    fn kind(&self) -> EventKind {
        EventKind::Task(self.action)
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

    fn message<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.message.get(text)
    }

    fn sent_app_name<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.app_name.get(text)
    }

    fn task_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.task_id.get(text)
    }

    fn task_name<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.task_name.get(text)
    }

    fn execution_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.execution_id.get(text)
    }

    fn engine_session_id<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.engine_session_id.get(text)
    }

    fn local_time<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.local_time.get(text)
    }

    fn exception<'t>(&'t self, text: &'t str) -> Option<&'t str> {
        self.exception.get(text)
    }

    fn app_id(&self) -> Option<Uuid> {
        self.app_id
    }

    fn level(&self) -> Option<Level> {
        self.level
    }

    fn service(&self, _: &str) -> Option<Service> {
        Some(self.service)
    }

    fn unreadable(&self) -> &[(&'static str, Span)] {
        &self.unreadable.0
    }

    fn ambiguous(&self) -> &'static [&'static str] {
        self.ambiguous
    }

    fn rewrite(&mut self, texts: &mut Rewriter<'_>) {
        texts.keep(&mut self.host);
        // Ambiguous text may contain the user and all fields after it.
        let names = if self.ambiguous.is_empty() {
            Personal::SharedName
        } else {
            Personal::FreeText
        };
        texts.replace(names, &mut self.task_name);
        texts.replace(Personal::SharedName, &mut self.app_name);
        texts.replace(Personal::UserDirectory, &mut self.user_directory);
        texts.replace(Personal::UserId, &mut self.user_id);
        texts.replace(Personal::Text, &mut self.task_id);
        texts.replace(Personal::Text, &mut self.engine_session_id);
        texts.replace(Personal::Text, &mut self.local_time);
        texts.replace(Personal::Text, &mut self.execution_id);
        texts.replace(Personal::FreeText, &mut self.message);
        texts.replace(Personal::FreeText, &mut self.exception);
        texts.unreadable(&mut self.unreadable);
    }
}

/// What only task events have; the [`Event`](crate::event::Event) answers everything else.
///
/// The host is the node where the row was written: the one that manages tasks, except for distributions and the
/// engine's rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskEvent<'a> {
    text: &'a str,
    fields: &'a TaskPayload,
}

impl<'a> TaskEvent<'a> {
    pub(crate) const fn new(text: &'a str, fields: &'a TaskPayload) -> Self {
        Self { text, fields }
    }

    /// What the event reports about the run.
    #[must_use]
    pub const fn action(self) -> TaskAction {
        self.fields.action
    }
}
