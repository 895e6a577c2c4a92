//! Replaces users with pseudonyms, so that readers of the events cannot identify them.

mod config;
mod escape;
mod key;
mod mention;
mod path;

use std::{borrow::Cow, sync::Arc};

use self::mention::Names;
pub use self::{
    config::{KeySource, PseudonymizeConfig, PseudonymizeError, Secret},
    key::{Key, MIN_KEY_BYTES, TOKEN_CHARACTERS},
};
use super::{FunctionTransform, OutputBuffer};
use crate::{
    event::{Derived, DerivedKind, Event, FollowedApp, UserAgent},
    payload::Personal,
};

/// The pseudonymize transform: replaces user directory and id with keyed hashes, and removes free text that may name
/// the user.
///
/// As long as the key is the same, the same user always has the same pseudonym, in any case. Events with a user lose
/// their message, and everything in the context after the path; undecoded payloads lose their text. Any other text that
/// names the user, in whatever spelling, is removed too. Node, app, browser and system stay.
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
    /// A transform that makes pseudonyms with `key`.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self { key }
    }

    /// Replaces the user in an event.
    pub fn replace(&self, event: &mut Event) {
        if let Some(derived) = event.derived_mut() {
            self.replace_derived(derived);
            return;
        }
        event.drop_raw();
        let [id, both] = names(event.user_directory(), event.user_id());
        let directory = event.user_directory().map(str::to_owned);
        let directory = directory.as_deref();
        event.rewrite(
            |personal, text| match personal {
                Personal::UserDirectory => Some(self.key.user_directory(text).into()),
                Personal::UserId => Some(self.key.user_id(directory, text).into()),
                Personal::Account => Some(self.account(text).into()),
                Personal::Path => path::remaining(text, &both).map(Cow::Borrowed),
                Personal::SharedName => (!id.are_in(text)).then_some(Cow::Borrowed(text)),
                Personal::Text => (!both.are_in(text)).then_some(Cow::Borrowed(text)),
                Personal::FreeText => None,
            },
            |client| replace_client(client, &both),
        );
    }

    /// A user as `DIRECTORY\id`, with pseudonyms for both.
    fn account(&self, account: &str) -> String {
        match account.split_once('\\') {
            Some((directory, id)) => {
                let id = self.key.user_id(Some(directory), id);
                format!("{}\\{id}", self.key.user_directory(directory))
            }
            None => self.key.user_id(None, account),
        }
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
                if let Some(client) = &mut session.client {
                    replace_client(client, &both);
                }
                without_names(&mut session.apps);
                without_names(&mut session.open_apps);
            }
            DerivedKind::ConnectionSummary(connection, _) => {
                without(&mut connection.session_id, &both);
                without(&mut connection.virtual_proxy, &id);
                if let Some(client) = &mut connection.client {
                    replace_client(client, &both);
                }
                without_names(connection.app.as_mut_slice());
            }
        }
        let directory = subject.user_directory.as_deref();
        let user_id = self.key.user_id(directory, &subject.user_id);
        subject.user_directory = directory.map(|it| self.key.user_directory(it).into());
        subject.user_id = user_id.into();
    }
}

/// The names of a user: once only those of the id, because prefixes and apps are often named after the directory, and
/// once those of both.
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

/// Removes the browser if its name or version, which may be the sender's own words, names the user.
fn replace_client(client: &mut Arc<UserAgent>, names: &Names) {
    let named = [&client.browser_name, &client.browser_version];
    if named.into_iter().flatten().any(|text| names.are_in(text)) {
        *client = Arc::new(UserAgent {
            browser_name: None,
            browser_version: None,
            ..client.as_ref().clone()
        });
    }
}

impl FunctionTransform for Pseudonymize {
    fn transform(&mut self, output: &mut OutputBuffer, mut event: Event) {
        self.replace(&mut event);
        output.push(event);
    }
}
