//! Puts tokens in the place of users, so that who follows events cannot tell who they are.

mod config;
mod escape;
mod key;
mod mention;
mod path;

use std::sync::Arc;

use self::mention::Names;
pub use self::{
    config::{KeySource, PseudonymizeConfig, PseudonymizeError, Secret},
    key::{Key, MIN_KEY_BYTES, TOKEN_CHARACTERS},
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::{
    ConnectionAction, Derived, DerivedKind, Event, FollowedApp, Kind, SessionAction, Texts,
    UserAgent, UserEvent,
};

/// The pseudonymize transform: user directory and id become keyed hashes, and free text that may name
/// the user goes with them.
///
/// The same user always has the same token, whatever its case, as long as the key is the same. Of an
/// event of a user the message is left out, and of the context what follows the path; of a payload
/// that could not be decoded, the text. Any other text that names the user, however it is written, is left
/// out too. Node, app, browser and system stay.
///
/// ```
/// use qlik_sense_events::transform::pseudonymize::Key;
///
/// let key = Key::new(&[7; 32]).unwrap();
/// let token = key.user_id(Some("LAB"), "goran");
/// assert_eq!(token.len(), 32);
/// assert_eq!(token, key.user_id(Some("lab"), "Goran"));
/// assert_ne!(token, key.user_id(Some("OTHER"), "goran"));
/// ```
#[derive(Debug, Clone)]
pub struct Pseudonymize {
    key: Key,
}

impl Pseudonymize {
    /// A transform that makes tokens with `key`.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self { key }
    }

    /// Replaces the user in an event, where it is.
    pub fn replace(&self, event: &mut Event) {
        match event {
            Event::User(event) => self.replace_user(event),
            Event::Undecoded(event) => event.drop_raw(),
            Event::Derived(event) => self.replace_derived(event),
        }
    }

    fn replace_user(&self, event: &mut UserEvent) {
        let [id, both] = names(event.user_directory(), event.user_id());
        let directory = event.user_directory();
        let user_id = event.user_id().map(|id| self.key.user_id(directory, id));
        let user_directory = directory.map(|directory| self.key.user_directory(directory));
        let without = |names: &Names, text: &str| !names.are_in(text);
        let is_qliks_word = !matches!(
            event.kind(),
            Kind::Session(SessionAction::Other) | Kind::Connection(ConnectionAction::Other)
        );
        let mut client = event.shared_client().cloned();
        replace_client(&mut client, &both);
        let replaced = event.with_texts(Texts {
            qlik_command: event
                .qlik_command()
                .filter(|text| is_qliks_word || without(&both, text)),
            user_directory: user_directory.as_deref(),
            user_id: user_id.as_deref(),
            origin: event.origin().filter(|text| without(&both, text)),
            context: event
                .context()
                .and_then(|context| path::remaining(context, &both)),
            virtual_proxy: event.virtual_proxy().filter(|text| without(&id, text)),
            user_agent: event.user_agent().filter(|text| without(&both, text)),
            session_id: event.session_id().filter(|text| without(&both, text)),
            result: event.result().filter(|text| without(&both, text)),
            app_name: event
                .shared_app_name()
                .filter(|text| without(&id, text))
                .cloned(),
            client,
        });
        *event = replaced;
    }

    fn replace_derived(&self, event: &mut Derived) {
        let subject = &mut event.subject;
        let [id, both] = names(subject.user_directory.as_deref(), Some(&subject.user_id));
        let without = |text: &mut Option<Arc<str>>, names: &Names| {
            if text.as_deref().is_some_and(|text| names.are_in(text)) {
                *text = None;
            }
        };
        let without_names = |apps: &mut [FollowedApp]| {
            for app in apps {
                without(&mut app.name, &id);
            }
        };
        match &mut event.kind {
            DerivedKind::SessionSummary(session, _) | DerivedKind::SessionSnapshot(session) => {
                without(&mut session.session_id, &both);
                without(&mut session.virtual_proxy, &id);
                replace_client(&mut session.client, &both);
                without_names(&mut session.apps);
                without_names(&mut session.open_apps);
            }
            DerivedKind::ConnectionSummary(connection, _) => {
                without(&mut connection.session_id, &both);
                without(&mut connection.virtual_proxy, &id);
                replace_client(&mut connection.client, &both);
                without_names(connection.app.as_mut_slice());
            }
        }
        let directory = subject.user_directory.as_deref();
        let user_id = self.key.user_id(directory, &subject.user_id);
        subject.user_directory = directory.map(|it| self.key.user_directory(it).into());
        subject.user_id = user_id.into();
    }
}

/// The names of a user: of the id alone, because prefixes and apps are often called as the directory is, and
/// of both.
fn names(directory: Option<&str>, id: Option<&str>) -> [Names; 2] {
    let [mut of_id, mut of_both] = [Names::default(), Names::default()];
    if let Some(id) = id {
        of_id.add(id);
        of_both.add(id);
    }
    if let Some(directory) = directory {
        of_both.add(directory);
    }
    [of_id, of_both]
}

/// Leaves out the browser where its name or version, which may be the sender's own words, names the user.
fn replace_client(client: &mut Option<Arc<UserAgent>>, names: &Names) {
    let Some(known) = client else { return };
    let named = [&known.browser_name, &known.browser_version];
    if named.into_iter().flatten().any(|text| names.are_in(text)) {
        *client = Some(Arc::new(UserAgent {
            browser_name: None,
            browser_version: None,
            ..known.as_ref().clone()
        }));
    }
}

impl FunctionTransform for Pseudonymize {
    fn transform(&mut self, output: &mut OutputBuffer, mut event: Event) {
        self.replace(&mut event);
        output.push(event);
    }
}
