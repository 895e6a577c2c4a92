//! What is known of who is in: the sessions transform, and what is counted beside it.

use std::{
    collections::{HashMap, VecDeque},
    io::BufRead,
    sync::Arc,
};

use chrono::{DateTime, Utc};
use qlik_sense_events::{
    event::{Derived, DerivedKind, Event, FollowedApp, UserAgent},
    transform::{FunctionTransform, OutputBuffer, Sessions, SessionsConfig, sessions::StateError},
};
use uuid::Uuid;

use super::screen::{MINUTES, Screen, Session};

/// Seconds over which events a second are counted.
const RATE_SECONDS: usize = 10;

/// Apps whose names are remembered. Made-up apps must not take more memory than this.
const MAX_NAMES: usize = 10_000;

/// Follows events. It asks no clock: the caller says what time it is.
#[derive(Debug)]
pub struct Model {
    sessions: Sessions,
    /// What the transform gives out, of which nothing is needed here.
    output: OutputBuffer,
    names: HashMap<Uuid, Arc<str>>,
    events: u64,
    seconds: Recent,
    minutes: Recent,
    last_event: Option<DateTime<Utc>>,
}

impl Model {
    /// There are no sessions yet.
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
            last_event: None,
        }
    }

    /// Begins with who was in when a program wrote its state.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no whole state; then nobody is known.
    pub fn resume(
        &mut self,
        state: &mut impl BufRead,
        now: DateTime<Utc>,
    ) -> Result<(), StateError> {
        self.sessions.restore(state, now).map(drop)
    }

    /// Takes an event that has arrived.
    pub fn event(&mut self, event: Event) {
        let (Event::User(user_event), Some(arrival)) = (&event, event.arrival()) else {
            return;
        };
        let time = arrival.timestamp;
        self.events += 1;
        self.seconds.count(time.timestamp());
        self.minutes.count(time.timestamp().div_euclid(60));
        self.last_event = self.last_event.max(Some(time));
        if let (Some(id), Some(name)) = (user_event.app_id(), user_event.app_name())
            && (self.names.len() < MAX_NAMES || self.names.contains_key(&id))
        {
            self.names.insert(id, name.into());
        }
        self.sessions.transform(&mut self.output, event);
        self.output.drain();
    }

    /// When the last event arrived.
    pub const fn last_event(&self) -> Option<DateTime<Utc>> {
        self.last_event
    }

    /// What is to be seen at a time; none before the first event of a recording.
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
        for open in self.sessions.open_sessions(now) {
            self.show(&open, &mut screen);
        }
        screen.sessions_in_all = screen.sessions.len();
        // The sessions of one user come one after the other, as they were first spelled.
        let same_user = |a: &Session, b: &Session| a.user == b.user && a.node == b.node;
        screen.users = screen.sessions.chunk_by(same_user).count();
        screen
    }

    fn show(&self, open: &Derived, screen: &mut Screen) {
        let DerivedKind::SessionSnapshot(session) = &open.kind else {
            return;
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
            connections: session.open_connections,
            apps: apps.join(", "),
            browser: session.client.as_deref().map(browser).unwrap_or_default(),
        });
    }

    /// The name that came with a later event is the newer one.
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

/// Counts of the last few seconds or minutes.
#[derive(Debug)]
struct Recent {
    /// The newest last.
    counts: VecDeque<u64>,
    /// Which second or minute the newest is.
    newest: Option<i64>,
}

impl Recent {
    fn new(length: usize) -> Self {
        Self {
            counts: std::iter::repeat_n(0, length).collect(),
            newest: None,
        }
    }

    /// Counts one at a time. What is older than is kept counts no more.
    fn count(&mut self, time: i64) {
        let newest = *self.newest.get_or_insert(time);
        if time > newest {
            self.advance(time);
        }
        let behind = self.newest.unwrap_or(time).saturating_sub(time);
        let place = usize::try_from(behind)
            .ok()
            .and_then(|behind| self.counts.len().checked_sub(behind + 1));
        if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
            *count += 1;
        }
    }

    fn advance(&mut self, time: i64) {
        let steps = time.saturating_sub(self.newest.unwrap_or(time));
        for _ in 0..steps.clamp(0, self.counts.len() as i64) {
            self.counts.pop_front();
            self.counts.push_back(0);
        }
        self.newest = Some(time);
    }

    /// The counts that end with a time, the oldest first.
    fn until(&mut self, time: i64) -> impl Iterator<Item = u64> {
        if self.newest.is_some_and(|newest| newest < time) {
            self.advance(time);
        }
        self.counts.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use qlik_sense_events::{
        decoding::{LogNamespace, QlikSenseDeserializer},
        event::Arrival,
    };

    use super::*;

    const APP: &str = "a421f4a2-c311-4ef4-ba41-fe2e6a2b0d69";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_769_850_000 + seconds, 0).expect("a time")
    }

    fn take(model: &mut Model, seconds: i64, command: &str, user: &str, name: Option<&str>) {
        let kind = if command.ends_with("session") {
            "session"
        } else {
            "connection"
        };
        let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
        let datagram = format!(
            "/qseow-proxy-{kind}/;n1;{command};LAB;{user};;/app/{APP};UserAgent: '{agent}'"
        );
        let mut events = QlikSenseDeserializer::default()
            .parse(datagram.into(), LogNamespace::Legacy)
            .expect("an event");
        let mut event = events.remove(0);
        if let (Event::User(event), Some(name)) = (&mut event, name) {
            event.set_app_name(name.into());
        }
        event.set_arrival(Arrival::local(at(seconds)));
        model.event(event);
    }

    #[test]
    fn who_is_in_is_what_the_sessions_transform_says() {
        let mut model = Model::new(&SessionsConfig::default());
        assert_eq!(model.screen(None).now, None);
        take(&mut model, 0, "Start session", "goran", None);
        take(&mut model, 1, "Open connection", "goran", Some("Sales"));
        take(&mut model, 2, "Open connection", "anna", None);
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
            connections: 1,
            apps: "Sales".into(),
            browser: "Chrome 126, Windows".into(),
        };
        assert_eq!(*goran, expected);
        assert!(
            screen
                .sessions
                .iter()
                .any(|s| s.user == r"LAB\anna" && !s.start_seen)
        );

        take(&mut model, 70, "Close connection", "goran", None);
        take(&mut model, 71, "Stop session", "goran", None);
        let screen = model.screen(Some(at(72)));
        assert_eq!(
            (screen.users, screen.sessions_in_all, screen.connections),
            (1, 1, 1)
        );
        // A user of whom nothing is heard any more is taken to have gone.
        let later = at(72) + TimeDelta::days(2);
        assert_eq!(model.screen(Some(later)).users, 0);
    }

    #[test]
    fn a_user_with_two_sessions_is_one_user() {
        let mut model = Model::new(&SessionsConfig::default());
        for id in ["a", "b"] {
            let datagram =
                format!("/qlik-sense-session/2/;n1;;;{id};;Start session;LAB;goran;;/hub;");
            let mut events = QlikSenseDeserializer::default()
                .parse(datagram.into(), LogNamespace::Legacy)
                .expect("an event");
            let mut event = events.remove(0);
            event.set_arrival(Arrival::local(at(0)));
            model.event(event);
        }
        take(&mut model, 1, "Start session", "anna", None);
        let screen = model.screen(Some(at(2)));
        assert_eq!((screen.users, screen.sessions_in_all), (2, 3));
    }

    #[test]
    fn events_are_counted_by_second_and_minute() {
        let mut model = Model::new(&SessionsConfig::default());
        for second in [0, 1, 2, 3, 59, 60, 61, 61] {
            take(&mut model, second, "Start session", "goran", None);
        }
        let screen = model.screen(Some(at(62)));
        assert_eq!(screen.minutes.len(), MINUTES);
        assert_eq!(screen.minutes[MINUTES - 2..], [5, 3]);
        assert!((screen.events_a_second - 0.4).abs() < 1e-9);
        let screen = model.screen(Some(at(62 + 3_600 * 2)));
        assert_eq!(screen.minutes.iter().sum::<u64>(), 0);
        assert_eq!(screen.events, 8);
        // Late ones count where they belong, or nowhere.
        take(
            &mut model,
            62 + 3_600 * 2 - 60,
            "Start session",
            "goran",
            None,
        );
        take(&mut model, 0, "Start session", "goran", None);
        let screen = model.screen(Some(at(62 + 3_600 * 2)));
        assert_eq!(screen.minutes[MINUTES - 2..], [1, 0]);
    }
}
