//! Puts tokens in the place of users, so that who follows events cannot tell who they are.

mod config;
mod key;
mod mention;

pub use self::{
    config::{KeySource, PseudonymizeConfig, PseudonymizeError, Secret},
    key::{Key, MIN_KEY_BYTES, TOKEN_CHARACTERS},
};
use super::{FunctionTransform, OutputBuffer};
use crate::event::{Event, UserEvent};

/// The pseudonymize transform: user directory and id become keyed hashes, and free text that may name
/// the user goes with them.
///
/// The same user always has the same token, whatever its case, as long as the key is the same. Of an
/// event of a user the message is left out, and of the context what follows the path; of a payload
/// that could not be decoded, the text. A path or a user agent that has the directory or the id as a word
/// is left out too. Node, app, browser and system stay.
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
            Event::Derived(event) => {
                let id = &event.subject.user_id;
                let virtual_proxy = event.kind.virtual_proxy_mut();
                if virtual_proxy
                    .as_deref()
                    .is_some_and(|it| mention::mentions(it, id))
                {
                    *virtual_proxy = None;
                }
                let subject = &mut event.subject;
                let directory = subject.user_directory.as_deref();
                let id = self.key.user_id(directory, &subject.user_id);
                subject.user_directory = directory.map(|it| self.key.user_directory(it).into());
                subject.user_id = id.into();
            }
        }
    }

    fn replace_user(&self, event: &mut UserEvent) {
        let directory = event.user_directory();
        let id = event.user_id().map(|id| self.key.user_id(directory, id));
        let directory = directory.map(|directory| self.key.user_directory(directory));
        event.replace_user(directory.as_deref(), id.as_deref(), mention::mentions);
    }
}

impl FunctionTransform for Pseudonymize {
    fn transform(&mut self, output: &mut OutputBuffer, mut event: Event) {
        self.replace(&mut event);
        output.push(event);
    }
}
