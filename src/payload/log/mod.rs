//! Log events: the rows that engine, proxy, repository and scheduler write to their logs.
//!
//! After the header comes free text (the message and, except in the engine's rows, an exception), and then a tail of
//! fields. A `;` in free text is not escaped. A row with exactly as many `;` as its layout is split at each. For a row
//! with more, `surplus.rs` finds every reading in which each field has a possible value; text on which the readings
//! disagree is kept whole.

mod event;
mod grammar;
mod layout;
mod shapes;
mod surplus;

pub(super) use self::event::LogPayload;
pub use self::event::{LogEvent, Refusal};
use self::layout::Layout;
use super::{DecodeError, Payload, family::Token, split::decode_error};

/// The type tokens of log events.
pub(super) const TOKENS: &[Token] = &[
    Token {
        text: "/qseow-engine/",
        read: |text, input, _| read(text, input, &layout::ENGINE),
    },
    Token {
        text: "/qseow-proxy/",
        read: |text, input, _| read(text, input, &layout::PROXY),
    },
    Token {
        text: "/qseow-repository/",
        read: |text, input, _| read(text, input, &layout::REPOSITORY),
    },
    Token {
        text: "/qseow-scheduler/",
        read: |text, input, _| read(text, input, &layout::SCHEDULER),
    },
];

fn read(text: &str, input: &str, layout: &'static Layout) -> Result<Payload, DecodeError> {
    let last_field = layout.fields[layout.fields.len() - 1].as_str();
    let parsed = grammar::log(layout, input);
    let (_, fields) = parsed.map_err(decode_error(text, last_field))?;
    let log = LogPayload::new(text, layout, &fields);
    Ok(Payload::Log(Box::new(log)))
}
