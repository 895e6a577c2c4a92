//! The role of a field for a host, whatever its name in a schema.

use super::{Schema, field};

/// A field that hosts and their transforms must find in any event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// When it happened.
    Timestamp,
    /// The Qlik Sense node, or the sender of an undecoded payload.
    Host,
    /// The main text for people.
    Message,
    /// The directory of the user.
    UserDirectory,
    /// The user's id in the directory.
    UserId,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[
        Self::Timestamp,
        Self::Host,
        Self::Message,
        Self::UserDirectory,
        Self::UserId,
    ];
}

impl Schema {
    /// The field with a role, as named in [`Schema::fields`]; `None` if the schema has none.
    #[must_use]
    pub const fn field_of(self, role: Role) -> Option<&'static str> {
        let field = match role {
            Role::Timestamp => field::TIMESTAMP,
            Role::Host => field::HOST,
            Role::Message => field::MESSAGE,
            Role::UserDirectory => field::USER_DIRECTORY,
            Role::UserId => field::USER_ID,
        };
        Some(match (self, role) {
            (Self::Default, _) => field.default,
            (Self::Ecs, _) => field.ecs,
            (Self::ButlerSos, Role::Timestamp) => return None,
            (Self::ButlerSos, Role::Host) => "host",
            (Self::ButlerSos, Role::Message) => "message",
            (Self::ButlerSos, Role::UserDirectory) => "userDir",
            (Self::ButlerSos, Role::UserId) => "userId",
        })
    }

    /// The fields that may contain the kind of the event; each event has one of them.
    #[cfg(feature = "linked")]
    pub(crate) const fn fields_of_kind(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[field::EVENT.default],
            Self::Ecs => &[field::EVENT.ecs],
            Self::ButlerSos => &["messageType", "source"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host that keeps the time separately skips the first field.
    #[test]
    fn the_time_is_the_first_field() {
        for &schema in Schema::ALL {
            let time = schema.field_of(Role::Timestamp);
            let first = schema.fields().first();
            assert!(time.is_none_or(|time| first == Some(&time)), "{schema}");
        }
    }

    #[test]
    fn every_role_is_a_field_of_the_schema() {
        for &schema in Schema::ALL {
            for field in Role::ALL
                .iter()
                .copied()
                .filter_map(|role| schema.field_of(role))
            {
                assert!(schema.fields().contains(&field), "{schema} {field}");
            }
        }
    }
}
