//! The truth about log, performance and task events: what a receiver has to make of each.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::event::{Level, Service, TaskAction};

/// A request to the engine, as a QIX performance event reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When it had been served, by the node's clock, in whole milliseconds.
    pub time: DateTime<Utc>,
    /// The row number, 1 to 9,999, of the node's performance appender; 0 if the datagram has none.
    pub row: u16,
    /// The node's name.
    pub host: Arc<str>,
    /// `INFO`, or a higher level if time or memory exceed the engine's thresholds: 30 s or 1 GiB for `WARN`, 60 s or 2
    /// GiB for `ERROR`.
    pub level: Level,
    /// The salted hash of the proxy session, the same as in user events of the extended appender. `None` if no user's
    /// session made the request, as in reloads: Qlik writes `0`.
    pub session_id: Option<Arc<str>>,
    /// The directory of the user who made the request.
    pub directory: Option<Arc<str>>,
    /// The id of the user who made the request.
    pub user_id: Option<Arc<str>>,
    /// The engine's session.
    pub engine_session_id: Option<Arc<str>>,
    /// The app. `None` for requests that concern no app.
    pub app_id: Option<Arc<str>>,
    /// The client's number for the request; not unique.
    pub request_id: u32,
    /// Class and method, such as `GenericObject::GetLayout`.
    pub method: &'static str,
    /// The total time to serve it, in whole microseconds. `None` if it cannot be read.
    pub process: Option<Duration>,
    /// The time of work, a little less than the total.
    pub work: Duration,
    /// The time of waiting for locks; usually none.
    pub lock: Duration,
    /// The time of validation.
    pub validate: Duration,
    /// The part of the work that the inference engine did.
    pub traverse: Duration,
    /// The handle of the interface that served it; −1 is the global one.
    pub handle: i32,
    /// The chart or other object; `<Unknown>` if there is none.
    pub object_id: Arc<str>,
    /// The memory that it left allocated, in bytes.
    pub net_ram_bytes: u64,
    /// The peak memory of the request, in bytes. `None` if it cannot be read.
    pub peak_ram_bytes: Option<u64>,
    /// The type of the object, such as `barchart`; `<Unknown>` if there is none.
    pub object_type: &'static str,
    /// The exception after the last field.
    pub exception: Option<&'static str>,
}

/// A row in the log of the engine, the proxy, the repository or the scheduler. A field is `None` if the service does
/// not log it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// When it was written, by the node's clock, in whole milliseconds.
    pub time: DateTime<Utc>,
    /// The row number, 1 to 9,999, of the node's appender for the service; 0 if the datagram has none.
    pub row: u16,
    /// The node's name.
    pub host: Arc<str>,
    /// The service that it is about, according to the logger.
    pub service: Service,
    /// Its severity.
    pub level: Level,
    /// The logger, such as `System.Engine.Engine`.
    pub logger: &'static str,
    /// Its text, which may contain `;`.
    pub message: String,
    /// The exception, in its own field or after the last one.
    pub exception: Option<&'static str>,
    /// The directory of the user that it concerns.
    pub directory: Option<Arc<str>>,
    /// The id of the user that it concerns.
    pub user_id: Option<Arc<str>>,
    /// Engine: the salted hash of the proxy session.
    pub session_id: Option<Arc<str>>,
    /// Engine: the engine's session.
    pub engine_session_id: Option<Arc<str>>,
    /// Proxy and repository: the command.
    pub command: Option<&'static str>,
    /// Proxy and repository: the result, such as `403`.
    pub result: Option<&'static str>,
    /// Proxy and repository: where the command came from.
    pub origin: Option<&'static str>,
    /// Proxy and repository: a path, or `Not available`.
    pub context: Option<String>,
    /// Scheduler: the task and its run.
    pub task: Option<TaskRun>,
    /// Engine: the app. For the scheduler, see [`TaskRun`].
    pub app_id: Option<Arc<str>>,
    /// The service whose appender sends it, and whose type token it has; usually the service that it is about.
    pub appender: Service,
    /// Whether the exception follows the last field, instead of having a field of its own.
    pub is_glued: bool,
}

/// A run of a task, as named in log events of the scheduler and in task events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRun {
    /// The name of the task, which a user has chosen.
    pub task_name: Arc<str>,
    /// The name of the app, if the task concerns an app.
    pub app_name: Option<Arc<str>>,
    /// The task's id.
    pub task_id: Arc<str>,
    /// The id of the app, if the task concerns an app.
    pub app_id: Option<Arc<str>>,
    /// The run's id.
    pub execution_id: Arc<str>,
    /// The user who started or stopped it: `DIR\id`.
    pub user: Arc<str>,
}

/// A report about a run by the scheduler, or by the engine for reloads in the script editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// When it was written, by the node's clock, in whole milliseconds. The payload contains the node's local time
    /// without a zone.
    pub time: DateTime<Utc>,
    /// The name of the node: that of the manager, except for distributions and reports of the engine.
    pub host: Arc<str>,
    /// The reported action.
    pub action: TaskAction,
    /// The type token, such as `/scheduler-task-success//`.
    pub type_token: &'static str,
    /// What it is about.
    pub about: About,
    /// Its text, which may contain `;`.
    pub message: String,
    /// The exception after the message.
    pub exception: Option<&'static str>,
}

/// What a task event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// A run of a task.
    Run(TaskRun),
    /// A reload outside the scheduler, reported by the engine.
    Reload(EngineReload),
}

/// A reload in the script editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineReload {
    /// The app.
    pub app_id: Arc<str>,
    /// The engine's session.
    pub engine_session_id: Arc<str>,
    /// The user's directory.
    pub directory: Arc<str>,
    /// The user's id.
    pub user_id: Arc<str>,
}

impl LogRow {
    /// A row that names no user.
    pub(super) fn new(
        time: DateTime<Utc>,
        host: &Arc<str>,
        service: Service,
        (level, logger): (Level, &'static str),
        message: impl Into<String>,
    ) -> Self {
        Self {
            time,
            row: 0,
            host: Arc::clone(host),
            service,
            level,
            logger,
            message: message.into(),
            exception: None,
            directory: None,
            user_id: None,
            session_id: None,
            engine_session_id: None,
            command: None,
            result: None,
            origin: None,
            context: None,
            task: None,
            app_id: None,
            is_glued: false,
            appender: service,
        }
    }
}

impl LogRow {
    /// Makes another service's appender send it, without the fields that its layout lacks.
    pub(super) fn send_by(&mut self, appender: Service) {
        self.appender = appender;
        if appender != Service::Engine {
            self.session_id = None;
            self.engine_session_id = None;
            self.app_id = None;
        } else if !self.is_glued {
            self.exception = None;
        }
        if !matches!(appender, Service::Proxy | Service::Repository) {
            self.command = None;
            self.result = None;
            self.origin = None;
            self.context = None;
        }
        if appender != Service::Scheduler {
            self.task = None;
        }
    }
}

impl Request {
    /// The user as in events, `DIR\id`, if both parts are known.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        Some(format!(
            "{}\\{}",
            self.directory.as_ref()?,
            self.user_id.as_ref()?
        ))
    }
}
