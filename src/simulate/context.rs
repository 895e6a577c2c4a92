//! Where on the site an event happens: the apps, and the contexts that name them.

use fastrand::Rng;

use super::chance::{Popularity, choose, guid, guid_text, happens, index, push_guid};

/// What Qlik writes for a missing value.
pub(super) const NOT_AVAILABLE: &str = "Not available";

const APPS: usize = 40;
const SHEETS: usize = 4;

/// The apps of the site.
#[derive(Debug)]
pub(super) struct Apps {
    apps: Vec<App>,
    popularity: Popularity,
}

#[derive(Debug)]
struct App {
    id: String,
    sheets: [String; SHEETS],
}

/// A context. It is small enough to be stored with every open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Context {
    /// The prefix of the virtual proxy with a leading slash, or an empty text.
    prefix: &'static str,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    NotAvailable,
    Hub,
    Console,
    App { app: usize },
    Sheet { app: usize, sheet: usize },
    Identity { app: usize, identity: u32 },
    EngineData,
    Transient,
    SessionApp { guid: u128 },
}

/// What a connection opens in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    /// An app, on one of its sheets.
    App { app: usize, sheet: usize },
    /// An app that only exists in memory.
    SessionApp { guid: u128 },
    /// Nothing.
    Nothing,
}

impl Context {
    /// What the engine opens for it.
    pub(super) fn document(self) -> Document {
        match self.place {
            Place::App { app } | Place::Identity { app, .. } => Document::App { app, sheet: 0 },
            Place::Sheet { app, sheet } => Document::App { app, sheet },
            Place::SessionApp { guid } => Document::SessionApp { guid },
            Place::NotAvailable
            | Place::Hub
            | Place::Console
            | Place::EngineData
            | Place::Transient => Document::Nothing,
        }
    }
}

/// Draws the prefix of the virtual proxy for a user; for most of them it is empty.
pub(super) fn draw_prefix(rng: &mut Rng) -> &'static str {
    match rng.u32(0..100) {
        0..15 => "/sales",
        15..22 => "/partners",
        _ => "",
    }
}

/// Draws the prefix of a virtual proxy that admits anonymous users.
pub(super) fn draw_anonymous_prefix(rng: &mut Rng) -> &'static str {
    choose(rng, &["/public", "/kiosk"])
}

impl Apps {
    /// New apps with ids of their own.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let apps = (0..APPS)
            .map(|_| App {
                id: guid_text(rng),
                sheets: std::array::from_fn(|_| guid_text(rng)),
            })
            .collect();
        Self {
            apps,
            popularity: Popularity::new(APPS),
        }
    }

    /// The ids of the apps and of their sheets.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.apps.iter().map(|app| (&*app.id, &app.sheets[..]))
    }

    /// Draws where a session starts or stops.
    pub(super) fn draw_session_context(&self, prefix: &'static str, rng: &mut Rng) -> Context {
        let place = match rng.u32(0..100) {
            0..35 => Place::NotAvailable,
            35..70 => Place::Hub,
            70..75 => Place::Console,
            _ => self.draw_sheet(rng),
        };
        Context { prefix, place }
    }

    /// Draws what a person's connection is for.
    pub(super) fn draw_connection_context(&self, prefix: &'static str, rng: &mut Rng) -> Context {
        let place = match rng.u32(0..100) {
            0..68 => self.draw_sheet(rng),
            68..82 => Place::Identity {
                app: self.popularity.draw(rng),
                identity: rng.u32(..),
            },
            82..87 => Place::App {
                app: self.popularity.draw(rng),
            },
            87..93 => Place::Transient,
            93..97 => Place::SessionApp { guid: guid(rng) },
            97..99 => Place::Hub,
            _ => Place::EngineData,
        };
        Context { prefix, place }
    }

    /// Draws what a service account's connection is for.
    pub(super) fn draw_service_context(&self, rng: &mut Rng) -> Context {
        let place = if happens(rng, 3, 5) {
            Place::EngineData
        } else {
            let app = self.popularity.draw(rng);
            Place::App { app }
        };
        Context { prefix: "", place }
    }

    fn draw_sheet(&self, rng: &mut Rng) -> Place {
        Place::Sheet {
            app: self.popularity.draw(rng),
            sheet: index(rng, SHEETS),
        }
    }

    /// Replaces `text` with a context as it is written in a payload.
    pub(super) fn write(&self, context: Context, text: &mut String) {
        text.clear();
        if context.place == Place::NotAvailable {
            text.push_str(NOT_AVAILABLE);
            return;
        }
        text.push_str(context.prefix);
        match context.place {
            Place::NotAvailable => {}
            Place::Hub => text.push_str("/hub"),
            Place::Console => text.push_str("/qmc"),
            Place::App { app } => {
                text.push_str("/app/");
                text.push_str(&self.apps[app].id);
            }
            Place::Sheet { app, sheet } => {
                let app = &self.apps[app];
                text.push_str("/app/");
                text.push_str(&app.id);
                push_reload_uri(text, context.prefix);
                text.push_str("app%2F");
                text.push_str(&app.id);
                text.push_str("%2Fsheet%2F");
                text.push_str(&app.sheets[sheet]);
                text.push_str("%2Fstate%2Fanalysis");
            }
            Place::Identity { app, identity } => {
                const SECONDS: [&str; 4] = ["0", "30", "60", "300"];
                text.push_str("/app/");
                text.push_str(&self.apps[app].id);
                text.push_str("/identity/");
                push_letters(text, identity);
                text.push_str("/ttl/");
                text.push_str(SECONDS[(identity % 4) as usize]);
                push_reload_uri(text, context.prefix);
                text.push_str("single%2F%3Fappid%3D");
                text.push_str(&self.apps[app].id);
            }
            Place::EngineData => text.push_str("/app/engineData"),
            Place::Transient => {
                text.push_str("/app/%3Ftransient%3D");
                push_reload_uri(text, context.prefix);
                text.push_str("datamanager");
            }
            Place::SessionApp { guid } => {
                text.push_str("/app/SessionApp_");
                push_guid(text, guid);
            }
        }
    }
}

/// Appends a query with the beginning of the page's own address, percent-encoded.
fn push_reload_uri(text: &mut String, prefix: &str) {
    text.push_str("?reloaduri=https%3A%2F%2Fsense.example.com");
    if let Some(name) = prefix.strip_prefix('/') {
        text.push_str("%2F");
        text.push_str(name);
    }
    text.push_str("%2Fsense%2F");
}

/// Appends seven letters that represent `number`.
fn push_letters(text: &mut String, mut number: u32) {
    for _ in 0..7 {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_take_every_form() {
        let mut rng = Rng::with_seed(1);
        let apps = Apps::new(&mut rng);
        let mut texts = Vec::new();
        for _ in 0..2_000 {
            let prefix = draw_prefix(&mut rng);
            for context in [
                apps.draw_session_context(prefix, &mut rng),
                apps.draw_connection_context(prefix, &mut rng),
                apps.draw_service_context(&mut rng),
            ] {
                let mut text = String::new();
                apps.write(context, &mut text);
                assert!(!text.is_empty() && !text.contains(';'));
                texts.push(text);
            }
        }
        for start in [
            "Not available",
            "/hub",
            "/sales/hub",
            "/qmc",
            "/app/engineData",
            "/app/%3Ftransient%3D?reloaduri=https%3A%2F%2F",
            "/app/SessionApp_",
            "/sales/app/",
        ] {
            assert!(texts.iter().any(|text| text.starts_with(start)), "{start}");
        }
        for part in ["/identity/", "/ttl/", "%2Fsheet%2F"] {
            assert!(texts.iter().any(|text| text.contains(part)), "{part}");
        }
    }
}
