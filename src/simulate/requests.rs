//! What the use of an app makes the engine do, request by request.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use fastrand::Rng;

use super::{
    catalogue::{App, Catalogue, Object},
    chance::{guid_text, happens, push_guid},
    context::Document,
    entry::{Actor, Entry},
    truth::Request,
};
use crate::payload::Level;

/// The handle of the global interface.
const GLOBAL: i32 = -1;

/// The handle of the app, which is the first that a client receives.
const DOC: i32 = 1;

/// What Qlik writes for an absent object, or for its type.
const UNKNOWN: &str = "<Unknown>";

const GIB: u64 = 1 << 30;

/// A client's connection to the engine, over which it makes one request after the other.
#[derive(Debug, Clone)]
pub(super) struct Client {
    actor: Actor,
    engine_session_id: Arc<str>,
    app_id: Option<Arc<str>>,
    /// When the next request is made.
    time: DateTime<Utc>,
    request_id: u32,
    requests: Vec<Entry>,
}

/// What a request is about, and its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) handle: i32,
    pub(super) object_id: Option<&'a Arc<str>>,
    pub(super) object_type: &'static str,
    /// Its weight: 1 for a look-up, 2,048 for the heaviest chart of the largest app.
    pub(super) weight: u64,
    /// Whether the inference engine is involved.
    pub(super) calculates: bool,
}

impl Work<'_> {
    /// A request to the global interface.
    pub(super) const GLOBAL: Self = Self {
        handle: GLOBAL,
        object_id: None,
        object_type: UNKNOWN,
        weight: 1,
        calculates: false,
    };
}

impl Client {
    pub(super) fn new(actor: Actor, start: DateTime<Utc>, rng: &mut Rng) -> Self {
        Self {
            actor,
            engine_session_id: guid_text(rng).into(),
            app_id: None,
            time: start,
            request_id: 0,
            requests: Vec::new(),
        }
    }

    /// All requests so far.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.requests
    }

    pub(super) const fn time(&self) -> DateTime<Utc> {
        self.time
    }

    /// Waits before the next request.
    pub(super) fn wait(&mut self, time: TimeDelta) {
        self.time += time;
    }

    pub(super) fn set_app(&mut self, id: Option<Arc<str>>) {
        self.app_id = id;
    }

    /// Makes a request, and waits for the answer and a little longer.
    pub(super) fn ask(&mut self, method: &'static str, work: Work<'_>, rng: &mut Rng) {
        let mut request = self.request(method, work);
        charge(&mut request, work, rng);
        let taken = request.process.unwrap_or_default();
        self.push(request, taken);
        self.wait(TimeDelta::milliseconds(rng.i64(1..20)));
    }

    /// Makes a request with a known duration and peak of memory.
    pub(super) fn ask_for_long(
        &mut self,
        method: &'static str,
        taken: Duration,
        peak_ram_bytes: u64,
        rng: &mut Rng,
    ) {
        let mut request = self.request(method, self.doc(1));
        let microseconds = taken.as_micros() as u64;
        request.process = Some(taken);
        request.work = Duration::from_micros(microseconds - microseconds / 200);
        request.validate = Duration::from_micros(rng.u64(10..200));
        request.peak_ram_bytes = Some(peak_ram_bytes);
        request.net_ram_bytes = peak_ram_bytes / rng.u64(2..5);
        self.push(request, Duration::ZERO);
    }

    /// Requests all the data of an object, which takes far too much memory, and finally gets it.
    pub(super) fn ask_for_all(
        &mut self,
        app: &App,
        (place, about): (usize, &Object),
        taken: Duration,
        peak_ram_bytes: u64,
    ) {
        self.app_id = Some(Arc::clone(&app.id));
        let mut request =
            self.request("GenericObject::GetHyperCubeData", object(app, place, about));
        request.process = Some(taken);
        request.work = taken - Duration::from_millis(50);
        request.traverse = taken / 2;
        request.peak_ram_bytes = Some(peak_ram_bytes);
        request.net_ram_bytes = peak_ram_bytes / 2;
        self.push(request, taken);
    }

    /// The engine's own session id.
    pub(super) const fn engine_session_id(&self) -> &Arc<str> {
        &self.engine_session_id
    }

    /// A request about the app itself.
    pub(super) fn doc(&self, weight: u64) -> Work<'static> {
        Work {
            handle: DOC,
            weight,
            ..Work::GLOBAL
        }
    }

    fn request(&mut self, method: &'static str, work: Work<'_>) -> Request {
        self.request_id += 1;
        let actor = &self.actor;
        // In a request about the app, the app is the object.
        let app = (work.handle == DOC)
            .then_some(self.app_id.as_ref())
            .flatten();
        Request {
            time: self.time,
            row: 0,
            host: Arc::clone(&actor.host),
            level: Level::Info,
            session_id: actor.session_id.clone(),
            directory: Some(Arc::clone(&actor.directory)),
            user_id: Some(Arc::clone(&actor.user_id)),
            engine_session_id: Some(Arc::clone(&self.engine_session_id)),
            app_id: self.app_id.clone(),
            request_id: self.request_id,
            method,
            process: Some(Duration::ZERO),
            work: Duration::ZERO,
            lock: Duration::ZERO,
            validate: Duration::ZERO,
            traverse: Duration::ZERO,
            handle: work.handle,
            object_id: work
                .object_id
                .or(app)
                .map_or_else(|| UNKNOWN.into(), Arc::clone),
            net_ram_bytes: 0,
            peak_ram_bytes: Some(0),
            object_type: work.object_type,
            exception: None,
        }
    }

    /// Ends a request.
    fn push(&mut self, mut request: Request, taken: Duration) {
        self.time += TimeDelta::milliseconds(taken.as_millis() as i64);
        request.time = self.time;
        request.level = level(&request);
        self.requests
            .push(Entry::performance(self.actor.node, request));
    }

    /// Opens what a connection is for.
    pub(super) fn open(&mut self, catalogue: &Catalogue, document: Document, rng: &mut Rng) {
        match document {
            Document::App { app, sheet } => self.open_app(catalogue.app(app), sheet, rng),
            Document::SessionApp { guid } => self.open_session_app(guid, rng),
            Document::Nothing => self.look_around(rng),
        }
    }

    /// Continues with what is open: makes a selection if it is an app.
    pub(super) fn go_on(&mut self, catalogue: &Catalogue, document: Document, rng: &mut Rng) {
        if let Document::App { app, sheet } = document {
            self.select(catalogue.app(app), sheet, rng);
        }
    }

    /// Opens an app on a sheet, with 15 to 20 requests.
    fn open_app(&mut self, app: &App, sheet: usize, rng: &mut Rng) {
        let sheet = &app.sheets[sheet];
        self.app_id = None;
        self.ask("Global::GetConfiguration", Work::GLOBAL, rng);
        self.ask("Global::GetAuthenticatedUser", Work::GLOBAL, rng);
        self.app_id = Some(Arc::clone(&app.id));
        let open = Work {
            weight: 16 * app.size,
            ..Work::GLOBAL
        };
        self.ask("Global::OpenApp", open, rng);
        self.ask("Doc::GetAppLayout", self.doc(2), rng);
        self.ask("Doc::GetAppProperties", self.doc(1), rng);
        for (handle, list) in (2..).zip(["SheetList", "CurrentSelection"]) {
            let list: Arc<str> = list.into();
            let object_type = if handle == 2 {
                "SheetList"
            } else {
                "CurrentSelection"
            };
            self.ask("Doc::CreateSessionObject", self.doc(1), rng);
            let layout = Work {
                handle,
                object_id: Some(&list),
                object_type,
                weight: 2,
                calculates: false,
            };
            self.ask("GenericObject::GetLayout", layout, rng);
        }
        self.ask("Doc::GetObject", self.doc(1), rng);
        let layout = Work {
            handle: 4,
            object_id: Some(&sheet.id),
            object_type: "sheet",
            weight: 4,
            calculates: false,
        };
        self.ask("GenericObject::GetLayout", layout, rng);
        // There have been eleven so far. Every object needs its layout, and those that show data also need the data, as
        // far as the sheet shows it.
        let left = rng.u64(5..9) as usize;
        self.calculate(app, &sheet.objects, left, rng);
        if left < sheet.objects.len() {
            self.ask("Doc::GetObject", self.doc(1), rng);
        }
    }

    /// Makes a selection on a sheet, with 10 to 15 requests.
    fn select(&mut self, app: &App, sheet: usize, rng: &mut Rng) {
        self.app_id = Some(Arc::clone(&app.id));
        let objects = &app.sheets[sheet].objects;
        // This is the listbox.
        let chosen = 0;
        if happens(rng, 1, 10) {
            self.ask("Doc::ClearAll", self.doc(app.size), rng);
        } else {
            self.ask(
                "GenericObject::GetListObjectData",
                object(app, chosen, &objects[chosen]),
                rng,
            );
        }
        let list: Arc<str> = "CurrentSelection".into();
        let layout = Work {
            handle: 3,
            object_id: Some(&list),
            object_type: "CurrentSelection",
            weight: 1,
            calculates: false,
        };
        self.ask("GenericObject::GetLayout", layout, rng);
        let left = rng.u64(8..14) as usize;
        self.calculate(app, objects, left, rng);
    }

    /// Requests the layouts and data of objects, in this many requests.
    fn calculate(&mut self, app: &App, objects: &[Object], requests: usize, rng: &mut Rng) {
        for request in 0..requests {
            let place = request % objects.len();
            let about = &objects[place];
            let method = match about.object_type {
                _ if request < objects.len() => "GenericObject::GetLayout",
                "listbox" => "GenericObject::GetListObjectData",
                "linechart" => "GenericObject::GetHyperCubeContinuousData",
                _ => "GenericObject::GetHyperCubeData",
            };
            self.ask(method, object(app, place, about), rng);
        }
    }

    /// Opens an app that exists in memory only while somebody looks at it.
    fn open_session_app(&mut self, guid: u128, rng: &mut Rng) {
        let mut id = String::from("SessionApp_");
        push_guid(&mut id, guid);
        self.app_id = None;
        self.ask("Global::GetConfiguration", Work::GLOBAL, rng);
        self.app_id = Some(id.into());
        self.ask("Doc::CreateSessionObject", self.doc(1), rng);
        self.ask("Doc::GetAppLayout", self.doc(1), rng);
    }

    /// Looks around without opening an app.
    fn look_around(&mut self, rng: &mut Rng) {
        self.app_id = None;
        for method in [
            "Global::GetAuthenticatedUser",
            "Global::GetBaseBNFHash",
            "Global::AllowCreateApp",
        ] {
            self.ask(method, Work::GLOBAL, rng);
        }
    }
}

/// The work for an object of an app.
fn object<'a>(app: &App, place: usize, object: &'a Object) -> Work<'a> {
    Work {
        handle: 5 + place as i32,
        object_id: Some(&object.id),
        object_type: object.object_type,
        weight: app.size * object.burden,
        calculates: true,
    }
}

/// Determines the cost of a request. Nearly all cost what their weight says; a few cost far more, for example if a
/// selection leaves all data in a chart.
fn charge(request: &mut Request, work: Work<'_>, rng: &mut Rng) {
    let excess = match rng.u32(0..4_000) {
        0 => 200,
        1..16 => 20,
        _ => 1,
    };
    let microseconds = 40 + rng.u64(80..900) * work.weight / 4 * excess;
    request.work = Duration::from_micros(microseconds);
    request.validate = Duration::from_micros(rng.u64(0..60));
    if happens(rng, 1, 12) {
        request.lock = Duration::from_micros(rng.u64(1..5_000));
    }
    if work.calculates {
        request.traverse = request.work * rng.u32(20..80) / 100;
        request.traverse = Duration::from_micros(request.traverse.as_micros() as u64);
    }
    let overhead = microseconds * rng.u64(1..5) / 100;
    request.process =
        Some(request.work + request.validate + request.lock + Duration::from_micros(20 + overhead));
    let peak = 128 * rng.u64(1..9) * work.weight * (work.weight / 16 + 1) * excess;
    request.peak_ram_bytes = Some(peak);
    if !happens(rng, 1, 4) {
        request.net_ram_bytes = peak / rng.u64(4..64);
    }
}

/// The level that the engine assigns to a request, according to the thresholds in `Settings.ini`.
fn level(request: &Request) -> Level {
    let seconds = request.process.unwrap_or_default().as_secs();
    let bytes = request.peak_ram_bytes.unwrap_or(0);
    if seconds >= 60 || bytes >= 2 * GIB {
        Level::Error
    } else if seconds >= 30 || bytes >= GIB {
        Level::Warn
    } else {
        Level::Info
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::context::Apps;

    #[test]
    fn an_app_and_a_selection_cause_as_many_requests_as_in_life() {
        let mut rng = Rng::with_seed(1);
        let catalogue = Catalogue::new(&Apps::new(&mut rng), &mut rng);
        let actor = Actor {
            node: 0,
            host: "pro2-win1".into(),
            session_id: None,
            directory: "LAB".into(),
            user_id: "goran".into(),
        };
        for number in 0..400 {
            let (app, sheet) = (number % catalogue.len(), number % 4);
            let document = Document::App { app, sheet };
            let mut client = Client::new(actor.clone(), DateTime::UNIX_EPOCH, &mut rng);
            client.open(&catalogue, document, &mut rng);
            let opened = client.requests.len();
            assert!((15..=20).contains(&opened), "{opened}");
            client.go_on(&catalogue, document, &mut rng);
            let selected = client.requests.len() - opened;
            assert!((10..=15).contains(&selected), "{selected}");
            let entries = client.into_entries();
            assert!(entries.is_sorted_by_key(Entry::time));
        }
    }
}
