//! The truth about log, performance and task events: what a receiver must make of each.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::event::{Level, Service, TaskAction};

/// A request to the engine, as a QIX performance event reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// When the engine had served it, by the node's clock; whole milliseconds.
    pub time: DateTime<Utc>,
    /// The row number, 1 to 9,999, of the node's performance appender; 0 if the datagram has none.
    pub row: u16,
    /// The node's name.
    pub host: Arc<str>,
    /// `INFO`, or worse where time or memory exceed the engine's thresholds: 30 s or 1 GiB for `WARN`, 60 s
    /// or 2 GiB for `ERROR`.
    pub level: Level,
    /// The proxy session, by its salted hash, the same as in user events of the extended appender. None for
    /// what no session of a user asked for, such as reloads: Qlik writes `0`.
    pub session_id: Option<Arc<str>>,
    /// The directory of the user who asked.
    pub directory: Option<Arc<str>>,
    /// The id of the user who asked.
    pub user_id: Option<Arc<str>>,
    /// The engine's session.
    pub engine_session_id: Option<Arc<str>>,
    /// The app. None for requests that concern no app.
    pub app_id: Option<Arc<str>>,
    /// The client's number for it; not unique.
    pub request_id: u32,
    /// Class and method, such as `GenericObject::GetLayout`.
    pub method: &'static str,
    /// The total time to serve it, in whole microseconds. `None` if it cannot be read.
    pub process: Option<Duration>,
    /// The time of work, a little below the whole.
    pub work: Duration,
    /// The time of waiting for a lock; mostly none.
    pub lock: Duration,
    /// The time of validation.
    pub validate: Duration,
    /// The part of the work that the inference engine took.
    pub traverse: Duration,
    /// The number of the interface that served it; −1 is the global one.
    pub handle: i32,
    /// The chart or other object; `<Unknown>` if there is none.
    pub object_id: Arc<str>,
    /// Memory that it left behind, in bytes.
    pub net_ram_bytes: u64,
    /// The peak memory of the request, in bytes. `None` if it cannot be read.
    pub peak_ram_bytes: Option<u64>,
    /// The type of the object, such as `barchart`; `<Unknown>` if there is none.
    pub object_type: &'static str,
    /// The exception after the last field.
    pub exception: Option<&'static str>,
}

/// A row of the log of engine, proxy, repository or scheduler. What a service does not log is None.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRow {
    /// When it was written, by the node's clock; whole milliseconds.
    pub time: DateTime<Utc>,
    /// The row number, 1 to 9,999, of the node's appender for the service; 0 if the datagram has none.
    pub row: u16,
    /// The node's name.
    pub host: Arc<str>,
    /// The service that it is about, as the logger says.
    pub service: Service,
    /// How bad it is.
    pub level: Level,
    /// The logger, such as `System.Engine.Engine`.
    pub logger: &'static str,
    /// What it says; may hold `;`.
    pub message: String,
    /// The exception, in its own field or behind the last one.
    pub exception: Option<&'static str>,
    /// The directory of the user it concerns.
    pub directory: Option<Arc<str>>,
    /// The id of the user it concerns.
    pub user_id: Option<Arc<str>>,
    /// Engine: the proxy session, by its salted hash.
    pub session_id: Option<Arc<str>>,
    /// Engine: the engine's session.
    pub engine_session_id: Option<Arc<str>>,
    /// Proxy and repository: what was to be done.
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
    /// The service whose appender sends it, and whose type token it has; mostly the one that it is about.
    pub appender: Service,
    /// Whether the exception follows the last field instead of standing in a field of its own.
    pub is_glued: bool,
}

/// A run of a task, as log events of the scheduler and task events name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRun {
    /// The task's name; its users chose it.
    pub task_name: Arc<str>,
    /// The app's name, if the task is about an app.
    pub app_name: Option<Arc<str>>,
    /// The task's id.
    pub task_id: Arc<str>,
    /// The app's id, if the task is about an app.
    pub app_id: Option<Arc<str>>,
    /// The run's id.
    pub execution_id: Arc<str>,
    /// Who started it, or stopped it: `DIR\id`.
    pub user: Arc<str>,
}

/// What the scheduler, or for reloads of the script editor the engine, reports about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// When it was written, by the node's clock; whole milliseconds. The payload has the node's local time and
    /// no zone.
    pub time: DateTime<Utc>,
    /// The node's name: the manager's, except for distributions and the engine.
    pub host: Arc<str>,
    /// The reported action.
    pub action: TaskAction,
    /// The payload's type, such as `/scheduler-task-success//`.
    pub type_token: &'static str,
    /// What it is about.
    pub about: About,
    /// What it says; may hold `;`.
    pub message: String,
    /// The exception behind the message.
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
    /// Another service's appender sends it, without the fields that its layout lacks.
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
    /// The user as events show it, `DIR\id`, if both parts are known.
    #[must_use]
    pub fn user(&self) -> Option<String> {
        Some(format!(
            "{}\\{}",
            self.directory.as_ref()?,
            self.user_id.as_ref()?
        ))
    }
}
