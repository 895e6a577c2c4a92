//! User events, from the audit log of the Qlik Sense proxy: sessions start and stop, connections open and close.
//!
//! The standard appender sends eight fields: `type;host;command;user directory;user id;origin;context;message`. The
//! extended appender sends four more after the host: `time;row number;session id;result`. They come before everything
//! that a user can influence, such as the context, so that a `;` there cannot shift them. The message comes last in
//! both. It is the whole rest and may contain `;`, quotes and line breaks.

mod action;
mod extension;
mod fields;
mod grammar;
pub mod message;
mod user_agent;

pub(super) use self::fields::UserPayload;
pub use self::{
    action::{ConnectionAction, SessionAction},
    fields::UserEvent,
    user_agent::{DEFAULT_CACHE_BYTES, MAX_PARSED_BYTES, UserAgent, UserAgentCache},
};
use super::{
    DecodeError, Payload,
    family::{Family, Read, Token},
    split::decode_error,
};

/// The type tokens of user events.
pub(super) const TOKENS: &[Token] = &[
    token("/qseow-proxy-session/", |text, input, agents| {
        read(text, input, Family::Session, false, agents)
    }),
    token("/qseow-proxy-connection/", |text, input, agents| {
        read(text, input, Family::Connection, false, agents)
    }),
    token("/proxy-session/", |text, input, agents| {
        read(text, input, Family::Session, false, agents)
    }),
    token("/proxy-connection/", |text, input, agents| {
        read(text, input, Family::Connection, false, agents)
    }),
    token("/qlik-sense-session/2/", |text, input, agents| {
        read(text, input, Family::Session, true, agents)
    }),
    token("/qlik-sense-connection/2/", |text, input, agents| {
        read(text, input, Family::Connection, true, agents)
    }),
];

const fn token(text: &'static str, read: Read) -> Token {
    Token { text, read }
}

fn read(
    text: &str,
    input: &str,
    family: Family,
    is_extended: bool,
    user_agents: &UserAgentCache,
) -> Result<Payload, DecodeError> {
    let parsed = grammar::fields(input, is_extended);
    let (_, fields) = parsed.map_err(decode_error(text, "message"))?;
    Ok(Payload::User(UserPayload::new(
        text,
        &fields,
        family,
        user_agents,
    )))
}
