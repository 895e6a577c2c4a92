//! The model of `top`: the sessions transform, and the counts beside it.

use std::{collections::HashMap, io::BufRead, sync::Arc};

use chrono::{DateTime, Utc};
#[cfg(feature = "qrs")]
use qlik_sense_events::transform::sessions::SessionList;
use qlik_sense_events::{
    event::{Derived, DerivedKind, FollowedApp, UserAgent},
    transform::{
        OutputBuffer, Sessions, SessionsConfig,
        sessions::{Activity, StateError},
    },
};
use uuid::Uuid;

use super::{
    recent::Recent,
    screen::{MINUTES, Screen, Session},
    services::{Row, Services},
    told::Told,
};

/// The seconds over which the rate of events is averaged.
const RATE_SECONDS: usize = 10;

/// The most apps whose names are remembered, so that made-up apps take a bounded amount of memory.
const MAX_NAMES: usize = 10_000;

/// Follows events. It reads no clock: the caller passes the time.
#[derive(Debug)]
pub struct Model {
    sessions: Sessions,
    /// The output of the transform, which is not needed here.
    output: OutputBuffer,
    names: HashMap<Uuid, Arc<str>>,
    events: u64,
    seconds: Recent,
    minutes: Recent,
    services: Services,
    last_event: Option<DateTime<Utc>>,
}

impl Model {
    /// A model without sessions.
    pub fn new(config: &SessionsConfig) -> Self {
        let config = SessionsConfig {
            snapshot_interval_secs: 0,
            ..config.clone()
        };
        Self {
            sessions: Sessions::new(&config),
            output: OutputBuffer::default(),
            names: HashMap::new(),
            events: 0,
            seconds: Recent::new(RATE_SECONDS),
            minutes: Recent::new(MINUTES),
            services: Services::default(),
            last_event: None,
        }
    }

    /// Starts with the users in a program's saved state.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is incomplete; then there are no users.
    pub fn resume(
        &mut self,
        state: &mut impl BufRead,
        now: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.sessions.restore(state, now).map(drop)
    }

    /// Takes what a user did, when it arrives.
    pub fn follow(&mut self, activity: Activity<'_>) {
        let time = activity.arrival;
        self.events += 1;
        self.seconds.count(time.timestamp());
        self.minutes.count(time.timestamp().div_euclid(60));
        self.last_event = self.last_event.max(Some(time));
        if let (Some(id), Some(name)) = (activity.app_id, activity.app_name)
            && (self.names.len() < MAX_NAMES || self.names.contains_key(&id))
        {
            self.names.insert(id, Arc::clone(name));
        }
        self.sessions.follow_activity(activity, &mut self.output);
        self.output.drain();
    }

    /// Takes a proxy's list of sessions.
    #[cfg(feature = "qrs")]
    pub fn take_list(&self, list: SessionList) {
        self.sessions.take_list(list);
    }

    /// Takes what a service reported, when it arrives.
    pub fn hear(&mut self, told: &Told<'_>) {
        self.last_event = self.last_event.max(Some(told.arrival));
        self.services.hear(told);
    }

    /// When the last event arrived.
    pub const fn last_event(&self) -> Option<DateTime<Utc>> {
        self.last_event
    }

    /// The screen at a time; `None` before the first event of a recording.
    pub fn screen(&mut self, now: Option<DateTime<Utc>>) -> Screen {
        let mut screen = Screen {
            now,
            events: self.events,
            minutes: vec![0; MINUTES],
            ..Screen::default()
        };
        let Some(now) = now else {
            return screen;
        };
        self.sessions.tick(now, &mut self.output);
        self.output.drain();
        let in_seconds: u64 = self.seconds.until(now.timestamp()).sum();
        screen.events_a_second = in_seconds as f64 / RATE_SECONDS as f64;
        let minute = now.timestamp().div_euclid(60);
        screen.minutes = self.minutes.until(minute).collect();
        let open = self.sessions.open_sessions(now);
        let mut rows = Vec::new();
        for open in &open {
            if let Some(row) = self.show(open, &mut screen) {
                rows.push(row);
            }
        }
        self.services.show(now, &rows, &mut screen);
        screen.sessions_in_all = screen.sessions.len();
        // The sessions of one user follow each other, with the name spelt as it was first.
        let same_user = |a: &Session, b: &Session| a.user == b.user && a.node == b.node;
        screen.users = screen.sessions.chunk_by(same_user).count();
        screen
    }

    /// A row for a session, and what matches the costs of requests with it.
    fn show<'a>(&self, open: &'a Derived, screen: &mut Screen) -> Option<Row<'a>> {
        let DerivedKind::SessionSnapshot(session) = &open.kind else {
            return None;
        };
        let subject = &open.subject;
        screen.connections += u64::from(session.open_connections);
        let apps: Vec<String> = session.open_apps.iter().map(|app| self.name(app)).collect();
        screen.sessions.push(Session {
            user: subject
                .user()
                .map_or_else(|| subject.user_id.to_string(), |user| user.to_string()),
            node: subject.host.as_deref().unwrap_or_default().to_owned(),
            since: session.start,
            start_seen: session.start_seen,
            event_seen: session.event_seen,
            connections: session.open_connections,
            apps: apps.join(", "),
            browser: session.client.as_deref().map(browser).unwrap_or_default(),
            cost: None,
        });
        Some(Row {
            session_id: session.session_id.as_deref(),
            user_directory: subject.user_directory.as_deref(),
            user_id: &subject.user_id,
        })
    }

    /// A later event has the newer name.
    fn name(&self, app: &FollowedApp) -> String {
        match self.names.get(&app.id).or(app.name.as_ref()) {
            Some(name) => name.to_string(),
            None => app.id.to_string(),
        }
    }
}

/// `Chrome 126, Windows`
fn browser(client: &UserAgent) -> String {
    let version = client.browser_version.as_deref();
    let major = version.and_then(|version| version.split('.').next());
    let browser = [client.browser_name.as_deref(), major]
        .into_iter()
        .flatten();
    let browser = browser.collect::<Vec<_>>().join(" ");
    let parts = [
        Some(&*browser).filter(|text| !text.is_empty()),
        client.os_name,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::TimeDelta;
    use qlik_sense_events::{
        event::{Arrival, Level, TaskAction, UserAgentCache},
        pipeline::PipelineConfig,
        schema::Layout,
        simulate::{About, Datagram, Families, Site, SiteOptions},
    };
    use serde_json::{Value, json};

    use super::{
        super::{
            record::{Record, read},
            screen::Cost,
        },
        *,
    };

    const APP: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_769_850_000 + seconds, 0).expect("a time")
    }

    /// A line of a user of the directory LAB, with more fields.
    fn take_line(model: &mut Model, seconds: i64, kind: [&str; 2], user: &str, more: Value) {
        let [event, action] = kind;
        let mut line = json!({
            "source_type": "qlik_sense", "event": event, "action": action, "timestamp": at(seconds).to_rfc3339(),
            "host": "n1", "user_directory": "LAB", "user_id": user,
        });
        let fields = line.as_object_mut().expect("fields");
        fields.append(&mut more.as_object().expect("fields").clone());
        let record = read(line.to_string().as_bytes(), &UserAgentCache::default());
        let Some(Record::User(record)) = record else {
            panic!("{record:?}");
        };
        model.follow(record.activity());
    }

    fn take(model: &mut Model, seconds: i64, kind: [&str; 2], user: &str, name: Option<&str>) {
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        let more = json!({ "app_id": APP, "user_agent": agent, "app_name": name });
        take_line(model, seconds, kind, user, more);
    }

    const START: [&str; 2] = ["session", "start"];
    const STOP: [&str; 2] = ["session", "stop"];
    const OPEN: [&str; 2] = ["connection", "open"];
    const CLOSE: [&str; 2] = ["connection", "close"];

    #[test]
    fn who_is_in_is_what_the_sessions_transform_says() {
        let mut model = Model::new(&SessionsConfig::default());
        assert_eq!(model.screen(None).now, None);
        take(&mut model, 0, START, "goran", None);
        take(&mut model, 1, OPEN, "goran", Some("Sales"));
        take(&mut model, 2, OPEN, "anna", None);
        let screen = model.screen(Some(at(62)));
        assert_eq!(
            (screen.users, screen.sessions_in_all, screen.connections),
            (2, 2, 2)
        );
        assert_eq!(screen.events, 3);
        let goran = screen
            .sessions
            .iter()
            .find(|s| s.user == r"LAB\goran")
            .expect("goran");
        let expected = Session {
            user: r"LAB\goran".into(),
            node: "n1".into(),
            since: at(0),
            start_seen: true,
            event_seen: true,
            connections: 1,
            apps: "Sales".into(),
            browser: "Chrome 126, Windows".into(),
            cost: None,
        };
        assert_eq!(*goran, expected);
        assert!(
            screen
                .sessions
                .iter()
                .any(|s| s.user == r"LAB\anna" && !s.start_seen)
        );

        take(&mut model, 70, CLOSE, "goran", None);
        take(&mut model, 71, STOP, "goran", None);
        let screen = model.screen(Some(at(72)));
        assert_eq!(
            (screen.users, screen.sessions_in_all, screen.connections),
            (1, 1, 1)
        );
        // A user without further events is considered to have left.
        let later = at(72) + TimeDelta::days(2);
        assert_eq!(model.screen(Some(later)).users, 0);
    }

    #[test]
    fn a_user_with_two_sessions_is_one_user() {
        let mut model = Model::new(&SessionsConfig::default());
        for id in ["a", "b"] {
            take_line(&mut model, 0, START, "goran", json!({ "session_id": id }));
        }
        take(&mut model, 1, START, "anna", None);
        let screen = model.screen(Some(at(2)));
        assert_eq!((screen.users, screen.sessions_in_all), (2, 3));
    }

    #[test]
    fn a_line_that_comes_twice_at_once_is_one_connection() {
        let mut model = Model::new(&SessionsConfig::default());
        for (milliseconds, user) in [(0, "goran"), (50, "goran"), (50, "anna"), (500, "goran")] {
            let time = at(0) + TimeDelta::milliseconds(milliseconds);
            let more = json!({ "app_id": APP, "timestamp": time.to_rfc3339() });
            take_line(&mut model, 0, OPEN, user, more);
        }
        assert_eq!(model.screen(Some(at(1))).connections, 3);
    }

    #[test]
    fn events_are_counted_by_second_and_minute() {
        let mut model = Model::new(&SessionsConfig::default());
        for second in [0, 1, 2, 3, 59, 60, 61, 61] {
            take(&mut model, second, START, "goran", None);
        }
        let screen = model.screen(Some(at(62)));
        assert_eq!(screen.minutes.len(), MINUTES);
        assert_eq!(screen.minutes[MINUTES - 2..], [5, 3]);
        assert!((screen.events_a_second - 0.4).abs() < 1e-9);
        let screen = model.screen(Some(at(62 + 3_600 * 2)));
        assert_eq!(screen.minutes.iter().sum::<u64>(), 0);
        assert_eq!(screen.events, 8);
        // Late events count in the minute to which they belong, or not at all.
        take(&mut model, 62 + 3_600 * 2 - 60, START, "goran", None);
        take(&mut model, 0, START, "goran", None);
        let screen = model.screen(Some(at(62 + 3_600 * 2)));
        assert_eq!(screen.minutes[MINUTES - 2..], [1, 0]);
    }

    /// For every open session, the costs are those of the simulator, from events and from JSON lines.
    #[test]
    fn a_session_shows_what_its_requests_cost() {
        let options = SiteOptions {
            odd_per_mille: 0,
            extended: true,
            families: Families::ALL,
            ..SiteOptions::default()
        };
        let mut site = Site::new(options);
        site.set_time(at(0));
        let mut pipeline = PipelineConfig::default().build().expect("a pipeline");
        let (mut output, mut datagram) = (OutputBuffer::default(), Vec::new());
        let (layout, user_agents) = (Layout::default(), UserAgentCache::default());
        let [mut model, mut of_lines] = [(); 2].map(|()| Model::new(&SessionsConfig::default()));
        let mut truth: HashMap<String, Cost> = HashMap::new();
        let (mut errors, mut failed) = (0, HashSet::new());
        for number in 0..10_000 {
            match site.next_datagram(&mut datagram) {
                Datagram::Performance(request) => {
                    // A request outside any session, such as a reload, belongs to the user.
                    let user = request.user().unwrap_or_default();
                    let session_id = request.session_id.as_deref().unwrap_or(&user);
                    truth.entry(session_id.to_owned()).or_default().add(Cost {
                        requests: 1,
                        process: request.process.unwrap_or_default(),
                        peak_ram: request.peak_ram_bytes.unwrap_or(0),
                    });
                }
                Datagram::Log(row) => errors += u64::from(row.level >= Level::Error),
                Datagram::Task(row) if row.action == TaskAction::Failed => {
                    failed.insert(match row.about {
                        About::Run(run) => run.execution_id.to_string(),
                        About::Reload(_) => number.to_string(),
                    });
                }
                _ => {}
            }
            pipeline.datagram(&datagram, Arrival::local(at(0)), &mut output);
            for event in output.drain() {
                if let Some(activity) = Activity::of(&event) {
                    model.follow(activity);
                } else if let Some(told) = Told::of(&event) {
                    model.hear(&told);
                }
                let line = serde_json::to_vec(&layout.view(&event)).expect("JSON");
                match read(&line, &user_agents) {
                    Some(Record::User(record)) => of_lines.follow(record.activity()),
                    Some(Record::Service(record)) => of_lines.hear(&record.told()),
                    other => panic!("{other:?}"),
                }
            }
        }
        let open = model.sessions.open_sessions(at(1));
        let mut taken = |key: &str| truth.remove(key);
        // All began at the same time, so the first session of a user shows what belongs to the user.
        let open: Vec<Option<Cost>> = open
            .iter()
            .map(|open| {
                let of_session = taken(open.kind.session_id().expect("an id"));
                let user = open.subject.user().expect("a user").to_string();
                let parts = [of_session, taken(&user)].into_iter().flatten();
                parts.reduce(|mut all, cost| {
                    all.add(cost);
                    all
                })
            })
            .collect();
        assert!(open.iter().flatten().count() > 10, "{}", open.len());
        assert!(errors > 0 && !failed.is_empty());
        for model in [&mut model, &mut of_lines] {
            let screen = model.screen(Some(at(1)));
            let shown: Vec<_> = screen.sessions.iter().map(|it| it.cost).collect();
            assert_eq!(shown, open);
            assert_eq!(screen.errors, Some(errors));
            assert_eq!(screen.failed_tasks, Some(failed.len() as u64));
        }
    }
}
