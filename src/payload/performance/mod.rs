//! Performance events, the rows of the QIX performance log: a request to the engine, with its user, time and memory.
//!
//! A row has 26 fields, none of them free text: the header, then the user, the app, the method, five times, the object
//! and two sizes. A `;` can only come from a user id, an app or object id that is not a guid, or an object type.
//! `surplus.rs` uses the fields between them to find out which.

mod event;
mod grammar;
mod surplus;

pub use self::event::PerformanceEvent;
pub(super) use self::event::PerformancePayload;
use super::{Payload, family::Token, split::decode_error};

/// The type token of performance events.
pub(super) const TOKENS: &[Token] = &[Token {
    text: "/qseow-qix-perf/",
    read: |text, input, _| {
        let parsed = grammar::performance(input);
        let (_, fields) = parsed.map_err(decode_error(text, "object_type"))?;
        let performance = PerformancePayload::new(text, &fields);
        Ok(Payload::Performance(Box::new(performance)))
    },
}];
