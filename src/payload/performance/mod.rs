//! Performance events: what the engine did for whom, how long it took and how much memory. The QIX performance log.
//!
//! 26 fields, of which none is free text: the header, then who asked, for which app, which method, five times, the
//! object and two sizes. A `;` can only come from a user's id, an app or object that is no guid, or an object's type;
//! `surplus.rs` finds which one by what stands between them.

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
