//! Helpers of several of these tests.

#[path = "../support/events.rs"]
mod events;
#[path = "../support/golden.rs"]
pub mod golden;
#[path = "../support/native_log.rs"]
pub mod native_log;
#[path = "../support/pipeline.rs"]
pub mod pipeline;

pub use events::every_event;
