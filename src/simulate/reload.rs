//! Task runs: what the engine does for a reload, and what the scheduler reports at its end.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    catalogue::{App, Catalogue},
    chance::{choose, guid_text, happens, index},
    entry::{Actor, Entry},
    requests::{Client, Work},
    truth::{About, EngineReload, LogRow, TaskRow, TaskRun},
    user::Population,
};
use crate::event::{Level, Service, TaskAction};

const SCHEDULER: &str = r"INTERNAL\sa_scheduler";

const RELOAD_LOGGER: &str = "System.Scheduler.Scheduler.Slave.Tasks.ReloadTask";
const SESSION_LOGGER: &str = "System.Scheduler.Scheduler.Master.Task.TaskSession";

/// Reasons why a script fails.
const SCRIPT_ERRORS: [&str; 4] = [
    "Reload failed: table Orders not found",
    "Reload failed: the connection to ERP timed out",
    "Reload failed: field Region not found in 'customers.qvd'",
    "Reload failed: access to 'lib://Data/budget.xlsx' denied",
];

/// The index of the manager's node.
const MANAGER: usize = 0;

/// The tasks of the site.
#[derive(Debug)]
pub(super) struct Tasks(Vec<Task>);

#[derive(Debug)]
struct Task {
    id: Arc<str>,
    name: Arc<str>,
    work: TaskWork,
}

/// What a task does.
#[derive(Debug, Clone, Copy)]
enum TaskWork {
    Reload { app: usize },
    Preload { app: usize },
    Distribute,
    ExternalProgram,
    UserSync,
}

/// Where tasks run, and the apps and users that they concern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) hosts: &'a [Arc<str>],
    pub(super) catalogue: &'a Catalogue,
    pub(super) population: &'a Population,
}

impl Tasks {
    pub(super) fn new(catalogue: &Catalogue, rng: &mut Rng) -> Self {
        const RELOADS: usize = 15;
        let reloads = (0..RELOADS.min(catalogue.len())).map(|app| {
            let name = format!("Nightly {}", catalogue.app(app).name);
            (name, TaskWork::Reload { app })
        });
        let others = [
            ("Warm up", TaskWork::Preload { app: 0 }),
            ("Push to cloud", TaskWork::Distribute),
            ("Run backup", TaskWork::ExternalProgram),
            ("Copy files", TaskWork::ExternalProgram),
            ("Sync AD users", TaskWork::UserSync),
        ];
        let all = reloads.chain(others.map(|(name, work)| (name.to_owned(), work)));
        let task = |(name, work): (String, TaskWork)| Task {
            id: guid_text(rng).into(),
            name: name.into(),
            work,
        };
        Self(all.map(task).collect())
    }

    /// Runs one of the tasks, or an app that somebody reloads by hand. Returns entries in chronological order.
    pub(super) fn run(&self, place: Place<'_>, start: DateTime<Utc>, rng: &mut Rng) -> Vec<Entry> {
        let mut entries = match rng.u32(0..20) {
            0 => editor_reload(place, start, rng),
            1 | 2 => manual_reload(place, start, rng),
            _ => {
                let task = &self.0[index(rng, self.0.len())];
                scheduled(task, place, start, rng)
            }
        };
        entries.sort_by_key(Entry::time);
        entries
    }
}

/// A task that the scheduler starts at its time.
fn scheduled(task: &Task, place: Place<'_>, start: DateTime<Utc>, rng: &mut Rng) -> Vec<Entry> {
    let run = |app: Option<&App>, rng: &mut Rng| TaskRun {
        task_name: Arc::clone(&task.name),
        app_name: app.map(|app| Arc::clone(&app.name)),
        task_id: Arc::clone(&task.id),
        app_id: app.map(|app| Arc::clone(&app.id)),
        execution_id: guid_text(rng).into(),
        user: SCHEDULER.into(),
    };
    match task.work {
        TaskWork::Reload { app } => {
            let app = place.catalogue.app(app);
            reload(place, app, run(Some(app), rng), start, rng)
        }
        TaskWork::Preload { app } => {
            let run = run(Some(place.catalogue.app(app)), rng);
            preload(place, run, start, rng)
        }
        TaskWork::Distribute => {
            let worker = index(rng, place.hosts.len());
            let end = start + TimeDelta::milliseconds(rng.i64(500..90_000));
            let news = News {
                node: worker,
                ..News::of(TaskAction::Distributed, end)
            };
            let run = run(None, rng);
            tell(place, news, &run, rng)
        }
        TaskWork::ExternalProgram | TaskWork::UserSync => {
            let end = start + TimeDelta::milliseconds(rng.i64(800..120_000));
            let is_program = matches!(task.work, TaskWork::ExternalProgram);
            let action = if is_program && happens(rng, 1, 5) {
                TaskAction::Failed
            } else {
                TaskAction::Succeeded
            };
            let run = run(None, rng);
            tell(place, News::of(action, end), &run, rng)
        }
    }
}

/// A reload of an app that somebody starts by hand in the console.
fn manual_reload(place: Place<'_>, start: DateTime<Utc>, rng: &mut Rng) -> Vec<Entry> {
    let app = place.catalogue.app(index(rng, place.catalogue.len()));
    let (directory, user_id) = place.population.anyone(rng);
    let run = TaskRun {
        task_name: format!("Manually triggered reload of {}", app.name).into(),
        app_name: Some(Arc::clone(&app.name)),
        task_id: guid_text(rng).into(),
        app_id: Some(Arc::clone(&app.id)),
        execution_id: guid_text(rng).into(),
        user: format!("{directory}\\{user_id}").into(),
    };
    reload(place, app, run, start, rng)
}

/// A failed reload in the script editor. The scheduler knows nothing about it.
fn editor_reload(place: Place<'_>, start: DateTime<Utc>, rng: &mut Rng) -> Vec<Entry> {
    let app = place.catalogue.app(index(rng, place.catalogue.len()));
    let (directory, user_id) = place.population.anyone(rng);
    let node = index(rng, place.hosts.len());
    let event = TaskRow {
        time: start,
        host: Arc::clone(&place.hosts[node]),
        action: TaskAction::Failed,
        type_token: "/engine-reload-failed/",
        about: About::Reload(EngineReload {
            app_id: Arc::clone(&app.id),
            engine_session_id: guid_text(rng).into(),
            directory: directory.into(),
            user_id: user_id.into(),
        }),
        message: "Reload failed".to_owned(),
        exception: None,
    };
    vec![Entry::task(node, event)]
}

/// A reload on one of the nodes, in up to three attempts.
fn reload(
    place: Place<'_>,
    app: &App,
    run: TaskRun,
    start: DateTime<Utc>,
    rng: &mut Rng,
) -> Vec<Entry> {
    let node = index(rng, place.hosts.len());
    let action = match rng.u32(0..100) {
        0..15 => TaskAction::Failed,
        15..22 => TaskAction::Aborting,
        _ => TaskAction::Succeeded,
    };
    let attempts = match action {
        TaskAction::Failed => rng.u32(1..4),
        _ => 1,
    };
    let actor = Actor {
        node,
        host: Arc::clone(&place.hosts[node]),
        session_id: None,
        directory: "INTERNAL".into(),
        user_id: "sa_scheduler".into(),
    };
    let mut entries = Vec::new();
    let mut now = start;
    for _ in 0..attempts {
        let mut client = Client::new(actor.clone(), now, rng);
        load(&mut client, app, action, rng);
        now = client.time();
        entries.extend(client.into_entries());
        if action == TaskAction::Failed {
            failed_attempt(&actor, &run, now, rng, &mut entries);
            now += TimeDelta::milliseconds(rng.i64(200..3_000));
        }
    }
    if action == TaskAction::Aborting {
        // The payload names the person who stops it as its user.
        let (directory, user_id) = place.population.anyone(rng);
        let stopped = TaskRun {
            user: format!("{directory}\\{user_id}").into(),
            ..run.clone()
        };
        entries.extend(tell(place, News::of(action, now), &stopped, rng));
        if happens(rng, 1, 3) {
            let later = now + TimeDelta::milliseconds(rng.i64(500..8_000));
            entries.extend(tell(place, News::of(TaskAction::Failed, later), &run, rng));
        }
    } else {
        entries.extend(tell(place, News::of(action, now), &run, rng));
    }
    entries
}

/// What the scheduler's engine does in one attempt: 5 to 10 requests, the load, whose progress is requested every two
/// seconds, and 5 to 10 more requests if all went well.
fn load(client: &mut Client, app: &App, action: TaskAction, rng: &mut Rng) {
    for method in [
        "Global::GetAuthenticatedUser",
        "Global::GetConfiguration",
        "Global::AllowCreateApp",
    ] {
        client.ask(method, Work::GLOBAL, rng);
    }
    client.set_app(Some(Arc::clone(&app.id)));
    client.ask("Global::OpenApp", Work::GLOBAL, rng);
    for method in ["Doc::GetScriptEx", "Doc::GetAppProperties"] {
        client.ask(method, client.doc(1), rng);
    }
    client.set_app(None);
    client.ask("Global::ConfigureReload", Work::GLOBAL, rng);

    let begin = client.time();
    let seconds = match rng.u32(0..20) {
        0 => rng.i64(240..1_200),
        1..6 => rng.i64(60..240),
        _ => rng.i64(6..60),
    };
    for _ in 0..seconds / 2 {
        client.wait(TimeDelta::seconds(2));
        client.ask("Global::GetProgress", Work::GLOBAL, rng);
    }
    client.set_app(Some(Arc::clone(&app.id)));
    let taken = (client.time() - begin).to_std().unwrap_or_default();
    let microseconds = Duration::from_micros(rng.u64(0..1_000));
    let peak = app.size * rng.u64(2 << 20..48 << 20);
    client.ask_for_long("Doc::DoReloadEx", taken + microseconds, peak, rng);
    if action == TaskAction::Succeeded {
        client.wait(TimeDelta::milliseconds(5));
        client.ask("Doc::DoSave", client.doc(8 * app.size), rng);
        for method in ["Doc::GetAppProperties", "Doc::GetAppLayout"] {
            client.ask(method, client.doc(1), rng);
        }
        client.set_app(None);
        client.ask("Global::GetProgress", Work::GLOBAL, rng);
        client.ask("Global::GetConfiguration", Work::GLOBAL, rng);
    }
}

/// What the engine and the scheduler log about a failed attempt.
fn failed_attempt(
    actor: &Actor,
    run: &TaskRun,
    now: DateTime<Utc>,
    rng: &mut Rng,
    entries: &mut Vec<Entry>,
) {
    let kind = (Level::Error, "System.Engine.Engine");
    let message = choose(rng, &SCRIPT_ERRORS);
    let mut engine = LogRow::new(now, &actor.host, Service::Engine, kind, message);
    engine.directory = Some(Arc::clone(&actor.directory));
    engine.user_id = Some(Arc::clone(&actor.user_id));
    engine.app_id.clone_from(&run.app_id);
    entries.push(Entry::log(actor.node, engine));

    let kind = (Level::Warn, RELOAD_LOGGER);
    let message = "Reload did not finish, engine answered with an error";
    let later = now + TimeDelta::milliseconds(12);
    let mut scheduler = LogRow::new(later, &actor.host, Service::Scheduler, kind, message);
    scheduler.task = Some(run.clone());
    entries.push(Entry::log(actor.node, scheduler));
}

/// A preload, which may find no engine to run on and reports that each time.
fn preload(place: Place<'_>, run: TaskRun, start: DateTime<Utc>, rng: &mut Rng) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut now = start;
    if happens(rng, 1, 4) {
        let message = choose(
            rng,
            &[
                "Failed to start session",
                "Could not reserve an executor for task Warm up",
            ],
        );
        for _ in 0..rng.u32(1..4) {
            let news = News {
                message,
                ..News::of(TaskAction::Failed, now)
            };
            entries.extend(tell(place, news, &run, rng));
            now += TimeDelta::milliseconds(rng.i64(1_000..5_000));
        }
    } else {
        now += TimeDelta::milliseconds(rng.i64(500..20_000));
        entries = tell(place, News::of(TaskAction::Succeeded, now), &run, rng);
    }
    entries
}

/// What the scheduler reports about a run, with place and time.
#[derive(Debug, Clone, Copy)]
struct News {
    node: usize,
    time: DateTime<Utc>,
    action: TaskAction,
    /// The text that the appenders' filters look for.
    message: &'static str,
}

impl News {
    /// The manager's report in the usual words.
    const fn of(action: TaskAction, time: DateTime<Utc>) -> Self {
        Self {
            node: MANAGER,
            time,
            action,
            message: match action {
                TaskAction::Failed => NO_MORE_ATTEMPTS,
                TaskAction::Aborting => "Execution State Change to Aborting",
                TaskAction::Succeeded => "Execution State Change to FinishedSuccess",
                TaskAction::Distributed => "Exiting execute of Distribute task request.",
            },
        }
    }
}

const NO_MORE_ATTEMPTS: &str = "Max retries reached";

/// The reports of the scheduler's appenders about a run: the old ones, the new ones, or both if an administrator has
/// installed both.
fn tell(place: Place<'_>, news: News, run: &TaskRun, rng: &mut Rng) -> Vec<Entry> {
    let News {
        node,
        time,
        action,
        message,
    } = news;
    let host = &place.hosts[node];
    let mut entries = Vec::new();
    // Only new appenders report preloads and distributions.
    let old = match (action, message) {
        (TaskAction::Failed, NO_MORE_ATTEMPTS) => Some("/scheduler-reload-failed/"),
        (TaskAction::Aborting, _) => Some("/scheduler-reload-aborted/"),
        (TaskAction::Succeeded, _) => Some("/scheduler-reloadtask-success/"),
        _ => None,
    };
    let new = match action {
        TaskAction::Failed => "/scheduler-task-failed/",
        TaskAction::Aborting => "/scheduler-task-aborted/",
        // The published appenders send this; a few administrators have corrected it.
        TaskAction::Succeeded if happens(rng, 1, 10) => "/scheduler-task-success/",
        TaskAction::Succeeded => "/scheduler-task-success//",
        TaskAction::Distributed => "/scheduler-distribute/",
    };
    let (old, new) = match rng.u32(0..4) {
        0 if old.is_some() => (old, None),
        1 => (old, Some(new)),
        _ => (None, Some(new)),
    };
    for type_token in [old, new].into_iter().flatten() {
        let event = TaskRow {
            time,
            host: Arc::clone(host),
            action,
            type_token,
            about: About::Run(run.clone()),
            message: message.to_owned(),
            exception: None,
        };
        entries.push(Entry::task(node, event));
    }
    if action == TaskAction::Failed && happens(rng, 1, 2) {
        let kind = (Level::Error, SESSION_LOGGER);
        let mut event = LogRow::new(time, host, Service::Scheduler, kind, message);
        event.task = Some(run.clone());
        entries.push(Entry::log(node, event));
    }
    entries
}
