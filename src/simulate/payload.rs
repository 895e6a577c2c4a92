//! The payload of an event, field by field, in the format of the appender's layout.

use super::context::NOT_AVAILABLE;
use super::extended::Extension;
use crate::event::{ConnectionAction, SessionAction};

/// What happened, as the proxy's appenders report it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Session(SessionAction),
    Connection(ConnectionAction),
}

/// The fields of a payload, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Payload<'a> {
    pub(super) type_token: &'a str,
    pub(super) host: &'a str,
    /// The fields that only the extended appender sends.
    pub(super) extension: Option<Extension<'a>>,
    pub(super) command: &'a str,
    pub(super) directory: &'a str,
    pub(super) user_id: &'a str,
    pub(super) origin: &'a str,
    pub(super) context: &'a str,
    pub(super) message: &'a str,
    /// More text in the message, before the user agent.
    pub(super) note: &'a str,
    pub(super) user_agent: Option<&'a str>,
    /// What log4net appends if the event has an exception.
    pub(super) exception: &'a str,
}

impl Action {
    /// The same with an unknown command.
    pub(super) fn unknown(self) -> Self {
        match self {
            Self::Session(_) => Self::Session(SessionAction::Other),
            Self::Connection(_) => Self::Connection(ConnectionAction::Other),
        }
    }

    pub(super) fn type_token(self) -> &'static str {
        match self {
            Self::Session(_) => "/qseow-proxy-session/",
            Self::Connection(_) => "/qseow-proxy-connection/",
        }
    }

    /// The type token of the extended appender.
    pub(super) fn extended_type_token(self) -> &'static str {
        match self {
            Self::Session(_) => "/qlik-sense-session/2/",
            Self::Connection(_) => "/qlik-sense-connection/2/",
        }
    }

    /// The type token of appenders from before 2022.
    pub(super) fn legacy_type_token(self) -> &'static str {
        match self {
            Self::Session(_) => "/proxy-session/",
            Self::Connection(_) => "/proxy-connection/",
        }
    }

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Session(SessionAction::Start) => "Start session",
            Self::Session(SessionAction::Stop) => "Stop session",
            Self::Session(SessionAction::Other) => "Sync session",
            Self::Connection(ConnectionAction::Open) => "Open connection",
            Self::Connection(ConnectionAction::Close) => "Close connection",
            Self::Connection(ConnectionAction::Other) => "Sync connection",
        }
    }

    pub(super) fn origin(self) -> &'static str {
        match self {
            Self::Session(_) => NOT_AVAILABLE,
            Self::Connection(_) => "AppAccess",
        }
    }

    /// The known part of the message, which the appenders' filters look for.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Session(SessionAction::Stop) => "Stop session for user",
            Self::Session(_) => "Start session for user",
            Self::Connection(ConnectionAction::Close) => "Websocket connection Closed for session",
            Self::Connection(_) => "Websocket connection Opened for session",
        }
    }
}

impl Payload<'_> {
    /// Appends the payload to `datagram`, in UTF-8 and without a newline at the end.
    pub(super) fn write(&self, datagram: &mut Vec<u8>) {
        for field in [self.type_token, self.host] {
            datagram.extend_from_slice(field.as_bytes());
            datagram.push(b';');
        }
        if let Some(extension) = self.extension {
            extension.write(datagram);
        }
        for field in [
            self.command,
            self.directory,
            self.user_id,
            self.origin,
            self.context,
        ] {
            datagram.extend_from_slice(field.as_bytes());
            datagram.push(b';');
        }
        datagram.extend_from_slice(self.message.as_bytes());
        datagram.extend_from_slice(self.note.as_bytes());
        if let Some(user_agent) = self.user_agent {
            datagram.extend_from_slice(b"; UserAgent: '");
            datagram.extend_from_slice(user_agent.as_bytes());
            datagram.push(b'\'');
        }
        datagram.extend_from_slice(self.exception.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_in_qliks_format() {
        let action = Action::Connection(ConnectionAction::Open);
        let mut datagram = Vec::new();
        Payload {
            type_token: action.type_token(),
            host: "pro2-win1",
            extension: None,
            command: action.command(),
            directory: "LAB",
            user_id: "goran",
            origin: "AppAccess",
            context: "/app/engineData",
            message: action.message(),
            note: "",
            user_agent: Some("curl/8.4.0"),
            exception: "",
        }
        .write(&mut datagram);
        assert_eq!(
            String::from_utf8_lossy(&datagram),
            "/qseow-proxy-connection/;pro2-win1;Open connection;LAB;goran;AppAccess;/app/engineData;\
             Websocket connection Opened for session; UserAgent: 'curl/8.4.0'"
        );
    }
}
