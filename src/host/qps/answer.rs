//! A proxy's response, read as a stream: how many sessions each user has.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    fmt,
    hash::BuildHasher as _,
    io::{BufReader, Read},
};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::transform::sessions::ListedUser;

/// The most sessions that are read from one proxy.
pub const MAX_SESSIONS: usize = 200_000;

/// The sessions of one proxy, across all its virtual proxies.
#[derive(Debug, Default)]
pub(super) struct Counting {
    users: HashMap<(Option<Box<str>>, Box<str>), u32>,
    /// Hashes of session ids, under a key that only this answer uses. They recognise a session that two virtual proxies
    /// list.
    ids: HashSet<u64>,
    hasher: RandomState,
    sessions: usize,
    /// More sessions are listed than are read.
    has_too_many: bool,
}

impl Counting {
    /// Adds the response of a virtual proxy, and returns how many sessions it lists.
    ///
    /// # Errors
    ///
    /// When it is not a list of sessions.
    pub(super) fn read(&mut self, body: impl Read) -> serde_json::Result<usize> {
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(body));
        let listed = json.deserialize_seq(Sessions(self))?;
        json.end()?;
        Ok(listed)
    }

    pub(super) const fn has_too_many(&self) -> bool {
        self.has_too_many
    }

    pub(super) fn into_users(self) -> Vec<ListedUser> {
        let users = self.users.into_iter();
        users
            .map(|((user_directory, user_id), sessions)| ListedUser {
                user_directory,
                user_id,
                sessions,
            })
            .collect()
    }

    fn add(&mut self, session: Session) {
        if session.id.is_some_and(|id| !self.ids.insert(id)) {
            return;
        }
        self.sessions += 1;
        if self.sessions > MAX_SESSIONS {
            self.has_too_many = true;
            return;
        }
        // A session without a user is one that nobody has logged in to yet.
        if let Some(user_id) = session.user_id {
            let sessions = self.users.entry((session.user_directory, user_id));
            *sessions.or_default() += 1;
        }
    }
}

struct Sessions<'c>(&'c mut Counting);

impl<'de> Visitor<'de> for Sessions<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of sessions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<usize, A::Error> {
        let mut listed = 0;
        while let Some(session) = seq.next_element_seed(SessionSeed(&self.0.hasher))? {
            listed += 1;
            self.0.add(session);
        }
        Ok(listed)
    }
}

/// The parts of a session that are read.
#[derive(Default)]
struct Session {
    user_directory: Option<Box<str>>,
    user_id: Option<Box<str>>,
    /// The hash of the session's id.
    id: Option<u64>,
}

struct SessionSeed<'h>(&'h RandomState);

impl<'de> DeserializeSeed<'de> for SessionSeed<'_> {
    type Value = Session;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Session, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SessionSeed<'_> {
    type Value = Session;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session")
    }

    /// Keys are compared without regard to case, because releases of Qlik Sense differ.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Session, A::Error> {
        let mut session = Session::default();
        while let Some(key) = map.next_key::<String>()? {
            let is = |name: &str| key.eq_ignore_ascii_case(name);
            if is("userdirectory") {
                session.user_directory = text(map.next_value()?);
            } else if is("userid") {
                session.user_id = text(map.next_value()?);
            } else if is("sessionid") {
                session.id = map.next_value_seed(IdSeed(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(session)
    }
}

fn text(text: Option<Box<str>>) -> Option<Box<str>> {
    text.filter(|text| !text.is_empty())
}

/// Hashes a text without keeping it.
struct IdSeed<'h>(&'h RandomState);

impl<'de> DeserializeSeed<'de> for IdSeed<'_> {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for IdSeed<'_> {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a session")
    }

    fn visit_none<E>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E>(self, id: &str) -> Result<Option<u64>, E> {
        Ok((!id.is_empty()).then(|| self.0.hash_one(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(answers: &[&str]) -> Vec<(String, u32)> {
        let mut counting = Counting::default();
        for answer in answers {
            counting.read(answer.as_bytes()).expect("sessions");
        }
        let users = counting.into_users().into_iter();
        let mut users: Vec<_> = users
            .map(|user| {
                let directory = user.user_directory.as_deref().unwrap_or_default();
                (format!("{directory}\\{}", user.user_id), user.sessions)
            })
            .collect();
        users.sort();
        users
    }

    #[test]
    fn keys_may_be_of_either_case_and_values_absent() {
        let goran = |sessions| vec![(r"LAB\goran".to_owned(), sessions)];
        for answer in [
            r#"[{"UserDirectory":"LAB","UserId":"goran","Attributes":[{"group":"sales"},{"group":""}],"SessionId":"a"}]"#,
            r#"[{"userDirectory":"LAB","userId":"goran","attributes":[],"sessionId":"a","userName":null}]"#,
            r#"[{"USERID":"goran","userdirectory":"LAB","SessionId":null}]"#,
            r#"[{"UserId":"goran","UserDirectory":"LAB"},{"UserId":null,"UserDirectory":"LAB"},{}]"#,
            "[{\"UserId\":\"\",\"SessionId\":\"b\"},{\"UserId\":\"g\\u006fran\",\"UserDirectory\":\"LAB\"}]\r\n",
        ] {
            assert_eq!(users(&[answer]), goran(1), "{answer}");
        }
        assert_eq!(users(&["[]"]), []);
        let no_directory = r#"[{"UserId":"goran","UserDirectory":null}]"#;
        assert_eq!(users(&[no_directory]), [("\\goran".to_owned(), 1)]);
    }

    #[test]
    fn a_session_that_two_virtual_proxies_list_counts_once() {
        let [one, other] = ["a", "b"].map(|id| {
            format!(r#"[{{"UserDirectory":"LAB","UserId":"goran","SessionId":"{id}"}}]"#)
        });
        assert_eq!(users(&[&one, &one]), [(r"LAB\goran".to_owned(), 1)]);
        assert_eq!(users(&[&one, &other]), [(r"LAB\goran".to_owned(), 2)]);
    }
}
